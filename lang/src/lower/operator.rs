//! operators and conversions of scalars → IR arithmetic.

use crate::ir::{Arith, Cond, Op, RuntimeWarning, Value};
use crate::source::Span;
use crate::syntax::ast::BinaryOp;
use crate::typed::{Expr, ExprKind};
use crate::types::Type;
use crate::types::layout::Layout;

use super::Lowering;

impl Lowering<'_, '_> {
    pub(super) fn binary(&mut self, op: BinaryOp, a: &Expr, b: &Expr, span: Span) -> Value {
        match op {
            BinaryOp::LogicalAnd => {
                self.choose_value(a, span, |this| this.truth(b), |this| this.builder.constant(0, span))
            }
            BinaryOp::LogicalOr => {
                self.choose_value(a, span, |this| this.builder.constant(1, span), |this| this.truth(b))
            }
            BinaryOp::Div | BinaryOp::Mod => self.divide(op, a, b, span),
            _ if !a.ty.is_scalar() => self.compare_memory(op, a, b, span),
            _ => {
                let (x, y) = (self.scalar(a), self.scalar(b));
                let op = match arith(op) {
                    Some(arith) => Op::Arith(arith, x, y),
                    None => Op::Compare(cond(op, a.ty.is_signed()), x, y),
                };
                self.builder.value(op, span)
            }
        }
    }

    /// A scalar as 0 or 1.
    fn truth(&mut self, expr: &Expr) -> Value {
        let value = self.scalar(expr);
        self.resize(value, &expr.ty, &Type::Bool, expr.span)
    }

    /// Unsigned, 1 if the divisor is 0.
    fn divide(&mut self, op: BinaryOp, a: &Expr, b: &Expr, span: Span) -> Value {
        let arith = if op == BinaryOp::Div { Arith::Div } else { Arith::Mod };
        let (x, y) = (self.scalar(a), self.scalar(b));
        if matches!(b.kind, ExprKind::Int(constant) if constant != 0) {
            return self.builder.value(Op::Arith(arith, x, y), span);
        }
        self.branch_value(
            y,
            span,
            |this| this.builder.value(Op::Arith(arith, x, y), span),
            |this| {
                this.builder.effect(Op::Warn(RuntimeWarning::DivideByZero), span);
                this.builder.constant(1, span)
            },
        )
    }

    /// `==` and `!=` of strings and tuples.
    fn compare_memory(&mut self, op: BinaryOp, a: &Expr, b: &Expr, span: Span) -> Value {
        let (x, y) = (self.operand(a), self.operand(b));
        let size = Layout::of(&a.ty).size.min(Layout::of(&b.ty).size);
        let equal = match a.ty {
            Type::String { .. } => Op::StringEq { a: x, b: y, size },
            _ => Op::BytesEq { a: x, b: y, size },
        };
        let equal = self.builder.value(equal, span);
        if op == BinaryOp::Eq {
            return equal;
        }
        let zero = self.builder.constant(0, span);
        self.builder.value(Op::Compare(Cond::Eq, equal, zero), span)
    }

    /// A scalar in another type.
    pub(super) fn resize(&mut self, value: Value, from: &Type, to: &Type, span: Span) -> Value {
        let (width, signed) = match (from, to) {
            _ if from == to => return value,
            (_, Type::Bool) => {
                let zero = self.builder.constant(0, span);
                return self.builder.value(Op::Compare(Cond::Ne, value, zero), span);
            }
            (_, Type::Int { width, signed } | Type::Enum { width, signed, .. }) if *width < 8 => {
                (*width, *signed)
            }
            _ => return value,
        };
        // Values are kept extended: a type that holds all of the other's needs nothing.
        let is_held = match from {
            Type::Bool => true,
            Type::Int { width: now, signed: was } | Type::Enum { width: now, signed: was, .. } => {
                if *was == signed { *now <= width } else { !*was && *now < width }
            }
            _ => false,
        };
        if is_held { value } else { self.builder.value(Op::Extend { value, width, signed }, span) }
    }
}

fn arith(op: BinaryOp) -> Option<Arith> {
    Some(match op {
        BinaryOp::Add => Arith::Add,
        BinaryOp::Sub => Arith::Sub,
        BinaryOp::Mul => Arith::Mul,
        BinaryOp::And => Arith::And,
        BinaryOp::Or => Arith::Or,
        BinaryOp::Xor => Arith::Xor,
        BinaryOp::Shl => Arith::Shl,
        BinaryOp::Shr => Arith::Shr,
        _ => return None,
    })
}

fn cond(op: BinaryOp, signed: bool) -> Cond {
    match (op, signed) {
        (BinaryOp::Ne, _) => Cond::Ne,
        (BinaryOp::Lt, true) => Cond::SignedLt,
        (BinaryOp::Le, true) => Cond::SignedLe,
        (BinaryOp::Gt, true) => Cond::SignedGt,
        (BinaryOp::Ge, true) => Cond::SignedGe,
        (BinaryOp::Lt, false) => Cond::UnsignedLt,
        (BinaryOp::Le, false) => Cond::UnsignedLe,
        (BinaryOp::Gt, false) => Cond::UnsignedGt,
        (BinaryOp::Ge, false) => Cond::UnsignedGe,
        _ => Cond::Eq,
    }
}
