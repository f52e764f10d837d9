//! The members of C structures and enumerations, as BTF and C declarations tell them.
//!
//! *Invariant:* members lie in the order of declaration; a member without a name is an anonymous structure
//! or union, whose members are reached through it.
//!
//! *Not here:* where a definition comes from (`host` for BTF, `syntax` for declarations in a program).

use super::Type;

/// Whether members follow each other or share their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Keyword {
    /// `struct`
    Struct,
    /// `union`
    Union,
}

impl Keyword {
    /// As written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Struct => "struct",
            Self::Union => "union",
        }
    }
}

/// A structure or union with a known size.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Structure {
    /// `struct` or `union`.
    pub keyword: Keyword,
    /// The tag, without the keyword; where there is none a name that no tag can have.
    pub name: String,
    /// Bytes, padding included.
    pub size: u32,
    /// 1 to 16.
    pub align: u32,
    /// In the order of declaration.
    pub members: Vec<Member>,
}

/// A member of a structure.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// Empty for an anonymous structure or union.
    pub name: String,
    /// Bytes from the start of the structure; of a bit-field the byte in which its first bit lies.
    pub offset: u32,
    /// Set for a bit-field.
    pub bits: Option<Bits>,
    /// What it holds; of a bit-field the declared type. An array of `char` is a string.
    pub ty: Type,
}

impl Structure {
    /// The type of its values.
    pub fn ty(&self) -> Type {
        Type::Struct { keyword: self.keyword, name: self.name.clone(), size: self.size }
    }
}

/// The place of a bit-field within the bytes at its member's offset (little endian).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bits {
    /// The lowest bit, counted from bit 0 of the byte at the member's offset: 0 to 7.
    pub first: u8,
    /// How many: 1 to 64.
    pub width: u8,
}

/// An enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Enumeration {
    /// The tag, without the keyword; where there is none a name that no tag can have.
    pub name: String,
    /// Bytes: 1, 2, 4 or 8.
    pub width: u8,
    /// Whether negative constants are possible.
    pub signed: bool,
    /// Constants and their values (the bits of an unsigned 64-bit one), in the order of declaration.
    pub variants: Vec<(String, i64)>,
}

impl Enumeration {
    /// The type of its values.
    pub fn ty(&self) -> Type {
        Type::Enum { name: self.name.clone(), width: self.width, signed: self.signed }
    }

    /// The constant of a value.
    pub fn symbol(&self, value: i64) -> Option<&str> {
        self.variants.iter().find(|(_, other)| *other == value).map(|(name, _)| name.as_str())
    }
}
