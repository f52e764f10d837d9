//! Short words for what every picture draws: text, boxes, lines; and the columns text stands in.

use std::convert::Infallible;

use plotters::coord::Shift;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::FontStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::surface::Surface;
use super::theme::{INK, MUTED};
use crate::display::font;

/// A part of a figure.
pub type Area<'a> = DrawingArea<Surface<'a>, Shift>;

/// Drawing fails only where a layout leaves no room.
pub type Drawn = Result<(), DrawingAreaErrorKind<Infallible>>;

/// How a text looks.
#[derive(Clone, Copy)]
pub struct Look {
    /// Pixels.
    pub size: f64,
    /// Bold.
    pub bold: bool,
    /// Its colour.
    pub color: RGBColor,
    /// Which side of it stands at the given place.
    pub side: HPos,
}

/// Ordinary text, to the right of its place.
pub const PLAIN: Look = Look { size: 12.0, bold: false, color: INK, side: HPos::Left };
/// Headers and notes.
pub const SMALL: Look = Look { size: 10.5, bold: false, color: MUTED, side: HPos::Left };

impl Look {
    /// To the left of its place, as numbers stand.
    pub const fn right(self) -> Self {
        Self { side: HPos::Right, ..self }
    }

    /// Around its place.
    pub const fn center(self) -> Self {
        Self { side: HPos::Center, ..self }
    }

    /// Bold.
    pub const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// In another size.
    pub const fn size(self, size: f64) -> Self {
        Self { size, ..self }
    }

    /// In another colour.
    pub const fn color(self, color: RGBColor) -> Self {
        Self { color, ..self }
    }

    /// How wide a text is in this look.
    pub fn width(self, text: &str) -> f64 {
        font::width(text, self.size, self.bold)
    }

    /// The style as plotters knows it.
    pub fn style(self) -> TextStyle<'static> {
        let weight = if self.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = (font::FAMILY, self.size).into_font().style(weight);
        TextStyle { font, color: self.color.to_backend_color(), pos: Pos::new(self.side, VPos::Center) }
    }
}

/// Writes a text; `y` is the middle of its line.
pub fn write(area: &Area<'_>, (x, y): (i32, i32), text: &str, look: Look) -> Drawn {
    area.draw_text(text, &look.style(), (x, y))
}

/// Writes a text that is cut where it is wider than `room`.
pub fn write_within(area: &Area<'_>, at: (i32, i32), text: &str, look: Look, room: i32) -> Drawn {
    write(area, at, &font::fit(text, look.size, look.bold, f64::from(room)), look)
}

/// Writes a key; where it is wider than `room` its middle gives way.
pub fn write_key(area: &Area<'_>, at: (i32, i32), text: &str, look: Look, room: i32) -> Drawn {
    write(area, at, &font::fit_middle(text, look.size, look.bold, f64::from(room)), look)
}

/// Fills a box.
pub fn fill(area: &Area<'_>, from: (i32, i32), to: (i32, i32), color: RGBColor) -> Drawn {
    area.draw(&Rectangle::new([from, to], color.filled()))
}

/// Draws a thin line.
pub fn line(area: &Area<'_>, from: (i32, i32), to: (i32, i32), color: RGBColor) -> Drawn {
    area.draw(&PathElement::new(vec![from, to], color))
}

/// The width a column needs: that of its widest text, at most `most`, in steps, so that it does not move with
/// every digit while a figure is live.
pub fn column<'a>(texts: impl Iterator<Item = &'a str>, look: Look, most: i32) -> i32 {
    let widest = texts.map(|text| look.width(text)).fold(0.0, f64::max).ceil() as i32;
    if widest == 0 { 0 } else { ((widest + 8) / 8 * 8).min(most) }
}

/// The rows to make room for: as many as there are, or while a figure is live the next of some sizes, so that
/// it grows seldom.
pub fn reserve(rows: usize, live: bool, sizes: &[usize]) -> usize {
    let next = sizes.iter().copied().find(|&size| size >= rows);
    if live { next.unwrap_or(rows) } else { rows }
}
