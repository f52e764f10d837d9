//! [`Intrinsic`] → operations on text and bytes, and what they need in memory.

use crate::ir::{Arith, Cond, NAME_SIZE, Needle, Op, TextOp, Value};
use crate::source::Span;
use crate::typed::{Expr, ExprKind, Intrinsic};
use crate::types::Type;
use crate::types::layout::Layout;

use super::Lowering;
use super::place::Place;

impl Lowering<'_, '_> {
    /// The number that an intrinsic gives.
    pub(super) fn intrinsic(&mut self, what: Intrinsic, operands: &[Expr], span: Span) -> Value {
        match (what, operands) {
            (Intrinsic::Length, [text]) => self.length(text),
            (Intrinsic::Find, [hay, needle]) => {
                let (hay, size) = self.text(hay);
                let needle = match &needle.kind {
                    ExprKind::String(text) if text.is_empty() => return self.builder.constant(0, span),
                    ExprKind::String(text) => Needle::Literal(text.clone()),
                    _ => {
                        let (memory, size) = self.text(needle);
                        Needle::Memory { memory, size }
                    }
                };
                self.builder.value(Op::Text(TextOp::Find { hay, size, needle }), span)
            }
            (Intrinsic::Differ { count }, [a, b]) => {
                let ((a, a_size), (b, b_size)) = (self.text(a), self.text(b));
                let size = count.min(a_size).min(b_size);
                if size == 0 {
                    return self.builder.constant(0, span);
                }
                let equal = self.builder.value(Op::StringEq { a, b, size }, span);
                let zero = self.builder.constant(0, span);
                self.builder.value(Op::Compare(Cond::Eq, equal, zero), span)
            }
            (Intrinsic::CompareBytes, [a, b, count]) => {
                let ((a, a_size), (b, b_size)) = (self.text(a), self.text(b));
                let count = self.scalar(count);
                let size = a_size.min(b_size);
                self.builder.value(Op::Text(TextOp::CompareBytes { a, b, size, count }), span)
            }
            (Intrinsic::SwapBytes, [number]) => {
                let width = Layout::of(&number.ty).size as u8;
                let value = self.scalar(number);
                if width == 1 { value } else { self.builder.value(Op::Swap { value, width }, span) }
            }
            _ => self.system(what, operands, span),
        }
    }

    /// Writes the bytes that an intrinsic gives.
    pub(super) fn write_intrinsic(
        &mut self,
        what: Intrinsic,
        operands: &[Expr],
        size: u32,
        to: Place,
        span: Span,
    ) {
        match (what, operands) {
            (Intrinsic::Concat, [a, b]) => self.concat(a, b, size, to, span),
            (Intrinsic::Cut, [text, limit]) => {
                let (from, now) = self.text(text);
                // The NUL counts, but is not copied.
                let limit = self.scalar(limit);
                let zero = self.builder.constant(0, span);
                let nul = self.builder.value(Op::Compare(Cond::Ne, limit, zero), span);
                let limit = Some(self.builder.value(Op::Arith(Arith::Sub, limit, nul), span));
                self.zero(to, size, span);
                let (to, at) = (self.address(to, span), self.builder.constant(0, span));
                let op = TextOp::Append { to, at, most: 0, from, size: now.min(size), limit };
                self.builder.effect(Op::Text(op), span);
            }
            (Intrinsic::Name(names), [number]) => {
                let number = self.scalar(number);
                let memory = self.address(to, span);
                self.builder.effect(Op::Text(TextOp::Name { to: memory, names, number }), span);
                debug_assert_eq!(size, NAME_SIZE);
            }
            (Intrinsic::TaskName { offset }, [pid]) => self.task_name(pid, offset, to, span),
            _ => unreachable!("{what:?} gives no bytes"),
        }
    }

    /// The address and size of a value's bytes, aligned to words.
    pub(super) fn text(&mut self, expr: &Expr) -> (Value, u32) {
        let size = Layout::of(&expr.ty).size;
        let place = if expr.ty.is_scalar() {
            let place = self.temporary(&expr.ty);
            self.write(expr, place);
            place
        } else {
            self.place(expr)
        };
        let place = if place.is_aligned() {
            place
        } else {
            let aligned = self.temporary(&expr.ty);
            self.copy(place, aligned, size, expr.span);
            aligned
        };
        (self.address(place, expr.span), size)
    }

    /// A string's length, which reading it from memory tells.
    fn length(&mut self, text: &Expr) -> Value {
        if let ExprKind::String(bytes) = &text.kind {
            return self.builder.constant(bytes.len() as i64, text.span);
        }
        if matches!(text.kind, ExprKind::ReadString { .. }) {
            let place = self.temporary(&text.ty);
            return self.read_string(text, place);
        }
        let (memory, size) = self.text(text);
        self.builder.value(Op::Text(TextOp::Length { memory, size }), text.span)
    }

    /// Writes a string and gives its length.
    fn write_measured(&mut self, text: &Expr, to: Place) -> Value {
        if matches!(text.kind, ExprKind::ReadString { .. }) {
            return self.read_string(text, to);
        }
        self.write(text, to);
        if let ExprKind::String(bytes) = &text.kind {
            return self.builder.constant(bytes.len() as i64, text.span);
        }
        let (memory, size) = (self.address(to, text.span), Layout::of(&text.ty).size);
        self.builder.value(Op::Text(TextOp::Length { memory, size }), text.span)
    }

    /// One string behind the other, in a place that has room for both if the target has not.
    fn concat(&mut self, a: &Expr, b: &Expr, size: u32, to: Place, span: Span) {
        let (first, second) = (Layout::of(&a.ty).size, Layout::of(&b.ty).size);
        let room = first + second;
        let is_roomy = room <= size && to.is_aligned();
        let whole = if is_roomy { size } else { room.max(size) };
        let place = if is_roomy { to } else { self.temporary(&Type::String { capacity: whole }) };
        let at = self.write_measured(a, place);
        self.zero(place.at(first), whole - first, span);
        let (from, second) = self.text(b);
        let target = self.address(place, span);
        let op = TextOp::Append { to: target, at, most: first, from, size: second, limit: None };
        self.builder.effect(Op::Text(op), span);
        if !is_roomy {
            self.copy(place, to, size - 1, span);
            self.zero(to.at(size - 1), 1, span);
        }
    }
}
