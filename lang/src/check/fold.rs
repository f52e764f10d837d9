//! operators on literals → literals, with C's semantics.
//!
//! Types depend on it: the literal `-1` is an int8, and `4 * 64` is a constant where one is asked for.
//!
//! *Not here:* constants that only appear after lowering (`opt`).

use super::expr::{integer_literal, string_literal};
use super::infer::literal;
use crate::source::Span;
use crate::syntax::ast::BinaryOp;
use crate::typed::{Expr, ExprKind};
use crate::types::Type;

/// Why literals cannot be computed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfoldable {
    /// The result is not an int64 or uint64.
    Overflow,
    /// By zero.
    Division,
}

/// The result of an operator on two literals; `None` if they are none.
pub fn binary(op: BinaryOp, a: &Expr, b: &Expr, span: Span) -> Option<Result<Expr, Unfoldable>> {
    if let (Some(a), Some(b)) = (literal(a), literal(b)) {
        return Some(integers(op, a, b, span));
    }
    match (&a.kind, &b.kind) {
        (ExprKind::String(a), ExprKind::String(b)) => strings(op, a, b, span).map(Ok),
        (ExprKind::String(text), _) | (_, ExprKind::String(text)) if op == BinaryOp::Add => {
            // As in C, a number moves the start.
            let by = literal(a).or_else(|| literal(b)).and_then(|by| usize::try_from(by).ok())?;
            Some(Ok(string_literal(text.get(by..).unwrap_or_default().to_vec(), span)))
        }
        (ExprKind::Bool(a), ExprKind::Bool(b)) if op.is_comparison() => {
            Some(integers(op, i128::from(*a), i128::from(*b), span))
        }
        _ => None,
    }
}

fn integers(op: BinaryOp, a: i128, b: i128, span: Span) -> Result<Expr, Unfoldable> {
    let number = |value: Option<i128>| match value {
        Some(value) if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value) => {
            Ok(integer_literal(value, span))
        }
        _ => Err(Unfoldable::Overflow),
    };
    if matches!(op, BinaryOp::Div | BinaryOp::Mod) && b == 0 {
        return Err(Unfoldable::Division);
    }
    let is_negative = a < 0 || b < 0;
    // Bits are those of 64-bit integers.
    let bits = |value: i128| if is_negative { i128::from(value as i64) } else { i128::from(value as u64) };
    match op {
        BinaryOp::Add => number(a.checked_add(b)),
        BinaryOp::Sub => number(a.checked_sub(b)),
        BinaryOp::Mul => number(a.checked_mul(b)),
        BinaryOp::Div => number(a.checked_div(b)),
        BinaryOp::Mod => number(a.checked_rem(b)),
        BinaryOp::And => number(Some(bits(a & b))),
        BinaryOp::Or => number(Some(bits(a | b))),
        BinaryOp::Xor => number(Some(bits(a ^ b))),
        BinaryOp::Shl => number(u32::try_from(b).ok().filter(|b| *b < 64).and_then(|b| a.checked_shl(b))),
        BinaryOp::Shr => number(u32::try_from(b).ok().filter(|b| *b < 64).map(|b| a >> b)),
        BinaryOp::LogicalAnd => Ok(boolean(a != 0 && b != 0, span)),
        BinaryOp::LogicalOr => Ok(boolean(a != 0 || b != 0, span)),
        BinaryOp::Eq => Ok(boolean(a == b, span)),
        BinaryOp::Ne => Ok(boolean(a != b, span)),
        BinaryOp::Lt => Ok(boolean(a < b, span)),
        BinaryOp::Le => Ok(boolean(a <= b, span)),
        BinaryOp::Gt => Ok(boolean(a > b, span)),
        BinaryOp::Ge => Ok(boolean(a >= b, span)),
    }
}

fn strings(op: BinaryOp, a: &[u8], b: &[u8], span: Span) -> Option<Expr> {
    Some(match op {
        BinaryOp::Add => string_literal([a, b].concat(), span),
        BinaryOp::Eq => boolean(a == b, span),
        BinaryOp::Ne => boolean(a != b, span),
        BinaryOp::Lt => boolean(a < b, span),
        BinaryOp::Le => boolean(a <= b, span),
        BinaryOp::Gt => boolean(a > b, span),
        BinaryOp::Ge => boolean(a >= b, span),
        _ => return None,
    })
}

/// Whether a literal holds as a condition; `None` if it is none.
pub fn truth(expr: &Expr) -> Option<bool> {
    match expr.kind {
        ExprKind::Bool(value) => Some(value),
        _ => literal(expr).map(|value| value != 0),
    }
}

/// A boolean literal.
pub fn boolean(value: bool, span: Span) -> Expr {
    Expr::new(ExprKind::Bool(value), Type::Bool, span)
}
