//! The C part of programs, and headers → [`CPart`]: what they declare and define.
//!
//! ```text
//! text → Token → (preprocess: # lines, macros) → Token → Declaration
//! ```
//!
//! *Not here:* sizes and offsets (`crate::declare`), which files there are (`super::gather`).

pub mod constant;
mod declaration;
mod expand;
mod expression;
mod preprocess;
mod token;
pub mod tree;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Span};

pub use declaration::Skipped;
pub use preprocess::Files;
pub(super) use token::{declaration_length, line_length};

/// A text that C is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// A whole header.
    Header(FileId),
    /// The C part of a program.
    Part {
        /// Whose.
        file: FileId,
        /// Its lines and declarations.
        pieces: Vec<Span>,
        /// Of an earlier cell: what comes later replaces it.
        is_earlier: bool,
    },
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The program itself, or one that it imports.
    Own,
    /// An earlier cell.
    Earlier,
    /// A header.
    Header,
}

/// What `#define` defines, as far as bpftrace code can use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Define {
    /// Where the name stands in its definition.
    pub name: Span,
    /// What it stands for; may be empty.
    pub body: Span,
    /// Whether it has parameters, so that it cannot be used outside C.
    pub has_parameters: bool,
}

/// Everything that the C part and its headers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CPart {
    /// In order.
    pub declarations: Vec<(Origin, tree::Declaration)>,
    /// By name.
    pub defines: BTreeMap<String, Define>,
    /// What could not be read in headers.
    pub skipped: Vec<Skipped>,
    /// What could not be read in programs.
    pub faults: Vec<Skipped>,
}

/// Follows all `#` lines; gives nothing, but asks `files` for all headers that reading will need.
pub fn follow(texts: &[Text], files: &mut dyn Files) {
    preprocess(texts, files);
}

/// Reads texts one after the other.
pub fn read(texts: &[Text], files: &mut dyn Files) -> (CPart, Vec<Diagnostic>) {
    let earlier = |text: &Text| match text {
        Text::Part { file, is_earlier: true, .. } => Some(*file),
        _ => None,
    };
    let own = |text: &Text| match text {
        Text::Part { file, is_earlier: false, .. } => Some(*file),
        _ => None,
    };
    let earlier: BTreeSet<FileId> = texts.iter().filter_map(earlier).collect();
    let own: BTreeSet<FileId> = texts.iter().filter_map(own).collect();
    let (tokens, macros, mut diagnostics) = preprocess(texts, files);
    let source = files.source();
    diagnostics.retain(|diagnostic| !earlier.contains(&source.file_id(diagnostic.span.start)));
    let (declarations, skipped) = declaration::Cursor::new(&tokens, Span::default()).declarations();
    let origin = |span: Span| match source.file_id(span.start) {
        file if own.contains(&file) => Origin::Own,
        file if earlier.contains(&file) => Origin::Earlier,
        _ => Origin::Header,
    };
    let (faults, skipped) = skipped.into_iter().partition(|skipped| origin(skipped.span) == Origin::Own);
    let defines = macros.into_iter().filter(|(_, definition)| definition.name != Span::default());
    let define = |definition: expand::Macro| Define {
        name: definition.name,
        body: definition.place,
        has_parameters: definition.parameters.is_some(),
    };
    let part = CPart {
        declarations: declarations.into_iter().map(|one| (origin(one.span()), one)).collect(),
        defines: defines.map(|(name, definition)| (name.to_string(), define(definition))).collect(),
        skipped,
        faults,
    };
    (part, diagnostics)
}

type Preprocessed =
    (Vec<token::Token>, std::collections::HashMap<std::rc::Rc<str>, expand::Macro>, Vec<Diagnostic>);

fn preprocess(texts: &[Text], files: &mut dyn Files) -> Preprocessed {
    let mut preprocessor = preprocess::Preprocessor::new(files);
    for text in texts {
        match text {
            Text::Header(file) => preprocessor.header(*file),
            Text::Part { file, pieces, .. } => preprocessor.pieces(*file, pieces),
        }
    }
    preprocessor.finish()
}
