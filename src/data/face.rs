//! A face as network input: the crop, the order of the planes, the mirror image.

use super::Image;
use super::image::FACE;
use crate::config::{ChannelOrder, Crop, InputOptions};

/// Height and width of a cropped face, in pixels.
pub fn size_of(crop: Crop) -> (usize, usize) {
    match crop {
        Crop::Reference => (112, 96),
        Crop::Full => (112, 112),
    }
}

/// How a 112x112 face is laid out as input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placing {
    pub crop: Crop,
    pub channels: ChannelOrder,
    pub mirrored: bool,
    /// By how many columns and rows the crop lies off the centre; beyond the image its edge is repeated.
    pub shift: (i32, i32),
}

/// Copies the middle columns of a 112x112 face, planes in order, mirrored or not.
pub(super) fn place_face(face: &Image, target: &mut [u8], placing: &Placing) {
    let (width, height) = (face.width as i32, face.height as i32);
    let (_, columns) = size_of(placing.crop);
    let (right, down) = placing.shift;
    let left = (width - columns as i32) / 2 + right;
    let inside = left >= 0 && left + columns as i32 <= width;
    let mut row = [0; 3 * FACE as usize];
    for (y, target) in target.chunks_exact_mut(3 * columns).enumerate() {
        let start = ((y as i32 + down).clamp(0, height - 1) * width) as usize;
        if inside {
            place_row(&face.rgb, 3 * (start + left as usize), target, placing);
        } else {
            let row = &mut row[..3 * columns];
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let from = 3 * (start + (left + x as i32).clamp(0, width - 1) as usize);
                pixel.copy_from_slice(&face.rgb[from..from + 3]);
            }
            place_row(row, 0, target, placing);
        }
    }
}

/// Copies the pixels that start at byte `start`, as many as the target takes.
fn place_row(source: &[u8], start: usize, target: &mut [u8], placing: &Placing) {
    let row = &source[start..start + target.len()];
    match (placing.channels, placing.mirrored) {
        (ChannelOrder::Rgb, false) => target.copy_from_slice(row),
        (ChannelOrder::Rgb, true) => {
            let target = target.as_chunks_mut::<3>().0;
            for (to, from) in target.iter_mut().rev().zip(row.as_chunks::<3>().0) {
                *to = *from;
            }
        }
        (ChannelOrder::Bgr, false) => swap_planes(source, start, target),
        // Row by row a mirror image with its planes swapped is the row's bytes backwards.
        (ChannelOrder::Bgr, true) => {
            for (to, from) in target.iter_mut().rev().zip(row) {
                *to = *from;
            }
        }
    }
}

/// Bytes of sixteen pixels, a whole number of the processor's wide registers.
const WIDE: usize = 48;
/// Which of these bytes are of the first, middle and last plane.
const PLANES: [[u8; WIDE]; 3] = {
    let mut masks = [[0; WIDE]; 3];
    let mut at = 0;
    while at < WIDE {
        masks[at % 3][at] = 0xff;
        at += 1;
    }
    masks
};

/// Copies pixels with their first and last byte exchanged.
///
/// Each byte comes from two places on, the same place, or two places back; said with masks, this is done in wide registers
/// (in a third of the time, as measured).
fn swap_planes(source: &[u8], start: usize, target: &mut [u8]) {
    let (wide, rest) = target.as_chunks_mut::<WIDE>();
    let mut at = start;
    for target in wide {
        let window = |from: usize| source.get(from..)?.first_chunk::<WIDE>();
        match (
            at.checked_sub(2).and_then(window),
            window(at),
            window(at + 2),
        ) {
            (Some(before), Some(here), Some(after)) => {
                for (index, to) in target.iter_mut().enumerate() {
                    *to = after[index] & PLANES[0][index]
                        | here[index] & PLANES[1][index]
                        | before[index] & PLANES[2][index];
                }
            }
            _ => swap_pixels(&source[at..at + WIDE], target),
        }
        at += WIDE;
    }
    swap_pixels(&source[at..at + rest.len()], rest);
}

