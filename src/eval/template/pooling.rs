//! How the frames of a video become one template.

use std::{collections::BTreeMap, fmt, str::FromStr};

use multiversion::multiversion;
use serde::{Deserialize, Serialize};

use super::checked_length;
use crate::eval::EvalError;

/// How the embeddings of a video's frames become one template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// Each frame's embedding at unit length, their mean, at unit length (the published code's `pool_norm_mean`).
    #[default]
    UnitMean,
    /// The mean of the embeddings as they are, not brought to unit length.
    Mean,
    /// As unit-mean, but frames whose raw embedding is longer than is usual in the track count more.
    ///
    /// The length of an embedding follows the quality of its image. (The mean weighted by the length itself would be
    /// the plain mean again.) A frame's weight is 1 + q with q = clip(h·(length − μ)/σ, −1, 1) and h = 0.333, μ and σ
    /// being the mean and deviation of the lengths in the track: AdaFace's proxy of quality (Kim, Jain and Liu 2022,
    /// section 3.3). A usual frame counts once, one three deviations short of it not at all.
    NormWeighted,
    /// As unit-mean, without the frames that are far from the track's own centre: see [`Track::kept_frames`].
    Trimmed,
    /// As unit-mean, but every medium counts alike: the mean of the unit frames within each, then over all
    /// (`image2template_feature` of InsightFace's IJB evaluation). Media are told by a [`Track::of_media`].
    Media,
}

const POOLINGS: [Pooling; 5] = [
    Pooling::UnitMean,
    Pooling::Mean,
    Pooling::NormWeighted,
    Pooling::Trimmed,
    Pooling::Media,
];

/// AdaFace's concentration of quality: so much of a standard deviation in length is one unit of quality.
const QUALITY_SLOPE: f64 = 0.333;
/// Frames farther from the centre than the median by so many robust deviations are left out.
const TRIM_DEVIATIONS: f64 = 3.0;
/// Of a normal distribution the standard deviation is so many times the median absolute deviation.
const DEVIATION_OF_MEDIAN: f64 = 1.4826;
/// Rounding alone sets no frame apart: below this a difference of cosines is none.
const TRIM_TOLERANCE: f64 = 1e-6;
/// Embeddings are 32-bit numbers: lengths that differ by less than this share are equal.
const ROUNDING: f64 = 1e-6;
/// The kept frames hardly ever change after the third round.
const TRIM_ROUNDS: usize = 20;

impl fmt::Display for Pooling {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::UnitMean => "unit-mean",
            Self::Mean => "mean",
            Self::NormWeighted => "norm-weighted",
            Self::Trimmed => "trimmed",
            Self::Media => "media",
        })
    }
}

impl FromStr for Pooling {
    type Err = EvalError;

    fn from_str(text: &str) -> Result<Self, EvalError> {
        super::named("pooling", &POOLINGS, text)
    }
}

/// The embeddings of a video's frames, and which of them come from one medium (a shot, a photograph).
#[derive(Debug, Clone)]
pub struct Track<'a> {
    frames: Vec<&'a [f32]>,
    /// One label a frame; `None` where nothing is known.
    media: Option<Vec<u32>>,
}

impl<'a> Track<'a> {
    /// Frames of which it is not known what media they come from.
    pub fn new<E: AsRef<[f32]>>(frames: &'a [E]) -> Self {
        Self {
            frames: frames.iter().map(AsRef::as_ref).collect(),
            media: None,
        }
    }

    /// Frames with their media: those with one label, wherever they stand, are of one medium.
    ///
    /// # Errors
    /// When there are not as many labels as frames.
    pub fn of_media<E: AsRef<[f32]>>(frames: &'a [E], media: &[u32]) -> Result<Self, EvalError> {
        if frames.len() != media.len() {
            return Err(EvalError::Media {
                frames: frames.len(),
                media: media.len(),
            });
        }
        Ok(Self {
            media: Some(media.to_vec()),
            ..Self::new(frames)
        })
    }

