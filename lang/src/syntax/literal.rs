//! the text of a literal → its value, or what is wrong with it.
//!
//! *Invariant:* never panics, whatever the text.

/// A part of a literal that is wrong: byte range in the literal, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// One sentence.
    pub message: String,
}

/// The number that a parameter of the command line reads like, with a sign or without.
pub fn parameter(text: &str) -> Option<i128> {
    let text = text.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let value = i128::from(int(digits).ok()?);
    let value = if text.starts_with('-') { -value } else { value };
    (value >= i128::from(i64::MIN)).then_some(value)
}

/// The value of a number: decimal, octal, hexadecimal, scientific, with a C suffix or as a duration in
/// nanoseconds.
///
/// # Errors
/// The part that is wrong, with the reason.
pub fn int(text: &str) -> Result<u64, Fault> {
    let fault = |start: usize, message: &str| Fault { start, end: text.len(), message: message.to_string() };
    let too_large = || fault(0, "this number is larger than 18446744073709551615");
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        if !digits.contains(|c: char| c.is_ascii_hexdigit()) {
            return Err(fault(2, "`0x` needs hexadecimal digits"));
        }
        if let Some(at) = digits.find(|c: char| !c.is_ascii_hexdigit() && c != '_') {
            return Err(fault(2 + at, "this is no hexadecimal digit, and suffixes do not follow those"));
        }
        return radix(digits, 16).map_err(|message| fault(0, message))?.ok_or_else(too_large);
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (digits, suffix) = text.split_at(end);
    let (value, suffix) = match exponent(suffix) {
        Some((exponent, _)) if digits.ends_with('_') || exponent.ends_with('_') => {
            return Err(fault(0, "a number does not end in `_`"));
        }
        Some((exponent, suffix)) => {
            let value = scientific(digits, exponent).ok_or_else(|| {
                fault(0, "a scientific number is one digit from 1 to 9, `e` and an exponent from 1 to 19, as `2e3`")
            })?;
            (value, suffix)
        }
        None => {
            let is_octal = digits.len() > 1 && digits.starts_with('0');
            if is_octal && digits.contains(['8', '9']) {
                return Err(fault(0, "a number that starts with 0 is octal and has no digit above 7"));
            }
            let value = radix(digits, if is_octal { 8 } else { 10 }).map_err(|message| fault(0, message))?;
            (value.ok_or_else(too_large)?, suffix)
        }
    };
    let unit: u64 = match suffix {
        "" | "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 3_600 * 1_000_000_000,
        "d" => 86_400 * 1_000_000_000,
        "u" if u32::try_from(value).is_err() => {
            return Err(fault(
                0,
                "this number does not fit an unsigned 32-bit integer, which `u` stands for",
            ));
        }
        "u" | "ul" | "ull" => 1,
        "l" | "ll" if i64::try_from(value).is_ok() => 1,
        "l" | "ll" => return Err(fault(0, "this number does not fit a signed 64-bit integer")),
        _ if digits == "0" && suffix.starts_with(['b', 'B']) => {
            return Err(fault(0, "binary numbers are not part of the language; write it in hexadecimal"));
        }
        _ => {
            let known = "the suffixes are ns us ms s m h d and u ul ull l ll";
            return Err(fault(end, &format!("`{suffix}` is no suffix of a number; {known}")));
        }
    };
    value.checked_mul(unit).ok_or_else(too_large)
}

fn radix(digits: &str, radix: u32) -> Result<Option<u64>, &'static str> {
    if digits.ends_with('_') {
        return Err("a number does not end in `_`");
    }
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    Ok(u64::from_str_radix(&plain, radix).ok())
}

/// The exponent behind `e`, and what follows it.
fn exponent(suffix: &str) -> Option<(&str, &str)> {
    let rest = suffix.strip_prefix(['e', 'E'])?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(rest.len());
    Some(rest.split_at(end))
}

fn scientific(digits: &str, exponent: &str) -> Option<u64> {
    let coefficient = digits.parse::<u64>().ok().filter(|n| digits.len() == 1 && *n > 0)?;
    let exponent = exponent.replace('_', "").parse().ok().filter(|exponent| *exponent > 0)?;
    10u64.checked_pow(exponent)?.checked_mul(coefficient)
}

