//! Counting loops: by the kernel's iterators where the target has them, so that the verifier need not follow
//! every round, else by a plain counter.

use probebook_lang::ir::{self, SlotId, Value};

use super::{Arg, Counting, Selector};
use crate::codegen::vcode::{Callee, Mem, Operand, Reg, VInst};
use crate::isa::{AluOp, Cond, Width};

impl Selector<'_> {
    pub(super) fn loop_open(&mut self, state: SlotId, from: Value, to: Value) {
        let bounds = (self.constant(from), self.constant(to));
        let starts_at_zero = bounds.0 == Some(0);
        let (from, to) = (self.operand(from), self.operand(to));
        let (from, to) = (self.copied(from), self.copied(to));
        self.loops.insert(state, Counting { from, to, starts_at_zero });
        let Some([new, _, _]) = self.target.iter_num else { return };
        // The kernel counts in 32 bits and up to 8 million: it counts from 0, we add where to start.
        const MOST: i32 = 8 << 20;
        let count = match bounds {
            (Some(from), Some(to)) => {
                let distance = i128::from(to) - i128::from(from);
                Operand::Imm(distance.clamp(0, i128::from(MOST)) as i32)
            }
            _ => {
                let count = self.copied(0);
                let (some, many, open) = (self.label(), self.label(), self.label());
                self.branch(Cond::SignedGe, from, to, open, some);
                self.begin(some);
                self.mov(count, to);
                self.alu(AluOp::Sub, count, from);
                self.branch(Cond::UnsignedGt, count, MOST, many, open);
                self.begin(many);
                self.mov(count, MOST);
                self.jump(open);
                self.begin(open);
                count.into()
            }
        };
        let slot = self.slots[state.0 as usize];
        self.code.slots[slot as usize].on_stack = true;
        self.call(Callee::Kfunc(new), &[Arg::Address(Mem::slot(slot)), 0.into(), Arg::Operand(count)]);
    }

    pub(super) fn next(&mut self, state: SlotId, body: &ir::Target, done: &ir::Target) {
        let Some(&Counting { from, to, starts_at_zero }) = self.loops.get(&state) else {
            // A loop that was never opened has no numbers.
            let done = self.edge(done);
            return self.jump(done);
        };
        let done = self.edge(done);
        let go = self.label();
        let number = match self.function.blocks[body.block.0 as usize].params.first() {
            Some(&param) => self.result(param),
            None => self.code.register(),
        };
        if let Some([_, next, _]) = self.target.iter_num {
            let slot = self.slots[state.0 as usize];
            self.call(Callee::Kfunc(next), &[Arg::Address(Mem::slot(slot))]);
            let item = self.copied(Reg::R0);
            self.branch(Cond::Eq, item, 0, done, go);
            self.begin(go);
            let mem = Mem { align: 4, ..Mem::at(item) };
            self.inst(VInst::Load { dst: number, mem, width: Width::B4, signed: false });
            if !starts_at_zero {
                self.alu(AluOp::Add, number, from);
            }
        } else {
            self.branch(Cond::SignedGe, from, to, done, go);
            self.begin(go);
            self.mov(number, from);
            self.alu(AluOp::Add, from, 1);
        }
        self.moves(body, 1);
        self.jump(self.labels[body.block.0 as usize]);
    }
}
