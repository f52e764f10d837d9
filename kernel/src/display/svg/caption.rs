//! What a figure says about its run: progress at the top, and at the bottom what was lost and what it cost.

use std::time::Duration;

use plotters::prelude::*;

use super::pen::{Area, Drawn, PLAIN, SMALL, fill, write};
use super::theme::{BAR, HATCH, LINE_TEXT, MUTED, TRACK};
use crate::display::Caption;
use crate::display::font::wrap;
use crate::display::number::{grouped, percent, significant};
use crate::display::text::clean_str;

/// Pixels of the progress bar and its words.
pub const PROGRESS: i32 = 38;

const LINE_HEIGHT: i32 = 15;

/// A line of the caption.
pub struct Line {
    text: String,
    warns: bool,
}

impl Line {
    /// Its words.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Draws how far the run is.
pub fn draw_progress(area: &Area<'_>, caption: &Caption) -> Drawn {
    let width = area.dim_in_pixel().0 as i32;
    let elapsed = caption.elapsed.as_secs_f64();
    let bound = caption.bound.map(|bound| bound.as_secs_f64());
    let left = match bound {
        Some(bound) => format!("running · {} of {}", seconds(elapsed), seconds(bound)),
        None => format!("running · {} · until it is interrupted", seconds(elapsed)),
    };
    write(area, (0, 9), &left, PLAIN.bold())?;
    let events = format!("{} events{}", grouped(caption.events.into()), rate(caption.events, elapsed));
    write(area, (width, 9), &events, PLAIN.right().color(MUTED))?;
    fill(area, (0, 22), (width, 28), TRACK)?;
    match bound {
        Some(bound) => {
            let done = if bound > 0.0 { (elapsed / bound).clamp(0.0, 1.0) } else { 1.0 };
            fill(area, (0, 22), ((f64::from(width) * done) as i32, 28), BAR)
        }
        // There is no end to measure against.
        None => area.draw(&Rectangle::new([(0, 22), (width, 28)], HATCH.filled())),
    }
}

/// The words below the maps.
pub fn lines(caption: &Caption, room: i32) -> Vec<Line> {
    let elapsed = caption.elapsed.as_secs_f64();
    let mut parts = vec![format!(
        "{} probe{}",
        grouped(caption.probes as i128),
        if caption.probes == 1 { "" } else { "s" }
    )];
    if !caption.live {
        parts.push(seconds(elapsed));
        parts.push(format!("{} events{}", grouped(caption.events.into()), rate(caption.events, elapsed)));
    }
    let losses = [
        ("events lost", caption.lost),
        ("probes missed", caption.missed),
        ("updates dropped, map full", caption.map_full),
    ];
    let lossless = losses.iter().all(|(_, count)| *count == 0);
    if lossless {
        parts.push("nothing lost, missed or dropped".into());
    }
    if let Some((per_event, share)) = caption.cost {
        let cpu = percent((share * 1e6) as u128, 1_000_000);
        parts.push(format!("{} ns/event, {cpu} of one CPU", significant(per_event)));
    }
    let mut lines = wrapped(&parts.join(" · "), false, room);
    if !lossless {
        let said: Vec<String> = losses
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(what, count)| format!("{} {what}", grouped(i128::from(*count))))
            .collect();
        lines.extend(wrapped(&format!("▲ incomplete: {}", said.join(" · ")), true, room));
    }
    for note in &caption.notes {
        lines.extend(wrapped(&clean_str(note), false, room));
    }
    lines
}

fn wrapped(text: &str, warns: bool, room: i32) -> Vec<Line> {
    // Bold is wider.
    let room = if warns { f64::from(room) * 0.88 } else { f64::from(room) };
    wrap(text, SMALL.size, room).into_iter().map(|text| Line { text, warns }).collect()
}

/// Pixels of these lines.
pub fn height(lines: &[Line]) -> i32 {
    LINE_HEIGHT * lines.len() as i32
}

/// Draws the words below the maps.
pub fn draw_lines(area: &Area<'_>, lines: &[Line]) -> Drawn {
    for (i, line) in lines.iter().enumerate() {
        let look = if line.warns { SMALL.bold().color(LINE_TEXT) } else { SMALL };
        write(area, (0, LINE_HEIGHT * i as i32 + LINE_HEIGHT / 2), &line.text, look)?;
    }
    Ok(())
}

/// `45 ms`, `3.2 s`, `2 min 5 s`, `1 h 3 min`
fn seconds(seconds: f64) -> String {
    let millis = (seconds * 1e3).round();
    if seconds > 0.0 && millis < 1.0 {
        return "<1 ms".into();
    }
    if seconds > 0.0 && millis < 1e3 {
        return format!("{millis} ms");
    }
    let whole = Duration::from_secs_f64(seconds.clamp(0.0, 1e12)).as_secs();
    match whole {
        0..120 if (seconds - seconds.round()).abs() < 0.05 => format!("{} s", seconds.round()),
        0..120 => format!("{seconds:.1} s"),
        120..7200 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// ` · 3,858/s`; nothing before there is a rate.
fn rate(events: u64, elapsed: f64) -> String {
    if elapsed < 0.05 || events == 0 {
        return String::new();
    }
    format!(" · {}/s", significant(events as f64 / elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(seconds(10.0), "10 s");
        assert_eq!(seconds(3.24), "3.2 s");
        assert_eq!(seconds(0.9996), "1 s");
        assert_eq!(seconds(0.0446), "45 ms");
        assert_eq!(seconds(0.0001), "<1 ms");
        assert_eq!(seconds(0.0), "0 s");
        assert_eq!(seconds(125.0), "2 min 5 s");
        assert_eq!(seconds(7300.0), "2 h 1 min");
    }

    #[test]
    fn says_what_is_missing() {
        let mut caption = Caption { probes: 1, events: 10, ..Caption::default() };
        let said = |caption: &Caption| {
            lines(caption, 600).into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n")
        };
        assert!(said(&caption).contains("nothing lost"));
        caption.lost = 1234;
        caption.notes = vec!["bad \u{1b}[31m note".into()];
        let text = said(&caption);
        assert!(text.contains("▲ incomplete: 1,234 events lost") && text.contains("\\x1b"));
        assert!(!text.contains("nothing lost"));
    }
}
