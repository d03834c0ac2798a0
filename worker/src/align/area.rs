//! Pictures made smaller or larger by averages over areas, as network input.

use facetui::data::Image;

/// A part of a picture in whole pixels: from `left`, `top` up to but without `right`, `bottom`. Not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub left: usize,
    pub top: usize,
    pub right: usize,
    pub bottom: usize,
}

impl Part {
    /// The whole of a picture.
    pub fn whole(image: &Image) -> Self {
        Self {
            left: 0,
            top: 0,
            right: image.width as usize,
            bottom: image.height as usize,
        }
    }
}

/// The pixels of `length` that make pixel `index` of `of`: all that it touches.
fn window(index: usize, of: usize, length: usize) -> std::ops::Range<usize> {
    index * length / of..((index + 1) * length).div_ceil(of)
}

/// Appends `height` rows of `width` pixels of three colours: the part's averages over areas, (x − 127.5) / 128.
///
/// Areas are those of PyTorch's `interpolate(…, mode="area")`, which the networks are used with there.
pub(super) fn append_pixels(
    image: &Image,
    part: Part,
    width: usize,
    height: usize,
    values: &mut Vec<f32>,
) {
    let (columns, rows) = (part.right - part.left, part.bottom - part.top);
    let pitch = 3 * image.width as usize;
    values.reserve(3 * width * height);
    let mut sums = vec![0_u32; 3 * columns];
    for y in 0..height {
        let lines = window(y, height, rows);
        sums.fill(0);
        for line in lines.clone() {
            let begin = (part.top + line) * pitch + 3 * part.left;
            let pixels = &image.rgb[begin..begin + 3 * columns];
            for (sum, value) in sums.iter_mut().zip(pixels) {
                *sum += u32::from(*value);
            }
        }
        let (pixels, _) = sums.as_chunks::<3>();
        for x in 0..width {
            let across = window(x, width, columns);
            let share = 1.0 / (across.len() * lines.len()) as f32;
            let mut total = [0_u32; 3];
            for pixel in &pixels[across] {
                for (total, value) in total.iter_mut().zip(pixel) {
                    *total += value;
                }
            }
            values.extend(total.map(|total| (total as f32 * share - 127.5) / 128.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(values: &[u8], size: (u32, u32), part: Part, to: (usize, usize)) -> Vec<f32> {
        let image = Image {
            width: size.0,
            height: size.1,
            rgb: values.iter().flat_map(|value| [*value; 3]).collect(),
        };
        let mut values = Vec::new();
        append_pixels(&image, part, to.0, to.1, &mut values);
        let (pixels, _) = values.as_chunks::<3>();
        let grey = |pixel: &[f32; 3]| pixel[0].to_bits() == pixel[2].to_bits();
        assert!(pixels.iter().all(grey));
        pixels.iter().map(|[r, ..]| r * 128.0 + 127.5).collect()
    }

    /// Expected values by `torch.nn.functional.interpolate(…, mode="area")`, torch 2.9.0.
    #[test]
    fn areas_are_those_of_pytorch() {
        let ramp: Vec<u8> = (0..20).collect();
        let whole = Part {
            left: 0,
            top: 0,
            right: 5,
            bottom: 4,
        };
        let close = |found: Vec<f32>, expected: &[f32]| {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-4, "{found} {expected}");
            }
        };
        close(
            resized(&ramp, (5, 4), whole, (3, 2)),
            &[3.0, 4.5, 6.0, 13.0, 14.5, 16.0],
        );
        let part = Part { left: 1, ..whole };
        close(
            resized(
                &ramp,
                (5, 4),
                Part {
                    right: 3,
                    bottom: 1,
                    ..part
                },
                (3, 2),
            ),
            &[1.0, 1.5, 2.0, 1.0, 1.5, 2.0],
        );
    }
}
