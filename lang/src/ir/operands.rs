//! [`Op`], [`Terminator`] → what they read: one place that knows the operands of every operation.
//!
//! Builder, verifier and passes go through here, so that a new operation is described once.
//!
//! *Not here:* what an operation means (the types themselves) or what it may be exchanged with (`opt`).

use super::{Op, Target, Terminator, Type, Value};

impl Op {
    /// The type of the result, or `None` if it has none.
    pub fn result(&self) -> Option<Type> {
        match self {
            Self::Text(op) => op.result(),
            Self::System(_) => Some(Type::Int),
            Self::SlotAddress(..) | Self::SharedAddress(_) => Some(Type::Slot),
            Self::Parameter(_, ty) => Some(*ty),
            Self::Const(_)
            | Self::Arith(..)
            | Self::Compare(..)
            | Self::Extend { .. }
            | Self::Swap { .. }
            | Self::Load { .. }
            | Self::StringEq { .. }
            | Self::BytesEq { .. }
            | Self::BytesAre { .. }
            | Self::ReadString { .. }
            | Self::ReadBytes { .. }
            | Self::CopyBytes { .. }
            | Self::Context { .. }
            | Self::ContextAddress(_)
            | Self::LocalAddress(_)
            | Self::Argument(_)
            | Self::Register(_)
            | Self::ReturnValue
            | Self::Ambient(_)
            | Self::MapGet { .. }
            | Self::MapDelete { .. }
            | Self::MapHas { .. }
            | Self::MapLen(_)
            | Self::AggregateGet { .. }
            | Self::Call { .. } => Some(Type::Int),
            Self::Store { .. }
            | Self::Zero { .. }
            | Self::Write { .. }
            | Self::Copy { .. }
            | Self::Read { .. }
            | Self::Comm { .. }
            | Self::MapRead { .. }
            | Self::MapSet { .. }
            | Self::MapWrite { .. }
            | Self::Aggregate { .. }
            | Self::StatsRead { .. }
            | Self::VisitedKey { .. }
            | Self::VisitedValue { .. }
            | Self::ForEach { .. }
            | Self::Emit { .. }
            | Self::Warn(_)
            | Self::Trace { .. }
            | Self::LoopOpen { .. }
            | Self::LoopClose { .. } => None,
        }
    }

    /// The values it reads, in a fixed order.
    pub fn operands(&self) -> Vec<Value> {
        let mut operands = Vec::new();
        self.clone().operands_mut(|value| operands.push(*value));
        operands
    }

    /// Shows each value it reads to `f`, which may exchange it.
    pub fn operands_mut(&mut self, mut f: impl FnMut(&mut Value)) {
        self.visit_mut(|value, _| f(value));
    }

