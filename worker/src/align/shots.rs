//! Where a video cuts from one shot to the next.

use facetui::data::Image;
use serde::{Deserialize, Serialize};

/// The picture is looked at in so many blocks across and down.
const BLOCKS: usize = 4;
/// Each plane in so many levels: 64 colours a block.
const LEVELS: usize = 4;
/// A cut changes at least this share of the picture's colours, place by place.
const LEAST_CHANGE: f32 = 0.12;
/// And so many times what changed from frame to frame just before: a fast pan is no cut.
const TIMES_BEFORE: f32 = 3.0;
/// Weight of the newest change in the mean of those before.
const NEWEST: f32 = 0.2;

/// Compares each frame with the one before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ShotDetector {
    before: Vec<f32>,
    mean_change: f32,
}

impl ShotDetector {
    /// Whether a new shot begins with this frame; the first frame begins none.
    pub fn cuts(&mut self, frame: &Image) -> bool {
        let now = colours(frame);
        if self.before.len() != now.len() {
            self.before = now;
            return false;
        }
        let blocks = (BLOCKS * BLOCKS) as f32;
        let change = self
            .before
            .iter()
            .zip(&now)
            .map(|(before, now)| (before - now).abs())
            .sum::<f32>()
            / (2.0 * blocks);
        self.before = now;
        if change >= LEAST_CHANGE && change >= TIMES_BEFORE * self.mean_change {
            self.mean_change = 0.0;
            return true;
        }
        self.mean_change += NEWEST * (change - self.mean_change);
        false
    }
}

/// The share of each colour in each block.
fn colours(frame: &Image) -> Vec<f32> {
    let mut counts = vec![0_u32; BLOCKS * BLOCKS * LEVELS.pow(3)];
    let mut sizes = [0_u32; BLOCKS * BLOCKS];
    let width = frame.width.max(1) as usize;
    for (row, line) in frame.rgb.chunks_exact(3 * width).enumerate() {
        let down = row * BLOCKS / frame.height as usize;
        for (column, pixel) in line.chunks_exact(3).enumerate() {
            let block = down * BLOCKS + column * BLOCKS / width;
            let colour = pixel.iter().fold(0, |colour, value| {
                colour * LEVELS + usize::from(*value) * LEVELS / 256
            });
            counts[block * LEVELS.pow(3) + colour] += 1;
            sizes[block] += 1;
        }
    }
    counts
        .chunks_exact(LEVELS.pow(3))
        .zip(sizes)
        .flat_map(|(counts, size)| {
            counts
                .iter()
                .map(move |count| *count as f32 / size.max(1) as f32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of stripes that has moved by some pixels.
    fn stripes(colour: [u8; 3], moved: u32) -> Image {
        let (width, height) = (64, 48);
        let rgb = (0..width * height)
            .flat_map(|pixel| {
                let bright = ((pixel % width + moved) / 8).is_multiple_of(2);
                colour.map(|value| if bright { value } else { value / 3 })
            })
            .collect();
        Image { width, height, rgb }
    }

    #[test]
    fn a_cut_is_one_and_movement_is_none() {
        let mut detector = ShotDetector::default();
        let mut cuts = Vec::new();
        for frame in 0..60 {
            let colour = if frame < 30 {
                [200, 150, 90]
            } else {
                [60, 90, 220]
            };
            if detector.cuts(&stripes(colour, frame)) {
                cuts.push(frame);
            }
        }
        assert_eq!(cuts, [30]);
    }

    #[test]
    fn a_fast_pan_is_no_cut() {
        let mut detector = ShotDetector::default();
        let cuts = (0..40_u32)
            .filter(|frame| {
                let speed = frame.saturating_sub(10).min(8);
                detector.cuts(&stripes([200, 150, 90], frame * speed))
            })
            .count();
        assert_eq!(cuts, 0);
    }

    #[test]
    fn frames_of_another_size_start_anew() {
        let mut detector = ShotDetector::default();
        let tiny = Image {
            width: 1,
            height: 1,
            rgb: vec![0; 3],
        };
        assert!(!detector.cuts(&tiny) && !detector.cuts(&tiny));
    }
}
