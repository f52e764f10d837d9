//! What happens in a running session: [`Event`]s, in the order of the ring buffer.

mod action;
mod decode;
mod format;
pub mod ring;
mod trouble;

use probebook_lang::source::Span;

use crate::map::MapSnapshot;
use crate::value::Value;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Text to print. Bytes of the traced system may be in it.
    Text(Origin, Vec<u8>),
    /// What a command of `system` wrote to its standard error.
    CommandError(Vec<u8>),
    /// `warnf` or `errorf`.
    Message {
        /// It was `errorf`.
        is_error: bool,
        /// Its text. Bytes of the traced system may be in it.
        text: Vec<u8>,
        /// The call.
        span: Span,
    },
    /// What a call asked for could not be done in user space: a file not read, a command that failed.
    Failed {
        /// What, in one sentence; names of files in it are as the program made them.
        message: String,
        /// The call.
        span: Span,
    },
    /// `print(value)`
    Value(Value),
    /// The result of the cell: a bare expression in last place.
    Result(Value),
    /// `print(@map, top, divisor)`: the map as it was when the record was handled.
    MapPrint {
        /// The map.
        snapshot: MapSnapshot,
        /// Keep only the last so many of the sorted order; 0 keeps all.
        top: u32,
        /// Divide every number by it; 0 or 1 does not.
        divisor: u32,
    },
    /// `exit(code)`; nothing that was sent after it follows.
    Exit(i64),
    /// Something has gone wrong while a program ran; rate-limited, with the number of times since the last one.
    Warning {
        /// One sentence.
        message: String,
        /// What to do, if something can be done.
        help: Option<String>,
        /// The helper of Linux that failed.
        helper: Option<Failure>,
        /// Where in the source.
        span: Span,
        /// How often since the last event of the same place.
        times: u64,
    },
    /// So many records found no room in the ring buffer since the last such event.
    Lost(u64),
}

/// A helper of Linux that has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its name without the `bpf_`.
    pub helper: &'static str,
    /// What it returned: an error as a negative number, or 0 for nothing.
    pub code: i64,
    /// The error in Linux's words.
    pub error: String,
}

/// What a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `printf`
    Printf,
    /// `time`
    Time,
    /// `cat`
    Cat,
    /// `join`
    Join,
    /// `system`
    System,
}
