//! Constant folding: operations on constants, identities, comparisons of comparisons, and cheaper forms of
//! multiplication and unsigned division by powers of two.

use super::{Replacements, definitions};
use crate::ir::flow::Flow;
use crate::ir::{Arith, Cond, Function, Inst, Op, Terminator, Type, Value};

/// Runs the pass.
pub fn run(function: &mut Function) -> bool {
    let order = Flow::new(function).order;
    let mut folder = Folder { definitions: definitions(function), replacements: Replacements::new(function) };
    let mut changed = false;
    for id in order {
        let insts = std::mem::take(&mut function.blocks[id.0 as usize].insts);
        let mut kept = Vec::with_capacity(insts.len());
        for mut inst in insts {
            inst.op.operands_mut(|value| *value = folder.replacements.get(*value));
            let Some(result) = inst.result else {
                kept.push(inst);
                continue;
            };
            match folder.fold(&inst.op) {
                Some(Folded::Value(value)) => {
                    folder.replacements.insert(result, value);
                    changed = true;
                    continue;
                }
                Some(Folded::Op(op)) => inst.op = op,
                Some(Folded::WithConst(constant, build)) => {
                    function.values.push(Type::Int);
                    let value = Value(function.values.len() as u32 - 1);
                    let op = Op::Const(constant);
                    folder.definitions.push(Some(op.clone()));
                    kept.push(Inst { result: Some(value), op, span: inst.span });
                    inst.op = build(value);
                }
                None => {
                    folder.definitions[result.0 as usize] = Some(inst.op.clone());
                    kept.push(inst);
                    continue;
                }
            }
            folder.definitions[result.0 as usize] = Some(inst.op.clone());
            kept.push(inst);
            changed = true;
        }
        let block = &mut function.blocks[id.0 as usize];
        block.insts = kept;
        if let Terminator::Branch { condition, then, otherwise, .. } = &mut block.terminator {
            let value = folder.replacements.get(*condition);
            // Branching on `x != 0` is branching on `x`; on `x == 0` the other way round.
            if let Some(Op::Compare(cond @ (Cond::Ne | Cond::Eq), a, b)) = folder.definition(value)
                && folder.constant(*b) == Some(0)
            {
                let cond = *cond;
                *condition = *a;
                if cond == Cond::Eq {
                    std::mem::swap(then, otherwise);
                }
                changed = true;
            }
        }
    }
    folder.replacements.apply(function);
    changed
}

/// What stands for an operation.
enum Folded {
    Value(Value),
    Op(Op),
    /// An operation on a new constant.
    WithConst(i64, Box<dyn FnOnce(Value) -> Op>),
}

struct Folder {
    definitions: Vec<Option<Op>>,
    replacements: Replacements,
}

impl Folder {
    fn definition(&self, value: Value) -> Option<&Op> {
        self.definitions[value.0 as usize].as_ref()
    }

    fn constant(&self, value: Value) -> Option<i64> {
        match self.definition(value) {
            Some(Op::Const(constant)) => Some(*constant),
            _ => None,
        }
    }

    fn fold(&self, op: &Op) -> Option<Folded> {
        match *op {
            Op::Arith(arith, a, b) => self.arith(arith, a, b),
            Op::Compare(cond, a, b) => self.compare(cond, a, b),
            Op::Extend { value, width, signed } => self.extend(value, width, signed),
            Op::Swap { value, width } => {
                let constant = self.constant(value)? as u64;
                let swapped = constant.swap_bytes() >> (64 - 8 * u32::from(width));
                Some(Folded::Op(Op::Const(swapped as i64)))
            }
            _ => None,
        }
    }

