//! Printed text → stream messages at a pace a notebook server lets through: [`Streams`].
//!
//! A Jupyter server throws output away beyond 1 MB or 3,000 messages in 3 seconds, silently for the reader
//! (jupyter_server's `iopub_data_rate_limit` and `iopub_msg_rate_limit`). So text is batched, and folded
//! visibly where it would exceed that.
//!
//! *Invariant:* between two flushes lie at least [`GAP`], and in any 3 seconds at most 2.5 MB are sent.

use std::time::{Duration, Instant};

use crate::display::text::clean;
use crate::outlet::{Outlet, Output, StreamName};

/// The shortest time between two messages.
const GAP: Duration = Duration::from_millis(100);
/// Bytes that may be sent at once after a pause.
const BURST: f64 = 1_000_000.0;
/// Bytes a second that may be sent for long.
const RATE: f64 = 500_000.0;

/// Text on its way to the reader.
#[derive(Debug)]
pub struct Streams {
    pending: Vec<(StreamName, String)>,
    allowance: f64,
    refilled: Instant,
    flushed: Option<Instant>,
    folded_lines: u64,
    folding: bool,
}

impl Streams {
    /// Nothing on its way yet.
    pub fn new(now: Instant) -> Self {
        Self {
            pending: Vec::new(),
            allowance: BURST,
            refilled: now,
            flushed: None,
            folded_lines: 0,
            folding: false,
        }
    }

    /// Appends text of the traced system, with control characters made visible.
    pub fn push_hostile(&mut self, now: Instant, name: StreamName, bytes: &[u8]) {
        self.push(now, name, &clean_lines(bytes));
    }

    /// Appends text.
    pub fn push(&mut self, now: Instant, name: StreamName, text: &str) {
        if text.is_empty() {
            return;
        }
        let seconds = now.saturating_duration_since(self.refilled).as_secs_f64();
        self.allowance = (self.allowance + seconds * RATE).min(BURST);
        self.refilled = now;
        // Once folding, everything up to the next message is folded, so that the gap is one gap.
        if self.folding || text.len() as f64 > self.allowance {
            self.folding = true;
            self.folded_lines += text.matches('\n').count() as u64;
            return;
        }
        self.allowance -= text.len() as f64;
        match self.pending.last_mut() {
            Some((last, pending)) if *last == name => pending.push_str(text),
            _ => self.pending.push((name, text.to_owned())),
        }
    }

    /// When the next message may be sent, if there is something to send.
    pub fn due(&self) -> Option<Instant> {
        let waits = !self.pending.is_empty() || self.folding;
        waits.then(|| self.flushed.map_or(self.refilled, |flushed| flushed + GAP))
    }

    /// Sends what is due, or all at the end.
    pub fn flush(&mut self, now: Instant, all: bool, outlet: &dyn Outlet) {
        if !self.due().is_some_and(|due| all || due <= now) {
            return;
        }
        // What was folded may have begun within a line.
        let is_cut = self.pending.last().is_some_and(|(_, text)| !text.ends_with('\n'));
        for (name, text) in self.pending.drain(..) {
            outlet.put(Output::Stream { name, text });
        }
        if std::mem::take(&mut self.folding) {
            let lines = std::mem::take(&mut self.folded_lines);
            let s = if lines == 1 { "" } else { "s" };
            let text = format!("{}… {lines} line{s} more\n", if is_cut { "\n" } else { "" });
            outlet.put(Output::Stream { name: StreamName::Stdout, text });
        }
        self.flushed = Some(now);
    }
}

/// Cleans what stands between line ends and tabs.
fn clean_lines(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for piece in bytes.split_inclusive(|&b| b == b'\n' || b == b'\t') {
        match piece.split_last() {
            Some((&end @ (b'\n' | b'\t'), rest)) => {
                text.push_str(&clean(rest));
                text.push(char::from(end));
            }
            _ => text.push_str(&clean(piece)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outlet::Tape;

    #[test]
    fn batches_to_ten_messages_a_second() {
        let start = Instant::now();
        let mut streams = Streams::new(start);
        let tape = Tape::default();
        for ms in 0..1000 {
            let now = start + Duration::from_millis(ms);
            streams.push(now, StreamName::Stdout, "x\n");
            streams.flush(now, false, &tape);
        }
        streams.flush(start + Duration::from_secs(1), true, &tape);
        assert_eq!(tape.text(StreamName::Stdout).len(), 2000);
        assert!(tape.kinds().len() <= 11, "{}", tape.kinds().len());
    }

    #[test]
    fn keeps_the_order_of_both_streams() {
        let now = Instant::now();
        let mut streams = Streams::new(now);
        let tape = Tape::default();
        for name in [StreamName::Stdout, StreamName::Stderr, StreamName::Stderr, StreamName::Stdout] {
            streams.push(now, name, "a");
        }
        streams.flush(now, false, &tape);
        assert_eq!(tape.kinds().len(), 3);
        assert_eq!(streams.due(), None);
    }

    #[test]
    fn a_flood_is_folded_below_the_servers_limit() {
        let start = Instant::now();
        let mut streams = Streams::new(start);
        let tape = Tape::default();
        let line = "y".repeat(99) + "\n";
        let mut pushed = 0;
        for ms in 0..3000 {
            let now = start + Duration::from_millis(ms);
            for _ in 0..100 {
                streams.push(now, StreamName::Stdout, &line);
                pushed += 1;
            }
            streams.flush(now, false, &tape);
        }
        streams.flush(start + Duration::from_secs(3), true, &tape);
        let text = tape.text(StreamName::Stdout);
        assert!(text.len() < 2_600_000, "{}", text.len());
        let shown = text.lines().filter(|l| l.starts_with('y')).count() as u64;
        let folded: u64 =
            text.lines().filter_map(|l| l.strip_prefix("… ")?.split(' ').next()?.parse::<u64>().ok()).sum();
        assert_eq!(shown + folded, pushed);
    }

    #[test]
    fn control_characters_do_not_get_through() {
        let cleaned = clean_lines(b"a\tb\x1b[31m\rc\nd");
        assert!(cleaned.starts_with("a\tb") && cleaned.ends_with("c\nd"));
        assert!(!cleaned.contains(['\u{1b}', '\r']));
    }
}
