//! The threshold as a control: the scores behind a figure, and where on them the control stands.

use std::path::PathBuf;

use crate::eval::operating::{OperatingPoint, OperatingPoints};
use crate::eval::{Evaluation, Rule};

use super::widget::chart::round_up;

/// A figure of the table: the run that made it, and which of its figures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FigureOf {
    /// The run's folder.
    pub run: PathBuf,
    /// The set.
    pub set: String,
    /// The rule.
    pub rule: Rule,
    /// The model's step.
    pub step: Option<u64>,
}

/// The scores of a figure's own pairs, sorted once.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// What any threshold comes to.
    pub points: OperatingPoints,
    /// The figure's own threshold: the mean over its folds.
    pub mean: f64,
}

/// Steps across all distances, about.
const FINENESS: f64 = 400.0;
/// Small steps in a large one.
pub const LARGE: i64 = 10;

impl FigureOf {
    /// The figure that an evaluation of a run is.
    pub fn of(run: PathBuf, evaluation: &Evaluation) -> Self {
        Self {
            run,
            set: evaluation.set.clone(),
            rule: evaluation.rule,
            step: evaluation.provenance.step,
        }
    }
}

impl Scored {
    /// A small step: a round number that crosses all distances in a few hundred.
    pub fn step(&self) -> f64 {
        let (low, high) = self.ends();
        round_up((high - low).max(1e-9) / FINENESS)
    }

    /// The threshold that lies `nudge` small steps from the mean.
    pub fn threshold(&self, nudge: i64) -> f64 {
        self.mean + nudge as f64 * self.step()
    }

    /// What that threshold comes to.
    pub fn at(&self, nudge: i64) -> OperatingPoint {
        self.points.at(self.threshold(nudge))
    }

    /// The nearest nudge that stays at the distances: a step or two beyond either end nothing changes any more.
    pub fn within(&self, nudge: i64) -> i64 {
        let (low, high) = self.ends();
        let steps = |distance: f64| (distance / self.step()).ceil() as i64 + 1;
        nudge.clamp(-steps(self.mean - low), steps(high - self.mean))
    }

    /// The smallest and the largest distance, the mean threshold between them.
    pub fn ends(&self) -> (f64, f64) {
        let (low, high) = self.points.range().unwrap_or((self.mean, self.mean));
        (low.min(self.mean), high.max(self.mean))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::ScoredPair;

    fn scored(distances: &[(f64, bool)], mean: f64) -> Scored {
        let pairs: Vec<ScoredPair> = distances
            .iter()
            .map(|(distance, same)| ScoredPair {
                distance: *distance,
                same: *same,
                fold: None,
            })
            .collect();
        let points = OperatingPoints::new(&pairs).unwrap();
        Scored { points, mean }
    }

    #[test]
    fn steps_are_round_and_lead_back_to_the_mean() {
        let scored = scored(&[(0.1, true), (1.9, false)], 0.987_654_321);
        assert!((scored.step() - 0.005).abs() < 1e-12);
        assert_eq!(scored.threshold(7 - 7).to_bits(), scored.mean.to_bits());
        assert!((scored.threshold(LARGE) - scored.mean - 0.05).abs() < 1e-12);
    }

    #[test]
    fn the_ends_reject_and_accept_everything_and_are_not_passed() {
        for mean in [0.1, 0.5, 0.7, 3.0, -2.0] {
            let scored = scored(
                &[(0.1, true), (0.3, true), (0.3, false), (0.7, false)],
                mean,
            );
            let [least, most] = [-1_000_000, 1_000_000].map(|nudge| scored.within(nudge));
            assert_eq!(scored.at(least).true_accepts, 0, "{mean}");
            assert_eq!(scored.at(most).false_accepts, 2, "{mean}");
            assert!((least..=most).contains(&0));
            let (low, high) = scored.ends();
            assert!(scored.threshold(least) > low - 2.1 * scored.step());
            assert!(scored.threshold(most) < high + 2.1 * scored.step());
        }
        let alike = scored(&[(0.5, true), (0.5, false)], 0.5);
        assert_eq!(alike.within(0), 0);
        assert!(alike.within(5) >= 0);
    }
}
