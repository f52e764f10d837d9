//! [`Panel`] → one view of a specification.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::display::number::{grouped, percent};
use crate::display::panel::{Bars, Distribution, Scalar, Series, Table};
use crate::display::{Kind, Panel};

const WIDTH: u32 = 640;
const BAR: &str = "#0072b2";
const LINE: &str = "#d55e00";
/// Readable as text on light and on dark.
const LINE_TEXT: &str = "#c8560a";

/// A panel as a view, with title and description.
pub fn chart(panel: &Panel) -> Value {
    let mut chart = match &panel.kind {
        Kind::Empty => text_marks(&[(String::new(), "no entries".into())]),
        Kind::Scalar(scalar) => scalar_chart(scalar),
        Kind::Bars(bars) => bars_chart(bars),
        Kind::Table(table) => table_chart(table),
        Kind::Histogram(drawn) => histogram(drawn, panel),
        Kind::Linear(drawn) => linear(drawn),
    };
    let mut subtitle = vec![panel.about.clone()];
    subtitle.extend(panel.notes.iter().cloned());
    chart["title"] = json!({"text": panel.name, "subtitle": subtitle, "anchor": "start"});
    chart["description"] = json!(panel.description());
    chart
}

/// A field that a tooltip shows.
fn tip(field: &str, title: &str) -> Value {
    json!({"field": field, "type": "nominal", "title": title})
}

/// Rows in the given order; equal labels would fall together, so they are told apart.
struct Labels(HashMap<String, u32>);

impl Labels {
    fn new() -> Self {
        Self(HashMap::new())
    }

    fn unique(&mut self, label: String) -> String {
        let seen = self.0.entry(label.clone()).or_insert(0);
        *seen += 1;
        if *seen == 1 { label } else { format!("{label} ({seen})") }
    }
}

