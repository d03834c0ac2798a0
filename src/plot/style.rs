//! What all pictures have in common: font, colours, sizes, and how they become PNG and SVG.

use std::fmt::Display;
use std::sync::OnceLock;

use image::ImageEncoder;
use image::codecs::png::PngEncoder;
use plotters::chart::MeshStyle;
use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;
use plotters::style::{FontStyle, TextStyle, register_font};

use super::PlotError;
use crate::untrusted::visible;

/// Room for the title above the panels, in pixels.
pub(super) const TITLE_HEIGHT: u32 = 36;
const FONT: &str = "sans-serif";
// Sizes in pixels are even: plotters cuts half pixels off towards zero, which would put letters off their line.
const TITLE_SIZE: i32 = 20;
pub(super) const HEAD_SIZE: i32 = 18;
pub(super) const LABEL_SIZE: i32 = 14;
pub(super) const INK: RGBColor = RGBColor(40, 44, 52);
pub(super) const GRID: RGBColor = RGBColor(226, 228, 233);

/// Okabe and Ito's colours, told apart by colour-blind eyes; yellow left out, which is lost on white.
pub(super) const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(90, 90, 90),
];

/// The style of text of a size.
pub(super) fn text(size: i32) -> TextStyle<'static> {
    (FONT, size).into_font().color(&INK)
}

/// Writes a title, made safe to show, and gives what is left below it.
pub(super) fn title<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    words: &str,
) -> Result<DrawingArea<B, Shift>, PlotError> {
    let (head, rest) = area.split_vertically(TITLE_HEIGHT);
    head.draw_text(&visible(words), &text(TITLE_SIZE), (16, 12))
        .map_err(failed)?;
    Ok(rest)
}

/// A picture as the bytes of a PNG file.
pub(super) fn png_of(
    (width, height): (u32, u32),
    draw: impl FnOnce(&DrawingArea<BitMapBackend<'_>, Shift>) -> Result<(), PlotError>,
) -> Result<Vec<u8>, PlotError> {
    let mut pixels = vec![255; 3 * width as usize * height as usize];
    draw(&BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area())?;
    encoded(&pixels, width, height)
}

/// RGB pixels, row by row, as the bytes of a PNG file.
pub(super) fn encoded(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>, PlotError> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(pixels, width, height, image::ExtendedColorType::Rgb8)
        .map_err(failed)?;
    Ok(bytes)
}

/// A picture as the text of an SVG file.
pub(super) fn svg_of(
    size: (u32, u32),
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), PlotError>,
) -> Result<String, PlotError> {
    let mut text = String::new();
    draw(&SVGBackend::with_string(&mut text, size).into_drawing_area())?;
    Ok(text)
}

/// Registers the font that ships with the program.
pub(super) fn load_font() {
    static LOADED: OnceLock<()> = OnceLock::new();
    LOADED.get_or_init(|| {
        let font = include_bytes!("../../assets/Inter-Regular.otf");
        // A font that can't be read shows as an error where text is drawn.
        let _ = register_font(FONT, FontStyle::Normal, font);
    });
}

pub(super) fn failed(error: impl Display) -> PlotError {
    PlotError::Draw {
        reason: error.to_string(),
    }
}

/// Grid, axes and labels as every chart has them.
pub(super) fn plain<'m, 'a, 'b, X, Y, B>(
    mesh: &'m mut MeshStyle<'a, 'b, X, Y, B>,
) -> &'m mut MeshStyle<'a, 'b, X, Y, B>
where
    X: Ranged + ValueFormatter<X::ValueType>,
    Y: Ranged + ValueFormatter<Y::ValueType>,
    B: DrawingBackend,
{
    mesh.bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(GRID.mix(1.0))
        .label_style(text(LABEL_SIZE))
}
