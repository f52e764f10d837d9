//! What a program is told: its context, arguments and result of the probed function, and facts about the
//! current task and the clock.
//!
//! The layouts of the contexts are Linux's ABI: `struct pt_regs` of x86-64 for kprobes and uprobes (perf events have the
//! same at their start), an array of u64 for raw tracepoints and typed functions, the record for tracepoints.

use probebook_lang::ir::{Ambient, Clock, Op, Register};
use probebook_lang::probes::AttachPoint;

use super::{Arg, Selector, Temporary, width_of};
use crate::codegen::Unsupported;
use crate::codegen::vcode::{Mem, Reg, VInst};
use crate::isa::{AluOp, Helper, Width};

/// The registers that pass the first arguments.
const ARGUMENTS: [Register; 6] =
    [Register::Di, Register::Si, Register::Dx, Register::Cx, Register::R8, Register::R9];

/// The offset of a register in `struct pt_regs` of x86-64.
fn offset_of(register: Register) -> u32 {
    // In the order of that structure, a word each.
    register as u32 * 8
}

impl Selector<'_> {
    /// Puts a fact into `dst`.
    pub(super) fn fact(&mut self, dst: Reg, op: &Op) -> Result<(), Unsupported> {
        match *op {
            Op::Context { offset, width, signed } => {
                let mem = self.context()?.plus(offset);
                self.load_any(dst, mem, width, signed);
            }
            Op::ContextAddress(offset) => {
                let mem = self.context()?.plus(offset);
                self.inst(VInst::Address(dst, mem));
            }
            Op::Argument(index) => return self.argument(dst, index),
            Op::Register(register) if self.has_registers() => self.context_word(dst, offset_of(register))?,
            Op::Register(_) => return Err(self.unsupported("this probe has no registers")),
            Op::ReturnValue => match self.program.points.first() {
                Some(
                    AttachPoint::Kprobe { at_return: true, .. } | AttachPoint::Uprobe { at_return: true, .. },
                ) => self.context_word(dst, offset_of(Register::Ax))?,
                _ => return Err(self.unsupported("retval is only known at the return of a function")),
            },
            Op::Ambient(Ambient::FunctionAddress) => return self.function_address(dst),
            Op::Ambient(Ambient::UserMode) if self.has_registers() => {
                // The two low bits of the code segment are the level of privilege: 3 or 0.
                self.context_word(dst, offset_of(Register::Cs))?;
                self.alu(AluOp::And, dst, 1);
            }
            Op::Ambient(ambient) => self.ambient(dst, ambient),
            _ => unreachable!("`{op}` is no fact"),
        }
        Ok(())
    }

    pub(super) fn unsupported(&self, message: impl Into<String>) -> Unsupported {
        Unsupported { span: self.span, message: message.into() }
    }

    /// The program's context.
    pub(super) fn context(&self) -> Result<Mem, Unsupported> {
        self.context_register().map(Mem::aligned)
    }

    /// The address of the program's context.
    pub(super) fn context_register(&self) -> Result<Reg, Unsupported> {
        let unknown = "a function does not know the event: hand over what it needs as arguments";
        self.context.ok_or_else(|| self.unsupported(unknown))
    }

    /// Whether the context begins with a `struct pt_regs`.
    fn has_registers(&self) -> bool {
        let is_perf = |point: &AttachPoint| {
            matches!(
                point,
                AttachPoint::Kprobe { .. }
                    | AttachPoint::Uprobe { .. }
                    | AttachPoint::Profile(_)
                    | AttachPoint::Interval(_)
                    | AttachPoint::Software { .. }
            )
        };
        self.program.points.iter().all(is_perf)
    }

    fn context_word(&mut self, dst: Reg, offset: u32) -> Result<(), Unsupported> {
        let mem = self.context()?.plus(offset);
        self.inst(VInst::Load { dst, mem, width: Width::B8, signed: false });
        Ok(())
    }

    fn argument(&mut self, dst: Reg, index: u8) -> Result<(), Unsupported> {
        let index = u32::from(index);
        match self.program.points.first() {
            Some(AttachPoint::RawTracepoint { .. } | AttachPoint::Fentry { .. }) => {
                self.context_word(dst, index * 8)?;
            }
            Some(point @ (AttachPoint::Kprobe { .. } | AttachPoint::Uprobe { .. })) => {
                match ARGUMENTS.get(index as usize) {
                    Some(&register) => self.context_word(dst, offset_of(register))?,
                    None => {
                        // Above the return address.
                        let is_kernel = matches!(point, AttachPoint::Kprobe { .. });
                        let read = if is_kernel { Helper::ProbeReadKernel } else { Helper::ProbeReadUser };
                        let address = self.code.register();
                        self.context_word(address, offset_of(Register::Sp))?;
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
            Ambient::InitialPid => return self.half(dst, Helper::GetCurrentPidTgid, true),
            Ambient::InitialTid => return self.half(dst, Helper::GetCurrentPidTgid, false),
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
            // Other contexts are those of the kernel itself.
            Ambient::UserMode => return self.mov(dst, 0),
            Ambient::FunctionAddress => unreachable!("not every probe has one"),
            Ambient::Jiffies => Helper::Jiffies64,
            Ambient::Node => Helper::GetNumaNodeId,
            Ambient::Cpu => Helper::GetSmpProcessorId,
            Ambient::Random => Helper::GetPrandomU32,
            Ambient::Cgroup => Helper::GetCurrentCgroupId,
            Ambient::Task => Helper::GetCurrentTask,
        };
        self.helper(helper, &[]);
        self.mov(dst, Reg::R0);
    }

    /// At its entry, a function lies where the process is; at its return only Linux knows.
    fn function_address(&mut self, dst: Reg) -> Result<(), Unsupported> {
        match self.program.points.first() {
            Some(AttachPoint::Uprobe { at_return: false, .. }) => {
                self.context_word(dst, offset_of(Register::Ip))
            }
            Some(AttachPoint::Uprobe { .. }) if self.target.linux >= (6, 6) => {
                let context = self.context_register()?;
                self.helper(Helper::GetFuncIp, &[context.into()]);
                self.mov(dst, Reg::R0);
                Ok(())
            }
            _ => Err(self.unsupported("the function's address at its return needs Linux 6.6")),
        }
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
