//! Whether a video's own frames are of two people.

use serde::Serialize;

use super::{PRIOR, median};
use crate::eval::{EvalError, template::Track};

/// A video's frames in two groups.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Split {
    /// The cosine between the two groups' centres.
    pub similarity: f64,
    /// The share of frames in the smaller group.
    pub minority: f64,
}

/// A group of fewer frames, or of a smaller share, is an odd frame or two and not a person.
const FEWEST_FRAMES: usize = 2;
const SMALLEST_SHARE: f64 = 0.125;
/// Rounds of two-means; hardly any track needs more than five.
const ROUNDS: usize = 20;

/// The frames in two groups (two-means on the sphere, begun at the frame farthest from the centre and the one
/// farthest from that); `None` where the smaller one is too small to be a person.
///
/// # Errors
/// When a frame is broken.
pub(super) fn split(track: &Track<'_>) -> Result<Option<Split>, EvalError> {
    let frames = track.units()?;
    let Some(length) = frames.first().map(Vec::len) else {
        return Ok(None);
    };
    let cosine = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let centre_of = |members: &mut dyn Iterator<Item = &Vec<f64>>| {
        let mut sum = vec![0.0; length];
        for frame in members {
            for (sum, value) in sum.iter_mut().zip(frame) {
                *sum += value;
            }
        }
        let norm = cosine(&sum, &sum).sqrt().max(f64::MIN_POSITIVE);
        for value in &mut sum {
            *value /= norm;
        }
        sum
    };
    let farthest = |from: &[f64]| {
        let place = (0..frames.len())
            .min_by(|a, b| cosine(&frames[*a], from).total_cmp(&cosine(&frames[*b], from)));
        place.map_or_else(Vec::new, |place| frames[place].clone())
    };
    let first = farthest(&centre_of(&mut frames.iter()));
    let mut centres = [farthest(&first), first];
    let mut in_second: Vec<bool> = Vec::new();
    for _ in 0..ROUNDS {
        let now: Vec<bool> = frames
            .iter()
            .map(|frame| cosine(frame, &centres[1]) > cosine(frame, &centres[0]))
            .collect();
        if now == in_second {
            break;
        }
        in_second = now;
        centres = [false, true].map(|second| {
            let members = frames.iter().zip(&in_second);
            centre_of(
                &mut members
                    .filter(|(_, is)| **is == second)
                    .map(|(frame, _)| frame),
            )
        });
    }
    let second = in_second.iter().filter(|is| **is).count();
    let smaller = second.min(frames.len() - second);
    let minority = smaller as f64 / frames.len() as f64;
    let is_group = smaller >= FEWEST_FRAMES && minority >= SMALLEST_SHARE;
    Ok(is_group.then(|| Split {
        similarity: cosine(&centres[0], &centres[1]),
        minority,
    }))
}

/// How likely two groups of frames are of two people, by the set itself.
#[derive(Debug)]
pub(super) struct FrameEvidence {
    /// Of groups within a video of one person: the median over all videos, since few are of two, and its deviation.
    within: Normal,
    /// Of two people's videos.
    between: Normal,
}

#[derive(Debug, Clone, Copy)]
struct Normal {
    mean: f64,
    deviation: f64,
}

/// Of a normal distribution the deviation is so many times the median absolute deviation.
const DEVIATION_OF_MEDIAN: f64 = 1.4826;
/// Distributions narrower than this come from too few or drawn videos, and would make everything sure.
const NARROWEST: f64 = 0.02;

impl Normal {
    /// Median and robust deviation.
    fn of(mut values: Vec<f64>) -> Option<Self> {
        let mean = median(&mut values)?;
        let mut apart: Vec<f64> = values.iter().map(|value| (value - mean).abs()).collect();
        let deviation = DEVIATION_OF_MEDIAN * median(&mut apart)?;
        Some(Self {
            mean,
            deviation: deviation.max(NARROWEST),
        })
    }

    fn log_density(self, value: f64) -> f64 {
        -0.5 * ((value - self.mean) / self.deviation).powi(2) - self.deviation.ln()
    }
}

impl FrameEvidence {
    pub fn new(
        splits: &[Option<Split>],
        pairs: &[(usize, usize, bool)],
        similarities: &[f64],
    ) -> Self {
        let within = splits.iter().flatten().map(|split| split.similarity);
        let between = pairs.iter().zip(similarities).filter(|(pair, _)| !pair.2);
        let nothing = Normal {
            mean: 0.0,
            deviation: 1.0,
        };
        Self {
            within: Normal::of(within.collect()).unwrap_or(nothing),
            between: Normal::of(between.map(|(_, s)| *s).collect()).unwrap_or(nothing),
        }
    }

    /// The logarithm of the odds that the two groups are two people.
    pub fn log_odds(&self, split: &Split) -> f64 {
        let prior = (PRIOR / (1.0 - PRIOR)).ln();
        if self.within.mean <= self.between.mean {
            return prior;
        }
        // Beyond the middle of either distribution nothing gets likelier.
        let similarity = split.similarity.clamp(self.between.mean, self.within.mean);
        prior + self.between.log_density(similarity) - self.within.log_density(similarity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_two_people_fall_into_two_groups() {
        let frames: Vec<[f32; 3]> = (0..12_u8)
            .map(|i| {
                let shake = f32::from(i % 4) * 0.05;
                if i < 8 {
                    [1.0, shake, 0.1]
                } else {
                    [shake, 0.1, 1.0]
                }
            })
            .collect();
        let found = split(&Track::new(&frames)).unwrap().unwrap();
        assert!((found.minority - 1.0 / 3.0).abs() < 1e-12);
        assert!(found.similarity < 0.4, "{found:?}");
        assert_eq!(split(&Track::new(&frames[..1])).unwrap(), None);
        assert_eq!(split(&Track::new(&[[1.0_f32, 0.0]; 6])).unwrap(), None);
    }
}
