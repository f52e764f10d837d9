//! `hist`: one row per bucket with its numbers and the line of cumulative shares; by key small multiples.

use plotters::prelude::*;

use super::pen::{Area, Drawn, Look, PLAIN, SMALL, column, line, reserve, write, write_within};
use super::theme::{BAR, LINE, LINE_TEXT, MUTED, RULE};
use crate::display::number::{grouped, percent};
use crate::display::panel::{Distribution, Series};

const HEAD: i32 = 20;
const FOOT: i32 = 34;
const GAP: i32 = 12;
/// Small multiples in a row.
const ACROSS: usize = 3;
/// Title lines of a small multiple.
const TITLE: i32 = 36;

/// How high a row is and how large its text.
fn row(rows: usize) -> (i32, f64) {
    match rows {
        0..=24 => (18, 12.0),
        25..=40 => (14, 10.5),
        _ => (12, 9.5),
    }
}

fn rows(drawn: &Distribution, live: bool) -> usize {
    reserve(drawn.ranges.len(), live, &[8, 12, 16, 20, 24, 32, 40, 64])
}

/// Rows of a small multiple are lower.
fn small_row(rows: usize) -> (i32, f64) {
    match rows {
        0..=16 => (13, 10.0),
        17..=28 => (11, 9.0),
        _ => (9, 8.5),
    }
}

/// Rows of small multiples.
fn bands(series: usize, live: bool) -> usize {
    reserve(series.div_ceil(ACROSS), live, &[1, 2, 4])
}

/// Pixels from top to bottom.
pub fn height(drawn: &Distribution, live: bool) -> i32 {
    let rows = rows(drawn, live);
    if drawn.keyed {
        (TITLE + small_row(rows).0 * rows as i32 + GAP) * bands(drawn.series.len(), live) as i32
    } else {
        HEAD + row(rows).0 * rows as i32 + FOOT
    }
}

/// Draws the histogram into an area of that height.
pub fn draw(area: &Area<'_>, drawn: &Distribution, live: bool) -> Drawn {
    match drawn.series.first() {
        Some(series) if !drawn.keyed => draw_one(area, drawn, series, live),
        _ => draw_multiples(area, drawn, live),
    }
}

fn draw_one(area: &Area<'_>, drawn: &Distribution, series: &Series, live: bool) -> Drawn {
    let width = area.dim_in_pixel().0 as i32;
    let (row, size) = row(rows(drawn, live));
    let text = PLAIN.size(size);
    let small = SMALL.size(size.min(SMALL.size));

    let counts: Vec<String> = series.counts.iter().map(|&n| grouped(i128::from(n))).collect();
    let tags: Vec<String> = (0..drawn.ranges.len()).map(|i| tag(series, i)).collect();

    // From the left: label, spoken label; from the right: cumulative, share, count, percentiles.
    let label_end = column(drawn.ranges.iter().map(|range| range.label.as_str()), text, 190);
    let said = || drawn.ranges.iter().filter_map(|range| range.spoken.as_deref());
    let said_width = column(said(), small, 130);
    let said_end = label_end + if said_width > 0 { said_width + GAP } else { 0 };
    let through_end = width;
    let share_end = through_end - column(["100.0%", "cumulative"].into_iter(), SMALL, 80) - GAP;
    let count_end = share_end - column(["100.0%"].into_iter(), text, 80) - GAP;
    let count_width = column(counts.iter().map(String::as_str).chain(["count"]), text, 200);
    let tag_end = count_end - count_width - GAP;
    let tag_width = column(tags.iter().map(String::as_str), small.bold(), 90).max(32);
    let start = said_end + GAP;
    let end = tag_end - tag_width - 8;

    let head = HEAD / 2 - 2;
    write(area, (label_end, head), "bucket", SMALL.right())?;
    if said_width > 0 {
        write(area, (said_end, head), "time", SMALL.right())?;
    }
    write(area, (count_end, head), "count", SMALL.right())?;
    write(area, (share_end, head), "share", SMALL.right())?;
    write(area, (through_end, head), "cumulative", SMALL.right().color(LINE_TEXT))?;
    line(area, (0, HEAD - 3), (width, HEAD - 3), RULE)?;

    let room = ((end - start).max(1), row * drawn.ranges.len() as i32);
    let bottom = HEAD + room.1;
    for quarter in 0..=4 {
        let x = start + room.0 * quarter / 4;
        line(area, (x, HEAD), (x, bottom + 4), RULE)?;
        let look = SMALL.size(9.5).center().color(LINE_TEXT);
        write(area, (x, bottom + 11), &format!("{}%", quarter * 25), look)?;
    }
    let caption = "line: share of values up to the end of a bucket";
    write(area, (start + room.0 / 2, bottom + 25), caption, SMALL.size(9.5).center().color(LINE_TEXT))?;

    let rows = drawn.ranges.len() as f64;
    let chart_area = area.clone().shrink((start, HEAD), room);
    let mut chart = ChartBuilder::on(&chart_area).build_cartesian_2d(0.0..1.0, rows..0.0)?;
    draw_bars(&mut chart, series, drawn.most, room.0, 0.12)?;
    let mut below = 0u128;
    let mut line = vec![(0.0, 0.0)];
    for (i, &count) in series.counts.iter().enumerate() {
        below += u128::from(count);
        line.push((below as f64 / series.n.max(1) as f64, i as f64 + 1.0));
    }
    chart.draw_series(LineSeries::new(line.clone(), LINE.stroke_width(2)))?;
    if series.counts.len() <= 40 {
        chart.draw_series(line.into_iter().skip(1).map(|point| Circle::new(point, 2, LINE.filled())))?;
    }

    let mut below = 0u128;
    for (i, range) in drawn.ranges.iter().enumerate() {
        let middle = HEAD + row * i as i32 + row / 2;
        let count = series.counts.get(i).copied().unwrap_or(0);
        below += u128::from(count);
        let number = if count == 0 { text.right().color(MUTED) } else { text.right() };
        write_within(area, (label_end, middle), &range.label, text.right(), label_end)?;
        if let Some(said) = &range.spoken {
            write_within(area, (said_end, middle), said, small.right(), said_width)?;
        }
        write(area, (tag_end - tag_width, middle), &tags[i], small.bold().color(LINE_TEXT))?;
        write(area, (count_end, middle), &counts[i], number)?;
        write(area, (share_end, middle), &percent(count.into(), series.n), text.right().color(MUTED))?;
        write(area, (through_end, middle), &percent(below, series.n), text.right().color(MUTED))?;
    }
    Ok(())
}

