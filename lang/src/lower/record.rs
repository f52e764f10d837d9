//! what a call sends → [`ir::Record`]s of the module.

use crate::ir::{Op, RECORD_HEADER, Record, RecordId, RecordKind, Value};
use crate::source::Span;
use crate::typed::Expr;
use crate::types::Type;
use crate::types::layout::{Layout, Shape};

use super::Lowering;

/// The records of a module so far; the same call in several programs makes only one.
#[derive(Default)]
pub struct Records {
    records: Vec<Record>,
}

impl Records {
    /// The record for a call at `span` that sends values of these types.
    fn id<'a>(&mut self, kind: RecordKind, fields: impl Iterator<Item = &'a Type>, span: Span) -> RecordId {
        let layout = Layout::sequence(fields, RECORD_HEADER);
        let Shape::Tuple(fields) = layout.shape else { unreachable!("a sequence is a tuple") };
        let record = Record { kind, fields, size: layout.size, span };
        let index = self.records.iter().position(|other| *other == record).unwrap_or_else(|| {
            self.records.push(record);
            self.records.len() - 1
        });
        RecordId(index as u32)
    }

    /// All of them, in the order of their ids.
    pub fn finish(self) -> Vec<Record> {
        self.records
    }
}

impl Lowering<'_> {
    /// Sends a record with the values of expressions.
    pub(super) fn emit(&mut self, kind: RecordKind, fields: &[Expr], span: Span) {
        let record = self.records.id(kind, fields.iter().map(|field| &field.ty), span);
        let fields: Vec<Value> = fields.iter().map(|field| self.operand(field)).collect();
        self.builder.effect(Op::Emit { record, fields }, span);
    }
}
