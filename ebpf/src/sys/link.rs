//! Attaching loaded programs by BPF links.

use std::ffi::{CStr, c_char};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::program::{TRACE_KPROBE_MULTI, TRACE_UPROBE_MULTI};
use super::{Command, bpf_fd};

/// `BPF_PERF_EVENT` of `enum bpf_attach_type`, Linux 5.15.
const PERF_EVENT: u32 = 41;

/// `union bpf_attr` for `BPF_LINK_CREATE`, with the members of `perf_event` and `uprobe_multi`.
#[repr(C)]
#[derive(Default)]
struct LinkAttr {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    /// `perf_event.bpf_cookie` or `uprobe_multi.path`.
    first: u64,
    offsets: u64,
    ref_ctr_offsets: u64,
    cookies: u64,
    count: u32,
    multi_flags: u32,
    pid: u32,
    padding: u32,
}
const _: () = assert!(size_of::<LinkAttr>() == 64);

/// Attaches a program to an open perf event. Linux 5.15.
///
/// # Errors
/// What Linux answers.
pub fn perf_event(program: BorrowedFd<'_>, event: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attr = LinkAttr {
        prog_fd: program.as_raw_fd() as u32,
        target_fd: event.as_raw_fd() as u32,
        attach_type: PERF_EVENT,
        ..LinkAttr::default()
    };
    // SAFETY: no addresses in it.
    unsafe { bpf_fd(Command::LinkCreate, &mut attr) }
}

/// Attaches a program to functions of one binary, by their file offsets, at entry or return. Linux 6.6.
///
/// # Errors
/// What Linux answers.
pub fn uprobe_multi(
    program: BorrowedFd<'_>,
    path: &CStr,
    offsets: &[u64],
    at_return: bool,
    pid: Option<u32>,
) -> io::Result<OwnedFd> {
    let mut attr = LinkAttr {
        prog_fd: program.as_raw_fd() as u32,
        attach_type: TRACE_UPROBE_MULTI,
        first: path.as_ptr() as u64,
        offsets: offsets.as_ptr() as u64,
        count: offsets.len() as u32,
        multi_flags: u32::from(at_return),
        pid: pid.unwrap_or(0),
        ..LinkAttr::default()
    };
    // SAFETY: path and offsets outlive the call; the count is that of the offsets.
    unsafe { bpf_fd(Command::LinkCreate, &mut attr) }
}

/// `union bpf_attr` for `BPF_LINK_CREATE`, with the members of `kprobe_multi`.
#[repr(C)]
#[derive(Default)]
struct KprobeMultiAttr {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    multi_flags: u32,
    count: u32,
    symbols: u64,
    addresses: u64,
    cookies: u64,
}
const _: () = assert!(size_of::<KprobeMultiAttr>() == 48);

/// Attaches a program to functions of Linux by their names, at entry or return. Linux 5.18 with
/// `CONFIG_FPROBE`.
///
/// # Errors
/// What Linux answers.
pub fn kprobe_multi(program: BorrowedFd<'_>, functions: &[&CStr], at_return: bool) -> io::Result<OwnedFd> {
    let names: Vec<*const c_char> = functions.iter().map(|name| name.as_ptr()).collect();
    let mut attr = KprobeMultiAttr {
        prog_fd: program.as_raw_fd() as u32,
        attach_type: TRACE_KPROBE_MULTI,
        multi_flags: u32::from(at_return),
        count: names.len() as u32,
        symbols: names.as_ptr() as u64,
        ..KprobeMultiAttr::default()
    };
    // SAFETY: the names and the array of their addresses outlive the call; the count is theirs.
    unsafe { bpf_fd(Command::LinkCreate, &mut attr) }
}

/// `union bpf_attr` for `BPF_RAW_TRACEPOINT_OPEN`.
#[repr(C)]
struct RawTracepointAttr {
    name: u64,
    prog_fd: u32,
    padding: u32,
}
const _: () = assert!(size_of::<RawTracepointAttr>() == 16);

/// Attaches a program to a raw tracepoint, or, without a name, to the function it was loaded for. Linux 4.17,
/// functions 5.5.
///
/// # Errors
/// What Linux answers.
pub fn raw_tracepoint(program: BorrowedFd<'_>, name: Option<&CStr>) -> io::Result<OwnedFd> {
    let name = name.map_or(0, |name| name.as_ptr() as u64);
    let mut attr = RawTracepointAttr { name, prog_fd: program.as_raw_fd() as u32, padding: 0 };
    // SAFETY: the name outlives the call.
    unsafe { bpf_fd(Command::RawTracepointOpen, &mut attr) }
}
