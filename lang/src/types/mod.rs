//! The types of bpftrace values as the checker infers them, and of maps.
//!
//! *Not here:* how bytes are laid out ([`layout`]), which BPF map kind stores them (`probebook_ebpf`).

pub mod handle;
pub mod layout;
pub mod structure;

use std::fmt;

use handle::Handle;
use structure::Keyword;

/// Where a pointer points; decides how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    /// Kernel memory.
    Kernel,
    /// Memory of the current process.
    User,
}

/// Bytes before those of a buffer: how many there are, an uint32.
pub const BUFFER_HEADER: u32 = 4;

/// The type of an expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// No value.
    Void,
    /// `true` or `false`.
    Bool,
    /// An integer; `width` in bytes: 1, 2, 4 or 8.
    Int {
        /// Bytes.
        width: u8,
        /// Two's complement or not.
        signed: bool,
    },
    /// Text of at most `capacity - 1` bytes and a NUL.
    String {
        /// Bytes including the NUL.
        capacity: u32,
    },
    /// Bytes, with how many there are before them.
    Buffer {
        /// At most so many.
        capacity: u32,
    },
    /// A value whose text user space makes.
    Handle(Handle),
    /// The address of something.
    Pointer {
        /// What it points to.
        to: Box<Type>,
        /// Where it points.
        space: Space,
    },
    /// A fixed array.
    Array {
        /// The element.
        of: Box<Type>,
        /// Elements; 0 where C leaves it open.
        len: u32,
    },
    /// A tuple.
    Tuple(Vec<Type>),
    /// A tuple whose fields have names, in the order in which they were written.
    Record(Vec<(String, Type)>),
    /// A C structure or union. Its members are looked up by its name when they are needed: a pointer to it
    /// costs nothing.
    Struct {
        /// `struct` or `union`.
        keyword: Keyword,
        /// The tag, or a name that no tag can have where there is none.
        name: String,
        /// Bytes; 0 if only its name is known.
        size: u32,
    },
    /// A C enumeration; its constants are looked up by its name.
    Enum {
        /// The tag, or a name that no tag can have where there is none.
        name: String,
        /// Bytes: 1, 2, 4 or 8.
        width: u8,
        /// Whether it has negative constants.
        signed: bool,
    },
}

impl Type {
    /// `int64`.
    pub const I64: Self = Self::Int { width: 8, signed: true };
    /// `uint64`.
    pub const U64: Self = Self::Int { width: 8, signed: false };

    /// An integer of `width` bytes.
    pub fn int(width: u8, signed: bool) -> Self {
        Self::Int { width, signed }
    }

    /// Whether arithmetic on it is signed.
    pub fn is_signed(&self) -> bool {
        matches!(self, Self::Int { signed: true, .. } | Self::Enum { signed: true, .. })
    }

    /// Whether one machine word holds it, so that it needs no memory.
    pub fn is_scalar(&self) -> bool {
        matches!(self, Self::Bool | Self::Int { .. } | Self::Pointer { .. } | Self::Enum { .. })
    }

    /// The type as a map stores it: integers grow to 64 bits, whatever the literal, so that a later cell
    /// never overflows what an earlier one inferred, and text to a multiple of 8 bytes, so that it is
    /// written word by word; also inside tuples.
    pub fn stored(&self) -> Self {
        match self {
            Self::Int { signed, .. } => Self::Int { width: 8, signed: *signed },
            Self::String { capacity } => Self::String { capacity: capacity.next_multiple_of(8) },
            Self::Buffer { capacity } => {
                Self::Buffer { capacity: (capacity + BUFFER_HEADER).next_multiple_of(8) - BUFFER_HEADER }
            }
            Self::Handle(handle) => Self::Handle(handle.stored()),
            Self::Tuple(items) => Self::Tuple(items.iter().map(Self::stored).collect()),
            Self::Record(fields) => {
                Self::Record(fields.iter().map(|(name, ty)| (name.clone(), ty.stored())).collect())
            }
            other => other.clone(),
        }
    }

    /// A pointer to `self`.
    pub fn pointer(self, space: Space) -> Self {
        Self::Pointer { to: Box::new(self), space }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Void => f.write_str("void"),
            Self::Bool => f.write_str("bool"),
            Self::Int { width, signed } => write!(f, "{}int{}", if *signed { "" } else { "u" }, width * 8),
            Self::String { capacity } => write!(f, "string[{capacity}]"),
            Self::Buffer { capacity } => write!(f, "buffer[{}]", capacity + BUFFER_HEADER),
            Self::Handle(handle) => f.write_str(handle.name()),
            Self::Pointer { to, .. } => write!(f, "{to} *"),
            Self::Array { of, len } => write!(f, "{of}[{len}]"),
            Self::Tuple(items) => {
                f.write_str("(")?;
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        f.write_str(",")?;
                    }
                    item.fmt(f)?;
                }
                f.write_str(")")
            }
            Self::Record(fields) => {
                f.write_str("record {")?;
                for (i, (name, ty)) in fields.iter().enumerate() {
                    write!(f, "{} .{name} = {ty}", if i > 0 { "," } else { "" })?;
                }
                f.write_str(" }")
            }
            Self::Struct { keyword, name, .. } => write!(f, "{} {name}", keyword.text()),
            Self::Enum { name, .. } => write!(f, "enum {name}"),
        }
    }
}

