//! A format string and values → text, by bpftrace's rules (which are printf's, with widths of its own).
//!
//! A format is parsed once, when the session starts; checking has made sure that it fits its values.

use std::ffi::CString;

use probebook_lang::ir::{Record, RecordKind};

use crate::value::Value;

/// A parsed format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Conversion(Conversion),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Conversion {
    left: bool,
    plus: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    /// Bytes of an integer that count: 4 without a length modifier.
    bytes: u32,
    kind: u8,
}

impl Format {
    /// The format of a record; empty for records that print no text.
    pub fn of(record: &Record) -> Self {
        match &record.kind {
            RecordKind::Printf { format } => Self::parse(format),
            _ => Self::default(),
        }
    }

    /// Parses a format.
    pub fn parse(format: &[u8]) -> Self {
        let mut pieces = Vec::new();
        let mut text = Vec::new();
        let mut rest = format;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if byte != b'%' {
                text.push(byte);
            } else if let Some(after) = rest.strip_prefix(b"%") {
                text.push(b'%');
                rest = after;
            } else {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                let (conversion, after) = Conversion::parse(rest);
                pieces.push(Piece::Conversion(conversion));
                rest = after;
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Self { pieces }
    }

    /// The text with values put in; what has no value prints nothing.
    pub fn print(&self, values: &[Value]) -> Vec<u8> {
        let mut to = Vec::new();
        let mut values = values.iter();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => to.extend(text),
                Piece::Conversion(conversion) => {
                    if let Some(value) = values.next() {
                        conversion.print(value, &mut to);
                    }
                }
            }
        }
        to
    }
}

impl Conversion {
    /// Parses what stands behind the `%`.
    fn parse(mut rest: &[u8]) -> (Self, &[u8]) {
        let mut conversion = Self { bytes: 4, ..Self::default() };
        while let Some((&byte, after)) = rest.split_first() {
            match byte {
                b'-' => conversion.left = true,
                b'+' => conversion.plus = true,
                b'#' => conversion.alternate = true,
                b'0' => conversion.zero = true,
                b' ' => {}
                _ => break,
            }
            rest = after;
        }
        while let Some((&digit @ b'0'..=b'9', after)) = rest.split_first() {
            conversion.width = (conversion.width * 10 + usize::from(digit - b'0')).min(4096);
            rest = after;
        }
        // Precision and `*` are read and mean nothing, as in bpftrace.
        while let Some((b'.' | b'*' | b'0'..=b'9', after)) = rest.split_first() {
            rest = after;
        }
        let mut halves = 0;
        while let Some((&byte @ (b'h' | b'l' | b'j' | b'z' | b't' | b'L'), after)) = rest.split_first() {
            halves += u32::from(byte == b'h');
            conversion.bytes = match (byte, halves) {
                (b'h', 1) => 2,
                (b'h', _) => 1,
                _ => 8,
            };
            rest = after;
        }
        if let Some((&kind, after)) = rest.split_first() {
            conversion.kind = kind;
            rest = after;
        }
        (conversion, rest)
    }

    fn print(&self, value: &Value, to: &mut Vec<u8>) {
        match self.kind {
            b'd' | b'i' => self.number(self.signed(value), to),
            b'u' => self.number(self.unsigned(value).to_string(), to),
            b'x' => self.number(self.based(value, "0x", |n| format!("{n:x}")), to),
            b'X' => self.number(self.based(value, "0X", |n| format!("{n:X}")), to),
            b'o' => self.number(self.based(value, "0", |n| format!("{n:o}")), to),
            b'p' => {
                let address = value.bits();
                self.padded(if address == 0 { b"0".to_vec() } else { format!("{address:#x}").into() }, to);
            }
            b'c' => self.padded(vec![value.bits() as u8], to),
            _ => self.any(value, to),
        }
    }

    /// Any value in its text form; of a tuple the width pads the opening parenthesis alone, as in bpftrace.
    fn any(&self, value: &Value, to: &mut Vec<u8>) {
        let mut text = Vec::new();
        value.write(&mut text);
        if matches!(value, Value::Tuple(_)) && !text.is_empty() {
            let tail = text.split_off(1);
            self.padded(text, to);
            to.extend(tail);
        } else {
            self.padded(text, to);
        }
    }

    fn signed(&self, value: &Value) -> String {
        let unused = 64 - 8 * self.bytes;
        let number = (value.bits() << unused) as i64 >> unused;
        if self.plus && number >= 0 { format!("+{number}") } else { number.to_string() }
    }

    fn unsigned(&self, value: &Value) -> u64 {
        let unused = 64 - 8 * self.bytes;
        value.bits() << unused >> unused
    }

    fn based(&self, value: &Value, prefix: &str, digits: impl Fn(u64) -> String) -> String {
        let number = self.unsigned(value);
        let digits = digits(number);
        if self.alternate && number != 0 { format!("{prefix}{digits}") } else { digits }
    }

    fn number(&self, text: String, to: &mut Vec<u8>) {
        if !self.zero || self.left || text.len() >= self.width {
            return self.padded(text.into(), to);
        }
        let signs = text.len() - text.trim_start_matches(['+', '-']).len();
        let prefix = signs
            + if self.alternate && text[signs..].starts_with(['0']) && text.len() > signs + 1 {
                2
            } else {
                0
            };
        let prefix = if self.kind == b'o' { signs } else { prefix };
        to.extend(text[..prefix].bytes());
        to.extend(std::iter::repeat_n(b'0', self.width - text.len()));
        to.extend(text[prefix..].bytes());
    }

