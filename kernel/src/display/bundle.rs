//! [`Display`] → [`Bundle`]: what a front end may choose from, by MIME type.
//!
//! A live frame is small and drawn at once; the last one brings everything: Vega-Lite for those who draw it,
//! SVG and PNG for those who do not, bpftrace's text, and the data itself. No HTML: it would outrank Vega-Lite.
//!
//! *Not here:* messages (`wire`), when a frame is due (`runs`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use probebook_ebpf::map::{Entry, EntryValue, MapSnapshot};
use probebook_ebpf::value::Value as Decoded;
use probebook_lang::types::{MapValue, Unit};
use serde_json::{Map, Value, json};

use super::{Display, Panel, png, svg, vega};

/// The MIME type of the maps themselves.
pub const MAP_TYPE: &str = "application/vnd.probebook.map.v1+json";

/// Representations by MIME type, and remarks to them, as messages carry them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bundle {
    /// By MIME type.
    pub data: Map<String, Value>,
    /// By MIME type.
    pub metadata: Map<String, Value>,
}

/// A frame of a run that goes on.
pub fn live(display: &Display) -> Bundle {
    let mut bundle = Bundle::default();
    if !display.panels.is_empty() {
        bundle.data.insert("image/svg+xml".into(), svg::render(display).text.into());
    }
    bundle.data.insert("text/plain".into(), display.plain.clone().into());
    bundle
}

/// The last frame of a run, or a map by itself.
pub fn complete(display: &Display) -> Bundle {
    let mut bundle = Bundle::default();
    if !display.panels.is_empty() {
        let figure = svg::render(display);
        bundle.data.insert("application/vnd.vegalite.v5+json".into(), vega::spec(display));
        if let Some(image) = png::render(&figure) {
            bundle.data.insert("image/png".into(), STANDARD.encode(image).into());
            let described: Vec<String> = display.panels.iter().map(Panel::description).collect();
            let about = json!({"width": svg::WIDTH, "height": figure.height, "alt": described.join("\n")});
            bundle.metadata.insert("image/png".into(), about);
        }
        bundle.data.insert("image/svg+xml".into(), figure.text.into());
    }
    bundle.data.insert("text/plain".into(), display.plain.clone().into());
    if !display.panels.is_empty() {
        bundle.data.insert(MAP_TYPE.into(), maps(&display.maps));
    }
    bundle
}

/// `{"version": 1, "maps": […]}`: name, types and every entry of each map.
///
/// Integers beyond 2^53 are strings, as JavaScript would round them; strings that are not UTF-8 are
/// `{"base64": …}`; `hist` and `lhist` list `[bucket, count]` of the buckets in use, `tseries` `[number, value]` of
/// its intervals, whose number times the interval is nanoseconds since 1970.
pub fn maps(maps: &[MapSnapshot]) -> Value {
    json!({"version": 1, "maps": maps.iter().map(map).collect::<Vec<_>>()})
}

fn map(snapshot: &MapSnapshot) -> Value {
    let ty = &snapshot.ty;
    let key: Option<Vec<String>> =
        ty.key.as_ref().map(|parts| parts.iter().map(ToString::to_string).collect());
    let mut map = json!({
        "name": format!("@{}", snapshot.name),
        "key": key,
        "value": ty.value.name(),
        "unit": ty.unit.map(Unit::symbol),
    });
    match &ty.value {
        MapValue::Hist { bits } => map["hist"] = json!({"bits": bits}),
        MapValue::Lhist { min, max, step } => {
            map["lhist"] = json!({"min": integer((*min).into()), "max": integer((*max).into()), "step": integer((*step).into())});
        }
        MapValue::Tseries { interval, intervals, .. } => {
            map["tseries"] = json!({"interval": integer((*interval).into()), "intervals": intervals});
        }
        MapValue::Sum { signed }
        | MapValue::Min { signed }
        | MapValue::Max { signed }
        | MapValue::Avg { signed }
        | MapValue::Stats { signed } => map["signed"] = json!(signed),
        MapValue::Plain(_) | MapValue::Count => {}
    }
    map["entries"] = snapshot.entries.iter().map(|found| entry(found, &ty.value)).collect();
    map
}