/// The value side of a map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MapValue {
    /// An ordinary value, already in its [`Type::stored`] form.
    Plain(Type),
    /// `count()`
    Count,
    /// `sum(n)`
    Sum {
        /// Signedness of the argument.
        signed: bool,
    },
    /// `min(n)`
    Min {
        /// Signedness of the argument.
        signed: bool,
    },
    /// `max(n)`
    Max {
        /// Signedness of the argument.
        signed: bool,
    },
    /// `avg(n)`
    Avg {
        /// Signedness of the argument.
        signed: bool,
    },
    /// `stats(n)`
    Stats {
        /// Signedness of the argument.
        signed: bool,
    },
    /// `hist(n, bits)`: 2^bits buckets per power of two.
    Hist {
        /// 0 to 5.
        bits: u8,
    },
    /// `lhist(n, min, max, step)`.
    Lhist {
        /// Lower bound, inclusive.
        min: i64,
        /// Upper bound, exclusive.
        max: i64,
        /// Width of a bucket.
        step: i64,
    },
    /// `tseries(n, interval, intervals, how)`
    Tseries {
        /// Length of an interval in nanoseconds.
        interval: u64,
        /// How many are kept.
        intervals: u32,
        /// What happens to the numbers of one.
        how: Gathered,
        /// Signedness of the argument.
        signed: bool,
    },
}

/// What one interval of a time series makes of several numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gathered {
    /// The last one counts.
    Last,
    /// Their mean.
    Avg,
    /// Their sum.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl MapValue {
    /// bpftrace's name of the type.
    pub fn name(&self) -> String {
        match self {
            Self::Plain(ty) => ty.to_string(),
            Self::Count => "count_t".into(),
            Self::Sum { .. } => "sum_t".into(),
            Self::Min { .. } => "min_t".into(),
            Self::Max { .. } => "max_t".into(),
            Self::Avg { .. } => "avg_t".into(),
            Self::Stats { .. } => "stats_t".into(),
            Self::Hist { .. } => "hist_t".into(),
            Self::Lhist { .. } => "lhist_t".into(),
            Self::Tseries { .. } => "tseries_t".into(),
        }
    }

    /// Whether it is an aggregation, kept per CPU and merged when read.
    pub fn is_aggregation(&self) -> bool {
        !matches!(self, Self::Plain(_))
    }

    /// Whether it can be read as an integer inside a program (`count sum min max avg`).
    pub fn is_castable(&self) -> bool {
        matches!(
            self,
            Self::Count | Self::Sum { .. } | Self::Min { .. } | Self::Max { .. } | Self::Avg { .. }
        )
    }

    /// The number of buckets of `hist` and `lhist`, under- and overflow included, and of intervals of `tseries`; 0
    /// for the rest.
    ///
    /// `hist`: bucket 0 holds negatives, `n + 1` while `n < 2^bits`, then
    /// `((msb - bits + 1) << bits) + next bits + 1`, so the last one is that of `i64::MAX`.
    pub fn buckets(&self) -> u32 {
        match self {
            Self::Hist { bits } => ((63 - u32::from(*bits)) << bits) + (1 << bits) + 1,
            Self::Lhist { min, max, step } => ((max - min) / step + 2) as u32,
            Self::Tseries { intervals, .. } => *intervals,
            _ => 0,
        }
    }
}

/// The unit of a number, inferred from how it was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Nanoseconds, as `nsecs - @start[tid]`.
    Nanoseconds,
    /// Microseconds, a difference of times divided by 1000.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// As written on an axis.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "µs",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
        }
    }
}

/// The type of a map: what later cells must agree with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MapType {
    /// The parts of the key, each in its [`Type::stored`] form; `None` for a scalar map.
    /// `@m[a, b]` and `@m[(a, b)]` are the same key: a tuple, kept here as its parts.
    pub key: Option<Vec<Type>>,
    /// The value.
    pub value: MapValue,
    /// The unit of the value, where it could be inferred.
    pub unit: Option<Unit>,
}

impl MapType {
    /// The key as one type: the only part, or the tuple of all.
    pub fn key_type(&self) -> Option<Type> {
        self.key.as_ref().map(|parts| match parts.as_slice() {
            [one] => one.clone(),
            many => Type::Tuple(many.to_vec()),
        })
    }
}
