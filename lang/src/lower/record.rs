//! what a call sends → [`ir::Record`]s of the module.

use crate::ir::{Op, RECORD_HEADER, Record, RecordId, RecordKind, Value};
use crate::source::Span;
use crate::structures::Structures;
use crate::typed::Expr;
use crate::types::Type;
use crate::types::layout::{Layout, Shape};

use super::Lowering;

/// The records of a module so far; the same call in several programs makes only one.
pub struct Records<'a> {
    structures: &'a Structures<'a>,
    records: Vec<Record>,
}

impl<'a> Records<'a> {
    /// None yet.
    pub fn new(structures: &'a Structures<'a>) -> Self {
        Self { structures, records: Vec::new() }
    }

    /// The record for a call at `span` that sends values of these types.
    fn id(&mut self, kind: RecordKind, types: &[&Type], span: Span) -> RecordId {
        let layout = Layout::sequence(types.iter().copied(), RECORD_HEADER);
        let Shape::Tuple(mut fields) = layout.shape else { unreachable!("a sequence is a tuple") };
        for (field, ty) in fields.iter_mut().zip(types) {
            field.layout = self.structures.layout(ty);
        }
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

impl Lowering<'_, '_> {
    /// Writes a line to the kernel's trace buffer.
    pub(super) fn trace(&mut self, format: &[u8], values: &[Expr], span: Span) {
        let values: Vec<Value> = values.iter().map(|value| self.operand(value)).collect();
        let data = [format, b"\0"].concat();
        let size = data.len() as u32;
        let place = self.temporary(&Type::String { capacity: size });
        let format = self.address(place, span);
        self.builder.effect(Op::Write { memory: format, offset: 0, data }, span);
        self.builder.effect(Op::Trace { format, size, values }, span);
    }

    /// Sends a record with the values of expressions.
    pub(super) fn emit(&mut self, kind: RecordKind, fields: &[Expr], span: Span) {
        let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
        let record = self.records.id(kind, &types, span);
        let fields: Vec<Value> = fields.iter().map(|field| self.operand(field)).collect();
        self.builder.effect(Op::Emit { record, fields }, span);
    }
}
