//! [`MapValue`] → [`Scale`] → [`Bucket`]: the ranges of `hist` and `lhist`, and bpftrace's labels for them.
//!
//! Text, JSON and pictures all name a bucket the same way because they ask here.
//!
//! *Invariant:* bucket `i` ends where bucket `i + 1` begins; the first has no lower end, and the last of an
//! `lhist` no upper one.

use std::ops::RangeInclusive;

use probebook_lang::types::MapValue;

/// How values fall into buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// `hist`: 2^bits buckets per power of two.
    Log2 {
        /// 0 to 5.
        bits: u8,
    },
    /// `lhist`.
    Linear {
        /// Lower bound.
        min: i64,
        /// Upper bound.
        max: i64,
        /// Width of a bucket.
        step: i64,
    },
}

/// An end of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The number.
    pub value: i128,
    /// As bpftrace writes it, with a suffix in powers of 1024 where it uses one.
    pub label: String,
    /// bpftrace writes `[5]` for `[5, 6)` only where both ends are plain numbers to it.
    plain: bool,
}

/// The range of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The smallest value in it; `None` for everything below `high`.
    pub low: Option<Bound>,
    /// The first value beyond it; `None` for everything from `low` on.
    pub high: Option<Bound>,
}

impl Scale {
    /// The scale of a map, if its values are buckets.
    pub fn of(value: &MapValue) -> Option<Self> {
        match *value {
            MapValue::Hist { bits } => Some(Self::Log2 { bits }),
            MapValue::Lhist { min, max, step } => Some(Self::Linear { min, max, step: step.max(1) }),
            _ => None,
        }
    }

    /// The range of the bucket at `index`.
    pub fn bucket(self, index: usize) -> Bucket {
        let low = index.checked_sub(1).and_then(|below| self.bound(below));
        Bucket { low, high: self.bound(index) }
    }

    /// The upper end of the bucket at `index`.
    fn bound(self, index: usize) -> Option<Bound> {
        match self {
            Self::Log2 { bits } => Some(log2_bound(index, u32::from(bits))),
            Self::Linear { min, max, step } => {
                let value = i128::from(min) + index as i128 * i128::from(step);
                (value <= i128::from(max)).then(|| linear_bound(value, step))
            }
        }
    }
}

/// Below 2^(bits+1) every number is a bucket; from there each power of two is cut into 2^bits.
fn log2_bound(index: usize, bits: u32) -> Bound {
    if index <= 2 << bits {
        return Bound { value: index as i128, label: index.to_string(), plain: true };
    }
    let per_power = 1usize << bits;
    let power = ((index >> bits) - 1) as u32;
    let mantissa = (per_power + (index & (per_power - 1))) as u128;
    let suffix = ["", "K", "M", "G", "T", "P", "E"][(power / 10).min(6) as usize];
    let label = format!("{}{suffix}", mantissa << (power % 10));
    Bound { value: (mantissa << power) as i128, label, plain: false }
}

/// A suffix only where the step is a multiple of 1024.
fn linear_bound(value: i128, step: i64) -> Bound {
    if step % 1024 != 0 {
        return Bound { value, label: value.to_string(), plain: true };
    }
    let label = match value {
        0 => "0".into(),
        n if n % (1024 * 1024) == 0 => format!("{}M", n / (1024 * 1024)),
        n if n % 1024 == 0 => format!("{}K", n / 1024),
        n => n.to_string(),
    };
    Bound { value, label, plain: false }
}

impl Bucket {
    /// bpftrace's label: `(..., 0)`, `[5]`, `[1K, 2K)`, `[100, ...)`.
    pub fn label(&self) -> String {
        match (&self.low, &self.high) {
            (Some(low), Some(high)) if low.plain && high.plain && low.value + 1 == high.value => {
                format!("[{}]", low.label)
            }
            (Some(low), Some(high)) => format!("[{}, {})", low.label, high.label),
            (None, Some(high)) => format!("(..., {})", high.label),
            (Some(low), None) => format!("[{}, ...)", low.label),
            (None, None) => "(..., ...)".into(),
        }
    }

    /// Whether its label counts in 1024s.
    pub fn has_suffix(&self) -> bool {
        [&self.low, &self.high].into_iter().flatten().any(|bound| bound.label.ends_with(char::is_alphabetic))
    }
}

/// From the first to the last bucket with something in it: what bpftrace prints.
pub fn used(counts: &[u64]) -> Option<RangeInclusive<usize>> {
    let first = counts.iter().position(|&n| n > 0)?;
    let last = counts.iter().rposition(|&n| n > 0)?;
    Some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, indices: &[usize]) -> Vec<String> {
        indices.iter().map(|&i| scale.bucket(i).label()).collect()
    }

    #[test]
    fn powers_of_two() {
        let expected = ["(..., 0)", "[0]", "[1]", "[2, 4)", "[4, 8)", "[512, 1K)", "[1K, 2K)", "[512K, 1M)"];
        assert_eq!(labels(Scale::Log2 { bits: 0 }, &[0, 1, 2, 3, 4, 11, 12, 21]), expected);
        assert_eq!(Scale::Log2 { bits: 0 }.bucket(64).label(), "[4E, 8E)");
    }

    #[test]
    fn parts_of_powers_of_two() {
        let expected =
            ["[0]", "[7]", "[8, 10)", "[10, 12)", "[14, 16)", "[16, 20)", "[1792, 2048)", "[4K, 5K)"];
        assert_eq!(labels(Scale::Log2 { bits: 2 }, &[1, 8, 9, 10, 12, 13, 40, 45]), expected);
    }

    #[test]
    fn linear() {
        let scale = Scale::Linear { min: 0, max: 100, step: 10 };
        assert_eq!(labels(scale, &[0, 1, 10, 11]), ["(..., 0)", "[0, 10)", "[90, 100)", "[100, ...)"]);
        let scale = Scale::Linear { min: 0, max: 3072, step: 1024 };
        assert_eq!(labels(scale, &[1, 2, 4]), ["[0, 1K)", "[1K, 2K)", "[3K, ...)"]);
        assert_eq!(Scale::Linear { min: 0, max: 5, step: 1 }.bucket(3).label(), "[2]");
        // A last step that does not fit belongs to the overflow.
        assert_eq!(Scale::Linear { min: 0, max: 10, step: 3 }.bucket(4).label(), "[9, ...)");
    }

    #[test]
    fn buckets_meet() {
        for bits in 0..=5 {
            let scale = Scale::Log2 { bits };
            let last = MapValue::Hist { bits }.buckets() as usize - 1;
            for index in 0..last {
                assert_eq!(scale.bucket(index).high, scale.bucket(index + 1).low);
            }
            assert_eq!(scale.bucket(last).high.map(|bound| bound.value), Some(1 << 63));
        }
    }
}
