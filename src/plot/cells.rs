//! A screen of character cells as a picture. Curves, rules, bars and shades are shapes, since fonts differ in how they
//! place these and many lack them; everything else is text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::style::{failed, load_font, png_of, text};
use super::{Format, PlotError, format_of, write};

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharacterCell {
    /// What is in it; empty behind a character that is two cells wide.
    pub symbol: String,
    /// The colour of that, red, green, blue.
    pub ink: [u8; 3],
    /// The colour behind it, where that is another than everywhere.
    pub ground: Option<[u8; 3]>,
    /// Whether letters are bold.
    pub bold: bool,
}

/// A screen of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// Cells from left to right.
    pub columns: usize,
    /// All of them, row by row.
    pub cells: Vec<CharacterCell>,
    /// What lies behind all.
    pub ground: [u8; 3],
}

/// A cell's width and height in a picture.
const CELL: (i32, i32) = (8, 16);
/// A PNG has so many pixels for one of these.
const PIXELS: i32 = 2;

/// Left, top, width, height.
type Shape = (i32, i32, i32, i32);

impl Cells {
    /// Draws them into a file, whose ending says as what: .png or .svg.
    ///
    /// # Errors
    /// When the ending is another one, or the file can't be written.
    pub fn save(&self, path: &Path) -> Result<(), PlotError> {
        let bytes = match format_of(path)? {
            Format::Png => self.png()?,
            Format::Svg => self.svg().into_bytes(),
            Format::Csv => {
                return Err(PlotError::Ending {
                    path: path.to_owned(),
                });
            }
        };
        write(path, &bytes)
    }

    fn size(&self) -> (i32, i32) {
        let rows = self.cells.len().div_ceil(self.columns.max(1));
        (self.columns as i32 * CELL.0, rows as i32 * CELL.1)
    }

    /// The cells with their left and top ends.
    fn placed(&self) -> impl Iterator<Item = (i32, i32, &CharacterCell)> {
        let columns = self.columns.max(1);
        let place = move |at: usize| {
            let (column, row) = (at % columns, at / columns);
            (column as i32 * CELL.0, row as i32 * CELL.1)
        };
        let cells = self.cells.iter().enumerate();
        cells.map(move |(at, cell)| (place(at).0, place(at).1, cell))
    }

    /// What lies behind cells, what is drawn in them, by colour; neighbours in a row are one.
    fn shapes(&self) -> [BTreeMap<[u8; 3], Vec<Shape>>; 2] {
        let mut layers = [BTreeMap::new(), BTreeMap::new()];
        let mut add = |layer: usize, colour: [u8; 3], shape: Shape| {
            let shapes: &mut Vec<Shape> = layers[layer].entry(colour).or_default();
            match shapes.last_mut() {
                Some(last)
                    if (last.1, last.3) == (shape.1, shape.3) && last.0 + last.2 == shape.0 =>
                {
                    last.2 += shape.2;
                }
                _ => shapes.push(shape),
            }
        };
        for (x, y, cell) in self.placed() {
            if let Some(ground) = cell.ground {
                add(0, ground, (x, y, CELL.0, CELL.1));
            }
            let behind = cell.ground.unwrap_or(self.ground);
            for (colour, (left, top, width, height)) in drawn(cell, behind) {
                add(1, colour, (x + left, y + top, width, height));
            }
        }
        layers
    }

    /// Runs of letters of one look: where they begin, their cells, and what they say.
    fn texts(&self) -> Vec<(i32, i32, &CharacterCell, String)> {
        let mut texts: Vec<(i32, i32, &CharacterCell, String)> = Vec::new();
        let mut end = (0, 0);
        for (x, y, cell) in self.placed() {
            let is_text = !cell.symbol.trim().is_empty() && drawn(cell, self.ground).is_empty();
            let alike = |other: &CharacterCell| (other.ink, other.bold) == (cell.ink, cell.bold);
            match texts.last_mut() {
                // Only what fonts place alike is written in one go.
                Some((_, _, first, text))
                    if is_text && end == (x, y) && alike(first) && cell.symbol.is_ascii() =>
                {
                    *text += &cell.symbol;
                    end.0 += CELL.0;
                }
                _ if is_text => {
                    texts.push((x, y, cell, cell.symbol.clone()));
                    end = (x + CELL.0, y);
                }
                _ => {}
            }
        }
        texts
    }

