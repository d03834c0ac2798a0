//! The threshold as a control: what any threshold comes to.

use serde::Serialize;

use super::{EvalError, ScoredPair};

/// Distances sorted once, so that every threshold costs two binary searches.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatingPoints {
    /// In rising order.
    positive: Vec<f64>,
    /// In rising order.
    negative: Vec<f64>,
}

/// What one threshold comes to on all pairs, whatever their fold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OperatingPoint {
    /// A pair is called one person below it.
    pub threshold: f64,
    /// Share of pairs told right, 0..1; 0 without pairs.
    pub accuracy: f64,
    /// False accept rate: the share of pairs of two people that are called one, 0..1.
    pub far: f64,
    /// False reject rate: the share of pairs of one person that are called two, 0..1.
    pub frr: f64,
    /// Pairs of one person called so.
    pub true_accepts: usize,
    /// Pairs of two people called one.
    pub false_accepts: usize,
    /// Pairs of two people called so.
    pub true_rejects: usize,
    /// Pairs of one person called two.
    pub false_rejects: usize,
}

impl OperatingPoints {
    /// Sorts the distances.
    ///
    /// # Errors
    /// When one is not a number.
    pub fn new(pairs: &[ScoredPair]) -> Result<Self, EvalError> {
        if let Some(index) = pairs.iter().position(|pair| !pair.distance.is_finite()) {
            return Err(EvalError::NotFinite {
                pair: index + 1,
                distance: pairs[index].distance,
            });
        }
        let sorted = |same: bool| {
            let pairs = pairs.iter().filter(|pair| pair.same == same);
            let mut distances: Vec<f64> = pairs.map(|pair| pair.distance).collect();
            distances.sort_unstable_by(f64::total_cmp);
            distances
        };
        Ok(Self {
            positive: sorted(true),
            negative: sorted(false),
        })
    }

    /// What a threshold comes to; nothing is below NaN.
    pub fn at(&self, threshold: f64) -> OperatingPoint {
        let below = |distances: &[f64]| distances.partition_point(|d| *d < threshold);
        let (true_accepts, false_accepts) = (below(&self.positive), below(&self.negative));
        let true_rejects = self.negative.len() - false_accepts;
        let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
        OperatingPoint {
            threshold,
            accuracy: share(
                true_accepts + true_rejects,
                self.positive.len() + self.negative.len(),
            ),
            far: share(false_accepts, self.negative.len()),
            frr: share(self.positive.len() - true_accepts, self.positive.len()),
            true_accepts,
            false_accepts,
            true_rejects,
            false_rejects: self.positive.len() - true_accepts,
        }
    }

    /// The smallest and the largest distance, where a control begins and ends; `None` without pairs.
    pub fn range(&self) -> Option<(f64, f64)> {
        let ends = |pick: fn(&[f64]) -> Option<&f64>| {
            let both = [pick(&self.positive), pick(&self.negative)];
            both.into_iter().flatten().copied().collect::<Vec<_>>()
        };
        let low = ends(<[f64]>::first).into_iter().min_by(f64::total_cmp)?;
        let high = ends(<[f64]>::last).into_iter().max_by(f64::total_cmp)?;
        Some((low, high))
    }

    /// Distances of pairs of one person, in rising order.
    pub fn positive(&self) -> &[f64] {
        &self.positive
    }

    /// Distances of pairs of two people, in rising order.
    pub fn negative(&self) -> &[f64] {
        &self.negative
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(distance: f64, same: bool) -> ScoredPair {
        ScoredPair {
            distance,
            same,
            fold: None,
        }
    }

    #[test]
    fn points_are_as_by_hand() {
        let pairs = [
            pair(0.1, true),
            pair(0.5, true),
            pair(0.3, false),
            pair(0.9, false),
            pair(0.9, false),
        ];
        let points = OperatingPoints::new(&pairs).unwrap();
        let at = points.at(0.5);
        assert_eq!((at.true_accepts, at.false_rejects), (1, 1));
        assert_eq!((at.false_accepts, at.true_rejects), (1, 2));
        assert!((at.accuracy - 0.6).abs() < 1e-15);
        assert!((at.far - 1.0 / 3.0).abs() < 1e-15 && (at.frr - 0.5).abs() < 1e-15);
        assert_eq!(points.at(f64::INFINITY).true_accepts, 2);
        assert_eq!(points.at(f64::NAN).false_accepts, 0);
        assert_eq!(points.range(), Some((0.1, 0.9)));
    }

    #[test]
    fn every_threshold_is_what_counting_finds() {
        let pairs: Vec<_> = (0..200_u32)
            .map(|i| pair(f64::from(i * 37 % 101) / 50.0, i * 7 % 3 == 0))
            .collect();
        let points = OperatingPoints::new(&pairs).unwrap();
        for step in 0..120 {
            let threshold = f64::from(step) / 50.0;
            let right = pairs
                .iter()
                .filter(|p| (p.distance < threshold) == p.same)
                .count();
            let at = points.at(threshold);
            assert_eq!(at.true_accepts + at.true_rejects, right);
        }
    }

    #[test]
    fn no_pairs_and_no_numbers_are_no_panic() {
        let none = OperatingPoints::new(&[]).unwrap();
        assert_eq!((none.range(), none.at(0.5).true_rejects), (None, 0));
        assert!(matches!(
            OperatingPoints::new(&[pair(f64::NAN, true)]),
            Err(EvalError::NotFinite { pair: 1, .. })
        ));
    }
}
