//! Light variations of training images: a crop that moves, brightness, blur.
//!
//! What is done to an image follows from (seed, position) alone, so that it is the same whatever thread does it and
//! after a resume; the position counts the run's images through all epochs. All of it works on bytes.

use super::face::size_of;
use super::random::{Purpose, random, unit};
use crate::config::{AugmentOptions, Crop};

/// The weakest blur, as a standard deviation in pixels.
const LEAST_SIGMA: f64 = 0.1;
/// What the weights of a blur add up to.
const WHOLE: u32 = 1 << 14;

/// What is done to one image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variation {
    /// By how many columns and rows the crop moves.
    pub shift: (i32, i32),
    brightness: Option<f64>,
    sigma: Option<f64>,
}

impl Variation {
    /// The variation of the image at a position of the run.
    pub fn at(options: &AugmentOptions, seed: u64, position: u64) -> Self {
        let draw = |purpose, which| random(seed, purpose, position, which);
        let moved = |which| {
            let jitter = u64::from(options.crop_jitter);
            (draw(Purpose::CropJitter, which) % (2 * jitter + 1)) as i32 - jitter as i32
        };
        let shift = match options.crop_jitter {
            0 => (0, 0),
            _ => (moved(0), moved(1)),
        };
        let brightness = (options.brightness > 0.0)
            .then(|| 1.0 + options.brightness * (2.0 * unit(draw(Purpose::Brightness, 0)) - 1.0));
        let blurred = options.blur_probability > 0.0
            && unit(draw(Purpose::Blur, 0)) < options.blur_probability;
        let sigma = blurred.then(|| {
            let range = (options.blur_sigma - LEAST_SIGMA).max(0.0);
            LEAST_SIGMA + range * unit(draw(Purpose::Blur, 1))
        });
        Self {
            shift,
            brightness,
            sigma,
        }
    }

    /// Changes the pixels of a cropped face `[row, column, plane]`; `scratch` is memory to use again.
    pub fn apply(&self, crop: Crop, pixels: &mut [u8], scratch: &mut Vec<u8>) {
        if let Some(factor) = self.brightness {
            brighten(pixels, factor);
        }
        if let Some(sigma) = self.sigma {
            blur(pixels, size_of(crop).1, sigma, scratch);
        }
    }
}

fn brighten(pixels: &mut [u8], factor: f64) {
    let table: [u8; 256] = std::array::from_fn(|value| (value as f64 * factor).round() as u8);
    for value in pixels {
        *value = table[usize::from(*value)];
    }
}

/// A Gaussian blur; beyond the edge the edge is repeated.
fn blur(pixels: &mut [u8], width: usize, sigma: f64, scratch: &mut Vec<u8>) {
    let weights = half_kernel(sigma);
    let row_bytes = 3 * width;
    let rows = pixels.len() / row_bytes;
    scratch.clear();
    scratch.extend_from_slice(pixels);
    // Along each row into the scratch, then down each column back.
    for (source, target) in pixels
        .chunks_exact(row_bytes)
        .zip(scratch.chunks_exact_mut(row_bytes))
    {
        for x in 0..width {
            for plane in 0..3 {
                let at = |x: usize| u32::from(source[3 * x + plane]);
                target[3 * x + plane] = weighted(&weights, x, width, at);
            }
        }
    }
    for (y, target) in pixels.chunks_exact_mut(row_bytes).enumerate() {
        for (x, value) in target.iter_mut().enumerate() {
            let at = |y: usize| u32::from(scratch[y * row_bytes + x]);
            *value = weighted(&weights, y, rows, at);
        }
    }
}

/// The weighted mean around a place of `0..length`.
fn weighted(weights: &[u32], place: usize, length: usize, at: impl Fn(usize) -> u32) -> u8 {
    let mut sum = weights[0] * at(place) + WHOLE / 2;
    for (distance, weight) in weights.iter().enumerate().skip(1) {
        sum +=
            weight * (at(place.saturating_sub(distance)) + at((place + distance).min(length - 1)));
    }
    (sum / WHOLE) as u8
}

