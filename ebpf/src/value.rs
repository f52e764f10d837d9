//! A decoded value: what the bytes of a key, a map element or a record's field mean.
//!
//! Its text form (`Display`) is bpftrace's: strings raw, tuples `(1, a)`, booleans `true`/`false`,
//! pointers `0x55`, arrays `[1,2]`.

/// A decoded value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// `true`, `false`
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// An address.
    Pointer(u64),
    /// The bytes up to the first NUL. **Hostile**: whatever the traced system put there.
    String(Vec<u8>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// An array.
    Array(Vec<Value>),
}
