//! The shape of a program after checking: [`Program`].
//!
//! Names are resolved to variables, maps and operations, attach points to events, and every expression has
//! its type.
//!
//! *Invariant:* if checking reported no error, there is no unresolved name, no implicit cast (operands,
//! keys and stored values have exactly the type their place asks for, by [`ExprKind::Cast`] where they were
//! written otherwise) and no unknown type. If it did, what is wrong has been left out, and the program must
//! not be lowered.
//!
//! *Not here:* where values lie (`lower`).

mod intrinsic;
mod print;

pub use intrinsic::Intrinsic;
pub use print::print;

use std::collections::BTreeMap;

use crate::config::Config;
use crate::declare::Definitions;
use crate::environment::Watch;
use crate::expand::Places;
use crate::ir::{Aggregation, Ambient, MapId, RecordKind, Register, RuntimeWarning};
use crate::probes::AttachPoint;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, UnaryOp};
use crate::types::structure::Bits;
use crate::types::{MapType, Space, Type, Unit};

/// A cell or script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The maps it uses; a [`MapId`] indexes this.
    pub maps: Vec<Map>,
    /// Functions, those that nothing calls included; [`ExprKind::Call`] indexes this.
    pub functions: Vec<Function>,
    /// One for each BPF program, in source order; top-level statements are the last.
    pub probes: Vec<Probe>,
    /// The map that a bare `@map` in last place names.
    pub result_map: Option<MapId>,
    /// The options it reads with `getopt`, by name.
    pub options: BTreeMap<String, ProgramOption>,
    /// Where expanded macros come from; places in the program may lie in an expansion.
    pub places: Places,
    /// Only events of this process: tested where tracepoints and raw tracepoints begin.
    pub process: Option<u32>,
    /// What its programs notice while they run.
    pub watch: Watch,
    /// What it declares in C.
    pub declared: Definitions,
    /// The configuration it runs with.
    pub config: Config,
}

/// An option of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramOption {
    /// The value without it, as written.
    pub default: String,
    /// What it is for; may be empty.
    pub description: String,
    /// A call of `getopt` that reads it.
    pub span: Span,
}

/// A map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Without the `@`.
    pub name: String,
    /// Key, value, unit.
    pub ty: MapType,
    /// Capacity; 1 for a scalar map.
    pub max_entries: u32,
    /// Where it is full, the elements used least recently make room.
    pub evicts: bool,
}

/// A body and the events that run it; all of them mean the same by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// At least one, all of the same provider.
    pub points: Vec<AttachPoint>,
    /// The scratch variables; a [`VariableId`] indexes this.
    pub variables: Vec<Variable>,
    /// The body, the predicate around it.
    pub body: Vec<Stmt>,
    /// What the program returns where nothing else is said.
    pub default_result: i64,
    /// The probe in the source.
    pub span: Span,
}

/// A function that probes and other functions call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Unique.
    pub name: String,
    /// Its parameters, scalars and strings; they are among its variables.
    pub parameters: Vec<VariableId>,
    /// The scratch variables; a [`VariableId`] indexes this.
    pub variables: Vec<Variable>,
    /// A scalar, or void.
    pub result: Type,
    /// The body; [`StmtKind::Return`] gives back a value of the result's type.
    pub body: Vec<Stmt>,
    /// Its definition.
    pub span: Span,
}

/// A scratch variable of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VariableId(pub u32);

