//! [`Panel`] → one view of a specification.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::distributions::{histogram, linear, percentiles};
use super::lines::lines;
use crate::display::font;
use crate::display::number::grouped;
use crate::display::panel::{Bars, Cell, Scalar, Table};
use crate::display::{Kind, Panel};

/// Pixels across a figure, labels included.
pub const WIDTH: f64 = 680.0;
/// Text on axes and beside bars.
pub const TEXT: f64 = 11.0;
/// Lines over bars, and bars of negative numbers: a contrast of 3:1 on white, `#111` and `#333`.
pub const LINE: &str = "#d55e00";
/// Labels of an axis are cut beyond.
pub const LABEL_LIMIT: f64 = 220.0;
/// Between a label and its axis: tick and padding.
const TICK: f64 = 10.0;
/// Pixels of the title of an axis at the left.
const AXIS_TITLE: f64 = 18.0;

/// Pixels that a panel needs left of its charts, for labels.
pub fn left(panel: &Panel) -> f64 {
    match &panel.kind {
        Kind::Empty | Kind::Scalar(_) => 0.0,
        Kind::Bars(bars) => {
            let keys: Vec<String> = bars.rows.iter().map(|bar| bar.key.join(", ")).collect();
            left_of_axis(keys.iter().map(String::as_str))
        }
        Kind::Table(table) => {
            let keys: Vec<String> = table.rows.iter().map(|row| table_key(table, row)).collect();
            left_of_axis(keys.iter().map(String::as_str))
        }
        Kind::Histogram(drawn) => {
            AXIS_TITLE + left_of_axis(drawn.ranges.iter().map(|range| range.label.as_str()))
        }
        Kind::Lines(drawn) => {
            let labels = [grouped(drawn.values.0), grouped(drawn.values.1)];
            left_of_axis(labels.iter().map(String::as_str))
        }
        // The longest label of an axis of whole numbers has six digits and a comma.
        Kind::Linear(drawn) => {
            let longest = grouped(drawn.most.min(999_999).into());
            AXIS_TITLE + left_of_axis(std::iter::once(longest.as_str()))
        }
    }
}

/// A panel as a view, with title and description; its charts begin `left` pixels from the left.
pub fn chart(panel: &Panel, left: f64) -> Value {
    let mut chart = match &panel.kind {
        Kind::Empty => text_marks(&[(String::new(), "no entries".into())], left),
        Kind::Scalar(scalar) => scalar_chart(scalar, left),
        Kind::Bars(bars) => bars_chart(bars, left),
        Kind::Table(table) => table_chart(table, left),
        Kind::Histogram(drawn) => histogram(drawn, panel, left),
        Kind::Linear(drawn) => linear(drawn, panel, left),
        Kind::Lines(drawn) => lines(drawn, left),
    };
    let mut subtitle = vec![panel.about.clone()];
    match &panel.kind {
        Kind::Histogram(drawn) | Kind::Linear(drawn) if !drawn.keyed => {
            subtitle.extend(drawn.series.first().map(percentiles).filter(|line| !line.is_empty()));
        }
        _ => {}
    }
    subtitle.extend(panel.notes.iter().cloned());
    chart["title"] = json!({"text": panel.name, "subtitle": subtitle, "anchor": "start"});
    chart["description"] = json!(panel.description());
    chart
}

/// A field that a tooltip shows.
pub fn tip(field: &str, title: &str) -> Value {
    json!({"field": field, "type": "nominal", "title": title})
}

/// Pixels left of the axis of these labels, which stand left of it.
fn left_of_axis<'a>(labels: impl Iterator<Item = &'a str>) -> f64 {
    widest(labels).min(LABEL_LIMIT) + TICK
}

/// Pixels of the longest of these.
pub fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> f64 {
    texts.map(|text| font::width(text, TEXT, false)).fold(0.0, f64::max).ceil()
}

/// The colour of bars. A front end in the dark puts the figure on a dark ground, where this blue is lighter.
pub fn bar() -> Value {
    by_ground("#3d9bd9", "#0072b2")
}

/// The colour of text inside a chart; that of axes and titles is the front end's.
pub fn ink() -> Value {
    by_ground("#ffffff", "#1b1b1b")
}

