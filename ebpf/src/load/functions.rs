//! The functions of a program → what Linux wants to know of them before a helper may call one: BTF types.
//!
//! The verifier does not believe the types, it follows the code; so all functions have the same, which says
//! nothing of arguments.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use crate::object::FunctionSpec;
use crate::sys::program::{self, FunctionInfo};

/// The type numbers: `int`, a function that gives one, and behind them the functions.
const INT: u32 = 1;
const PROTOTYPE: u32 = 2;
const FIRST: u32 = 3;

/// The functions of a program, as loading wants them.
#[derive(Debug)]
pub struct Functions {
    btf: OwnedFd,
    /// First instruction and type of each.
    records: Vec<[u32; 2]>,
}

impl Functions {
    /// The part of a load.
    pub fn info(&self) -> FunctionInfo<'_> {
        FunctionInfo { btf: self.btf.as_fd(), records: &self.records }
    }
}

/// Tells Linux of functions; nothing where there are none beside the program itself.
///
/// # Errors
/// What Linux answers.
pub fn describe(functions: &[FunctionSpec]) -> io::Result<Option<Functions>> {
    if functions.is_empty() {
        return Ok(None);
    }
    Ok(Some(Functions { btf: program::load_btf(&btf(functions))?, records: records(functions) }))
}

/// First instruction and type of each function.
pub fn records(functions: &[FunctionSpec]) -> Vec<[u32; 2]> {
    functions.iter().zip(FIRST..).map(|(function, id)| [function.start, id]).collect()
}

/// The types as bytes (`include/uapi/linux/btf.h`).
pub fn btf(functions: &[FunctionSpec]) -> Vec<u8> {
    const MAGIC: u32 = 0xeb9f | 1 << 16;
    const HEADER: u32 = 24;
    let kind = |kind: u32| kind << 24;
    let mut strings = b"\0int\0".to_vec();
    // A signed integer of 32 bits; a function without parameters.
    let mut types = vec![1, kind(1), 4, 1 << 24 | 32, 0, kind(13), INT];
    for function in functions {
        types.extend([strings.len() as u32, kind(12), PROTOTYPE]);
        strings.extend(function.name.bytes().map(|c| if c.is_ascii_alphanumeric() { c } else { b'_' }));
        strings.push(0);
    }
    let types_len = types.len() as u32 * 4;
    let header = [MAGIC, HEADER, 0, types_len, types_len, strings.len() as u32];
    let words = header.into_iter().chain(types);
    words.flat_map(u32::to_ne_bytes).chain(strings).collect()
}
