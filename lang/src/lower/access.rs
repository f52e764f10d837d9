//! parts of values → IR: what lies at an address, members, bits, elements.

use crate::ir::{Arith, Cond, Op, RuntimeWarning, TextOp, Value};
use crate::source::Span;
use crate::typed::{Expr, ExprKind};
use crate::types::layout::Layout;
use crate::types::structure::Bits;
use crate::types::{Space, Type};

use super::Lowering;
use super::place::Place;

/// Where the elements of an array lie.
#[derive(Clone, Copy)]
enum Elements {
    Local(Place),
    Memory(Value, Space),
    Context(u32),
}

impl Lowering<'_, '_> {
    /// Reads a scalar at an address.
    pub(super) fn read(&mut self, address: Value, space: Space, ty: &Type, span: Span) -> Value {
        let place = self.temporary(ty);
        self.read_into(address, space, ty, place, span);
        self.load(place, ty, span)
    }

    /// Reads what lies at an address into local memory.
    pub(super) fn read_into(&mut self, address: Value, space: Space, ty: &Type, to: Place, span: Span) {
        let size = Layout::of(ty).size;
        if size == 0 {
            return;
        }
        if let Type::String { .. } = ty {
            // An array of characters may be full, without a NUL; one that is not has anything behind it.
            let text = self.temporary(&Type::String { capacity: size + 1 });
            let buffer = self.address(text, span);
            self.builder
                .effect(Op::ReadString { to: buffer, capacity: size + 1, limit: None, space, address }, span);
            return self.copy(text, to, size, span);
        }
        let to = self.address(to, span);
        self.builder.effect(Op::Read { to, size, space, address }, span);
    }

    /// Some bits of a word.
    pub(super) fn bits(&mut self, word: &Expr, bits: Bits, is_signed: bool, span: Span) -> Value {
        let word = self.scalar(word);
        let unused = 64 - i64::from(bits.width);
        let above = self.builder.constant(unused - i64::from(bits.first), span);
        let top = self.builder.value(Op::Arith(Arith::Shl, word, above), span);
        let unused = self.builder.constant(unused, span);
        let shift = if is_signed { Arith::Sar } else { Arith::Shr };
        self.builder.value(Op::Arith(shift, top, unused), span)
    }

    /// A scalar member of a structure in local memory.
    pub(super) fn load_member(&mut self, of: &Expr, offset: u32, ty: &Type, span: Span) -> Value {
        let from = self.place(of);
        self.load(from.at(offset), ty, span)
    }

    /// Writes a string that lies in local memory among other bytes: what stands behind its NUL is dropped.
    pub(super) fn write_string(&mut self, from: Place, ty: &Type, to: Place, span: Span) {
        let from = self.address(from, span);
        let address = self.builder.value(Op::LocalAddress(from), span);
        self.read_into(address, Space::Kernel, ty, to, span);
    }

    /// A scalar element of a string or an array.
    pub(super) fn load_element(&mut self, array: &Expr, index: &Expr, ty: &Type, span: Span) -> Value {
        if let ExprKind::Int(constant) = index.kind {
            let distance = constant as u32 * Layout::of(ty).size;
            return match array.kind {
                ExprKind::ContextBytes { offset } => self.context(offset + distance, ty, span),
                _ => {
                    let from = self.place(array);
                    self.load(from.at(distance), ty, span)
                }
            };
        }
        if matches!(array.kind, ExprKind::Deref { .. } | ExprKind::ContextBytes { .. }) {
            let place = self.temporary(ty);
            self.write_element(array, index, ty, place, span);
            return self.load(place, ty, span);
        }
        let place = self.place(array);
        let memory = self.address(place, span);
        let width = Layout::of(ty).size;
        let len = Layout::of(&array.ty).size / width;
        let index = self.scalar(index);
        let count = self.builder.constant(i64::from(len), span);
        let is_inside = self.builder.value(Op::Compare(Cond::UnsignedLt, index, count), span);
        self.branch_value(
            is_inside,
            span,
            |this| {
                let op = TextOp::LoadAt { memory, len, index, width: width as u8, signed: ty.is_signed() };
                this.builder.value(Op::Text(op), span)
            },
            |this| {
                this.builder.effect(Op::Warn(RuntimeWarning::IndexOutOfBounds), span);
                this.builder.constant(0, span)
            },
        )
    }

    /// Writes the bytes of an element; zeros for one that is not there.
    pub(super) fn write_element(&mut self, array: &Expr, index: &Expr, ty: &Type, to: Place, span: Span) {
        let elements = match &array.kind {
            ExprKind::Deref { address, space } => Elements::Memory(self.scalar(address), *space),
            ExprKind::ContextBytes { offset } => Elements::Context(*offset),
            _ => Elements::Local(self.place(array)),
        };
        let size = Layout::of(ty).size;
        let len = Layout::of(&array.ty).size.checked_div(size).unwrap_or(0);
        let index = self.scalar(index);
        let len = self.builder.constant(i64::from(len), span);
        let is_inside = self.builder.value(Op::Compare(Cond::UnsignedLt, index, len), span);
        let (inside, outside, after) = (self.builder.block(), self.builder.block(), self.builder.block());
        self.builder.branch(is_inside, inside, outside, span);
        self.builder.seal(inside);
        self.builder.seal(outside);
        self.builder.switch_to(inside);
        let each = self.builder.constant(i64::from(size), span);
        let distance = self.builder.value(Op::Arith(Arith::Mul, index, each), span);
        let (start, space) = self.start(elements, span);
        let address = self.builder.value(Op::Arith(Arith::Add, start, distance), span);
        self.read_into(address, space, ty, to, span);
        self.builder.jump(after, Vec::new());
        self.builder.switch_to(outside);
        self.builder.effect(Op::Warn(RuntimeWarning::IndexOutOfBounds), span);
        self.zero(to, size, span);
        self.builder.jump(after, Vec::new());
        self.builder.seal(after);
        self.builder.switch_to(after);
    }

    fn start(&mut self, elements: Elements, span: Span) -> (Value, Space) {
        match elements {
            Elements::Memory(address, space) => (address, space),
            Elements::Context(offset) => {
                (self.builder.value(Op::ContextAddress(offset), span), Space::Kernel)
            }
            Elements::Local(place) => {
                let memory = self.address(place, span);
                (self.builder.value(Op::LocalAddress(memory), span), Space::Kernel)
            }
        }
    }
}
