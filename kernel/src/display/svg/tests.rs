//! What the pictures look like as documents: their markup, their sizes, their text.

use std::time::Duration;

use resvg::usvg::roxmltree::Document;

use super::*;
use crate::display::panel::tests::gallery;
use crate::display::{display, png};

fn caption(live: bool) -> Caption {
    Caption {
        live,
        elapsed: Duration::from_millis(3240),
        bound: Some(Duration::from_secs(10)),
        probes: 4,
        events: 12_579,
        lost: 12,
        missed: 0,
        map_full: 3,
        cost: Some((345.6, 0.0042)),
        notes: vec!["ended after 10 s, the default bound; %%trace 30s or %%trace forever changes it".into()],
    }
}

/// All text of a figure.
fn words(document: &Document<'_>) -> String {
    document.descendants().filter(|node| node.is_text()).filter_map(|node| node.text()).collect()
}

#[test]
fn well_formed_described_and_small() {
    for (name, maps) in gallery() {
        for live in [false, true] {
            let svg = render(&display(&maps, Some(caption(live))));
            let document = Document::parse(&svg.text).unwrap_or_else(|error| panic!("{name}: {error}"));
            let root = document.root_element();
            assert_eq!(root.attribute("role"), Some("img"), "{name}");
            assert_eq!(root.attribute("width"), Some("720"), "{name}");
            assert_eq!(root.attribute("height"), Some(svg.height.to_string().as_str()), "{name}");
            for tag in ["title", "desc"] {
                let found = root.children().find(|node| node.has_tag_name(tag));
                let text = found.and_then(|node| node.text()).unwrap_or_default();
                assert!(text.contains('@'), "{name}: {tag}");
            }
            assert!(svg.text.len() < LIMIT, "{name}: {} bytes", svg.text.len());
            // Nothing that came from the traced system became markup.
            let allowed = "svg title desc style defs pattern path rect g text polyline polygon circle";
            for node in document.descendants().filter(|node| node.is_element()) {
                assert!(
                    allowed.split(' ').any(|tag| node.has_tag_name(("http://www.w3.org/2000/svg", tag))),
                    "{name}"
                );
            }
            assert!(!words(&document).contains(['\u{1b}', '\u{202e}', '\u{fffd}']), "{name}");
        }
    }
}

#[test]
fn texts_stay_inside() {
    for (name, maps) in gallery() {
        let svg = render(&display(&maps, Some(caption(false))));
        let document = Document::parse(&svg.text).expect("well-formed");
        for node in document.descendants().filter(|node| node.has_tag_name("text")) {
            let number = |name: &str| node.attribute(name).and_then(|text| text.parse::<f64>().ok());
            let text = node.text().unwrap_or_default();
            let bold = node.attribute("font-weight").is_some();
            let width = font::width(text, number("font-size").unwrap_or(12.0), bold);
            let x = number("x").unwrap_or(0.0);
            let left = match node.attribute("text-anchor") {
                Some("end") => x - width,
                Some("middle") => x - width / 2.0,
                _ => x,
            };
            let fits = left >= -f64::from(PAD) && left + width <= f64::from(ROOM + PAD);
            assert!(fits, "{name}: {text:?} from {left} to {}", left + width);
        }
    }
}

#[test]
fn live_figures_grow_in_few_steps() {
    let (_, maps) = gallery().into_iter().find(|(name, _)| *name == "bars-10000").expect("in the gallery");
    let height = |keys: usize| {
        let mut snapshot = maps[0].clone();
        snapshot.entries.truncate(keys);
        render(&display(&[snapshot], Some(caption(true)))).height
    };
    let mut heights: Vec<i32> = [1, 2, 5, 6, 9, 10, 15, 21, 500].into_iter().map(height).collect();
    heights.dedup();
    assert_eq!(heights.len(), 5);
}

#[test]
fn ids_differ_by_content() {
    let id = |events| figure_id(&display(&[], Some(Caption { events, ..caption(true) })));
    assert_ne!(id(1), id(2));
    assert_eq!(id(1), id(1));
}

#[test]
fn panels_beyond_the_limit_are_named() {
    let (_, maps) = gallery().into_iter().find(|(name, _)| *name == "too-many").expect("in the gallery");
    let svg = render(&display(&maps, None));
    assert!(svg.text.contains("not drawn, see the text: @m"));
}

/// Every picture of the gallery becomes a PNG; with `GALLERY=directory cargo test -p probebook gallery` they
/// are kept there, to be looked at.
#[test]
fn gallery_renders() {
    let directory = std::env::var_os("GALLERY").map(std::path::PathBuf::from);
    for (name, maps) in gallery() {
        for live in [false, true] {
            let svg = render(&display(&maps, Some(caption(live))));
            let image = png::render(&svg).unwrap_or_else(|| panic!("{name} cannot be drawn"));
            assert!(image.starts_with(b"\x89PNG"), "{name}");
            let Some(directory) = &directory else { continue };
            std::fs::create_dir_all(directory).expect("a directory to write to");
            let file = directory.join(format!("{name}{}", if live { "-live" } else { "" }));
            std::fs::write(file.with_extension("svg"), &svg.text).expect("writable");
            std::fs::write(file.with_extension("png"), image).expect("writable");
        }
    }
}
