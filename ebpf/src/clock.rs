//! points in time → text by strftime's formats, in local time.

use std::ffi::CString;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sys::perf::boot_clock_ns;

/// Nanoseconds since 1970 of a point in time of the boot clock, or of that of atomic time.
pub fn wall(ns: u64, is_tai: bool) -> u64 {
    let then = if is_tai { tai() } else { boot_clock_ns() };
    now().saturating_sub(then).saturating_add(ns)
}

/// Atomic time is ahead of UTC where the machine knows of leap seconds; else it is the same.
fn tai() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure is ours to write.
    unsafe { libc::clock_gettime(libc::CLOCK_TAI, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Nanoseconds since 1970 now.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos() as u64
}

/// The text of a point in time: strftime's conversions, and `%f`, `%l` and `%k` for the micro-, milli- and
/// nanoseconds of the second.
pub fn format(format: &[u8], wall_ns: u64) -> Vec<u8> {
    let fraction = wall_ns % 1_000_000_000;
    let mut own = Vec::with_capacity(format.len());
    let mut rest = format;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        own.push(byte);
        let (b'%', Some((&letter, after))) = (byte, rest.split_first()) else { continue };
        rest = after;
        let digits = match letter {
            b'f' => format!("{:06}", fraction / 1_000),
            b'l' => format!("{:03}", fraction / 1_000_000),
            b'k' => format!("{fraction:09}"),
            _ => {
                own.push(letter);
                continue;
            }
        };
        own.pop();
        own.extend(digits.bytes());
    }
    strftime(&own, (wall_ns / 1_000_000_000) as i64)
}

/// The text of a second by strftime, in local time.
pub fn strftime(format: &[u8], second: i64) -> Vec<u8> {
    strftime_by(format, second, libc::localtime_r)
}

/// Likewise, in UTC.
pub fn strftime_utc(format: &[u8], second: i64) -> Vec<u8> {
    strftime_by(format, second, libc::gmtime_r)
}

/// Splits a second into year, month and so on.
type Split = unsafe extern "C" fn(*const libc::time_t, *mut libc::tm) -> *mut libc::tm;

fn strftime_by(format: &[u8], second: i64, split: Split) -> Vec<u8> {
    // One byte more, so that what is empty can be told from what does not fit.
    let Ok(format) = CString::new([format, b"."].concat()) else { return Vec::new() };
    let mut text = vec![0u8; 256];
    loop {
        // SAFETY: a zeroed `tm` is valid; the time is written to it before it is read; strftime writes at most
        // the buffer's length and says how much.
        let length = unsafe {
            let mut parts: libc::tm = std::mem::zeroed();
            split(&raw const second, &raw mut parts);
            libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &raw const parts)
        };
        if length > 0 {
            text.truncate(length - 1);
            return text;
        }
        if text.len() > 1 << 20 {
            return Vec::new();
        }
        text.resize(text.len() * 4, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_second() {
        let shown = |text: &str| String::from_utf8(format(text.as_bytes(), 1_001_002_003)).unwrap();
        assert_eq!(shown("%f|%l|%k|%%f|%"), "001002|001|001002003|%f|%");
        assert_eq!(shown("%s"), "1");
        assert_eq!(shown(""), "");
    }

    #[test]
    fn long_texts_fit() {
        let long = "%Y".repeat(500);
        assert_eq!(strftime(long.as_bytes(), 86_400 * 2).len(), 2000);
        assert_eq!(strftime(b"\0", 0), b"");
    }

    #[test]
    fn the_boot_clock_is_turned_into_wall_time() {
        for distance in [wall(boot_clock_ns(), false), wall(tai(), true)].map(|ns| ns.abs_diff(now())) {
            assert!(distance < 1_000_000_000, "{distance}");
        }
    }
}
