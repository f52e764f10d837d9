//! Bytes and their layout ↔ [`Value`]: what a key, a map element or a record's field means.
//!
//! The text form is bpftrace's: strings raw, tuples `(1, a)`, booleans `true`/`false`, pointers `0x55`,
//! arrays `[1,2]`, bytes as ASCII and `\xNN`, records and structures `{ .a = 1, .b = z }`, enumerations by the name of their constant.

use std::fmt;
use std::sync::Arc;

use probebook_lang::types::BUFFER_HEADER;
use probebook_lang::types::layout::{Field, Layout, Shape};
use probebook_lang::types::structure::Bits;

use crate::handles;

/// A decoded value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// `true`, `false`
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// An address.
    Pointer(u64),
    /// The bytes up to the first NUL. **Hostile**: whatever the traced system put there.
    String(Vec<u8>),
    /// The bytes of a buffer. **Hostile** as well.
    Buffer(Vec<u8>),
    /// What a program kept of a thing, and the text that user space has made of it.
    Handle {
        /// What it consists of.
        raw: Box<Value>,
        /// Made when the value was read. **Hostile**: names are what others chose.
        text: Vec<u8>,
    },
    /// A tuple.
    Tuple(Vec<Value>),
    /// An array.
    Array(Vec<Value>),
    /// A record or a structure: its fields with their names.
    Record(Vec<(Arc<str>, Value)>),
    /// A constant of an enumeration: its number (the bits of an unsigned one) and its name.
    Enum(i64, Arc<str>),
}

impl Value {
    /// Reads the value that lies at the start of `bytes`; missing bytes are zeros.
    pub fn decode(layout: &Layout, bytes: &[u8]) -> Self {
        let size = layout.size as usize;
        let bytes = &bytes[..bytes.len().min(size)];
        match &layout.shape {
            Shape::Bool => Self::Bool(bytes.first().is_some_and(|&byte| byte != 0)),
            Shape::Int { signed } => Self::integer(extend(word(bytes), 8 * layout.size, *signed), *signed),
            Shape::Enum(enumeration) => {
                let value = extend(word(bytes), 8 * layout.size, enumeration.signed);
                match enumeration.symbol(value) {
                    Some(symbol) => Self::Enum(value, symbol.into()),
                    None => Self::integer(value, enumeration.signed),
                }
            }
            Shape::Pointer => Self::Pointer(word(bytes)),
            Shape::String => {
                let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
                Self::String(bytes[..end].to_vec())
            }
            Shape::Buffer => {
                let (length, bytes) = bytes.split_at(bytes.len().min(BUFFER_HEADER as usize));
                Self::Buffer(bytes[..bytes.len().min(word(length) as usize)].to_vec())
            }
            Shape::Handle(handle, inner) => {
                let raw = Self::decode(inner, bytes);
                Self::Handle { text: handles::text(*handle, &raw), raw: raw.into() }
            }
            Shape::Tuple(parts) => Self::Tuple(
                parts
                    .iter()
                    .map(|part| Self::decode(&part.layout, tail(bytes, part.offset as usize)))
                    .collect(),
            ),
            Shape::Array(element, len) => Self::Array(
                (0..*len)
                    .map(|index| Self::decode(element, tail(bytes, (index * element.size) as usize)))
                    .collect(),
            ),
            Shape::Record(fields) => Self::Record(
                fields.iter().map(|field| (field.name.clone(), Self::field(field, bytes))).collect(),
            ),
        }
    }

    fn field(field: &Field, bytes: &[u8]) -> Self {
        let bytes = tail(bytes, field.part.offset as usize);
        let layout = &field.part.layout;
        let Some(Bits { first, width }) = field.bits else { return Self::decode(layout, bytes) };
        // A packed field may reach into a ninth byte.
        let mut wide = [0; 16];
        let length = bytes.len().min(9);
        wide[..length].copy_from_slice(&bytes[..length]);
        let bits = (u128::from_le_bytes(wide) >> first) as u64;
        let value = extend(bits, u32::from(width), layout.shape.is_signed());
        Self::decode(layout, &value.to_le_bytes())
    }

    fn integer(value: i64, signed: bool) -> Self {
        if signed { Self::Int(value) } else { Self::Uint(value as u64) }
    }

