//! Sorted bars: the key in columns, bar, value, share.

use plotters::prelude::*;

use super::pen::{Area, Drawn, PLAIN, SMALL, column, line, reserve, write, write_key, write_within};
use super::theme::{BAR, INK, LINE, MUTED, RULE};
use crate::display::number::grouped;
use crate::display::panel::{Bar, Bars, TOP};

const ROW: i32 = 20;
const HEAD: i32 = 20;
const GAP: i32 = 12;

/// Pixels from top to bottom.
pub fn height(bars: &Bars, live: bool) -> i32 {
    let rows = bars.rows.len() + usize::from(bars.other.is_some());
    HEAD + ROW * reserve(rows, live, &[4, 8, 12, 16, TOP + 1]) as i32
}

/// Draws the bars into an area of that height.
pub fn draw(area: &Area<'_>, bars: &Bars) -> Drawn {
    let width = area.dim_in_pixel().0 as i32;
    let all = || bars.rows.iter().chain(&bars.other);
    let values: Vec<String> = all().map(|bar| bar.value.map_or("–".into(), grouped)).collect();

    // From the right: share, spoken value, value; from the left: the key; the bars get the rest.
    let shares = column(all().filter_map(|bar| bar.share.as_deref()), PLAIN, 64);
    let spoken = column(all().filter_map(|bar| bar.spoken.as_deref()), PLAIN, 96);
    let value_width = column(values.iter().map(String::as_str), PLAIN, 240);
    let share_x = width;
    let spoken_x = share_x - if shares > 0 { shares.max(44) + GAP } else { 0 };
    let value_x = spoken_x - if spoken > 0 { spoken + GAP } else { 0 };
    let title_width = SMALL.width(&bars.title).ceil() as i32;
    let bars_end = value_x - value_width.max(title_width) - GAP;

    let columns = key_columns(bars, (bars_end - 140).clamp(80, 280));
    let bars_start = columns.iter().map(|column| column.width + GAP).sum::<i32>();

    let head = HEAD / 2 - 2;
    let mut x = 0;
    for (i, column) in columns.iter().enumerate() {
        let title = if columns.len() == 1 { "key".into() } else { format!("key {}", i + 1) };
        let look = if column.numeric { SMALL.right() } else { SMALL };
        write(area, (x + if column.numeric { column.width } else { 0 }, head), &title, look)?;
        x += column.width + GAP;
    }
    write(area, (value_x, head), &bars.title, SMALL.right())?;
    if spoken > 0 {
        write(area, (spoken_x, head), "that is", SMALL.right())?;
    }
    if shares > 0 {
        write(area, (share_x, head), "share", SMALL.right())?;
    }
    line(area, (0, HEAD - 3), (width, HEAD - 3), RULE)?;

    for (i, (bar, value)) in all().zip(&values).enumerate() {
        let middle = HEAD + ROW * i as i32 + ROW / 2;
        let is_other = i == bars.rows.len();
        if is_other {
            write_within(area, (0, middle), &bar.key.concat(), PLAIN.color(MUTED), bars_end)?;
        } else {
            write_parts(area, bar, &columns, middle)?;
        }
        let look = PLAIN.right().color(if is_other { MUTED } else { INK });
        write(area, (value_x, middle), value, look)?;
        if let Some(said) = &bar.spoken {
            write_within(area, (spoken_x, middle), said, PLAIN.right().color(MUTED), spoken)?;
        }
        if let Some(share) = &bar.share {
            write(area, (share_x, middle), share, PLAIN.right().color(MUTED))?;
        }
    }

    let room = ((bars_end - bars_start).max(1), ROW * bars.rows.len().max(1) as i32);
    let chart_area = area.clone().shrink((bars_start, HEAD), room);
    let (low, high) = (bars.low as f64, bars.high as f64);
    let span = if high > low { high - low } else { 1.0 };
    let rows = bars.rows.len().max(1) as f64;
    let mut chart = ChartBuilder::on(&chart_area).build_cartesian_2d(low..low + span, rows..0.0)?;
    chart.draw_series([PathElement::new(vec![(0.0, 0.0), (0.0, rows)], MUTED)])?;
    // A bar of one in a million is still a bar.
    let least = span * 3.0 / f64::from(room.0);
    chart.draw_series(bars.rows.iter().enumerate().filter_map(|(i, bar)| {
        let value = bar.value.filter(|value| *value != 0)? as f64;
        let (color, end) = if value < 0.0 { (LINE, value.min(-least)) } else { (BAR, value.max(least)) };
        let row = i as f64;
        Some(Rectangle::new([(0.0, row + 0.15), (end.max(low), row + 0.85)], color.filled()))
    }))?;
    Ok(())
}

/// A part of the key.
struct KeyColumn {
    width: i32,
    numeric: bool,
}

/// The columns of the key within `room`; where they do not fit, the widest gives way first.
fn key_columns(bars: &Bars, room: i32) -> Vec<KeyColumn> {
    let mut widths: Vec<i32> = (0..bars.columns.len())
        .map(|i| {
            let parts = bars.rows.iter().filter_map(|row| row.key.get(i));
            column(parts.map(String::as_str), PLAIN, room).max(36)
        })
        .collect();
    while widths.iter().map(|width| width + GAP).sum::<i32>() > room + GAP {
        let Some(widest) = widths.iter_mut().max() else { break };
        if *widest <= 40 {
            break;
        }
        *widest -= 8;
    }
    widths.into_iter().zip(&bars.columns).map(|(width, &numeric)| KeyColumn { width, numeric }).collect()
}

fn write_parts(area: &Area<'_>, bar: &Bar, columns: &[KeyColumn], middle: i32) -> Drawn {
    let mut x = 0;
    for (part, column) in bar.key.iter().zip(columns) {
        if column.numeric {
            write_key(area, (x + column.width, middle), part, PLAIN.right(), column.width)?;
        } else {
            write_key(area, (x, middle), part, PLAIN, column.width)?;
        }
        x += column.width + GAP;
    }
    Ok(())
}
