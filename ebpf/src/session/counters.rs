//! The session's maps that are not the user's: counters, globals and scratch memory.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::object::{COUNTERS, Counter, Globals, Notice, Object};
use crate::sys::map;

/// `BPF_MAP_TYPE_ARRAY`
const ARRAY: u32 = 2;
/// `BPF_MAP_TYPE_PERCPU_ARRAY`
const PER_CPU_ARRAY: u32 = 6;
/// `BPF_F_MMAPABLE`, Linux 5.5.
const MMAPABLE: u32 = 1 << 10;
/// `BPF_F_RDONLY_PROG`: programs cannot write it. Linux 5.2.
const READ_ONLY: u32 = 1 << 7;
/// Linux maps whole pages.
const PAGE: usize = 4096;

/// What programs count, per CPU.
#[derive(Debug)]
pub struct Counters {
    fd: OwnedFd,
    cpus: usize,
}

impl Counters {
    /// All zero; `cpus` is the number of possible CPUs.
    ///
    /// # Errors
    /// What Linux answers.
    pub fn create(cpus: usize) -> io::Result<Self> {
        Ok(Self { fd: map::create(PER_CPU_ARRAY, 4, 8, COUNTERS, 0, "probebook_count")?, cpus })
    }

    /// The sum over all CPUs.
    pub fn total(&self, counter: Counter) -> u64 {
        let mut values = vec![0; self.cpus * 8];
        match map::lookup(self.fd.as_fd(), &(counter as u32).to_ne_bytes(), &mut values) {
            Ok(_) => values.as_chunks::<8>().0.iter().map(|value| u64::from_ne_bytes(*value)).sum(),
            Err(_) => 0,
        }
    }
}

impl AsFd for Counters {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Memory for what does not fit on the stack of a program: so many bytes for each CPU.
///
/// It is one element of an ordinary array: programs find it without a call, and it may be larger than the 32 KiB
/// of a per-CPU array's element.
///
/// # Errors
/// What Linux answers.
pub fn create_scratch(bytes: u32, cpus: usize) -> io::Result<OwnedFd> {
    let size = u32::try_from(bytes as usize * cpus).map_err(|_| io::ErrorKind::OutOfMemory)?;
    map::create(ARRAY, 4, size.max(8), 1, 0, "probebook_mem")
}

/// Constant data that programs read.
///
/// # Errors
/// What Linux answers.
pub fn create_constants(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut value = bytes.to_vec();
    value.resize(bytes.len().next_multiple_of(8).max(8), 0);
    let fd = map::create(ARRAY, 4, value.len() as u32, 1, READ_ONLY, "probebook_data")?;
    map::update(fd.as_fd(), &0_u32.to_ne_bytes(), &value)?;
    Ok(fd)
}

/// [`Globals`] and what lies behind them, mapped into this process.
#[derive(Debug)]
pub struct Shared {
    fd: OwnedFd,
    memory: *mut Globals,
    /// Bytes of the mapping.
    length: usize,
    /// Where the notices begin, and how many there are.
    notices: (usize, usize),
}

// SAFETY: the mapping is shared memory whose words are only used as atomics.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// The globals of an object; the gate is shut.
    ///
    /// # Errors
    /// What Linux answers.
    pub fn create(object: &Object) -> io::Result<Self> {
        let size = object.globals_size();
        let fd = map::create(ARRAY, 4, size, 1, MMAPABLE, "probebook_glob")?;
        let length = (size as usize).next_multiple_of(PAGE);
        let (access, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        use std::os::fd::AsRawFd;
        // SAFETY: a fresh mapping at an address of Linux's choice.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), length, access, shared, fd.as_raw_fd(), 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let notices = (object.notices() as usize, object.sites.len());
        Ok(Self { fd, memory: memory.cast(), length, notices })
    }

    /// Opens or shuts the gate of all event programs at once.
    pub fn set_gate(&self, open: bool) {
        // SAFETY: the mapping lives as long as `self`; the word is aligned and only used atomically here.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.memory).gate) }.store(u64::from(open), Ordering::SeqCst);
    }

    /// What is known of a site, by its number in the object.
    pub fn notice(&self, site: usize) -> Notice {
        let (start, count) = self.notices;
        if site >= count {
            return Notice::default();
        }
        // SAFETY: the notices lie inside the mapping, which lives as long as `self`; their words are aligned,
        // and here only read.
        let word = |offset: usize| unsafe {
            let at = self.memory.byte_add(start + site * size_of::<Notice>() + offset);
            AtomicU64::from_ptr(at.cast()).load(Ordering::Relaxed)
        };
        Notice {
            times: word(std::mem::offset_of!(Notice, times)),
            code: word(std::mem::offset_of!(Notice, code)) as i64,
        }
    }

    /// Sets the time that `elapsed` counts from, which is now.
    pub fn set_started(&self, boot_ns: u64) {
        // SAFETY: as in `set_gate`.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.memory).started) }.store(boot_ns, Ordering::SeqCst);
        let wall = crate::clock::now().wrapping_sub(boot_ns);
        // SAFETY: as in `set_gate`.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.memory).wall) }.store(wall, Ordering::SeqCst);
    }
}

impl AsFd for Shared {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length and is not used after.
        unsafe { libc::munmap(self.memory.cast(), self.length) };
    }
}
