//! text → the same program, laid out as bpftrace's own formatter would.
//!
//! Works on tokens, not on the tree: what the grammar learns later is formatted without more code, and no
//! comment can be lost.
//!
//! *Invariant:* the words of the program and its comments are those of the input, in the same order; formatted
//! text formats to itself.

mod page;
mod print;
mod space;
#[cfg(test)]
mod tests;
mod word;

use std::fmt;

use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Parameters;
use crate::source::Source;
use crate::syntax::{Parsed, parse_cell};

/// Lines are broken rather than longer than this, where they can be.
const WIDTH: usize = 80;

/// How far a block is set in.
const INDENT: usize = 2;

/// Why a text stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no program: all that is wrong with it.
    Program(Vec<Diagnostic>),
    /// Laid out, it would have been read differently: a fault of ours.
    WouldChange,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program(_) => write!(f, "what is no program cannot be laid out"),
            Self::WouldChange => write!(f, "laid out, it would mean something else; nothing was changed"),
        }
    }
}

/// Lays out a program. Types and names are not looked at.
///
/// # Errors
/// [`Refusal`]; then the text should stay untouched.
pub fn format(source: &Source) -> Result<String, Refusal> {
    let parsed = parse_cell(source, &Parameters::default());
    // Parameters are not known here.
    let is_fault = |d: &&Diagnostic| d.is_error() && d.code != Code::MissingParameter;
    let faults: Vec<Diagnostic> = parsed.diagnostics.iter().filter(is_fault).cloned().collect();
    if !faults.is_empty() {
        return Err(Refusal::Program(faults));
    }
    let formatted = print::print(source, &word::words(source, &parsed));
    let after = Source::new(source.name(), formatted);
    let reparsed = parse_cell(&after, &Parameters::default());
    if content(source, &parsed).eq(content(&after, &reparsed)) {
        Ok(after.text().to_owned())
    } else {
        Err(Refusal::WouldChange)
    }
}

/// Everything but white space, which may stand also in and around comments and C declarations.
fn content<'a>(source: &'a Source, parsed: &'a Parsed) -> impl Iterator<Item = &'a str> {
    parsed
        .tokens
        .iter()
        .flat_map(|token| source.slice(token.span).lines())
        .map(str::trim)
        .filter(|s| !s.is_empty())
}
