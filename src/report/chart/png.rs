//! PNG of a picture, twice its size, with the embedded font and no other.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

const REGULAR: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
const BOLD: &[u8] = include_bytes!("../../../assets/fonts/Inter-Bold.otf");

/// Pixels per point.
const ZOOM: f32 = 2.0;

/// The fonts, read once. All five generic families name the embedded one: text of an unknown family is dropped silently.
fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let read = || {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(REGULAR.to_vec());
        fonts.load_font_data(BOLD.to_vec());
        fonts.set_sans_serif_family("Inter");
        fonts.set_serif_family("Inter");
        fonts.set_monospace_family("Inter");
        fonts.set_cursive_family("Inter");
        fonts.set_fantasy_family("Inter");
        Arc::new(fonts)
    };
    FONTS.get_or_init(read).clone()
}

/// Draws an SVG as PNG. The error says what could not be read or drawn.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let options = Options { fontdb: fonts(), font_family: "Inter".into(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| format!("a picture that is not SVG: {error}"))?;
    let size = tree.size();
    let (width, height) = ((size.width() * ZOOM).ceil() as u32, (size.height() * ZOOM).ceil() as u32);
    let mut pixels = Pixmap::new(width, height).ok_or("a picture without a size")?;
    resvg::render(&tree, Transform::from_scale(ZOOM, ZOOM), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| format!("a picture that cannot be encoded: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dark(svg: &str) -> usize {
        let pixels = Pixmap::decode_png(&png(svg).unwrap()).unwrap();
        pixels.pixels().iter().filter(|p| p.alpha() > 128 && p.red() < 128).count()
    }

    fn words(family: &str, weight: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"200\" height=\"40\"><text x=\"5\" y=\"30\" {family} \
             font-size=\"24\" font-weight=\"{weight}\">99.9 % → ±µs</text></svg>"
        )
    }

    #[test]
    fn text_of_any_family_is_there() {
        for family in ["", "serif", "sans-serif", "monospace", "cursive", "fantasy", "Inter", "Unheard Of, sans-serif"]
        {
            let family = if family.is_empty() { String::new() } else { format!("font-family=\"{family}\"") };
            assert!(dark(&words(&family, "normal")) > 500, "{family}");
        }
    }

    #[test]
    fn bold_is_bolder() {
        assert!(dark(&words("", "bold")) as f64 > 1.15 * dark(&words("", "normal")) as f64);
    }

    #[test]
    fn an_error_is_a_fragment() {
        assert!(png("no picture").unwrap_err().starts_with("a picture"));
    }
}