fn swap_pixels(source: &[u8], target: &mut [u8]) {
    let pixels = target.as_chunks_mut::<3>().0.iter_mut();
    for (to, &[first, middle, last]) in pixels.zip(source.as_chunks::<3>().0) {
        *to = [last, middle, first];
    }
}

/// A face as network input bytes `[row, column, plane]`: brought to 112x112, cropped, planes in order.
///
/// `mirrored` gives the mirror image; evaluation embeds both.
pub fn face_input(image: &Image, input: &InputOptions, mirrored: bool) -> Vec<u8> {
    let (height, width) = size_of(input.crop);
    let mut target = vec![0; height * width * 3];
    let placing = Placing {
        crop: input.crop,
        channels: input.channels,
        mirrored,
        shift: (0, 0),
    };
    place_face(
        &image.fitted(input.wrong_size, FACE, FACE),
        &mut target,
        &placing,
    );
    target
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::WrongSize;

    /// Red is 1, green the column, blue the row.
    fn coordinates() -> Image {
        let rgb = (0..112 * 112)
            .flat_map(|pixel| [1, (pixel % 112) as u8, (pixel / 112) as u8])
            .collect();
        Image {
            width: 112,
            height: 112,
            rgb,
        }
    }

    fn input(crop: Crop, channels: ChannelOrder) -> InputOptions {
        InputOptions {
            crop,
            channels,
            mirror: false,
            wrong_size: WrongSize::Resize,
        }
    }

    #[test]
    fn the_crop_is_columns_8_to_104_and_planes_and_mirror_are_as_asked() {
        let face = coordinates();
        for (crop, first, columns) in [(Crop::Reference, 8, 96), (Crop::Full, 0, 112)] {
            for channels in [ChannelOrder::Rgb, ChannelOrder::Bgr] {
                for mirrored in [false, true] {
                    let bytes = face_input(&face, &input(crop, channels), mirrored);
                    assert_eq!(bytes.len(), 112 * columns * 3);
                    for (place, pixel) in bytes.as_chunks::<3>().0.iter().enumerate() {
                        let (row, column) = (place / columns, place % columns);
                        let column = if mirrored {
                            columns - 1 - column
                        } else {
                            column
                        };
                        let mut expected = [1, (first + column) as u8, row as u8];
                        if channels == ChannelOrder::Bgr {
                            expected.reverse();
                        }
                        assert_eq!(
                            *pixel, expected,
                            "{crop} {channels} {mirrored} {row} {column}"
                        );
                    }
                }
            }
        }
        assert_eq!(
            face_input(&face, &input(Crop::Full, ChannelOrder::Rgb), false),
            face.rgb
        );
    }

    #[test]
    fn a_moved_crop_shows_what_is_there_and_then_the_edge() {
        let face = coordinates();
        for crop in [Crop::Reference, Crop::Full] {
            let (_, columns) = size_of(crop);
            let first = (112 - columns as i32) / 2;
            for shift in [(3, -2), (-8, 8), (16, -16), (-16, 16), (9, 0)] {
                for mirrored in [false, true] {
                    let mut target = vec![0; 112 * columns * 3];
                    let placing = Placing {
                        crop,
                        channels: ChannelOrder::Bgr,
                        mirrored,
                        shift,
                    };
                    place_face(&face, &mut target, &placing);
                    for (place, pixel) in target.as_chunks::<3>().0.iter().enumerate() {
                        let (row, column) = ((place / columns) as i32, (place % columns) as i32);
                        let column = if mirrored {
                            columns as i32 - 1 - column
                        } else {
                            column
                        };
                        let expected = [
                            (row + shift.1).clamp(0, 111) as u8,
                            (first + column + shift.0).clamp(0, 111) as u8,
                            1,
                        ];
                        assert_eq!(*pixel, expected, "{crop} {shift:?} {mirrored} {place}");
                    }
                }
            }
        }
    }
}