    /// Frames that lie one after the other in `values`, each of `length` numbers; a rest that is no frame is left.
    pub fn of_flat(values: &'a [f32], length: usize) -> Self {
        Self {
            frames: values.chunks_exact(length.max(1)).collect(),
            media: None,
        }
    }

    /// The template of these frames.
    ///
    /// # Errors
    /// When there are none, they differ in length, one is broken, or media pooling doesn't know the media; errors
    /// number frames from 1.
    pub fn template(&self, pooling: Pooling) -> Result<Vec<f32>, EvalError> {
        let lengths = self.lengths()?;
        if pooling == Pooling::Mean {
            let share = 1.0 / self.frames.len() as f64;
            let sum = self.weighted_sum(&vec![share; self.frames.len()]);
            return Ok(sum.into_iter().map(|value| value as f32).collect());
        }
        let mut weights = inverse(&lengths)?;
        match pooling {
            Pooling::UnitMean | Pooling::Mean => (),
            Pooling::NormWeighted => {
                for (weight, quality) in weights.iter_mut().zip(qualities(&lengths)) {
                    *weight *= 1.0 + quality;
                }
            }
            Pooling::Trimmed => {
                for (weight, keep) in weights.iter_mut().zip(self.trimmed(&inverse(&lengths)?)) {
                    *weight *= f64::from(u8::from(keep));
                }
            }
            Pooling::Media => {
                let media = self.media.as_ref().ok_or(EvalError::NoMedia)?;
                let mut sizes = BTreeMap::new();
                for medium in media {
                    *sizes.entry(medium).or_insert(0_u32) += 1;
                }
                for (weight, medium) in weights.iter_mut().zip(media) {
                    *weight /= f64::from(sizes[medium]);
                }
            }
        }
        to_unit(self.weighted_sum(&weights))
    }

    /// Which frames agree with the track's own centre.
    ///
    /// The centre is the unit mean of the kept frames, at first of all. A frame is kept when 1 − cos to the centre is
    /// at most the median of all frames plus three robust deviations (1.4826 times the median absolute deviation);
    /// repeated until the same frames are kept. At least half of them always are.
    ///
    /// # Errors
    /// When there are no frames, they differ in length, or one is broken or zero.
    pub fn kept_frames(&self) -> Result<Vec<bool>, EvalError> {
        Ok(self.trimmed(&inverse(&self.lengths()?)?))
    }

    fn trimmed(&self, inverse: &[f64]) -> Vec<bool> {
        let mut kept = vec![true; self.frames.len()];
        for _ in 0..TRIM_ROUNDS {
            let weights: Vec<f64> = inverse
                .iter()
                .zip(&kept)
                .map(|(weight, keep)| if *keep { *weight } else { 0.0 })
                .collect();
            let centre = self.weighted_sum(&weights);
            let length = centre.iter().map(|value| value * value).sum::<f64>().sqrt();
            if length == 0.0 {
                return kept;
            }
            let distances: Vec<f64> = self
                .frames
                .iter()
                .zip(inverse)
                .map(|(frame, inverse)| 1.0 - dot(frame, &centre) * inverse / length)
                .collect();
            let middle = median(&distances);
            let apart: Vec<f64> = distances.iter().map(|d| (d - middle).abs()).collect();
            let deviation = DEVIATION_OF_MEDIAN * median(&apart);
            let limit = middle + TRIM_DEVIATIONS * deviation + TRIM_TOLERANCE;
            let now: Vec<bool> = distances.iter().map(|d| *d <= limit).collect();
            if now == kept {
                break;
            }
            kept = now;
        }
        kept
    }

    /// How many frames there are.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The frames at unit length.
    pub(in crate::eval) fn units(&self) -> Result<Vec<Vec<f64>>, EvalError> {
        let inverse = inverse(&self.lengths()?)?;
        let scaled = |(frame, inverse): (&&[f32], &f64)| {
            frame
                .iter()
                .map(|value| f64::from(*value) * inverse)
                .collect()
        };
        Ok(self.frames.iter().zip(&inverse).map(scaled).collect())
    }

