//! [`Intrinsic`]: what functions of the language compute that is no operator.

use crate::ir::Names;

/// A computation in the program. The comments name the operands, in order, and the type of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intrinsic {
    /// Of a string: its length, an uint64.
    Length,
    /// Of two strings: where the second begins in the first, or -1, an int64.
    Find,
    /// Of two strings: whether they differ in their first bytes, a bool.
    Differ {
        /// How many bytes.
        count: u32,
    },
    /// Of two values in memory and a number of bytes: the difference of the first bytes that differ, an int64.
    CompareBytes,
    /// Of two strings: one behind the other, a string that may be cut.
    Concat,
    /// Of a string and a number of bytes, the NUL included, an uint64: the string with no more than these.
    Cut,
    /// Of a number: its name, a string.
    Name(Names),
    /// Of an integer: its bytes in reverse order, in the same width.
    SwapBytes,
}
