//! what operands measure → what the result measures.
//!
//! Only for axes and titles: where this is wrong, a plot has a wrong unit, no number is.

use super::infer::literal;
use crate::syntax::ast::BinaryOp;
use crate::typed::{Expr, Quantity};
use crate::types::Unit;

/// What `a op b` measures.
pub fn of_binary(op: BinaryOp, a: &Expr, b: &Expr) -> Option<Quantity> {
    use Quantity::{Amount, Timestamp};
    match (op, a.quantity, b.quantity) {
        (BinaryOp::Sub, Some(Timestamp), Some(Amount(_))) => Some(Timestamp),
        // Only another time makes sense here, even if where it comes from is not known.
        (BinaryOp::Sub, Some(Timestamp), _) if literal(b).is_none() => Some(Amount(Unit::Nanoseconds)),
        (BinaryOp::Sub, None, Some(Timestamp)) => Some(Amount(Unit::Nanoseconds)),
        (BinaryOp::Add, Some(Timestamp), _) | (BinaryOp::Add, _, Some(Timestamp)) => Some(Timestamp),
        (BinaryOp::Add | BinaryOp::Sub, a, b) => match (a, b) {
            (Some(a), Some(b)) if a != b => None,
            (a, b) => a.or(b),
        },
        (BinaryOp::Div, Some(Amount(unit)), _) => divide(unit, literal(b)?).map(Amount),
        _ => None,
    }
}

fn divide(unit: Unit, by: i128) -> Option<Unit> {
    let steps = match by {
        1 => 0,
        1_000 => 1,
        1_000_000 => 2,
        1_000_000_000 => 3,
        _ => return None,
    };
    let scale = [Unit::Nanoseconds, Unit::Microseconds, Unit::Milliseconds, Unit::Seconds];
    let at = scale.iter().position(|other| *other == unit)?;
    scale.get(at + steps).copied()
}

/// What a field of a tracepoint measures, as far as its name tells.
pub fn of_field(event: &str, field: &str) -> Option<Quantity> {
    let moves_bytes = event.contains("read") || event.contains("write") || {
        event.contains("send") || event.contains("recv")
    };
    let is_bytes = match field {
        "bytes" | "len" | "size" | "bytes_req" | "bytes_alloc" | "nr_bytes" => true,
        "count" => moves_bytes,
        "ret" => moves_bytes && event.starts_with("sys_exit_"),
        _ => false,
    };
    is_bytes.then_some(Quantity::Amount(Unit::Bytes))
}
