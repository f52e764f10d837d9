//! SVG → PNG, for front ends that do not show SVG: untrusted notebooks, some viewers.
//!
//! *Invariant:* needs no font of the machine; the embedded one is all it looks at.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::Database;
use resvg::usvg::{Options, Tree};

use super::font;
use super::svg::{Svg, WIDTH};

/// Pixels of the image for each of the figure: sharp on dense screens, as long as it does not get large.
fn scale(height: i32) -> f32 {
    match height {
        ..=800 => 2.0,
        801..=1600 => 1.5,
        _ => 1.0,
    }
}

fn fonts() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut fonts = Database::new();
        fonts.load_font_data(font::REGULAR.to_vec());
        fonts.load_font_data(font::BOLD.to_vec());
        fonts.set_sans_serif_family(font::FAMILY);
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}

/// The figure as PNG; `None` if it cannot be drawn.
pub fn render(svg: &Svg) -> Option<Vec<u8>> {
    let options = Options { font_family: font::FAMILY.to_owned(), fontdb: fonts(), ..Options::default() };
    let tree = Tree::from_str(&svg.text, &options).ok()?;
    let scale = scale(svg.height);
    let width = (WIDTH as f32 * scale) as u32;
    let height = (svg.height as f32 * scale) as u32;
    let mut image = Pixmap::new(width, height)?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut image.as_mut());
    image.encode_png().ok()
}
