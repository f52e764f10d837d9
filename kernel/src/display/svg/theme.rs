//! The colours of figures, by what they stand for.
//!
//! Data colours reach a contrast of 3:1 on light and dark, text 4.5:1. Nothing is told by colour alone.

use plotters::style::RGBColor;

/// Text.
pub const INK: RGBColor = RGBColor(0x1b, 0x1b, 0x1b);
/// Text of lesser weight: headers, notes.
pub const MUTED: RGBColor = RGBColor(0x57, 0x60, 0x6a);
/// Thin lines.
pub const RULE: RGBColor = RGBColor(0xd8, 0xde, 0xe4);
/// What a bar runs over.
pub const TRACK: RGBColor = RGBColor(0xf0, 0xf2, 0xf5);
/// The ground of a figure.
pub const CARD: RGBColor = RGBColor(0xff, 0xff, 0xfe);
/// Bars.
pub const BAR: RGBColor = RGBColor(0x00, 0x72, 0xb2);
/// Lines over bars, and bars of negative numbers.
pub const LINE: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
/// Text that belongs to a line, and warnings.
pub const LINE_TEXT: RGBColor = RGBColor(0xa8, 0x48, 0x00);
/// Not a colour but a pattern: what lies outside of an axis, or has no end.
pub const HATCH: RGBColor = RGBColor(0x00, 0x72, 0xb3);

/// What replaces them where the reader's system is dark.
pub const DARK: [(RGBColor, &str); 8] = [
    (INK, "#e8eaed"),
    (MUTED, "#a9b1ba"),
    (RULE, "#434a53"),
    (TRACK, "#282d33"),
    (CARD, "#1a1d21"),
    (BAR, "#3d9bd9"),
    (LINE, "#f08c3a"),
    (LINE_TEXT, "#f4a261"),
];

/// `#0072b2`
pub fn hex(color: (u8, u8, u8)) -> String {
    format!("#{:02x}{:02x}{:02x}", color.0, color.1, color.2)
}
