//! `hist` and `lhist` → ranges and counts, with percentiles; several series share their ranges.

use std::cmp::Reverse;
use std::ops::RangeInclusive;

use probebook_ebpf::map::{EntryValue, MapSnapshot};
use probebook_lang::types::Unit;

use super::{key_cells, keys};
use crate::display::buckets::{Bucket, Scale, used};
use crate::display::number::{grouped, significant, spoken, spoken_range};
use crate::display::text::{sorted, sum};

/// The percentiles that are shown: name and thousandths.
const PERCENTILES: [(&str, u128); 3] = [("p50", 500), ("p90", 900), ("p99", 990)];

/// The series that are drawn at most; the rest is added up to one more.
const SERIES: usize = 9;

/// Counts over ranges.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The ranges, from small to large, from the first to the last that is used, none left out between.
    pub ranges: Vec<Range>,
    /// One without key; otherwise the largest first, and last the sum of the rest.
    pub series: Vec<Series>,
    /// Whether the map has a key.
    pub keyed: bool,
    /// How many values are in all of them.
    pub n: u128,
    /// The largest count of a range.
    pub most: u64,
}

/// A range.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// bpftrace's label.
    pub label: String,
    /// In a unit that needs no powers of 1024, where a unit of time is known.
    pub spoken: Option<String>,
    /// Its lower end; `None` for everything below.
    pub low: Option<f64>,
    /// Its upper end; `None` for everything above.
    pub high: Option<f64>,
}

/// The counts of one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The key, or words for the rest; empty for a map without key.
    pub title: String,
    /// How many values.
    pub n: u128,
    /// For each range.
    pub counts: Vec<u64>,
    /// The percentiles.
    pub marks: Vec<Mark>,
}

/// A percentile.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// `p50`
    pub name: &'static str,
    /// For `hist` the bucket it is in, for `lhist` the number, interpolated.
    pub label: String,
    /// The same in a familiar unit.
    pub spoken: Option<String>,
    /// The range it is in.
    pub range: usize,
    /// Where it is on an axis, if it is not beyond its ends.
    pub at: Option<f64>,
}

/// Which buckets are drawn as one.
struct Group {
    buckets: RangeInclusive<usize>,
    bucket: Bucket,
}

impl Distribution {
    pub(super) fn new(
        snapshot: &MapSnapshot,
        scale: Scale,
        unit: Option<Unit>,
        notes: &mut Vec<String>,
    ) -> Self {
        let keyed = snapshot.ty.key.is_some();
        // bpftrace's order is from small to large.
        let mut all: Vec<(String, Vec<u64>)> = Vec::new();
        for entry in sorted(snapshot).into_iter().rev() {
            let EntryValue::Buckets(counts) = &entry.value else { continue };
            all.push((key_cells(entry).join(", "), counts.clone()));
        }
        all.sort_by_key(|(_, counts)| Reverse(sum(counts)));
        fold_rest(&mut all);

        let spans = || all.iter().filter_map(|(_, counts)| used(counts));
        let first = spans().map(|span| *span.start()).min().unwrap_or(0);
        let end = spans().map(|span| *span.end()).max().unwrap_or(0);
        let span = if let Scale::Linear { .. } = scale {
            widen(first, end, snapshot.ty.value.buckets() as usize)
        } else {
            first..=end
        };
        let groups = groups(scale, span, keyed, notes);
        let has_suffix = groups.iter().any(|group| group.bucket.has_suffix());
        if has_suffix {
            notes.insert(0, "in bucket labels K = 1024".into());
        }
        let ranges = groups.iter().map(|group| range(&group.bucket, unit)).collect();
        let series: Vec<Series> =
            all.into_iter().map(|(title, counts)| series(title, &counts, scale, &groups, unit)).collect();
        let most = series.iter().flat_map(|series| &series.counts).copied().max().unwrap_or(0);
        Self { ranges, keyed, n: series.iter().map(|series| series.n).sum(), series, most }
    }

    pub(super) fn description(&self) -> String {
        let said = |series: &Series| {
            let marks: Vec<String> =
                series.marks.iter().map(|mark| format!("{} {}", mark.name, mark.label)).collect();
            let title = if series.title.is_empty() { "all" } else { &series.title };
            format!("{title}: n {}, {}", grouped(series.n as i128), marks.join(", "))
        };
        let ends = match (self.ranges.first(), self.ranges.last()) {
            (Some(first), Some(last)) => format!(" from {} to {}", first.label, last.label),
            _ => String::new(),
        };
        let series: Vec<String> = self.series.iter().map(said).collect();
        format!("Counts over {} ranges{ends}. {}.", self.ranges.len(), series.join("; "))
    }
}

