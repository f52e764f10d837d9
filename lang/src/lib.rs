//! The bpftrace language: source text in, IR or diagnostics out.
#![doc = include_str!("../README.md")]

pub mod builtins;
pub mod check;
pub mod config;
pub mod declare;
pub mod diagnostic;
pub mod environment;
pub mod expand;
pub mod format;
pub mod host;
pub mod ir;
pub mod lower;
pub mod opt;
pub mod printf;
pub mod probes;
pub mod query;
pub mod source;
pub mod structures;
pub mod syntax;
pub mod typed;
pub mod types;

use diagnostic::{Diagnostic, Label};
use environment::{Defined, Environment, Known};
use host::Host;
use source::{Source, Span};
use syntax::ast::Use;

/// The stack of a thread that reads or compiles programs: trees are walked by recursion, and may be as deep as
/// the parser lets them. Only what is used of it is ever memory.
pub const STACK: usize = 256 << 20;

/// A program that was accepted.
#[derive(Debug)]
pub struct Compiled {
    /// Optimised and verified.
    pub module: ir::Module,
    /// The map that a bare `@map` in last place names; its result is the map itself.
    pub result: Option<ir::MapId>,
    /// Whether later cells can use what it declares.
    pub declares: bool,
    /// The macros and functions it defines, for [`Environment::define`].
    pub defined: Defined,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// The options that a program reads with `getopt`, by name.
pub fn options(
    source: &Source,
    host: &dyn Host,
    environment: &Environment,
) -> std::collections::BTreeMap<String, typed::ProgramOption> {
    let (program, _) = syntax::parse(source, &environment.parameters);
    check::check(&program, host, environment).0.options
}

/// The whole way from text to IR: parse, check, lower, optimise.
///
/// Reads no files: those that the program names are to be in the source already ([`syntax::load`]).
///
/// # Errors
/// All diagnostics, warnings included, if at least one is an error.
pub fn compile(
    source: &Source,
    host: &dyn Host,
    environment: &Environment,
) -> Result<Compiled, Vec<Diagnostic>> {
    let (program, mut diagnostics) = syntax::parse(source, &environment.parameters);
    let (typed, checked) = check::check(&program, host, environment);
    diagnostics.extend(checked);
    diagnostics.iter_mut().for_each(|diagnostic| tell_uses(diagnostic, &program.uses));
    if diagnostics.iter().any(Diagnostic::is_error) {
        diagnostics.sort_by_key(|d| (std::cmp::Reverse(d.severity), d.span));
        return Err(diagnostics);
    }
    let mut module = lower::lower(&typed, &structures::Structures::new(host, &typed.declared));
    opt::optimise(&mut module);
    let text = std::sync::Arc::new(source.clone());
    let declares = !program.c.is_empty() || !program.imports.is_empty();
    let defined =
        Defined { macros: known(program.macros, &text), functions: known(program.functions, &text) };
    Ok(Compiled { module, result: typed.result_map, declares, defined, warnings: diagnostics })
}

fn known<T>(definitions: Vec<T>, text: &std::sync::Arc<Source>) -> Vec<Known<T>> {
    definitions.into_iter().map(|definition| Known { definition, source: text.clone() }).collect()
}

/// How many uses of definitions a diagnostic shows.
const MOST_USES: usize = 4;

/// What is wrong in the body of a `#define` is so where its name is used: shows where that is.
fn tell_uses(diagnostic: &mut Diagnostic, uses: &[Use]) {
    if diagnostic.of.is_some() {
        return;
    }
    let mut shown = vec![diagnostic.span];
    while let Some(one) = uses.iter().find(|one| {
        let is_inside = |span: &Span| one.body.start <= span.start && span.end <= one.body.end;
        !shown.contains(&one.span) && shown.iter().any(is_inside)
    }) {
        if shown.len() > MOST_USES {
            break;
        }
        shown.push(one.span);
        let text = format!("`{}` is used here", one.name);
        diagnostic.labels.push(Label { span: one.span, text, of: None });
    }
}
