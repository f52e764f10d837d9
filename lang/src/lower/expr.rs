//! [`Expr`] → IR values.
//!
//! *Not here:* values that need memory (`lower::place`), operators (`lower::operator`).

use crate::ir::{Arith, Cond, Op, Value};
use crate::source::Span;
use crate::syntax::ast::UnaryOp;
use crate::typed::{Expr, ExprKind, VariableId};
use crate::types::Type;
use crate::types::layout::Layout;

use super::{Lowering, Storage};

impl Lowering<'_, '_> {
    /// Evaluates an expression for what it does.
    pub(super) fn evaluate(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Block(body, None) => self.body(body),
            ExprKind::Ternary { condition, then, otherwise } if expr.ty == Type::Void => {
                let span = expr.span;
                self.choose(condition, span, |this| this.evaluate(then), |this| this.evaluate(otherwise));
            }
            ExprKind::Call { function, arguments } => {
                self.call(*function, arguments, expr.span);
            }
            _ if expr.ty.is_scalar() => {
                self.scalar(expr);
            }
            _ if expr.ty == Type::Void => {}
            _ => {
                self.place(expr);
            }
        }
    }

    /// The value of a scalar.
    pub(super) fn scalar(&mut self, expr: &Expr) -> Value {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Int(value) => self.builder.constant(*value, span),
            ExprKind::Bool(value) => self.builder.constant(i64::from(*value), span),
            ExprKind::Variable(variable) => self.variable(*variable, span),
            ExprKind::Old => match self.old {
                Some(old) => old,
                None => self.builder.constant(0, span),
            },
            ExprKind::Map { map, key } => {
                let key = self.key(key.as_deref());
                self.builder.value(Op::MapGet { map: *map, key }, span)
            }
            ExprKind::Aggregate { map, key } => {
                let key = self.key(key.as_deref());
                self.builder.value(Op::AggregateGet { map: *map, key }, span)
            }
            ExprKind::Ambient(ambient) => self.builder.value(Op::Ambient(*ambient), span),
            ExprKind::Argument(n) => self.builder.value(Op::Argument(*n), span),
            ExprKind::Register(register) => self.builder.value(Op::Register(*register), span),
            ExprKind::ReturnValue => self.builder.value(Op::ReturnValue, span),
            ExprKind::Context { offset } => self.context(*offset, &expr.ty, span),
            ExprKind::Deref { address, space } => {
                let address = self.scalar(address);
                self.read(address, *space, &expr.ty, span)
            }
            ExprKind::Unary(op, operand) => self.unary(*op, operand, span),
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b, span),
            ExprKind::Step { variable, by, postfix } => self.step(*variable, *by, *postfix, &expr.ty, span),
            ExprKind::MapStep { map, key, by, postfix } => {
                self.map_step(*map, key.as_deref(), *by, *postfix, &expr.ty, span)
            }
            ExprKind::Ternary { condition, then, otherwise } => {
                self.choose_value(condition, span, |this| this.scalar(then), |this| this.scalar(otherwise))
            }
            ExprKind::Elvis { value, otherwise } => {
                let value = self.scalar(value);
                self.branch_value(value, span, |_| value, |this| this.scalar(otherwise))
            }
            ExprKind::Cast(of) if !of.ty.is_scalar() => {
                let from = self.place(of);
                self.load(from, &expr.ty, span)
            }
            ExprKind::Cast(of) => {
                let value = self.scalar(of);
                self.resize(value, &of.ty, &expr.ty, span)
            }
            ExprKind::TupleField(tuple, n) => self.load_field(tuple, *n, &expr.ty, span),
            ExprKind::Member { of, offset } => self.load_member(of, *offset, &expr.ty, span),
            ExprKind::InSpace(of, _) => self.scalar(of),
            ExprKind::Bits(of, bits) => self.bits(of, *bits, expr.ty.is_signed(), span),
            ExprKind::Index(array, index) => self.load_element(array, index, &expr.ty, span),
            ExprKind::Block(body, value) => {
                self.body(body);
                match value {
                    Some(value) => self.scalar(value),
                    None => self.builder.constant(0, span),
                }
            }
            ExprKind::MapDelete { map, key } => {
                let key = self.key(key.as_deref());
                self.builder.value(Op::MapDelete { map: *map, key }, span)
            }
            ExprKind::MapHas { map, key } => {
                let key = self.key(Some(key));
                self.builder.value(Op::MapHas { map: *map, key }, span)
            }
            ExprKind::Intrinsic(what, operands) => self.intrinsic(*what, operands, span),
            ExprKind::Call { function, arguments } => self.call(*function, arguments, span),
            ExprKind::MapLen(map) => self.builder.value(Op::MapLen(*map), span),
            ExprKind::String(_)
            | ExprKind::Stats { .. }
            | ExprKind::Comm
            | ExprKind::ContextBytes { .. }
            | ExprKind::ContextDynamic { .. }
            | ExprKind::ReadString { .. }
            | ExprKind::ReadBuffer { .. }
            | ExprKind::Buffer { .. }
            | ExprKind::ReadStrings { .. }
            | ExprKind::Handle(_)
            | ExprKind::Bytes(_)
            | ExprKind::Reinterpret(_)
            | ExprKind::Tuple(_) => unreachable!("a value of type {} is no scalar", expr.ty),
        }
    }

    fn variable(&mut self, variable: VariableId, span: Span) -> Value {
        match self.storage(variable) {
            Storage::Word(variable) => self.builder.get(variable),
            Storage::Memory(place) => self.address(place, span),
            Storage::Shared(offset) => self.shared_word(offset, span),
        }
    }

    pub(super) fn context(&mut self, offset: u32, ty: &Type, span: Span) -> Value {
        let width = Layout::of(ty).size as u8;
        self.builder.value(Op::Context { offset, width, signed: ty.is_signed() }, span)
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, span: Span) -> Value {
        let value = self.scalar(operand);
        match op {
            UnaryOp::Not => {
                let zero = self.builder.constant(0, span);
                self.builder.value(Op::Compare(Cond::Eq, value, zero), span)
            }
            UnaryOp::Neg => {
                let zero = self.builder.constant(0, span);
                let negative = self.builder.value(Op::Arith(Arith::Sub, zero, value), span);
                self.resize(negative, &Type::I64, &operand.ty, span)
            }
            UnaryOp::BitNot => {
                let width = match operand.ty {
                    Type::Int { width, .. } => width,
                    _ => 8,
                };
                let ones = self.builder.constant((u64::MAX >> (64 - 8 * u32::from(width))) as i64, span);
                self.builder.value(Op::Arith(Arith::Xor, value, ones), span)
            }
            UnaryOp::Deref | UnaryOp::AddressOf => unreachable!("checked into other forms"),
        }
    }

    fn step(&mut self, variable: VariableId, by: i64, postfix: bool, ty: &Type, span: Span) -> Value {
        let before = self.variable(variable, span);
        let by = self.builder.constant(by, span);
        let after = self.builder.value(Op::Arith(Arith::Add, before, by), span);
        let after = self.resize(after, &Type::I64, ty, span);
        self.set_word(variable, after, span);
        if postfix { before } else { after }
    }

    /// Does one of two things.
    pub(super) fn choose(
        &mut self,
        condition: &Expr,
        span: Span,
        then: impl FnOnce(&mut Self),
        otherwise: impl FnOnce(&mut Self),
    ) {
        let condition = self.scalar(condition);
        let (yes, no, after) = (self.builder.block(), self.builder.block(), self.builder.block());
        self.builder.branch(condition, yes, no, span);
        self.builder.seal(yes);
        self.builder.seal(no);
        self.builder.switch_to(yes);
        then(self);
        self.builder.jump(after, Vec::new());
        self.builder.switch_to(no);
        otherwise(self);
        self.builder.jump(after, Vec::new());
        self.builder.seal(after);
        self.builder.switch_to(after);
    }

    /// One of two values.
    pub(super) fn choose_value(
        &mut self,
        condition: &Expr,
        span: Span,
        then: impl FnOnce(&mut Self) -> Value,
        otherwise: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let condition = self.scalar(condition);
        self.branch_value(condition, span, then, otherwise)
    }

    /// Likewise, with the condition evaluated.
    pub(super) fn branch_value(
        &mut self,
        condition: Value,
        span: Span,
        then: impl FnOnce(&mut Self) -> Value,
        otherwise: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let (yes, no, after) = (self.builder.block(), self.builder.block(), self.builder.block());
        let result = self.builder.param(after, crate::ir::Type::Int);
        self.builder.branch(condition, yes, no, span);
        self.builder.seal(yes);
        self.builder.seal(no);
        self.builder.switch_to(yes);
        let value = then(self);
        self.builder.jump(after, vec![value]);
        self.builder.switch_to(no);
        let value = otherwise(self);
        self.builder.jump(after, vec![value]);
        self.builder.seal(after);
        self.builder.switch_to(after);
        result
    }
}

/// Whether the expression reads the value before.
pub(super) fn mentions_old(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Old => true,
        ExprKind::Binary(_, a, b) => mentions_old(a) || mentions_old(b),
        ExprKind::Cast(of) => mentions_old(of),
        _ => false,
    }
}