fn bars_chart(bars: &Bars) -> Value {
    let mut labels = Labels::new();
    let values: Vec<Value> = bars
        .rows
        .iter()
        .filter_map(|bar| {
            let value = bar.value?;
            Some(json!({
                "key": labels.unique(bar.key.join(", ")),
                "value": value as f64,
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
    json!({
        "width": WIDTH,
        "height": {"step": 20},
        "data": {"values": values},
        "encoding": {
            "y": {"field": "key", "type": "nominal", "sort": null, "title": null},
            "x": {"field": "value", "type": "quantitative", "title": bars.title},
            "tooltip": tooltip,
        },
        "layer": [
            {"mark": {"type": "bar", "color": BAR},
             "encoding": {"color": {"condition": {"test": "datum.negative", "value": LINE}, "value": BAR}}},
            {"mark": {"type": "text", "align": "left", "dx": 4, "color": "#767676"},
             "encoding": {"text": {"field": "exact", "type": "nominal"}}},
        ],
    })
}

fn scalar_chart(scalar: &Scalar) -> Value {
    let figures: Vec<(String, String)> = scalar
        .figures
        .iter()
        .map(|figure| {
            let said = figure.spoken.as_ref().map_or(String::new(), |said| format!(" ≈ {said}"));
            (figure.label.clone(), format!("{} {}{said}", figure.value, figure.unit).trim_end().to_owned())
        })
        .collect();
    text_marks(&figures)
}

/// Big text side by side.
fn text_marks(figures: &[(String, String)]) -> Value {
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
        "width": WIDTH,
        "height": 40,
        "data": {"values": values},
        "mark": {"type": "text", "fontSize": size, "align": align, "limit": WIDTH,
                 "fontWeight": "bold", "color": "#767676"},
        "encoding": {
            "x": x,
            "text": {"field": "value", "type": "nominal"},
            "tooltip": [tip("value", "value")],
        },
    })
}

/// The first column of numbers as bars, the others in the tooltip; without numbers the values as text.
fn table_chart(table: &Table) -> Value {
    let main = table
        .columns
        .iter()
        .position(|column| column.title.starts_with("average"))
        .or_else(|| table.columns.iter().position(|column| column.bar));
    let keys = table.columns.iter().filter(|column| column.title.starts_with("key")).count();
    let mut labels = Labels::new();
    let values: Vec<Value> = table
        .rows
        .iter()
        .map(|row| {
            let key: Vec<&str> = row.iter().take(keys).map(|cell| cell.text.as_str()).collect();
            let mut datum = json!({"key": labels.unique(key.join(", "))});
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
    let (mark, shown) = match main {
        Some(main) => (
            json!({"type": "bar", "color": BAR}),
            json!({"x": {"field": "value", "type": "quantitative", "title": table.columns[main].title}}),
        ),
        None => (
            json!({"type": "text", "align": "left", "x": 4, "limit": WIDTH, "color": "#767676"}),
            json!({"text": {"field": format!("c{keys}"), "type": "nominal"}}),
        ),
    };
    let mut encoding = json!({"y": y, "tooltip": tooltip});
    if let (Some(all), Some(more)) = (encoding.as_object_mut(), shown.as_object()) {
        all.extend(more.clone());
    }
    json!({
        "width": WIDTH,
        "height": {"step": 20},
        "data": {"values": values},
        "mark": mark,
        "encoding": encoding,
    })
}

/// A datum for each range of a series.
fn ranges(drawn: &Distribution, series: &Series) -> Vec<Value> {
    let mut through = 0u128;
    let mut values = Vec::new();
    for (i, (range, &count)) in drawn.ranges.iter().zip(&series.counts).enumerate() {
        through += u128::from(count);
        let marks: Vec<&str> =
            series.marks.iter().filter(|mark| mark.range == i).map(|mark| mark.name).collect();
        let mut datum = json!({
            "row": i,
            "range": range.label,
            "value": count as f64,
            "exact": grouped(i128::from(count)),
            "share": percent(count.into(), series.n),
            "through": percent(through, series.n),
            "cumulative": through as f64 / series.n.max(1) as f64,
            "marks": marks.join(" "),
        });
        if let Some(said) = &range.spoken {
            datum["spoken"] = json!(said);
        }
        if drawn.keyed {
            datum["series"] = json!(series.title);
        }
        if let (Some(low), Some(high)) = (range.low, range.high) {
            datum["low"] = json!(low);
            datum["high"] = json!(high);
        }
        values.push(datum);
    }
    values
}

fn range_tips(drawn: &Distribution) -> Vec<Value> {
    let mut tooltip = Vec::new();
    if drawn.keyed {
        tooltip.push(tip("series", "key"));
    }
    tooltip.push(tip("range", "range"));
    if drawn.ranges.iter().any(|range| range.spoken.is_some()) {
        tooltip.push(tip("spoken", "that is"));
    }
    tooltip.extend([tip("exact", "count"), tip("share", "share"), tip("through", "up to its end")]);
    tooltip
}

fn histogram(drawn: &Distribution, panel: &Panel) -> Value {
    let unit = panel.unit.map_or(String::new(), |unit| format!(", {}", unit.symbol()));
    let title = format!("bucket{unit}");
    let step = if drawn.ranges.len() > 32 { 12 } else { 18 };
    let y = json!({"field": "range", "type": "ordinal", "sort": null, "title": title});
    let x = json!({"field": "value", "type": "quantitative", "title": "count"});
    // A bar of one in a million is still a bar.
    let stroke = json!({"condition": {"test": "datum.value > 0", "value": 1.5}, "value": 0});
    let bar = json!({
        "mark": {"type": "bar", "color": BAR, "stroke": BAR},
        "encoding": {"x": x, "strokeWidth": stroke, "tooltip": range_tips(drawn)},
    });
    if drawn.keyed {
        return multiples(
            drawn,
            json!({
                "width": 150,
                "height": {"step": step},
                "mark": bar["mark"],
                "encoding": {"y": y, "x": x, "strokeWidth": stroke, "tooltip": range_tips(drawn)},
            }),
        );
    }
    let values: Vec<Value> = drawn.series.iter().flat_map(|series| ranges(drawn, series)).collect();
    json!({
        "width": WIDTH,
        "height": {"step": step},
        "data": {"values": values},
        "encoding": {"y": y},
        "layer": [
            {"layer": [
                bar,
                {"mark": {"type": "text", "align": "left", "dx": 4, "color": LINE_TEXT, "fontWeight": "bold"},
                 "encoding": {"x": x, "text": {"field": "marks", "type": "nominal"}}},
            ]},
            {"mark": {"type": "line", "color": LINE, "point": {"color": LINE, "size": 20}},
             "encoding": {
                "order": {"field": "row", "type": "quantitative"},
                "x": {"field": "cumulative", "type": "quantitative", "scale": {"domain": [0, 1]},
                      "axis": {"orient": "top", "format": "%", "title": "share of values up to the end of a bucket",
                               "titleColor": LINE_TEXT, "labelColor": LINE_TEXT}},
                "tooltip": range_tips(drawn),
             }},
        ],
        "resolve": {"scale": {"x": "independent"}},
    })
}

/// The series of a map with keys, on the same axes.
fn multiples(drawn: &Distribution, spec: Value) -> Value {
    let mut labels = Labels::new();
    let mut values = Vec::new();
    let mut order = Vec::new();
    for series in &drawn.series {
        let title = labels.unique(series.title.clone());
        for mut datum in ranges(drawn, series) {
            datum["series"] = json!(title);
            values.push(datum);
        }
        order.push(title);
    }
    json!({
        "data": {"values": values},
        "facet": {"field": "series", "type": "nominal", "sort": order, "title": null},
        "columns": 3,
        "spec": spec,
    })
}

fn linear(drawn: &Distribution) -> Value {
    // What lies outside of the axis gets a range beside it, and a dashed outline.
    let inner = || drawn.ranges.iter().filter_map(|range| range.low.zip(range.high));
    let low = inner().map(|(low, _)| low).fold(f64::INFINITY, f64::min);
    let high = inner().map(|(_, high)| high).fold(f64::NEG_INFINITY, f64::max);
    let width = if low < high { (high - low) / 20.0 } else { 1.0 };
    let outside = |mut datum: Value, range: &crate::display::panel::Range| {
        let ends = match (range.low, range.high) {
            (None, Some(end)) => Some((end - 1.5 * width, end - 0.5 * width)),
            (Some(end), None) => Some((end + 0.5 * width, end + 1.5 * width)),
            _ => None,
        };
        datum["outside"] = json!(ends.is_some());
        if let Some((low, high)) = ends {
            datum["low"] = json!(low);
            datum["high"] = json!(high);
        }
        datum
    };
    let encoding = json!({
        "x": {"field": "low", "type": "quantitative", "scale": {"zero": false}, "title": null},
        "x2": {"field": "high"},
        "y": {"field": "value", "type": "quantitative", "title": "count"},
        "y2": {"datum": 0},
        "fillOpacity": {"condition": {"test": "datum.outside", "value": 0.25}, "value": 1},
        "strokeDash": {"condition": {"test": "datum.outside", "value": [3, 2]}, "value": [1, 0]},
        "tooltip": range_tips(drawn),
    });
    let mark = json!({"type": "bar", "color": BAR, "stroke": BAR});
    if drawn.keyed {
        let mut chart =
            multiples(drawn, json!({"width": 170, "height": 90, "mark": mark, "encoding": encoding}));
        if let Some(values) = chart["data"]["values"].as_array_mut() {
            for (datum, range) in values.iter_mut().zip(drawn.ranges.iter().cycle()) {
                *datum = outside(datum.take(), range);
            }
        }
        return chart;
    }
    let Some(series) = drawn.series.first() else { return text_marks(&[]) };
    let values: Vec<Value> = ranges(drawn, series)
        .into_iter()
        .zip(&drawn.ranges)
        .map(|(datum, range)| outside(datum, range))
        .collect();
    let marks: Vec<Value> = series
        .marks
        .iter()
        .filter_map(|mark| Some(json!({"at": mark.at?, "name": mark.name, "label": mark.label})))
        .collect();
    let mut layers = vec![json!({"mark": mark, "encoding": encoding})];
    if !marks.is_empty() {
        let at = json!({"field": "at", "type": "quantitative"});
        let tips = json!([tip("name", "percentile"), tip("label", "value")]);
        layers.push(json!({
            "data": {"values": marks},
            "mark": {"type": "rule", "color": LINE, "strokeDash": [4, 3]},
            "encoding": {"x": at, "tooltip": tips},
        }));
        layers.push(json!({
            "data": {"values": marks},
            "mark": {"type": "text", "align": "left", "dx": 3, "y": -6, "color": LINE_TEXT},
            "encoding": {"x": at, "text": {"field": "name", "type": "nominal"}, "tooltip": tips},
        }));
    }
    json!({"width": WIDTH, "height": 200, "data": {"values": values}, "layer": layers})
}
