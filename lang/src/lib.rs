//! The bpftrace language: source text in, IR or diagnostics out.
#![doc = include_str!("../README.md")]

pub mod builtins;
pub mod check;
pub mod config;
pub mod diagnostic;
pub mod environment;
pub mod expand;
pub mod format;
pub mod host;
pub mod ir;
pub mod lower;
pub mod opt;
pub mod probes;
pub mod query;
pub mod source;
pub mod structures;
pub mod syntax;
pub mod typed;
pub mod types;

use diagnostic::Diagnostic;
use environment::{Environment, KnownMacro};
use host::Host;
use source::Source;

/// A program that was accepted.
#[derive(Debug)]
pub struct Compiled {
    /// Optimised and verified.
    pub module: ir::Module,
    /// The map that a bare `@map` in last place names; its result is the map itself.
    pub result: Option<ir::MapId>,
    /// The macros it defines, for [`Environment::define`].
    pub macros: Vec<KnownMacro>,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
}

/// The whole way from text to IR: parse, check, lower, optimise.
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
    if diagnostics.iter().any(Diagnostic::is_error) {
        diagnostics.sort_by_key(|d| (std::cmp::Reverse(d.severity), d.span));
        return Err(diagnostics);
    }
    let mut module = lower::lower(&typed, &structures::Structures::new(host));
    opt::optimise(&mut module);
    let text = std::sync::Arc::new(source.clone());
    let known = |definition| KnownMacro { definition, source: text.clone() };
    let macros = program.macros.into_iter().map(known).collect();
    Ok(Compiled { module, result: typed.result_map, macros, warnings: diagnostics })
}
