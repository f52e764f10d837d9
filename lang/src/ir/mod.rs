//! The intermediate representation: SSA with block parameters.
//!
//! Its operations speak bpftrace-with-memory: read argument n, read kernel memory, look up, update or
//! aggregate in a map, emit a record. They know no helper numbers, no BPF map kinds and no Linux version;
//! `probebook_ebpf::codegen` turns them into instructions for a target.
//!
//! *Invariant:* [`verify::verify`] accepts a module after lowering and after every pass; every instruction
//! has a span.

pub mod builder;
pub mod flow;
mod inst;
mod operands;
pub mod print;
mod system;
mod text;
pub mod verify;

#[cfg(test)]
mod tests;

pub use inst::*;
pub use system::*;
pub use text::*;

use crate::config::Config;
use crate::environment::Watch;
use crate::printf::Format;
use crate::probes::AttachPoint;
use crate::source::Span;
use crate::types::MapType;
use crate::types::layout::{Layout, Part};

/// Everything a cell compiles to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// The maps it uses; a [`MapId`] indexes this.
    pub maps: Vec<Map>,
    /// The records it can emit; a [`RecordId`] indexes this.
    pub records: Vec<Record>,
    /// One BPF program each, in source order.
    pub programs: Vec<Program>,
    /// What its programs notice.
    pub watch: Watch,
    /// The configuration it was compiled with, and runs with.
    pub config: Config,
}

impl Module {
    /// Puts every place where `to` says.
    pub fn move_spans(&mut self, to: impl Fn(Span) -> Span) {
        self.records.iter_mut().for_each(|record| record.span = to(record.span));
        for program in &mut self.programs {
            program.span = to(program.span);
            program.subprograms.iter_mut().for_each(|sub| sub.span = to(sub.span));
            let subprograms = program.subprograms.iter_mut().map(|sub| &mut sub.function);
            let functions = std::iter::once(&mut program.function).chain(subprograms);
            for block in functions.flat_map(|function| &mut function.blocks) {
                block.insts.iter_mut().for_each(|inst| inst.span = to(inst.span));
                if let Terminator::Branch { span, .. } | Terminator::Next { span, .. } = &mut block.terminator
                {
                    *span = to(*span);
                }
            }
        }
    }
}

/// A map as the program uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Without the `@`.
    pub name: String,
    /// Key, value, unit.
    pub ty: MapType,
    /// The layout of the key as programs build it; `None` for a scalar map.
    pub key: Option<Layout>,
    /// The layout of an ordinary value; `None` for aggregations.
    pub value: Option<Layout>,
    /// Capacity of a keyed map.
    pub max_entries: u32,
    /// Where it is full, the elements used least recently make room.
    pub evicts: bool,
}

/// A record that programs send to user space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What is done with it.
    pub kind: RecordKind,
    /// Its fields: offsets count from the start of the record, where the header lies.
    pub fields: Vec<Part>,
    /// Bytes with the header, a multiple of 8.
    pub size: u32,
    /// The call that emits it.
    pub span: Span,
}

/// The header of a record: its [`RecordId`] as u32, and 4 zero bytes.
pub const RECORD_HEADER: u32 = 8;

/// What user space does with a record, in the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// `printf(format, …)` and its like; the fields are the values for the format.
    Formatted {
        /// What is done with the text.
        action: Action,
        /// How the text is made.
        format: Format,
    },
    /// `print(value)`; one field.
    PrintValue,
    /// The result of the cell: a bare expression in last place; one field.
    Result,
    /// `print(@map, top, divisor)`; no fields.
    PrintMap {
        /// Which.
        map: MapId,
        /// Keep only the last so many of the sorted order; 0 keeps all.
        top: u32,
        /// Divide every number by it; 0 or 1 does not.
        divisor: u32,
    },
    /// `clear(@map)`; no fields.
    ClearMap(MapId),
    /// `zero(@map)`; no fields.
    ZeroMap(MapId),
    /// `time(format)`; no fields.
    Time {
        /// strftime's format.
        format: Vec<u8>,
    },
    /// `join(array, separator)`; one field, an array of strings, of which those up to the first empty one count.
    Join {
        /// What stands between them.
        separator: Vec<u8>,
    },
    /// `exit(code)`; one field, an int64.
    Exit,
}

