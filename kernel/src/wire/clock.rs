//! The wall clock as ISO 8601, for message headers.

use std::time::{SystemTime, UNIX_EPOCH};

/// The present as `2026-01-02T03:04:05.000006Z`.
pub(super) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    iso(since.as_secs(), since.subsec_micros())
}

/// Seconds since 1970 as a date. The calendar repeats every 400 years (146,097 days); years are counted
/// from March, so that the leap day comes last.
fn iso(seconds: u64, micros: u32) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + carry;
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn dates() {
        assert_eq!(iso(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(iso(951_782_399, 5), "2000-02-28T23:59:59.000005Z");
        assert_eq!(iso(951_782_400, 0), "2000-02-29T00:00:00.000000Z");
        assert_eq!(iso(1_798_761_599, 0), "2026-12-31T23:59:59.000000Z");
        assert_eq!(iso(1_798_761_600, 0), "2027-01-01T00:00:00.000000Z");
    }
}