fn entry(entry: &Entry, ty: &MapValue) -> Value {
    let value = match &entry.value {
        EntryValue::Plain(value) | EntryValue::Number(value) => decoded(value),
        EntryValue::Average { total, count } => json!({
            "total": integer(super::text::total_of(*total, ty)),
            "count": integer(i128::from(*count)),
        }),
        EntryValue::Series(points) => {
            points.iter().map(|point| json!([integer(point.number.into()), decoded(&point.value)])).collect()
        }
        EntryValue::Buckets(counts) => {
            let used = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            used.map(|(index, &count)| json!([index, integer(count.into())])).collect()
        }
    };
    json!({"key": entry.key.iter().map(decoded).collect::<Vec<_>>(), "value": value})
}

fn decoded(value: &Decoded) -> Value {
    match value {
        Decoded::Bool(b) => json!(b),
        Decoded::Int(n) => integer((*n).into()),
        Decoded::Uint(n) | Decoded::Pointer(n) => integer((*n).into()),
        Decoded::String(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!(text),
            Err(_) => json!({"base64": STANDARD.encode(bytes)}),
        },
        Decoded::Buffer(bytes) => json!({"base64": STANDARD.encode(bytes)}),
        Decoded::Handle { text, .. } => json!(String::from_utf8_lossy(text)),
        Decoded::Tuple(items) | Decoded::Array(items) => items.iter().map(decoded).collect(),
        Decoded::Record(fields) => {
            fields.iter().map(|(name, value)| (name.to_string(), decoded(value))).collect()
        }
        Decoded::Enum(_, name) => json!(&**name),
    }
}

fn integer(number: i128) -> Value {
    let safe = number.unsigned_abs() < 1 << 53;
    i64::try_from(number).ok().filter(|_| safe).map_or_else(|| json!(number.to_string()), |n| json!(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::panel::tests::gallery;
    use crate::display::{Caption, display};

    #[test]
    fn every_picture_in_every_type() {
        let order =
            ["application/vnd.vegalite.v5+json", "image/png", "image/svg+xml", "text/plain", MAP_TYPE];
        for (name, maps) in gallery() {
            let shown = display(&maps, Some(Caption::default()));
            let bundle = complete(&shown);
            assert!(order.iter().all(|mime| bundle.data.contains_key(*mime)), "{name}");
            let size = |mime: &str| bundle.data.get(mime).map_or(0, |value| value.to_string().len());
            assert!(size("image/svg+xml") < svg::LIMIT, "{name}: {}", size("image/svg+xml"));
            assert!(size("image/png") < 600_000, "{name}: {}", size("image/png"));
            assert!(size("application/vnd.vegalite.v5+json") < 300_000, "{name}");
            let image = STANDARD.decode(bundle.data["image/png"].as_str().unwrap_or_default());
            assert!(image.is_ok_and(|bytes| bytes.starts_with(b"\x89PNG")), "{name}");
        }
    }

    #[test]
    fn live_frames_are_small() {
        for (name, maps) in gallery() {
            let caption = Caption { live: true, ..Caption::default() };
            let bundle = live(&display(&maps, Some(caption)));
            let mimes: Vec<&str> = bundle.data.keys().map(String::as_str).collect();
            assert_eq!(mimes, ["image/svg+xml", "text/plain"], "{name}");
            assert!(bundle.data["image/svg+xml"].as_str().is_some_and(|svg| svg.len() < svg::LIMIT));
        }
    }

    #[test]
    fn text_alone_without_panels() {
        let bundle = complete(&display(&[], None));
        assert_eq!(bundle.data.keys().collect::<Vec<_>>(), ["text/plain"]);
        assert_eq!(live(&display(&[], None)).data.len(), 1);
    }

    #[test]
    fn data_is_exact() {
        assert_eq!(integer(i128::from(u64::MAX)), json!("18446744073709551615"));
        assert_eq!(integer(-(1 << 52)), json!(-(1i64 << 52)));
        assert_eq!(decoded(&Decoded::String(vec![0xff])), json!({"base64": "/w=="}));
        let nested = Decoded::Tuple(vec![Decoded::Bool(true), Decoded::String(b"a".to_vec())]);
        assert_eq!(decoded(&nested), json!([true, "a"]));
    }
}
