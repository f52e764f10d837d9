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
    /// Of a number from 1 to 64: sends this signal to the current process; an int64.
    Signal {
        /// Only to the thread.
        thread: bool,
    },
    /// Of a number: the probed function returns it instead of running; an int64.
    Override,
    /// Of an address, a value in memory and a number of bytes: writes them to the current process; whether that
    /// worked, a bool.
    WriteUser,
    /// Of the number of a process, an int32: its name, a string.
    TaskName {
        /// Where `comm` lies in a `task_struct`.
        offset: u32,
    },
    /// Of the number of a CPU, or nothing for the current one: where its copy of a variable of Linux lies, an uint64.
    PerCpuAddress {
        /// By the number that the host gave it.
        variable: u32,
    },
    /// Of an integer: its bytes in reverse order, in the same width.
    SwapBytes,
}
