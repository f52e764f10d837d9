//! What a generated program may name at a place.

/// The types that the generator tells apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
    Flag,
    Tuple(Vec<Kind>),
    /// Fields are `f0`, `f1`, …
    Record(Vec<Kind>),
}

/// A scratch variable.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The variable of a loop, which is left alone.
    pub(super) is_fixed: bool,
}

/// What a map holds.
#[derive(Clone, Debug)]
pub(super) struct MapKind {
    pub(super) keys: Vec<Kind>,
    pub(super) value: Kind,
    /// The aggregation and its fixed arguments: `hist:2`.
    pub(super) call: Option<String>,
}

impl MapKind {
    pub(super) fn is_aggregate(&self) -> bool {
        self.call.is_some()
    }

    /// Whether an element is a number in the kernel.
    pub(super) fn is_readable(&self) -> bool {
        self.call.as_deref().is_none_or(|call| matches!(call, "count()" | "sum" | "min" | "max" | "avg"))
    }
}

/// Variables, innermost block last.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    variables: Vec<Variable>,
}

impl Scope {
    pub(super) fn declare(&mut self, variable: Variable) {
        self.variables.push(variable);
    }

    /// Enters a block; the number leaves it again.
    pub(super) fn enter(&self) -> usize {
        self.variables.len()
    }

    pub(super) fn leave(&mut self, mark: usize) {
        self.variables.truncate(mark);
    }

    pub(super) fn of(&self, kind: &Kind) -> Vec<String> {
        self.variables.iter().filter(|v| v.kind == *kind).map(|v| v.name.clone()).collect()
    }

    pub(super) fn writable(&self) -> Vec<Variable> {
        self.variables.iter().filter(|variable| !variable.is_fixed).cloned().collect()
    }

    /// Parts of tuples and records that have a kind, as written.
    pub(super) fn parts(&self, kind: &Kind) -> Vec<String> {
        let mut found = Vec::new();
        for variable in &self.variables {
            match &variable.kind {
                Kind::Tuple(parts) => found.extend(
                    parts
                        .iter()
                        .enumerate()
                        .filter(|(_, p)| *p == kind)
                        .map(|(i, _)| format!("{}.{i}", variable.name)),
                ),
                Kind::Record(parts) => found.extend(
                    parts
                        .iter()
                        .enumerate()
                        .filter(|(_, p)| *p == kind)
                        .map(|(i, _)| format!("{}.f{i}", variable.name)),
                ),
                Kind::Int | Kind::Text | Kind::Flag => {}
            }
        }
        found
    }
}
