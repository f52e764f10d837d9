//! Big numbers side by side.

use super::pen::{Area, Drawn, PLAIN, SMALL, write, write_within};
use super::theme::MUTED;
use crate::display::panel::{Figure, Scalar};

/// Pixels from top to bottom.
pub fn height(scalar: &Scalar) -> i32 {
    if scalar.figures.iter().any(has_label) { 66 } else { 44 }
}

fn has_label(figure: &Figure) -> bool {
    !figure.label.is_empty()
}

/// Draws the numbers into an area of that height.
pub fn draw(area: &Area<'_>, scalar: &Scalar) -> Drawn {
    let width = area.dim_in_pixel().0 as i32;
    let room = width / scalar.figures.len().max(1) as i32;
    let middle = if scalar.figures.iter().any(has_label) { 40 } else { 20 };
    let room = room - 12;
    let tail = |figure: &Figure| match &figure.spoken {
        Some(said) => format!("{} ≈ {said}", figure.unit),
        None => figure.unit.to_owned(),
    };
    let tail_width = |figure: &Figure| PLAIN.width(&tail(figure)).ceil() as i32 + 8;
    // The largest size that leaves room for every unit; text that is longer still is cut.
    let fits = |size: &f64| {
        let wide =
            |figure: &Figure| PLAIN.bold().size(*size).width(&figure.value) as i32 + tail_width(figure);
        scalar.figures.iter().all(|figure| wide(figure) <= room)
    };
    let size = [30.0, 24.0, 18.0, 14.0].into_iter().find(fits).unwrap_or(14.0);
    let look = PLAIN.bold().size(size);
    for (i, figure) in scalar.figures.iter().enumerate() {
        let x = (room + 12) * i as i32;
        write(area, (x, 10), &figure.label, SMALL)?;
        let tail_width = tail_width(figure);
        write_within(area, (x, middle), &figure.value, look, room - tail_width)?;
        let after = x + (look.width(&figure.value).ceil() as i32).min(room - tail_width) + 8;
        let base = middle + (size * 0.36) as i32 - 5;
        write(area, (after, base), &tail(figure), PLAIN.color(MUTED))?;
    }
    Ok(())
}
