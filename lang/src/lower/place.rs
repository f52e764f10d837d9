//! values that need memory → slots: strings, tuples, arrays and keys.

use crate::ir::{Arith, Op, SlotId, Value};
use crate::source::Span;
use crate::typed::{Expr, ExprKind};
use crate::types::layout::{Layout, Part, Shape};
use crate::types::{BUFFER_HEADER, Space, Type};

use super::{Lowering, Storage};

/// A part of a slot, or of the memory that functions share.
#[derive(Clone, Copy)]
pub struct Place {
    slot: Option<SlotId>,
    offset: u32,
}

impl Place {
    /// The start of a slot.
    pub fn of(slot: SlotId) -> Self {
        Self { slot: Some(slot), offset: 0 }
    }

    /// A byte of shared memory.
    pub fn shared(offset: u32) -> Self {
        Self { slot: None, offset }
    }

    /// Some bytes behind it.
    pub fn at(self, offset: u32) -> Self {
        Self { slot: self.slot, offset: self.offset + offset }
    }

    /// Whether it starts at a word.
    pub fn is_aligned(self) -> bool {
        self.offset.is_multiple_of(8)
    }
}

impl Lowering<'_, '_> {
    /// A slot for a value that is needed until the statement ends.
    pub(super) fn temporary(&mut self, ty: &Type) -> Place {
        let layout = Layout::of(ty);
        let is_fit = |(_, other): &(SlotId, Layout)| (other.size, other.align) == (layout.size, layout.align);
        let slot = match self.free.iter().position(is_fit) {
            Some(index) => self.free.swap_remove(index).0,
            None => self.slot(&layout),
        };
        self.used.push((slot, layout));
        Place::of(slot)
    }

    /// A new slot. What spans a word starts at one, whatever its parts, so that it is written by words.
    pub(super) fn slot(&mut self, layout: &Layout) -> SlotId {
        let align = if layout.size >= 8 { 8 } else { layout.align };
        self.builder.slot(layout.size.max(1), align)
    }

    /// The address of a place.
    pub(super) fn address(&mut self, place: Place, span: Span) -> Value {
        let op = match place.slot {
            Some(slot) => Op::SlotAddress(slot, place.offset),
            None => Op::SharedAddress(place.offset),
        };
        self.builder.value(op, span)
    }

    /// A value for a field of a record: the number of a scalar, else the address of its bytes.
    pub(super) fn operand(&mut self, expr: &Expr) -> Value {
        if expr.ty.is_scalar() {
            self.scalar(expr)
        } else {
            let place = self.place(expr);
            self.address(place, expr.span)
        }
    }

    /// Where the bytes of a value lie: where they are already, or in a new slot.
    pub(super) fn place(&mut self, expr: &Expr) -> Place {
        match &expr.kind {
            ExprKind::Variable(variable) => {
                if let Storage::Memory(place) = self.storage(*variable) {
                    return place;
                }
            }
            ExprKind::TupleField(of, n) => {
                let place = self.place(of);
                return place.at(field_offset(&of.ty, *n));
            }
            ExprKind::Member { of, offset } if !matches!(expr.ty, Type::String { .. }) => {
                return self.place(of).at(*offset);
            }
            ExprKind::Index(array, index) if !is_context(array) => {
                if let ExprKind::Int(index) = index.kind {
                    return self.place(array).at(index as u32 * Layout::of(&expr.ty).size);
                }
            }
            _ => {}
        }
        let place = self.temporary(&expr.ty);
        self.write(expr, place);
        place
    }

