//! One operation → its instructions: what is short stands here, the families have files of their own.

use probebook_lang::ir::{Arith, Op, Space, Value};

use super::{Arg, Selector, condition_of, is_test, width_of};
use crate::codegen::Unsupported;
use crate::codegen::vcode::{Callee, Label, Mem, Operand, Reg, VInst};
use crate::isa::{AluOp, Helper};
use crate::object::Trouble;

impl<'a> Selector<'a> {
    /// An operation with a result.
    pub(super) fn value(&mut self, result: Value, op: &'a Op) -> Result<(), Unsupported> {
        let wanted = self.materialised[result.0 as usize] || self.branches[result.0 as usize] > 0;
        match op {
            Op::Const(_) | Op::SlotAddress(..) | Op::SharedAddress(_) => {}
            Op::Parameter(index, _) => {
                let dst = self.result(result);
                self.parameter(dst, *index);
            }
            Op::Call { function, arguments } => {
                let wanted = wanted.then(|| self.result(result));
                self.call_function(*function, arguments, wanted);
            }
            // Branches compare again by themselves.
            Op::Compare(..) if !self.materialised[result.0 as usize] => {}
            Op::Arith(Arith::And, ..) if !self.materialised[result.0 as usize] => {}
            Op::Arith(arith, a, b) => self.arith(result, *arith, *a, *b),
            Op::Extend { value, width, signed } => {
                let dst = self.result(result);
                let src = self.reg(*value);
                self.extend(dst, src, *width, *signed);
            }
            Op::Swap { value, width } => {
                let dst = self.result(result);
                let src = self.operand(*value);
                self.mov(dst, src);
                self.inst(VInst::Swap(dst, width_of(*width)));
            }
            Op::Load { memory, offset, width, signed } => {
                let dst = self.result(result);
                let mem = self.mem(*memory).plus(*offset);
                self.load_any(dst, mem, *width, *signed);
            }
            op if is_test(op) => {
                let (yes, done) = (self.label(), self.label());
                let dst = self.result(result);
                let no = self.label();
                self.test(op, yes, no)?;
                for (label, truth) in [(no, 0), (yes, 1)] {
                    self.begin(label);
                    self.mov(dst, truth);
                    self.jump(done);
                }
                self.begin(done);
            }
            Op::ReadString { to, capacity, limit, space, address } => {
                let length = wanted.then(|| self.result(result));
                self.read_string(*to, *capacity, *limit, *space, *address, length);
            }
            Op::Text(op) => {
                let dst = self.result(result);
                self.text_value(dst, op)?;
            }
            Op::System(op) => {
                let dst = self.result(result);
                self.system(dst, op)?;
            }
            Op::ReadBytes { to, capacity, length, space, address } => {
                let dst = self.result(result);
                let address = self.operand(*address);
                self.fill_bytes(dst, *to, *capacity, *length, *capacity, (*space, Arg::Operand(address)));
            }
            Op::CopyBytes { to, capacity, length, limit, from } => {
                let dst = self.result(result);
                let from = Arg::Address(self.mem(*from));
                self.fill_bytes(dst, *to, *capacity, *length, *limit, (Space::Kernel, from));
            }
            Op::Context { .. }
            | Op::ContextAddress(_)
            | Op::Argument(_)
            | Op::Register(_)
            | Op::ReturnValue
            | Op::Ambient(_) => {
                let dst = self.result(result);
                self.fact(dst, op)?;
            }
            Op::LocalAddress(memory) => {
                let dst = self.result(result);
                let mem = self.mem(*memory);
                self.inst(VInst::Address(dst, mem));
            }
            Op::MapGet { map, key } => {
                let dst = self.result(result);
                self.map_get(dst, *map, *key);
            }
            Op::MapDelete { map, key } => {
                let existed = wanted.then(|| self.result(result));
                self.map_delete(*map, *key, existed)?;
            }
            Op::MapLen(map) => {
                let dst = self.result(result);
                self.map_len(dst, *map)?;
            }
            Op::AggregateGet { map, key } => {
                let dst = self.result(result);
                self.merge(dst, *map, *key);
            }
            _ => return self.effect(op),
        }
        Ok(())
    }

