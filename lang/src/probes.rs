//! Resolved attach points: what a written attach point means after wildcards, aliases and units are gone.
//!
//! *Invariant:* its text form (`Display`) is bpftrace's full probe name, the value of the `probe` builtin.

use std::fmt;

/// How often a timed probe fires, as written, which its name keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rate {
    /// `hz:n`: n times a second.
    Hz(u64),
    /// `s:n`
    Seconds(u64),
    /// `ms:n`
    Milliseconds(u64),
    /// `us:n`
    Microseconds(u64),
}

impl Rate {
    /// The time between two firings.
    pub fn period_ns(self) -> u64 {
        match self {
            Self::Hz(n) => 1_000_000_000 / n.max(1),
            Self::Seconds(n) => n.saturating_mul(1_000_000_000),
            Self::Milliseconds(n) => n.saturating_mul(1_000_000),
            Self::Microseconds(n) => n.saturating_mul(1_000),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hz(n) => write!(f, "hz:{n}"),
            Self::Seconds(n) => write!(f, "s:{n}"),
            Self::Milliseconds(n) => write!(f, "ms:{n}"),
            Self::Microseconds(n) => write!(f, "us:{n}"),
        }
    }
}

/// An event to attach to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AttachPoint {
    /// Once at the start.
    Begin,
    /// Once at the end.
    End,
    /// When our own process gets SIGUSR1.
    Signal,
    /// When tests are run; the name.
    Test(String),
    /// When benchmarks are run, many times; the name.
    Bench(String),
    /// On one CPU, in a fixed rhythm.
    Interval(Rate),
    /// On every CPU, in a fixed rhythm.
    Profile(Rate),
    /// A software event of Linux, every `period` occurrences, on every CPU.
    Software {
        /// Its canonical name, as `page-faults`.
        event: String,
        /// Occurrences per firing.
        period: u64,
        /// What the name of the probe has, as written: `cpu:1000`.
        written: String,
    },
    /// A tracepoint.
    Tracepoint {
        /// As `syscalls`.
        category: String,
        /// As `sys_enter_read`.
        event: String,
    },
    /// A tracepoint with its raw arguments.
    RawTracepoint {
        /// As `sched_switch`.
        event: String,
    },
    /// A kernel function, at its entry, its return, or an instruction in it.
    Kprobe {
        /// The module that was asked for; `vmlinux` is Linux itself.
        module: Option<String>,
        /// The function.
        function: String,
        /// Bytes from its start.
        offset: u64,
        /// At the return.
        at_return: bool,
    },
    /// A kernel function with the types of its arguments, at its entry or its return.
    Fentry {
        /// `vmlinux` is Linux itself.
        module: String,
        /// The function.
        function: String,
        /// At the return.
        at_return: bool,
    },
    /// A user function, at its entry or its return.
    Uprobe {
        /// The absolute path of the binary.
        path: String,
        /// The function.
        function: String,
        /// The binary in the name of the probe: a path as written, or the path of what was written.
        written: String,
        /// Where the function lies in the file.
        offset: u64,
        /// At the return.
        at_return: bool,
    },
}

impl AttachPoint {
    /// The provider's full name: the value of `probetype`.
    pub fn provider(&self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::End => "end",
            Self::Signal => "self",
            Self::Test(_) => "test",
            Self::Bench(_) => "bench",
            Self::Interval(_) => "interval",
            Self::Profile(_) => "profile",
            Self::Software { .. } => "software",
            Self::Tracepoint { .. } => "tracepoint",
            Self::RawTracepoint { .. } => "rawtracepoint",
            Self::Kprobe { at_return: false, .. } => "kprobe",
            Self::Kprobe { at_return: true, .. } => "kretprobe",
            Self::Fentry { at_return: false, .. } => "fentry",
            Self::Fentry { at_return: true, .. } => "fexit",
            Self::Uprobe { at_return: false, .. } => "uprobe",
            Self::Uprobe { at_return: true, .. } => "uretprobe",
        }
    }

    /// Whether it is run by us rather than attached to something.
    pub fn is_special(&self) -> bool {
        matches!(self, Self::Begin | Self::End | Self::Signal | Self::Test(_) | Self::Bench(_))
    }
}

impl fmt::Display for AttachPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.provider();
        match self {
            Self::Begin | Self::End => f.write_str(provider),
            Self::Signal => write!(f, "{provider}:signal:SIGUSR1"),
            Self::Test(name) | Self::Bench(name) => write!(f, "{provider}:{name}"),
            Self::Interval(rate) | Self::Profile(rate) => write!(f, "{provider}:{rate}"),
            Self::Software { written, .. } => write!(f, "{provider}:{written}"),
            Self::Tracepoint { category, event } => write!(f, "{provider}:{category}:{event}"),
            Self::RawTracepoint { event } => write!(f, "{provider}:{event}"),
            Self::Kprobe { module, function, offset, .. } => {
                write!(f, "{provider}:")?;
                if let Some(module) = module {
                    write!(f, "{module}:")?;
                }
                f.write_str(function)?;
                if *offset > 0 { write!(f, "+{offset}") } else { Ok(()) }
            }
            Self::Fentry { module, function, .. } => write!(f, "{provider}:{module}:{function}"),
            Self::Uprobe { written, function, .. } => write!(f, "{provider}:{written}:{function}"),
        }
    }
}