    /// Writes the bytes of a value, all of them.
    pub(super) fn write(&mut self, expr: &Expr, to: Place) {
        let span = expr.span;
        if expr.ty.is_scalar() {
            let value = self.scalar(expr);
            return self.store(to, &expr.ty, value, span);
        }
        let size = Layout::of(&expr.ty).size;
        match &expr.kind {
            ExprKind::String(text) => self.write_text(text, size, to, span),
            ExprKind::Tuple(items) => self.write_tuple(items, &expr.ty, to, span),
            ExprKind::Comm => {
                let to = self.address(to, span);
                self.builder.effect(Op::Comm { to }, span);
            }
            ExprKind::ReadString { .. } => {
                self.read_string(expr, to);
            }
            ExprKind::Intrinsic(what, operands) => self.write_intrinsic(*what, operands, size, to, span),
            ExprKind::ReadBuffer { address, space, length } => {
                let address = self.scalar(address);
                let length = self.scalar(length);
                let capacity = size - BUFFER_HEADER;
                let at = self.address(to.at(BUFFER_HEADER), span);
                let op = Op::ReadBytes { to: at, capacity, length, space: *space, address };
                let length = self.builder.value(op, span);
                self.store(to, &Type::int(4, false), length, span);
            }
            ExprKind::Buffer { of, length } => {
                let length = self.scalar(length);
                let from = self.place(of);
                let from = self.address(from, span);
                let capacity = size - BUFFER_HEADER;
                let limit = capacity.min(Layout::of(&of.ty).size);
                let at = self.address(to.at(BUFFER_HEADER), span);
                let op = Op::CopyBytes { to: at, capacity, length, limit, from };
                let length = self.builder.value(op, span);
                self.store(to, &Type::int(4, false), length, span);
            }
            ExprKind::ReadStrings { address, space } => {
                let address = self.scalar(address);
                self.read_strings(address, *space, &expr.ty, to, span);
            }
            ExprKind::Handle(of) => self.write(of, to),
            ExprKind::Bytes(data) => {
                let memory = self.address(to, span);
                self.builder.effect(Op::Write { memory, offset: 0, data: data.clone() }, span);
            }
            ExprKind::Reinterpret(of) => {
                let len = Layout::of(&of.ty).size;
                if len > size {
                    let from = self.place(of);
                    return self.copy(from, to, size, span);
                }
                self.write(of, to);
                self.zero(to.at(len), size - len, span);
            }
            ExprKind::Deref { address, space } => {
                let address = self.scalar(address);
                self.read_into(address, *space, &expr.ty, to, span);
            }
            ExprKind::Member { of, offset } if matches!(expr.ty, Type::String { .. }) => {
                let from = self.place(of);
                self.write_string(from.at(*offset), &expr.ty, to, span);
            }
            ExprKind::Index(array, index) if !is_constant(index) || is_context(array) => {
                self.write_element(array, index, &expr.ty, to, span);
            }
            ExprKind::ContextBytes { offset } => self.write_context(*offset, &expr.ty, to, span),
            ExprKind::ContextDynamic { offset } => self.write_dynamic(*offset, size, to, span),
            ExprKind::Stats { map, key } => {
                let key = self.key(Some(key));
                let to = self.address(to, span);
                self.builder.effect(Op::StatsRead { map: *map, key, to }, span);
            }
            ExprKind::Map { map, key } => {
                let key = self.key(key.as_deref());
                let to = self.address(to, span);
                self.builder.effect(Op::MapRead { map: *map, key, to }, span);
            }
            ExprKind::Ternary { condition, then, otherwise } => {
                self.choose(condition, span, |this| this.write(then, to), |this| this.write(otherwise, to));
            }
            ExprKind::Block(body, value) => {
                self.body(body);
                if let Some(value) = value {
                    self.write(value, to);
                }
            }
            ExprKind::Cast(of) if of.ty.is_scalar() => {
                let value = self.scalar(of);
                self.store(to, &of.ty, value, span);
            }
            ExprKind::Cast(of) => {
                let from = self.place(of);
                self.convert(from, &of.ty, to, &expr.ty, span);
            }
            _ => {
                let from = self.place(expr);
                self.copy(from, to, size, span);
            }
        }
    }

    /// Reads a string, and gives its length.
    pub(super) fn read_string(&mut self, expr: &Expr, to: Place) -> Value {
        let ExprKind::ReadString { address, space, limit } = &expr.kind else {
            unreachable!("not read from memory")
        };
        let address = self.scalar(address);
        let limit = limit.as_ref().map(|limit| self.scalar(limit));
        let to = self.address(to, expr.span);
        let capacity = Layout::of(&expr.ty).size;
        self.builder.value(Op::ReadString { to, capacity, limit, space: *space, address }, expr.span)
    }

