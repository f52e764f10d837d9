//! Writing virtual code: blocks, instructions, calls. The small words that selection is spelled with.

use super::{Arg, Selector, Temporary};
use crate::codegen::vcode::{Callee, Label, Mem, Operand, Reg, VBlock, VEnd, VInst};
use crate::isa::{AluOp, Cond, Helper, Width};

impl Selector<'_> {
    pub(super) fn label(&mut self) -> Label {
        let end = VEnd::Open;
        self.code.blocks.push(VBlock { insts: Vec::new(), end, end_span: self.span, cold: false });
        Label(self.code.blocks.len() as u32 - 1)
    }

    pub(super) fn cold_label(&mut self) -> Label {
        let label = self.label();
        self.code.blocks[label.0 as usize].cold = true;
        label
    }

    pub(super) fn begin(&mut self, label: Label) {
        self.current = label;
        self.element = None;
    }

    pub(super) fn inst(&mut self, inst: VInst) {
        let span = self.span;
        self.code.blocks[self.current.0 as usize].insts.push((inst, span));
    }

    pub(super) fn end(&mut self, end: VEnd) {
        let block = &mut self.code.blocks[self.current.0 as usize];
        debug_assert_eq!(block.end, VEnd::Open);
        block.end = end;
        block.end_span = self.span;
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.end(VEnd::Jump(to));
    }

    pub(super) fn branch(
        &mut self,
        cond: Cond,
        a: Reg,
        b: impl Into<Operand>,
        then: Label,
        otherwise: Label,
    ) {
        self.end(VEnd::Branch { cond, a, b: b.into(), then, otherwise });
    }

    /// Branches away to `then`, and goes on where the condition does not hold.
    pub(super) fn branch_away(&mut self, cond: Cond, a: Reg, b: impl Into<Operand>, then: Label) {
        let go_on = self.label();
        self.branch(cond, a, b, then, go_on);
        self.begin(go_on);
    }

    pub(super) fn mov(&mut self, dst: Reg, src: impl Into<Operand>) {
        self.inst(VInst::Mov(dst, src.into()));
    }

    /// A copy in a new register.
    pub(super) fn copied(&mut self, src: impl Into<Operand>) -> Reg {
        let dst = self.code.register();
        self.mov(dst, src);
        dst
    }

    pub(super) fn alu(&mut self, op: AluOp, dst: Reg, src: impl Into<Operand>) {
        self.inst(VInst::Alu(op, dst, src.into()));
    }

    pub(super) fn load(&mut self, mem: Mem, width: Width, signed: bool) -> Reg {
        let dst = self.code.register();
        self.inst(VInst::Load { dst, mem, width, signed });
        dst
    }

    pub(super) fn store(&mut self, mem: Mem, width: Width, src: impl Into<Operand>) {
        self.inst(VInst::Store { mem, width, src: src.into() });
    }

    /// A 64-bit number in an operand.
    pub(super) fn number(&mut self, number: i64) -> Operand {
        match i32::try_from(number) {
            Ok(number) => Operand::Imm(number),
            Err(_) => {
                let dst = self.code.register();
                self.inst(VInst::Number(dst, number as u64));
                dst.into()
            }
        }
    }

    pub(super) fn call(&mut self, callee: Callee, arguments: &[Arg]) {
        for (index, argument) in arguments.iter().enumerate() {
            let dst = Reg(index as u32 + 1);
            self.inst(match *argument {
                Arg::Operand(operand) => VInst::Mov(dst, operand),
                Arg::Number(number) => match i32::try_from(number as i64) {
                    Ok(number) => VInst::Mov(dst, number.into()),
                    Err(_) => VInst::Number(dst, number),
                },
                Arg::Map(map) => VInst::Map(dst, map, None),
                Arg::Address(mem) => VInst::Address(dst, mem),
            });
        }
        self.inst(VInst::Call(callee, arguments.len() as u8));
        self.element = None;
    }

    pub(super) fn helper(&mut self, helper: Helper, arguments: &[Arg]) {
        self.call(Callee::Helper(helper), arguments);
    }

    /// Calls a helper and keeps what it returns.
    pub(super) fn helper_value(&mut self, helper: Helper, arguments: &[Arg]) -> Reg {
        self.helper(helper, arguments);
        self.copied(Reg::R0)
    }

    /// A slot for the moment of one operation, at least so big.
    pub(super) fn temporary(&mut self, which: Temporary, size: u32) -> Mem {
        let index = match self.temporary[which as usize] {
            Some(index) => index,
            None => {
                let index = self.code.slot(size, false);
                self.temporary[which as usize] = Some(index);
                index
            }
        };
        let slot = &mut self.code.slots[index as usize];
        slot.size = slot.size.max(size.next_multiple_of(8));
        Mem::slot(index)
    }
}
