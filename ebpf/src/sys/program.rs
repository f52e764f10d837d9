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
    /// functions of Linux with the types of their arguments
    Tracing = 26,
}

/// What a program is loaded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its type.
    pub program: ProgramType,
    /// How it will be attached, where that makes a difference; else 0.
    pub attach: u32,
    /// The BTF id of the function it belongs to; 0 where it is bound to none.
    pub function: u32,
}

impl From<ProgramType> for Kind {
    fn from(program: ProgramType) -> Self {
        Self { program, attach: 0, function: 0 }
    }
}

/// `BPF_TRACE_FENTRY` of `enum bpf_attach_type`, Linux 5.5.
pub const TRACE_FENTRY: u32 = 24;
/// `BPF_TRACE_FEXIT`, Linux 5.5.
pub const TRACE_FEXIT: u32 = 25;
/// `BPF_TRACE_KPROBE_MULTI` of `enum bpf_attach_type`, Linux 5.18.
pub const TRACE_KPROBE_MULTI: u32 = 42;
/// `BPF_TRACE_UPROBE_MULTI` of `enum bpf_attach_type`, Linux 6.6.
pub const TRACE_UPROBE_MULTI: u32 = 48;

/// The head of `union bpf_attr` for `BPF_PROG_LOAD`, up to `attach_btf_id`.
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
    prog_btf_fd: u32,
    func_info_rec_size: u32,
    func_info: u64,
    func_info_cnt: u32,
    line_info_rec_size: u32,
    line_info: u64,
    line_info_cnt: u32,
    attach_btf_id: u32,
}
const _: () = assert!(size_of::<LoadAttr>() == 112);

/// The functions of a program, for helpers that call them.
#[derive(Clone, Copy, Debug)]
pub struct FunctionInfo<'a> {
    /// The types.
    pub btf: BorrowedFd<'a>,
    /// First instruction and type of each, in order.
    pub records: &'a [[u32; 2]],
}

/// The head of `union bpf_attr` for `BPF_BTF_LOAD`.
#[repr(C)]
struct BtfAttr {
    btf: u64,
    log: u64,
    size: u32,
    log_size: u32,
    log_level: u32,
    padding: u32,
}
const _: () = assert!(size_of::<BtfAttr>() == 32);

/// Loads types.
///
/// # Errors
/// What Linux answers.
pub fn load_btf(types: &[u8]) -> io::Result<OwnedFd> {
    let btf = types.as_ptr() as u64;
    let mut attr = BtfAttr { btf, log: 0, size: types.len() as u32, log_size: 0, log_level: 0, padding: 0 };
    // SAFETY: the bytes outlive the call.
    unsafe { bpf_fd(Command::BtfLoad, &mut attr) }
}

/// Loads a program; with a `log` the verifier writes its reasons there.
///
/// # Errors
/// What Linux answers.
pub fn load(
    kind: Kind,
    name: &str,
    code: &[u64],
    license: &str,
    functions: Option<FunctionInfo<'_>>,
    log: Option<&mut Vec<u8>>,
) -> io::Result<OwnedFd> {
    let license = CString::new(license)?;
    let mut attr = LoadAttr {
        prog_type: kind.program as u32,
        insn_cnt: code.len() as u32,
        insns: code.as_ptr() as u64,
        license: license.as_ptr() as u64,
        prog_name: object_name(name),
        expected_attach_type: kind.attach,
        attach_btf_id: kind.function,
        ..LoadAttr::default()
    };
    if let Some(functions) = functions {
        attr.prog_btf_fd = functions.btf.as_raw_fd() as u32;
        attr.func_info_rec_size = size_of::<[u32; 2]>() as u32;
        attr.func_info = functions.records.as_ptr() as u64;
        attr.func_info_cnt = functions.records.len() as u32;
    }
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
