//! Values, operations and terminators of the IR.

use super::RuntimeWarning;
use crate::source::Span;

/// An SSA value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub u32);

/// A block of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u32);

/// A slot of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u32);

/// A map of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapId(pub u32);

/// A record of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId(pub u32);

/// One of the [`Subprogram`](super::Subprogram)s of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionId(pub u32);

/// The type of a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A 64-bit integer; narrower ones are kept extended by their own signedness. Addresses in kernel and
    /// user memory are integers as well: they can only be used by [`Op::Read`] and [`Op::ReadString`].
    Int,
    /// A pointer into local memory.
    Slot,
}

pub use crate::types::Space;

/// Arithmetic on two 64-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Arith {
    Add,
    Sub,
    Mul,
    /// Unsigned; by 0 it gives 0 (lowering guards it).
    Div,
    /// Unsigned; by 0 it gives the dividend (lowering guards it).
    Mod,
    And,
    Or,
    Xor,
    /// The count is taken modulo 64.
    Shl,
    /// Logical.
    Shr,
    /// Arithmetic.
    Sar,
}

/// Comparison of two 64-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Cond {
    Eq,
    Ne,
    SignedLt,
    SignedLe,
    SignedGt,
    SignedGe,
    UnsignedLt,
    UnsignedLe,
    UnsignedGt,
    UnsignedGe,
}

/// A clock to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clock {
    /// Since boot, suspended time included: `nsecs`.
    Boot,
    /// Monotonic.
    Monotonic,
    /// International atomic time.
    Tai,
}

/// A fact about the current task or CPU that one word holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ambient {
    /// `pid`: the process, in our PID namespace.
    Pid,
    /// `tid`: the thread, in our PID namespace.
    Tid,
    /// `pid(init)`: the process, in the initial PID namespace.
    InitialPid,
    /// `tid(init)`: the thread, in the initial PID namespace.
    InitialTid,
    /// `uid`
    Uid,
    /// `gid`
    Gid,
    /// A clock.
    Time(Clock),
    /// `elapsed`: nanoseconds (boot clock) since the session started.
    Elapsed,
    /// `cpu`
    Cpu,
    /// `rand`: 32 random bits.
    Random,
    /// `cgroup`: the id of the current cgroup (v2).
    Cgroup,
    /// The address of the current task's `task_struct`.
    Task,
    /// The address of the probed function in its process.
    FunctionAddress,
    /// `jiffies`
    Jiffies,
    /// `numaid`: the NUMA node of the CPU.
    Node,
    /// `usermode`: 1 if the CPU was interrupted in user mode, else 0.
    UserMode,
}

/// A register of x86-64, as the probed place left it, in the order of Linux's `struct pt_regs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Register {
    R15,
    R14,
    R13,
    R12,
    Bp,
    Bx,
    R11,
    R10,
    R9,
    R8,
    Ax,
    Cx,
    Dx,
    Si,
    Di,
    /// The number of the system call.
    OriginalAx,
    Ip,
    Cs,
    Flags,
    Sp,
    Ss,
}

impl Register {
    /// The register of a name in `reg("name")`, without the `r` or `e` that its width gives it.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "r15" => Self::R15,
            "r14" => Self::R14,
            "r13" => Self::R13,
            "r12" => Self::R12,
            "bp" => Self::Bp,
            "bx" => Self::Bx,
            "r11" => Self::R11,
            "r10" => Self::R10,
            "r9" => Self::R9,
            "r8" => Self::R8,
            "ax" => Self::Ax,
            "cx" => Self::Cx,
            "dx" => Self::Dx,
            "si" => Self::Si,
            "di" => Self::Di,
            "orig_rax" => Self::OriginalAx,
            "ip" | "pc" => Self::Ip,
            "cs" => Self::Cs,
            "flags" => Self::Flags,
            "sp" => Self::Sp,
            "ss" => Self::Ss,
            _ => return None,
        })
    }

    /// All names.
    pub const NAMES: [&str; 22] = [
        "r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx", "si", "di",
        "orig_rax", "ip", "pc", "cs", "flags", "sp", "ss",
    ];
}

/// What an aggregation does with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Aggregation {
    /// Takes no number.
    Count,
    Sum,
    Min,
    Max,
    Avg,
    Stats,
    /// The bucket is computed by code generation from the map's parameters.
    Hist,
    /// Likewise.
    Lhist,
    /// Into the interval of the wall clock.
    Tseries,
}

