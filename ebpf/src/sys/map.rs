//! Making maps and reading, writing and walking their elements.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::{Command, bpf, bpf_fd, object_name};

/// The head of `union bpf_attr` for `BPF_MAP_CREATE`, up to `map_name`.
#[repr(C)]
#[derive(Default)]
struct CreateAttr {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
    numa_node: u32,
    map_name: [u8; 16],
    padding: u32,
}
const _: () = assert!(size_of::<CreateAttr>() == 48);

/// Makes a map; `kind` is a number of `enum bpf_map_type`, sizes are in bytes.
///
/// # Errors
/// What Linux answers.
pub fn create(
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    name: &str,
) -> io::Result<OwnedFd> {
    let mut attr = CreateAttr {
        map_type: kind,
        key_size,
        value_size,
        max_entries,
        map_flags: flags,
        map_name: object_name(name),
        ..CreateAttr::default()
    };
    // SAFETY: no addresses in it.
    unsafe { bpf_fd(Command::MapCreate, &mut attr) }
}

/// `union bpf_attr` for commands on one element.
#[repr(C)]
struct ElementAttr {
    map_fd: u32,
    padding: u32,
    key: u64,
    /// The value, or for `BPF_MAP_GET_NEXT_KEY` the next key.
    value: u64,
    flags: u64,
}
const _: () = assert!(size_of::<ElementAttr>() == 32);

fn element(map: BorrowedFd<'_>, key: &[u8], value: u64) -> ElementAttr {
    ElementAttr { map_fd: map.as_raw_fd() as u32, padding: 0, key: key.as_ptr() as u64, value, flags: 0 }
}

/// Whether a call found its element: `ENOENT` is an answer, not an error.
fn found(result: io::Result<i32>) -> io::Result<bool> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reads an element; of a per-CPU map the values of all possible CPUs, each padded to 8 bytes. The caller
/// gives a key and a value of the map's sizes. Says whether there is one.
///
/// # Errors
/// What Linux answers.
pub fn lookup(map: BorrowedFd<'_>, key: &[u8], value: &mut [u8]) -> io::Result<bool> {
    let mut attr = element(map, key, value.as_mut_ptr() as u64);
    // SAFETY: key and value are as long as the map's sizes, by the caller's word, and outlive the call.
    found(unsafe { bpf(Command::MapLookup, &mut attr) })
}

/// Writes an element, with sizes as for [`lookup`].
///
/// # Errors
/// What Linux answers.
pub fn update(map: BorrowedFd<'_>, key: &[u8], value: &[u8]) -> io::Result<()> {
    let mut attr = element(map, key, value.as_ptr() as u64);
    // SAFETY: as in `lookup`.
    unsafe { bpf(Command::MapUpdate, &mut attr) }.map(drop)
}

/// Removes an element; says whether there was one.
///
/// # Errors
/// What Linux answers.
pub fn delete(map: BorrowedFd<'_>, key: &[u8]) -> io::Result<bool> {
    let mut attr = element(map, key, 0);
    // SAFETY: the key is as long as the map's, by the caller's word.
    found(unsafe { bpf(Command::MapDelete, &mut attr) })
}

/// Writes the key after `key` (the first without one) to `next`; says whether there is one.
///
/// # Errors
/// What Linux answers.
pub fn next_key(map: BorrowedFd<'_>, key: Option<&[u8]>, next: &mut [u8]) -> io::Result<bool> {
    let mut attr = element(map, key.unwrap_or(&[]), next.as_mut_ptr() as u64);
    if key.is_none() {
        attr.key = 0;
    }
    // SAFETY: both keys are as long as the map's, by the caller's word.
    found(unsafe { bpf(Command::MapNextKey, &mut attr) })
}

/// `union bpf_attr` for batches.
#[repr(C)]
struct BatchAttr {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}
const _: () = assert!(size_of::<BatchAttr>() == 56);

/// Where a walk in batches stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    token: [u64; 4],
    has_begun: bool,
}

/// What a batch brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// So many elements, and there may be more.
    More(usize),
    /// So many elements, the last ones.
    Last(usize),
    /// A bucket of the hash does not fit: come again with more room.
    TooSmall,
}

/// Reads the next elements of a hash, as many as `keys` has room for. Linux 5.6.
///
/// # Errors
/// What Linux answers.
pub fn lookup_batch(
    map: BorrowedFd<'_>,
    cursor: &mut Cursor,
    count: usize,
    keys: &mut [u8],
    values: &mut [u8],
) -> io::Result<Batch> {
    let mut out = [0u64; 4];
    let mut attr = BatchAttr {
        in_batch: if cursor.has_begun { cursor.token.as_ptr() as u64 } else { 0 },
        out_batch: out.as_mut_ptr() as u64,
        keys: keys.as_mut_ptr() as u64,
        values: values.as_mut_ptr() as u64,
        count: count as u32,
        map_fd: map.as_raw_fd() as u32,
        elem_flags: 0,
        flags: 0,
    };
    // SAFETY: keys and values have room for `count` elements, by the caller's word; hash maps write four
    // bytes of token.
    let result = unsafe { bpf(Command::MapLookupBatch, &mut attr) };
    let read = attr.count as usize;
    match result {
        Ok(_) => {
            *cursor = Cursor { token: out, has_begun: true };
            Ok(Batch::More(read))
        }
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(Batch::Last(read)),
        Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => Ok(Batch::TooSmall),
        Err(error) => Err(error),
    }
}
