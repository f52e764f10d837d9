//! [`Display`] → a Vega-Lite v5 specification: the same pictures with tooltips, for front ends that draw it.
//!
//! *Invariant:* the data stands inside; text that came from the traced system is only ever data, never part of
//! an expression. What a tooltip shows is text, so that integers beyond 2^53 stay exact.
//!
//! *Not here:* version 6, which JupyterLab does not draw.

mod charts;

use serde_json::{Map, Value, json};

use super::svg::caption_text;
use super::{Display, Panel};

/// Bytes of all charts together; what is beyond is in the other types.
const LIMIT: usize = 280_000;

/// The panels, one below the other.
pub fn spec(display: &Display) -> Value {
    let mut room = LIMIT;
    let fits = |chart: &Value| {
        room = room.saturating_sub(chart.to_string().len());
        room > 0
    };
    let mut charts: Vec<Value> = display.panels.iter().map(charts::chart).take_while(fits).collect();
    let described: Vec<String> = display.panels.iter().map(Panel::description).collect();
    let mut spec = Map::new();
    spec.insert("$schema".into(), json!("https://vega.github.io/schema/vega-lite/v5.json"));
    spec.insert("description".into(), json!(described.join("\n")));
    let caption = display.caption.as_ref().map(caption_text).unwrap_or_default();
    match charts.pop() {
        Some(Value::Object(only)) if charts.is_empty() && caption.is_empty() => {
            spec.extend(only.into_iter().filter(|(name, _)| name != "description"));
        }
        last => {
            charts.extend(last);
            if !caption.is_empty() {
                // A title below: the honesty line.
                let title = json!({
                    "text": caption, "orient": "bottom", "anchor": "start", "offset": 12,
                    "fontSize": 11, "fontWeight": "normal", "color": "#767676",
                });
                spec.insert("title".into(), title);
            }
            spec.insert("vconcat".into(), Value::Array(charts));
        }
    }
    spec.insert(
        "config".into(),
        json!({
            "font": "DejaVu Sans, Verdana, sans-serif",
            "view": {"stroke": null},
            "axis": {"labelLimit": 220, "grid": false},
            "title": {"anchor": "start"},
            "concat": {"spacing": 28},
        }),
    );
    Value::Object(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::panel::tests::gallery;
    use crate::display::{Caption, display};

    #[test]
    fn each_kind_has_data_tooltips_and_words() {
        for (name, maps) in gallery() {
            for snapshot in &maps {
                let spec = spec(&display(std::slice::from_ref(snapshot), None));
                assert_eq!(spec["$schema"], "https://vega.github.io/schema/vega-lite/v5.json", "{name}");
                assert!(spec["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
                assert!(spec["title"]["text"].as_str().is_some_and(|text| text.starts_with('@')), "{name}");
                let text = spec.to_string();
                assert!(text.contains("\"tooltip\"") && text.contains("\"values\""), "{name}");
                assert!(!text.contains("datum["), "{name}");
            }
        }
    }

    #[test]
    fn several_maps_are_stacked_above_the_honesty_line() {
        let maps: Vec<_> = gallery().into_iter().flat_map(|(_, maps)| maps).take(2).collect();
        let spec = spec(&display(&maps, Some(Caption { probes: 2, lost: 3, ..Caption::default() })));
        assert_eq!(spec["vconcat"].as_array().map(Vec::len), Some(2));
        assert!(spec["title"]["text"].to_string().contains("3 events lost"));
    }
}
