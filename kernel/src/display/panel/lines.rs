//! `tseries` → lines over the time of day; what has a key is drawn one below the other, over the same axes.

use probebook_ebpf::clock;
use probebook_ebpf::map::{Entry, EntryValue, MapSnapshot};
use probebook_lang::types::MapValue;

use super::{key_cells, keys};
use crate::display::number::grouped;
use crate::display::text::{integer, sorted};

/// Lines that are drawn at most.
const MOST: usize = 8;

/// Lines over one axis of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// One for each key.
    pub lines: Vec<Line>,
    /// The first and the last interval of any.
    pub range: (u64, u64),
    /// The smallest and the largest value of all.
    pub values: (i128, i128),
    /// Nanoseconds of an interval.
    pub interval: u64,
    /// Whether the map has a key.
    pub keyed: bool,
}

/// The numbers of one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The key; empty for a map without one.
    pub title: String,
    /// Interval and value, in order; what is missing is a gap.
    pub points: Vec<(u64, i128)>,
}

impl Lines {
    /// What is drawn of a time series; nothing where it has no numbers.
    pub(super) fn new(snapshot: &MapSnapshot, notes: &mut Vec<String>) -> Option<Self> {
        let &MapValue::Tseries { interval, intervals, .. } = &snapshot.ty.value else { return None };
        let mut lines: Vec<Line> = sorted(snapshot).into_iter().map(line).collect();
        let numbers = |lines: &[Line]| -> Vec<u64> {
            lines.iter().flat_map(|line| &line.points).map(|(number, _)| *number).collect()
        };
        let last = numbers(&lines).into_iter().max()?;
        for line in &mut lines {
            line.points.retain(|(number, _)| last - number < u64::from(intervals));
        }
        lines.retain(|line| !line.points.is_empty());
        if lines.len() > MOST {
            notes.push(format!("the first {MOST} of {} are drawn", keys(lines.len())));
            lines.truncate(MOST);
        }
        let first = numbers(&lines).into_iter().min()?;
        let values = lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
        let values = (values.clone().min()?, values.max()?);
        Some(Self { lines, range: (first, last), values, interval, keyed: snapshot.ty.key.is_some() })
    }

    /// The time of day when an interval began.
    pub fn time(&self, number: u64) -> String {
        let start = number.saturating_mul(self.interval);
        let fraction = if self.interval.is_multiple_of(1_000_000_000) { "" } else { ".%l" };
        let text = clock::format(format!("%H:%M:%S{fraction}").as_bytes(), start);
        String::from_utf8_lossy(&text).into_owned()
    }

    pub(super) fn description(&self) -> String {
        let (low, high) = self.values;
        format!(
            "{} from {} to {}, values from {} to {}.",
            if self.lines.len() == 1 { "A line".into() } else { format!("{} lines", self.lines.len()) },
            self.time(self.range.0),
            self.time(self.range.1),
            grouped(low),
            grouped(high)
        )
    }
}

fn line(entry: &Entry) -> Line {
    let points = match &entry.value {
        EntryValue::Series(points) => {
            points.iter().filter_map(|point| Some((point.number, integer(&point.value)?))).collect()
        }
        _ => Vec::new(),
    };
    Line { title: key_cells(entry).join(", "), points }
}
