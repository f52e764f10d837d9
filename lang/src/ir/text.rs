//! Operations on strings and bytes in local memory: [`TextOp`].
//!
//! Strings are read up to their first NUL or their size; behind the NUL there are only zeros.
//!
//! *Not here:* comparisons that jumps answer ([`super::Op::StringEq`] and its neighbours).

use std::fmt;

use super::{Type, Value};

/// Bytes of a name from a table, the NUL included.
pub const NAME_SIZE: u32 = 64;

/// What a string is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Needle {
    /// A constant that is not empty, without the NUL.
    Literal(Vec<u8>),
    /// A string in local memory.
    Memory {
        /// Where.
        memory: Value,
        /// Its capacity.
        size: u32,
    },
}

/// A table of names, as the machine that runs the program numbers things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Names {
    /// Descriptions of errors, by the number or its negative.
    Error,
    /// Descriptions of signals.
    Signal,
    /// System calls.
    SystemCall,
}

/// An operation on text. Values called `memory`, `hay`, `a`, `b`, `to` and `from` are [`Type::Slot`], all
/// others integers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextOp {
    /// The bytes before the first NUL, at most `size`.
    Length {
        /// The string.
        memory: Value,
        /// Its capacity.
        size: u32,
    },
    /// Where a string begins inside another; -1 where it does not occur.
    Find {
        /// What is looked through.
        hay: Value,
        /// Its capacity.
        size: u32,
        /// What is looked for.
        needle: Needle,
    },
    /// The difference of the first bytes that differ, as signed characters, among the first `count` and at most
    /// `size`; 0 if there is none.
    CompareBytes {
        /// One.
        a: Value,
        /// The other.
        b: Value,
        /// The smaller size.
        size: u32,
        /// How many bytes count, unsigned.
        count: Value,
    },
    /// Appends a string to one that is `at` bytes long. The target is large enough for both, and zero from its
    /// end on. No result.
    Append {
        /// The target.
        to: Value,
        /// Where its string ends.
        at: Value,
        /// `at` is at most this.
        most: u32,
        /// The string to append.
        from: Value,
        /// Its capacity.
        size: u32,
        /// At most so many bytes of it; an integer, unsigned.
        limit: Option<Value>,
    },
    /// Reads `width` bytes at an index that is known to be inside.
    LoadAt {
        /// The base.
        memory: Value,
        /// Elements there.
        len: u32,
        /// The number of the element.
        index: Value,
        /// 1, 2, 4 or 8.
        width: u8,
        /// How to extend.
        signed: bool,
    },
    /// Writes a name and zeros behind it, [`NAME_SIZE`] bytes. No result.
    Name {
        /// The target.
        to: Value,
        /// The table.
        names: Names,
        /// The number that is named.
        number: Value,
    },
}

impl TextOp {
    /// The type of the result, or `None` if it has none.
    pub fn result(&self) -> Option<Type> {
        match self {
            Self::Length { .. } | Self::Find { .. } | Self::CompareBytes { .. } | Self::LoadAt { .. } => {
                Some(Type::Int)
            }
            Self::Append { .. } | Self::Name { .. } => None,
        }
    }

    /// Shows each value it reads to `f` with its type; `f` may exchange it.
    pub fn visit_mut(&mut self, mut f: impl FnMut(&mut Value, Option<Type>)) {
        let (int, slot) = (Some(Type::Int), Some(Type::Slot));
        match self {
            Self::Length { memory, .. } => f(memory, slot),
            Self::Find { hay, needle, .. } => {
                f(hay, slot);
                if let Needle::Memory { memory, .. } = needle {
                    f(memory, slot);
                }
            }
            Self::CompareBytes { a, b, count, .. } => {
                f(a, slot);
                f(b, slot);
                f(count, int);
            }
            Self::Append { to, at, from, limit, .. } => {
                f(to, slot);
                f(at, int);
                f(from, slot);
                limit.iter_mut().for_each(|limit| f(limit, int));
            }
            Self::LoadAt { memory, index, .. } => {
                f(memory, slot);
                f(index, int);
            }
            Self::Name { to, number, .. } => {
                f(to, slot);
                f(number, int);
            }
        }
    }

    /// The local memory it touches: base and bytes from there.
    pub fn accesses(&self) -> Vec<(Value, u32)> {
        match *self {
            Self::Length { memory, size } => vec![(memory, size)],
            Self::Find { hay, size, ref needle } => match *needle {
                Needle::Literal(_) => vec![(hay, size)],
                Needle::Memory { memory, size: other } => vec![(hay, size), (memory, other)],
            },
            Self::CompareBytes { a, b, size, .. } => vec![(a, size), (b, size)],
            Self::Append { to, most, from, size, .. } => vec![(to, most + size), (from, size)],
            Self::LoadAt { memory, len, width, .. } => vec![(memory, len * u32::from(width))],
            Self::Name { to, .. } => vec![(to, NAME_SIZE)],
        }
    }

    /// The local memory that it writes to, if that is all it does.
    pub fn written(&self) -> Option<Value> {
        match *self {
            Self::Append { to, .. } | Self::Name { to, .. } => Some(to),
            _ => None,
        }
    }
}

impl fmt::Display for TextOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { memory, size } => write!(f, "length [{memory}], {size} bytes"),
            Self::Find { hay, size, needle } => {
                write!(f, "find [{hay}], {size} bytes, ")?;
                match needle {
                    Needle::Literal(text) => write!(f, "\"{}\"", text.escape_ascii()),
                    Needle::Memory { memory, size } => write!(f, "[{memory}], {size} bytes"),
                }
            }
            Self::CompareBytes { a, b, size, count } => {
                write!(f, "compare_bytes [{a}], [{b}], {size} bytes, {count}")
            }
            Self::Append { to, at, most, from, size, limit } => {
                write!(f, "append [{to}+{at}], at most {most}, [{from}], {size} bytes")?;
                limit.map_or(Ok(()), |limit| write!(f, ", limit {limit}"))
            }
            Self::LoadAt { memory, len, index, width, .. } => {
                write!(f, "load [{memory}], {len} of {width} bytes, {index}")
            }
            Self::Name { to, names, number } => {
                write!(f, "name [{to}], {}, {number}", format!("{names:?}").to_lowercase())
            }
        }
    }
}