/// The bytes of a string literal, given with its quotes (the closing one may be missing), and the escapes
/// that are none, which stay as written.
pub fn string(text: &str) -> (Vec<u8>, Vec<Fault>) {
    let bytes = text.as_bytes();
    let mut value = Vec::new();
    let mut faults = Vec::new();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        if bytes[at] != b'\\' {
            value.push(bytes[at]);
            at += 1;
            continue;
        }
        let (length, result) = escape(&text[at..]);
        match result {
            Ok(byte) => value.push(byte),
            Err(message) => {
                value.extend_from_slice(&bytes[at..at + length]);
                faults.push(Fault { start: at, end: at + length, message: message.to_string() });
            }
        }
        at += length;
    }
    (value, faults)
}

/// The length of the escape at the start of the text, and its byte.
fn escape(text: &str) -> (usize, Result<u8, &'static str>) {
    let Some(c) = text[1..].chars().next() else { return (1, Err("nothing follows this backslash")) };
    let simple = |byte| (2, Ok(byte));
    match c {
        'n' => simple(b'\n'),
        't' => simple(b'\t'),
        'r' => simple(b'\r'),
        '"' | '\\' => simple(c as u8),
        '0'..='7' => {
            let length = text[1..].bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            let value = u32::from_str_radix(&text[1..=length], 8).ok().and_then(|n| u8::try_from(n).ok());
            (1 + length, value.ok_or("an octal escape ends at `\\377`"))
        }
        'x' | 'X' => {
            let length = text[2..].bytes().take(2).take_while(u8::is_ascii_hexdigit).count();
            let value = u8::from_str_radix(&text[2..2 + length], 16);
            (2 + length, value.map_err(|_| "`\\x` needs one or two hexadecimal digits"))
        }
        _ => (1 + c.len_utf8(), Err("this is no escape; they are \\n \\t \\r \\\" \\\\ \\101 \\x41")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_value_they_show() {
        for (text, value) in [
            ("0", 0),
            ("1_000_000", 1_000_000),
            ("0123", 0o123),
            ("0xff", 255),
            ("0XFF", 255),
            ("0x1_0", 16),
            ("2e3", 2000),
            ("1E3", 1000),
            ("1e3u", 1000),
            ("1e3ms", 1_000_000_000),
            ("0x_1", 1),
            ("1e1_0", 10_000_000_000),
            ("1e19", 10_000_000_000_000_000_000),
            ("7ull", 7),
            ("5ns", 5),
            ("5us", 5_000),
            ("5ms", 5_000_000),
            ("5s", 5_000_000_000),
            ("5m", 300_000_000_000),
            ("5h", 18_000_000_000_000),
            ("5d", 432_000_000_000_000),
            ("18446744073709551615", u64::MAX),
            ("0xffffffffffffffff", u64::MAX),
        ] {
            assert_eq!(int(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn wrong_numbers_say_where() {
        for (text, start) in [
            ("1_", 0),
            ("09", 0),
            ("0x", 2),
            ("0xg", 2),
            ("0xffu", 0),
            ("0b101", 0),
            ("10e3", 0),
            ("0e3", 0),
            ("2e20", 0),
            ("1e0", 0),
            ("1e", 0),
            ("1e1_", 0),
            ("10UL", 2),
            ("5min", 1),
            ("18446744073709551616", 0),
            ("9223372036854775808l", 0),
            ("300000d", 0),
        ] {
            let result = int(text).map_err(|fault| fault.start);
            let expected = if text == "0xffu" { 4 } else { start };
            assert_eq!(result, Err(expected), "{text}");
        }
    }

    #[test]
    fn escapes_stand_for_bytes() {
        assert_eq!(string(r#""a\n\t\r\"\\\101\x41\X4Z\0""#), (b"a\n\t\r\"\\AA\x04Z\0".to_vec(), vec![]));
        assert_eq!(string("\"é\"").0, "é".as_bytes());
    }

    #[test]
    fn wrong_escapes_say_where() {
        let places = |text| string(text).1.iter().map(|f| (f.start, f.end)).collect::<Vec<_>>();
        assert_eq!(places(r#""a\q\x""#), [(2, 4), (4, 6)]);
        assert_eq!(places(r#""\777\é""#), [(1, 5), (5, 8)]);
        assert_eq!(places(r#""\"#), [(1, 2)]);
    }
}
