//! Pictures of faces laid side by side.

use image::{ImageEncoder, codecs::jpeg::JpegEncoder};
use plotters::element::BitMapElement;
use plotters::prelude::*;

use super::PlotError;
use super::style::{LABEL_SIZE, TITLE_HEIGHT, encoded, failed, load_font, png_of, text, title};
use crate::untrusted::visible;

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// RGB bytes, row by row.
    pub rgb: Vec<u8>,
}

/// A picture of a sheet with what stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// The picture.
    pub picture: Picture,
    /// Lines of text below it.
    pub lines: Vec<String>,
}

/// Pixels between two pictures.
const GAP: u32 = 4;
/// Larger pictures come of a mistake, and would take gigabytes.
const LARGEST: u64 = 100_000_000;

/// Rows of pictures as one; all in a row begin at its top, all rows at the left.
///
/// # Errors
/// When there are no pictures, one has other pixels than its size says, or the whole would be absurdly large.
pub fn side_by_side(rows: &[Vec<Picture>]) -> Result<Picture, PlotError> {
    let width_of = |row: &Vec<Picture>| {
        let widths: u32 = row.iter().map(|picture| picture.width + GAP).sum();
        widths.saturating_sub(GAP)
    };
    let height_of = |row: &Vec<Picture>| row.iter().map(|picture| picture.height).max();
    let width = rows.iter().map(width_of).max().unwrap_or(0);
    let heights: Vec<u32> = rows.iter().filter_map(height_of).collect();
    let height = heights
        .iter()
        .map(|height| height + GAP)
        .sum::<u32>()
        .saturating_sub(GAP);
    if width == 0 || height == 0 {
        return Err(PlotError::Nothing {
            reason: "there are no pictures".to_owned(),
        });
    }
    if u64::from(width) * u64::from(height) > LARGEST {
        return Err(PlotError::Size { width, height });
    }
    let mut rgb = vec![255; 3 * width as usize * height as usize];
    let mut top = 0;
    for (row, height) in rows.iter().filter(|row| !row.is_empty()).zip(&heights) {
        let mut left = 0;
        for picture in row {
            picture.check()?;
            let bytes = 3 * picture.width as usize;
            for (line, pixels) in picture.rgb.chunks_exact(bytes).enumerate() {
                let start = 3 * ((top + line) * width as usize + left as usize);
                rgb[start..start + bytes].copy_from_slice(pixels);
            }
            left += picture.width + GAP;
        }
        top += (height + GAP) as usize;
    }
    Ok(Picture { width, height, rgb })
}

impl Picture {
    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    /// When it has other pixels than its size says.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        self.check()?;
        encoded(&self.rgb, self.width, self.height)
    }

    /// The picture as the bytes of a JPEG file, a tenth as large.
    ///
    /// # Errors
    /// When it has other pixels than its size says.
    pub fn jpeg(&self) -> Result<Vec<u8>, PlotError> {
        self.check()?;
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 88)
            .write_image(
                &self.rgb,
                self.width,
                self.height,
                image::ExtendedColorType::Rgb8,
            )
            .map_err(failed)?;
        Ok(bytes)
    }

    fn check(&self) -> Result<(), PlotError> {
        if self.width > 0 && self.rgb.len() == 3 * self.width as usize * self.height as usize {
            return Ok(());
        }
        Err(failed("a picture has other pixels than its size says"))
    }
}

const MARGIN: u32 = 16;
const LINE: u32 = 20;
/// Captions need so much room, however narrow the picture.
const NARROWEST: u32 = 260;

/// A page is about so wide, and so many pictures as fit lie beside each other.
const PAGE_WIDTH: u32 = 1240;

