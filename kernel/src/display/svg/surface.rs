//! plotters' drawing commands → SVG elements.
//!
//! plotters' own SVG backend guesses widths of text and divides font sizes; this one measures with the
//! embedded font, escapes, keeps elements short, and leaves colours to the theme.
//!
//! *Invariant:* what it writes is well-formed as a fragment of SVG, whatever the text.

use std::convert::Infallible;
use std::fmt::Write;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};

use super::theme::{HATCH, INK, hex};
use crate::display::font;

/// The size of text where an element does not say it.
pub const TEXT: f64 = 12.0;

/// A piece of a figure that is being drawn.
pub struct Surface<'a> {
    out: &'a mut String,
    size: (u32, u32),
    /// The figure's id, before which its pattern's id stands.
    id: &'a str,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl<'a> Surface<'a> {
    /// A surface that appends to `out`.
    pub fn new(out: &'a mut String, size: (u32, u32), id: &'a str) -> Self {
        Self { out, size, id }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to memory cannot fail.
        let _ = self.out.write_fmt(text);
    }

    fn paint(&self, attribute: &str, color: BackendColor) -> String {
        let hatch = (HATCH.0, HATCH.1, HATCH.2);
        let mut paint = if color.rgb == hatch {
            format!(" {attribute}='url(#{}-h)'", self.id)
        } else {
            format!(" {attribute}='{}'", hex(color.rgb))
        };
        if color.alpha < 1.0 {
            let _ = write!(paint, " {attribute}-opacity='{:.2}'", color.alpha);
        }
        paint
    }

    fn stroke<S: BackendStyle>(&self, style: &S) -> String {
        let mut stroke = self.paint("stroke", style.color());
        if style.stroke_width() != 1 {
            let _ = write!(stroke, " stroke-width='{}'", style.stroke_width());
        }
        stroke
    }
}

impl DrawingBackend for Surface<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        let fill = self.paint("fill", color);
        self.push(format_args!("<rect x='{x}' y='{y}' width='1' height='1'{fill}/>"));
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let stroke = self.stroke(style);
        // Half a pixel off, so that thin straight lines are sharp.
        let ((x1, y1), (x2, y2)) = (from, to);
        self.push(format_args!("<path d='M{x1}.5 {y1}.5L{x2}.5 {y2}.5'{stroke}/>"));
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let (x, width) = (left.min(right), left.abs_diff(right));
        let (y, height) = (top.min(bottom), top.abs_diff(bottom));
        let paint = if fill {
            self.paint("fill", style.color())
        } else {
            format!(" fill='none'{}", self.stroke(style))
        };
        self.push(format_args!("<rect x='{x}' y='{y}' width='{width}' height='{height}'{paint}/>"));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let stroke = self.stroke(style);
        self.push(format_args!("<polyline fill='none' stroke-linejoin='round' points='"));
        for (i, (x, y)) in path.into_iter().enumerate() {
            self.push(format_args!("{}{x},{y}", if i > 0 { " " } else { "" }));
        }
        self.push(format_args!("'{stroke}/>"));
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let paint = if fill {
            self.paint("fill", style.color())
        } else {
            format!(" fill='none'{}", self.stroke(style))
        };
        self.push(format_args!("<circle cx='{x}' cy='{y}' r='{radius}'{paint}/>"));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vertices: I,
        style: &S,
    ) -> Drawn {
        let fill = self.paint("fill", style.color());
        self.push(format_args!("<polygon points='"));
        for (i, (x, y)) in vertices.into_iter().enumerate() {
            self.push(format_args!("{}{x},{y}", if i > 0 { " " } else { "" }));
        }
        self.push(format_args!("'{fill}/>"));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        if text.is_empty() || style.color().alpha == 0.0 {
            return Ok(());
        }
        // The anchor is a point of the text's box; SVG wants its base line.
        let size = style.size();
        let baseline = f64::from(y)
            + match style.anchor().v_pos {
                VPos::Top => 0.93 * size,
                VPos::Center => 0.36 * size,
                VPos::Bottom => -0.24 * size,
            };
        self.push(format_args!("<text x='{x}' y='{}'", short(baseline)));
        match style.anchor().h_pos {
            HPos::Left => {}
            HPos::Center => self.push(format_args!(" text-anchor='middle'")),
            HPos::Right => self.push(format_args!(" text-anchor='end'")),
        }
        if size != TEXT {
            self.push(format_args!(" font-size='{}'", short(size)));
        }
        if matches!(style.style(), FontStyle::Bold) {
            self.push(format_args!(" font-weight='bold'"));
        }
        if style.color().rgb != (INK.0, INK.1, INK.2) {
            let fill = self.paint("fill", style.color());
            self.push(format_args!("{fill}"));
        }
        let turned = match style.transform() {
            FontTransform::None => 0,
            FontTransform::Rotate90 => 90,
            FontTransform::Rotate180 => 180,
            FontTransform::Rotate270 => 270,
        };
        if turned != 0 {
            self.push(format_args!(" transform='rotate({turned} {x} {y})'"));
        }
        self.push(format_args!(">{}</text>", escape(text)));
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let bold = matches!(style.style(), FontStyle::Bold);
        let width = font::width(text, style.size(), bold).ceil() as u32;
        Ok((width, style.size().ceil() as u32))
    }

    fn blit_bitmap(&mut self, _: BackendCoord, _: (u32, u32), _: &[u8]) -> Drawn {
        // No figure has bitmaps.
        Ok(())
    }
}

/// At most one digit behind the point.
pub fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// Text as XML content or as an attribute's value.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
