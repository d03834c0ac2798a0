//! Embeddings: mirror images, templates of videos, distances.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::EvalError;

/// How the embeddings of a video's frames become one template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// Each frame's embedding at unit length, their mean, at unit length (the published code's `pool_norm_mean`).
    #[default]
    UnitMean,
    /// The mean of the embeddings as they are, not brought to unit length.
    Mean,
}

/// How far apart two embeddings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// 1 − the cosine of the angle between them, 0..2.
    Cosine,
    /// The squared Euclidean distance: of unit embeddings 0..4.
    SquaredL2,
    /// The Euclidean distance: of unit embeddings 0..2.
    L2,
}

impl fmt::Display for Pooling {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::UnitMean => "unit-mean",
            Self::Mean => "mean",
        })
    }
}

impl fmt::Display for Distance {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::Cosine => "cosine",
            Self::SquaredL2 => "squared-l2",
            Self::L2 => "l2",
        })
    }
}

/// The template of some frames' embeddings.
///
/// # Errors
/// When there are none, they differ in length, or one is broken; errors number frames from 1.
pub fn pool<E: AsRef<[f32]>>(pooling: Pooling, frames: &[E]) -> Result<Vec<f32>, EvalError> {
    let first = frames.first().ok_or(EvalError::NoFrames)?;
    let mut sum = vec![0.0_f64; first.as_ref().len()];
    for (frame, number) in frames.iter().map(AsRef::as_ref).zip(1..) {
        let length = checked_length(frame, number, sum.len())?;
        let scale = match pooling {
            Pooling::UnitMean if length > 0.0 => 1.0 / length,
            Pooling::UnitMean => return Err(EvalError::ZeroEmbedding { index: number }),
            Pooling::Mean => 1.0,
        };
        for (sum, value) in sum.iter_mut().zip(frame) {
            *sum += f64::from(*value) * scale;
        }
    }
    let scale = match pooling {
        Pooling::Mean => frames.len() as f64,
        Pooling::UnitMean => sum.iter().map(|value| value * value).sum::<f64>().sqrt(),
    };
    if scale == 0.0 {
        return Err(EvalError::ZeroEmbedding { index: 0 });
    }
    Ok(sum.into_iter().map(|sum| (sum / scale) as f32).collect())
}

/// What is done with an image's mirror image when embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mirror {
    /// Only the image.
    None,
    /// The two raw embeddings added.
    Sum,
    /// The two raw embeddings one after the other.
    Concat,
}

impl fmt::Display for Mirror {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::None => "none",
            Self::Sum => "sum",
            Self::Concat => "concat",
        })
    }
}

/// An embedding at unit length.
///
/// # Errors
/// When it is zero or broken.
pub fn unit(embedding: &[f32]) -> Result<Vec<f32>, EvalError> {
    pool(Pooling::UnitMean, &[embedding])
}

/// The raw embedding of an image together with that of its mirror image.
///
/// # Errors
/// When the two differ in length.
pub fn with_mirror(mirror: Mirror, image: &[f32], mirrored: &[f32]) -> Result<Vec<f32>, EvalError> {
    if image.len() != mirrored.len() {
        return Err(EvalError::Lengths {
            index: 2,
            found: mirrored.len(),
            expected: image.len(),
        });
    }
    Ok(match mirror {
        Mirror::None => image.to_vec(),
        Mirror::Sum => image.iter().zip(mirrored).map(|(a, b)| a + b).collect(),
        Mirror::Concat => [image, mirrored].concat(),
    })
}

