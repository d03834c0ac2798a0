//! The three rules that turn distances into accuracies.

use std::collections::BTreeMap;

use super::folds::{self, FOLDS, Plan};
use super::ranking::Ranking;
use super::{Accuracy, EvalError, Evaluation, FoldFigures, PairCounts, Provenance, Rule};

/// The distance of a pair and what it should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredPair {
    /// How far apart the two are; smaller means more alike.
    pub distance: f64,
    /// Whether it is one person.
    pub same: bool,
    /// The fold that the set's own list puts it in.
    pub fold: Option<u32>,
}

/// Which pairs are tested together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folds {
    /// As the rule makes them.
    OfRule,
    /// As the set's own list says, whatever the rule: for a corrected set that keeps its official folds.
    OfSet,
}

/// The figures of some pairs: an [`Evaluation`] without what made the distances.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// The rule that made them.
    pub rule: Rule,
    /// Positives, negatives and tested pairs; missing and dropped ones are not known here and 0.
    pub pairs: PairCounts,
    /// Mean accuracy over the folds.
    pub accuracy: Accuracy,
    /// Mean of the folds' thresholds.
    pub threshold: f64,
    /// One entry a fold.
    pub folds: Vec<FoldFigures>,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Equal error rate.
    pub eer: f64,
    /// True accept rate at false accept rates.
    pub tar_at_far: BTreeMap<String, Option<f64>>,
}

impl Figures {
    /// The whole evaluation, with what only the caller knows.
    pub fn into_evaluation(
        self,
        set: String,
        missing: usize,
        dropped: usize,
        provenance: Provenance,
    ) -> Evaluation {
        Evaluation {
            set,
            rule: self.rule,
            pairs: PairCounts {
                missing,
                dropped,
                ..self.pairs
            },
            accuracy: self.accuracy,
            threshold: self.threshold,
            folds: self.folds,
            auc: self.auc,
            eer: self.eer,
            tar_at_far: self.tar_at_far,
            provenance,
        }
    }
}

/// All figures of `pairs` by `rule`, folds made as the rule does; a pair is called one person below the threshold.
///
/// # Errors
/// When a distance is not a number, or the pairs can't be put into folds.
pub fn verify(rule: Rule, pairs: &[ScoredPair]) -> Result<Figures, EvalError> {
    verify_in(Folds::OfRule, rule, pairs)
}

/// As [`verify`], with a choice of folds.
///
/// # Errors
/// When a distance is not a number, or the pairs can't be put into folds.
pub fn verify_in(choice: Folds, rule: Rule, pairs: &[ScoredPair]) -> Result<Figures, EvalError> {
    let broken = pairs.iter().position(|pair| !pair.distance.is_finite());
    if let Some(index) = broken {
        return Err(EvalError::NotFinite {
            pair: index + 1,
            distance: pairs[index].distance,
        });
    }
    let of = |same| move |pair: &&ScoredPair| pair.same == same;
    let positive = pairs.iter().filter(of(true)).count();
    let negative = pairs.len() - positive;
    for (what, found) in [
        ("pairs of one person", positive),
        ("pairs of two people", negative),
    ] {
        if found < FOLDS {
            return Err(EvalError::TooFewPairs {
                rule,
                what,
                needed: FOLDS,
                found,
            });
        }
    }
    let plan = match choice {
        Folds::OfSet => folds::of_set(pairs)?.unwrap_or_else(|| folds::by_kind(pairs)),
        Folds::OfRule => match rule {
            Rule::Reference => folds::reference(pairs, positive, negative)?,
            Rule::Insightface => folds::consecutive(pairs.len()),
            Rule::Exact => folds::of_set(pairs)?.unwrap_or_else(|| folds::by_kind(pairs)),
        },
    };
    let thresholds = match rule {
        Rule::Reference => reference_thresholds(pairs, &plan),
        Rule::Insightface => grid_thresholds(pairs, &plan),
        Rule::Exact => exact_thresholds(pairs, &plan),
    };
    let ranking = Ranking::new(pairs);
    let folds = test(pairs, &plan, &thresholds);
    Ok(Figures {
        rule,
        pairs: PairCounts {
            positive,
            negative,
            tested: plan.of_pair.iter().filter(|p| p.tested().is_some()).count(),
            ..PairCounts::default()
        },
        accuracy: Accuracy::of(folds.iter().map(|fold| fold.accuracy)),
        threshold: thresholds.iter().sum::<f64>() / thresholds.len() as f64,
        folds,
        auc: ranking.auc(),
        eer: ranking.equal_error_rate(),
        tar_at_far: ranking.tar_at_usual_fars(),
    })
}

impl Accuracy {
    /// Mean and spread of some folds' accuracies.
    pub fn of(folds: impl ExactSizeIterator<Item = f64> + Clone) -> Self {
        let count = folds.len() as f64;
        let mean = folds.clone().sum::<f64>() / count;
        let squares: f64 = folds.map(|accuracy| (accuracy - mean).powi(2)).sum();
        Self {
            mean,
            std: (squares / count).sqrt(),
            sem: if count > 1.0 {
                (squares / (count - 1.0)).sqrt() / count.sqrt()
            } else {
                0.0
            },
        }
    }
}

