//! format string → [`Format`]: text and conversions, as `printf` and its like understand them.
//!
//! Parsed once, when a program is checked; the record carries it to user space, which makes the text when the
//! record arrives. What begins with `%` and is no conversion is text, as in bpftrace.
//!
//! *Not here:* the text itself (`probebook_ebpf::event`).

use std::fmt;

use crate::types::Type;

/// A parsed format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// In the order of the format.
    pub pieces: Vec<Piece>,
}

/// A part of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Printed as it is.
    Text(Vec<u8>),
    /// Stands for a value.
    Conversion(Conversion),
}

/// What a value is made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `d`, `i`
    Signed,
    /// `u`
    Unsigned,
    /// `x`
    Hex,
    /// `X`
    UpperHex,
    /// `o`
    Octal,
    /// `c`: the low byte.
    Character,
    /// `p`
    Pointer,
    /// `s`: anything in its text form.
    Any,
    /// `r`: bytes, those that are no printable ASCII as `\xNN`.
    Bytes,
    /// `rx`: all bytes as `\xNN`.
    EscapedBytes,
    /// `rh`: bytes in hexadecimal with blanks between.
    HexBytes,
    /// `gr`: names of the kernel's flags of allocation.
    AllocationFlags,
    /// `e`, `f`, `g`, `a`, `n` and the like, which C knows and the language does not.
    Refused,
}

/// A conversion: `%-08lx`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// As written, with the `%`.
    pub text: String,
    /// `-`: fills on the right.
    pub left: bool,
    /// `+`: a sign also before what is not negative.
    pub plus: bool,
    /// `#`: a prefix that tells the base.
    pub alternate: bool,
    /// `0`: fills with zeros.
    pub zero: bool,
    /// At least so many bytes; at most [`Conversion::MAX_WIDTH`].
    pub width: usize,
    /// Bytes of an integer that count: 4 without a length modifier.
    pub bytes: u32,
    /// The letter.
    pub style: Style,
}

impl Format {
    /// Parses a format, as it stands after escapes.
    pub fn parse(format: &[u8]) -> Self {
        let mut pieces = Vec::new();
        let mut text = Vec::new();
        let mut rest = format;
        while let Some((&byte, after)) = rest.split_first() {
            if let Some((conversion, length)) = Conversion::parse(rest) {
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Conversion(conversion));
                rest = &rest[length..];
                continue;
            }
            text.push(byte);
            rest = if rest.starts_with(b"%%") { &rest[2..] } else { after };
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Self { pieces }
    }

    /// The conversions in order.
    pub fn conversions(&self) -> impl Iterator<Item = &Conversion> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Conversion(conversion) => Some(conversion),
            Piece::Text(_) => None,
        })
    }
}

/// As written, with escapes.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => {
                let text = String::from_utf8_lossy(text);
                write!(f, "{}", text.replace('%', "%%").escape_debug())
            }
            Piece::Conversion(conversion) => f.write_str(&conversion.text),
        })
    }
}

impl Conversion {
    /// Wider fields than this make no sense.
    pub const MAX_WIDTH: usize = 4096;

