//! BTF of the running Linux → ids of kernel functions, names of raw tracepoints, and C types ([`types`]).
//!
//! One pass over the types, which vary in size, and a comparison of names: with the file mapped it takes
//! about a millisecond, so there is no index of names.
//!
//! *Invariant:* malformed data ends the walk, it is never read past its end.

pub mod types;

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::sync::OnceLock;

const PATH: &str = "/sys/kernel/btf/vmlinux";

/// Kinds of types, as `BTF_KIND_…` numbers.
mod kind {
    pub const INT: u32 = 1;
    pub const POINTER: u32 = 2;
    pub const ARRAY: u32 = 3;
    pub const STRUCT: u32 = 4;
    pub const UNION: u32 = 5;
    pub const ENUM: u32 = 6;
    pub const FORWARD: u32 = 7;
    pub const TYPEDEF: u32 = 8;
    pub const VOLATILE: u32 = 9;
    pub const CONST: u32 = 10;
    pub const RESTRICT: u32 = 11;
    pub const FUNCTION: u32 = 12;
    pub const PROTOTYPE: u32 = 13;
    pub const VARIABLE: u32 = 14;
    pub const FLOAT: u32 = 16;
    pub const TYPE_TAG: u32 = 18;
    pub const ENUM64: u32 = 19;
}

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

/// A type: its number, kind and name, and where it lies among the types.
struct Head<'a> {
    id: u32,
    kind: u32,
    name: &'a [u8],
    at: usize,
}

/// The types and the names, as BTF's header tells.
#[derive(Clone, Copy)]
struct Sections<'a> {
    types: &'a [u8],
    strings: &'a [u8],
}

fn sections(data: &[u8]) -> Option<Sections<'_>> {
    let header = |at: usize| word(data, at).map(|value| value as usize);
    if data.get(..2)? != 0xeb9fu16.to_ne_bytes() {
        return None;
    }
    let start = header(4)?;
    let section = |offset: usize, length: usize| data.get(start + offset..)?.get(..length);
    Some(Sections { types: section(header(8)?, header(12)?)?, strings: section(header(16)?, header(20)?)? })
}

impl<'a> Sections<'a> {
    fn string(self, at: usize) -> Option<&'a [u8]> {
        let text = self.strings.get(at..)?;
        let end = text.iter().position(|&byte| byte == 0)?;
        Some(&text[..end])
    }

    /// Walks the types in order.
    fn heads(self) -> impl Iterator<Item = Head<'a>> {
        let mut next = 0;
        let mut id = 0;
        std::iter::from_fn(move || {
            let at = next;
            let info = word(self.types, at + 4)?;
            let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
            next += 12 + tail(kind, count)?;
            id += 1;
            Some(Head { id, kind, name: self.string(word(self.types, at)? as usize)?, at })
        })
    }
}

/// The types of a BTF file in order.
fn heads(data: &[u8]) -> Option<impl Iterator<Item = Head<'_>>> {
    sections(data).map(Sections::heads)
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
    bytes().and_then(sections).is_some()
}

/// The ids of kernel functions, as calls to kfuncs need them; nothing for one that is not there.
pub fn function_ids<const N: usize>(names: [&str; N]) -> [Option<u32>; N] {
    let mut ids = [None; N];
    for ty in bytes().and_then(heads).into_iter().flatten().filter(|ty| ty.kind == kind::FUNCTION) {
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
    let mut types = heads(bytes()?)?;
    types.find(|ty| ty.kind == kind::VARIABLE && ty.name == name.as_bytes()).map(|ty| ty.id)
}

/// The names that raw tracepoints go by, sorted: each has a type `btf_trace_NAME`.
pub fn raw_tracepoints() -> Option<Vec<String>> {
    let names = heads(bytes()?)?.filter(|ty| ty.kind == kind::TYPEDEF);
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
        assert!(heads(b"").is_none());
        assert!(heads(&[0; 64]).is_none());
        let data = bytes().expect("BTF");
        let cut = heads(&data[..data.len() / 2]).into_iter().flatten().count();
        assert_eq!(cut, 0);
    }
}
