//! Lines over the time of day, one below the other; gaps stay gaps.

use super::pen::{Area, Drawn, PLAIN, SMALL, column, fill, line, reserve, write, write_within};
use super::theme::{BAR, RULE};
use crate::display::number::grouped;
use crate::display::panel::Lines;

/// Pixels of a line's field.
const FIELD: i32 = 90;
/// Pixels of the title above it, where there is a key.
const TITLE: i32 = 16;
/// Pixels of the axis of time.
const AXIS: i32 = 20;

/// Pixels from top to bottom.
pub fn height(lines: &Lines, live: bool) -> i32 {
    let rows = reserve(lines.lines.len(), live && lines.keyed, &[1, 2, 4, 8]) as i32;
    let title = if lines.keyed { TITLE } else { 0 };
    rows * (FIELD + title + 6) + AXIS
}

/// Draws the lines into an area of that height.
pub fn draw(area: &Area<'_>, lines: &Lines) -> Drawn {
    let width = area.dim_in_pixel().0 as i32;
    let (low, high) = lines.values;
    let (first, last) = lines.range;
    let labels = [grouped(low), grouped(high)];
    let left = column(labels.iter().map(String::as_str), SMALL, 160);
    // A line of equal values runs through the middle.
    let (low, high) = if low == high { (low - 1, high + 1) } else { (low, high) };
    let room = f64::from(width - left - 8);
    let x = |number: u64| {
        let share = if last == first { 0.5 } else { (number - first) as f64 / (last - first) as f64 };
        left + 4 + (share * room) as i32
    };
    let mut top = 0;
    for drawn in &lines.lines {
        if lines.keyed {
            write_within(area, (left, top + TITLE / 2), &drawn.title, PLAIN.bold(), width - left)?;
            top += TITLE;
        }
        let y = |value: i128| {
            let share = (value - low) as f64 / (high - low) as f64;
            top + FIELD - 4 - (share * f64::from(FIELD - 8)) as i32
        };
        line(area, (left, top + FIELD), (width, top + FIELD), RULE)?;
        line(area, (left, top), (left, top + FIELD), RULE)?;
        let right = SMALL.right();
        write(area, (left - 4, y(lines.values.1)), &labels[1], right)?;
        if lines.values.0 != lines.values.1 {
            write(area, (left - 4, y(lines.values.0)), &labels[0], right)?;
        }
        for pair in drawn.points.windows(2) {
            let [(from, one), (to, other)] = *pair else { continue };
            if from + 1 == to {
                line(area, (x(from), y(one)), (x(to), y(other)), BAR)?;
            }
        }
        for &(number, value) in &drawn.points {
            let (x, y) = (x(number), y(value));
            fill(area, (x - 1, y - 1), (x + 2, y + 2), BAR)?;
        }
        top += FIELD + 6;
    }
    let middle = top + 4;
    if first == last {
        return write(area, (x(first), middle), &lines.time(first), SMALL.center());
    }
    write(area, (left, middle), &lines.time(first), SMALL)?;
    write(area, (width, middle), &lines.time(last), SMALL.right())
}
