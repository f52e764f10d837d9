//! The shape of a program as written: what the parser makes of tokens, before any name is resolved.
//!
//! *Invariant:* every node carries its span; what could not be parsed is an `Error` node (with a diagnostic
//! beside the tree), never a missing one.
//!
//! *Not here:* types (`typed`).

use super::c::CPart;
use crate::config::Value;
use crate::source::Span;

/// A cell or script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The C part, as written.
    pub c: Vec<CItem>,
    /// What the C part, its headers and earlier cells declare and define.
    pub declared: CPart,
    /// Where names stand for what `#define` says.
    pub uses: Vec<Use>,
    /// Imports, in order; what they bring in stands among the rest.
    pub imports: Vec<Import>,
    /// The `config` block.
    pub config: Vec<Setting>,
    /// Macros, in order; expansion leaves none.
    pub macros: Vec<Macro>,
    /// Functions, in order.
    pub functions: Vec<Function>,
    /// Declared maps, in order.
    pub maps: Vec<MapDeclaration>,
    /// Probes, in order.
    pub probes: Vec<Probe>,
    /// Bare statements at top level, in order: they run once, as the body of a `begin` probe.
    pub statements: Vec<Stmt>,
    /// A bare expression in last place: the result of the cell.
    pub result: Option<Expr>,
}

impl Program {
    /// Takes in the items of another program behind the own ones.
    pub fn append(&mut self, other: Self) {
        self.c.extend(other.c);
        self.uses.extend(other.uses);
        self.imports.extend(other.imports);
        self.config.extend(other.config);
        self.macros.extend(other.macros);
        self.functions.extend(other.functions);
        self.maps.extend(other.maps);
        self.probes.extend(other.probes);
        self.statements.extend(other.statements);
        self.result = other.result.or(self.result.take());
    }
}

/// A name that stands for what `#define` says. Its tree is that of the definition, with places there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The name.
    pub name: String,
    /// What it is defined as.
    pub body: Span,
    /// Where it is used.
    pub span: Span,
}

/// A piece of the C part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CItem {
    /// What it is.
    pub kind: CItemKind,
    /// The whole, without the line end.
    pub span: Span,
}

/// The kinds of pieces of the C part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CItemKind {
    /// A `#` line.
    Directive,
    /// `struct`, `union`, `enum` or `typedef`, with its `;` if it has one.
    Declaration,
}

/// `let @m = kind(entries);`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapDeclaration {
    /// Without the `@`.
    pub name: Name,
    /// The word for how it is kept.
    pub kind: Name,
    /// How many elements it has room for; at least 1.
    pub entries: u32,
    /// From the `let` to the closing bracket.
    pub span: Span,
}

/// `import "path";`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Without quotes.
    pub path: String,
    /// From the word to the path.
    pub span: Span,
}

/// `name = value` in the `config` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// As written.
    pub name: Name,
    /// A number, `true`, `false`, a string or a bare word.
    pub value: Value,
    /// The place of the value.
    pub value_span: Span,
}

/// `macro name(parameters) { body }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Macro {
    /// What it is called by.
    pub name: Name,
    /// In order.
    pub parameters: Vec<Parameter>,
    /// What a call stands for.
    pub body: Block,
    /// From the word `macro` to the closing brace.
    pub span: Span,
}

/// `fn name($a : type) : type { body }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// What it is called by.
    pub name: Name,
    /// Scratch variables with their types.
    pub parameters: Vec<(Name, TypeName)>,
    /// The type of its result; `void` for none.
    pub result: TypeName,
    /// What a call does.
    pub body: Block,
    /// From the word `fn` to the closing brace.
    pub span: Span,
}

/// A parameter of a macro.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// What it takes.
    pub kind: ParameterKind,
    /// Without sigil.
    pub name: Name,
}

/// What a parameter of a macro takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// `$v`: a scratch variable, which the macro can change.
    Variable,
    /// `@m`: a map.
    Map,
    /// `e`: anything, also a type; evaluated wherever it stands in the body.
    Expr,
}

/// `attach points /predicate/ { body }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// At least one, unless the parser reported an error.
    pub points: Vec<AttachPoint>,
    /// Between slashes.
    pub predicate: Option<Expr>,
    /// The action block.
    pub body: Block,
    /// From the first attach point to the closing brace.
    pub span: Span,
}

/// One attach point, split at its colons: `tracepoint:syscalls:sys_enter_read`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachPoint {
    /// The parts as written, quotes removed and positional parameters expanded; the first is the provider.
    pub parts: Vec<Part>,
    /// The whole.
    pub span: Span,
}

/// A part of an attach point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Without quotes.
    pub text: String,
    /// With quotes.
    pub span: Span,
}

