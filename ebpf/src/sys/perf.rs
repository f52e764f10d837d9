//! Opening perf events, and the descriptors and clocks around them.

use std::ffi::CStr;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// `PERF_TYPE_SOFTWARE`
pub const SOFTWARE: u32 = 1;
/// `PERF_TYPE_TRACEPOINT`
pub const TRACEPOINT: u32 = 2;
/// `PERF_COUNT_SW_CPU_CLOCK`
pub const CPU_CLOCK: u64 = 0;

/// `struct perf_event_attr`, up to `PERF_ATTR_SIZE_VER1` (Linux 2.6.33).
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct EventAttr {
    kind: u32,
    size: u32,
    config: u64,
    /// Occurrences per sample, or samples a second where [`FREQUENCY`] is set.
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    /// Of probes: the address of the path (uprobes) or of the function's name (kprobes).
    config1: u64,
    /// Of probes: the offset in the file or function.
    config2: u64,
}
const _: () = assert!(size_of::<EventAttr>() == 72);

/// `freq` of `perf_event_attr.flags`.
const FREQUENCY: u64 = 1 << 10;
/// `PERF_FLAG_FD_CLOEXEC`
const CLOSE_ON_EXEC: libc::c_ulong = 8;

/// How often a sampling event fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Every so many occurrences (nanoseconds for clocks).
    Period(u64),
    /// So often a second.
    Frequency(u64),
}

/// Opens an event for a process on all CPUs, or for everything on one CPU.
///
/// # Errors
/// What Linux answers.
pub fn open(
    kind: u32,
    config: u64,
    sampling: Sampling,
    pid: Option<u32>,
    cpu: Option<u32>,
) -> io::Result<OwnedFd> {
    let (sample_period, flags) = match sampling {
        Sampling::Period(n) => (n, 0),
        Sampling::Frequency(n) => (n, FREQUENCY),
    };
    let attr = EventAttr { kind, config, sample_period, flags, wakeup_events: 1, ..EventAttr::default() };
    open_attr(attr, pid, cpu)
}

/// Opens a kprobe or uprobe event, the latter only where Linux has no uprobe.multi. `target` is the name of
/// a function or the path of a binary. Linux 4.17.
///
/// # Errors
/// What Linux answers.
pub fn open_probe(
    kind: u32,
    return_bit: Option<u32>,
    target: &CStr,
    offset: u64,
    pid: Option<u32>,
    cpu: u32,
) -> io::Result<OwnedFd> {
    let attr = EventAttr {
        kind,
        config: return_bit.map_or(0, |bit| 1 << bit),
        sample_period: 1,
        wakeup_events: 1,
        config1: target.as_ptr() as u64,
        config2: offset,
        ..EventAttr::default()
    };
    open_attr(attr, pid, if pid.is_some() { None } else { Some(cpu) })
}

fn open_attr(mut attr: EventAttr, pid: Option<u32>, cpu: Option<u32>) -> io::Result<OwnedFd> {
    attr.size = size_of::<EventAttr>() as u32;
    let pid = pid.map_or(-1, |pid| pid as libc::pid_t);
    let cpu = cpu.map_or(-1, |cpu| cpu as libc::c_int);
    // SAFETY: the attribute outlives the call; an address in it is a borrowed text of the caller.
    let fd =
        unsafe { libc::syscall(libc::SYS_perf_event_open, &raw const attr, pid, cpu, -1, CLOSE_ON_EXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: Linux has just made the descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// The boot clock, as programs read it for `nsecs`.
pub fn boot_clock_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid; the clock exists since Linux 2.6.39, so the call cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
