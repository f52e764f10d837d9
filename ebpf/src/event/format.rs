//! A format string and values → text, by bpftrace's rules (which are printf's, with widths of its own).
//!
//! Checking has made sure that a format fits its values.

use probebook_lang::printf::{Conversion, Format, Piece, Style};

use crate::value::Value;

/// The text of a format with values put in; what has no value prints nothing.
pub fn print(format: &Format, values: &[Value]) -> Vec<u8> {
    let mut to = Vec::new();
    let mut values = values.iter();
    for piece in &format.pieces {
        match piece {
            Piece::Text(text) => to.extend(text),
            Piece::Conversion(conversion) => {
                if let Some(value) = values.next() {
                    Printer(conversion).print(value, &mut to);
                }
            }
        }
    }
    to
}

/// One conversion at work.
struct Printer<'a>(&'a Conversion);

impl Printer<'_> {
    fn print(&self, value: &Value, to: &mut Vec<u8>) {
        match self.0.style {
            Style::Signed => self.number(self.signed(value), to),
            Style::Unsigned => self.number(self.unsigned(value).to_string(), to),
            Style::Hex => self.number(self.based(value, "0x", |n| format!("{n:x}")), to),
            Style::UpperHex => self.number(self.based(value, "0X", |n| format!("{n:X}")), to),
            Style::Octal => self.number(self.based(value, "0", |n| format!("{n:o}")), to),
            Style::Character => self.padded(vec![value.bits() as u8], to),
            Style::Pointer => {
                let address = value.bits();
                self.padded(if address == 0 { b"0".to_vec() } else { format!("{address:#x}").into() }, to);
            }
            Style::AllocationFlags => self.padded(allocation_flags(value.bits()).into(), to),
            Style::EscapedBytes => self.bytes(value, "", |byte| format!("\\x{byte:02x}"), to),
            Style::HexBytes => self.bytes(value, " ", |byte| format!("{byte:02x}"), to),
            Style::Any | Style::Bytes | Style::Refused => self.any(value, to),
        }
    }

    /// All bytes of a buffer as numbers.
    fn bytes(&self, value: &Value, between: &str, number: impl Fn(u8) -> String, to: &mut Vec<u8>) {
        let Value::Buffer(bytes) = value else { return };
        let numbers: Vec<_> = bytes.iter().map(|&byte| number(byte)).collect();
        self.padded(numbers.join(between).into(), to);
    }

    /// Any value in its text form; of a tuple the width pads the opening parenthesis alone, as in bpftrace.
    fn any(&self, value: &Value, to: &mut Vec<u8>) {
        let mut text = Vec::new();
        value.write(&mut text);
        if matches!(value, Value::Tuple(_) | Value::Record(_) | Value::Array(_)) && !text.is_empty() {
            let tail = text.split_off(1);
            self.padded(text, to);
            to.extend(tail);
        } else {
            self.padded(text, to);
        }
    }

    fn signed(&self, value: &Value) -> String {
        let unused = 64 - 8 * self.0.bytes;
        let number = (value.bits() << unused) as i64 >> unused;
        if self.0.plus && number >= 0 { format!("+{number}") } else { number.to_string() }
    }

    fn unsigned(&self, value: &Value) -> u64 {
        let unused = 64 - 8 * self.0.bytes;
        value.bits() << unused >> unused
    }

    fn based(&self, value: &Value, prefix: &str, digits: impl Fn(u64) -> String) -> String {
        let number = self.unsigned(value);
        let digits = digits(number);
        if self.0.alternate && number != 0 { format!("{prefix}{digits}") } else { digits }
    }

    fn number(&self, text: String, to: &mut Vec<u8>) {
        if !self.0.zero || self.0.left || text.len() >= self.0.width {
            return self.padded(text.into(), to);
        }
        // Zeros go behind the sign and the prefix.
        let prefix = match self.0.style {
            Style::Hex | Style::UpperHex if text.starts_with(['0']) && text.len() > 1 => 2,
            _ => text.len() - text.trim_start_matches(['+', '-']).len(),
        };
        to.extend(text[..prefix].bytes());
        to.extend(std::iter::repeat_n(b'0', self.0.width - text.len()));
        to.extend(text[prefix..].bytes());
    }

    fn padded(&self, text: Vec<u8>, to: &mut Vec<u8>) {
        let gap = self.0.width.saturating_sub(text.len());
        if !self.0.left {
            to.extend(std::iter::repeat_n(b' ', gap));
        }
        to.extend(text);
        if self.0.left {
            to.extend(std::iter::repeat_n(b' ', gap));
        }
    }
}

