//! `tseries` → lines over the time of day, one row for each key; gaps stay gaps.

use serde_json::{Value, json};

use super::charts::{WIDTH, bar, tip};
use crate::display::number::grouped;
use crate::display::panel::{Line, Lines};

/// The chart.
pub fn lines(drawn: &Lines, left: f64) -> Value {
    let values: Vec<Value> = drawn.lines.iter().flat_map(|line| rows(drawn, line)).collect();
    let mut chart = json!({
        "mark": {"type": "line", "color": bar(), "point": {"color": bar(), "size": 14}, "invalid": "break-paths-show-domains"},
        "encoding": {
            "x": {"field": "ms", "type": "temporal", "title": null, "axis": {"format": "%H:%M:%S"}},
            "y": {"field": "number", "type": "quantitative", "title": null, "scale": {"zero": false}},
            "tooltip": [tip("time", "time"), tip("value", "value")],
        },
    });
    let width = (WIDTH - left).floor();
    if !drawn.keyed {
        chart["data"] = json!({"values": values});
        (chart["width"], chart["height"]) = (json!(width), json!(160));
        return chart;
    }
    (chart["width"], chart["height"]) = (json!(width), json!(80));
    json!({
        "data": {"values": values},
        "facet": {"row": {"field": "key", "type": "nominal", "title": null, "sort": null,
                          "header": {"orient": "top", "labelAnchor": "start", "labelPadding": 2}}},
        "spec": chart,
    })
}

/// A row for each interval from the first to the last of this line; without a number where there was nothing.
fn rows(drawn: &Lines, line: &Line) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut before: Option<u64> = None;
    let ms = |number: u64| number.saturating_mul(drawn.interval) as f64 / 1e6;
    for &(number, value) in &line.points {
        if let Some(gap) = before.map(|before| before + 1).filter(|next| *next < number) {
            rows.push(json!({"ms": ms(gap), "number": null, "key": line.title}));
        }
        rows.push(json!({
            "ms": ms(number), "number": value as f64, "key": line.title,
            "time": drawn.time(number), "value": grouped(value),
        }));
        before = Some(number);
    }
    rows
}