    fn write_text(&mut self, text: &[u8], size: u32, to: Place, span: Span) {
        let memory = self.address(to, span);
        if !text.is_empty() {
            self.builder.effect(Op::Write { memory, offset: 0, data: text.to_vec() }, span);
        }
        let len = text.len() as u32;
        self.builder.effect(Op::Zero { memory, offset: len, size: size - len }, span);
    }

    fn write_tuple(&mut self, items: &[Expr], ty: &Type, to: Place, span: Span) {
        let layout = Layout::of(ty);
        if has_gaps(&layout) {
            self.zero(to, layout.size, span);
        }
        for (item, part) in items.iter().zip(parts(&layout)) {
            self.write(item, to.at(part.offset));
        }
    }

    fn write_context(&mut self, offset: u32, ty: &Type, to: Place, span: Span) {
        let size = Layout::of(ty).size;
        let address = self.builder.value(Op::ContextAddress(offset), span);
        let to = self.address(to, span);
        let space = Space::Kernel;
        let op = match ty {
            Type::String { .. } => Op::ReadString { to, capacity: size, limit: None, space, address },
            _ => Op::Read { to, size, space, address },
        };
        self.builder.effect(op, span);
    }

    /// The locator's low half is where the text lies in the context, its high half how long it is.
    fn write_dynamic(&mut self, offset: u32, size: u32, to: Place, span: Span) {
        let locator = self.builder.value(Op::Context { offset, width: 4, signed: false }, span);
        let low = self.builder.constant(0xffff, span);
        let at = self.builder.value(Op::Arith(Arith::And, locator, low), span);
        let start = self.builder.value(Op::ContextAddress(0), span);
        let address = self.builder.value(Op::Arith(Arith::Add, start, at), span);
        let to = self.address(to, span);
        let space = Space::Kernel;
        self.builder.effect(Op::ReadString { to, capacity: size, limit: None, space, address }, span);
    }

    /// The strings that pointers in memory point to, up to the first NULL.
    fn read_strings(&mut self, array: Value, space: Space, ty: &Type, to: Place, span: Span) {
        let Type::Array { of, len } = ty else { return };
        let Type::String { capacity } = **of else { return };
        self.zero(to, capacity * len, span);
        let pointer = self.temporary(&Type::U64);
        let done = self.builder.block();
        for index in 0..*len {
            let distance = self.builder.constant(i64::from(8 * index), span);
            let address = self.builder.value(Op::Arith(Arith::Add, array, distance), span);
            let at = self.address(pointer, span);
            self.builder.effect(Op::Read { to: at, size: 8, space, address }, span);
            let address = self.load(pointer, &Type::U64, span);
            let more = self.builder.block();
            self.builder.branch(address, more, done, span);
            self.builder.seal(more);
            self.builder.switch_to(more);
            let to = self.address(to.at(index * capacity), span);
            self.builder.effect(Op::ReadString { to, capacity, limit: None, space, address }, span);
        }
        self.builder.jump(done, Vec::new());
        self.builder.seal(done);
        self.builder.switch_to(done);
    }

    /// Fills a place with zeros.
    pub(super) fn zero(&mut self, to: Place, size: u32, span: Span) {
        let memory = self.address(to, span);
        self.builder.effect(Op::Zero { memory, offset: 0, size }, span);
    }

    /// Copies bytes from one place to another.
    pub(super) fn copy(&mut self, from: Place, to: Place, size: u32, span: Span) {
        let from = self.address(from, span);
        let to = self.address(to, span);
        self.builder.effect(Op::Copy { to, to_offset: 0, from, from_offset: 0, size }, span);
    }

    /// Writes a scalar.
    pub(super) fn store(&mut self, to: Place, ty: &Type, value: Value, span: Span) {
        let memory = self.address(to, span);
        let width = Layout::of(ty).size as u8;
        self.builder.effect(Op::Store { memory, offset: 0, width, value }, span);
    }

    /// Reads a scalar.
    pub(super) fn load(&mut self, from: Place, ty: &Type, span: Span) -> Value {
        let memory = self.address(from, span);
        let width = Layout::of(ty).size as u8;
        self.builder.value(Op::Load { memory, offset: 0, width, signed: ty.is_signed() }, span)
    }

