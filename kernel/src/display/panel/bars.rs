//! `count`, `sum` and integers by key → sorted bars, largest first.

use std::cmp::Reverse;

use probebook_ebpf::map::{Entry, EntryValue, MapSnapshot};
use probebook_lang::types::Unit;

use super::{TOP, is_additive, key_cells, key_columns, keys, kind_word, value_title};
use crate::display::number::{grouped, percent, spoken};
use crate::display::text::{integer, sorted};

/// Sorted bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// For each part of the key whether it is a number.
    pub columns: Vec<bool>,
    /// What the values are, with their unit.
    pub title: String,
    /// The largest values, largest first.
    pub rows: Vec<Bar>,
    /// The keys that have no bar of their own, as the words for them, their total and its share.
    pub other: Option<Bar>,
    /// The sum over all keys, where it means something.
    pub total: Option<i128>,
    /// Where the axis begins: 0, or the least value if that is negative.
    pub low: i128,
    /// Where the axis ends.
    pub high: i128,
}

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The parts of the key.
    pub key: Vec<String>,
    /// Its length.
    pub value: Option<i128>,
    /// The value as one says it, where that is shorter.
    pub spoken: Option<String>,
    /// Its part of the total.
    pub share: Option<String>,
}

impl Bars {
    pub(super) fn new(snapshot: &MapSnapshot, unit: Option<Unit>, notes: &mut Vec<String>) -> Self {
        let mut entries: Vec<(i128, &Entry)> = Vec::new();
        for entry in sorted(snapshot) {
            let (EntryValue::Plain(value) | EntryValue::Number(value)) = &entry.value else { continue };
            entries.extend(integer(value).map(|n| (n, entry)));
        }
        entries.sort_by_key(|(value, _)| Reverse(*value));
        let total: i128 = entries.iter().map(|(value, _)| value).sum();
        let negative = entries.last().is_some_and(|(value, _)| *value < 0);
        let additive = is_additive(&snapshot.ty.value);
        let share = |value: i128| (additive && !negative).then(|| percent(value as u128, total as u128));
        let bar = |value: i128, key: Vec<String>| Bar {
            key,
            value: Some(value),
            spoken: unit.and_then(|unit| spoken(value as f64, unit)),
            share: share(value),
        };
        // One key more is shown as itself: "other (1 key)" would take the same room and say less.
        let rest = if entries.len() > TOP + 1 { entries.split_off(TOP) } else { Vec::new() };
        let other = (!rest.is_empty()).then(|| {
            let words = vec![format!("other ({})", keys(rest.len()))];
            let sum = additive.then(|| rest.iter().map(|(value, _)| value).sum::<i128>());
            match sum {
                Some(sum) => bar(sum, words),
                None => Bar { key: words, value: None, spoken: None, share: None },
            }
        });
        if other.is_some() {
            notes.push(format!("the {TOP} largest of {} have a bar", keys(snapshot.entries.len())));
        }
        let rows: Vec<Bar> = entries.into_iter().map(|(value, entry)| bar(value, key_cells(entry))).collect();
        let ends = || rows.iter().filter_map(|row| row.value);
        Self {
            columns: key_columns(&snapshot.ty),
            title: value_title(&kind_word(&snapshot.ty), unit),
            low: ends().min().unwrap_or(0).min(0),
            high: ends().max().unwrap_or(0).max(0),
            rows,
            other,
            total: additive.then_some(total),
        }
    }

    pub(super) fn description(&self) -> String {
        let most: Vec<String> = self
            .rows
            .iter()
            .take(5)
            .filter_map(|row| row.value.map(|value| format!("{} {}", row.key.join(", "), grouped(value))))
            .collect();
        format!("Sorted bars, largest first: {}.", most.join("; "))
    }
}