/// An axis shows a bucket more on either side, and is there also if all values lie outside of it.
fn widen(first: usize, last: usize, buckets: usize) -> RangeInclusive<usize> {
    let inner_end = buckets.saturating_sub(2).max(1);
    let first = if first > 1 { (first - 1).min(inner_end) } else { first };
    let last = if last < inner_end { last + 1 } else { last };
    first..=last
}

/// Adds up all series but the largest.
fn fold_rest(all: &mut Vec<(String, Vec<u64>)>) {
    if all.len() <= SERIES + 1 {
        return;
    }
    let rest = all.split_off(SERIES);
    let mut folded: Vec<u64> = Vec::new();
    for (_, counts) in &rest {
        folded.resize(folded.len().max(counts.len()), 0);
        for (total, count) in folded.iter_mut().zip(counts) {
            *total = total.saturating_add(*count);
        }
    }
    all.push((format!("other ({})", keys(rest.len())), folded));
}

/// The drawn ranges: each a bucket, or several where there are more than a picture can hold.
fn groups(scale: Scale, span: RangeInclusive<usize>, keyed: bool, notes: &mut Vec<String>) -> Vec<Group> {
    match scale {
        Scale::Log2 { bits } => {
            let limit = if keyed { 40 } else { 64 };
            let coarser = (0..=bits).rev().find(|&coarser| log2_groups(bits, coarser, &span).len() <= limit);
            let coarser = coarser.unwrap_or(0);
            if coarser < bits {
                notes.push(format!("buckets are joined as hist(…, {coarser}) would; the text has all"));
            }
            log2_groups(bits, coarser, &span)
        }
        Scale::Linear { step, .. } => {
            let limit = if keyed { 48 } else { 120 };
            let first = *span.start();
            let join = span.clone().count().div_ceil(limit);
            if join > 1 {
                let width = grouped(i128::from(step) * join as i128);
                notes.push(format!("{join} buckets are drawn as one, {width} wide; the text has all"));
            }
            let mut groups: Vec<Group> = Vec::new();
            for index in span {
                let bucket = scale.bucket(index);
                let inner = bucket.low.is_some() && bucket.high.is_some();
                match groups.last_mut() {
                    // What lies outside of the bounds stays by itself.
                    Some(group)
                        if inner
                            && group.bucket.low.is_some()
                            && !(index - first.max(1)).is_multiple_of(join) =>
                    {
                        group.buckets = *group.buckets.start()..=index;
                        group.bucket.high = bucket.high;
                    }
                    _ => groups.push(Group { buckets: index..=index, bucket }),
                }
            }
            groups
        }
    }
}

