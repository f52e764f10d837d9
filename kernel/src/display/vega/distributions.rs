//! [`Distribution`] → histograms: one over the whole width, or small multiples on the same axes.

use serde_json::{Value, json};

use super::charts::{LINE, Labels, TEXT, WIDTH, bar, ink, tip, whole_numbers, widest};
use crate::display::Panel;
use crate::display::font;
use crate::display::number::{grouped, percent};
use crate::display::panel::{Distribution, Range, Series};

/// Small multiples in a row.
const ACROSS: usize = 3;
/// Pixels between two of them.
const GAP: f64 = 16.0;
/// Text below the title of a small multiple.
const SMALL: f64 = 10.0;

/// `p50 [512, 1K) = 512–1,024 ns · p90 …`
pub fn percentiles(series: &Series) -> String {
    let said = |mark: &crate::display::panel::Mark| match &mark.spoken {
        Some(spoken) => format!("{} {} = {spoken}", mark.name, mark.label),
        None => format!("{} {}", mark.name, mark.label),
    };
    series.marks.iter().map(said).collect::<Vec<_>>().join(" · ")
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
        tooltip.push(tip("spoken", "time"));
    }
    tooltip.extend([
        tip("exact", "count"),
        tip("share", "share"),
        tip("through", "up to its end"),
        tip("marks", "percentiles in it"),
    ]);
    tooltip
}

/// `hist`: a row for each range; without key the line of cumulative shares over it.
pub fn histogram(drawn: &Distribution, panel: &Panel, left: f64) -> Value {
    let unit = panel.unit.map_or(String::new(), |unit| format!(", {}", unit.symbol()));
    let title = format!("bucket{unit}");
    let most = drawn.most as f64;
    let y = json!({"field": "range", "type": "ordinal", "sort": null, "title": title});
    let x = |ticks| {
        json!({"field": "value", "type": "quantitative", "title": "count", "scale": {"domain": [0, most]},
               "axis": whole_numbers(0.0, most, ticks)})
    };
    // A bar of one in a million is still a bar.
    let stroke = json!({"condition": {"test": "datum.value > 0", "value": 1.5}, "value": 0});
    let mark = json!({"type": "bar", "color": bar(), "stroke": bar()});
    if drawn.keyed {
        let step = if drawn.ranges.len() > 16 { 12 } else { 16 };
        return multiples(drawn, left, |series, first| {
            let mut y = y.clone();
            if !first {
                y["axis"] = json!({"labels": false, "ticks": false, "title": null});
            }
            json!({
                "height": {"step": step},
                "data": {"values": ranges(drawn, series)},
                "mark": mark,
                "encoding": {"y": y, "x": x(3), "strokeWidth": stroke, "tooltip": range_tips(drawn)},
            })
        });
    }
    let Some(series) = drawn.series.first() else { return json!({"data": {"values": []}, "mark": "text"}) };
    let values = ranges(drawn, series);
    // The percentiles stand at the right of their bars, which may be the longest.
    let right = widest(values.iter().filter_map(|datum| datum["marks"].as_str())) * 1.15 + 8.0;
    json!({
        "width": (WIDTH - left - right).floor(),
        "height": {"step": if drawn.ranges.len() > 32 { 12 } else { 18 }},
        "data": {"values": values},
        "encoding": {"y": y},
        "layer": [
            {"layer": [
                {"mark": mark, "encoding": {"x": x(6), "strokeWidth": stroke, "tooltip": range_tips(drawn)}},
                {"mark": {"type": "text", "color": ink(), "align": "left", "baseline": "middle", "dx": 5,
                          "fontSize": TEXT, "fontWeight": "bold"},
                 "encoding": {"x": x(6), "text": {"field": "marks", "type": "nominal"}}},
            ]},
            {"mark": {"type": "line", "color": LINE, "point": {"color": LINE, "size": 20}},
             "encoding": {
                "order": {"field": "row", "type": "quantitative"},
                "x": {"field": "cumulative", "type": "quantitative", "scale": {"domain": [0, 1]},
                      "axis": {"orient": "top", "format": "%", "tickCount": 5,
                               "title": "line: share of values up to the end of a bucket",
                               "domainColor": LINE, "tickColor": LINE}},
                "tooltip": range_tips(drawn),
             }},
        ],
        "resolve": {"scale": {"x": "independent"}},
    })
}

