//! text → [`Completeness`]: whether Enter runs it or starts another line.

use crate::diagnostic::{Code, Diagnostic};
use crate::environment::Parameters;
use crate::source::Source;
use crate::syntax::parse_cell;
use crate::syntax::token::{Token, TokenKind};

/// Whether a text is a whole cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It can be run.
    Complete,
    /// It ends too early.
    Incomplete {
        /// The blanks that the next line starts with.
        indent: String,
    },
    /// No more text makes it right.
    Invalid,
}

/// Whether the text is a whole cell. What is merely not supported does not count: running says so.
pub fn completeness(text: &str) -> Completeness {
    let parsed = parse_cell(&Source::new("cell", text), &Parameters::default());
    if parsed.is_cut_off {
        return Completeness::Incomplete { indent: "    ".repeat(open_brackets(&parsed.tokens)) };
    }
    let is_fault =
        |d: &Diagnostic| d.is_error() && !matches!(d.code, Code::Unsupported | Code::MissingParameter);
    if parsed.diagnostics.iter().any(is_fault) { Completeness::Invalid } else { Completeness::Complete }
}

/// How many brackets are open at the end.
fn open_brackets(tokens: &[Token]) -> usize {
    tokens.iter().fold(0, |open: usize, token| match token.kind {
        TokenKind::Punct("{" | "(" | "[") => open + 1,
        TokenKind::Punct("}" | ")" | "]") => open.saturating_sub(1),
        _ => open,
    })
}