    /// The Euclidean length of every frame, all of them checked.
    fn lengths(&self) -> Result<Vec<f64>, EvalError> {
        let first = self.frames.first().ok_or(EvalError::NoFrames)?;
        (1..)
            .zip(&self.frames)
            .map(|(number, frame)| checked_length(frame, number, first.len()))
            .collect()
    }

    /// Σ weight · frame.
    fn weighted_sum(&self, weights: &[f64]) -> Vec<f64> {
        let length = self.frames.first().map_or(0, |frame| frame.len());
        let mut sum = vec![0.0; length];
        for (frame, weight) in self.frames.iter().zip(weights) {
            add_weighted(&mut sum, frame, *weight);
        }
        sum
    }
}

/// sum += weight · frame.
#[multiversion(targets = "simd")]
fn add_weighted(sum: &mut [f64], frame: &[f32], weight: f64) {
    for (sum, value) in sum.iter_mut().zip(frame) {
        *sum += f64::from(*value) * weight;
    }
}

fn inverse(lengths: &[f64]) -> Result<Vec<f64>, EvalError> {
    (1..)
        .zip(lengths)
        .map(|(index, length)| {
            if *length > 0.0 {
                Ok(1.0 / length)
            } else {
                Err(EvalError::ZeroEmbedding { index })
            }
        })
        .collect()
}

/// How much better each frame is than is usual in its track, −1..1.
fn qualities(lengths: &[f64]) -> impl Iterator<Item = f64> + '_ {
    let count = lengths.len() as f64;
    let mean = lengths.iter().sum::<f64>() / count;
    let squares: f64 = lengths.iter().map(|length| (length - mean).powi(2)).sum();
    let deviation = (squares / count).sqrt();
    lengths.iter().map(move |length| {
        if deviation > mean * ROUNDING {
            (QUALITY_SLOPE * (length - mean) / deviation).clamp(-1.0, 1.0)
        } else {
            0.0
        }
    })
}

fn to_unit(sum: Vec<f64>) -> Result<Vec<f32>, EvalError> {
    let length = sum.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length == 0.0 {
        return Err(EvalError::ZeroEmbedding { index: 0 });
    }
    Ok(sum.into_iter().map(|sum| (sum / length) as f32).collect())
}

#[multiversion(targets = "simd")]
fn dot(frame: &[f32], centre: &[f64]) -> f64 {
    let mut lanes = [0.0_f64; 16];
    for (frame, centre) in frame.chunks(lanes.len()).zip(centre.chunks(lanes.len())) {
        for ((lane, a), b) in lanes.iter_mut().zip(frame).zip(centre) {
            *lane += f64::from(*a) * b;
        }
    }
    lanes.iter().sum()
}

/// The middle value, or the mean of the two middle ones, of at least one.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

