//! A table with bars in the cells of its numbers.

use super::pen::{
    Area, Drawn, Look, PLAIN, SMALL, column, fill, line, reserve, write, write_key, write_within,
};
use super::theme::{BAR, LINE, RULE, TRACK};
use crate::display::panel::{TOP, Table};

const ROW: i32 = 24;
const HEAD: i32 = 20;
const GAP: i32 = 16;

/// Pixels from top to bottom.
pub fn height(table: &Table, live: bool) -> i32 {
    HEAD + ROW * reserve(table.rows.len(), live, &[4, 8, 12, 16, TOP + 1]) as i32
}

/// Draws the table into an area of that height.
pub fn draw(area: &Area<'_>, table: &Table) -> Drawn {
    let width = area.dim_in_pixel().0 as i32;
    let mut x = 0;
    line(area, (0, HEAD - 3), (width, HEAD - 3), RULE)?;
    for (i, (head, room)) in table.columns.iter().zip(widths(table, width)).enumerate() {
        let place = |look: Look| if head.numeric { (x + room, look.right()) } else { (x, look) };
        let (title_x, look) = place(SMALL);
        write_within(area, (title_x, HEAD / 2 - 2), &head.title, look, room)?;
        for (r, row) in table.rows.iter().enumerate() {
            let top = HEAD + ROW * r as i32;
            let Some(cell) = row.get(i) else { continue };
            let (text_x, look) = place(PLAIN);
            let middle = if head.bar { top + 10 } else { top + ROW / 2 };
            write_key(area, (text_x, middle), &cell.text, look, room)?;
            let Some(share) = table.bar(r, i).filter(|_| head.bar) else { continue };
            let negative = cell.number.is_some_and(|number| number < 0);
            let long = if share > 0.0 { ((share * f64::from(room)) as i32).max(2) } else { 0 };
            let (from, to) = (top + 18, top + 21);
            fill(area, (x, from), (x + room, to), TRACK)?;
            // Like its number, a bar begins at the right.
            fill(area, (x + room - long, from), (x + room, to), if negative { LINE } else { BAR })?;
        }
        x += room + GAP;
    }
    if table.rows.is_empty() {
        write(area, (0, HEAD + ROW / 2), "no entries", SMALL)?;
    }
    Ok(())
}

/// The widths of the columns: what they need, and what is left over goes to the last of the text columns, so
/// that the numbers stand at the right edge.
fn widths(table: &Table, width: i32) -> Vec<i32> {
    let gaps = GAP * table.columns.len().saturating_sub(1) as i32;
    let mut widths: Vec<i32> = table
        .columns
        .iter()
        .enumerate()
        .map(|(i, head)| {
            let texts = table.rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.text.as_str());
            let title = SMALL.width(&head.title).ceil() as i32;
            column(texts, PLAIN, width).max(title).max(if head.bar { 96 } else { 32 })
        })
        .collect();
    loop {
        let excess = widths.iter().sum::<i32>() + gaps - width;
        if excess <= 0 {
            break;
        }
        let Some(widest) = widths.iter_mut().max() else { break };
        if *widest <= 40 {
            break;
        }
        *widest -= excess.min(8);
    }
    let spare = width - gaps - widths.iter().sum::<i32>();
    let bars = table.columns.iter().filter(|head| head.bar).count() as i32;
    if bars > 0 {
        // Wider bars tell no more, and take the numbers away from their keys.
        for (room, head) in widths.iter_mut().zip(&table.columns) {
            if head.bar {
                *room = (*room + spare / bars).min((*room).max(180).max(480 / bars));
            }
        }
    } else if let Some(value) = widths.last_mut() {
        *value += spare;
    }
    widths
}
