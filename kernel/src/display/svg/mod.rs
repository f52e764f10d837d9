//! [`Display`] → SVG: one card with a panel per map, stacked.
//!
//! Notebooks show it inside of `<img>`: no scripts, no links, no fonts or colours of the page. So the card
//! brings its own ground, and is legible on light and dark pages; where the reader's system is dark, the card
//! is as well.
//!
//! *Invariant:* well-formed XML whatever the traced system put into its strings; 720 pixels wide; ids begin
//! with one that is drawn from the content, so that figures on one page do not share them; below
//! [`LIMIT`] bytes. While a run is live the height follows classes of content, not each new row.
//!
//! *Not here:* which rows there are and what they say (`panel`).

mod bars;
mod caption;
mod histogram;
mod linear;
mod lines;
mod pen;
mod scalar;
mod surface;
mod table;
mod theme;

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use plotters::prelude::IntoDrawingArea;

use super::{Caption, Display, Kind, Panel, font};
use pen::{Area, Drawn, PLAIN, SMALL, write, write_within};
use surface::{Surface, escape};
use theme::{BAR, CARD, DARK, INK, RULE, hex};

/// Pixels.
pub const WIDTH: i32 = 720;

/// Bytes of a figure.
pub const LIMIT: usize = 200_000;

/// Pixels.
const TALLEST: i32 = 6000;

const PAD: i32 = 16;
const ROOM: i32 = WIDTH - 2 * PAD;
/// The title of a panel and its second line.
const TITLE: i32 = 26;
const NOTE: i32 = 15;
const BETWEEN: i32 = 18;

/// A figure and its height in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svg {
    /// The document.
    pub text: String,
    /// Pixels.
    pub height: i32,
}

/// Draws all panels.
pub fn render(display: &Display) -> Svg {
    let id = figure_id(display);
    let live = display.caption.as_ref().is_some_and(|caption| caption.live);
    let mut body = String::new();
    let mut y = PAD;
    if let Some(caption) = display.caption.as_ref().filter(|_| live) {
        place(&mut body, y, caption::PROGRESS, &id, |area| caption::draw_progress(area, caption));
        y += caption::PROGRESS;
    }
    for (i, panel) in display.panels.iter().enumerate() {
        let height = panel_height(panel, live);
        let before = body.len();
        let top = y + if i > 0 { BETWEEN } else { 0 };
        if i > 0 {
            let rule = y + BETWEEN / 2;
            let _ = write!(body, "<path d='M{PAD} {rule}.5h{ROOM}' stroke='{}'/>", color(RULE));
        }
        place(&mut body, top, height, &id, |area| draw_panel(area, panel, live));
        if i > 0 && (body.len() > LIMIT - 16_000 || top + height > TALLEST) {
            // What does not fit is named, not drawn.
            body.truncate(before);
            let names: Vec<&str> = display.panels[i..].iter().map(|panel| panel.name.as_str()).collect();
            let text = format!("not drawn, see the text: {}", names.join(", "));
            place(&mut body, top, NOTE, &id, |area| write_within(area, (0, NOTE / 2), &text, SMALL, ROOM));
            y = top + NOTE;
            break;
        }
        y = top + height;
    }
    if let Some(caption) = &display.caption {
        let lines = caption::lines(caption, ROOM);
        let height = caption::height(&lines);
        place(&mut body, y + 8, height, &id, |area| caption::draw_lines(area, &lines));
        y += 8 + height;
    }
    let height = y + PAD - 4;
    let mut text = open(display, &id, height);
    text.push_str(&body);
    text.push_str("</g></svg>");
    Svg { text, height }
}

/// Ids of a figure begin with this; equal figures have equal ones.
fn figure_id(display: &Display) -> String {
    let mut hasher = DefaultHasher::new();
    display.plain.hash(&mut hasher);
    for panel in &display.panels {
        (&panel.name, &panel.about).hash(&mut hasher);
    }
    if let Some(caption) = &display.caption {
        (caption.live, caption.elapsed, caption.events, caption.probes, &caption.notes).hash(&mut hasher);
    }
    format!("pb{:x}", hasher.finish())
}

/// Everything before the content.
fn open(display: &Display, id: &str, height: i32) -> String {
    let names: Vec<&str> = display.panels.iter().map(|panel| panel.name.as_str()).collect();
    let mut described: Vec<String> = display.panels.iter().map(Panel::description).collect();
    if let Some(caption) = &display.caption {
        described.push(describe(caption));
    }
    let described: String = described.join("\n").chars().take(4000).collect();
    let dark: String = DARK
        .iter()
        .map(|(light, dark)| {
            let light = color(*light);
            format!("#{id} [fill='{light}']{{fill:{dark}}}#{id} [stroke='{light}']{{stroke:{dark}}}")
        })
        .collect();
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' id='{id}' width='{WIDTH}' height='{height}' \
         viewBox='0 0 {WIDTH} {height}' role='img' aria-labelledby='{id}-t {id}-d'>\
         <title id='{id}-t'>{}</title><desc id='{id}-d'>{}</desc>\
         <style>#{id} text{{font-variant-numeric:tabular-nums}}\
         @media (prefers-color-scheme:dark){{{dark}}}</style>\
         <defs><pattern id='{id}-h' width='5' height='5' patternUnits='userSpaceOnUse' \
         patternTransform='rotate(45)'><path d='M1 0V5' stroke='{}' stroke-width='2'/></pattern></defs>\
         <rect x='0.5' y='0.5' width='{}' height='{}' rx='6' fill='{}' stroke='{}'/>\
         <g font-family='{}, Verdana, sans-serif' font-size='12' fill='{}'>",
        escape(&names.join(", ")),
        escape(&described),
        color(BAR),
        WIDTH - 1,
        height - 1,
        color(CARD),
        color(RULE),
        font::FAMILY,
        color(INK),
    )
}

