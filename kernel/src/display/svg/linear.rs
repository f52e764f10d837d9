//! `lhist`: bars over a true axis, hatched where values lie outside of it; by key small multiples.

use plotters::prelude::*;
use probebook_lang::types::Unit;

use super::histogram::write_title;
use super::pen::{Area, Drawn, SMALL, column, fill, line, reserve, write};
use super::theme::{BAR, CARD, HATCH, LINE, LINE_TEXT, MUTED, RULE};
use crate::display::number::{grouped, tick};
use crate::display::panel::{Distribution, Mark, Range, Series};

const MARK: i32 = 14;
const PLOT: i32 = 170;
const FOOT: i32 = 24;
const GAP: i32 = 16;
const ACROSS: usize = 3;
const TITLE: i32 = 36;
const SMALL_PLOT: i32 = 84;

/// Pixels from top to bottom.
pub fn height(drawn: &Distribution, live: bool) -> i32 {
    if drawn.keyed {
        let bands = reserve(drawn.series.len().div_ceil(ACROSS), live, &[1, 2, 4]);
        (TITLE + SMALL_PLOT + FOOT + GAP) * bands as i32
    } else {
        MARK * 3 + PLOT + FOOT
    }
}

/// Draws the histogram into an area of that height.
pub fn draw(area: &Area<'_>, drawn: &Distribution, unit: Option<Unit>) -> Drawn {
    let width = area.dim_in_pixel().0 as i32;
    if !drawn.keyed {
        let Some(series) = drawn.series.first() else { return Ok(()) };
        let place = Place { left: 0, top: MARK * 3, width, height: PLOT, edge: 56, ticks: 8 };
        return draw_one(area, drawn, series, &place, unit);
    }
    let room = (width + GAP) / ACROSS as i32 - GAP;
    for (i, series) in drawn.series.iter().enumerate() {
        let left = (room + GAP) * (i % ACROSS) as i32;
        let top = (TITLE + SMALL_PLOT + FOOT + GAP) * (i / ACROSS) as i32;
        write_title(area, series, (left, top), room)?;
        let place = Place { left, top: top + TITLE, width: room, height: SMALL_PLOT, edge: 40, ticks: 3 };
        draw_one(area, drawn, series, &place, unit)?;
    }
    Ok(())
}

/// Where a plot stands.
struct Place {
    left: i32,
    top: i32,
    width: i32,
    height: i32,
    /// The width of what lies outside of the axis.
    edge: i32,
    /// How many numbers the axis may have.
    ticks: usize,
}