/// Statements between braces. A last expression without `;` is the value of a block expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// In order.
    pub statements: Vec<Stmt>,
    /// The last expression, if it has no `;`.
    pub value: Option<Box<Expr>>,
    /// With the braces.
    pub span: Span,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Without the `;`.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StmtKind {
    /// `expr;`
    Expr(Expr),
    /// `_ = expr;`
    Discard(Expr),
    /// `target = value;` and `target op= value;`
    Assign {
        /// A scratch variable, map or map element (other targets are reported by the parser).
        target: Expr,
        /// The operator of `op=`.
        op: Option<BinaryOp>,
        /// The right side.
        value: Expr,
    },
    /// `let $x : type = value;`
    Let {
        /// Without the `$`.
        name: Name,
        /// Written type.
        ty: Option<TypeName>,
        /// Initial value.
        value: Option<Expr>,
    },
    /// `if (c) { } else { }`; `else if` is an `If` alone in the else block.
    If {
        /// The condition.
        condition: Expr,
        /// The first block.
        then: Block,
        /// The second block.
        otherwise: Option<Block>,
    },
    /// `while (c) { }`
    While {
        /// The condition.
        condition: Expr,
        /// The body.
        body: Block,
    },
    /// `unroll (n) { }`
    Unroll {
        /// How often; a constant.
        count: Expr,
        /// The body.
        body: Block,
    },
    /// `for ($i : a..b) { }` or `for ($kv : @map) { }`
    For {
        /// Without the `$`.
        variable: Name,
        /// What is walked.
        over: Iterable,
        /// The body.
        body: Block,
    },
    /// `break;`
    Break,
    /// `continue;`
    Continue,
    /// `return;` or `return value;`
    Return(Option<Expr>),
    /// `{ … }`
    Block(Block),
    /// What could not be parsed.
    Error,
}

/// What a `for` walks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Iterable {
    /// `from..to`, the end exclusive.
    Range {
        /// First value.
        from: Expr,
        /// One past the last.
        to: Expr,
    },
    /// All elements of a map.
    Map(Name),
}

/// A name with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Without sigil.
    pub text: String,
    /// With sigil.
    pub span: Span,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    /// What it names.
    pub kind: TypeKind,
    /// The whole.
    pub span: Span,
}

/// The kinds of written types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeKind {
    /// `uint64`, `string`, …
    Named(String),
    /// `struct task_struct` (the keyword and the tag).
    Tagged(String, String),
    /// `T*`
    Pointer(Box<TypeName>),
    /// `T[n]` and `T[]`
    Array(Box<TypeName>, Option<u64>),
    /// `typeof(expr)`
    TypeOf(Box<Expr>),
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// The whole, parentheses included.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprKind {
    /// An integer or duration literal; `negative` literals are `Unary(Neg, …)`.
    Int(u64),
    /// A string literal, escapes resolved.
    String(Vec<u8>),
    /// `true`, `false`
    Bool(bool),
    /// `$x`, without the `$`.
    Variable(String),
    /// `@m`, without the `@`; the anonymous map is the empty name.
    Map(String),
    /// `@m[a, b]`
    MapElement {
        /// The map.
        map: Name,
        /// The parts of the key, at least one.
        key: Vec<Expr>,
    },
    /// `$1`
    Positional(u32),
    /// `$#`
    PositionalCount,
    /// A bare name: a builtin, a function without arguments, an enum constant.
    Name(String),
    /// `f(a, b)`
    Call {
        /// The function.
        function: Name,
        /// Its arguments.
        arguments: Vec<Expr>,
    },
    /// `op e`
    Unary(UnaryOp, Box<Expr>),
    /// `++e`, `--e`, `e++`, `e--` on a variable or map element.
    Step {
        /// The variable or map element.
        target: Box<Expr>,
        /// `++`, not `--`.
        increment: bool,
        /// The value before the step is the result.
        postfix: bool,
    },
    /// `a op b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `c ? a : b`; without `a` the condition's own value.
    Ternary {
        /// The condition.
        condition: Box<Expr>,
        /// If true.
        then: Option<Box<Expr>>,
        /// If false.
        otherwise: Box<Expr>,
    },
    /// `(type)e`
    Cast(TypeName, Box<Expr>),
    /// `e.name`, `e->name`
    Member(Box<Expr>, Name),
    /// `e.0`
    TupleField(Box<Expr>, u32, Span),
    /// `e[i]`
    Index(Box<Expr>, Box<Expr>),
    /// `(a, b)`, `(a,)`, `()`
    Tuple(Vec<Expr>),
    /// `(a = 1, b = 2)`
    Record(Vec<(Name, Expr)>),
    /// `{ …; e }`
    Block(Block),
    /// `if (c) { a } else { b }` as a value.
    If {
        /// The condition.
        condition: Box<Expr>,
        /// If true.
        then: Block,
        /// If false.
        otherwise: Block,
    },
    /// `sizeof(type or expr)`
    SizeOf(Box<TypeOrExpr>),
    /// `offsetof(type or expr, a.b)`
    OffsetOf(Box<TypeOrExpr>, Vec<Name>),
    /// `typeof(type or expr)` as the argument of a call.
    TypeOf(TypeName),
    /// `comptime e`: a constant.
    Comptime(Box<Expr>),
    /// What could not be parsed.
    Error,
}

/// An argument that is a type or an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeOrExpr {
    /// A type.
    Type(TypeName),
    /// An expression.
    Expr(Expr),
}

/// Operators with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `!`
    Not,
    /// `~`
    BitNot,
    /// `-`
    Neg,
    /// `*`
    Deref,
    /// `&`
    AddressOf,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    LogicalAnd,
    LogicalOr,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl BinaryOp {
    /// As written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
            Self::Shl => "<<",
            Self::Shr => ">>",
            Self::LogicalAnd => "&&",
            Self::LogicalOr => "||",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// Whether it compares and gives a `bool`.
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }
}
