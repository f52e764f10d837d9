//! Signals, memory of processes, and variables of Linux.

use probebook_lang::ir::SystemOp;

use super::{Arg, Selector, Temporary};
use crate::codegen::Unsupported;
use crate::codegen::vcode::{Reg, VInst};
use crate::isa::{Helper, Width};

impl Selector<'_> {
    /// An operation on the system around the program, with its result in `dst`.
    pub(super) fn system(&mut self, dst: Reg, op: &SystemOp) -> Result<(), Unsupported> {
        match *op {
            SystemOp::Signal { number, thread } => {
                let number = self.operand(number);
                let helper = if thread { Helper::SendSignalThread } else { Helper::SendSignal };
                self.helper(helper, &[Arg::Operand(number)]);
                self.mov(dst, Reg::R0);
            }
            SystemOp::Override { result } => {
                let (context, result) = (self.context_register()?, self.operand(result));
                self.helper(Helper::OverrideReturn, &[context.into(), Arg::Operand(result)]);
                self.mov(dst, Reg::R0);
            }
            SystemOp::WriteUser { address, from, size, length } => {
                let (address, from) = (self.operand(address), self.mem(from));
                let length = self.operand(length);
                let length = self.at_most(length, size);
                let arguments = [Arg::Operand(address), Arg::Address(from), length.into()];
                self.helper(Helper::ProbeWriteUser, &arguments);
                self.mov(dst, Reg::R0);
            }
            SystemOp::PerCpuAddress { variable, cpu } => {
                let base = self.code.register();
                let cpu = cpu.map(|cpu| self.operand(cpu));
                self.inst(VInst::Variable(base, variable));
                match cpu {
                    Some(cpu) => self.helper(Helper::PerCpuPtr, &[base.into(), Arg::Operand(cpu)]),
                    None => self.helper(Helper::ThisCpuPtr, &[base.into()]),
                }
                self.as_number(dst, Reg::R0);
            }
        }
        Ok(())
    }

    /// The verifier lets nobody compute with a pointer: what Linux has copied is a number.
    fn as_number(&mut self, dst: Reg, pointer: Reg) {
        let (from, to) = (self.temporary(Temporary::Key, 8), self.temporary(Temporary::Value, 8));
        self.store(from, Width::B8, pointer);
        self.helper(Helper::ProbeReadKernel, &[Arg::Address(to), 8.into(), Arg::Address(from)]);
        self.inst(VInst::Load { dst, mem: to, width: Width::B8, signed: false });
    }
}
