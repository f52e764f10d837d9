//! C declarations as written, after the preprocessor: what the C part of a program and its headers declare.
//!
//! *Not here:* sizes and offsets (`crate::declare`).

use super::constant::Expr;
use crate::source::Span;
use crate::types::structure::Keyword;

/// A declaration that bpftrace has use for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declaration {
    /// `struct tag { … }`, `union tag { … }`
    Record(Record),
    /// `enum tag { … }`
    Enum(Enum),
    /// `typedef type name`
    Typedef {
        /// The new name.
        name: String,
        /// Where it stands.
        span: Span,
        /// What it names.
        ty: CType,
    },
}

impl Declaration {
    /// Where it says what it declares.
    pub fn span(&self) -> Span {
        match self {
            Self::Record(record) => record.span,
            Self::Enum(of) => of.span,
            Self::Typedef { span, .. } => *span,
        }
    }
}

/// A type as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CType {
    /// `void`
    Void,
    /// `_Bool`
    Bool,
    /// Plain `char`, of which texts are made.
    Char,
    /// An integer.
    Int {
        /// Bytes: 1, 2, 4, 8 or 16.
        width: u8,
        /// Two's complement or not.
        signed: bool,
    },
    /// `float`, `double`, `long double`: of so many bytes.
    Float(u8),
    /// A name that a `typedef` gave.
    Named(String, Span),
    /// `struct tag`, `union tag`
    Tagged(Keyword, String, Span),
    /// A structure or union that is defined where it is used.
    Record(Box<Record>),
    /// `enum tag`
    EnumTag(String, Span),
    /// An enumeration that is defined where it is used.
    Enum(Box<Enum>),
    /// A pointer.
    Pointer(Box<CType>),
    /// An array; without a length if C leaves it open.
    Array(Box<CType>, Option<Box<Expr>>),
    /// A function, which only a pointer can lead to.
    Function,
    /// A type with an alignment of its own.
    Aligned(Box<CType>, Box<Expr>),
}

/// A structure or union with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `struct` or `union`
    pub keyword: Keyword,
    /// Empty if it has none.
    pub tag: String,
    /// In order.
    pub fields: Vec<Field>,
    /// How its members are packed.
    pub attributes: Attributes,
    /// Keyword and tag.
    pub span: Span,
}

/// A member of a structure or union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Empty if it has none.
    pub name: String,
    /// What it holds.
    pub ty: CType,
    /// The width of a bit-field.
    pub bits: Option<Expr>,
    /// Of this member alone.
    pub attributes: Attributes,
    /// Where its name stands, or its type.
    pub span: Span,
}

/// What `__attribute__` and `#pragma pack` say about the layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Nothing is aligned.
    pub is_packed: bool,
    /// Members are aligned to so many bytes at most.
    pub pack: Option<u32>,
    /// The whole is aligned at least like this.
    pub aligned: Option<Expr>,
}

/// An enumeration with its constants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    /// Empty if it has none.
    pub tag: String,
    /// Names, places and values where they are given.
    pub constants: Vec<(String, Span, Option<Expr>)>,
    /// As narrow as possible.
    pub is_packed: bool,
    /// Keyword and tag.
    pub span: Span,
}
