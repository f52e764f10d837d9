//! Numbers → how a reader wants them: grouped, as shares, as durations and sizes.
//!
//! *Not here:* bpftrace's own forms of numbers (`text`), bucket labels (`buckets`).

use probebook_lang::types::Unit;

/// `12,579`
pub fn grouped(number: i128) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        out.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A round number on an axis: grouped while it is short, otherwise `2.5×10⁹`; never with K or M, which mean
/// 1024s in bucket labels.
pub fn tick(number: f64) -> String {
    if number.abs() < 9_999_999.5 {
        if number.fract().abs() < 1e-9 {
            return grouped(number as i128);
        }
        return format!("{number:.3}").trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let power = number.abs().log10().floor() as i32;
    let mantissa = number / 10f64.powi(power);
    let mantissa = format!("{mantissa:.2}").trim_end_matches('0').trim_end_matches('.').to_owned();
    let raised: String = power.to_string().chars().filter_map(superscript).collect();
    format!("{mantissa}×10{raised}")
}

fn superscript(digit: char) -> Option<char> {
    let index = digit.to_digit(10)? as usize;
    ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'].get(index).copied()
}

/// `28.3%`; `0%` and `100%` only when they are exact.
pub fn percent(part: u128, whole: u128) -> String {
    if part == 0 || whole == 0 {
        return "0%".into();
    }
    if part == whole {
        return "100%".into();
    }
    let percent = part as f64 / whole as f64 * 100.0;
    if percent < 0.05 {
        "<0.1%".into()
    } else if percent > 99.95 {
        ">99.9%".into()
    } else {
        format!("{percent:.1}%")
    }
}

/// Units of time from small to large: symbol, nanoseconds, up to how many of them one keeps it.
const TIMES: [(&str, f64, f64); 9] = [
    ("ns", 1.0, 1e3),
    ("µs", 1e3, 1e3),
    ("ms", 1e6, 1e3),
    ("s", 1e9, 120.0),
    ("min", 60e9, 120.0),
    ("h", 3600e9, 48.0),
    ("days", 86_400e9, 730.0),
    ("years", 31_557_600e9, 1e4),
    ("years", 31_557_600e9, f64::INFINITY),
];

/// Units of size from small to large.
const SIZES: [(&str, f64); 7] = [
    ("bytes", 1.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("PiB", 1_125_899_906_842_624.0),
    ("EiB", 1_152_921_504_606_846_976.0),
];

/// The unit in which a reader would say this number: symbol and how much of the map's unit it is.
fn familiar(number: f64, unit: Unit) -> (&'static str, f64) {
    if unit == Unit::Bytes {
        let fits = SIZES.iter().rev().find(|(_, size)| number.abs() >= *size);
        let (symbol, size) = fits.unwrap_or(&SIZES[0]);
        return (symbol, *size);
    }
    let base = nanoseconds(unit);
    let time = number.abs() * base;
    let fits = TIMES.iter().find(|(_, size, limit)| time / size < *limit);
    let (symbol, size, _) = fits.unwrap_or(&TIMES[8]);
    (symbol, size / base)
}

/// Nanoseconds in a unit of time; 1 for bytes.
fn nanoseconds(unit: Unit) -> f64 {
    match unit {
        Unit::Nanoseconds | Unit::Bytes => 1.0,
        Unit::Microseconds => 1e3,
        Unit::Milliseconds => 1e6,
        Unit::Seconds => 1e9,
    }
}

/// A number with its unit, as one says it: `1.23 ms` for 1,234,567 ns. `None` if that is what it already is.
pub fn spoken(number: f64, unit: Unit) -> Option<String> {
    let (symbol, scale) = familiar(number, unit);
    (scale != 1.0).then(|| format!("{} {symbol}", significant(number / scale)))
}

/// A range of time in the unit of its upper end: `4.10–8.19 ms`. `None` for sizes: their labels say it.
pub fn spoken_range(low: f64, high: f64, unit: Unit) -> Option<String> {
    if unit == Unit::Bytes {
        return None;
    }
    if high - low == 1.0 {
        return Some(format!("{} {}", significant(low), unit.symbol()));
    }
    // One unit for both, that of the lower end as long as the upper one does not get long in it.
    let (symbol, scale) = match familiar(low, unit) {
        (_, scale) if low == 0.0 || high / scale >= 10_000.0 => familiar(high, unit),
        other => other,
    };
    Some(format!("{}–{} {symbol}", significant(low / scale), significant(high / scale)))
}

/// Three significant digits, more only in front of the point.
pub fn significant(number: f64) -> String {
    let size = number.abs();
    if size >= 99.95 || number == 0.0 || (size >= 1.0 && number.fract() == 0.0) {
        grouped(number.round() as i128)
    } else if size >= 9.995 {
        format!("{number:.1}")
    } else if size >= 0.9995 {
        format!("{number:.2}")
    } else {
        format!("{number:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(-1_234_567), "-1,234,567");
        assert_eq!(grouped(i128::from(u64::MAX)), "18,446,744,073,709,551,615");
        assert_eq!(tick(250_000.0), "250,000");
        assert_eq!(tick(2.5e9), "2.5×10⁹");
        assert_eq!(tick(1.5), "1.5");
    }

    #[test]
    fn shares() {
        assert_eq!(percent(0, 0), "0%");
        assert_eq!(percent(1, 12_000), "<0.1%");
        assert_eq!(percent(11_999, 12_000), ">99.9%");
        assert_eq!(percent(12_000, 12_000), "100%");
        assert_eq!(percent(1, 3), "33.3%");
    }

    #[test]
    fn speaks() {
        assert_eq!(spoken(1_234_567.0, Unit::Nanoseconds).as_deref(), Some("1.23 ms"));
        assert_eq!(spoken(12.0, Unit::Nanoseconds), None);
        assert_eq!(spoken(1536.0, Unit::Bytes).as_deref(), Some("1.50 KiB"));
        assert_eq!(spoken_range(4096.0, 8192.0, Unit::Microseconds).as_deref(), Some("4.10–8.19 ms"));
        assert_eq!(spoken_range(512.0, 1024.0, Unit::Microseconds).as_deref(), Some("512–1,024 µs"));
        assert_eq!(spoken_range(0.0, 1.0, Unit::Seconds).as_deref(), Some("0 s"));
        assert_eq!(spoken_range(0.0, 10.0, Unit::Seconds).as_deref(), Some("0–10 s"));
        assert_eq!(spoken_range(1.0, 2.0, Unit::Bytes), None);
        assert!(spoken(u64::MAX as f64, Unit::Seconds).is_some_and(|text| text.ends_with(" years")));
    }
}