    /// Reads a field of a tuple.
    pub(super) fn load_field(&mut self, tuple: &Expr, n: u32, ty: &Type, span: Span) -> Value {
        let from = self.place(tuple);
        self.load(from.at(field_offset(&tuple.ty, n)), ty, span)
    }

    /// Copies a value into a place of another type.
    fn convert(&mut self, from: Place, from_ty: &Type, to: Place, to_ty: &Type, span: Span) {
        match (from_ty, to_ty) {
            _ if from_ty == to_ty => self.copy(from, to, Layout::of(to_ty).size, span),
            (Type::String { capacity: now }, Type::String { capacity }) => {
                self.copy(from, to, *now.min(capacity), span);
                if now < capacity {
                    self.zero(to.at(*now), capacity - now, span);
                } else {
                    self.zero(to.at(capacity - 1), 1, span);
                }
            }
            (Type::Array { .. }, Type::String { capacity }) => {
                let size = Layout::of(from_ty).size.min(capacity - 1);
                self.copy(from, to, size, span);
                self.zero(to.at(size), capacity - size, span);
            }
            (Type::Buffer { capacity: now }, Type::Buffer { capacity }) if now < capacity => {
                self.copy(from, to, BUFFER_HEADER + now, span);
                self.zero(to.at(BUFFER_HEADER + now), capacity - now, span);
            }
            (Type::Handle(from_handle), Type::Handle(to_handle)) => {
                self.convert(from, &from_handle.inner(), to, &to_handle.inner(), span);
            }
            (Type::Tuple(from_types), Type::Tuple(to_types)) => {
                let layout = Layout::of(to_ty);
                if has_gaps(&layout) {
                    self.zero(to, layout.size, span);
                }
                for (n, (a, b)) in from_types.iter().zip(to_types).enumerate() {
                    let n = n as u32;
                    let (from, to) = (from.at(field_offset(from_ty, n)), to.at(field_offset(to_ty, n)));
                    self.convert(from, a, to, b, span);
                }
            }
            (Type::Record(from_fields), Type::Record(to_fields)) => {
                let layout = Layout::of(to_ty);
                if has_gaps(&layout) {
                    self.zero(to, layout.size, span);
                }
                for (n, (name, b)) in to_fields.iter().enumerate() {
                    let Some(m) = from_fields.iter().position(|(other, _)| other == name) else { continue };
                    let from = from.at(field_offset(from_ty, m as u32));
                    self.convert(from, &from_fields[m].1, to.at(field_offset(to_ty, n as u32)), b, span);
                }
            }
            (Type::String { .. }, Type::Array { .. }) => {
                let (now, size) = (Layout::of(from_ty).size, Layout::of(to_ty).size);
                self.copy(from, to, now.min(size), span);
                if now < size {
                    self.zero(to.at(now), size - now, span);
                }
            }
            _ => {
                let value = self.load(from, from_ty, span);
                let value = self.resize(value, from_ty, to_ty, span);
                self.store(to, to_ty, value, span);
            }
        }
    }
}

fn is_constant(index: &Expr) -> bool {
    matches!(index.kind, ExprKind::Int(_))
}

fn is_context(array: &Expr) -> bool {
    matches!(array.kind, ExprKind::ContextBytes { .. })
}

/// The parts of a tuple or a record.
fn parts(layout: &Layout) -> Vec<&Part> {
    match &layout.shape {
        Shape::Tuple(parts) => parts.iter().collect(),
        Shape::Record(fields) => fields.iter().map(|field| &field.part).collect(),
        _ => Vec::new(),
    }
}

/// Where a field of a tuple begins.
pub(super) fn field_offset(tuple: &Type, n: u32) -> u32 {
    parts(&Layout::of(tuple)).get(n as usize).map_or(0, |part| part.offset)
}

/// Whether there are bytes between the parts, or behind them.
pub(super) fn has_gaps(layout: &Layout) -> bool {
    parts(layout).iter().map(|part| part.layout.size).sum::<u32>() != layout.size
}