/// A page of pictures with captions, as the bytes of a PNG file.
///
/// # Errors
/// As [`side_by_side`].
pub fn sheet(words: &str, entries: &[Caption]) -> Result<Vec<u8>, PlotError> {
    let most = |of: &dyn Fn(&Caption) -> u32| entries.iter().map(of).max().unwrap_or(0);
    let cell_width = most(&|entry| entry.picture.width).max(NARROWEST) + MARGIN;
    let cell_height =
        most(&|entry| entry.picture.height + LINE * entry.lines.len() as u32) + MARGIN;
    let columns = ((PAGE_WIDTH / cell_width) as usize).clamp(1, entries.len().max(1));
    let rows = entries.len().div_ceil(columns);
    let width = u64::from(cell_width) * columns as u64 + u64::from(MARGIN);
    let height = u64::from(cell_height) * rows as u64 + u64::from(TITLE_HEIGHT + MARGIN);
    let (width32, height32) = (width.min(1 << 30) as u32, height.min(1 << 30) as u32);
    if entries.is_empty() {
        return Err(PlotError::Nothing {
            reason: "there are no pictures".to_owned(),
        });
    }
    if width * height > LARGEST {
        return Err(PlotError::Size {
            width: width32,
            height: height32,
        });
    }
    load_font();
    png_of((width32, height32), |area| {
        area.fill(&WHITE).map_err(failed)?;
        let rest = title(area, words)?;
        for (place, entry) in entries.iter().enumerate() {
            let left = (MARGIN + cell_width * (place % columns) as u32) as i32;
            let top = (cell_height * (place / columns) as u32) as i32 + MARGIN as i32 / 2;
            let Picture { width, height, rgb } = &entry.picture;
            entry.picture.check()?;
            let element = BitMapElement::with_ref((left, top), (*width, *height), rgb)
                .ok_or_else(|| failed("a picture has other pixels than its size says"))?;
            rest.draw(&element).map_err(failed)?;
            for (number, line) in (0..).zip(&entry.lines) {
                let below = top + *height as i32 + 8 + number * LINE as i32;
                rest.draw_text(
                    &fitting(line, cell_width - MARGIN)?,
                    &text(LABEL_SIZE),
                    (left, below),
                )
                .map_err(failed)?;
            }
        }
        rest.present().map_err(failed)
    })
}

/// A line made safe to show, cut where it would run into the next picture.
fn fitting(line: &str, width: u32) -> Result<String, PlotError> {
    let mut line = visible(line);
    let style = text(LABEL_SIZE);
    while style.font.box_size(&line).map_err(failed)?.0 > width && line.chars().count() > 1 {
        let kept = line.trim_end_matches('…').chars().count() - 1;
        line = line.chars().take(kept).chain(['…']).collect();
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(width: u32, height: u32, shade: u8) -> Picture {
        Picture {
            width,
            height,
            rgb: vec![shade; 3 * (width * height) as usize],
        }
    }

    #[test]
    fn rows_of_unequal_pictures_lie_where_they_should() {
        let rows = [
            vec![plain(2, 3, 10), plain(1, 1, 20)],
            vec![plain(1, 2, 30)],
        ];
        let both = side_by_side(&rows).unwrap();
        assert_eq!((both.width, both.height), (7, 9));
        let at = |x: u32, y: u32| both.rgb[3 * (y * 7 + x) as usize];
        assert_eq!(
            [at(0, 0), at(1, 2), at(6, 0), at(6, 1), at(0, 7)],
            [10, 10, 20, 255, 30]
        );
        assert!(matches!(side_by_side(&[]), Err(PlotError::Nothing { .. })));
        assert!(matches!(
            side_by_side(&[vec![]]),
            Err(PlotError::Nothing { .. })
        ));
        let torn = Picture {
            rgb: vec![0; 5],
            ..plain(2, 2, 0)
        };
        assert!(torn.png().is_err() && side_by_side(&[vec![torn]]).is_err());
    }

    #[test]
    fn a_sheet_holds_every_picture_with_its_lines() {
        let entry = |shade| Caption {
            picture: plain(112, 112, shade),
            lines: vec!["a name that is far too long to stand below one face, \u{1b}[2J".repeat(3)],
        };
        let bytes = sheet(
            "false accepts",
            &[entry(0), entry(90), entry(180), entry(200)],
        )
        .unwrap();
        let picture = image::load_from_memory(&bytes).unwrap().to_rgb8();
        for shade in [0, 90, 180, 200] {
            let count = picture
                .pixels()
                .filter(|pixel| pixel.0 == [shade; 3])
                .count();
            assert!(count >= 112 * 112, "{shade}: {count}");
        }
        assert!(sheet("", &[]).is_err());
    }
}
