//! Values whose text only user space can make: [`Handle`].
//!
//! A program keeps what identifies the thing, and user space writes its name when it reads the value: users and
//! cgroups have names there, times have time zones.
//!
//! *Invariant:* a value carries all that its text depends on, so a map can be read by any later cell.
//!
//! *Not here:* making the text (`probebook_ebpf::value`).

use super::Type;

/// A value whose text user space makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Handle {
    /// An address of the internet: its family, and 4 or 16 bytes.
    Inet,
    /// An address of a network card: 6 bytes.
    Mac,
    /// A user: its id.
    Username,
    /// A point in time: nanoseconds, by which clock (0 boot, 1 wall), and strftime's format.
    Timestamp {
        /// Bytes of the format, the NUL included.
        format: u32,
    },
    /// A cgroup: its id, and a pattern for the hierarchies that count.
    CgroupPath {
        /// Bytes of the pattern, the NUL included.
        filter: u32,
    },
}

impl Handle {
    /// What the value consists of.
    pub fn inner(self) -> Type {
        let bytes = |len| Type::Array { of: Box::new(Type::int(1, false)), len };
        match self {
            Self::Inet => Type::Tuple(vec![Type::U64, bytes(16)]),
            Self::Mac => bytes(6),
            Self::Username => Type::U64,
            Self::Timestamp { format } => {
                Type::Tuple(vec![Type::U64, Type::U64, Type::String { capacity: format }])
            }
            Self::CgroupPath { filter } => Type::Tuple(vec![Type::U64, Type::String { capacity: filter }]),
        }
    }

    /// The type of that name, with room for formats and patterns of usual length.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "inet" => Self::Inet,
            "macaddr_t" => Self::Mac,
            "username_t" => Self::Username,
            "timestamp" => Self::Timestamp { format: 128 },
            "cgroup_path_t" => Self::CgroupPath { filter: 128 },
            _ => return None,
        })
    }

    /// bpftrace's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inet => "inet[24]",
            Self::Mac => "mac_address",
            Self::Username => "username_t",
            Self::Timestamp { .. } => "timestamp",
            Self::CgroupPath { .. } => "cgroup_path_t",
        }
    }

    /// The smallest that holds both.
    pub fn join(self, other: Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Timestamp { format: a }, Self::Timestamp { format: b }) => {
                Self::Timestamp { format: a.max(b) }
            }
            (Self::CgroupPath { filter: a }, Self::CgroupPath { filter: b }) => {
                Self::CgroupPath { filter: a.max(b) }
            }
            (a, b) if a == b => a,
            _ => return None,
        })
    }

    /// As a map stores it.
    pub fn stored(self) -> Self {
        match self {
            Self::Timestamp { format } => Self::Timestamp { format: format.next_multiple_of(8) },
            Self::CgroupPath { filter } => Self::CgroupPath { filter: filter.next_multiple_of(8) },
            other => other,
        }
    }
}
