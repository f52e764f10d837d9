//! A map's content at one time: [`MapSnapshot`], per-CPU values already merged.

use probebook_lang::types::MapType;

use crate::value::Value;

/// One map at one time. The order of entries is Linux's, not sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct MapSnapshot {
    /// Without the `@`; the anonymous map is the empty name.
    pub name: String,
    /// Key, value, unit.
    pub ty: MapType,
    /// A scalar map has at most one entry, with an empty key.
    pub entries: Vec<Entry>,
}

/// An element.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The parts of the key; empty for a scalar map.
    pub key: Vec<Value>,
    /// The value.
    pub value: EntryValue,
}

/// The merged value of an element. Integers carry their sign bit as the map's type says: an unsigned one
/// is the same 64 bits.
#[derive(Clone, Debug, PartialEq)]
pub enum EntryValue {
    /// An ordinary value.
    Plain(Value),
    /// `count sum min max`
    Number(Value),
    /// `avg`, `stats`
    Average {
        /// The sum of all numbers (two's complement if the map is signed).
        total: i64,
        /// How many.
        count: u64,
    },
    /// `hist`, `lhist`: the count of each bucket, as many as [`probebook_lang::types::MapValue::buckets`].
    Buckets(Vec<u64>),
}