/// The series of a map with keys, each drawn by `spec` (which also learns whether it is the first in its row
/// and so has the labels of the rows), under a title with key, n and percentiles.
fn multiples(drawn: &Distribution, left: f64, spec: impl Fn(&Series, bool) -> Value) -> Value {
    let across = drawn.series.len().clamp(1, ACROSS);
    let width = ((WIDTH - left - GAP * (across - 1) as f64) / across as f64).floor();
    let mut labels = Labels::new();
    // The percentiles in one line, or where that is too long for one of the charts, in one each.
    let marks = |series: &Series| -> Vec<String> {
        let shown = series.marks.iter().filter(|mark| mark.name != "p90");
        shown.map(|mark| format!("{} {}", mark.name, mark.label)).collect()
    };
    let fits =
        drawn.series.iter().all(|series| font::width(&marks(series).join(" · "), SMALL, false) < width);
    let mut charts = Vec::new();
    for (i, series) in drawn.series.iter().enumerate() {
        let mut chart = spec(series, i % across == 0);
        let mut subtitle = vec![format!("n {}", grouped(series.n as i128))];
        if fits {
            subtitle.push(marks(series).join(" · "));
        } else {
            subtitle.extend(marks(series));
        }
        chart["title"] = json!({
            "text": labels.unique(series.title.clone()), "subtitle": subtitle,
            "anchor": "start", "frame": "group", "limit": width, "fontSize": 12, "subtitleFontSize": SMALL,
        });
        chart["width"] = json!(width);
        charts.push(chart);
    }
    json!({
        "concat": charts,
        "columns": across,
        "align": "each",
        "spacing": {"row": 18, "column": GAP},
    })
}

/// Gives what lies outside of the axis a range beside it, to be drawn with a dashed outline.
fn place_outside(drawn: &Distribution, values: &mut [Value]) {
    let inner = || drawn.ranges.iter().filter_map(|range| range.low.zip(range.high));
    let low = inner().map(|(low, _)| low).fold(f64::INFINITY, f64::min);
    let high = inner().map(|(_, high)| high).fold(f64::NEG_INFINITY, f64::max);
    let width = if low < high { (high - low) / 20.0 } else { 1.0 };
    let beside = |range: &Range| match (range.low, range.high) {
        (None, Some(end)) => Some((end - 1.5 * width, end - 0.5 * width)),
        (Some(end), None) => Some((end + 0.5 * width, end + 1.5 * width)),
        _ => None,
    };
    for (datum, range) in values.iter_mut().zip(&drawn.ranges) {
        let ends = beside(range);
        datum["outside"] = json!(ends.is_some());
        if let Some((low, high)) = ends {
            datum["low"] = json!(low);
            datum["high"] = json!(high);
        }
    }
}

/// `lhist`: bars over a true axis; without key the percentiles on it.
pub fn linear(drawn: &Distribution, panel: &Panel, left: f64) -> Value {
    let most = drawn.most as f64;
    let bars = |series: &Series, first: bool, ticks: u32| {
        let mut values = ranges(drawn, series);
        place_outside(drawn, &mut values);
        let mut y = json!({"field": "value", "type": "quantitative", "title": "count",
                           "scale": {"domain": [0, most]}, "axis": whole_numbers(0.0, most, 4)});
        if !first {
            y["axis"] = json!({"labels": false, "ticks": false, "title": null});
        }
        json!({
            "data": {"values": values},
            "mark": {"type": "bar", "color": bar(), "stroke": bar()},
            "encoding": {
                "x": {"field": "low", "type": "quantitative", "scale": {"zero": false},
                      "title": panel.unit.map(|unit| unit.symbol()), "axis": {"tickCount": ticks}},
                "x2": {"field": "high"},
                "y": y,
                "y2": {"datum": 0},
                "fillOpacity": {"condition": {"test": "datum.outside", "value": 0.25}, "value": 1},
                "strokeDash": {"condition": {"test": "datum.outside", "value": [3, 2]}, "value": [1, 0]},
                "tooltip": range_tips(drawn),
            },
        })
    };
    if drawn.keyed {
        return multiples(drawn, left, |series, first| {
            let mut chart = bars(series, first, 4);
            chart["height"] = json!(100);
            chart
        });
    }
    let Some(series) = drawn.series.first() else { return json!({"data": {"values": []}, "mark": "text"}) };
    let marks: Vec<Value> = series
        .marks
        .iter()
        .filter_map(|mark| {
            let label = mark.spoken.as_ref().unwrap_or(&mark.label);
            Some(json!({"at": mark.at?, "name": mark.name, "label": label}))
        })
        .collect();
    let mut layers = vec![bars(series, true, 8)];
    if !marks.is_empty() {
        let at = json!({"field": "at", "type": "quantitative"});
        let tips = json!([tip("name", "percentile"), tip("label", "value")]);
        layers.push(json!({
            "data": {"values": marks},
            "mark": {"type": "rule", "color": LINE, "strokeDash": [4, 3], "strokeWidth": 1.5},
            "encoding": {"x": at, "tooltip": tips},
        }));
        layers.push(json!({
            "data": {"values": marks},
            "mark": {"type": "text", "color": ink(), "align": "left", "dx": 3, "y": -6, "fontSize": TEXT},
            "encoding": {"x": at, "text": {"field": "name", "type": "nominal"}, "tooltip": tips},
        }));
    }
    json!({"width": (WIDTH - left).floor(), "height": 200, "layer": layers})
}
