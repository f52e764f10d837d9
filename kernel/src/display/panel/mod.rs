//! [`MapSnapshot`] → [`Panel`]: what is drawn of one map: which rows, in which order, with which words.
//!
//! Every number a picture shows is decided here, once, so that SVG, PNG and Vega-Lite cannot disagree.
//!
//! *Invariant:* a panel is small whatever the map's size (rows are cut or joined, and the panel says so), and
//! its strings are clean: no control characters, nothing invisible.
//!
//! *Not here:* where things stand and which colour they have (`svg`, `vega`).

mod bars;
mod distribution;
mod lines;
mod scalar;
mod table;

use probebook_ebpf::map::{Entry, EntryValue, MapSnapshot};
use probebook_lang::types::{MapType, MapValue, Type, Unit};

use super::buckets::{Scale, used};
use super::number::grouped;
use super::text::{clean_str, label};

pub use bars::{Bar, Bars};
pub use distribution::{Distribution, Mark, Range, Series};
pub use lines::{Line, Lines};
pub use scalar::{Figure, Scalar};
pub use table::{Cell, Column, Table};

/// The rows that a picture shows at most; the others are summed up or counted.
pub const TOP: usize = 20;

/// One map as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// With the `@`.
    pub name: String,
    /// What kind of map, its unit, how much is in it: one line.
    pub about: String,
    /// The unit of its numbers.
    pub unit: Option<Unit>,
    /// What is drawn.
    pub kind: Kind,
    /// What a reader must know to read it right, and what was left out.
    pub notes: Vec<String>,
}

/// The kinds of picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing in the map.
    Empty,
    /// Big numbers: a map without key.
    Scalar(Scalar),
    /// Sorted bars: `count`, `sum` and integers by key.
    Bars(Bars),
    /// Rows and columns: everything else by key.
    Table(Table),
    /// `hist`: one row per bucket; small multiples where there are several series.
    Histogram(Distribution),
    /// `lhist`: bars over a true axis; small multiples where there are several series.
    Linear(Distribution),
    /// `tseries`: lines over the time of day.
    Lines(Lines),
}

impl Panel {
    /// Decides how a map is drawn.
    pub fn new(snapshot: &MapSnapshot) -> Self {
        let name = clean_str(&format!("@{}", snapshot.name)).into_owned();
        let ty = &snapshot.ty;
        let unit = if has_unit(&ty.value) { ty.unit } else { None };
        let mut notes = Vec::new();
        let kind = if is_empty(snapshot) {
            Kind::Empty
        } else if matches!(ty.value, MapValue::Tseries { .. }) {
            Lines::new(snapshot, &mut notes).map_or(Kind::Empty, Kind::Lines)
        } else if let Some(scale) = Scale::of(&ty.value) {
            let drawn = Distribution::new(snapshot, scale, unit, &mut notes);
            if matches!(scale, Scale::Log2 { .. }) { Kind::Histogram(drawn) } else { Kind::Linear(drawn) }
        } else if ty.key.is_none() {
            Kind::Scalar(Scalar::new(snapshot, unit))
        } else if is_additive(&ty.value) || is_integer(&ty.value) {
            Kind::Bars(Bars::new(snapshot, unit, &mut notes))
        } else {
            Kind::Table(Table::new(snapshot, unit, &mut notes))
        };
        let about = about(snapshot, &kind, unit);
        Self { name, about, unit, kind, notes }
    }

    /// The picture in words, for those who do not see it.
    pub fn description(&self) -> String {
        let content = match &self.kind {
            Kind::Empty => "The map is empty.".into(),
            Kind::Scalar(scalar) => scalar.description(),
            Kind::Bars(bars) => bars.description(),
            Kind::Table(table) => table.description(),
            Kind::Lines(lines) => lines.description(),
            Kind::Histogram(drawn) | Kind::Linear(drawn) => drawn.description(),
        };
        format!("{}: {}. {content}", self.name, self.about)
    }
}

/// Keyed maps and histograms can be empty; a scalar that was never set is 0.
fn is_empty(snapshot: &MapSnapshot) -> bool {
    let is_blank = |entry: &Entry| match &entry.value {
        EntryValue::Buckets(counts) => used(counts).is_none(),
        _ => false,
    };
    let is_series = matches!(snapshot.ty.value, MapValue::Tseries { .. });
    let scalar = snapshot.ty.key.is_none() && Scale::of(&snapshot.ty.value).is_none() && !is_series;
    !scalar && snapshot.entries.iter().all(is_blank)
}

/// A count has no unit, even where what was counted has one.
fn has_unit(value: &MapValue) -> bool {
    match value {
        MapValue::Count => false,
        MapValue::Plain(ty) => matches!(ty, Type::Int { .. }),
        _ => true,
    }
}

/// Whether a total over keys means something.
fn is_additive(value: &MapValue) -> bool {
    matches!(value, MapValue::Count | MapValue::Sum { .. })
}

fn is_integer(value: &MapValue) -> bool {
    matches!(value, MapValue::Plain(Type::Int { .. }))
}

fn about(snapshot: &MapSnapshot, kind: &Kind, unit: Option<Unit>) -> String {
    let mut parts = vec![kind_word(&snapshot.ty)];
    parts.extend(unit.map(|unit| unit.symbol().to_owned()));
    match kind {
        Kind::Histogram(drawn) | Kind::Linear(drawn) => {
            if drawn.keyed {
                parts.push(keys(snapshot.entries.len()));
            }
            parts.push(format!("n = {}", grouped(drawn.n as i128)));
        }
        Kind::Bars(bars) => {
            parts.push(keys(snapshot.entries.len()));
            parts.extend(bars.total.map(|total| format!("total {}", grouped(total))));
        }
        Kind::Table(_) => parts.push(keys(snapshot.entries.len())),
        Kind::Lines(lines) => {
            if lines.keyed {
                parts.push(keys(snapshot.entries.len()));
            }
            parts.push(format!("{} to {}", lines.time(lines.range.0), lines.time(lines.range.1)));
        }
        Kind::Empty => parts.push("empty".into()),
        Kind::Scalar(_) => {}
    }
    parts.join(" · ")
}

fn kind_word(ty: &MapType) -> String {
    match &ty.value {
        MapValue::Plain(Type::Int { .. }) => "integer".into(),
        MapValue::Plain(Type::String { .. }) => "string".into(),
        MapValue::Plain(Type::Tuple(_)) => "tuple".into(),
        MapValue::Plain(Type::Pointer { .. }) => "pointer".into(),
        MapValue::Plain(ty) => ty.to_string(),
        value => value.name().trim_end_matches("_t").to_owned(),
    }
}

/// `1 key`, `1,024 keys`
fn keys(count: usize) -> String {
    format!("{} key{}", grouped(count as i128), if count == 1 { "" } else { "s" })
}

/// The parts of a key as labels, in columns.
fn key_cells(entry: &Entry) -> Vec<String> {
    let part = |value| match label(value) {
        // An empty key would look like a missing one.
        text if text.is_empty() => "\"\"".into(),
        text => text,
    };
    entry.key.iter().map(part).collect()
}

/// For each part of the key whether it is a number, and so stands to the right.
fn key_columns(ty: &MapType) -> Vec<bool> {
    let parts = ty.key.iter().flatten();
    parts.map(|part| matches!(part, Type::Int { .. } | Type::Pointer { .. })).collect()
}

/// What stands above a column of values.
fn value_title(word: &str, unit: Option<Unit>) -> String {
    match unit {
        Some(unit) => format!("{word}, {}", unit.symbol()),
        None => word.to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests;