/// Weights of a Gaussian from its centre outwards, to three standard deviations; with the other side they add up to
/// [`WHOLE`], so that even surfaces stay as they are.
fn half_kernel(sigma: f64) -> Vec<u32> {
    let radius = (3.0 * sigma).ceil() as i32;
    let raw: Vec<f64> = (0..=radius)
        .map(|distance| (-0.5 * (f64::from(distance) / sigma).powi(2)).exp())
        .collect();
    let total = raw[0] + 2.0 * raw[1..].iter().sum::<f64>();
    let mut weights: Vec<u32> = raw
        .iter()
        .map(|weight| (weight / total * f64::from(WHOLE)).round() as u32)
        .collect();
    weights[0] = WHOLE - 2 * weights[1..].iter().sum::<u32>();
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: AugmentOptions = AugmentOptions {
        crop_jitter: 3,
        brightness: 0.2,
        blur_probability: 0.25,
        blur_sigma: 1.5,
    };

    fn variations(options: &AugmentOptions) -> Vec<Variation> {
        (0..4000)
            .map(|position| Variation::at(options, 5, position))
            .collect()
    }

    #[test]
    fn nothing_asked_for_changes_nothing() {
        let mut pixels: Vec<u8> = (0..112 * 96 * 3).map(|at| (at % 251) as u8).collect();
        let before = pixels.clone();
        for variation in variations(&AugmentOptions::default()) {
            assert_eq!(variation.shift, (0, 0));
            variation.apply(Crop::Reference, &mut pixels, &mut Vec::new());
        }
        assert_eq!(pixels, before);
    }

    #[test]
    fn variations_keep_to_their_bounds_and_use_them_evenly() {
        let variations = variations(&ALL);
        let mut columns = [0; 7];
        let mut rows = [0; 7];
        for Variation { shift, .. } in &variations {
            columns[(shift.0 + 3) as usize] += 1;
            rows[(shift.1 + 3) as usize] += 1;
        }
        for count in columns.into_iter().chain(rows) {
            // 4000 / 7 with a standard deviation of 22.
            assert!(
                (571 - 110..=571 + 110).contains(&count),
                "{columns:?} {rows:?}"
            );
        }
        let factors: Vec<f64> = variations
            .iter()
            .map(|one| one.brightness.unwrap())
            .collect();
        assert!(factors.iter().all(|factor| (0.8..1.2).contains(factor)));
        let mean = factors.iter().sum::<f64>() / 4000.0;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        let sigmas: Vec<f64> = variations.iter().filter_map(|one| one.sigma).collect();
        assert!((850..1150).contains(&sigmas.len()), "{}", sigmas.len());
        assert!(sigmas.iter().all(|sigma| (0.1..1.5).contains(sigma)));
        assert!(sigmas.iter().any(|sigma| *sigma < 0.2) && sigmas.iter().any(|sigma| *sigma > 1.4));
    }

    #[test]
    fn a_variation_follows_from_seed_and_position() {
        assert_eq!(variations(&ALL), variations(&ALL));
        assert_ne!(Variation::at(&ALL, 5, 7), Variation::at(&ALL, 6, 7));
        assert_ne!(Variation::at(&ALL, 5, 7), Variation::at(&ALL, 5, 8));
        // One kind of variation does not depend on whether another is switched on.
        let without = AugmentOptions {
            crop_jitter: 0,
            blur_probability: 0.0,
            ..ALL
        };
        assert_eq!(
            Variation::at(&ALL, 5, 7).brightness,
            Variation::at(&without, 5, 7).brightness
        );
    }

    #[test]
    fn brightness_multiplies_and_stays_within_a_byte() {
        let mut pixels = vec![0, 100, 250];
        brighten(&mut pixels, 1.2);
        assert_eq!(pixels, [0, 120, 255]);
    }

    #[test]
    fn a_blur_keeps_even_surfaces_and_spreads_a_point_as_a_gaussian_does() {
        let mut even = vec![200; 96 * 112 * 3];
        for sigma in [0.1, 0.7, 4.0] {
            blur(&mut even, 96, sigma, &mut Vec::new());
            assert!(even.iter().all(|value| *value == 200));
        }

        for sigma in [0.8, 1.5, 2.5] {
            // A bright column: its profile is a Gaussian, whose variance is sigma squared.
            let mut pixels = vec![0; 41 * 30 * 3];
            for row in pixels.chunks_exact_mut(41 * 3) {
                row[20 * 3..21 * 3].fill(255);
            }
            blur(&mut pixels, 41, sigma, &mut Vec::new());
            let row: Vec<f64> = (0..41)
                .map(|x| f64::from(pixels[(15 * 41 + x) * 3 + 1]))
                .collect();
            let sum: f64 = row.iter().sum();
            assert!((sum - 255.0).abs() < 10.0, "{sum}");
            let variance = row
                .iter()
                .enumerate()
                .map(|(x, value)| value * (x as f64 - 20.0).powi(2))
                .sum::<f64>()
                / sum;
            assert!(
                (variance.sqrt() - sigma).abs() < 0.12,
                "{} for {sigma}",
                variance.sqrt()
            );
            // The same down the columns.
            let mut turned = vec![0; 41 * 41 * 3];
            turned[20 * 41 * 3..21 * 41 * 3].fill(255);
            blur(&mut turned, 41, sigma, &mut Vec::new());
            let column: Vec<f64> = (0..41)
                .map(|y| f64::from(turned[(y * 41 + 15) * 3 + 1]))
                .collect();
            assert_eq!(column, row);
        }
    }
}
