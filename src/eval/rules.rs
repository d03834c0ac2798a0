//! The thresholds of the three rules.

use super::folds::{Plan, Use};
use super::{Accuracy, ScoredPair, Val};

/// Pairs in order of distance.
#[derive(Debug)]
pub(super) struct Sorted {
    pub pairs: Vec<SortedPair>,
}

/// A pair among the sorted ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct SortedPair {
    pub distance: f64,
    pub same: bool,
    /// Its place in the order given.
    pub index: u32,
}

impl Sorted {
    pub fn new(pairs: &[ScoredPair]) -> Self {
        // One whole number a pair, which sorts several times as fast as what it stands for.
        let mut keys: Vec<u128> = (0_u32..)
            .zip(pairs)
            .map(|(index, pair)| u128::from(rank(pair.distance + 0.0)) << 32 | u128::from(index))
            .collect();
        keys.sort_unstable();
        let pairs = keys.into_iter().map(|key| {
            let index = key as u32;
            let pair = &pairs[index as usize];
            SortedPair {
                // Adding 0 makes −0 and 0 one value, as they are to `<`.
                distance: pair.distance + 0.0,
                same: pair.same,
                index,
            }
        });
        Self {
            pairs: pairs.collect(),
        }
    }

    /// The pairs of each distance.
    pub fn ties(&self) -> impl Iterator<Item = &[SortedPair]> {
        self.pairs.chunk_by(|a, b| a.distance >= b.distance)
    }
}

/// A whole number that is larger for a larger number.
fn rank(number: f64) -> u64 {
    let bits = number.to_bits();
    if number.is_sign_negative() {
        !bits
    } else {
        bits | 1 << 63
    }
}

