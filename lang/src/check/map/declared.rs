//! `let @m = kind(entries);` → what the program says of a map before it is used: [`Declared`].

use super::Value;
use crate::check::{Checker, suggest};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::MapDeclaration;

/// What is declared of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// How its elements are kept.
    pub kind: Kind,
    /// How many there is room for.
    pub entries: u32,
}

/// The kinds that can be declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `hash`
    Hash,
    /// `lruhash`
    LruHash,
    /// `percpuhash`
    PerCpuHash,
    /// `percpulruhash`
    PerCpuLruHash,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Hash, Self::LruHash, Self::PerCpuHash, Self::PerCpuLruHash];

    fn name(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::LruHash => "lruhash",
            Self::PerCpuHash => "percpuhash",
            Self::PerCpuLruHash => "percpulruhash",
        }
    }

    /// Whether the elements used least recently make room where it is full.
    pub fn evicts(self) -> bool {
        matches!(self, Self::LruHash | Self::PerCpuLruHash)
    }

    /// Whether it keeps a value for each CPU, as aggregations need.
    fn is_per_cpu(self) -> bool {
        matches!(self, Self::PerCpuHash | Self::PerCpuLruHash)
    }

    /// The kind that would do for the other sort of values.
    fn counterpart(self) -> Self {
        match self {
            Self::Hash => Self::PerCpuHash,
            Self::LruHash => Self::PerCpuLruHash,
            Self::PerCpuHash => Self::Hash,
            Self::PerCpuLruHash => Self::LruHash,
        }
    }
}

impl Checker<'_> {
    /// Takes up the declarations; of several for one map the last one counts.
    pub(in crate::check) fn declare_maps(&mut self, declarations: &[MapDeclaration]) {
        for declaration in declarations {
            if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == declaration.kind.text) {
                let declared = Declared { kind, entries: declaration.entries };
                self.maps.declared.insert(declaration.name.text.clone(), declared);
            }
        }
    }

    /// Says what is wrong with declarations, once all uses are known.
    pub(in crate::check) fn report_declarations(&mut self, declarations: &[MapDeclaration]) {
        for declaration in declarations {
            let MapDeclaration { name, kind: word, span, .. } = declaration;
            let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == word.text) else {
                self.unknown_kind(&word.text, word.span);
                continue;
            };
            let Some(state) = self.maps.ids.get(&name.text).map(|&id| self.maps.state(id)) else {
                let message = format!("`@{}` is declared but never used", name.text);
                self.report(Diagnostic::warning(Code::UnusedMap, *span, message));
                continue;
            };
            let is_aggregation = matches!(state.value, Some(Value::Aggregation(_)));
            if is_aggregation == kind.is_per_cpu() {
                continue;
            }
            let what = match &state.value {
                Some(Value::Aggregation(value)) => format!("values of type {}", value.name()),
                _ => "ordinary values".to_owned(),
            };
            let first = state.first_value.or(state.first_key).unwrap_or(*span);
            let message = format!("`{}` cannot hold {what}", kind.name());
            let diagnostic = Diagnostic::error(Code::InvalidMapKind, word.span, message)
                .at(first, format!("`@{}` holds {what} here", name.text))
                .help(format!("declare it as `{}`", kind.counterpart().name()));
            self.report(diagnostic);
        }
    }

    fn unknown_kind(&mut self, word: &str, span: Span) {
        let names = Kind::ALL.map(Kind::name);
        let message = format!("there is no kind of map `{word}`");
        let diagnostic = Diagnostic::error(Code::InvalidMapKind, span, message);
        let diagnostic = match suggest::nearest(word, names) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic,
        };
        self.report(
            diagnostic.note(format!("the kinds are {}", names.map(|name| format!("`{name}`")).join(", "))),
        );
    }
}