/// The buckets of a finer scale, joined to those of a coarser one.
fn log2_groups(bits: u8, coarser: u8, span: &RangeInclusive<usize>) -> Vec<Group> {
    let fine = Scale::Log2 { bits };
    let coarse = Scale::Log2 { bits: coarser };
    let mut groups: Vec<(usize, Group)> = Vec::new();
    for index in span.clone() {
        let target = match fine.bucket(index).low {
            Some(low) => log2_index(low.value as u128, u32::from(coarser)),
            None => 0,
        };
        match groups.last_mut() {
            Some((last, group)) if *last == target => group.buckets = *group.buckets.start()..=index,
            _ => groups.push((target, Group { buckets: index..=index, bucket: coarse.bucket(target) })),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The bucket of a number that is not negative.
fn log2_index(number: u128, bits: u32) -> usize {
    if number < 1 << bits {
        return number as usize + 1;
    }
    let power = number.ilog2() - bits;
    let within = (number >> power) as usize & ((1 << bits) - 1);
    ((power as usize + 1) << bits) + within + 1
}

fn range(bucket: &Bucket, unit: Option<Unit>) -> Range {
    let low = bucket.low.as_ref().map(|bound| bound.value as f64);
    let high = bucket.high.as_ref().map(|bound| bound.value as f64);
    let said = unit.and_then(|unit| spoken_range(low?, high?, unit));
    Range { label: bucket.label(), spoken: said, low, high }
}

fn series(title: String, counts: &[u64], scale: Scale, groups: &[Group], unit: Option<Unit>) -> Series {
    let of = |group: &Group| {
        group.buckets.clone().filter_map(|index| counts.get(index)).fold(0u64, |n, &m| n.saturating_add(m))
    };
    let marks = PERCENTILES
        .iter()
        .filter_map(|&(name, thousandths)| mark(name, thousandths, counts, scale, groups, unit));
    Series { n: sum(counts), counts: groups.iter().map(of).collect(), marks: marks.collect(), title }
}

fn mark(
    name: &'static str,
    thousandths: u128,
    counts: &[u64],
    scale: Scale,
    groups: &[Group],
    unit: Option<Unit>,
) -> Option<Mark> {
    let (index, within) = percentile(counts, thousandths)?;
    let bucket = scale.bucket(index);
    let range_index = groups.iter().position(|group| group.buckets.contains(&index))?;
    let low = bucket.low.as_ref().map(|bound| bound.value as f64);
    let high = bucket.high.as_ref().map(|bound| bound.value as f64);
    let at = low.zip(high).map(|(low, high)| low + (high - low) * within);
    let (label, said) = match scale {
        // A bucket is all one knows.
        Scale::Log2 { .. } => (bucket.label(), unit.and_then(|unit| spoken_range(low?, high?, unit))),
        Scale::Linear { .. } => match (at, bucket.low, bucket.high) {
            (Some(at), ..) => (significant(at), unit.and_then(|unit| spoken(at, unit))),
            (None, None, Some(min)) => (format!("< {}", min.label), None),
            (None, Some(max), _) => (format!("≥ {}", max.label), None),
            (None, None, None) => return None,
        },
    };
    Some(Mark { name, label, spoken: said, range: range_index, at })
}

/// The bucket that holds a percentile, and how far into the bucket it is if its values were spread evenly.
fn percentile(counts: &[u64], thousandths: u128) -> Option<(usize, f64)> {
    let target = sum(counts).checked_mul(thousandths)?;
    let mut below = 0u128;
    for (index, &count) in counts.iter().enumerate() {
        let through = below + u128::from(count) * 1000;
        if count > 0 && through >= target {
            return Some((index, (target - below) as f64 / (u128::from(count) * 1000) as f64));
        }
        below = through;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        assert_eq!(percentile(&[], 500), None);
        assert_eq!(percentile(&[0, 0], 500), None);
        assert_eq!(percentile(&[0, 7, 0], 990), Some((1, 0.99)));
        assert_eq!(percentile(&[50, 50], 500), Some((0, 1.0)));
        assert_eq!(percentile(&[49, 51], 500).map(|(index, _)| index), Some(1));
        assert_eq!(percentile(&[900, 0, 90, 10], 990), Some((2, 1.0)));
        assert_eq!(percentile(&[u64::MAX, u64::MAX], 990).map(|(index, _)| index), Some(1));
    }

    #[test]
    fn joins_to_the_coarser_scale() {
        for (bits, coarser) in [(0, 0), (2, 0), (5, 0), (5, 3)] {
            let fine = Scale::Log2 { bits };
            let last = ((63 - usize::from(bits)) << bits) + (1 << bits);
            let groups = log2_groups(bits, coarser, &(0..=last));
            for group in &groups {
                assert_eq!(
                    fine.bucket(*group.buckets.start()).low.map(|b| b.value),
                    group.bucket.low.as_ref().map(|b| b.value)
                );
                assert_eq!(
                    fine.bucket(*group.buckets.end()).high.map(|b| b.value),
                    group.bucket.high.as_ref().map(|b| b.value)
                );
            }
            let count: usize = groups.iter().map(|group| group.buckets.clone().count()).sum();
            assert_eq!(count, last + 1);
        }
    }

    #[test]
    fn joins_linear_but_not_what_lies_outside() {
        let scale = Scale::Linear { min: 0, max: 1000, step: 1 };
        let mut notes = Vec::new();
        let groups = groups(scale, 0..=1001, false, &mut notes);
        assert!(groups.len() <= 123);
        assert_eq!(groups[0].buckets, 0..=0);
        assert_eq!(groups[1].buckets, 1..=9);
        assert_eq!(groups.last().map(|group| group.buckets.clone()), Some(1001..=1001));
        assert_eq!(notes.len(), 1);
    }
}
