//! Operations that act on processes and Linux, or ask it about more than the current task: [`SystemOp`].

use std::fmt;

use super::{Type, Value};

/// Bytes of the name of a task, the NUL included.
pub const TASK_NAME_SIZE: u32 = 16;

/// An operation on the system around a program. `from` is [`Type::Slot`], all other values are integers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SystemOp {
    /// Sends a signal to the current process, or to the current thread alone: 0, or an error.
    Signal {
        /// 1 to 64.
        number: Value,
        /// Only to the thread.
        thread: bool,
    },
    /// The probed function of Linux does not run and returns this: 0, or an error.
    Override {
        /// The result, an integer.
        result: Value,
    },
    /// Writes to the memory of the current process: 0, or an error.
    WriteUser {
        /// Where.
        address: Value,
        /// What.
        from: Value,
        /// Bytes there.
        size: u32,
        /// How many of them, at most `size`.
        length: Value,
    },
    /// Writes the name of a process to local memory, 16 bytes: 1, or 0 and nothing written if there is none.
    TaskName {
        /// The target.
        to: Value,
        /// The process, an int32.
        pid: Value,
        /// Where `comm` lies in a `task_struct`.
        offset: u32,
    },
    /// The address of a per-CPU variable of Linux; 0 where there is no such CPU.
    PerCpuAddress {
        /// The variable, by the number that the host gave it.
        variable: u32,
        /// Which CPU's; `None` for the one the program runs on.
        cpu: Option<Value>,
    },
}

impl SystemOp {
    /// Whether it may be left out when its result is not used.
    pub fn is_removable(&self) -> bool {
        matches!(self, Self::PerCpuAddress { .. })
    }

    /// Shows each value it reads to `f` with its type; `f` may exchange it.
    pub fn visit_mut(&mut self, mut f: impl FnMut(&mut Value, Option<Type>)) {
        let int = Some(Type::Int);
        match self {
            Self::Signal { number, .. } => f(number, int),
            Self::Override { result } => f(result, int),
            Self::WriteUser { address, from, length, .. } => {
                f(address, int);
                f(from, Some(Type::Slot));
                f(length, int);
            }
            Self::TaskName { to, pid, .. } => {
                f(to, Some(Type::Slot));
                f(pid, int);
            }
            Self::PerCpuAddress { cpu, .. } => cpu.iter_mut().for_each(|cpu| f(cpu, int)),
        }
    }

    /// The local memory that it writes to.
    pub fn written(&self) -> Option<Value> {
        match *self {
            Self::TaskName { to, .. } => Some(to),
            _ => None,
        }
    }

    /// The local memory it touches: base and bytes from there.
    pub fn access(&self) -> Option<(Value, u32)> {
        match *self {
            Self::WriteUser { from, size, .. } => Some((from, size)),
            Self::TaskName { to, .. } => Some((to, TASK_NAME_SIZE)),
            _ => None,
        }
    }
}

impl fmt::Display for SystemOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal { number, thread: false } => write!(f, "signal {number}"),
            Self::Signal { number, thread: true } => write!(f, "signal_thread {number}"),
            Self::Override { result } => write!(f, "override {result}"),
            Self::WriteUser { address, from, size, length } => {
                write!(f, "write_user {address}, [{from}], {size} bytes, {length}")
            }
            Self::TaskName { to, pid, offset } => write!(f, "task_name [{to}], {pid}, +{offset}"),
            Self::PerCpuAddress { variable, cpu } => {
                write!(f, "per_cpu_address {variable}")?;
                cpu.map_or(Ok(()), |cpu| write!(f, ", {cpu}"))
            }
        }
    }
}
