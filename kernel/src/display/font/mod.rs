//! The embedded font → widths of text, so that nothing overlaps and nothing is cut.
//!
//! A figure is laid out without a browser, and drawn as PNG on machines without fonts; both use the same
//! DejaVu Sans, whose figures are all equally wide. Browsers that lack it fall back to narrower fonts, so
//! what fits here fits there. Its licence is `font/LICENSE`.

use std::borrow::Cow;
use std::sync::OnceLock;

use ttf_parser::Face;

/// The family's name, in SVG and in the font itself.
pub const FAMILY: &str = "DejaVu Sans";

/// The regular face.
pub const REGULAR: &[u8] = include_bytes!("DejaVuSans.ttf");

/// The bold face.
pub const BOLD: &[u8] = include_bytes!("DejaVuSans-Bold.ttf");

fn face(bold: bool) -> Option<&'static Face<'static>> {
    static FACES: [OnceLock<Option<Face<'static>>>; 2] = [OnceLock::new(), OnceLock::new()];
    let bytes = if bold { BOLD } else { REGULAR };
    FACES[usize::from(bold)].get_or_init(|| Face::parse(bytes, 0).ok()).as_ref()
}

/// The width of a text in pixels. A character the font lacks counts as a square.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    text.chars().map(|c| advance(c, bold)).sum::<f64>() * size
}

fn advance(c: char, bold: bool) -> f64 {
    let Some(face) = face(bold) else { return 1.0 };
    let glyph = face.glyph_index(c).and_then(|glyph| face.glyph_hor_advance(glyph));
    glyph.map_or(1.0, |advance| f64::from(advance) / f64::from(face.units_per_em()))
}

/// A text that fits into `room` pixels: its end becomes `…` where it does not.
pub fn fit(text: &str, size: f64, bold: bool, room: f64) -> Cow<'_, str> {
    if width(text, size, bold) <= room {
        return Cow::Borrowed(text);
    }
    let mut left = room - width("…", size, bold);
    let kept = text.chars().take_while(|&c| {
        left -= advance(c, bold) * size;
        left >= 0.0
    });
    Cow::Owned(kept.chain(['…']).collect())
}

/// A text that fits into `room` pixels, shortened in its middle: of paths and names the end tells most.
pub fn fit_middle(text: &str, size: f64, bold: bool, room: f64) -> Cow<'_, str> {
    if width(text, size, bold) <= room {
        return Cow::Borrowed(text);
    }
    let half = (room - width("…", size, bold)) / 2.0;
    let kept = |chars: &mut dyn Iterator<Item = char>| -> Vec<char> {
        let mut left = half;
        chars
            .take_while(|&c| {
                left -= advance(c, bold) * size;
                left >= 0.0
            })
            .collect()
    };
    let head = kept(&mut text.chars());
    let tail = kept(&mut text.chars().rev());
    Cow::Owned(head.into_iter().chain(['…']).chain(tail.into_iter().rev()).collect())
}

/// A text as lines of at most `room` pixels, broken between words.
pub fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line)
                if width(line, size, false) + width(" ", size, false) + width(word, size, false) <= room =>
            {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(fit(word, size, false, room).into_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_equally_wide() {
        for bold in [false, true] {
            let widths: Vec<f64> = ('0'..='9').map(|c| advance(c, bold)).collect();
            assert!(widths.iter().all(|w| *w == widths[0] && *w > 0.5 && *w < 0.8));
        }
    }

    #[test]
    fn fits() {
        assert_eq!(fit("short", 12.0, false, 100.0), "short");
        let cut = fit("a rather long comm name", 12.0, false, 60.0);
        assert!(cut.ends_with('…') && width(&cut, 12.0, false) <= 60.0);
        assert_eq!(fit("x", 12.0, false, 0.0), "…");
        let cut = fit_middle("/usr/lib/x86_64-linux-gnu/libc.so.6", 12.0, false, 120.0);
        assert!(cut.starts_with("/usr") && cut.ends_with("so.6") && width(&cut, 12.0, false) <= 120.0);
        assert_eq!(fit_middle("xyz", 12.0, false, 5.0), "…");
    }

    #[test]
    fn wraps() {
        let lines = wrap("one two three four five six", 11.0, 60.0);
        assert!(lines.len() > 1 && lines.iter().all(|line| width(line, 11.0, false) <= 60.0));
        assert_eq!(lines.join(" "), "one two three four five six");
    }
}