    /// The conversion that a text begins with, and its length. The order of its parts is fixed: `- + blank # 0`
    /// each at most once, width, precision, length, letter.
    fn parse(text: &[u8]) -> Option<(Self, usize)> {
        let mut rest = text.strip_prefix(b"%")?;
        let mut flag = |byte: u8| match rest.split_first() {
            Some((&first, after)) if first == byte => {
                rest = after;
                true
            }
            _ => false,
        };
        let (left, plus) = (flag(b'-'), flag(b'+'));
        flag(b' ');
        let (alternate, zero) = (flag(b'#'), flag(b'0'));
        // A `*` takes no value, and a precision means nothing.
        let width = if flag(b'*') { 0 } else { number(&mut rest) };
        if let Some(after) = rest.strip_prefix(b".") {
            rest = after;
            match rest.strip_prefix(b"*") {
                Some(after) => rest = after,
                None => drop(number(&mut rest)),
            }
        }
        const LENGTHS: [(&str, u32); 8] =
            [("hh", 1), ("h", 2), ("ll", 8), ("l", 8), ("j", 8), ("z", 8), ("t", 8), ("L", 8)];
        let length = LENGTHS.iter().find(|(length, _)| rest.starts_with(length.as_bytes()));
        let bytes = length.map_or(4, |(_, bytes)| *bytes);
        rest = &rest[length.map_or(0, |(length, _)| length.len())..];
        // `p` and strings have no length: a pointer is always whole.
        const STYLES: [(&str, Style); 22] = [
            ("rx", Style::EscapedBytes),
            ("rh", Style::HexBytes),
            ("gr", Style::AllocationFlags),
            ("r", Style::Bytes),
            ("d", Style::Signed),
            ("i", Style::Signed),
            ("u", Style::Unsigned),
            ("x", Style::Hex),
            ("X", Style::UpperHex),
            ("o", Style::Octal),
            ("c", Style::Character),
            ("p", Style::Pointer),
            ("s", Style::Any),
            ("e", Style::Refused),
            ("E", Style::Refused),
            ("f", Style::Refused),
            ("F", Style::Refused),
            ("g", Style::Refused),
            ("G", Style::Refused),
            ("a", Style::Refused),
            ("A", Style::Refused),
            ("n", Style::Refused),
        ];
        let (letters, style) = STYLES.iter().find(|(letters, _)| rest.starts_with(letters.as_bytes()))?;
        let length = text.len() - rest.len() + letters.len();
        let conversion = Self {
            text: String::from_utf8_lossy(&text[..length]).into_owned(),
            left,
            plus,
            alternate,
            zero,
            width,
            bytes,
            style: *style,
        };
        Some((conversion, length))
    }

    /// Whether a value of the type can be printed so.
    pub fn accepts(&self, ty: &Type) -> bool {
        match self.style {
            Style::Any => !matches!(ty, Type::Void) && !matches!(ty, Type::Tuple(items) if items.is_empty()),
            Style::Bytes | Style::EscapedBytes | Style::HexBytes => matches!(ty, Type::Buffer { .. }),
            Style::Refused => false,
            _ => ty.is_scalar(),
        }
    }
}

/// The digits that a text begins with.
fn number(rest: &mut &[u8]) -> usize {
    let mut number = 0;
    while let Some((&digit @ b'0'..=b'9', after)) = rest.split_first() {
        number = (number * 10 + usize::from(digit - b'0')).min(Conversion::MAX_WIDTH);
        *rest = after;
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(format: &str) -> Vec<String> {
        Format::parse(format.as_bytes()).conversions().map(|conversion| conversion.text.clone()).collect()
    }

    #[test]
    fn finds_conversions() {
        assert_eq!(found("%d %-5s 100%% %08llx%c"), ["%d", "%-5s", "%08llx", "%c"]);
        assert_eq!(found("%*.2s%.*d%jx"), ["%*.2s", "%.*d", "%jx"]);
        assert_eq!(found("%rx%rh%r%gr%rd%g"), ["%rx", "%rh", "%r", "%gr", "%r", "%g"]);
        assert_eq!(found("100% done"), ["% d"]);
    }

    #[test]
    fn what_is_no_conversion_is_text() {
        let text = |format: &str| match Format::parse(format.as_bytes()).pieces.as_slice() {
            [Piece::Text(text)] => String::from_utf8_lossy(text).into_owned(),
            pieces => panic!("{pieces:?}"),
        };
        // Flags stand in their order; a percent sign has none.
        let formats = ["%q", "100%", "%5%", "%0-5d", "%+-d"];
        assert_eq!(formats.map(text), formats);
        assert_eq!(text("%%d"), "%d");
        assert_eq!(Format::parse(b"").pieces, []);
    }

    #[test]
    fn flags_widths_and_lengths() {
        let one = |format: &str| Format::parse(format.as_bytes()).conversions().next().unwrap().clone();
        let all = one("%-+ #099999d");
        assert!(all.left && all.plus && all.alternate && all.zero);
        assert_eq!((all.width, all.bytes), (Conversion::MAX_WIDTH, 4));
        let lengths = ["%hhd", "%hd", "%ld", "%lld", "%jd", "%zd", "%td", "%Ld"].map(|f| one(f).bytes);
        assert_eq!(lengths, [1, 2, 8, 8, 8, 8, 8, 8]);
    }
}