/// The words below the maps, a line each.
pub fn caption_text(caption: &Caption) -> Vec<String> {
    caption::lines(caption, ROOM).iter().map(|line| line.text().to_owned()).collect()
}

fn describe(caption: &Caption) -> String {
    let lines = caption::lines(caption, i32::MAX);
    let state = if caption.live { "Still running" } else { "Ended" };
    format!("{state}: {}", lines.iter().map(caption::Line::text).collect::<Vec<_>>().join(". "))
}

fn color(color: plotters::style::RGBColor) -> String {
    hex((color.0, color.1, color.2))
}

/// Draws a part of the figure at `y`.
fn place(body: &mut String, y: i32, height: i32, id: &str, draw: impl FnOnce(&Area<'_>) -> Drawn) {
    let _ = write!(body, "<g transform='translate({PAD} {y})'>");
    let failed = {
        let surface = Surface::new(body, (ROOM as u32, height.max(1) as u32), id);
        let area = surface.into_drawing_area();
        draw(&area).is_err()
    };
    if failed {
        body.push_str("<text y='12'>This map could not be drawn; its text is complete.</text>");
    }
    body.push_str("</g>");
}

fn second_lines(panel: &Panel) -> i32 {
    match &panel.kind {
        Kind::Histogram(drawn) if !drawn.keyed => 18,
        _ => 0,
    }
}

fn panel_height(panel: &Panel, live: bool) -> i32 {
    let content = match &panel.kind {
        Kind::Empty => 22,
        Kind::Scalar(scalar) => scalar::height(scalar),
        Kind::Bars(bars) => bars::height(bars, live),
        Kind::Table(table) => table::height(table, live),
        Kind::Histogram(drawn) => histogram::height(drawn, live),
        Kind::Linear(drawn) => linear::height(drawn, live),
        Kind::Lines(drawn) => lines::height(drawn, live),
    };
    // A note may come while the figure is live, and go.
    let notes = note_lines(panel).len().max(usize::from(live && !matches!(panel.kind, Kind::Scalar(_))));
    TITLE + second_lines(panel) + content + NOTE * notes as i32
}

/// The panel's notes, and what small multiples share, in lines.
fn note_lines(panel: &Panel) -> Vec<String> {
    let mut notes = panel.notes.clone();
    if let Kind::Histogram(drawn) | Kind::Linear(drawn) = &panel.kind
        && drawn.keyed
    {
        let full = super::number::grouped(i128::from(drawn.most));
        notes.insert(0, format!("one scale for all: a full bar is {full}"));
    }
    font::wrap(&notes.join(" · "), SMALL.size, f64::from(ROOM))
}

fn draw_panel(area: &Area<'_>, panel: &Panel, live: bool) -> Drawn {
    let title = PLAIN.bold().size(15.0);
    let name_room = ROOM / 2;
    write_within(area, (0, 9), &panel.name, title, name_room)?;
    let x = (title.width(&panel.name).ceil() as i32).min(name_room) + 10;
    write_within(area, (x, 10), &panel.about, PLAIN.color(theme::MUTED), ROOM - x)?;
    if let Kind::Histogram(drawn) = &panel.kind
        && let Some(series) = drawn.series.first().filter(|_| !drawn.keyed)
    {
        let said: Vec<String> = series
            .marks
            .iter()
            .map(|mark| match &mark.spoken {
                Some(said) => format!("{} {said}", mark.name),
                None => format!("{} in {}", mark.name, mark.label),
            })
            .collect();
        write_within(
            area,
            (0, TITLE + 4),
            &said.join(" · "),
            SMALL.size(11.0).color(theme::LINE_TEXT),
            ROOM,
        )?;
    }
    let top = TITLE + second_lines(panel);
    let notes = note_lines(panel);
    let height = panel_height(panel, live);
    let content = area.clone().shrink((0, top), (ROOM, height - top - NOTE * notes.len() as i32));
    match &panel.kind {
        Kind::Empty => write(&content, (0, 8), "no entries", PLAIN.color(theme::MUTED))?,
        Kind::Scalar(scalar) => scalar::draw(&content, scalar)?,
        Kind::Bars(bars) => bars::draw(&content, bars)?,
        Kind::Table(table) => table::draw(&content, table)?,
        Kind::Histogram(drawn) => histogram::draw(&content, drawn, live)?,
        Kind::Linear(drawn) => linear::draw(&content, drawn, panel.unit)?,
        Kind::Lines(drawn) => lines::draw(&content, drawn)?,
    }
    // Right below what is drawn, also where room is kept for more.
    let below = panel_height(panel, false) - NOTE * notes.len() as i32;
    for (i, note) in notes.iter().enumerate() {
        let middle = below + NOTE * i as i32 + NOTE / 2 + 2;
        write(area, (0, middle), note, SMALL)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
