//! Maps of a running program → one figure that is drawn again: [`Figure`].
//!
//! *Invariant:* one display id per cell; a frame is sent only if it differs from the one before in its maps,
//! its counts or its seconds.

use std::time::Duration;

use probebook_ebpf::map::MapSnapshot;
use probebook_ebpf::tracer::{Counts, Running};

use crate::display::svg::caption_text;
use crate::display::{Caption, Display, bundle, display};
use crate::outlet::{Bundle, Outlet, Output, plain};

/// The figure of a cell.
pub(super) struct Figure {
    display_id: String,
    shown: Option<Frame>,
    /// Outside of a run there is no caption.
    has_caption: bool,
}

/// What a frame is drawn from.
#[derive(PartialEq)]
struct Frame {
    maps: Vec<MapSnapshot>,
    counts: Counts,
    seconds: u64,
}

impl Figure {
    /// A figure not yet shown.
    pub(super) fn new() -> Self {
        Self { display_id: uuid::Uuid::new_v4().to_string(), shown: None, has_caption: true }
    }

    /// A figure of maps that says nothing about a run.
    pub(super) fn outside() -> Self {
        Self { has_caption: false, ..Self::new() }
    }

    /// Draws a live frame, if it differs from the last one. Gives a warning if a map cannot be read.
    pub(super) fn draw(
        &mut self,
        running: &dyn Running,
        bound: Option<Duration>,
        outlet: &dyn Outlet,
    ) -> Option<String> {
        let elapsed = running.started().elapsed();
        let (maps, failed) = snapshots(running);
        let frame = Frame { maps, counts: running.counts(), seconds: elapsed.as_secs() };
        if self.shown.as_ref() == Some(&frame) {
            return failed;
        }
        let caption = caption(running, &frame, elapsed, bound);
        let shown = display(&frame.maps, Some(Caption { live: true, ..caption }));
        self.put(without_maps(&shown).unwrap_or_else(|| bundle::live(&shown)), outlet);
        self.shown = Some(frame);
        failed
    }

    /// Draws the last frame, with everything.
    pub(super) fn finish(
        &mut self,
        running: &dyn Running,
        elapsed: Duration,
        bound: Option<Duration>,
        notes: Vec<String>,
        outlet: &dyn Outlet,
    ) -> Option<String> {
        let (mut maps, failed) = snapshots(running);
        // As bpftrace does at its end; while it runs they keep their place in the figure.
        if !maps.iter().all(is_empty) {
            maps.retain(|map| !is_empty(map));
        }
        let frame = Frame { maps, counts: running.counts(), seconds: 0 };
        let caption = Caption { notes, ..caption(running, &frame, elapsed, bound) };
        let shown = display(&frame.maps, self.has_caption.then_some(caption));
        self.put(without_maps(&shown).unwrap_or_else(|| bundle::complete(&shown)), outlet);
        self.shown = Some(frame);
        failed
    }

    fn put(&self, bundle: Bundle, outlet: &dyn Outlet) {
        let display_id = self.display_id.clone();
        outlet.put(match self.shown {
            None => Output::Display { bundle, display_id },
            Some(_) => Output::Update { bundle, display_id },
        });
    }
}

/// The figure of a program that only prints: what there is to say about the run, as text.
fn without_maps(shown: &Display) -> Option<Bundle> {
    let caption = shown.caption.as_ref().filter(|_| shown.maps.is_empty())?;
    Some(plain(caption_text(caption).join("\n")))
}

fn is_empty(map: &MapSnapshot) -> bool {
    map.ty.key.is_some() && map.entries.is_empty()
}

/// All maps of the program that can be read, and why one cannot.
fn snapshots(running: &dyn Running) -> (Vec<MapSnapshot>, Option<String>) {
    let mut maps = Vec::new();
    let mut failed = None;
    for name in running.maps() {
        match running.snapshot(name) {
            Ok(snapshot) => maps.push(snapshot),
            Err(error) => failed = Some(format!("@{name} cannot be read: {error}")),
        }
    }
    (maps, failed)
}

fn caption(running: &dyn Running, frame: &Frame, elapsed: Duration, bound: Option<Duration>) -> Caption {
    let cost = running.cost().filter(|&(_, runs)| runs > 0).map(|(spent, runs)| {
        let spent = spent.as_nanos() as f64;
        (spent / runs as f64, spent / elapsed.as_nanos().max(1) as f64)
    });
    Caption {
        live: false,
        elapsed,
        bound,
        probes: running.probes().len(),
        events: frame.counts.events,
        lost: frame.counts.lost,
        missed: frame.counts.missed,
        map_full: frame.counts.map_full,
        cost,
        notes: Vec::new(),
    }
}
