//! What is wrong with the user's program: [`Diagnostic`] values, collected by every stage and rendered once
//! at the edge by [`render`].
//!
//! *Not here:* what the machine refuses (`probebook_ebpf::Error`).

mod code;
mod render;
pub(crate) mod suggest;

pub use code::Code;
pub use render::{Style, render};

use std::sync::Arc;

use crate::source::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The program runs, but probably not as meant.
    Warning,
    /// The program does not run.
    Error,
}

/// A secondary place with its explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What there is to see.
    pub text: String,
    /// The text it lies in, if that is not the program: that of an earlier cell.
    pub of: Option<Arc<Source>>,
}

/// One complaint about the program, at a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The stable name of the complaint.
    pub code: Code,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// The place the caret goes under.
    pub span: Span,
    /// The text it lies in, if that is not the program.
    pub of: Option<Arc<Source>>,
    /// A few words beside the caret; empty for none.
    pub label: String,
    /// Further places.
    pub labels: Vec<Label>,
    /// Facts that explain.
    pub notes: Vec<String>,
    /// What to do.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message.into())
    }

    /// A warning at `span`.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message.into())
    }

    fn new(severity: Severity, code: Code, span: Span, message: String) -> Self {
        Self {
            severity,
            code,
            message,
            span,
            of: None,
            label: String::new(),
            labels: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// Adds the words beside the caret.
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Adds a second place.
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into(), of: None });
        self
    }

    /// Adds a fact.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds what to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }

    /// Whether the program cannot run because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
