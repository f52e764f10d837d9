//! BTF of the running Linux → ids of kernel functions, and names of raw tracepoints.
//!
//! One pass over the types, which vary in size, and a comparison of names: with the file mapped it takes
//! less than a millisecond, so there is no index.
//!
//! *Invariant:* malformed data ends the walk, it is never read past its end.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;

const PATH: &str = "/sys/kernel/btf/vmlinux";

/// Kinds of types that we look for, as `BTF_KIND_…` numbers.
const TYPEDEF: u32 = 8;
const FUNCTION: u32 = 12;
const VARIABLE: u32 = 14;

/// The bytes, mapped where Linux allows it (6.16), else read.
fn bytes() -> Option<&'static [u8]> {
    static BYTES: OnceLock<Option<&'static [u8]>> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let mut file = File::open(PATH).ok()?;
        let length = file.metadata().ok()?.len() as usize;
        if length > 0 {
            // SAFETY: a fresh read-only mapping of the file's length; it is never unmapped and never
            // changes, so it is valid for the process's life.
            let memory = unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    length,
                    libc::PROT_READ,
                    libc::MAP_PRIVATE,
                    file.as_raw_fd(),
                    0,
                )
            };
            if memory != libc::MAP_FAILED {
                // SAFETY: as above.
                return Some(unsafe { std::slice::from_raw_parts(memory.cast::<u8>(), length) });
            }
        }
        let mut data = Vec::new();
        file.read_to_end(&mut data).ok()?;
        Some(Vec::leak(data))
    })
}

/// A type: its number, kind and name.
struct Type<'a> {
    id: u32,
    kind: u32,
    name: &'a [u8],
}

/// Walks the types in order.
fn types(data: &[u8]) -> Option<impl Iterator<Item = Type<'_>>> {
    let header = |at: usize| word(data, at).map(|value| value as usize);
    if data.get(..2)? != 0xeb9fu16.to_ne_bytes() {
        return None;
    }
    let start = header(4)?;
    let section = |offset: usize, length: usize| data.get(start + offset..)?.get(..length);
    let types = section(header(8)?, header(12)?)?;
    let strings = section(header(16)?, header(20)?)?;
    let mut at = 0;
    let mut id = 0;
    Some(std::iter::from_fn(move || {
        let name = word(types, at)? as usize;
        let info = word(types, at + 4)?;
        let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
        at += 12 + tail(kind, count)?;
        id += 1;
        let name = strings.get(name..)?;
        let end = name.iter().position(|&byte| byte == 0)?;
        Some(Type { id, kind, name: &name[..end] })
    }))
}

/// Bytes behind a type's head, by its kind and its number of members.
fn tail(kind: u32, count: usize) -> Option<usize> {
    Some(match kind {
        // pointer, forward, typedef, volatile, const, restrict, function, float, type tag
        2 | 7..=12 | 16 | 18 => 0,
        // integer, variable, declaration tag
        1 | 14 | 17 => 4,
        // array
        3 => 12,
        // struct, union, data section, enum64
        4 | 5 | 15 | 19 => 12 * count,
        // enum, function prototype
        6 | 13 => 8 * count,
        _ => return None,
    })
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*data.get(at..)?.first_chunk()?))
}

/// Whether this Linux has BTF.
pub fn is_available() -> bool {
    bytes().and_then(types).is_some()
}

/// The ids of kernel functions, as calls to kfuncs need them; nothing for one that is not there.
pub fn function_ids<const N: usize>(names: [&str; N]) -> [Option<u32>; N] {
    let mut ids = [None; N];
    for ty in bytes().and_then(types).into_iter().flatten().filter(|ty| ty.kind == FUNCTION) {
        if let Some(index) = names.iter().position(|name| name.as_bytes() == ty.name) {
            ids[index] = Some(ty.id);
            if ids.iter().all(Option::is_some) {
                break;
            }
        }
    }
    ids
}

/// The id of a per-CPU variable.
pub fn variable_id(name: &str) -> Option<u32> {
    let mut types = types(bytes()?)?;
    types.find(|ty| ty.kind == VARIABLE && ty.name == name.as_bytes()).map(|ty| ty.id)
}

/// The names that raw tracepoints go by, sorted: each has a type `btf_trace_NAME`.
pub fn raw_tracepoints() -> Option<Vec<String>> {
    let names = types(bytes()?)?.filter(|ty| ty.kind == TYPEDEF);
    let names = names.filter_map(|ty| ty.name.strip_prefix(b"btf_trace_"));
    let mut names: Vec<String> = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    names.sort();
    names.dedup();
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_linux_tells_its_functions() {
        let [open, none] = function_ids(["bpf_iter_num_new", "no_such_function"]);
        assert!(open.is_some_and(|id| id > 0));
        assert_eq!(none, None);
        let names = raw_tracepoints().expect("BTF");
        assert!(names.iter().any(|name| name == "sched_switch"));
    }

    #[test]
    fn malformed_data_ends_the_walk() {
        assert!(types(b"").is_none());
        assert!(types(&[0; 64]).is_none());
        let data = bytes().expect("BTF");
        let cut = types(&data[..data.len() / 2]).into_iter().flatten().count();
        assert_eq!(cut, 0);
    }
}
