//! One input → nothing, or a fault: what fuzz targets and the smoke test do with each.

use probebook_ebpf::Error;
use probebook_ebpf::live::LiveTracer;
use probebook_ebpf::tracer::{Options, Refusal, Tracer};
use probebook_lang::diagnostic::{Style, render};
use probebook_lang::environment::Environment;
use probebook_lang::format::{Refusal as FormatRefusal, format};
use probebook_lang::host::FixedHost;
use probebook_lang::query::completeness;
use probebook_lang::source::Source;

use crate::host;

/// Lexer and parser, and what needs no more: completeness and layout.
///
/// # Panics
/// Where the program under test does, and where laying out would change a program.
pub fn parse(text: &str) {
    let source = Source::new("fuzz", text);
    completeness(text);
    match format(&source) {
        Ok(once) => {
            let twice = format(&Source::new("fuzz", once.clone()));
            assert_eq!(twice.as_ref(), Ok(&once), "layout does not settle");
        }
        Err(FormatRefusal::Program(_)) => {}
        Err(FormatRefusal::WouldChange) => panic!("layout would change the program"),
    }
}

/// Everything up to IR, against a machine that never changes, and the rendering of what is wrong.
///
/// # Panics
/// Where the program under test does.
pub fn check(text: &str, host: &FixedHost) {
    let source = Source::new("fuzz", text);
    let compiled = probebook_lang::compile(&source, host, &Environment::default());
    let diagnostics = compiled.map_or_else(|diagnostics| diagnostics, |compiled| compiled.warnings);
    render(&source, &diagnostics, Style::Plain);
}

/// [`parse`] and [`check`].
///
/// # Panics
/// As both.
pub fn read(text: &str) {
    thread_local! {
        static HOST: FixedHost = host::fixed();
    }
    parse(text);
    HOST.with(|host| check(text, host));
}

/// Why a program was not loaded.
#[derive(Debug)]
pub enum Fault {
    /// The compiler refuses it, as rendered.
    Program(String),
    /// The verifier gave up: it walks a `while` as often as it runs, and both ways at each branch in it, so
    /// that no checker can tell beforehand.
    TooLong,
    /// The compiler accepts it and Linux refuses it.
    Machine(String),
}

/// Compiles, loads and attaches programs on this machine.
pub struct Loader(LiveTracer);

impl Default for Loader {
    fn default() -> Self {
        Self::new()
    }
}

impl Loader {
    /// Reads facts about the machine once.
    pub fn new() -> Self {
        Self(LiveTracer::new())
    }

    /// Compiles, loads, attaches, detaches.
    ///
    /// # Errors
    /// [`Fault`]
    pub fn load(&mut self, text: &str) -> Result<(), Fault> {
        let source = Source::new("fuzz", text);
        let started = self.0.start(&source, &Options::default());
        let result = started.map(drop).map_err(|refusal| match refusal {
            Refusal::Program(diagnostics) => Fault::Program(render(&source, &diagnostics, Style::Plain)),
            Refusal::Machine(Error::Verifier { diagnostic, .. })
                if diagnostic.message.contains("million steps") =>
            {
                Fault::TooLong
            }
            Refusal::Machine(Error::Verifier { diagnostic, log }) => {
                Fault::Machine(format!("{}{log}", render(&source, &[*diagnostic], Style::Plain)))
            }
            Refusal::Machine(error) => Fault::Machine(error.to_string()),
        });
        self.0.reset(None);
        result
    }
}