    /// Writes the value to the start of `bytes` in a layout of the same shape; gaps stay as they are, text
    /// that does not fit is cut.
    pub fn encode(&self, layout: &Layout, bytes: &mut [u8]) {
        let size = (layout.size as usize).min(bytes.len());
        let bytes = &mut bytes[..size];
        match (self, &layout.shape) {
            (Self::Bool(value), _) => put(bytes, u64::from(*value)),
            (Self::Int(value) | Self::Enum(value, _), _) => put(bytes, *value as u64),
            (Self::Uint(value) | Self::Pointer(value), _) => put(bytes, *value),
            (Self::String(text), _) => {
                let length = text.len().min(size.saturating_sub(1));
                bytes[..length].copy_from_slice(&text[..length]);
            }
            (Self::Buffer(data), _) => {
                let length = data.len().min(size.saturating_sub(BUFFER_HEADER as usize));
                put(&mut bytes[..size.min(BUFFER_HEADER as usize)], length as u64);
                if let Some(to) = bytes.get_mut(BUFFER_HEADER as usize..BUFFER_HEADER as usize + length) {
                    to.copy_from_slice(&data[..length]);
                }
            }
            (Self::Handle { raw, .. }, Shape::Handle(_, inner)) => raw.encode(inner, bytes),
            (Self::Tuple(values), Shape::Tuple(parts)) => {
                for (value, part) in values.iter().zip(parts) {
                    let offset = (part.offset as usize).min(size);
                    value.encode(&part.layout, &mut bytes[offset..]);
                }
            }
            (Self::Array(values), Shape::Array(element, _)) => {
                for (value, place) in values.iter().zip(bytes.chunks_mut(element.size.max(1) as usize)) {
                    value.encode(element, place);
                }
            }
            (Self::Record(values), Shape::Record(fields)) => {
                for ((_, value), field) in values.iter().zip(fields) {
                    let at = (field.part.offset as usize).min(size);
                    match field.bits {
                        Some(bits) => put_bits(&mut bytes[at..], bits, value.bits()),
                        None => value.encode(&field.part.layout, &mut bytes[at..]),
                    }
                }
            }
            (Self::Handle { .. } | Self::Tuple(_) | Self::Array(_) | Self::Record(_), _) => {}
        }
    }

    /// Appends the text form, bytes of the traced system as they are.
    pub fn write(&self, to: &mut Vec<u8>) {
        match self {
            Self::Bool(value) => to.extend(value.to_string().bytes()),
            Self::Int(value) => to.extend(value.to_string().bytes()),
            Self::Uint(value) => to.extend(value.to_string().bytes()),
            Self::Pointer(value) => to.extend(format!("{value:#x}").bytes()),
            Self::String(text) => to.extend(text),
            Self::Buffer(bytes) => write_bytes(bytes, to),
            Self::Handle { text, .. } => to.extend(text),
            Self::Tuple(values) => list(values, b"(", b", ", b")", to),
            Self::Array(values) => list(values, b"[", b",", b"]", to),
            Self::Record(fields) => {
                to.push(b'{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    to.extend(if index > 0 { ", ." } else { " ." }.bytes());
                    to.extend(name.bytes());
                    to.extend(b" = ");
                    value.write(to);
                }
                to.extend(if fields.is_empty() { "}" } else { " }" }.bytes());
            }
            Self::Enum(_, name) => to.extend(name.bytes()),
        }
    }

    /// The number of a scalar, as 64 bits; 0 for anything else.
    pub fn bits(&self) -> u64 {
        match self {
            Self::Bool(value) => u64::from(*value),
            Self::Int(value) | Self::Enum(value, _) => *value as u64,
            Self::Uint(value) | Self::Pointer(value) => *value,
            Self::String(_)
            | Self::Buffer(_)
            | Self::Handle { .. }
            | Self::Tuple(_)
            | Self::Array(_)
            | Self::Record(_) => 0,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        f.write_str(&String::from_utf8_lossy(&bytes))
    }
}

fn list(values: &[Value], open: &[u8], between: &[u8], close: &[u8], to: &mut Vec<u8>) {
    to.extend(open);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            to.extend(between);
        }
        value.write(to);
    }
    to.extend(close);
}

/// Bytes, those that are no printable ASCII as `\xNN`.
fn write_bytes(bytes: &[u8], to: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            b' '..=b'~' => to.push(byte),
            _ => to.extend(format!("\\x{byte:02x}").bytes()),
        }
    }
}

fn tail(bytes: &[u8], offset: usize) -> &[u8] {
    bytes.get(offset..).unwrap_or_default()
}