/// The percentiles that lie in a range: `p90 p99`.
fn tag(series: &Series, range: usize) -> String {
    let names: Vec<&str> =
        series.marks.iter().filter(|mark| mark.range == range).map(|mark| mark.name).collect();
    names.join(" ")
}

type Chart<'a, 'b> = ChartContext<
    'b,
    super::surface::Surface<'a>,
    Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
>;

/// The bars of a series on an axis from 0 to 1; what is not 0 is at least two pixels long.
fn draw_bars(chart: &mut Chart<'_, '_>, series: &Series, most: u64, room: i32, inset: f64) -> Drawn {
    let least = 2.0 / f64::from(room);
    let bars = series.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(i, &count)| {
        let length = (count as f64 / most.max(1) as f64).max(least);
        let row = i as f64;
        Rectangle::new([(0.0, row + inset), (length, row + 1.0 - inset)], BAR.filled())
    });
    chart.draw_series(bars)?;
    Ok(())
}

fn draw_multiples(area: &Area<'_>, drawn: &Distribution, live: bool) -> Drawn {
    let width = area.dim_in_pixel().0 as i32;
    let (row, size) = small_row(rows(drawn, live));
    let text = SMALL.size(size);
    let label_end = column(drawn.ranges.iter().map(|range| range.label.as_str()), text, 150);
    let across = width - label_end - GAP;
    let room = across / ACROSS as i32 - GAP;
    let high = row * drawn.ranges.len() as i32;
    let band_height = TITLE + row * rows(drawn, live) as i32 + GAP;
    // Labels of low rows would touch: every second is left out.
    let every = if row < 11 { 2 } else { 1 };
    for (band, group) in drawn.series.chunks(ACROSS).enumerate() {
        let top = band_height * band as i32;
        for (i, range) in drawn.ranges.iter().enumerate().step_by(every) {
            let middle = top + TITLE + row * i as i32 + row / 2;
            write_within(area, (label_end, middle), &range.label, text.right(), label_end)?;
        }
        for (i, series) in group.iter().enumerate() {
            let left = label_end + GAP + (room + GAP) * i as i32;
            write_title(area, series, (left, top), room)?;
            for part in [0, room / 2, room] {
                line(area, (left + part, top + TITLE), (left + part, top + TITLE + high), RULE)?;
            }
            let chart_area = area.clone().shrink((left, top + TITLE), (room, high));
            let rows = drawn.ranges.len() as f64;
            let mut chart = ChartBuilder::on(&chart_area).build_cartesian_2d(0.0..1.0, rows..0.0)?;
            draw_bars(&mut chart, series, drawn.most, room, 0.1)?;
        }
    }
    Ok(())
}

/// The title of a small multiple: key and n, below them the median and the tail.
pub fn write_title(area: &Area<'_>, series: &Series, (left, top): (i32, i32), room: i32) -> Drawn {
    let n = format!("n {}", grouped(series.n as i128));
    let n_look = SMALL.right();
    write(area, (left + room, top + 8), &n, n_look)?;
    let title = PLAIN.bold();
    write_within(area, (left, top + 8), &series.title, title, room - n_look.width(&n) as i32 - 10)?;
    let marks: Vec<String> = series
        .marks
        .iter()
        .filter(|mark| mark.name != "p90")
        .map(|mark| format!("{} {}", mark.name, mark.label))
        .collect();
    let look: Look = SMALL.size(10.0).color(LINE_TEXT);
    write_within(area, (left, top + 23), &marks.join(" · "), look, room)
}