    fn padded(&self, text: Vec<u8>, to: &mut Vec<u8>) {
        let gap = self.width.saturating_sub(text.len());
        if !self.left {
            to.extend(std::iter::repeat_n(b' ', gap));
        }
        to.extend(text);
        if self.left {
            to.extend(std::iter::repeat_n(b' ', gap));
        }
    }
}

/// The wall-clock time now, by a format of strftime.
pub fn time(format: &[u8]) -> Vec<u8> {
    let Ok(format) = CString::new(format) else { return Vec::new() };
    let mut text = vec![0u8; 1024];
    // SAFETY: a zeroed `tm` is valid; the time is read into it before it is used; strftime writes at most
    // the buffer's length and says how much.
    let length = unsafe {
        let now = libc::time(std::ptr::null_mut());
        let mut parts: libc::tm = std::mem::zeroed();
        libc::localtime_r(&raw const now, &raw mut parts);
        libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &raw const parts)
    };
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: &str, values: &[Value], expected: &str) {
        let text = Format::parse(format.as_bytes()).print(values);
        assert_eq!(String::from_utf8_lossy(&text), expected);
    }

    #[test]
    fn numbers_are_cut_to_32_bits_without_a_length() {
        check("%d %ld", &[Value::Uint(0x1_0000_0001), Value::Uint(0x1_0000_0001)], "1 4294967297");
        check("%u %d", &[Value::Int(-1), Value::Int(-1)], "4294967295 -1");
        check("%hd %hhd", &[Value::Int(0x12345), Value::Int(0x1ff)], "9029 -1");
    }

    #[test]
    fn widths_and_flags() {
        let n = || Value::Int(255);
        check("%5d|%-5d|%05d|%+d", &[n(), n(), n(), n()], "  255|255  |00255|+255");
        check("%x %X %o %#x %#o %#06x", &[n(), n(), n(), n(), n(), n()], "ff FF 377 0xff 0377 0x00ff");
        check("%06d", &[Value::Int(-42)], "-00042");
    }

    #[test]
    fn texts_and_the_rest() {
        check("%s|%5s|%-5s|", &[s("ab"), s("ab"), s("ab")], "ab|   ab|ab   |");
        check("100%% %c", &[Value::Int(65)], "100% A");
        check("%p %p", &[Value::Uint(0x1234), Value::Uint(0)], "0x1234 0");
        check("%s", &[Value::Tuple(vec![Value::Int(1), s("a")])], "(1, a)");
    }

    /// What the newest bpftrace prints for the same.
    #[test]
    fn as_the_peer_prints() {
        let n = || Value::Int(255);
        let values = [n(), n(), n(), n(), n(), Value::Int(65), n(), n(), n(), n()];
        check(
            "%d %u %x %X %o %c|%5d|%-5d|%05d|%#x\n",
            &values,
            "255 255 ff FF 377 A|  255|255  |00255|0xff\n",
        );
        let big = || Value::Int(0x1_0000_0001);
        let values = [big(), big(), big(), big(), Value::Int(0x12345), Value::Int(0x1ff)];
        check("%d %ld %lld %llx %hd %hhd", &values, "1 4294967297 4294967297 100000001 9029 -1");
        let minus = || Value::Int(-1);
        check("%u %lu %d", &[minus(), minus(), minus()], "4294967295 18446744073709551615 -1");
        check("%s|%10s|%-10s|%s", &[s("a"), s("right"), s("left"), s("end")], "a|     right|left      |end");
        let inner = Value::Tuple(vec![Value::Int(2), Value::Int(3)]);
        let tuple = || Value::Tuple(vec![Value::Int(1), s("a"), inner.clone()]);
        check(
            "%s|%4s|%-4s",
            &[tuple(), tuple(), tuple()],
            "(1, a, (2, 3))|   (1, a, (2, 3))|(   1, a, (2, 3))",
        );
    }

    #[test]
    fn precision_and_stars_mean_nothing() {
        check("%.2s|%*d|%.3d|% d", &[s("abc"), Value::Int(5), Value::Int(5), Value::Int(5)], "abc|5|5|5");
        check("%d %d|%", &[Value::Int(1)], "1 |");
        check("%s %d %s", &[Value::Bool(true), Value::Bool(true), Value::Pointer(0x55)], "true 1 0x55");
    }

    #[test]
    fn bytes_of_the_traced_system_stay_as_they_are() {
        let text = Format::parse(b"<%4s>\xff").print(&[Value::String(vec![0xfe, 0x1b])]);
        assert_eq!(text, b"<  \xfe\x1b>\xff");
    }

    #[test]
    fn the_time_has_its_parts() {
        let text = String::from_utf8(time(b"%Y-%m-%d %H:%M:%S|%%|")).expect("ASCII");
        assert_eq!((text.len(), &text[4..5], &text[19..]), (22, "-", "|%|"), "{text}");
        assert_eq!(time(b""), b"");
        assert_eq!(time(b"\0"), b"");
    }

    fn s(text: &str) -> Value {
        Value::String(text.as_bytes().to_vec())
    }
}
