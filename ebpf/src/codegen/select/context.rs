//! What a program is told: its context, arguments and result of the probed function, and facts about the
//! current task and the clock.
//!
//! The layouts of the contexts are Linux's ABI: `struct pt_regs` of x86-64 for kprobes and uprobes (perf events have the
//! same at their start), an array of u64 for raw tracepoints, the record for tracepoints.

use probebook_lang::ir::{Ambient, Clock, Op};
use probebook_lang::probes::AttachPoint;

use super::{Arg, Selector, Temporary, width_of};
use crate::codegen::Unsupported;
use crate::codegen::vcode::{Mem, Reg, VInst};
use crate::isa::{AluOp, Helper, Width};

/// Offsets in `struct pt_regs` of x86-64 of the registers that pass the first arguments: rdi, rsi, rdx, rcx,
/// r8, r9.
const ARGUMENTS: [u32; 6] = [112, 104, 96, 88, 72, 64];
/// The offset of the stack pointer in `struct pt_regs`.
const STACK_POINTER: u32 = 152;
/// The offset of rax in `struct pt_regs`.
const RESULT: u32 = 80;

impl Selector<'_> {
    /// Puts a fact into `dst`.
    pub(super) fn fact(&mut self, dst: Reg, op: &Op) -> Result<(), Unsupported> {
        match *op {
            Op::Context { offset, width, signed } => {
                let mem = Mem::aligned(self.context).plus(offset);
                self.load_any(dst, mem, width, signed);
            }
            Op::ContextAddress(offset) => {
                self.inst(VInst::Address(dst, Mem::aligned(self.context).plus(offset)));
            }
            Op::Argument(index) => return self.argument(dst, index),
            Op::ReturnValue => match self.program.points.first() {
                Some(
                    AttachPoint::Kprobe { at_return: true, .. } | AttachPoint::Uprobe { at_return: true, .. },
                ) => self.context_word(dst, RESULT),
                _ => return Err(self.unsupported("retval is only known at the return of a function")),
            },
            Op::Ambient(ambient) => self.ambient(dst, ambient),
            _ => unreachable!("`{op}` is no fact"),
        }
        Ok(())
    }

    pub(super) fn unsupported(&self, message: impl Into<String>) -> Unsupported {
        Unsupported { span: self.span, message: message.into() }
    }

    fn context_word(&mut self, dst: Reg, offset: u32) {
        let mem = Mem::aligned(self.context).plus(offset);
        self.inst(VInst::Load { dst, mem, width: Width::B8, signed: false });
    }

    fn argument(&mut self, dst: Reg, index: u8) -> Result<(), Unsupported> {
        let index = u32::from(index);
        match self.program.points.first() {
            Some(AttachPoint::RawTracepoint { .. }) => self.context_word(dst, index * 8),
            Some(point @ (AttachPoint::Kprobe { .. } | AttachPoint::Uprobe { .. })) => {
                match ARGUMENTS.get(index as usize) {
                    Some(&offset) => self.context_word(dst, offset),
                    None => {
                        // Above the return address.
                        let is_kernel = matches!(point, AttachPoint::Kprobe { .. });
                        let read = if is_kernel { Helper::ProbeReadKernel } else { Helper::ProbeReadUser };
                        let address = self.code.register();
                        self.context_word(address, STACK_POINTER);
                        self.alu(AluOp::Add, address, (index as i32 - ARGUMENTS.len() as i32 + 1) * 8);
                        let word = self.temporary(Temporary::Value, 8);
                        self.helper(read, &[Arg::Address(word), 8.into(), address.into()]);
                        self.inst(VInst::Load { dst, mem: word, width: Width::B8, signed: false });
                    }
                }
            }
            _ => return Err(self.unsupported("this probe has no arguments")),
        }
        Ok(())
    }

    fn ambient(&mut self, dst: Reg, ambient: Ambient) {
        let helper = match ambient {
            Ambient::Pid | Ambient::Tid => return self.pid(dst, ambient == Ambient::Pid),
            Ambient::Uid => return self.half(dst, Helper::GetCurrentUidGid, false),
            Ambient::Gid => return self.half(dst, Helper::GetCurrentUidGid, true),
            Ambient::Elapsed => {
                let now = self.helper_value(Helper::KtimeGetBootNs, &[]);
                let started = self.global(std::mem::offset_of!(crate::object::Globals, started) as u32);
                self.mov(dst, now);
                return self.alu(AluOp::Sub, dst, started);
            }
            Ambient::Time(Clock::Boot) => Helper::KtimeGetBootNs,
            Ambient::Time(Clock::Monotonic) => Helper::KtimeGetNs,
            Ambient::Time(Clock::Tai) => Helper::KtimeGetTaiNs,
            Ambient::Cpu => Helper::GetSmpProcessorId,
            Ambient::Random => Helper::GetPrandomU32,
            Ambient::Cgroup => Helper::GetCurrentCgroupId,
            Ambient::Task => Helper::GetCurrentTask,
        };
        self.helper(helper, &[]);
        self.mov(dst, Reg::R0);
    }

    /// The process or thread, as our PID namespace numbers it.
    fn pid(&mut self, dst: Reg, process: bool) {
        match self.target.pid_namespace {
            None => self.half(dst, Helper::GetCurrentPidTgid, process),
            Some((device, inode)) => {
                // `struct bpf_pidns_info { u32 pid, tgid; }`; zeros for a task outside of the namespace.
                let pair = self.temporary(Temporary::Value, 8);
                let arguments = [Arg::Number(device), Arg::Number(inode), Arg::Address(pair), 8.into()];
                self.helper(Helper::GetNsCurrentPidTgid, &arguments);
                let mem = pair.plus(if process { 4 } else { 0 });
                self.inst(VInst::Load { dst, mem, width: width_of(4), signed: false });
            }
        }
    }

    /// One half of what a helper returns.
    fn half(&mut self, dst: Reg, helper: Helper, upper: bool) {
        self.helper(helper, &[]);
        if upper {
            self.mov(dst, Reg::R0);
            self.alu(AluOp::Shr, dst, 32);
        } else {
            self.inst(VInst::MoveLow(dst, Reg::R0));
        }
    }
}
