//! [`Type`] → [`Layout`]: where each part of a value lies in memory.
//!
//! Computed once, here; it travels inside `MapSpec` and `RecordSpec`, and whoever decodes bytes reads it
//! from there.
//!
//! *Invariant:* parts of tuples and records do not overlap, lie in order, and are aligned to their own size up
//! to 8; the size of the whole is a multiple of its alignment. Gaps are zero when a program has written the
//! value. Members of C structures lie where C puts them.
//!
//! *Not here:* the members of structures and the constants of enumerations, which `structures` fills in for
//! layouts that leave a program.

use std::sync::Arc;

use super::handle::Handle;
use super::structure::{Bits, Enumeration};
use super::{BUFFER_HEADER, Type};

/// The size, alignment and shape of a value in memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Bytes.
    pub size: u32,
    /// 1, 2, 4 or 8.
    pub align: u32,
    /// What the bytes mean.
    pub shape: Shape,
}

/// What the bytes of a [`Layout`] mean.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// One byte, 0 or 1.
    Bool,
    /// An integer as wide as the layout.
    Int {
        /// Two's complement or not.
        signed: bool,
    },
    /// A 64-bit address.
    Pointer,
    /// NUL-terminated text that fills at most the layout.
    String,
    /// How many bytes there are, an uint32, and then those.
    Buffer,
    /// What a handle consists of.
    Handle(Handle, Box<Layout>),
    /// An integer of which some values have names.
    Enum(Arc<Enumeration>),
    /// Parts at offsets.
    Tuple(Vec<Part>),
    /// Parts with names: of a record, or of a C structure, in which they may share their place.
    Record(Vec<Field>),
    /// Elements one after the other.
    Array(Box<Layout>, u32),
}

/// A part of a tuple.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// Bytes from the start of the whole.
    pub offset: u32,
    /// The part itself.
    pub layout: Layout,
}

/// A part with a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// As declared.
    pub name: Arc<str>,
    /// Where it lies.
    pub part: Part,
    /// Which bits of the part are meant, if not all.
    pub bits: Option<Bits>,
}

impl Shape {
    /// Whether one machine word holds it.
    pub fn is_scalar(&self) -> bool {
        matches!(self, Self::Bool | Self::Int { .. } | Self::Pointer | Self::Enum(_))
    }

    /// Whether its numbers are extended by their sign.
    pub fn is_signed(&self) -> bool {
        match self {
            Self::Int { signed } => *signed,
            Self::Enum(enumeration) => enumeration.signed,
            _ => false,
        }
    }
}

impl Layout {
    /// The layout of a type; `Void` has size 0. Structures have no members in it, enumerations no constants.
    pub fn of(ty: &Type) -> Self {
        match ty {
            Type::Void => Self { size: 0, align: 1, shape: Shape::Tuple(Vec::new()) },
            Type::Bool => Self { size: 1, align: 1, shape: Shape::Bool },
            Type::Int { width, signed } => Self {
                size: u32::from(*width),
                align: u32::from(*width),
                shape: Shape::Int { signed: *signed },
            },
            Type::Pointer { .. } => Self { size: 8, align: 8, shape: Shape::Pointer },
            Type::String { capacity } => Self { size: *capacity, align: 1, shape: Shape::String },
            Type::Buffer { capacity } => {
                Self { size: BUFFER_HEADER + capacity, align: 4, shape: Shape::Buffer }
            }
            Type::Handle(handle) => {
                let inner = Self::of(&handle.inner());
                Self { size: inner.size, align: inner.align, shape: Shape::Handle(*handle, Box::new(inner)) }
            }
            Type::Array { of, len } => {
                let element = Self::of(of);
                Self {
                    size: element.size * len,
                    align: element.align,
                    shape: Shape::Array(Box::new(element), *len),
                }
            }
            Type::Tuple(items) => Self::sequence(items.iter(), 0),
            Type::Record(fields) => {
                let mut layout = Self::sequence(fields.iter().map(|(_, ty)| ty), 0);
                if let Shape::Tuple(parts) = layout.shape {
                    let names = fields.iter().map(|(name, _)| name.as_str().into());
                    let fields = names.zip(parts).map(|(name, part)| Field { name, part, bits: None });
                    layout.shape = Shape::Record(fields.collect());
                }
                layout
            }
            // C's alignment divides the size: this one is at least as strict.
            Type::Struct { size, .. } => {
                let align = if *size == 0 { 1 } else { 1 << size.trailing_zeros().min(3) };
                Self { size: *size, align, shape: Shape::Record(Vec::new()) }
            }
            Type::Enum { width, signed, .. } => Self::of(&Type::int(*width, *signed)),
        }
    }

    /// The layout of values one after the other behind a header of `header` bytes, as records have.
    pub fn sequence<'a>(items: impl Iterator<Item = &'a Type>, header: u32) -> Self {
        let mut offset = header;
        let mut align = if header > 0 { 8 } else { 1 };
        let mut parts = Vec::new();
        for item in items {
            let layout = Self::of(item);
            offset = offset.next_multiple_of(layout.align);
            align = align.max(layout.align);
            parts.push(Part { offset, layout });
            offset += parts.last().map_or(0, |part| part.layout.size);
        }
        Self { size: offset.next_multiple_of(align), align, shape: Shape::Tuple(parts) }
    }
}