/// Vega knows the ground that the front end's theme gave to the figure as the signal `background`.
fn by_ground(on_dark: &str, on_light: &str) -> Value {
    json!({"expr": format!("luminance(background || 'white') < 0.18 ? '{on_dark}' : '{on_light}'")})
}

/// An axis from `low` to `high` with about so many ticks, all of them whole numbers.
pub fn whole_numbers(low: f64, high: f64, ticks: u32) -> Value {
    let least = ((high - low) / f64::from(ticks.max(1))).max(1.0);
    let power = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0].iter().map(|n| n * power).find(|step| *step >= least).unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    let values: Vec<f64> = (first..=last).map(|n| n as f64 * step).collect();
    let format = if high.max(-low) < 1e6 { ",d" } else { "~s" };
    json!({"values": values, "tickMinStep": 1, "format": format})
}

/// Rows in the given order; equal labels would fall together, so they are told apart.
pub struct Labels(HashMap<String, u32>);

impl Labels {
    /// None was given yet.
    pub fn new() -> Self {
        Self(HashMap::new())
    }

    /// The label, with a number behind it if it was there before.
    pub fn unique(&mut self, label: String) -> String {
        let seen = self.0.entry(label.clone()).or_insert(0);
        *seen += 1;
        if *seen == 1 { label } else { format!("{label} ({seen})") }
    }
}

fn bars_chart(bars: &Bars, left: f64) -> Value {
    let mut labels = Labels::new();
    let values: Vec<Value> = bars
        .rows
        .iter()
        .filter_map(|bar| {
            let value = bar.value?;
            Some(json!({
                "key": labels.unique(bar.key.join(", ")),
                "value": value as f64,
                "end": value.max(0) as f64,
                "exact": grouped(value),
                "spoken": bar.spoken,
                "share": bar.share,
                "negative": value < 0,
            }))
        })
        .collect();
    let mut tooltip = vec![tip("key", "key"), tip("exact", &bars.title)];
    if bars.rows.iter().any(|bar| bar.spoken.is_some()) {
        tooltip.push(tip("spoken", "that is"));
    }
    if bars.rows.iter().any(|bar| bar.share.is_some()) {
        tooltip.push(tip("share", "share"));
    }
    // The values stand at the right of the bars, outside of the axes.
    let right = widest(values.iter().filter_map(|datum| datum["exact"].as_str())) + 8.0;
    let (low, high) = (bars.low as f64, bars.high as f64);
    let high = if low < high { high } else { low + 1.0 };
    let axis = whole_numbers(low, high, 6);
    let domain = json!([low, high]);
    json!({
        "width": WIDTH - left - right,
        "height": {"step": 20},
        "data": {"values": values},
        "encoding": {
            "y": {"field": "key", "type": "nominal", "sort": null, "title": null},
            "tooltip": tooltip,
        },
        "layer": [
            {"mark": {"type": "bar", "color": bar()},
             "encoding": {
                "x": {"field": "value", "type": "quantitative", "title": bars.title, "axis": axis,
                      "scale": {"domain": domain}},
                "color": {"condition": {"test": "datum.negative", "value": LINE}, "value": bar()},
             }},
            {"mark": {"type": "text", "color": ink(), "align": "left", "baseline": "middle", "dx": 4, "fontSize": TEXT},
             "encoding": {
                "x": {"field": "end", "type": "quantitative"},
                "text": {"field": "exact", "type": "nominal"},
             }},
        ],
    })
}

fn scalar_chart(scalar: &Scalar, left: f64) -> Value {
    let figures: Vec<(String, String)> = scalar
        .figures
        .iter()
        .map(|figure| {
            let said = figure.spoken.as_ref().map_or(String::new(), |said| format!(" ≈ {said}"));
            (figure.label.clone(), format!("{} {}{said}", figure.value, figure.unit).trim_end().to_owned())
        })
        .collect();
    text_marks(&figures, left)
}

