//! [`Type`] → [`Layout`]: where each part of a value lies in memory.
//!
//! Computed once, here; it travels inside `MapSpec` and `RecordSpec`, and whoever decodes bytes reads it
//! from there.
//!
//! *Invariant:* parts do not overlap, lie in order, and are aligned to their own size up to 8; the size of
//! the whole is a multiple of its alignment. Gaps are zero when a program has written the value.

use super::Type;

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
    /// Parts at offsets.
    Tuple(Vec<Part>),
    /// Elements one after the other.
    Array(Box<Layout>, u32),
}

/// A part of a tuple or a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// Bytes from the start of the whole.
    pub offset: u32,
    /// The part itself.
    pub layout: Layout,
}

impl Layout {
    /// The layout of a type; `Void` has size 0.
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
            Type::Array { of, len } => {
                let element = Self::of(of);
                Self {
                    size: element.size * len,
                    align: element.align,
                    shape: Shape::Array(Box::new(element), *len),
                }
            }
            Type::Tuple(items) => Self::sequence(items.iter(), 0),
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
