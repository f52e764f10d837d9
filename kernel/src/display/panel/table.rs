//! `stats`, `avg`, `min`, `max` and values that are no numbers, by key → a table with bars in its cells.

use std::cmp::Reverse;

use probebook_ebpf::map::{Entry, EntryValue, MapSnapshot};
use probebook_lang::types::{MapValue, Unit};

use super::{TOP, key_cells, key_columns, keys, kind_word, value_title};
use crate::display::number::grouped;
use crate::display::text::{average, integer, label, sorted, total_of};

/// Rows and columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// First the parts of the key, then the values.
    pub columns: Vec<Column>,
    /// A cell for each column.
    pub rows: Vec<Vec<Cell>>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What stands above it.
    pub title: String,
    /// Numbers stand to the right.
    pub numeric: bool,
    /// Whether its cells have bars.
    pub bar: bool,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// The number it is, for bars and charts.
    pub number: Option<i128>,
}

impl Table {
    pub(super) fn new(snapshot: &MapSnapshot, unit: Option<Unit>, notes: &mut Vec<String>) -> Self {
        let ty = &snapshot.ty.value;
        let parts = key_columns(&snapshot.ty);
        let key_title = |i: usize| if parts.len() > 1 { format!("key {}", i + 1) } else { "key".into() };
        let mut columns: Vec<Column> = parts
            .iter()
            .enumerate()
            .map(|(i, &numeric)| Column { title: key_title(i), numeric, bar: false })
            .collect();
        let bar = |title: String| Column { title, numeric: true, bar: true };
        match ty {
            MapValue::Stats { .. } | MapValue::Avg { .. } => {
                columns.push(bar("count".into()));
                columns.push(bar(value_title("average", unit)));
                columns.push(bar(value_title("total", unit)));
            }
            MapValue::Plain(_) => columns.push(Column { title: "value".into(), numeric: false, bar: false }),
            _ => columns.push(bar(value_title(&kind_word(&snapshot.ty), unit))),
        }
        let mut entries = sorted(snapshot);
        if !matches!(ty, MapValue::Plain(_)) {
            // Numbers from large to small; bpftrace's own order otherwise.
            entries.sort_by_key(|entry| Reverse(leading(entry, ty)));
        }
        if entries.len() > TOP + 1 {
            let which = if matches!(ty, MapValue::Plain(_)) { "first" } else { "largest" };
            notes.push(format!("the {TOP} {which} of {} are shown", keys(entries.len())));
            entries.truncate(TOP);
        }
        let rows = entries.into_iter().map(|entry| row(entry, ty)).collect();
        Self { columns, rows }
    }

    /// How long a cell's bar is: its share of the largest number of its column.
    pub fn bar(&self, row: usize, column: usize) -> Option<f64> {
        let size = |cells: &Vec<Cell>| cells.get(column).and_then(|cell| cell.number).map(i128::unsigned_abs);
        let own = self.rows.get(row).and_then(size)?;
        let most = self.rows.iter().filter_map(size).max()?;
        Some(if most == 0 { 0.0 } else { own as f64 / most as f64 })
    }

    pub(super) fn description(&self) -> String {
        let titles: Vec<&str> = self.columns.iter().map(|column| column.title.as_str()).collect();
        format!("A table of {} rows with the columns {}.", self.rows.len(), titles.join("; "))
    }
}

/// The number that orders the rows.
fn leading(entry: &Entry, ty: &MapValue) -> Option<i128> {
    match &entry.value {
        EntryValue::Average { total, count } => Some(average(*total, *count, ty)),
        EntryValue::Plain(value) | EntryValue::Number(value) => integer(value),
        EntryValue::Series(points) => points.last().and_then(|point| integer(&point.value)),
        EntryValue::Buckets(_) => None,
    }
}

fn row(entry: &Entry, ty: &MapValue) -> Vec<Cell> {
    let number = |n: i128| Cell { text: grouped(n), number: Some(n) };
    let words = |text: String| Cell { text, number: None };
    let mut cells: Vec<Cell> = key_cells(entry).into_iter().map(words).collect();
    match &entry.value {
        EntryValue::Average { total, count } => {
            cells.push(number(i128::from(*count)));
            cells.push(number(average(*total, *count, ty)));
            cells.push(number(total_of(*total, ty)));
        }
        EntryValue::Plain(value) | EntryValue::Number(value) => {
            cells.push(integer(value).map_or_else(|| words(label(value)), number));
        }
        EntryValue::Series(_) | EntryValue::Buckets(_) => cells.push(words(String::new())),
    }
    cells
}
