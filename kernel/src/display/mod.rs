//! Map snapshots → [`Display`]: what the reader sees, plain text always, pictures where they help.
//!
//! One way: [`MapSnapshot`]s and a [`Caption`] become a `Display` of [`Panel`]s (sorted, cut, labelled: every
//! number that is drawn is decided here, once); `svg`, `vega` and `png` only draw panels; [`bundle`] packs
//! them by MIME type.
//!
//! *Invariant:* text of the traced system is cleaned of control characters when it becomes a label, and
//! escaped by whoever writes markup.

pub mod buckets;
pub mod bundle;
pub mod font;
pub mod json;
pub mod number;
pub mod panel;
pub mod png;
pub mod svg;
pub mod text;
pub mod vega;

use std::time::Duration;

use probebook_ebpf::map::MapSnapshot;

pub use panel::{Kind, Panel};

/// What a figure says about the run beside its maps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caption {
    /// Still running: draws a progress bar, and the figure keeps its size.
    pub live: bool,
    /// Since the probes went live.
    pub elapsed: Duration,
    /// When the cell will end by itself.
    pub bound: Option<Duration>,
    /// Attached probes.
    pub probes: usize,
    /// Runs of event programs.
    pub events: u64,
    /// Records lost.
    pub lost: u64,
    /// Probe firings skipped by Linux.
    pub missed: u64,
    /// Map updates dropped because the map was full.
    pub map_full: u64,
    /// Nanoseconds per event and share of one CPU (0 to 1), where known.
    pub cost: Option<(f64, f64)>,
    /// Remarks: how the cell ended, how to change the bound, which probe never fired.
    pub notes: Vec<String>,
}

/// What the reader sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Display {
    /// bpftrace's own text.
    pub plain: String,
    /// One per map that has something to draw, in order of name.
    pub panels: Vec<Panel>,
    /// About the run; `None` for a map shown outside of one.
    pub caption: Option<Caption>,
    /// The maps themselves, for the data MIME type.
    pub maps: Vec<MapSnapshot>,
}

/// Decides what is drawn of these maps.
pub fn display(maps: &[MapSnapshot], caption: Option<Caption>) -> Display {
    let mut sorted: Vec<&MapSnapshot> = maps.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut panels: Vec<Panel> = sorted.into_iter().map(Panel::new).collect();
    let over = caption.as_ref().is_some_and(|caption| !caption.live);
    if over && panels.iter().any(|panel| panel.kind != Kind::Empty) {
        // In the end what stayed empty is no news, unless everything did.
        panels.retain(|panel| panel.kind != Kind::Empty);
    }
    Display { plain: text::maps(maps), panels, caption, maps: maps.to_vec() }
}
