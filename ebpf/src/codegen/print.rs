//! [`VCode`] → text, for `dump --stage vcode`: virtual registers as `v11`, slots as `s0`, blocks as `.3`.

use std::fmt::{self, Write as _};

use super::vcode::{Base, Callee, Label, Mem, Operand, Reg, VCode, VEnd, VInst};

/// The code of a program as text, in the order of its layout.
pub(super) fn print(code: &VCode) -> String {
    let mut out = String::new();
    for (index, slot) in code.slots.iter().enumerate() {
        let place = if slot.on_stack { ", on the stack" } else { "" };
        let _ = writeln!(out, "  slot s{index}: {} bytes{place}", slot.size);
    }
    for label in code.layout() {
        let block = &code.blocks[label.0 as usize];
        let _ = writeln!(out, "{label}:{}", if block.cold { " cold" } else { "" });
        for (inst, _) in &block.insts {
            let _ = writeln!(out, "  {inst}");
        }
        let _ = writeln!(out, "  {}", block.end);
    }
    out
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_virtual() { 'v' } else { 'r' }, self.0)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ".{}", self.0)
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reg(reg) => reg.fmt(f),
            Self::Imm(number) => number.fmt(f),
        }
    }
}

impl fmt::Display for Mem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base {
            Base::Reg(reg) => write!(f, "{reg} +{}", self.offset),
            Base::Slot(slot) => write!(f, "s{slot} +{}", self.offset),
            Base::Region => write!(f, "region +{}", self.offset),
        }
    }
}

impl fmt::Display for VInst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Mov(dst, src) => write!(f, "{dst} = {src}"),
            Self::Alu(op, dst, src) => write!(f, "{dst} {} {src}", op.symbol()),
            Self::MoveSigned(dst, src, width) => write!(f, "{dst} = ({}){src}", width.symbol(true)),
            Self::MoveLow(dst, src) => write!(f, "{dst} = (u32){src}"),
            Self::Swap(dst, width) => write!(f, "{dst} = be{} {dst}", width.bytes() * 8),
            Self::Neg(dst) => write!(f, "{dst} = -{dst}"),
            Self::Variable(dst, id) => write!(f, "{dst} = variable#{id} ll"),
            Self::Number(dst, number) => write!(f, "{dst} = {number:#x} ll"),
            Self::Map(dst, map, None) => write!(f, "{dst} = {map:?}"),
            Self::Map(dst, map, Some(offset)) => write!(f, "{dst} = &{map:?}[0]+{offset}"),
            Self::Function(dst, function) => write!(f, "{dst} = function {function}"),
            Self::Stride(dst) => write!(f, "{dst} *= stride"),
            Self::Address(dst, mem) => write!(f, "{dst} = &({mem})"),
            Self::Load { dst, mem, width, signed } => {
                write!(f, "{dst} = *({} *)({mem})", width.symbol(signed))
            }
            Self::Store { mem, width, src } => write!(f, "*({} *)({mem}) = {src}", width.symbol(false)),
            Self::AtomicAdd(address, amount) => write!(f, "lock *(u64 *)({address}) += {amount}"),
            Self::Call(Callee::Helper(helper), arguments) => write!(f, "call {}/{arguments}", helper.name()),
            Self::Call(Callee::Function(function), arguments) => {
                write!(f, "call function {function}/{arguments}")
            }
            Self::Call(Callee::Kfunc(id), arguments) => write!(f, "call kernel-function#{id}/{arguments}"),
        }
    }
}

impl fmt::Display for VEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Jump(label) => write!(f, "goto {label}"),
            Self::Branch { cond, a, b, then, otherwise } => {
                write!(f, "if {a} {} {b} goto {then} else {otherwise}", cond.symbol())
            }
            Self::Exit => f.write_str("exit"),
            Self::Open => f.write_str("open"),
        }
    }
}
