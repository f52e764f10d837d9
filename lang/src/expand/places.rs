//! span → where that is written: [`Places`] tells expanded text from written text.
//!
//! Every expansion of a macro gets a range of offsets of its own, far behind any text, so that the same
//! words expanded twice are two places: a variable of one expansion is not that of another, and a place in
//! an expansion knows the call it comes from, and the call that one comes from.
//!
//! *Invariant:* ranges do not overlap; a call lies in the cell or in an expansion made before.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Label};
use crate::source::{Source, Span};

/// Offsets from here on are expansions; no text is that long.
const FIRST: u32 = 1 << 31;

/// Which expansion a place belongs to; the default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Context(u32);

/// The expansions of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    expansions: Vec<Expansion>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Expansion {
    start: u32,
    end: u32,
    /// Where the macro's definition starts in its text.
    definition: u32,
    text: Option<Arc<Source>>,
    /// What to say of the call.
    words: String,
    call: Span,
}

impl Places {
    /// A range for an expansion, with what to say of its call: what must be added to the definition's offsets to get there. `None` if
    /// there is no room left.
    pub(super) fn add(
        &mut self,
        words: String,
        definition: Span,
        text: Option<&Arc<Source>>,
        call: Span,
    ) -> Option<u32> {
        let start = self.expansions.last().map_or(FIRST, |last| last.end);
        let end = start.checked_add(definition.end - definition.start + 1)?;
        self.expansions.push(Expansion {
            start,
            end,
            definition: definition.start,
            text: text.cloned(),
            words,
            call,
        });
        Some(start.wrapping_sub(definition.start))
    }

    /// The expansion that a place belongs to.
    pub fn context(&self, span: Span) -> Context {
        Context(self.expansions.partition_point(|expansion| expansion.start <= span.start) as u32)
    }

    fn expansion(&self, span: Span) -> Option<&Expansion> {
        let Context(number) = self.context(span);
        self.expansions.get((number as usize).checked_sub(1)?)
    }

    /// The place in its own text, and that text if it is not the cell.
    fn written(&self, span: Span) -> (Span, Option<Arc<Source>>) {
        match self.expansion(span) {
            None => (span, None),
            Some(expansion) => {
                let at = |offset: u32| offset.min(expansion.end) - expansion.start + expansion.definition;
                let start = at(span.start);
                (Span::new(start, at(span.end.max(span.start)).max(start)), expansion.text.clone())
            }
        }
    }

    /// The place in the cell: where it is written, or where what it comes from is called.
    pub fn in_cell(&self, span: Span) -> Span {
        match (self.written(span), self.expansion(span)) {
            ((written, None), _) => written,
            (_, Some(expansion)) => self.in_cell(expansion.call),
            ((written, _), None) => written,
        }
    }

    /// The diagnostic with all places as they are written, and the calls that lead to it.
    pub fn resolve(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        if diagnostic.of.is_some() {
            return diagnostic;
        }
        let mut calls = Vec::new();
        let mut at = diagnostic.span;
        while let Some(expansion) = self.expansion(at) {
            let (span, text) = self.written(expansion.call);
            calls.push(Label { span, text: expansion.words.clone(), of: text });
            at = expansion.call;
        }
        (diagnostic.span, diagnostic.of) = self.written(diagnostic.span);
        for label in &mut diagnostic.labels {
            if label.of.is_none() {
                (label.span, label.of) = self.written(label.span);
            }
        }
        diagnostic.labels.extend(calls);
        diagnostic
    }
}
