//! operators → [`typed::Expr`] with operands of one type.
//!
//! Arithmetic is in 64 bits: signed if either operand is signed (literals follow the other side) or the
//! operator is `-`.

use super::Checker;
use super::cast::convert;
use super::expr::integer_literal;
use super::fold::{self, Unfoldable};
use super::infer::literal;
use super::quantity;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, UnaryOp};
use crate::typed::{Expr, ExprKind};
use crate::types::Type;
use crate::types::layout::Layout;

impl Checker<'_> {
    /// `op operand`
    pub(super) fn unary(&mut self, op: UnaryOp, operand: &ast::Expr, span: Span) -> Option<Expr> {
        if op == UnaryOp::AddressOf {
            return self.error(Code::Unsupported, span, "taking an address is not supported yet");
        }
        if op == UnaryOp::Not {
            let operand = self.condition(operand)?;
            if let Some(value) = fold::truth(&operand) {
                return Some(fold::boolean(!value, span));
            }
            return Some(Expr::new(ExprKind::Unary(op, Box::new(operand)), Type::Bool, span));
        }
        let operand = plain(self.expr(operand)?);
        if op == UnaryOp::Deref {
            return self.deref(operand, span);
        }
        if !matches!(operand.ty, Type::Int { .. }) {
            let symbol = if op == UnaryOp::Neg { "-" } else { "~" };
            let message = format!("`{symbol}` needs an integer, but this is of type {}", operand.ty);
            return self.error(Code::TypeMismatch, operand.span, message);
        }
        match (op, literal(&operand)) {
            (UnaryOp::Neg, Some(value)) if -value >= i128::from(i64::MIN) => {
                Some(integer_literal(-value, span))
            }
            (UnaryOp::Neg, Some(_)) => self.unfoldable(Unfoldable::Overflow, span),
            (_, Some(value)) => Some(integer_literal(i128::from(!(value as u64)), span)),
            (_, None) => {
                // `~` keeps the width, and `-` that of an unsigned number: the bits above it stay 0.
                let ty = match operand.ty {
                    Type::Int { width, .. } if op == UnaryOp::BitNot && width < 8 => Type::int(width, false),
                    Type::Int { width, signed: false } => Type::int(width, false),
                    _ => Type::I64,
                };
                let quantity = operand.quantity.filter(|_| op == UnaryOp::Neg);
                let operand = Box::new(convert(operand, &ty));
                let result = Expr::new(ExprKind::Unary(op, operand), ty, span).measuring(quantity);
                Some(if op == UnaryOp::Neg && result.ty != Type::I64 {
                    convert(result, &Type::U64)
                } else {
                    result
                })
            }
        }
    }

    fn unfoldable<T>(&mut self, why: Unfoldable, span: Span) -> Option<T> {
        let message = match why {
            Unfoldable::Overflow => "the result of this constant expression does not fit in 64 bits",
            Unfoldable::Division => "this divides by zero",
        };
        self.error(Code::ConstantOverflow, span, message)
    }

    /// `a op b`
    pub(super) fn binary(&mut self, op: BinaryOp, a: &ast::Expr, b: &ast::Expr, span: Span) -> Option<Expr> {
        if matches!(op, BinaryOp::LogicalAnd | BinaryOp::LogicalOr) {
            let a = self.condition(a);
            let b = self.condition(b);
            let (a, b) = (a?, b?);
            if let (Some(a), Some(b)) = (fold::truth(&a), fold::truth(&b)) {
                return Some(fold::boolean(if op == BinaryOp::LogicalAnd { a && b } else { a || b }, span));
            }
            let kind = ExprKind::Binary(op, Box::new(a), Box::new(b));
            return Some(Expr::new(kind, Type::Bool, span));
        }
        let a = self.value(a);
        let b = self.value(b);
        self.operate(op, a?, b?, span)
    }

    /// Likewise, with both operands checked, for all operators but `&&` and `||`.
    pub(super) fn operate(&mut self, op: BinaryOp, a: Expr, b: Expr, span: Span) -> Option<Expr> {
        let (a, b) = (plain(a), plain(b));
        match fold::binary(op, &a, &b, span) {
            Some(Ok(folded)) => return Some(folded),
            Some(Err(why)) => return self.unfoldable(why, span),
            None => {}
        }
        let is_shift = matches!(op, BinaryOp::Shl | BinaryOp::Shr);
        if is_shift && literal(&b).is_some_and(|n| !(0..64).contains(&n)) {
            return self.error(Code::ConstantOverflow, b.span, "a shift is by 0 to 63 bits");
        }
        match (&a.ty, &b.ty) {
            (Type::Pointer { .. }, _) | (_, Type::Pointer { .. }) => self.pointers(op, a, b, span),
            (Type::Int { .. } | Type::Bool, Type::Int { .. } | Type::Bool) => {
                Some(self.integers(op, a, b, span))
            }
            (Type::String { .. }, Type::String { .. }) if is_equality(op) => {
                Some(Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), Type::Bool, span))
            }
            (Type::Buffer { .. }, Type::Buffer { .. })
            | (Type::Handle(_), Type::Handle(_))
            | (Type::Tuple(_), Type::Tuple(_))
            | (Type::Record(_), Type::Record(_))
                if is_equality(op) =>
            {
                let (a, b) = self.one_type(a, b, span)?;
                Some(Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), Type::Bool, span))
            }
            (Type::Array { .. }, _) | (Type::Struct { .. }, _) if is_equality(op) && a.ty == b.ty => {
                Some(Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), Type::Bool, span))
            }
            (a, b) => {
                let message = format!("`{}` has no meaning between {a} and {b}", op.symbol());
                let mut diagnostic = Diagnostic::error(Code::TypeMismatch, span, message);
                if matches!((a, b), (Type::String { .. }, Type::String { .. })) {
                    diagnostic = diagnostic.note("strings can only be compared with == and !=");
                }
                self.report(diagnostic);
                None
            }
        }
    }

    fn integers(&mut self, op: BinaryOp, a: Expr, b: Expr, span: Span) -> Expr {
        let quantity = quantity::of_binary(op, &a, &b);
        let (sign_a, sign_b) = (sign(&a), sign(&b));
        let is_signed = sign_a == Some(true) || sign_b == Some(true) || {
            // Two flexible literals have been folded; a bool beside a literal is signed.
            sign_a.is_none() && sign_b.is_none()
        };
        if matches!(op, BinaryOp::Div | BinaryOp::Mod)
            && is_signed
            && sign_a.is_some()
            && sign_b.is_some()
            && sign_a != sign_b
        {
            let message = format!("`{}` computes without signs, but one side is signed", op.symbol());
            self.report(Diagnostic::warning(Code::SignedDivision, span, message));
        }
        if is_signed {
            for side in [&a, &b].into_iter().filter(|side| side.ty == Type::U64 && literal(side).is_none()) {
                self.warn_sign(side);
            }
        }
        let operand = Type::int(8, is_signed);
        let ty = if op.is_comparison() {
            Type::Bool
        } else if op == BinaryOp::Sub {
            Type::I64
        } else {
            operand.clone()
        };
        let (a, b) = (convert(a, &operand), convert(b, &operand));
        Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty, span).measuring(quantity)
    }

    fn pointers(&mut self, op: BinaryOp, a: Expr, b: Expr, span: Span) -> Option<Expr> {
        if op.is_comparison() {
            self.warn_distinct(&a, &b, span);
            let a = self.integer(a)?;
            let b = self.integer(b)?;
            let (a, b) = (convert(a, &Type::U64), convert(b, &Type::U64));
            return Some(Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), Type::Bool, span));
        }
        let is_offset = |expr: &Expr| matches!(expr.ty, Type::Int { .. });
        match op {
            BinaryOp::Add if is_offset(&b) => self.move_pointer(a, b, false, span),
            BinaryOp::Add if is_offset(&a) => self.move_pointer(b, a, false, span),
            BinaryOp::Sub if is_offset(&b) => self.move_pointer(a, b, true, span),
            _ => {
                let message = format!("`{}` has no meaning between {} and {}", op.symbol(), a.ty, b.ty);
                self.error(Code::TypeMismatch, span, message)
            }
        }
    }

    fn warn_distinct(&mut self, a: &Expr, b: &Expr, span: Span) {
        let (Type::Pointer { to: left, .. }, Type::Pointer { to: right, .. }) = (&a.ty, &b.ty) else {
            return;
        };
        if left != right {
            let message = format!("these pointers lead to different types, {left} and {right}");
            self.report(Diagnostic::warning(Code::DistinctPointers, span, message));
        }
    }

    /// A pointer some elements further on (or back).
    pub(super) fn move_pointer(
        &mut self,
        pointer: Expr,
        by: Expr,
        is_back: bool,
        span: Span,
    ) -> Option<Expr> {
        let ty = pointer.ty.clone();
        let scale = pointee_size(&ty);
        let by = self.integer(by)?;
        let by = match literal(&by) {
            Some(n) => integer_literal(n.wrapping_mul(scale), by.span),
            None => {
                let span = by.span;
                let (by, scale) =
                    (convert(by, &Type::I64), convert(integer_literal(scale, span), &Type::I64));
                Expr::new(ExprKind::Binary(BinaryOp::Mul, Box::new(by), Box::new(scale)), Type::I64, span)
            }
        };
        let op = if is_back { BinaryOp::Sub } else { BinaryOp::Add };
        let (pointer, by) = (convert(pointer, &Type::U64), convert(by, &Type::U64));
        let sum = Expr::new(ExprKind::Binary(op, Box::new(pointer), Box::new(by)), Type::U64, span);
        Some(convert(sum, &ty))
    }
}

/// How far apart the things are that a pointer steps over.
pub(super) fn pointee_size(ty: &Type) -> i128 {
    match ty {
        Type::Pointer { to, .. } => i128::from(Layout::of(to).size.max(1)),
        _ => 1,
    }
}

/// A constant of an enumeration as the number it is.
pub(super) fn plain(expr: Expr) -> Expr {
    match (&expr.ty, &expr.kind) {
        (Type::Enum { signed: false, .. }, ExprKind::Int(bits)) => {
            integer_literal(i128::from(*bits as u64), expr.span)
        }
        (Type::Enum { .. }, ExprKind::Int(bits)) => integer_literal(i128::from(*bits), expr.span),
        (Type::Enum { width, signed, .. }, _) => {
            let ty = Type::int(*width, *signed);
            convert(expr, &ty)
        }
        _ => expr,
    }
}

fn is_equality(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Eq | BinaryOp::Ne)
}

/// Whether a number is signed; a literal that is not negative follows the other side, and so does a bool.
fn sign(expr: &Expr) -> Option<bool> {
    match (&expr.ty, literal(expr)) {
        (Type::Bool, _) => None,
        (_, Some(value)) if value >= 0 => None,
        (ty, _) => Some(ty.is_signed()),
    }
}