/// The template of some frames of unknown media.
///
/// # Errors
/// As [`Track::template`]; media pooling is always one, since it needs a [`Track::of_media`].
pub fn pool<E: AsRef<[f32]>>(pooling: Pooling, frames: &[E]) -> Result<Vec<f32>, EvalError> {
    Track::new(frames).template(pooling)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        assert!(
            a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6),
            "{a:?} {b:?}"
        );
    }

    #[test]
    fn names_are_read_as_they_are_shown() {
        for pooling in POOLINGS {
            assert_eq!(pooling.to_string().parse(), Ok(pooling));
            let json = serde_json::to_string(&pooling).unwrap();
            assert_eq!(json, format!("\"{pooling}\""));
        }
        let error = "median".parse::<Pooling>().unwrap_err().to_string();
        assert!(error.contains("unit-mean, mean, norm-weighted, trimmed, media"));
    }

    #[test]
    fn templates_are_as_by_hand() {
        let frames = [[3.0, 0.0], [0.0, 1.0]];
        let half = 0.5_f32.sqrt();
        near(&pool(Pooling::UnitMean, &frames).unwrap(), &[half, half]);
        near(&pool(Pooling::Mean, &frames).unwrap(), &[1.5, 0.5]);
        // Lengths 3 and 1: q = ±0.333, so that the two count 1.333 and 0.667.
        let weighted = pool(Pooling::NormWeighted, &frames).unwrap();
        assert!((weighted[0] / weighted[1] - 1.333 / 0.667).abs() < 1e-5);
        let flat = [3.0, 0.0, 0.0, 1.0];
        near(
            &Track::of_flat(&flat, 2)
                .template(Pooling::UnitMean)
                .unwrap(),
            &[half, half],
        );
    }

    #[test]
    fn frames_of_equal_length_are_weighted_alike() {
        let frames = [[0.6, 0.8], [1.0, 0.0], [0.0, 1.0]];
        near(
            &pool(Pooling::NormWeighted, &frames).unwrap(),
            &pool(Pooling::UnitMean, &frames).unwrap(),
        );
    }

    #[test]
    fn every_medium_counts_alike() {
        let frames = [[1.0, 0.0], [2.0, 0.0], [5.0, 0.0], [0.0, 1.0]];
        let track = Track::of_media(&frames, &[7, 7, 7, 9]).unwrap();
        let half = 0.5_f32.sqrt();
        near(&track.template(Pooling::Media).unwrap(), &[half, half]);
        assert!(track.template(Pooling::UnitMean).unwrap()[0] > 0.9);
        assert_eq!(
            Track::of_media(&frames, &[1]).unwrap_err(),
            EvalError::Media {
                frames: 4,
                media: 1
            }
        );
        assert_eq!(pool(Pooling::Media, &frames), Err(EvalError::NoMedia));
    }

    #[test]
    fn a_strangers_frames_are_trimmed_and_half_always_stay() {
        let own = |i: u16| {
            let shake = f32::from(i % 5) * 0.02;
            [1.0, shake, 0.1 - shake, 0.0]
        };
        let mut frames: Vec<[f32; 4]> = (0..7).map(own).collect();
        frames.extend([[0.0, 0.1, 0.0, 1.0], [0.1, 0.0, 0.0, 1.0]]);
        let kept = Track::new(&frames).kept_frames().unwrap();
        assert!(kept[..7].iter().all(|keep| *keep), "{kept:?}");
        assert_eq!(kept[7..], [false, false]);
        near(
            &pool(Pooling::Trimmed, &frames).unwrap(),
            &pool(Pooling::UnitMean, &frames[..7]).unwrap(),
        );
        for count in 1..20_u16 {
            let scattered: Vec<[f32; 2]> = (0..count)
                .map(|i| {
                    let angle = f32::from(i * i % 17);
                    [angle.cos(), angle.sin()]
                })
                .collect();
            let kept = Track::new(&scattered).kept_frames().unwrap();
            assert!(2 * kept.iter().filter(|keep| **keep).count() >= usize::from(count));
        }
        let same = [[0.3, 0.4]; 5];
        assert_eq!(Track::new(&same).kept_frames().unwrap(), [true; 5]);
    }

    #[test]
    fn broken_frames_are_refused_by_number() {
        let none: [[f32; 2]; 0] = [];
        for pooling in POOLINGS {
            assert_eq!(pool(pooling, &none), Err(EvalError::NoFrames));
            let broken = [vec![1.0], vec![f32::NAN]];
            assert!(matches!(
                pool(pooling, &broken),
                Err(EvalError::BrokenEmbedding { index: 2, .. })
            ));
            let other = [vec![1.0], vec![1.0, 2.0]];
            assert!(matches!(
                pool(pooling, &other),
                Err(EvalError::Lengths { index: 2, .. })
            ));
        }
        for pooling in [Pooling::UnitMean, Pooling::NormWeighted, Pooling::Trimmed] {
            assert!(matches!(
                pool(pooling, &[[1.0], [0.0]]),
                Err(EvalError::ZeroEmbedding { index: 2 })
            ));
        }
        assert!(matches!(
            pool(Pooling::UnitMean, &[[1.0], [-1.0]]),
            Err(EvalError::ZeroEmbedding { index: 0 })
        ));
    }
}
