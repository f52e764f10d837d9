//! [`Source`] → [`ast::Program`]: reads the text of a cell.
//!
//! A half-typed cell is normal in a notebook, so reading never fails: there is always a tree, with
//! diagnostics beside it.
//!
//! *Invariant:* spans lie inside the text; the tree is no deeper than the later stages can walk.

pub mod ast;
pub mod c;
mod gather;
mod lexer;
pub(crate) mod literal;
mod parser;
pub mod print;
#[cfg(test)]
mod tests;
pub mod token;

pub use gather::load;
pub(crate) use literal::parameter;
pub(crate) use parser::is_grammar_name;

use crate::diagnostic::Diagnostic;
use crate::environment::Parameters;
use crate::source::{FileId, Source};

/// All that reading a text gives.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The tree.
    pub program: ast::Program,
    /// What is wrong, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The whole text as tokens.
    pub tokens: Vec<token::Token>,
    /// Where tokens start that bind to a neighbour in a way they do not show, in the order of the text.
    pub bonds: Vec<(u32, token::Bond)>,
    /// Whether all that is wrong is that the text ends too early.
    pub is_cut_off: bool,
}

/// Reads a cell alone, without anything that it brings in; `parameters` stand for `$1` and the like in attach points.
pub fn parse_cell(source: &Source, parameters: &Parameters) -> Parsed {
    let own = source.get(FileId::OWN);
    parser::Parser::new(own, own.span(), parameters).parse()
}

/// Reads a program with all that its source holds: imports, headers, what earlier cells declare.
pub fn parse(source: &Source, parameters: &Parameters) -> (ast::Program, Vec<Diagnostic>) {
    gather::gather(source, parameters)
}