/// The first number below `count` at which `holds` no longer does; it does up to there.
fn first_without(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = usize::midpoint(low, high);
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// The pairs of one kind that choose thresholds, in order of distance, and which of them each fold tests.
struct OfKind {
    distances: Vec<f64>,
    /// For each fold the places among them, rising.
    tested: Vec<Vec<u32>>,
}

impl OfKind {
    fn new(sorted: &Sorted, plan: &Plan, same: bool) -> Self {
        let mut distances = Vec::with_capacity(sorted.pairs.len());
        let mut tested = vec![Vec::new(); plan.folds];
        for pair in sorted.pairs.iter().filter(|pair| pair.same == same) {
            match plan.of_pair[pair.index as usize] {
                Use::Tested(fold) => tested[fold as usize].push(distances.len() as u32),
                Use::Training => (),
                Use::Beyond => continue,
            }
            distances.push(pair.distance);
        }
        Self { distances, tested }
    }

    /// How many choose a fold's threshold.
    fn training(&self, fold: usize) -> usize {
        self.distances.len() - self.tested[fold].len()
    }

    /// Of those that do the distance of a place, from 0.
    fn trained(&self, fold: usize, place: usize) -> f64 {
        let tested = &self.tested[fold];
        let before = first_without(tested.len(), |own| tested[own] as usize - own <= place);
        self.distances[place + before]
    }

    /// How many of a fold's own lie below a threshold.
    fn tested_below(&self, fold: usize, threshold: f64) -> usize {
        self.tested[fold].partition_point(|place| self.distances[*place as usize] < threshold)
    }

    /// How many of those that choose its threshold do.
    fn trained_below(&self, fold: usize, threshold: f64) -> usize {
        let below = |distance: &f64| *distance < threshold;
        self.distances.partition_point(below) - self.tested_below(fold, threshold)
    }
}

/// The crossing of false rejects and false accepts on the other folds (the published code's `threshold_by_sort`).
///
/// Positives in rising and negatives in falling order; where the first positive exceeds its negative, their middle.
/// Where none does, the two are perfectly apart and the middle of the gap is taken (the published code returns 0).
pub(super) fn reference_thresholds(sorted: &Sorted, plan: &Plan) -> Vec<f64> {
    let [positives, negatives] = [true, false].map(|same| OfKind::new(sorted, plan, same));
    (0..plan.folds)
        .map(|fold| {
            let counts = [&positives, &negatives].map(|kind| kind.training(fold));
            let couple = |place: usize| {
                let negative = negatives.trained(fold, counts[1] - 1 - place);
                (positives.trained(fold, place), negative)
            };
            let couples = counts[0].min(counts[1]);
            // Positives rise and negatives fall, so once one has passed the other it stays so.
            let crossing = first_without(couples, |place| {
                let (positive, negative) = couple(place);
                positive <= negative
            });
            let (positive, negative) = if crossing < couples {
                couple(crossing)
            } else {
                let last = counts[0].checked_sub(1);
                let farthest = last.map_or(0.0, |last| positives.trained(fold, last));
                let nearest = (counts[1] > 0).then(|| negatives.trained(fold, 0));
                (farthest, nearest.unwrap_or(farthest))
            };
            f64::midpoint(positive, negative)
        })
        .collect()
}

const GRID: usize = 400;

/// InsightFace's grid, `numpy.arange(0, 4, 0.01)`: meant for squared L2 distances of unit embeddings.
fn grid(index: usize) -> f64 {
    index as f64 * 0.01
}

/// On InsightFace's grid, the first threshold of the best accuracy on the other folds.
pub(super) fn grid_thresholds(sorted: &Sorted, plan: &Plan) -> Vec<f64> {
    // How many more (or fewer) pairs of each fold are right from each grid value on than with the one before it.
    let mut gains = vec![[0_i64; GRID]; plan.folds];
    let mut of_all = [0_i64; GRID];
    let mut rest = sorted.pairs.iter().peekable();
    for index in 0..GRID {
        let threshold = grid(index);
        while let Some(pair) = rest.next_if(|pair| pair.distance < threshold) {
            if let Some(fold) = plan.of_pair[pair.index as usize].tested() {
                let gain = if pair.same { 1 } else { -1 };
                gains[fold][index] += gain;
                of_all[index] += gain;
            }
        }
    }
    gains
        .iter()
        .map(|own| {
            let (mut right, mut best, mut best_index) = (0, i64::MIN, 0);
            for index in 0..GRID {
                right += of_all[index] - own[index];
                if right > best {
                    (best, best_index) = (right, index);
                }
            }
            grid(best_index)
        })
        .collect()
}

/// The false accept rate at which InsightFace tells its true accept rate.
const VAL_FAR: f64 = 1e-3;
const FINE_GRID: usize = 4000;

/// `numpy.arange(0, 4, 0.001)`.
fn fine_grid(index: usize) -> f64 {
    index as f64 * 0.001
}

/// InsightFace's `calculate_val` at a false accept rate of 1e-3: each fold at the threshold where the other folds'
/// rate, on the grid and joined by lines between its values, is that; 0 where it never is.
///
/// `None` where a fold lacks positives or negatives: the original divides by zero there.
pub(super) fn val(sorted: &Sorted, plan: &Plan) -> Option<Val> {
    let kinds = [false, true].map(|same| OfKind::new(sorted, plan, same));
    let mut shares = Vec::with_capacity(plan.folds);
    for fold in 0..plan.folds {
        let threshold = interpolated_threshold(&kinds[0], fold);
        if kinds.iter().any(|kind| kind.tested[fold].is_empty()) {
            return None;
        }
        shares.push(kinds.each_ref().map(|kind| {
            kind.tested_below(fold, threshold) as f64 / kind.tested[fold].len() as f64
        }));
    }
    let true_accepts = Accuracy::of(shares.iter().map(|share| share[1]));
    Some(Val {
        target_far: VAL_FAR,
        mean: true_accepts.mean,
        std: true_accepts.std,
        far: shares.iter().map(|share| share[0]).sum::<f64>() / shares.len() as f64,
    })
}

/// The threshold at which the false accept rate of the other folds' negatives is [`VAL_FAR`].
fn interpolated_threshold(negatives: &OfKind, fold: usize) -> f64 {
    let count = negatives.training(fold) as f64;
    let accepted = |index: usize| negatives.trained_below(fold, fine_grid(index)) as f64 / count;
    // The rate never falls along the grid.
    let low = first_without(FINE_GRID, |index| accepted(index) <= VAL_FAR);
    if low == FINE_GRID {
        let reached = accepted(FINE_GRID - 1) >= VAL_FAR;
        return if reached {
            fine_grid(FINE_GRID - 1)
        } else {
            0.0
        };
    }
    let (before, after) = (low.saturating_sub(1), low);
    let (rate_before, rate_after) = (accepted(before), accepted(after));
    let share = (VAL_FAR - rate_before) / (rate_after - rate_before);
    fine_grid(before) + share * (fine_grid(after) - fine_grid(before))
}

/// The lowest threshold of the best possible accuracy on the other folds, midway between two neighbouring distances.
pub(super) fn exact_thresholds(sorted: &Sorted, plan: &Plan) -> Vec<f64> {
    /// The best place to cut a fold's training pairs at: after so many sorted pairs.
    #[derive(Clone, Copy, Default)]
    struct Best {
        right: i32,
        after: usize,
    }
    // What accepting all up to a place gains over accepting none: of all training pairs, and of each fold's own.
    let mut of_all = 0_i32;
    let mut own = vec![0_i32; plan.folds];
    let mut best = vec![Best::default(); plan.folds];
    let mut after = 0;
    for tied in sorted.ties() {
        for pair in tied {
            let gain = if pair.same { 1 } else { -1 };
            let used = plan.of_pair[pair.index as usize];
            if let Some(fold) = used.tested() {
                own[fold] += gain;
                of_all += gain;
            } else if used.trains(0) {
                of_all += gain;
            }
        }
        after += tied.len();
        for (best, own) in best.iter_mut().zip(&own) {
            if of_all - own > best.right {
                *best = Best {
                    right: of_all - own,
                    after,
                };
            }
        }
    }
    let trained = |fold: usize, pairs: &[SortedPair]| {
        let mut pairs = pairs.iter();
        pairs
            .find(|pair| plan.of_pair[pair.index as usize].trains(fold))
            .map(|pair| pair.distance)
    };
    best.iter()
        .enumerate()
        .map(|(fold, best)| {
            let (accepted, rejected) = sorted.pairs.split_at(best.after);
            let next = trained(fold, rejected);
            match (accepted.last(), next) {
                // A threshold at the smallest distance calls no pair one person.
                (None, next) => next.unwrap_or(0.0),
                (Some(last), Some(next)) => above(last.distance, next),
                (Some(last), None) => last.distance.next_up(),
            }
        })
        .collect()
}

/// The middle of two distances, above the lower one even where the two are neighbouring floats.
fn above(lower: f64, upper: f64) -> f64 {
    let middle = f64::midpoint(lower, upper);
    if middle > lower { middle } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{EvalError, Rule, verify};

    fn pair(distance: f64, same: bool) -> ScoredPair {
        ScoredPair {
            distance,
            same,
            fold: None,
        }
    }

    fn apart(count: usize) -> Vec<ScoredPair> {
        (0..count)
            .flat_map(|i| {
                [
                    pair(0.1 + 0.001 * i as f64, true),
                    pair(1.0 + 0.001 * i as f64, false),
                ]
            })
            .collect()
    }

    #[test]
    fn perfect_separation_is_perfect_by_every_rule() {
        for rule in Rule::ALL {
            let figures = verify(rule, &apart(50)).unwrap();
            assert!((figures.accuracy.mean - 1.0).abs() < 1e-15, "{rule}");
            assert!(figures.accuracy.std.abs() < 1e-15);
            assert!((figures.auc - 1.0).abs() < 1e-15);
            assert!(figures.eer.abs() < 1e-15);
            assert_eq!(figures.pairs.tested, 100);
        }
        let reference = verify(Rule::Reference, &apart(50)).unwrap();
        assert!((reference.folds[0].threshold - f64::midpoint(0.149, 1.005)).abs() < 1e-12);
    }

    #[test]
    fn too_few_or_broken_pairs_are_clear_errors() {
        for rule in Rule::ALL {
            assert!(matches!(
                verify(rule, &[]),
                Err(EvalError::TooFewPairs { found: 0, .. })
            ));
            assert!(matches!(
                verify(rule, &apart(9)),
                Err(EvalError::TooFewPairs { found: 9, .. })
            ));
            let one_kind: Vec<_> = (0..50).map(|_| pair(0.5, true)).collect();
            assert!(matches!(
                verify(rule, &one_kind),
                Err(EvalError::TooFewPairs {
                    what: "pairs of two people",
                    ..
                })
            ));
            for broken in [f64::NAN, f64::INFINITY] {
                let mut pairs = apart(20);
                pairs[6].distance = broken;
                let error = verify(rule, &pairs).unwrap_err().to_string();
                assert!(error.contains("pair 7"), "{error}");
            }
        }
    }

    #[test]
    fn the_reference_rule_needs_a_negative_for_each_positive_and_leaves_the_others() {
        let mut pairs = apart(23);
        pairs.extend((0..5).map(|_| pair(0.0, false)));
        let figures = verify(Rule::Reference, &pairs).unwrap();
        assert_eq!(figures.pairs.negative, 28);
        assert_eq!(figures.pairs.tested, 40);
        assert!((figures.accuracy.mean - 1.0).abs() < 1e-15);
        pairs.extend((0..6).map(|_| pair(0.0, true)));
        assert_eq!(
            verify(Rule::Reference, &pairs),
            Err(EvalError::FewerNegatives {
                positive: 29,
                negative: 28
            })
        );
    }

    #[test]
    fn the_exact_rule_finds_what_trying_every_threshold_finds() {
        // A simple generator's noise: enough to overlap and to hold ties.
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            ((state >> 33) % 40) as f64 / 40.0
        };
        let pairs: Vec<_> = (0..200)
            .map(|i| {
                let same = i % 2 == 0;
                ScoredPair {
                    distance: next() + if same { 0.0 } else { 0.4 },
                    same,
                    fold: Some(7 + i / 40),
                }
            })
            .collect();
        let figures = verify(Rule::Exact, &pairs).unwrap();
        assert_eq!(figures.folds.len(), 5);
        for (fold, found) in (7..).zip(&figures.folds) {
            let right = |threshold: f64| {
                pairs
                    .iter()
                    .filter(|p| p.fold != Some(fold) && (p.distance < threshold) == p.same)
                    .count()
            };
            let candidates = pairs.iter().map(|p| p.distance);
            let best = candidates.chain([f64::INFINITY]).map(right).max();
            assert_eq!(Some(right(found.threshold)), best, "fold {fold}");
        }
    }

    #[test]
    fn the_grid_is_searched_as_numpy_would() {
        let pairs: Vec<_> = (0..100)
            .map(|i| pair(if i % 2 == 0 { 1.234 } else { 1.5 }, i % 2 == 0))
            .collect();
        let figures = verify(Rule::Insightface, &pairs).unwrap();
        assert!((figures.threshold - 1.24).abs() < 1e-12);
        let far: Vec<_> = apart(20)
            .into_iter()
            .map(|p| pair(p.distance + 100.0, p.same))
            .collect();
        let figures = verify(Rule::Insightface, &far).unwrap();
        assert!((figures.accuracy.mean - 0.5).abs() < 1e-12);
    }

    #[test]
    fn folds_are_all_given_or_none() {
        let mut pairs = apart(20);
        pairs[0].fold = Some(1);
        assert_eq!(
            verify(Rule::Exact, &pairs),
            Err(EvalError::MissingFold { pair: 2 })
        );
        for pair in &mut pairs {
            pair.fold = Some(1);
        }
        assert_eq!(
            verify(Rule::Exact, &pairs),
            Err(EvalError::OneFold { fold: 1 })
        );
        verify(Rule::Reference, &pairs).unwrap();
    }

    #[test]
    fn all_distances_equal_is_no_panic() {
        for rule in Rule::ALL {
            let pairs: Vec<_> = (0..40).map(|i| pair(0.5, i % 2 == 0)).collect();
            let figures = verify(rule, &pairs).unwrap();
            assert!((figures.auc - 0.5).abs() < 1e-12);
            assert!((figures.eer - 0.5).abs() < 1e-12);
            assert!((figures.accuracy.mean - 0.5).abs() < 1e-12);
        }
    }
}