/// Big text side by side.
fn text_marks(figures: &[(String, String)], left: f64) -> Value {
    let values: Vec<Value> =
        figures.iter().map(|(label, value)| json!({"label": label, "value": value})).collect();
    let several = figures.len() > 1;
    let axis = json!({"orient": "top", "labelAngle": 0, "ticks": false, "domain": false, "title": null});
    let x = if several {
        json!({"field": "label", "type": "nominal", "sort": null, "axis": axis})
    } else {
        json!({"value": 0})
    };
    let (size, align) = if several { (14, "center") } else { (28, "left") };
    json!({
        "width": WIDTH - left,
        "height": 40,
        "data": {"values": values},
        "mark": {"type": "text", "color": ink(), "fontSize": size, "align": align, "baseline": "middle",
                 "limit": WIDTH - left, "fontWeight": "bold"},
        "encoding": {
            "x": x,
            "text": {"field": "value", "type": "nominal"},
            "tooltip": [tip("value", "value")],
        },
    })
}

/// How many columns are the parts of the key.
fn key_columns(table: &Table) -> usize {
    table.columns.iter().filter(|column| column.title.starts_with("key")).count()
}

fn table_key(table: &Table, row: &[Cell]) -> String {
    let parts: Vec<&str> = row.iter().take(key_columns(table)).map(|cell| cell.text.as_str()).collect();
    parts.join(", ")
}

/// The first column of numbers as bars, the others in the tooltip; without numbers the values as text.
fn table_chart(table: &Table, left: f64) -> Value {
    let main = table
        .columns
        .iter()
        .position(|column| column.title.starts_with("average"))
        .or_else(|| table.columns.iter().position(|column| column.bar));
    let keys = key_columns(table);
    let mut labels = Labels::new();
    let values: Vec<Value> = table
        .rows
        .iter()
        .map(|row| {
            let mut datum = json!({"key": labels.unique(table_key(table, row))});
            for (i, cell) in row.iter().enumerate().skip(keys) {
                datum[format!("c{i}")] = json!(cell.text);
            }
            if let Some(number) = main.and_then(|main| row.get(main)).and_then(|cell| cell.number) {
                datum["value"] = json!(number as f64);
            }
            datum
        })
        .collect();
    let mut tooltip = vec![tip("key", "key")];
    for (i, column) in table.columns.iter().enumerate().skip(keys) {
        tooltip.push(tip(&format!("c{i}"), &column.title));
    }
    let y = json!({"field": "key", "type": "nominal", "sort": null, "title": null});
    let numbers = || values.iter().filter_map(|datum| datum["value"].as_f64());
    let (low, high) = (numbers().fold(0.0, f64::min), numbers().fold(0.0, f64::max));
    let (mark, shown) = match main {
        Some(main) => (
            json!({"type": "bar", "color": bar()}),
            json!({
                "x": {"field": "value", "type": "quantitative", "title": table.columns[main].title,
                      "axis": whole_numbers(low, high, 6)},
                "color": {"condition": {"test": "datum.value < 0", "value": LINE}, "value": bar()},
            }),
        ),
        None => (
            json!({"type": "text", "color": ink(), "align": "left", "baseline": "middle", "x": 4,
                   "fontSize": TEXT, "limit": WIDTH - left - 4.0}),
            json!({"text": {"field": format!("c{keys}"), "type": "nominal"}}),
        ),
    };
    let mut encoding = json!({"y": y, "tooltip": tooltip});
    if let (Some(all), Some(more)) = (encoding.as_object_mut(), shown.as_object()) {
        all.extend(more.clone());
    }
    json!({
        "width": WIDTH - left,
        "height": {"step": 20},
        "data": {"values": values},
        "mark": mark,
        "encoding": encoding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_few_and_whole() {
        let ticks = |low, high, most| whole_numbers(low, high, most)["values"].clone();
        assert_eq!(ticks(0.0, 1.0, 6), json!([0.0, 1.0]));
        assert_eq!(ticks(0.0, 2.0, 6), json!([0.0, 1.0, 2.0]));
        assert_eq!(ticks(0.0, 4406.0, 3), json!([0.0, 2000.0, 4000.0]));
        assert_eq!(ticks(-3.1e6, 5.2e6, 4), json!([0.0, 5e6]));
        assert_eq!(ticks(0.0, u64::MAX as f64, 6).as_array().map(Vec::len), Some(4));
    }
}