/// An operation. Operands called `address` are [`Type::Int`], those called `memory`, `to`, `from`, `key`
/// and `bytes` are [`Type::Slot`]; all others are integers unless said otherwise.
///
/// A `key` is the address of the key's bytes in the map's key layout, or `None` for a scalar map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A constant.
    Const(i64),
    /// `a op b`
    Arith(Arith, Value, Value),
    /// `a cond b`: 0 or 1.
    Compare(Cond, Value, Value),
    /// Truncates to `width` bytes and extends to 64 bits.
    Extend {
        /// The number.
        value: Value,
        /// 1, 2 or 4.
        width: u8,
        /// How to extend.
        signed: bool,
    },
    /// Byte order reversed within `width` bytes.
    Swap {
        /// The number.
        value: Value,
        /// 2, 4 or 8.
        width: u8,
    },
    /// The address of a slot, plus an offset: a [`Type::Slot`] value.
    SlotAddress(SlotId, u32),
    /// The address of a byte of the memory that all functions of a program share: a [`Type::Slot`] value.
    SharedAddress(u32),
    /// An argument of a subprogram that [`Op::Call`] calls. A pointer is to memory of the caller, which is only
    /// read.
    Parameter(u8, Type),
    /// Reads `width` bytes of local memory.
    Load {
        /// The base.
        memory: Value,
        /// Bytes from it.
        offset: u32,
        /// 1, 2, 4 or 8.
        width: u8,
        /// How to extend.
        signed: bool,
    },
    /// Writes the low `width` bytes of `value` to local memory.
    Store {
        /// The base.
        memory: Value,
        /// Bytes from it.
        offset: u32,
        /// 1, 2, 4 or 8.
        width: u8,
        /// The number.
        value: Value,
    },
    /// Fills local memory with zero bytes.
    Zero {
        /// The base.
        memory: Value,
        /// Bytes from it.
        offset: u32,
        /// How many.
        size: u32,
    },
    /// Writes constant bytes to local memory.
    Write {
        /// The base.
        memory: Value,
        /// Bytes from it.
        offset: u32,
        /// What.
        data: Vec<u8>,
    },
    /// Copies within local memory; the ranges do not overlap.
    Copy {
        /// The base of the target.
        to: Value,
        /// Bytes from it.
        to_offset: u32,
        /// The base of the origin.
        from: Value,
        /// Bytes from it.
        from_offset: u32,
        /// How many.
        size: u32,
    },
    /// Whether two strings in local memory are equal: compares bytes up to the first NUL or `size`; 0 or 1.
    StringEq {
        /// One.
        a: Value,
        /// The other.
        b: Value,
        /// The smaller capacity.
        size: u32,
    },
    /// Whether `size` bytes of local memory are equal; 0 or 1.
    BytesEq {
        /// One.
        a: Value,
        /// The other.
        b: Value,
        /// How many.
        size: u32,
    },
    /// Whether local memory holds these bytes; 0 or 1. `opt` makes it of comparisons with a literal.
    BytesAre {
        /// The base.
        memory: Value,
        /// What to compare with.
        data: Vec<u8>,
    },
    /// An operation on strings and bytes.
    Text(super::TextOp),
    /// An operation on the system around the program, with a result.
    System(super::SystemOp),
    /// Reads kernel or user memory into local memory; zeros where that faults. No result.
    Read {
        /// The target in local memory.
        to: Value,
        /// How many bytes.
        size: u32,
        /// Whose memory.
        space: Space,
        /// Where from, an integer.
        address: Value,
    },
    /// Reads a NUL-terminated string into local memory and zero-fills the rest; empty where that faults.
    /// The result is its length without the NUL.
    ReadString {
        /// The target in local memory.
        to: Value,
        /// Bytes there, the NUL included.
        capacity: u32,
        /// At most so many bytes are read, the NUL included; an integer, clamped to the capacity.
        limit: Option<Value>,
        /// Whose memory.
        space: Space,
        /// Where from, an integer.
        address: Value,
    },
    /// Reads bytes of kernel or user memory into local memory and zero-fills the rest; zeros where that faults.
    /// The result is the length, clamped to the capacity.
    ReadBytes {
        /// The target in local memory.
        to: Value,
        /// Bytes there.
        capacity: u32,
        /// How many are read, an integer.
        length: Value,
        /// Whose memory.
        space: Space,
        /// Where from, an integer.
        address: Value,
    },
    /// Copies the first bytes of local memory and zero-fills the rest. The result is the length, clamped to the
    /// capacity.
    CopyBytes {
        /// The target in local memory.
        to: Value,
        /// Bytes there.
        capacity: u32,
        /// How many are wanted, an integer.
        length: Value,
        /// At most so many are copied, however many are wanted.
        limit: u32,
        /// The origin in local memory.
        from: Value,
    },
    /// Reads `width` bytes at a constant offset of the program's context (tracepoint fields).
    Context {
        /// Bytes from its start.
        offset: u32,
        /// 1, 2, 4 or 8.
        width: u8,
        /// How to extend.
        signed: bool,
    },
    /// The kernel address of the context plus an offset, as an integer for [`Op::Read`].
    ContextAddress(u32),
    /// The kernel address of local memory, as an integer for a read that follows it before anything is
    /// written there.
    LocalAddress(Value),
    /// `argN` of an uprobe or a raw tracepoint.
    Argument(u8),
    /// `reg("name")`
    Register(Register),
    /// `retval`
    ReturnValue,
    /// A fact about the current task or CPU.
    Ambient(Ambient),
    /// Writes the 16 bytes of the current task's name to local memory. No result.
    Comm {
        /// The target.
        to: Value,
    },
    /// The integer that an ordinary map element holds; 0 if there is none.
    MapGet {
        /// The map; its value layout is a scalar.
        map: MapId,
        /// The element.
        key: Option<Value>,
    },
    /// Copies an ordinary map element to local memory; zeros if there is none. No result.
    MapRead {
        /// The map.
        map: MapId,
        /// The element.
        key: Option<Value>,
        /// The target.
        to: Value,
    },
    /// Stores an integer as a map element. No result.
    MapSet {
        /// The map; its value layout is a scalar.
        map: MapId,
        /// The element.
        key: Option<Value>,
        /// The number.
        value: Value,
    },
    /// Stores bytes as a map element. No result.
    MapWrite {
        /// The map.
        map: MapId,
        /// The element.
        key: Option<Value>,
        /// The bytes in the map's value layout.
        bytes: Value,
    },
    /// Removes an element: 1 if there was one, else 0.
    MapDelete {
        /// The map.
        map: MapId,
        /// The element.
        key: Option<Value>,
    },
    /// Whether there is an element: 0 or 1.
    MapHas {
        /// The map.
        map: MapId,
        /// The element.
        key: Option<Value>,
    },
    /// The number of elements of a keyed map.
    MapLen(MapId),
    /// Adds to an aggregation on this CPU. No result.
    Aggregate {
        /// The map.
        map: MapId,
        /// The element.
        key: Option<Value>,
        /// What to do; fits the map's value.
        aggregation: Aggregation,
        /// With what number; `None` for `Count`.
        value: Option<Value>,
    },
    /// The merged value over all CPUs of a castable aggregation; 0 if there is none.
    AggregateGet {
        /// The map.
        map: MapId,
        /// The element.
        key: Option<Value>,
    },
    /// Writes count, average and total of an element of `stats`, merged over all CPUs, to local memory: 24 bytes, zeros
    /// if there is none. No result.
    StatsRead {
        /// The map.
        map: MapId,
        /// The element.
        key: Option<Value>,
        /// The target.
        to: Value,
    },
    /// Copies the key of the element that a loop over a map has come to, in the body of that loop. No result.
    VisitedKey {
        /// The map that is walked.
        map: MapId,
        /// The target.
        to: Value,
    },
    /// Copies its value, which is an ordinary one. No result.
    VisitedValue {
        /// The map that is walked.
        map: MapId,
        /// The target.
        to: Value,
    },
    /// Calls a subprogram: its result.
    Call {
        /// Which.
        function: FunctionId,
        /// At most five; pointers are to memory that the subprogram only reads.
        arguments: Vec<Value>,
    },
    /// Runs the body of a loop for the elements of a map, in the order of Linux, until it returns 1. No result.
    ForEach {
        /// The map.
        map: MapId,
        /// The body.
        body: FunctionId,
    },
    /// Sends a record to user space; counts it as lost where there is no room. No result.
    Emit {
        /// Which.
        record: RecordId,
        /// One for each field: the integer of a scalar field, else the local memory that holds its bytes.
        fields: Vec<Value>,
    },
    /// Notes that something has gone wrong at this place. No result.
    Warn(RuntimeWarning),
    /// Writes a line to the kernel's trace buffer. No result.
    Trace {
        /// The format in local memory.
        format: Value,
        /// Its bytes, the NUL included.
        size: u32,
        /// At most three: integers, and strings in local memory.
        values: Vec<Value>,
    },
    /// Starts counting from `from` up to `to` (exclusive, signed): opens the loop that the terminator
    /// [`Terminator::Next`] drives. The slot (8 bytes, aligned) belongs to the loop alone. No result.
    LoopOpen {
        /// The loop's state.
        state: SlotId,
        /// First number.
        from: Value,
        /// One past the last.
        to: Value,
    },
    /// Ends a counting loop on every way out of it. No result.
    LoopClose {
        /// The loop's state.
        state: SlotId,
    },
}

/// How a block ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terminator {
    /// Goes on.
    Jump(Target),
    /// Goes on by whether the integer is not 0.
    Branch {
        /// The condition.
        condition: Value,
        /// If not 0.
        then: Target,
        /// If 0.
        otherwise: Target,
        /// The condition in the source.
        span: Span,
    },
    /// The next number of a counting loop, handed to `body` as its **first** parameter, before
    /// `body.arguments`; `done` when there is none.
    Next {
        /// The loop's state.
        state: SlotId,
        /// With a number.
        body: Target,
        /// Without.
        done: Target,
        /// The loop in the source.
        span: Span,
    },
    /// Ends the program with its result.
    Return(Value),
    /// Not yet filled in; the verifier refuses it.
    Missing,
}

/// A block to go to, with the values for its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where.
    pub block: BlockId,
    /// One for each of its parameters.
    pub arguments: Vec<Value>,
}
