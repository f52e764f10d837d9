//! [`Intrinsic`] → operations on the system around a program.

use crate::ir::{Cond, Op, RuntimeWarning, SystemOp, TASK_NAME_SIZE, Value};
use crate::source::Span;
use crate::typed::{Expr, Intrinsic};

use super::Lowering;
use super::place::Place;

/// The largest number of a signal.
const LAST_SIGNAL: i64 = 64;

impl Lowering<'_, '_> {
    /// The number that an intrinsic gives.
    pub(super) fn system(&mut self, what: Intrinsic, operands: &[Expr], span: Span) -> Value {
        match (what, operands) {
            (Intrinsic::Signal { thread }, [number]) => {
                let number = self.scalar(number);
                self.signal(number, thread, span)
            }
            (Intrinsic::Override, [result]) => {
                let result = self.scalar(result);
                self.builder.value(Op::System(SystemOp::Override { result }), span)
            }
            (Intrinsic::WriteUser, [address, bytes, length]) => {
                let address = self.scalar(address);
                let (from, size) = self.text(bytes);
                let length = self.scalar(length);
                let op = SystemOp::WriteUser { address, from, size, length };
                let failed = self.builder.value(Op::System(op), span);
                let zero = self.builder.constant(0, span);
                self.builder.value(Op::Compare(Cond::Eq, failed, zero), span)
            }
            (Intrinsic::PerCpuAddress { variable }, cpu) => {
                let cpu = cpu.first().map(|cpu| self.scalar(cpu));
                self.builder.value(Op::System(SystemOp::PerCpuAddress { variable, cpu }), span)
            }
            _ => unreachable!("{what:?} gives no number"),
        }
    }

    /// Sends a signal, and warns if there is none of that number, or Linux does not send it.
    fn signal(&mut self, number: Value, thread: bool, span: Span) -> Value {
        let one = self.builder.constant(1, span);
        let before = self.builder.value(Op::Arith(crate::ir::Arith::Sub, number, one), span);
        let last = self.builder.constant(LAST_SIGNAL, span);
        let is_signal = self.builder.value(Op::Compare(Cond::UnsignedLt, before, last), span);
        self.branch_value(
            is_signal,
            span,
            |this| {
                let op = Op::System(SystemOp::Signal { number, thread });
                let failed = this.builder.value(op, span);
                this.branch_value(
                    failed,
                    span,
                    |this| {
                        this.warn(RuntimeWarning::SignalFailed, span);
                        failed
                    },
                    |_| failed,
                )
            },
            |this| {
                this.warn(RuntimeWarning::SignalNumber, span);
                one
            },
        )
    }

    /// Writes the name of a process, `N/A` and a warning if there is none.
    pub(super) fn task_name(&mut self, pid: &Expr, offset: u32, to: Place, span: Span) {
        let pid = self.scalar(pid);
        let memory = self.address(to, span);
        let found = self.builder.value(Op::System(SystemOp::TaskName { to: memory, pid, offset }), span);
        self.branch_value(
            found,
            span,
            |_| found,
            |this| {
                let mut data = b"N/A".to_vec();
                data.resize(TASK_NAME_SIZE as usize, 0);
                this.builder.effect(Op::Write { memory, offset: 0, data }, span);
                this.warn(RuntimeWarning::NoSuchProcess, span);
                found
            },
        );
    }

    fn warn(&mut self, warning: RuntimeWarning, span: Span) {
        self.builder.effect(Op::Warn(warning), span);
    }
}
