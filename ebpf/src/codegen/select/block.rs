//! Blocks and how they end: fused comparisons, edges with arguments, moves that happen all at once.

use probebook_lang::ir::{self, Arith, BlockId, Op, Terminator, Value};

use super::{Selector, condition_of, is_test};
use crate::codegen::Unsupported;
use crate::codegen::vcode::{Label, Operand, Reg, VEnd, VInst};
use crate::isa::Cond;

impl Selector<'_> {
    pub(super) fn block(&mut self, id: BlockId) -> Result<(), Unsupported> {
        let block = &self.function.blocks[id.0 as usize];
        self.begin(self.labels[id.0 as usize]);
        self.looked_up = None;
        let last = block.insts.len().wrapping_sub(1);
        for (at, inst) in block.insts.iter().enumerate() {
            self.span = inst.span;
            if !keeps_element(&inst.op) {
                self.looked_up = None;
            }
            if at == last
                && let (Some(result), Terminator::Branch { condition, then, otherwise, span }) =
                    (inst.result, &block.terminator)
                && result == *condition
            {
                // A test that only the branch right behind it reads needs no 0 or 1 in between.
                let index = result.0 as usize;
                if is_test(&inst.op) && self.branches[index] == 1 && !self.materialised[index] {
                    let (yes, no) = (self.edge(then), self.edge(otherwise));
                    self.span = inst.span.to(*span);
                    return self.test(&inst.op, yes, no);
                }
                if let Op::MapGet { map, key } = inst.op {
                    let (yes, no) = (self.edge(then), self.edge(otherwise));
                    let dst = self.result(result);
                    self.map_get_test(dst, map, key, yes, no);
                    return Ok(());
                }
            }
            match inst.result {
                Some(result) => self.value(result, &inst.op)?,
                None => self.effect(&inst.op)?,
            }
        }
        self.terminator(&block.terminator);
        Ok(())
    }

    pub(super) fn terminator(&mut self, terminator: &Terminator) {
        match terminator {
            Terminator::Jump(target) => {
                self.moves(target, 0);
                self.jump(self.labels[target.block.0 as usize]);
            }
            Terminator::Branch { condition, then, otherwise, span } => {
                self.span = *span;
                let (yes, no) = (self.edge(then), self.edge(otherwise));
                match self.definitions[condition.0 as usize] {
                    Some(&Op::Compare(cond, a, b)) => {
                        let (a, b) = (self.reg(a), self.operand(b));
                        self.branch(condition_of(cond), a, b, yes, no);
                    }
                    Some(&Op::Arith(Arith::And, a, b)) if !self.materialised[condition.0 as usize] => {
                        let (a, b) = (self.reg(a), self.operand(b));
                        self.branch(Cond::Set, a, b, yes, no);
                    }
                    _ => {
                        let condition = self.reg(*condition);
                        self.branch(Cond::Ne, condition, 0, yes, no);
                    }
                }
            }
            Terminator::Next { state, body, done, span } => {
                self.span = *span;
                self.next(*state, body, done);
            }
            Terminator::Return(value) => {
                match self.operand(*value) {
                    Operand::Imm(0) => return self.jump(self.code.quit),
                    operand => self.mov(Reg::R0, operand),
                }
                self.end(VEnd::Exit);
            }
            // `ir::verify` allows it only where nothing leads.
            Terminator::Missing => self.jump(self.code.quit),
        }
    }

    /// A label that leads to a target: its block, or a block that moves the arguments first.
    pub(super) fn edge(&mut self, target: &ir::Target) -> Label {
        let to = self.labels[target.block.0 as usize];
        if target.arguments.is_empty() {
            return to;
        }
        let (here, edge) = (self.current, self.label());
        self.begin(edge);
        self.moves(target, 0);
        self.jump(to);
        self.begin(here);
        edge
    }

    /// Moves the arguments to the target's parameters from `first` on, all at the same time.
    pub(super) fn moves(&mut self, target: &ir::Target, first: usize) {
        let params = &self.function.blocks[target.block.0 as usize].params[first..];
        let mut pending: Vec<(Reg, Value)> = Vec::new();
        let mut from: Vec<Option<Reg>> = Vec::new();
        for (&param, &argument) in params.iter().zip(&target.arguments) {
            let dst = self.result(param);
            // Constants and addresses are not in registers.
            let folded = matches!(
                self.definitions[argument.0 as usize],
                Some(Op::Const(_) | Op::SlotAddress(..) | Op::SharedAddress(_))
            );
            let src = if folded { None } else { Some(self.result(argument)) };
            if src != Some(dst) {
                pending.push((dst, argument));
                from.push(src);
            }
        }
        while !pending.is_empty() {
            let ready = (0..pending.len()).find(|&index| {
                let dst = Some(pending[index].0);
                from.iter().enumerate().all(|(other, src)| other == index || *src != dst)
            });
            match ready {
                Some(index) => {
                    let (dst, argument) = pending.remove(index);
                    match (from.remove(index), self.definitions[argument.0 as usize]) {
                        (Some(src), _) => self.mov(dst, src),
                        (None, Some(Op::SlotAddress(..) | Op::SharedAddress(_))) => {
                            let mem = self.mem(argument);
                            self.inst(VInst::Address(dst, mem));
                        }
                        (None, _) => {
                            let operand = self.operand(argument);
                            self.mov(dst, operand);
                        }
                    }
                }
                None => {
                    // A cycle: one of the targets is kept aside.
                    let dst = pending[0].0;
                    let aside = self.copied(dst);
                    from.iter_mut().filter(|src| **src == Some(dst)).for_each(|src| *src = Some(aside));
                }
            }
        }
    }
}

/// Whether an element that was looked up is still the one of its key after an operation began: it changes
/// neither keys nor maps before it uses the element itself.
fn keeps_element(op: &Op) -> bool {
    matches!(
        op,
        Op::Const(_)
            | Op::Arith(..)
            | Op::Compare(..)
            | Op::Extend { .. }
            | Op::SlotAddress(..)
            | Op::SharedAddress(_)
            | Op::Load { .. }
            | Op::MapGet { .. }
            | Op::MapSet { .. }
    )
}
