//! A map without key → big numbers.

use probebook_ebpf::map::{EntryValue, MapSnapshot};
use probebook_lang::types::{MapValue, Unit};

use crate::display::number::{grouped, spoken};
use crate::display::text::{average, integer, label, total_of};

/// Big numbers side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// One for most maps, three for `stats`.
    pub figures: Vec<Figure>,
}

/// A big number.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is, where the map has several.
    pub label: String,
    /// The number, or text.
    pub value: String,
    /// Its unit.
    pub unit: &'static str,
    /// The same as one says it: `1.23 ms`.
    pub spoken: Option<String>,
}

impl Scalar {
    pub(super) fn new(snapshot: &MapSnapshot, unit: Option<Unit>) -> Self {
        let number = |label: &str, value: i128, unit: Option<Unit>| Figure {
            label: label.into(),
            value: grouped(value),
            unit: unit.map_or("", Unit::symbol),
            spoken: unit.and_then(|unit| spoken(value as f64, unit)),
        };
        let ty = &snapshot.ty.value;
        let figures = match snapshot.entries.first().map(|entry| &entry.value) {
            Some(EntryValue::Average { total, count }) => {
                let mean = number("average", average(*total, *count, ty), unit);
                let count = number("count", i128::from(*count), None);
                let total = number("total", total_of(*total, ty), unit);
                if matches!(ty, MapValue::Stats { .. }) {
                    vec![count, mean, total]
                } else {
                    vec![mean, count]
                }
            }
            Some(EntryValue::Plain(value) | EntryValue::Number(value)) => match integer(value) {
                Some(n) => vec![number("", n, unit)],
                None => {
                    vec![Figure { label: String::new(), value: label(value), unit: "", spoken: None }]
                }
            },
            Some(EntryValue::Buckets(_) | EntryValue::Series(_)) | None => vec![number("", 0, unit)],
        };
        Self { figures }
    }

    pub(super) fn description(&self) -> String {
        let said: Vec<String> = self
            .figures
            .iter()
            .map(|figure| format!("{} {} {}", figure.label, figure.value, figure.unit).trim().to_owned())
            .collect();
        format!("{}.", said.join(", "))
    }
}