    /// An operation without a result.
    pub(super) fn effect(&mut self, op: &'a Op) -> Result<(), Unsupported> {
        match op {
            Op::Store { memory, offset, width, value } => {
                let mem = self.mem(*memory).plus(*offset);
                self.store_any(mem, *width, *value);
            }
            Op::Zero { memory, offset, size } => {
                let mem = self.mem(*memory).plus(*offset);
                self.zero(mem, *size);
            }
            Op::Write { memory, offset, data } => {
                let mem = self.mem(*memory).plus(*offset);
                self.write(mem, data);
            }
            Op::Copy { to, to_offset, from, from_offset, size } => {
                let (to, from) = (self.mem(*to).plus(*to_offset), self.mem(*from).plus(*from_offset));
                self.copy(to, from, *size);
            }
            Op::Read { to, size, space, address } => self.read(*to, *size, *space, *address),
            Op::Text(op) => self.text_effect(op),
            Op::Comm { to } => {
                let to = self.mem(*to);
                self.helper(Helper::GetCurrentComm, &[Arg::Address(to), 16.into()]);
            }
            Op::MapRead { map, key, to } => self.map_read(*map, *key, *to),
            Op::MapSet { map, key, value } => self.map_set(*map, *key, *value),
            Op::MapWrite { map, key, bytes } => self.map_write(*map, *key, *bytes),
            Op::Aggregate { map, key, aggregation, value } => {
                self.aggregate(*map, *key, *aggregation, *value);
            }
            Op::StatsRead { map, key, to } => self.read_stats(*map, *key, *to),
            Op::Trace { format, size, values } => {
                let mut arguments = vec![Arg::Address(self.mem(*format)), (*size as i32).into()];
                arguments.extend(values.iter().map(|&value| Arg::Operand(self.operand(value))));
                self.helper(Helper::TracePrintk, &arguments);
            }
            Op::VisitedKey { map, to } => self.visited(*map, true, *to),
            Op::VisitedValue { map, to } => self.visited(*map, false, *to),
            Op::ForEach { map, body } => self.for_each(*map, *body),
            Op::Emit { record, fields } => self.emit_record(*record, fields),
            Op::Warn(warning) => self.notice(Trouble::Program(*warning), 0),
            Op::LoopOpen { state, from, to } => self.loop_open(*state, *from, *to),
            Op::LoopClose { state } => {
                if let Some([_, _, destroy]) = self.target.iter_num {
                    let slot = self.slots[state.0 as usize];
                    self.call(Callee::Kfunc(destroy), &[Arg::Address(Mem::slot(slot))]);
                }
            }
            other => unreachable!("`{other}` has a result"),
        }
        Ok(())
    }

    /// Jumps by a test; the current block is ended.
    pub(super) fn test(&mut self, op: &'a Op, yes: Label, no: Label) -> Result<(), Unsupported> {
        match op {
            Op::Compare(cond, a, b) => {
                let (a, b) = (self.reg(*a), self.operand(*b));
                self.branch(condition_of(*cond), a, b, yes, no);
                Ok(())
            }
            Op::StringEq { a, b, size } => {
                let (a, b) = (self.mem(*a), self.mem(*b));
                self.string_eq(a, b, *size, yes, no);
                Ok(())
            }
            Op::BytesEq { a, b, size } => {
                let (a, b) = (self.mem(*a), self.mem(*b));
                self.bytes_eq(a, b, *size, yes, no);
                Ok(())
            }
            Op::BytesAre { memory, data } => {
                let memory = self.mem(*memory);
                self.bytes_are(memory, data, yes, no);
                Ok(())
            }
            Op::MapHas { map, key } => self.map_has(*map, *key, yes, no),
            other => unreachable!("`{other}` is no test"),
        }
    }

    pub(super) fn arith(&mut self, result: Value, arith: Arith, a: Value, b: Value) {
        let op = match arith {
            Arith::Add => AluOp::Add,
            Arith::Sub => AluOp::Sub,
            Arith::Mul => AluOp::Mul,
            Arith::Div => AluOp::Div,
            Arith::Mod => AluOp::Mod,
            Arith::And => AluOp::And,
            Arith::Or => AluOp::Or,
            Arith::Xor => AluOp::Xor,
            Arith::Shl => AluOp::Shl,
            Arith::Shr => AluOp::Shr,
            Arith::Sar => AluOp::Sar,
        };
        let dst = self.result(result);
        let (left, mut right) = (self.operand(a), self.operand(b));
        match (op, right) {
            // The verifier refuses constant shifts out of range and divisors of 0.
            (AluOp::Shl | AluOp::Shr | AluOp::Sar, Operand::Imm(n)) => right = Operand::Imm(n & 63),
            (AluOp::Div, Operand::Imm(0)) => return self.mov(dst, 0),
            (AluOp::Mod, Operand::Imm(0)) => return self.mov(dst, left),
            _ => {}
        }
        if left == Operand::Imm(0) && op == AluOp::Sub {
            self.mov(dst, right);
            return self.inst(VInst::Neg(dst));
        }
        self.mov(dst, left);
        self.alu(op, dst, right);
    }

    pub(super) fn extend(&mut self, dst: Reg, src: Reg, width: u8, signed: bool) {
        if signed {
            return self.inst(VInst::MoveSigned(dst, src, width_of(width)));
        }
        if width == 4 {
            return self.inst(VInst::MoveLow(dst, src));
        }
        self.mov(dst, src);
        self.alu(AluOp::And, dst, if width == 1 { 0xff } else { 0xffff });
    }
}