/// How far apart two embeddings are; the L2 distances take them as they are, so bring them to unit length first.
///
/// # Errors
/// When they differ in length or one is broken; errors number them 1 and 2.
pub fn distance(kind: Distance, a: &[f32], b: &[f32]) -> Result<f64, EvalError> {
    let length_a = checked_length(a, 1, a.len())?;
    let length_b = checked_length(b, 2, a.len())?;
    let squared = |scale_a: f64, scale_b: f64| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| (f64::from(*a) * scale_a - f64::from(*b) * scale_b).powi(2))
            .sum()
    };
    match kind {
        Distance::Cosine if length_a == 0.0 => Err(EvalError::ZeroEmbedding { index: 1 }),
        Distance::Cosine if length_b == 0.0 => Err(EvalError::ZeroEmbedding { index: 2 }),
        // Half the squared distance of the unit vectors is 1 − cos, and keeps its digits near 0.
        Distance::Cosine => Ok(0.5 * squared(1.0 / length_a, 1.0 / length_b)),
        Distance::SquaredL2 => Ok(squared(1.0, 1.0)),
        Distance::L2 => Ok(squared(1.0, 1.0).sqrt()),
    }
}

/// The Euclidean length of an embedding that should have `expected` numbers.
fn checked_length(embedding: &[f32], index: usize, expected: usize) -> Result<f64, EvalError> {
    if embedding.len() != expected {
        return Err(EvalError::Lengths {
            index,
            found: embedding.len(),
            expected,
        });
    }
    let squares: f64 = embedding.iter().map(|v| f64::from(*v).powi(2)).sum();
    if let (false, Some(value)) = (
        squares.is_finite(),
        embedding.iter().find(|value| !value.is_finite()),
    ) {
        return Err(EvalError::BrokenEmbedding {
            index,
            value: *value,
        });
    }
    Ok(squares.sqrt())
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
    fn templates_are_as_by_hand() {
        let frames = [[3.0, 0.0], [0.0, 1.0]];
        let half = 0.5_f32.sqrt();
        near(&pool(Pooling::UnitMean, &frames).unwrap(), &[half, half]);
        near(&pool(Pooling::Mean, &frames).unwrap(), &[1.5, 0.5]);
        near(&unit(&[3.0, 4.0]).unwrap(), &[0.6, 0.8]);
        near(
            &with_mirror(Mirror::Sum, &[1.0, 2.0], &[3.0, 4.0]).unwrap(),
            &[4.0, 6.0],
        );
        near(
            &with_mirror(Mirror::Concat, &[1.0], &[3.0]).unwrap(),
            &[1.0, 3.0],
        );
    }

    #[test]
    fn distances_are_as_by_hand() {
        let of = |kind| distance(kind, &[1.0, 0.0], &[0.0, 2.0]).unwrap();
        assert!((of(Distance::Cosine) - 1.0).abs() < 1e-12);
        assert!((of(Distance::SquaredL2) - 5.0).abs() < 1e-12);
        assert!((of(Distance::L2) - 5.0_f64.sqrt()).abs() < 1e-12);
        let tiny = distance(Distance::Cosine, &[1.0, 1e-8], &[1.0, 0.0]).unwrap();
        assert!((tiny / 0.5e-16 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn broken_embeddings_are_refused_by_number() {
        let none: [[f32; 2]; 0] = [];
        assert_eq!(pool(Pooling::Mean, &none), Err(EvalError::NoFrames));
        let error = |frames: &[Vec<f32>]| pool(Pooling::UnitMean, frames).unwrap_err();
        assert!(matches!(
            error(&[vec![1.0], vec![f32::NAN]]),
            EvalError::BrokenEmbedding { index: 2, .. }
        ));
        assert!(matches!(
            error(&[vec![1.0], vec![1.0, 2.0]]),
            EvalError::Lengths { index: 2, .. }
        ));
        assert!(matches!(
            error(&[vec![1.0], vec![0.0]]),
            EvalError::ZeroEmbedding { index: 2 }
        ));
        assert!(matches!(
            error(&[vec![1.0], vec![-1.0]]),
            EvalError::ZeroEmbedding { index: 0 }
        ));
        assert!(distance(Distance::Cosine, &[0.0], &[1.0]).is_err());
        assert!(distance(Distance::L2, &[f32::INFINITY], &[1.0]).is_err());
    }
}
