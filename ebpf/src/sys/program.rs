//! Loading, running and asking about BPF programs.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::{Command, bpf, bpf_fd, object_name};

/// Types of programs, by the numbers of `enum bpf_prog_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ProgramType {
    /// kprobes and uprobes
    Kprobe = 2,
    /// tracepoints
    Tracepoint = 5,
    /// timers and software events
    PerfEvent = 7,
    /// raw tracepoints, begin and end
    RawTracepoint = 17,
}

/// `BPF_TRACE_KPROBE_MULTI` of `enum bpf_attach_type`, Linux 5.18.
pub const TRACE_KPROBE_MULTI: u32 = 42;
/// `BPF_TRACE_UPROBE_MULTI` of `enum bpf_attach_type`, Linux 6.6.
pub const TRACE_UPROBE_MULTI: u32 = 48;

/// The head of `union bpf_attr` for `BPF_PROG_LOAD`, up to `expected_attach_type`.
#[repr(C)]
#[derive(Default)]
struct LoadAttr {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
}
const _: () = assert!(size_of::<LoadAttr>() == 72);

/// Loads a program; with a `log` the verifier writes its reasons there.
///
/// # Errors
/// What Linux answers.
pub fn load(
    kind: ProgramType,
    attach_type: u32,
    name: &str,
    code: &[u64],
    license: &str,
    log: Option<&mut Vec<u8>>,
) -> io::Result<OwnedFd> {
    let license = CString::new(license)?;
    let mut attr = LoadAttr {
        prog_type: kind as u32,
        insn_cnt: code.len() as u32,
        insns: code.as_ptr() as u64,
        license: license.as_ptr() as u64,
        prog_name: object_name(name),
        expected_attach_type: attach_type,
        ..LoadAttr::default()
    };
    if let Some(log) = &log {
        attr.log_level = 1;
        attr.log_size = log.len() as u32;
        attr.log_buf = log.as_ptr() as u64;
    }
    // SAFETY: code and license outlive the call; the log is exclusively borrowed and as long as said.
    let result = unsafe { bpf_fd(Command::ProgLoad, &mut attr) };
    if let Some(log) = log {
        let end = log.iter().position(|&byte| byte == 0).unwrap_or(log.len());
        log.truncate(end);
    }
    result
}

/// The head of `union bpf_attr` for `BPF_PROG_TEST_RUN`.
#[repr(C)]
#[derive(Default)]
struct TestRunAttr {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
    batch_size: u32,
    padding: u32,
}
const _: () = assert!(size_of::<TestRunAttr>() == 80);

/// Runs a raw tracepoint program once, in this thread, with arguments that are 0, and gives its result.
/// Linux 5.10.
///
/// # Errors
/// What Linux answers.
pub fn test_run(program: BorrowedFd<'_>) -> io::Result<u32> {
    let context = [0u64; 12];
    let mut attr = TestRunAttr {
        prog_fd: program.as_raw_fd() as u32,
        ctx_size_in: size_of_val(&context) as u32,
        ctx_in: context.as_ptr() as u64,
        ..TestRunAttr::default()
    };
    // SAFETY: the context outlives the call.
    unsafe { bpf(Command::ProgTestRun, &mut attr) }.map(|_| attr.retval)
}

/// `union bpf_attr` for `BPF_OBJ_GET_INFO_BY_FD`.
#[repr(C)]
struct InfoAttr {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}
const _: () = assert!(size_of::<InfoAttr>() == 16);

/// `struct bpf_prog_info`, up to `recursion_misses` (Linux 5.12); 64-bit addresses are not asked for.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct ProgInfo {
    head: [u32; 6],
    addresses_and_load: [u64; 3],
    created_and_maps: [u32; 2],
    map_ids: u64,
    name: [u8; 16],
    ifindex: u32,
    gpl_compatible: u32,
    netns: [u64; 2],
    jited: [u32; 2],
    jited_addresses: [u64; 2],
    btf: [u32; 2],
    func_info: u64,
    func_info_and_lines: [u32; 2],
    lines: [u64; 2],
    line_sizes: [u32; 4],
    prog_tags: u64,
    run_time_ns: u64,
    run_cnt: u64,
    recursion_misses: u64,
}
const _: () = assert!(std::mem::offset_of!(ProgInfo, run_time_ns) == 192);

/// What Linux has counted for a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Nanoseconds inside it, while statistics were on.
    pub time_ns: u64,
    /// Runs, while statistics were on.
    pub runs: u64,
    /// Firings skipped because it was already running on that CPU.
    pub missed: u64,
}

/// Asks for a program's counts.
///
/// # Errors
/// What Linux answers.
pub fn run_counts(program: &OwnedFd) -> io::Result<RunCounts> {
    let mut info = ProgInfo::default();
    let mut attr = InfoAttr {
        bpf_fd: program.as_fd().as_raw_fd() as u32,
        info_len: size_of::<ProgInfo>() as u32,
        info: std::ptr::from_mut(&mut info) as u64,
    };
    // SAFETY: `info` is valid for `info_len` bytes and outlives the call.
    unsafe { bpf(Command::ObjGetInfo, &mut attr)? };
    Ok(RunCounts { time_ns: info.run_time_ns, runs: info.run_cnt, missed: info.recursion_misses })
}