/// The pairs' indices in order of distance.
fn by_distance(pairs: &[ScoredPair]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by(|&a, &b| pairs[a].distance.total_cmp(&pairs[b].distance));
    order
}

/// The crossing of false rejects and false accepts on the other folds (the published code's `threshold_by_sort`).
///
/// Positives in rising and negatives in falling order; where the first positive exceeds its negative, their middle.
/// Where none does, the two are perfectly apart and the middle of the gap is taken (the published code returns 0).
fn reference_thresholds(pairs: &[ScoredPair], plan: &Plan) -> Vec<f64> {
    let order = by_distance(pairs);
    (0..plan.folds)
        .map(|fold| {
            let trained = |same: bool| {
                order
                    .iter()
                    .filter(move |&&i| pairs[i].same == same && plan.of_pair[i].trains(fold))
                    .map(|&i| pairs[i].distance)
            };
            let crossing = trained(true)
                .zip(trained(false).rev())
                .find(|(positive, negative)| positive > negative);
            let (positive, negative) = crossing.unwrap_or_else(|| {
                let farthest = trained(true).next_back().unwrap_or(0.0);
                let nearest = trained(false).next().unwrap_or(farthest);
                (farthest, nearest)
            });
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
fn grid_thresholds(pairs: &[ScoredPair], plan: &Plan) -> Vec<f64> {
    // How many more (or fewer) pairs of each fold are right from each grid value on than with the one before it.
    let mut gains = vec![[0_i64; GRID]; plan.folds];
    let thresholds: Vec<f64> = (0..GRID).map(grid).collect();
    for (pair, used) in pairs.iter().zip(&plan.of_pair) {
        let first_above = thresholds.partition_point(|threshold| *threshold <= pair.distance);
        if let (Some(fold), true) = (used.tested(), first_above < GRID) {
            gains[fold][first_above] += if pair.same { 1 } else { -1 };
        }
    }
    (0..plan.folds)
        .map(|fold| {
            let (mut right, mut best, mut best_index) = (0, i64::MIN, 0);
            for index in 0..GRID {
                let of_others = gains.iter().enumerate().filter(|(other, _)| *other != fold);
                right += of_others.map(|(_, gains)| gains[index]).sum::<i64>();
                if right > best {
                    (best, best_index) = (right, index);
                }
            }
            grid(best_index)
        })
        .collect()
}

/// The lowest threshold of the best possible accuracy on the other folds, midway between two neighbouring distances.
fn exact_thresholds(pairs: &[ScoredPair], plan: &Plan) -> Vec<f64> {
    let order = by_distance(pairs);
    (0..plan.folds)
        .map(|fold| {
            let mut trained = order
                .iter()
                .filter(|&&i| plan.of_pair[i].trains(fold))
                .map(|&i| pairs[i])
                .peekable();
            // A threshold at the smallest distance calls no pair one person.
            let mut best_threshold = trained.peek().map_or(0.0, |pair| pair.distance);
            let (mut right, mut best) = (0_i64, 0_i64);
            while let Some(pair) = trained.next() {
                right += if pair.same { 1 } else { -1 };
                let next = trained.peek().map(|next| next.distance);
                let between_distances = next.is_none_or(|next| next > pair.distance);
                if right > best && between_distances {
                    best = right;
                    best_threshold = match next {
                        Some(next) => above(pair.distance, next),
                        None => pair.distance.next_up(),
                    };
                }
            }
            best_threshold
        })
        .collect()
}

/// The middle of two distances, above the lower one even where the two are neighbouring floats.
fn above(lower: f64, upper: f64) -> f64 {
    let middle = f64::midpoint(lower, upper);
    if middle > lower { middle } else { upper }
}

fn test(pairs: &[ScoredPair], plan: &Plan, thresholds: &[f64]) -> Vec<FoldFigures> {
    let mut right = vec![0_usize; plan.folds];
    let mut tested = vec![0_usize; plan.folds];
    for (pair, used) in pairs.iter().zip(&plan.of_pair) {
        if let Some(fold) = used.tested() {
            tested[fold] += 1;
            right[fold] += usize::from((pair.distance < thresholds[fold]) == pair.same);
        }
    }
    (0..plan.folds)
        .map(|fold| FoldFigures {
            accuracy: right[fold] as f64 / tested[fold] as f64,
            threshold: thresholds[fold],
        })
        .collect()
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

    const ALL: [Rule; 3] = [Rule::Reference, Rule::Insightface, Rule::Exact];

    #[test]
    fn perfect_separation_is_perfect_by_every_rule() {
        for rule in ALL {
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
        for rule in ALL {
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
        for rule in ALL {
            let pairs: Vec<_> = (0..40).map(|i| pair(0.5, i % 2 == 0)).collect();
            let figures = verify(rule, &pairs).unwrap();
            assert!((figures.auc - 0.5).abs() < 1e-12);
            assert!((figures.eer - 0.5).abs() < 1e-12);
            assert!((figures.accuracy.mean - 0.5).abs() < 1e-12);
        }
    }
}