/// Up to eight bytes as an unsigned number.
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    let length = bytes.len().min(8);
    word[..length].copy_from_slice(&bytes[..length]);
    u64::from_ne_bytes(word)
}

/// The low bits of a word, extended to all of it.
fn extend(word: u64, bits: u32, signed: bool) -> i64 {
    let unused = 64 - bits.clamp(1, 64);
    if signed { (word << unused) as i64 >> unused } else { (word << unused >> unused) as i64 }
}

/// Replaces some bits, which may reach into a ninth byte.
fn put_bits(bytes: &mut [u8], Bits { first, width }: Bits, value: u64) {
    let length = bytes.len().min(9);
    let mut wide = [0; 16];
    wide[..length].copy_from_slice(&bytes[..length]);
    let mask = (u128::from(u64::MAX) >> (64 - u32::from(width.clamp(1, 64)))) << first;
    let word = (u128::from_le_bytes(wide) & !mask) | ((u128::from(value) << first) & mask);
    bytes[..length].copy_from_slice(&word.to_le_bytes()[..length]);
}

fn put(bytes: &mut [u8], value: u64) {
    let length = bytes.len().min(8);
    bytes[..length].copy_from_slice(&value.to_ne_bytes()[..length]);
}

#[cfg(test)]
mod tests {
    use probebook_lang::types::Type;

    use super::*;

    #[test]
    fn narrow_integers_keep_their_sign() {
        let layout = Layout::of(&Type::int(2, true));
        assert_eq!(Value::decode(&layout, &(-5i16).to_ne_bytes()), Value::Int(-5));
        let layout = Layout::of(&Type::int(2, false));
        assert_eq!(Value::decode(&layout, &(-5i16).to_ne_bytes()), Value::Uint(65531));
    }

    #[test]
    fn encoding_and_decoding_are_inverse() {
        let ty = Type::Tuple(vec![
            Type::I64,
            Type::String { capacity: 8 },
            Type::Tuple(vec![Type::Bool, Type::U64]),
        ]);
        let layout = Layout::of(&ty);
        let inner = Value::Tuple(vec![Value::Bool(true), Value::Uint(u64::MAX)]);
        let value = Value::Tuple(vec![Value::Int(-1), Value::String(b"text".into()), inner]);
        let mut bytes = vec![0; layout.size as usize];
        value.encode(&layout, &mut bytes);
        assert_eq!(Value::decode(&layout, &bytes), value);
        assert_eq!(value.to_string(), "(-1, text, (true, 18446744073709551615))");
    }

    #[test]
    fn texts_of_all_kinds() {
        let array = Value::Array(vec![Value::Uint(1), Value::Uint(2)]);
        assert_eq!(array.to_string(), "[1,2]");
        assert_eq!(Value::Pointer(0x55).to_string(), "0x55");
        assert_eq!(Value::Bool(false).to_string(), "false");
        assert_eq!(Value::Int(i64::MIN).to_string(), "-9223372036854775808");
        let hostile = Value::String(b"a\xff\x1b[2J".into());
        let mut bytes = Vec::new();
        hostile.write(&mut bytes);
        assert_eq!(bytes, b"a\xff\x1b[2J");
        assert_eq!(hostile.to_string(), "a\u{fffd}\u{1b}[2J");
    }

    #[test]
    fn missing_bytes_are_zeros_and_text_that_does_not_fit_is_cut() {
        let array = Type::Array { of: Box::new(Type::int(4, false)), len: 3 };
        let tuple = Layout::of(&Type::Tuple(vec![Type::I64, array, Type::String { capacity: 4 }]));
        let zeros = Value::Array(vec![Value::Uint(0), Value::Uint(0), Value::Uint(0)]);
        assert_eq!(
            Value::decode(&tuple, &[5]),
            Value::Tuple(vec![Value::Int(5), zeros, Value::String(Vec::new())])
        );
        let text = Layout::of(&Type::String { capacity: 4 });
        assert_eq!(Value::decode(&text, b"fulltext"), Value::String(b"full".into()));
        let mut bytes = [0; 4];
        Value::String(b"longer".into()).encode(&text, &mut bytes);
        assert_eq!(&bytes, b"lon\0");
        Value::Int(-1).encode(&Layout::of(&Type::I64), &mut bytes[..2]);
        assert_eq!(&bytes, b"\xff\xffn\0");
    }
}