    /// The same with the type that each must have; that of a record's field and that of an argument is the
    /// record's and the subprogram's business.
    pub fn visit_mut(&mut self, mut f: impl FnMut(&mut Value, Option<Type>)) {
        let (int, slot) = (Some(Type::Int), Some(Type::Slot));
        match self {
            Self::Const(_)
            | Self::SlotAddress(..)
            | Self::SharedAddress(_)
            | Self::Parameter(..)
            | Self::ForEach { .. }
            | Self::Context { .. }
            | Self::ContextAddress(_)
            | Self::Argument(_)
            | Self::Register(_)
            | Self::ReturnValue
            | Self::Ambient(_)
            | Self::MapLen(_)
            | Self::Warn(_)
            | Self::LoopClose { .. } => {}
            Self::Arith(_, a, b) | Self::Compare(_, a, b) => {
                f(a, int);
                f(b, int);
            }
            Self::StringEq { a, b, .. } | Self::BytesEq { a, b, .. } => {
                f(a, slot);
                f(b, slot);
            }
            Self::Text(op) => op.visit_mut(f),
            Self::System(op) => op.visit_mut(f),
            Self::Extend { value, .. } | Self::Swap { value, .. } => f(value, int),
            Self::Load { memory, .. }
            | Self::Zero { memory, .. }
            | Self::Write { memory, .. }
            | Self::BytesAre { memory, .. } => f(memory, slot),
            Self::Store { memory, value, .. } => {
                f(memory, slot);
                f(value, int);
            }
            Self::Copy { to, from, .. } => {
                f(to, slot);
                f(from, slot);
            }
            Self::Read { to, address, .. } => {
                f(to, slot);
                f(address, int);
            }
            Self::ReadString { to, limit, address, .. } => {
                f(to, slot);
                limit.iter_mut().for_each(|value| f(value, int));
                f(address, int);
            }
            Self::ReadBytes { to, length, address, .. } => {
                f(to, slot);
                f(length, int);
                f(address, int);
            }
            Self::CopyBytes { to, length, from, .. } => {
                f(to, slot);
                f(length, int);
                f(from, slot);
            }
            Self::Comm { to } | Self::VisitedKey { to, .. } | Self::VisitedValue { to, .. } => f(to, slot),
            Self::LocalAddress(memory) => f(memory, slot),
            Self::MapGet { key, .. }
            | Self::MapDelete { key, .. }
            | Self::MapHas { key, .. }
            | Self::AggregateGet { key, .. } => key.iter_mut().for_each(|key| f(key, slot)),
            Self::MapRead { key, to, .. } | Self::StatsRead { key, to, .. } => {
                key.iter_mut().for_each(|key| f(key, slot));
                f(to, slot);
            }
            Self::MapSet { key, value, .. } => {
                key.iter_mut().for_each(|key| f(key, slot));
                f(value, int);
            }
            Self::MapWrite { key, bytes, .. } => {
                key.iter_mut().for_each(|key| f(key, slot));
                f(bytes, slot);
            }
            Self::Aggregate { key, value, .. } => {
                key.iter_mut().for_each(|key| f(key, slot));
                value.iter_mut().for_each(|value| f(value, int));
            }
            Self::Trace { format, values, .. } => {
                f(format, slot);
                values.iter_mut().for_each(|value| f(value, None));
            }
            Self::Emit { fields: values, .. } | Self::Call { arguments: values, .. } => {
                values.iter_mut().for_each(|value| f(value, None));
            }
            Self::LoopOpen { from, to, .. } => {
                f(from, int);
                f(to, int);
            }
        }
    }
}

impl Terminator {
    /// The blocks it may go to, in order.
    pub fn targets(&self) -> Vec<&Target> {
        match self {
            Self::Jump(target) => vec![target],
            Self::Branch { then, otherwise, .. } => vec![then, otherwise],
            Self::Next { body, done, .. } => vec![body, done],
            Self::Return(_) | Self::Missing => Vec::new(),
        }
    }

    /// The same, to change.
    pub fn targets_mut(&mut self) -> Vec<&mut Target> {
        match self {
            Self::Jump(target) => vec![target],
            Self::Branch { then, otherwise, .. } => vec![then, otherwise],
            Self::Next { body, done, .. } => vec![body, done],
            Self::Return(_) | Self::Missing => Vec::new(),
        }
    }

    /// Shows each value it reads to `f`, which may exchange it.
    pub fn operands_mut(&mut self, mut f: impl FnMut(&mut Value)) {
        match self {
            Self::Branch { condition, .. } => f(condition),
            Self::Return(value) => f(value),
            Self::Jump(_) | Self::Next { .. } | Self::Missing => {}
        }
        for target in self.targets_mut() {
            target.arguments.iter_mut().for_each(&mut f);
        }
    }

    /// How many leading parameters of its `edge`th target it supplies itself: the number of a counting loop.
    pub fn implicit_arguments(&self, edge: usize) -> usize {
        usize::from(matches!(self, Self::Next { .. }) && edge == 0)
    }
}
