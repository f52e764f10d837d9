//! Dynamic probes by perf's own sources of events: a function or a place in a binary → a perf event.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use super::Reason;
use crate::sys::perf;

/// A source of probe events, as sysfs describes it.
pub struct Pmu {
    kind: u32,
    /// The bit that asks for the return.
    bit: Option<u32>,
}

impl Pmu {
    /// `kprobe` or `uprobe`.
    ///
    /// # Errors
    /// Where this Linux has none.
    pub fn find(name: &str, at_return: bool) -> Result<Self, Reason> {
        let folder = format!("/sys/bus/event_source/devices/{name}");
        let kind = number(&format!("{folder}/type"))
            .ok_or_else(|| format!("this Linux has no {name}s (it was built without them)"))?;
        let bit = if at_return { number(&format!("{folder}/format/retprobe")) } else { None };
        match bit {
            None if at_return => Err(format!("this Linux has no {name}s at the return of functions")),
            bit => Ok(Self { kind, bit }),
        }
    }

    /// Opens an event at an offset of a function (kprobes) or file (uprobes).
    ///
    /// # Errors
    /// What Linux answers.
    pub fn open(&self, target: &CStr, offset: u64, pid: Option<u32>) -> io::Result<OwnedFd> {
        perf::open_probe(self.kind, self.bit, target, offset, pid, 0)
    }
}

/// The first number in a file of sysfs, as `9` or `config:0`.
fn number(path: &str) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().rsplit(':').next()?.parse().ok()
}