/// A scratch variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Without the `$`.
    pub name: String,
    /// The one type that holds all it is ever given.
    pub ty: Type,
    /// It is used in the body of a loop over a map, but is older than that loop: several functions share it.
    pub is_shared: bool,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// As written.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StmtKind {
    /// Evaluates an expression and drops its value.
    Expr(Expr),
    /// Gives a variable a value of its type.
    Set {
        /// Which.
        variable: VariableId,
        /// The value; `None` for zero or empty.
        value: Option<Expr>,
    },
    /// Stores a value of the map's value type.
    MapSet {
        /// Which map.
        map: MapId,
        /// Of the map's key type; `None` for a scalar map.
        key: Option<Expr>,
        /// The value, in which [`ExprKind::Old`] stands for the one before.
        value: Expr,
    },
    /// Adds to an aggregation.
    Aggregate {
        /// Which map.
        map: MapId,
        /// Of the map's key type; `None` for a scalar map.
        key: Option<Expr>,
        /// How.
        aggregation: Aggregation,
        /// The number; `None` for `count()`.
        value: Option<Expr>,
    },
    /// Writes a line to the kernel's trace buffer.
    Trace {
        /// The kernel's format, without the NUL.
        format: Vec<u8>,
        /// At most three: integers and strings.
        values: Vec<Expr>,
    },
    /// Sends a record to user space.
    Emit {
        /// What is done with it there.
        kind: RecordKind,
        /// Its fields.
        fields: Vec<Expr>,
    },
    /// Notes that something is wrong when it is reached.
    Warn(RuntimeWarning),
    /// Chooses.
    If {
        /// A scalar.
        condition: Expr,
        /// If not 0.
        then: Vec<Stmt>,
        /// If 0.
        otherwise: Vec<Stmt>,
    },
    /// Repeats while a scalar is not 0.
    While {
        /// The scalar.
        condition: Expr,
        /// What is repeated.
        body: Vec<Stmt>,
    },
    /// Repeats a constant number of times.
    Unroll {
        /// 1 to 100.
        count: u32,
        /// What is repeated.
        body: Vec<Stmt>,
    },
    /// Counts.
    For {
        /// Holds the number.
        variable: VariableId,
        /// First number, an int64.
        from: Expr,
        /// One past the last, an int64.
        to: Expr,
        /// What is repeated.
        body: Vec<Stmt>,
    },
    /// Walks the elements of a keyed map, in no order.
    ForMap {
        /// Holds the key and the value, a pair.
        variable: VariableId,
        /// The map.
        map: MapId,
        /// What is done for each.
        body: Vec<Stmt>,
    },
    /// Leaves the innermost loop.
    Break,
    /// Goes on with the next round of the innermost loop.
    Continue,
    /// Ends the program, or the function; `None` gives the probe's default result.
    Return(Option<Expr>),
    /// Several.
    Block(Vec<Stmt>),
}

/// What a number measures, as far as it is known from how it was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// A point in time, in nanoseconds.
    Timestamp,
    /// An amount.
    Amount(Unit),
}