/// Several bits with a name of their own, the larger sets first (Linux's mmflags.h, as of 6.18).
const ALLOCATIONS: [(u64, &str); 11] = [
    (0x21c_24ca, "GFP_TRANSHUGE"),
    (0x21c_20ca, "GFP_TRANSHUGE_LIGHT"),
    (0x210_0cca, "GFP_HIGHUSER_MOVABLE"),
    (0x10_0cc2, "GFP_HIGHUSER"),
    (0x10_0cc0, "GFP_USER"),
    (0x40_0cc0, "GFP_KERNEL_ACCOUNT"),
    (0xcc0, "GFP_KERNEL"),
    (0xc40, "GFP_NOFS"),
    (0x820, "GFP_ATOMIC"),
    (0xc00, "GFP_NOIO"),
    (0x2800, "GFP_NOWAIT"),
];

/// Single bits from the lowest (Linux's gfp_types.h, as of 6.18).
const ALLOCATION_BITS: [&str; 27] = [
    "GFP_DMA",
    "__GFP_HIGHMEM",
    "GFP_DMA32",
    "__GFP_MOVABLE",
    "__GFP_RECLAIMABLE",
    "__GFP_HIGH",
    "__GFP_IO",
    "__GFP_FS",
    "__GFP_ZERO",
    "",
    "__GFP_DIRECT_RECLAIM",
    "__GFP_KSWAPD_RECLAIM",
    "__GFP_WRITE",
    "__GFP_NOWARN",
    "__GFP_RETRY_MAYFAIL",
    "__GFP_NOFAIL",
    "__GFP_NORETRY",
    "__GFP_MEMALLOC",
    "__GFP_COMP",
    "__GFP_NOMEMALLOC",
    "__GFP_HARDWALL",
    "__GFP_THISNODE",
    "__GFP_ACCOUNT",
    "__GFP_ZEROTAGS",
    "__GFP_SKIP_ZERO",
    "__GFP_SKIP_KASAN",
    "__GFP_NO_OBJ_EXT",
];

/// The names of the kernel's flags of allocation, what has none in hexadecimal behind them.
fn allocation_flags(flags: u64) -> String {
    if flags == 0 {
        return "0".into();
    }
    let mut rest = flags;
    let mut names = Vec::new();
    let bits = ALLOCATION_BITS.iter().enumerate().map(|(bit, name)| (1 << bit, *name));
    for (mask, name) in ALLOCATIONS.into_iter().chain(bits) {
        if rest & mask == mask && !name.is_empty() {
            names.push(name.to_owned());
            rest &= !mask;
        }
    }
    if rest != 0 {
        names.push(format!("{rest:#x}"));
    }
    names.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: &str, values: &[Value], expected: &str) {
        let text = print(&Format::parse(format.as_bytes()), values);
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
        check("%d %d|%", &[Value::Int(1)], "1 |%");
        check("%s %d %s", &[Value::Bool(true), Value::Bool(true), Value::Pointer(0x55)], "true 1 0x55");
    }

    #[test]
    fn flags_of_allocation_have_names() {
        let flags = [0, 0xcc0, 0x40_0cc0, 0x20_0040, 0x8000_0200, 0x10_0cc8].map(Value::Uint);
        let names =
            "0 GFP_KERNEL GFP_KERNEL_ACCOUNT __GFP_IO|__GFP_THISNODE 0x80000200 GFP_USER|__GFP_MOVABLE";
        check("%gr %gr %gr %gr %gr %gr", &flags, names);
    }

    #[test]
    fn bytes_of_the_traced_system_stay_as_they_are() {
        let text = print(&Format::parse(b"<%4s>\xff"), &[Value::String(vec![0xfe, 0x1b])]);
        assert_eq!(text, b"<  \xfe\x1b>\xff");
    }

    fn s(text: &str) -> Value {
        Value::String(text.as_bytes().to_vec())
    }
}