    fn arith(&self, arith: Arith, a: Value, b: Value) -> Option<Folded> {
        use Arith::{Add, And, Div, Mod, Mul, Or, Sar, Shl, Shr, Sub, Xor};
        let (left, right) = (self.constant(a), self.constant(b));
        if let (Some(left), Some(right)) = (left, right) {
            return Some(Folded::Op(Op::Const(evaluate(arith, left, right))));
        }
        let commutes = matches!(arith, Add | Mul | And | Or | Xor);
        if commutes && left.is_some() {
            return Some(Folded::Op(Op::Arith(arith, b, a)));
        }
        match (arith, right) {
            (Add | Sub | Or | Xor | Shl | Shr | Sar, Some(0)) | (Mul | Div, Some(1)) | (And, Some(-1)) => {
                Some(Folded::Value(a))
            }
            (Mul | And, Some(0)) | (Mod, Some(1)) => Some(Folded::Op(Op::Const(0))),
            (Mul, Some(n)) if n > 0 && n.count_ones() == 1 => Some(Folded::WithConst(
                i64::from(n.trailing_zeros()),
                Box::new(move |shift| Op::Arith(Shl, a, shift)),
            )),
            (Div, Some(n)) if (n as u64).is_power_of_two() => Some(Folded::WithConst(
                i64::from(n.trailing_zeros()),
                Box::new(move |shift| Op::Arith(Shr, a, shift)),
            )),
            (Mod, Some(n)) if (n as u64).is_power_of_two() => {
                Some(Folded::WithConst(n.wrapping_sub(1), Box::new(move |mask| Op::Arith(And, a, mask))))
            }
            (Sub | Xor, _) if a == b => Some(Folded::Op(Op::Const(0))),
            (And | Or, _) if a == b => Some(Folded::Value(a)),
            // (x + m) + n → x + (m + n)
            (Add | Sub, Some(n)) => match self.definition(a) {
                Some(&Op::Arith(inner @ (Add | Sub), x, m)) => {
                    let m = self.constant(m)?;
                    let signed = |op, n: i64| if op == Sub { n.wrapping_neg() } else { n };
                    let sum = signed(inner, m).wrapping_add(signed(arith, n));
                    Some(Folded::WithConst(sum, Box::new(move |sum| Op::Arith(Add, x, sum))))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn compare(&self, cond: Cond, a: Value, b: Value) -> Option<Folded> {
        let (left, right) = (self.constant(a), self.constant(b));
        if let (Some(left), Some(right)) = (left, right) {
            return Some(Folded::Op(Op::Const(i64::from(holds(cond, left, right)))));
        }
        if left.is_some() {
            return Some(Folded::Op(Op::Compare(mirrored(cond), b, a)));
        }
        if a == b {
            return Some(Folded::Op(Op::Const(i64::from(holds(cond, 0, 0)))));
        }
        // The truth of what is a truth value already.
        if let (Some(0), Cond::Ne | Cond::Eq) = (right, cond)
            && let Some(op) = self.definition(a)
        {
            match (cond, op) {
                (Cond::Ne, op) if is_truth(op) => return Some(Folded::Value(a)),
                (Cond::Eq, &Op::Compare(inner, x, y)) => {
                    return Some(Folded::Op(Op::Compare(inverted(inner), x, y)));
                }
                _ => {}
            }
        }
        None
    }

    fn extend(&self, value: Value, width: u8, signed: bool) -> Option<Folded> {
        if let Some(constant) = self.constant(value) {
            return Some(Folded::Op(Op::Const(extended(constant, width, signed))));
        }
        let fits = match *self.definition(value)? {
            Op::Extend { width: inner, signed: by_sign, .. }
            | Op::Load { width: inner, signed: by_sign, .. }
            | Op::Context { width: inner, signed: by_sign, .. } => {
                (inner == width && by_sign == signed) || (inner < width && (!by_sign || signed))
            }
            ref op => is_truth(op),
        };
        if fits {
            return Some(Folded::Value(value));
        }
        // Only the low bytes of the inner value count.
        match *self.definition(value)? {
            Op::Extend { value: inner, width: wider, .. } if wider >= width => {
                Some(Folded::Op(Op::Extend { value: inner, width, signed }))
            }
            _ => None,
        }
    }
}

/// Whether the result is 0 or 1.
fn is_truth(op: &Op) -> bool {
    matches!(
        op,
        Op::Compare(..)
            | Op::StringEq { .. }
            | Op::BytesEq { .. }
            | Op::BytesAre { .. }
            | Op::MapHas { .. }
            | Op::MapDelete { .. }
    )
}

/// What an operation gives for constants.
pub fn evaluate(arith: Arith, a: i64, b: i64) -> i64 {
    let (ua, ub) = (a as u64, b as u64);
    match arith {
        Arith::Add => a.wrapping_add(b),
        Arith::Sub => a.wrapping_sub(b),
        Arith::Mul => a.wrapping_mul(b),
        Arith::Div => ua.checked_div(ub).unwrap_or(0) as i64,
        Arith::Mod => ua.checked_rem(ub).unwrap_or(ua) as i64,
        Arith::And => a & b,
        Arith::Or => a | b,
        Arith::Xor => a ^ b,
        Arith::Shl => a.wrapping_shl(b as u32),
        Arith::Shr => ua.wrapping_shr(b as u32) as i64,
        Arith::Sar => a.wrapping_shr(b as u32),
    }
}

/// Whether a comparison holds for constants.
pub fn holds(cond: Cond, a: i64, b: i64) -> bool {
    let (ua, ub) = (a as u64, b as u64);
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::SignedLt => a < b,
        Cond::SignedLe => a <= b,
        Cond::SignedGt => a > b,
        Cond::SignedGe => a >= b,
        Cond::UnsignedLt => ua < ub,
        Cond::UnsignedLe => ua <= ub,
        Cond::UnsignedGt => ua > ub,
        Cond::UnsignedGe => ua >= ub,
    }
}

/// `value` truncated to `width` bytes and extended again.
pub fn extended(value: i64, width: u8, signed: bool) -> i64 {
    let unused = 64 - 8 * u32::from(width.min(8));
    let top = value.wrapping_shl(unused);
    if signed { top.wrapping_shr(unused) } else { (top as u64).wrapping_shr(unused) as i64 }
}

/// The comparison that holds when the operands are exchanged.
fn mirrored(cond: Cond) -> Cond {
    match cond {
        Cond::Eq | Cond::Ne => cond,
        Cond::SignedLt => Cond::SignedGt,
        Cond::SignedLe => Cond::SignedGe,
        Cond::SignedGt => Cond::SignedLt,
        Cond::SignedGe => Cond::SignedLe,
        Cond::UnsignedLt => Cond::UnsignedGt,
        Cond::UnsignedLe => Cond::UnsignedGe,
        Cond::UnsignedGt => Cond::UnsignedLt,
        Cond::UnsignedGe => Cond::UnsignedLe,
    }
}

/// The comparison that holds when this one does not.
fn inverted(cond: Cond) -> Cond {
    match cond {
        Cond::Eq => Cond::Ne,
        Cond::Ne => Cond::Eq,
        Cond::SignedLt => Cond::SignedGe,
        Cond::SignedLe => Cond::SignedGt,
        Cond::SignedGt => Cond::SignedLe,
        Cond::SignedGe => Cond::SignedLt,
        Cond::UnsignedLt => Cond::UnsignedGe,
        Cond::UnsignedLe => Cond::UnsignedGt,
        Cond::UnsignedGt => Cond::UnsignedLe,
        Cond::UnsignedGe => Cond::UnsignedLt,
    }
}
