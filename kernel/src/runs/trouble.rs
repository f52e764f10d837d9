//! what goes wrong while a program runs → a [`Diagnostic`] at its place.

use probebook_ebpf::event::Failure;
use probebook_lang::diagnostic::{Code, Diagnostic};
use probebook_lang::source::Span;

/// The warning that a reader sees.
pub fn trouble(
    message: String,
    help: Option<String>,
    helper: Option<&Failure>,
    span: Span,
    times: u64,
) -> Diagnostic {
    let mut diagnostic = Diagnostic::warning(Code::Runtime, span, message);
    if let Some(Failure { helper, code, error }) = helper {
        diagnostic = diagnostic.note(format!("{helper} returned {code} ({error})"));
    }
    if times > 1 {
        diagnostic = diagnostic.note(format!("it happened {times} times"));
    }
    match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