fn draw_one(
    area: &Area<'_>,
    drawn: &Distribution,
    series: &Series,
    place: &Place,
    unit: Option<Unit>,
) -> Drawn {
    let bottom = place.top + place.height;
    let inner: Vec<(f64, f64, u64)> = drawn
        .ranges
        .iter()
        .zip(&series.counts)
        .filter_map(|(range, &count)| Some((range.low?, range.high?, count)))
        .collect();
    let below = drawn.ranges.first().filter(|range| range.low.is_none());
    let above = drawn.ranges.last().filter(|range| range.high.is_none());

    // The axis of counts, the same in all small multiples.
    let most = drawn.most.max(1) as f64;
    let scale = if drawn.keyed {
        0
    } else {
        column([grouped(i128::from(drawn.most)).as_str()].into_iter(), SMALL, 150)
    };
    let left = place.left + if scale > 0 { scale + 10 } else { 0 };
    let right = place.left + place.width;
    let edge = |range: Option<&Range>| range.map_or(0, |range| place.edge.max(outside_label(range).1 + 16));
    let axis_left = left + edge(below);
    let axis_right = right - edge(above);
    let y = |count: f64| bottom - (count / most * f64::from(place.height - 4)) as i32;

    if !drawn.keyed {
        for count in count_ticks(drawn.most) {
            line(area, (left, y(count)), (right, y(count)), RULE)?;
            write(area, (left - 8, y(count)), &tick(count), SMALL.right())?;
        }
    }
    line(area, (left, bottom), (right, bottom), MUTED)?;

    // What lies outside of the axis stands apart from it, hatched.
    let mut taken = Vec::new();
    let first_count = series.counts.first().copied().unwrap_or(0);
    let last_count = series.counts.last().copied().unwrap_or(0);
    let outside =
        [(below, first_count, left + 2, axis_left - 14), (above, last_count, axis_right + 14, right - 2)];
    for (range, count, from, to) in outside {
        let Some(range) = range else { continue };
        if count > 0 {
            let top = y(count as f64).min(bottom - 2);
            area.draw(&Rectangle::new([(from, top), (to, bottom)], HATCH.filled()))?;
            area.draw(&Rectangle::new([(from, top), (to, bottom)], BAR))?;
        }
        let (label, wide) = outside_label(range);
        let middle = (from + to) / 2;
        write(area, (middle, bottom + 12), &label, SMALL.center())?;
        taken.push((middle - wide / 2, middle + wide / 2));
    }

    let (Some(first), Some(last)) = (inner.first(), inner.last()) else { return Ok(()) };
    let (low, high) = (first.0, last.1);
    let room = ((axis_right - axis_left).max(1), place.height - 4);
    let chart_area = area.clone().shrink((axis_left, place.top + 4), (room.0, room.1));
    let mut chart = ChartBuilder::on(&chart_area).build_cartesian_2d(low..high, 0.0..most)?;
    let least = most * 2.0 / f64::from(room.1);
    // A gap between bars where there is room for one.
    let gap =
        if f64::from(room.0) / inner.len() as f64 >= 6.0 { (high - low) / f64::from(room.0) } else { 0.0 };
    chart.draw_series(inner.iter().filter(|(.., count)| *count > 0).map(|&(from, to, count)| {
        Rectangle::new([(from, 0.0), (to - gap, (count as f64).max(least))], BAR.filled())
    }))?;

    let widest = SMALL.width(&tick(high)).max(SMALL.width(&tick(low))) + 20.0;
    let fit = ((f64::from(room.0) / widest) as usize).clamp(2, place.ticks);
    let at = |x: f64| axis_left + ((x - low) / (high - low) * f64::from(room.0)) as i32;
    for x in axis_ticks(low, high, fit) {
        line(area, (at(x), bottom), (at(x), bottom + 4), MUTED)?;
        // A number at the very end must not stand outside, nor in a neighbour.
        let half = (SMALL.width(&tick(x)) / 2.0) as i32;
        let middle = at(x).clamp(axis_left.min(place.left + half), (right - half).max(axis_left));
        if taken.iter().all(|&(from, to)| middle + half + 8 < from || middle - half - 8 > to) {
            write(area, (middle, bottom + 12), &tick(x), SMALL.center())?;
        }
    }
    if drawn.keyed {
        return Ok(());
    }
    let middles = ((left + axis_left) / 2, (axis_right + right) / 2);
    let place_of = |mark: &Mark| match mark.at {
        Some(x) => at(x),
        None if mark.range == 0 => middles.0,
        None => middles.1,
    };
    for (i, mark) in series.marks.iter().enumerate() {
        let x = place_of(mark);
        let top = MARK * i as i32 + 3;
        for dash in DashedLineSeries::new(vec![(x, top), (x, bottom)], 4, 3, LINE.stroke_width(1)) {
            area.draw(&dash)?;
        }
    }
    for (i, mark) in series.marks.iter().enumerate() {
        let (x, middle) = (place_of(mark), MARK * i as i32 + MARK / 2);
        let unit = unit.map_or(String::new(), |unit| format!(" {}", unit.symbol()));
        let said = mark.spoken.as_ref().map_or(String::new(), |said| format!(" = {said}"));
        let text = format!("{} {}{unit}{said}", mark.name, mark.label);
        let wide = SMALL.width(&text).ceil() as i32;
        let from = if x + 8 + wide <= right { x + 5 } else { x - 5 - wide };
        // Where it stands over the line of another percentile, that line is interrupted.
        fill(area, (from - 2, middle - 6), (from + wide + 2, middle + 6), CARD)?;
        write(area, (from, middle), &text, SMALL.color(LINE_TEXT))?;
    }
    Ok(())
}

/// What stands below the bar of values outside of the axis, and its width.
fn outside_label(range: &Range) -> (String, i32) {
    let label = match (range.low, range.high) {
        (None, Some(high)) => format!("< {}", tick(high)),
        (Some(low), _) => format!("≥ {}", tick(low)),
        (None, None) => String::new(),
    };
    let wide = SMALL.width(&label).ceil() as i32;
    (label, wide)
}

/// Whole numbers for the axis of counts: at most four steps of 1, 2 or 5.
fn count_ticks(most: u64) -> Vec<f64> {
    let step = nice_step(most as f64 / 4.0).max(1.0);
    (1..=8).map(|i| step * f64::from(i)).take_while(|&count| count <= most as f64).collect()
}

/// Round numbers from `low` to `high`, at most `fit` and the ends of a short axis.
fn axis_ticks(low: f64, high: f64, fit: usize) -> Vec<f64> {
    let step = nice_step((high - low) / fit.max(1) as f64);
    let first = (low / step).ceil();
    let ticks: Vec<f64> =
        (0..=fit as i32).map(|i| (first + f64::from(i)) * step).take_while(|&x| x <= high).collect();
    if ticks.len() >= 2 { ticks } else { vec![low, high] }
}

/// The next of 1, 2, 5 × 10ⁿ.
fn nice_step(least: f64) -> f64 {
    if least <= 0.0 || !least.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(least.log10().floor());
    let mantissa = least / power;
    let nice = [1.0, 2.0, 5.0, 10.0].into_iter().find(|&nice| mantissa <= nice + 1e-9);
    nice.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(count_ticks(4100), [2000.0, 4000.0]);
        assert_eq!(count_ticks(1), [1.0]);
        assert_eq!(count_ticks(3), [1.0, 2.0, 3.0]);
        assert_eq!(axis_ticks(0.0, 100.0, 8), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(axis_ticks(30.0, 31.0, 2), [30.0, 30.5, 31.0]);
        assert!(count_ticks(u64::MAX).len() <= 5);
    }
}
