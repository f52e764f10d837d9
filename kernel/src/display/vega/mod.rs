//! [`Display`] → a Vega-Lite v5 specification: the same pictures with tooltips, for front ends that draw it.
//!
//! *Invariant:* the data stands inside; text that came from the traced system is only ever data, never part of
//! an expression. What a tooltip shows is text, so that integers beyond 2^53 stay exact.
//!
//! *Not here:* version 6, which JupyterLab does not draw.

mod charts;
mod distributions;
mod lines;

use serde_json::{Map, Value, json};

use super::svg::caption_text;
use super::{Display, Panel};

/// Bytes of all charts together, and their description; what is beyond is in the other types.
const LIMIT: usize = 270_000;

/// The panels, one below the other.
pub fn spec(display: &Display) -> Value {
    let described: Vec<String> = display.panels.iter().map(Panel::description).collect();
    let described = described.join("\n");
    let mut room = LIMIT.saturating_sub(described.len());
    let fits = |chart: &Value| {
        room = room.saturating_sub(chart.to_string().len());
        room > 0
    };
    // What stands one below the other begins at the same place.
    let left = display.panels.iter().map(charts::left).fold(0.0, f64::max);
    let charts = display.panels.iter().map(|panel| charts::chart(panel, left));
    let mut charts: Vec<Value> = charts.take_while(fits).collect();
    let mut spec = Map::new();
    spec.insert("$schema".into(), json!("https://vega.github.io/schema/vega-lite/v5.json"));
    spec.insert("description".into(), json!(described));
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
                    "fontSize": 11, "fontWeight": "normal",
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
            "axis": {"labelLimit": charts::LABEL_LIMIT, "labelFontSize": charts::TEXT, "titleFontSize": charts::TEXT, "grid": false},
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

    /// With `GALLERY=directory cargo test -p probebook gallery` the specifications are kept there, to be drawn.
    #[test]
    fn gallery_is_small() {
        let directory = std::env::var_os("GALLERY").map(std::path::PathBuf::from);
        for (name, maps) in gallery() {
            let spec = spec(&display(&maps, Some(Caption::default()))).to_string();
            assert!(spec.len() < 280_000, "{name}: {} bytes", spec.len());
            let Some(directory) = &directory else { continue };
            std::fs::create_dir_all(directory).expect("a directory to write to");
            std::fs::write(directory.join(name).with_extension("vl.json"), spec).expect("writable");
        }
    }

    #[test]
    fn counts_have_whole_numbers_on_their_axes() {
        for (name, maps) in gallery() {
            for snapshot in maps.iter().filter(|map| map.ty.value == probebook_lang::types::MapValue::Count) {
                if snapshot.ty.key.is_none() || snapshot.entries.is_empty() {
                    continue;
                }
                let spec = spec(&display(std::slice::from_ref(snapshot), None));
                assert_eq!(spec["layer"][0]["encoding"]["x"]["axis"]["tickMinStep"], 1, "{name}");
            }
        }
    }

    #[test]
    fn small_multiples_use_the_width() {
        for (name, across) in [("hist-keyed", 3.0), ("hist-keyed-three", 3.0), ("lhist-keyed", 3.0)] {
            let (_, maps) = gallery().into_iter().find(|(found, _)| *found == name).expect("in the gallery");
            let spec = spec(&display(&maps, None));
            let width = spec["concat"][0]["width"].as_f64().unwrap_or_default();
            assert!(width * across > 480.0 && width * across < charts::WIDTH, "{name}: {width}");
            let title = &spec["concat"][0]["title"];
            assert!(title["subtitle"].to_string().contains("p50"), "{name}: {title}");
        }
    }
}