impl Quantity {
    /// The unit of an amount; a point in time has none.
    pub fn unit(self) -> Option<Unit> {
        match self {
            Self::Timestamp => None,
            Self::Amount(unit) => Some(unit),
        }
    }
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The type of the result.
    pub ty: Type,
    /// What the result measures.
    pub quantity: Option<Quantity>,
    /// As written.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// An integer constant (its bits, where it is unsigned and above `i64::MAX`).
    Int(i64),
    /// A boolean constant.
    Bool(bool),
    /// A string constant, without the NUL.
    String(Vec<u8>),
    /// Constant bytes, an array of them.
    Bytes(Vec<u8>),
    /// The bytes of a value as another type: cut, or zeros behind them.
    Reinterpret(Box<Expr>),
    /// A scratch variable.
    Variable(VariableId),
    /// The value before, in [`StmtKind::MapSet`] and [`ExprKind::MapStep`].
    Old,
    /// An ordinary map element; zero or empty if there is none.
    Map {
        /// Which map.
        map: MapId,
        /// Of the map's key type; `None` for a scalar map.
        key: Option<Box<Expr>>,
    },
    /// A castable aggregation, merged over all CPUs.
    Aggregate {
        /// Which map.
        map: MapId,
        /// Of the map's key type; `None` for a scalar map.
        key: Option<Box<Expr>>,
    },
    /// An element of `stats`, merged over all CPUs: a record of count, average and total.
    Stats {
        /// Which map.
        map: MapId,
        /// Of the map's key type.
        key: Box<Expr>,
    },
    /// A fact about the task or CPU.
    Ambient(Ambient),
    /// `comm`
    Comm,
    /// `argN`
    Argument(u8),
    /// `reg("name")`
    Register(Register),
    /// `retval`
    ReturnValue,
    /// A scalar at an offset of the context.
    Context {
        /// Bytes from its start.
        offset: u32,
    },
    /// A string or array at an offset of the context.
    ContextBytes {
        /// Bytes from its start.
        offset: u32,
    },
    /// A string that a 32-bit locator at an offset of the context points to.
    ContextDynamic {
        /// Bytes from its start to the locator.
        offset: u32,
    },
    /// A C string in memory.
    ReadString {
        /// Where, an integer or pointer.
        address: Box<Expr>,
        /// Whose memory.
        space: Space,
        /// At most so many bytes, the NUL included.
        limit: Option<Box<Expr>>,
    },
    /// Bytes in memory, as a buffer.
    ReadBuffer {
        /// Where, an integer or pointer.
        address: Box<Expr>,
        /// Whose memory.
        space: Space,
        /// How many, an uint64; the capacity of the type bounds it.
        length: Box<Expr>,
    },
    /// The first bytes of a string or array, as a buffer.
    Buffer {
        /// The string or array.
        of: Box<Expr>,
        /// How many, an uint64; the capacity of the type and the size of the value bound it.
        length: Box<Expr>,
    },
    /// The strings that a NULL-terminated array of pointers in memory points to, as an array of strings; empty
    /// ones where there are no more.
    ReadStrings {
        /// Where the array is, an integer or pointer.
        address: Box<Expr>,
        /// Whose memory.
        space: Space,
    },
    /// What a handle consists of, as that handle.
    Handle(Box<Expr>),
    /// What lies at an address.
    Deref {
        /// Where, an integer or pointer.
        address: Box<Expr>,
        /// Whose memory.
        space: Space,
    },
    /// `op a`; the operand has the type of the result, but for `!`, which takes any scalar.
    Unary(UnaryOp, Box<Expr>),
    /// `a op b` on 64-bit integers or pointers. Comparisons of integers are signed if the left type is;
    /// those of strings and tuples are for equality, on operands of one type or two strings.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `++` or `--` of a variable.
    Step {
        /// Which.
        variable: VariableId,
        /// What is added.
        by: i64,
        /// The result is the value before.
        postfix: bool,
    },
    /// `++` or `--` of a map element.
    MapStep {
        /// Which map.
        map: MapId,
        /// Of the map's key type; `None` for a scalar map.
        key: Option<Box<Expr>>,
        /// What is added.
        by: i64,
        /// The result is the value before.
        postfix: bool,
    },
    /// `c ? a : b`, both of the result's type.
    Ternary {
        /// A scalar.
        condition: Box<Expr>,
        /// If not 0.
        then: Box<Expr>,
        /// If 0.
        otherwise: Box<Expr>,
    },
    /// `c ?: b`, both of the result's type.
    Elvis {
        /// The result if it is not 0.
        value: Box<Expr>,
        /// If 0.
        otherwise: Box<Expr>,
    },
    /// The same value in another type: integers are cut and extended, strings grow, scalars become
    /// booleans, tuples convert part by part, records by the names of their parts. Between arrays and
    /// integers or strings the bytes stay as they are.
    Cast(Box<Expr>),
    /// `(a, b)`, and the fields of a record in the order of its type.
    Tuple(Vec<Expr>),
    /// `t.n`, and the nth field of a record.
    TupleField(Box<Expr>, u32),
    /// A member of a structure.
    Member {
        /// The structure.
        of: Box<Expr>,
        /// Bytes from its start.
        offset: u32,
    },
    /// The same number, an address in memory of that space.
    InSpace(Box<Expr>, Space),
    /// Some bits of an unsigned integer, extended by the sign of the result's type.
    Bits(Box<Expr>, Bits),
    /// `a[i]` on an array or a string; 0 or empty outside of it, unless C leaves its length open.
    Index(Box<Expr>, Box<Expr>),
    /// What a function computes.
    Intrinsic(Intrinsic, Vec<Expr>),
    /// Statements, then a value; `None` is of type void.
    Block(Vec<Stmt>, Option<Box<Expr>>),
    /// `delete(@m, k)`
    MapDelete {
        /// Which map.
        map: MapId,
        /// Of the map's key type; `None` for a scalar map.
        key: Option<Box<Expr>>,
    },
    /// `has_key(@m, k)`
    MapHas {
        /// Which map.
        map: MapId,
        /// Of the map's key type.
        key: Box<Expr>,
    },
    /// `len(@m)`
    MapLen(MapId),
    /// A call of a function of the program.
    Call {
        /// Its index in [`Program::functions`].
        function: u32,
        /// One for each parameter, of its type.
        arguments: Vec<Expr>,
    },
}

impl Expr {
    /// An expression of which is not known what it measures.
    pub fn new(kind: ExprKind, ty: Type, span: Span) -> Self {
        Self { kind, ty, quantity: None, span }
    }

    /// The same with what it measures.
    pub fn measuring(mut self, quantity: Option<Quantity>) -> Self {
        self.quantity = quantity;
        self
    }
}
