//! Signals, memory of processes, and variables of Linux.

use probebook_lang::ir::{SystemOp, TASK_NAME_SIZE, Value};
use probebook_lang::probes::AttachPoint;

use super::{Arg, Selector, Temporary};
use crate::codegen::Unsupported;
use crate::codegen::vcode::{Callee, Reg, VInst};
use crate::isa::{AluOp, Cond, Helper, Width};

impl Selector<'_> {
    /// An operation on the system around the program, with its result in `dst`.
    pub(super) fn system(&mut self, dst: Reg, op: &SystemOp) -> Result<(), Unsupported> {
        match *op {
            SystemOp::TaskName { to, pid, offset } => return self.task_name(dst, to, pid, offset),
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

    /// Linux lends the task, and wants it back.
    fn task_name(&mut self, dst: Reg, to: Value, pid: Value, offset: u32) -> Result<(), Unsupported> {
        let is_allowed = self.target.linux >= (6, 12)
            && self.program.points.iter().all(|point| {
                matches!(
                    point,
                    AttachPoint::Tracepoint { .. }
                        | AttachPoint::Profile(_)
                        | AttachPoint::Interval(_)
                        | AttachPoint::Software { .. }
                )
            });
        let Some([from_pid, release]) = self.target.task_from_pid.filter(|_| is_allowed) else {
            let message = "Linux tells the name of another process only in tracepoint, profile, interval and \
                           software probes, from 6.12 on";
            return Err(self.unsupported(message));
        };
        let (to, pid) = (self.mem(to), self.operand(pid));
        self.call(Callee::Kfunc(from_pid), &[Arg::Operand(pid)]);
        let task = self.copied(Reg::R0);
        let done = self.label();
        self.mov(dst, 0);
        self.branch_away(Cond::Eq, task, 0, done);
        self.zero(to, TASK_NAME_SIZE);
        let name = self.copied(task);
        self.alu(AluOp::Add, name, offset as i32);
        let arguments = [Arg::Address(to), (TASK_NAME_SIZE as i32).into(), name.into()];
        self.helper(Helper::ProbeReadKernelStr, &arguments);
        self.call(Callee::Kfunc(release), &[task.into()]);
        self.mov(dst, 1);
        self.jump(done);
        self.begin(done);
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
