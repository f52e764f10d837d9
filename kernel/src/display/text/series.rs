//! A time series → bpftrace's text graph: one row for each interval, time downwards.

use probebook_ebpf::clock;
use probebook_ebpf::map::{EntryValue, MapSnapshot, Point};

use super::{integer, push, sorted, write_key};

/// Columns from the smallest to the largest value.
const WIDTH: i128 = 52;

/// Every series of the map; rows end with the newest interval of any.
pub(super) fn write(out: &mut Vec<u8>, snapshot: &MapSnapshot, interval: u64, intervals: u32, cleaned: bool) {
    let all = snapshot.entries.iter().filter_map(|entry| match &entry.value {
        EntryValue::Series(points) => points.last().map(|point| point.number),
        _ => None,
    });
    let newest = all.max();
    let is_scalar = snapshot.ty.key.is_none();
    if is_scalar && snapshot.entries.is_empty() {
        push(out, format_args!("@{}:\n<no data>\n\n", snapshot.name));
    }
    for entry in sorted(snapshot) {
        let EntryValue::Series(points) = &entry.value else { continue };
        push(out, format_args!("@{}", snapshot.name));
        write_key(out, entry, is_scalar, cleaned);
        out.extend_from_slice(b":\n");
        match newest {
            Some(newest) => graph(out, points, newest, interval, intervals),
            None => out.extend_from_slice(b"<no data>\n"),
        }
        out.push(b'\n');
    }
}

fn graph(out: &mut Vec<u8>, points: &[Point], newest: u64, interval: u64, intervals: u32) {
    let oldest = (newest + 1).saturating_sub(u64::from(intervals));
    let shown: Vec<(u64, i128)> = points
        .iter()
        .filter(|point| point.number >= oldest)
        .filter_map(|point| Some((point.number, integer(&point.value)?)))
        .collect();
    let first = shown.first().map_or(newest, |(number, _)| *number);
    let digits = if first == newest { Digits::Nano } else { Digits::of(interval) };
    let values = shown.iter().map(|(_, value)| *value);
    let (min, max) = (values.clone().min(), values.max());
    let range = match (min, max) {
        // No value is beyond what 64 bits hold.
        (Some(min), Some(max)) if min == max => {
            Some(((min - 1).max(i128::from(i64::MIN)), (max + 1).min(i128::from(u64::MAX))))
        }
        (Some(min), Some(max)) => Some((min, max)),
        _ => None,
    };
    let margin = " ".repeat(digits.width() + 1);
    let axis = match range {
        Some((min, max)) => format!("{margin}{min:<21}{max:>32}\n"),
        None => format!("{margin}{:<21}{:>32}\n", "null", "null"),
    };
    let rule = "_".repeat(WIDTH as usize - 1);
    out.extend_from_slice(axis.as_bytes());
    push(out, format_args!("{:<width$} |{rule}|\n", digits.title(), width = digits.width()));
    let mut rest = shown.as_slice();
    for number in first..=newest {
        let value = rest.first().filter(|(other, _)| *other == number).map(|(_, value)| *value);
        if value.is_some() {
            rest = &rest[1..];
        }
        push(out, format_args!("{} ", digits.text(number.saturating_mul(interval))));
        row(out, value, range);
    }
    push(out, format_args!("{margin}v{rule}v\n{axis}"));
}

fn row(out: &mut Vec<u8>, value: Option<i128>, range: Option<(i128, i128)>) {
    let mut cells = vec![b' '; WIDTH as usize + 1];
    (cells[0], cells[WIDTH as usize]) = (b'|', b'|');
    if let Some((min, max)) = range {
        let column = |value: i128| ((value - min) * WIDTH / (max - min)) as usize;
        if min < 0 && max > 0 {
            cells[column(0)] = b'.';
        }
        if let Some(value) = value {
            cells[column(value)] = b'*';
        }
    }
    out.extend_from_slice(&cells);
    match value {
        Some(value) => push(out, format_args!(" {value}\n")),
        None => out.extend_from_slice(b" -\n"),
    }
}

/// How much of a second a time tells.
#[derive(Clone, Copy)]
enum Digits {
    None,
    Milli,
    Micro,
    Nano,
}

impl Digits {
    /// What tells intervals apart.
    fn of(interval: u64) -> Self {
        match interval {
            _ if interval.is_multiple_of(1_000_000_000) => Self::None,
            _ if interval.is_multiple_of(1_000_000) => Self::Milli,
            _ if interval.is_multiple_of(1_000) => Self::Micro,
            _ => Self::Nano,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::None => "hh:mm:ss",
            Self::Milli => "hh:mm:ss.ms",
            Self::Micro => "hh:mm:ss.μs",
            Self::Nano => "hh:mm:ss.ns",
        }
    }

    fn width(self) -> usize {
        match self {
            Self::None => 8,
            Self::Milli => 12,
            Self::Micro => 15,
            Self::Nano => 18,
        }
    }

    fn text(self, start: u64) -> String {
        let second = clock::strftime(b"%H:%M:%S", (start / 1_000_000_000) as i64);
        let second = String::from_utf8_lossy(&second);
        let fraction = start % 1_000_000_000;
        match self {
            Self::None => second.into_owned(),
            Self::Milli => format!("{second}.{:03}", fraction / 1_000_000),
            Self::Micro => format!("{second}.{:06}", fraction / 1_000),
            Self::Nano => format!("{second}.{fraction:09}"),
        }
    }
}
