//! The only raw system calls: bpf(2), perf_event_open(2) and the few around them, as functions that take
//! borrowed descriptors and give owned ones.
//!
//! *Invariant:* every attribute structure has the size that its comment claims; unknown tails are zero, as
//! Linux demands.
//!
//! *Not here:* what a program or a map means (`load`, `map`).

pub mod link;
pub mod map;
pub mod perf;
pub mod program;

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Commands of bpf(2) that we use, by the numbers of `enum bpf_cmd`.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub enum Command {
    /// `BPF_MAP_CREATE`
    MapCreate = 0,
    /// `BPF_MAP_LOOKUP_ELEM`
    MapLookup = 1,
    /// `BPF_MAP_UPDATE_ELEM`
    MapUpdate = 2,
    /// `BPF_MAP_DELETE_ELEM`
    MapDelete = 3,
    /// `BPF_MAP_GET_NEXT_KEY`
    MapNextKey = 4,
    /// `BPF_PROG_LOAD`
    ProgLoad = 5,
    /// `BPF_PROG_TEST_RUN`, Linux 4.12; for raw tracepoints 5.10.
    ProgTestRun = 10,
    /// `BPF_OBJ_GET_INFO_BY_FD`
    ObjGetInfo = 15,
    /// `BPF_RAW_TRACEPOINT_OPEN`, Linux 4.17.
    RawTracepointOpen = 17,
    /// `BPF_BTF_LOAD`, Linux 4.18.
    BtfLoad = 18,
    /// `BPF_MAP_LOOKUP_BATCH`, Linux 5.6.
    MapLookupBatch = 24,
    /// `BPF_LINK_CREATE`, Linux 5.7; for perf events 5.15.
    LinkCreate = 28,
}

/// Calls bpf(2) and gives its result, which is a descriptor for some commands.
///
/// # Errors
/// What Linux answers.
///
/// # Safety
/// The addresses in `attr` must be valid for what `command` does with them.
pub unsafe fn bpf<T>(command: Command, attr: &mut T) -> io::Result<i32> {
    loop {
        // SAFETY: `attr` is valid for its size; the addresses in it are the caller's promise.
        let result = unsafe {
            libc::syscall(libc::SYS_bpf, command as libc::c_long, std::ptr::from_mut(attr), size_of::<T>())
        };
        if result >= 0 {
            return Ok(result as i32);
        }
        let error = io::Error::last_os_error();
        // BPF_PROG_LOAD gives up with EAGAIN when a signal comes while the verifier runs.
        if error.raw_os_error() != Some(libc::EAGAIN) {
            return Err(error);
        }
    }
}

/// As [`bpf`] for commands that give a new descriptor.
///
/// # Errors
/// What Linux answers.
///
/// # Safety
/// As [`bpf`].
pub unsafe fn bpf_fd<T>(command: Command, attr: &mut T) -> io::Result<OwnedFd> {
    // SAFETY: the caller's promise.
    let fd = unsafe { bpf(command, attr)? };
    // SAFETY: Linux has just made the descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A BPF object's name: at most 15 characters of what Linux allows in it.
pub fn object_name(name: &str) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().take(15).zip(name.bytes()) {
        *to = if from.is_ascii_alphanumeric() || from == b'.' { from } else { b'_' };
    }
    bytes
}