    fn svg(&self) -> String {
        let (width, height) = self.size();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"DejaVu Sans Mono,Menlo,Consolas,monospace\" font-size=\"13\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n",
            hex(self.ground)
        );
        // Writing to a `String` can't fail.
        for layer in self.shapes() {
            for (colour, shapes) in layer {
                let _ = write!(svg, "<path fill=\"{}\" d=\"", hex(colour));
                for (x, y, width, height) in shapes {
                    let _ = write!(svg, "M{x} {y}h{width}v{height}h-{width}z");
                }
                svg.push_str("\"/>\n");
            }
        }
        for (x, y, cell, text) in self.texts() {
            let weight = if cell.bold {
                " font-weight=\"bold\""
            } else {
                ""
            };
            let length = text.chars().count() as i32 * CELL.0;
            // Of one character its reader's font knows the width.
            let length = if text.is_ascii() {
                format!(" textLength=\"{length}\"")
            } else {
                String::new()
            };
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"{}\"{length} fill=\"{}\"{weight}>{}</text>",
                y + CELL.1 - 4,
                hex(cell.ink),
                escaped(&text)
            );
        }
        svg + "</svg>\n"
    }

    fn png(&self) -> Result<Vec<u8>, PlotError> {
        load_font();
        let (width, height) = self.size();
        let colour = |[red, green, blue]: [u8; 3]| RGBColor(red, green, blue);
        let pixels = ((width * PIXELS) as u32, (height * PIXELS) as u32);
        png_of(pixels, |area| {
            area.fill(&colour(self.ground)).map_err(failed)?;
            for (ink, shapes) in self.shapes().into_iter().flatten() {
                for (x, y, width, height) in shapes {
                    let corners = [(x, y), (x + width, y + height)];
                    let corners = corners.map(|(x, y)| (x * PIXELS, y * PIXELS));
                    let rectangle = Rectangle::new(corners, colour(ink).filled());
                    area.draw(&rectangle).map_err(failed)?;
                }
            }
            for (x, y, cell, words) in self.texts() {
                let ink = colour(cell.ink);
                let style = text(11 * PIXELS)
                    .color(&ink)
                    .pos(Pos::new(HPos::Center, VPos::Center));
                for (nth, letter) in (0..).zip(words.chars()) {
                    let at = (2 * x + (2 * nth + 1) * CELL.0, 2 * y + CELL.1);
                    let at = (at.0 * PIXELS / 2, at.1 * PIXELS / 2);
                    area.draw_text(&letter.to_string(), &style, at)
                        .map_err(failed)?;
                }
            }
            Ok(())
        })
    }
}

/// The shapes of a character that isn't left to a font, from the cell's left upper corner.
fn drawn(cell: &CharacterCell, ground: [u8; 3]) -> Vec<([u8; 3], Shape)> {
    let mut characters = cell.symbol.chars();
    let (Some(character), None) = (characters.next(), characters.next()) else {
        return Vec::new();
    };
    let (wide, tall) = CELL;
    let (middle, upright) = (tall / 2, (wide / 2 - 1, 0, 1, tall));
    let of_ink = |shapes: &[Shape]| shapes.iter().map(|shape| (cell.ink, *shape)).collect();
    match character {
        '\u{2800}'..='\u{28ff}' => {
            let dots = character as u32 - 0x2800;
            let dot = |bit: i32| {
                // Three dots down at the left, three at the right, then the lowest of both.
                let (column, row) = if bit < 6 {
                    (bit / 3, bit % 3)
                } else {
                    (bit - 6, 3)
                };
                (column * wide / 2, row * tall / 4, 3, 3)
            };
            let shapes: Vec<Shape> = (0..8).filter(|bit| dots >> bit & 1 == 1).map(dot).collect();
            of_ink(&shapes)
        }
        '─' => of_ink(&[(0, middle, wide, 1)]),
        '━' => of_ink(&[(0, middle - 1, wide, 2)]),
        '╍' => of_ink(&[(0, middle - 1, 3, 2), (wide / 2, middle - 1, 3, 2)]),
        '│' => of_ink(&[upright]),
        '┤' => of_ink(&[upright, (0, middle, wide / 2, 1)]),
        // A diamond, which the font lacks.
        '◈' => {
            let half = wide / 2 - 1;
            let row = |at: i32| (at.abs(), middle + at, wide - 1 - 2 * at.abs(), 1);
            of_ink(&(-half..=half).map(row).collect::<Vec<Shape>>())
        }
        '▌' => of_ink(&[(0, 0, wide / 2, tall)]),
        '▀' => of_ink(&[(0, 0, wide, tall / 2)]),
        '▁'..='█' => {
            let eighths = character as i32 - '▁' as i32 + 1;
            let height = tall * eighths / 8;
            of_ink(&[(0, tall - height, wide, height)])
        }
        '░' | '▒' | '▓' => {
            let quarters = character as u16 - '░' as u16 + 1;
            let mixed = [0, 1, 2].map(|part| {
                let (ink, ground) = (u16::from(cell.ink[part]), u16::from(ground[part]));
                ((ink * quarters + ground * (4 - quarters)) / 4) as u8
            });
            vec![(mixed, (0, 0, wide, tall))]
        }
        _ => Vec::new(),
    }
}

fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: [u8; 3] = [200, 100, 40];

    fn cells(text: &str) -> Cells {
        let cell = |symbol: char| CharacterCell {
            symbol: symbol.to_string(),
            ink: INK,
            ground: None,
            bold: false,
        };
        Cells {
            columns: text.chars().count(),
            cells: text.chars().map(cell).collect(),
            ground: [0; 3],
        }
    }

    #[test]
    fn words_are_text_and_nothing_in_them_is_markup() {
        let mut screen = cells("a<b&c d脸");
        screen.cells[0].bold = true;
        screen.cells[1].ground = Some([1, 2, 3]);
        let svg = screen.svg();
        for part in [
            "<text x=\"0\" y=\"12\" textLength=\"8\" fill=\"#c86428\" font-weight=\"bold\">a</text>",
            "<text x=\"8\" y=\"12\" textLength=\"32\" fill=\"#c86428\">&lt;b&amp;c</text>",
            "textLength=\"8\" fill=\"#c86428\">d</text>",
            ">脸</text>",
            "<path fill=\"#010203\" d=\"M8 0h8v16h-8z\"/>",
        ] {
            assert!(svg.contains(part), "{part} is not in\n{svg}");
        }
    }

    #[test]
    fn curves_bars_and_shades_are_shapes() {
        let shapes = |text: &str| {
            let [behind, drawn] = cells(text).shapes();
            assert!(behind.is_empty() && cells(text).texts().is_empty());
            drawn
        };
        // The lowest dot at the right of braille is its highest bit.
        assert_eq!(shapes("\u{2880}")[&INK], [(4, 12, 3, 3)]);
        assert_eq!(shapes("──")[&INK], [(0, 8, 16, 1)], "neighbours are one");
        assert_eq!(shapes("▂")[&INK], [(0, 12, 8, 4)]);
        assert_eq!(shapes("▒")[&[100, 50, 20]], [(0, 0, 8, 16)]);
    }

    #[test]
    fn a_picture_has_the_colours_of_its_cells() {
        let folder = tempfile::tempdir().unwrap();
        let mut screen = cells("█ x");
        screen.cells[1].ground = Some([9, 8, 7]);
        let file = folder.path().join("a.png");
        screen.save(&file).unwrap();
        let picture = image::open(&file).unwrap().to_rgb8();
        assert_eq!(picture.dimensions(), (48, 32));
        assert_eq!(picture.get_pixel(0, 0).0, INK);
        assert_eq!(picture.get_pixel(15, 31).0, INK);
        assert_eq!(picture.get_pixel(16, 0).0, [9, 8, 7]);
        assert_eq!(picture.get_pixel(32, 0).0, [0; 3]);
        let mut letter = picture.enumerate_pixels().filter(|(x, _, _)| *x >= 32);
        assert!(
            letter.any(|(_, _, pixel)| pixel.0[0] > 100),
            "the x is drawn"
        );
        assert!(matches!(
            screen.save(&folder.path().join("a.csv")),
            Err(PlotError::Ending { .. })
        ));
    }
}
