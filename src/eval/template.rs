//! Embeddings: mirror images, templates of videos, distances.

mod pooling;

use std::{fmt, str::FromStr};

use multiversion::multiversion;
use serde::{Deserialize, Serialize};

use super::EvalError;
use crate::untrusted::visible;

pub use pooling::{Pooling, Track, pool};

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

impl fmt::Display for Distance {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::Cosine => "cosine",
            Self::SquaredL2 => "squared-l2",
            Self::L2 => "l2",
        })
    }
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

impl FromStr for Distance {
    type Err = EvalError;

    fn from_str(text: &str) -> Result<Self, EvalError> {
        named("distance", &[Self::Cosine, Self::SquaredL2, Self::L2], text)
    }
}

/// The one of `all` that is shown as `text`.
fn named<T: fmt::Display + Copy>(
    what: &'static str,
    all: &[T],
    text: &str,
) -> Result<T, EvalError> {
    let found = all.iter().find(|one| one.to_string() == text).copied();
    found.ok_or_else(|| EvalError::Unknown {
        what,
        found: visible(text),
        allowed: all
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    })
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
    let squares = sum_of_squares(embedding);
    if !squares.is_finite()
        && let Some(value) = embedding.iter().find(|value| !value.is_finite())
    {
        return Err(EvalError::BrokenEmbedding {
            index,
            value: *value,
        });
    }
    Ok(squares.sqrt())
}

/// Added up in sixteen lanes, for which the machine's own vector instructions are taken; one running sum can't use them.
#[multiversion(targets = "simd")]
fn sum_of_squares(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 16];
    let chunks = values.chunks_exact(lanes.len());
    let rest: f64 = chunks
        .remainder()
        .iter()
        .map(|value| f64::from(*value).powi(2))
        .sum();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(*value).powi(2);
        }
    }
    lanes.iter().sum::<f64>() + rest
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
    fn unit_and_mirrored_embeddings_are_as_by_hand() {
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
        assert_eq!("squared-l2".parse(), Ok(Distance::SquaredL2));
        assert!("euclid".parse::<Distance>().is_err());
    }

    #[test]
    fn broken_embeddings_are_refused() {
        assert!(matches!(
            unit(&[0.0]),
            Err(EvalError::ZeroEmbedding { index: 1 })
        ));
        assert!(distance(Distance::Cosine, &[0.0], &[1.0]).is_err());
        assert!(distance(Distance::L2, &[f32::INFINITY], &[1.0]).is_err());
    }
}