/// What is done with a text that was made from a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// `printf`: it is printed.
    Print,
    /// `warnf`: it is printed as a warning.
    Warn,
    /// `errorf`: it is printed as an error.
    Error,
    /// `cat`: the file of this path is printed.
    Cat {
        /// At most so many bytes.
        limit: u32,
    },
    /// `system`: the shell runs it, and what it writes is printed.
    System,
}

impl Action {
    /// The function that does it.
    pub fn function(self) -> &'static str {
        match self {
            Self::Print => "printf",
            Self::Warn => "warnf",
            Self::Error => "errorf",
            Self::Cat { .. } => "cat",
            Self::System => "system",
        }
    }
}

/// What a program can notice while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuntimeWarning {
    /// A divisor was 0; 1 is the result.
    DivideByZero,
    /// An index was outside of its array; 0 is the result.
    IndexOutOfBounds,
    /// `cpid` was read, but no command was run.
    NoCommand,
    /// The number of a signal is not from 1 to 64; none was sent.
    SignalNumber,
    /// Linux refused to send a signal.
    SignalFailed,
    /// There is no process of a number; its name is `N/A`.
    NoSuchProcess,
}

impl RuntimeWarning {
    /// The warning in bpftrace's sense, one sentence.
    pub fn message(self) -> &'static str {
        match self {
            Self::DivideByZero => "divide or modulo by 0, 1 is used as the result",
            Self::IndexOutOfBounds => "array index out of bounds, 0 is used as the result",
            Self::NoCommand => "no command was run (-c), cpid is 0",
            Self::SignalNumber => "the number of a signal is from 1 to 64, none was sent",
            Self::SignalFailed => "the signal could not be sent",
            Self::NoSuchProcess => "no such process, its name is N/A",
        }
    }
}

/// A BPF program and where it is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Unique in the module, an identifier.
    pub name: String,
    /// At least one; all of the same provider, so that one context serves all.
    pub points: Vec<AttachPoint>,
    /// The code that events run.
    pub function: Function,
    /// What it calls; a [`FunctionId`] indexes this.
    pub subprograms: Vec<Subprogram>,
    /// Bytes of memory that its functions share, undefined until written.
    pub shared: u32,
    /// The probe in the source.
    pub span: Span,
}

impl Program {
    /// All its functions, that of the events first.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        std::iter::once(&self.function).chain(self.subprograms.iter().map(|sub| &sub.function))
    }

    /// All its instructions.
    pub fn insts(&self) -> impl Iterator<Item = &Inst> {
        self.functions().flat_map(|function| &function.blocks).flat_map(|block| &block.insts)
    }
}

/// A function of a program that other functions of it call. It never calls itself, on no way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subprogram {
    /// An identifier.
    pub name: String,
    /// How it is called.
    pub role: Role,
    /// The code.
    pub function: Function,
    /// Its text in the source.
    pub span: Span,
}

/// How a [`Subprogram`] is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// By [`Op::Call`], with arguments of these types. It knows nothing of the program's context.
    Function(Vec<Type>),
    /// By [`Op::ForEach`] for elements of this map: it returns 0 to go on and 1 to end the loop.
    Body(MapId),
}

/// The code of a function. Block 0 is the entry; it has no parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Function {
    /// Indexed by [`BlockId`].
    pub blocks: Vec<Block>,
    /// The type of every value, indexed by [`Value`].
    pub values: Vec<Type>,
    /// Local memory, indexed by [`SlotId`].
    pub slots: Vec<Slot>,
}

/// A straight run of instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Values that predecessors hand over.
    pub params: Vec<Value>,
    /// In order.
    pub insts: Vec<Inst>,
    /// How it ends.
    pub terminator: Terminator,
}

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inst {
    /// The value it defines.
    pub result: Option<Value>,
    /// What it does.
    pub op: Op,
    /// The place in the source it stands for.
    pub span: Span,
}

/// Local memory of one run of a program; its content is undefined until written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Bytes.
    pub size: u32,
    /// 1 to 8.
    pub align: u32,
}
