//! Figures that need no threshold: ROC, AUC, EER and true accept rates at false accept rates.

use std::collections::BTreeMap;

use super::ScoredPair;

/// Positives and negatives in order of distance.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// The ROC curve's corners from (0, 0) to (1, 1); ties make one corner.
    curve: Vec<Corner>,
    positive: usize,
    negative: usize,
}

/// How many pairs are accepted up to and including a distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Corner {
    true_accepts: usize,
    false_accepts: usize,
}

/// One point of a ROC curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// False accept rate, 0..1.
    pub far: f64,
    /// True accept rate, 0..1.
    pub tar: f64,
}

/// The false accept rates that a report names.
const USUAL_FARS: [(&str, f64); 4] = [
    ("0.1", 0.1),
    ("0.01", 0.01),
    ("0.001", 0.001),
    ("0.0001", 0.0001),
];

impl Ranking {
    /// Ranks pairs whose distances are finite, among them both kinds.
    pub fn new(pairs: &[ScoredPair]) -> Self {
        // Adding 0 makes −0 and 0 one value, as they are to `<`.
        let mut sorted: Vec<_> = pairs.iter().map(|p| (p.distance + 0.0, p.same)).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let tied = sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq());
        Self::of_ties(tied.map(|tied| {
            let positive = tied.iter().filter(|(_, same)| *same).count();
            [positive, tied.len() - positive]
        }))
    }

    /// From the numbers of positives and negatives at each distance, the nearest first.
    pub(super) fn of_ties(ties: impl Iterator<Item = [usize; 2]>) -> Self {
        let mut corner = Corner {
            true_accepts: 0,
            false_accepts: 0,
        };
        let mut curve = Vec::with_capacity(ties.size_hint().0 + 1);
        curve.push(corner);
        for [positive, negative] in ties {
            corner.true_accepts += positive;
            corner.false_accepts += negative;
            curve.push(corner);
        }
        Self {
            curve,
            positive: corner.true_accepts,
            negative: corner.false_accepts,
        }
    }

    /// The ROC curve's corners, from (0, 0) to (1, 1).
    pub fn roc(&self) -> impl DoubleEndedIterator<Item = RocPoint> + ExactSizeIterator + '_ {
        self.curve.iter().map(|corner| RocPoint {
            far: corner.false_accepts as f64 / self.negative as f64,
            tar: corner.true_accepts as f64 / self.positive as f64,
        })
    }

    /// Area under the ROC curve, 0..1: how often a positive is closer than a negative, ties counted half.
    pub fn auc(&self) -> f64 {
        let twice: u128 = self
            .curve
            .windows(2)
            .map(|corners| {
                let width = corners[1].false_accepts - corners[0].false_accepts;
                let heights = corners[1].true_accepts + corners[0].true_accepts;
                width as u128 * heights as u128
            })
            .sum();
        twice as f64 / (2.0 * self.positive as f64 * self.negative as f64)
    }

    /// Equal error rate, 0..1: where the ROC curve, its corners joined by lines, meets TAR = 1 − FAR.
    pub fn equal_error_rate(&self) -> f64 {
        let excess = |point: RocPoint| point.far + point.tar - 1.0;
        let mut before = RocPoint { far: 0.0, tar: 0.0 };
        for after in self.roc().skip(1) {
            if excess(after) >= 0.0 {
                let share = -excess(before) / (excess(after) - excess(before));
                return before.far + share * (after.far - before.far);
            }
            before = after;
        }
        0.0
    }

    /// The largest true accept rate whose false accept rate is at most `far`.
    pub fn true_accept_rate(&self, far: f64) -> f64 {
        let accepted = |corner: &Corner| corner.false_accepts as f64 / self.negative as f64 <= far;
        let within = self.curve.partition_point(accepted);
        let last = within.checked_sub(1).and_then(|last| self.curve.get(last));
        last.map_or(0.0, |corner| {
            corner.true_accepts as f64 / self.positive as f64
        })
    }

    /// True accept rates at the false accept rates 0.1, 0.01, 0.001 and 0.0001, by their names.
    ///
    /// A rate f is told from 1/f negatives on: with fewer, one false accept already exceeds it, and the figure
    /// would be the one at no false accepts under a wrong name. `None` then.
    pub fn tar_at_usual_fars(&self) -> BTreeMap<String, Option<f64>> {
        USUAL_FARS
            .iter()
            .map(|&(name, far)| {
                // Rounded, since 1 / 0.001 and its like are not exact.
                let needed = (1.0 / far).round() as usize;
                let enough = self.negative >= needed;
                (name.to_owned(), enough.then(|| self.true_accept_rate(far)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(positive: &[f64], negative: &[f64]) -> Ranking {
        let pair = |same| {
            move |&distance: &f64| ScoredPair {
                distance,
                same,
                fold: None,
            }
        };
        let pairs: Vec<_> = positive
            .iter()
            .map(pair(true))
            .chain(negative.iter().map(pair(false)))
            .collect();
        Ranking::new(&pairs)
    }

    #[test]
    fn small_cases_are_as_by_hand() {
        // Of the four comparisons one is lost: 0.5 against 0.3.
        let one_lost = ranking(&[0.1, 0.5], &[0.3, 0.9]);
        assert!((one_lost.auc() - 0.75).abs() < 1e-15);
        assert!((one_lost.equal_error_rate() - 0.5).abs() < 1e-15);
        assert!((one_lost.true_accept_rate(0.49) - 0.5).abs() < 1e-15);
        assert!((one_lost.true_accept_rate(0.5) - 1.0).abs() < 1e-15);
        let reversed = ranking(&[1.0], &[0.0]);
        assert!(reversed.auc().abs() < 1e-15);
        assert!((reversed.equal_error_rate() - 1.0).abs() < 1e-15);
        assert_eq!(one_lost.roc().len(), 5);
    }

    #[test]
    fn a_rate_is_told_from_as_many_negatives_as_it_needs() {
        let negative: Vec<_> = (0..10_000).map(|i| 1.0 + f64::from(i)).collect();
        let told = |count: usize| -> Vec<bool> {
            let rates = ranking(&[0.5], &negative[..count]).tar_at_usual_fars();
            ["0.1", "0.01", "0.001", "0.0001"]
                .map(|far| rates[far].is_some())
                .to_vec()
        };
        assert_eq!(told(9), [false; 4]);
        assert_eq!(told(10), [true, false, false, false]);
        assert_eq!(told(999), [true, true, false, false]);
        assert_eq!(told(9_999), [true, true, true, false]);
        assert_eq!(told(10_000), [true; 4]);
    }
}
