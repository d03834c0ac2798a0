//! From distances to figures: pairs are sorted once, and every rule goes through them in that order.

use std::collections::BTreeMap;

use super::bootstrap;
use super::folds::{self, FOLDS, Plan};
use super::ranking::Ranking;
use super::rules::{self, Sorted};
use super::{
    Accuracy, EvalError, Evaluation, FoldFigures, Intervals, PairCounts, Provenance, Rule,
    Untested, Val,
};

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
    /// InsightFace's rate at a false accept rate, by its rule alone.
    pub val: Option<Val>,
    /// The pairs that no fold tested, if there are any.
    pub untested: Option<Untested>,
    /// Bootstrap intervals, where they were asked for.
    pub intervals: Option<Intervals>,
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
            val: self.val,
            untested: self.untested,
            intervals: self.intervals,
            provenance,
        }
    }
}

/// All figures of `pairs` by `rule` with their intervals, folds made as the rule does; a pair is called one person
/// below the threshold.
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
    Verification::new(pairs)?.figures_with_intervals(choice, rule)
}

/// Pairs sorted once, from which the figures by every rule follow in a fraction of a millisecond.
#[derive(Debug)]
pub struct Verification<'a> {
    pairs: &'a [ScoredPair],
    sorted: Sorted,
    ranking: Ranking,
    auc: f64,
    equal_error_rate: f64,
    positive: usize,
}

/// How a rule judged one pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The fold that tested it, from 0; `None` where none did, and the mean threshold judges.
    pub fold: Option<usize>,
    /// The threshold that judged it.
    pub threshold: f64,
    /// Whether it was told right.
    pub right: bool,
}

/// Figures without intervals, and how every single pair was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The figures.
    pub figures: Figures,
    /// One verdict a pair, in order.
    pub verdicts: Vec<Verdict>,
}

impl<'a> Verification<'a> {
    /// Checks and sorts the pairs.
    ///
    /// # Errors
    /// When a distance is not a number.
    pub fn new(pairs: &'a [ScoredPair]) -> Result<Self, EvalError> {
        let broken = pairs.iter().position(|pair| !pair.distance.is_finite());
        if let Some(index) = broken {
            return Err(EvalError::NotFinite {
                pair: index + 1,
                distance: pairs[index].distance,
            });
        }
        let sorted = Sorted::new(pairs);
        let ranking = Ranking::of_ties(sorted.ties().map(|tied| {
            let positive = tied.iter().filter(|pair| pair.same).count();
            [positive, tied.len() - positive]
        }));
        Ok(Self {
            pairs,
            auc: ranking.auc(),
            equal_error_rate: ranking.equal_error_rate(),
            ranking,
            positive: pairs.iter().filter(|pair| pair.same).count(),
            sorted,
        })
    }

    /// Figures without intervals.
    ///
    /// # Errors
    /// When the pairs can't be put into folds.
    pub fn figures(&self, choice: Folds, rule: Rule) -> Result<Figures, EvalError> {
        let plan = self.plan(choice, rule)?;
        let thresholds = self.thresholds(rule, &plan);
        Ok(self.figures_of(rule, &plan, &thresholds))
    }

    /// Figures with bootstrap intervals, which take some tens of milliseconds.
    ///
    /// # Errors
    /// When the pairs can't be put into folds.
    pub fn figures_with_intervals(&self, choice: Folds, rule: Rule) -> Result<Figures, EvalError> {
        let plan = self.plan(choice, rule)?;
        let thresholds = self.thresholds(rule, &plan);
        Ok(Figures {
            intervals: Some(bootstrap::intervals(&self.sorted, &plan, &thresholds)),
            ..self.figures_of(rule, &plan, &thresholds)
        })
    }

    /// Figures without intervals, and the verdict on every pair.
    ///
    /// # Errors
    /// When the pairs can't be put into folds.
    pub fn judge(&self, choice: Folds, rule: Rule) -> Result<Judged, EvalError> {
        let plan = self.plan(choice, rule)?;
        let thresholds = self.thresholds(rule, &plan);
        let figures = self.figures_of(rule, &plan, &thresholds);
        let verdict = |(pair, used): (&ScoredPair, &folds::Use)| {
            let fold = used.tested();
            let threshold = fold.map_or(figures.threshold, |fold| thresholds[fold]);
            Verdict {
                fold,
                threshold,
                right: is_right(pair, threshold),
            }
        };
        let verdicts = self.pairs.iter().zip(&plan.of_pair).map(verdict).collect();
        Ok(Judged { figures, verdicts })
    }

    /// The ranking of the pairs, for curves.
    pub fn ranking(&self) -> &Ranking {
        &self.ranking
    }

    fn plan(&self, choice: Folds, rule: Rule) -> Result<Plan, EvalError> {
        let pairs = self.pairs;
        let negative = pairs.len() - self.positive;
        for (what, found) in [
            ("pairs of one person", self.positive),
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
        match (choice, rule) {
            (Folds::OfRule, Rule::Reference) => folds::reference(pairs, self.positive, negative),
            (Folds::OfRule, Rule::Insightface) => Ok(folds::consecutive(pairs.len())),
            (Folds::OfSet, _) | (Folds::OfRule, Rule::Exact) => {
                Ok(folds::of_set(pairs)?.unwrap_or_else(|| folds::by_kind(pairs)))
            }
        }
    }

    fn thresholds(&self, rule: Rule, plan: &Plan) -> Vec<f64> {
        match rule {
            Rule::Reference => rules::reference_thresholds(&self.sorted, plan),
            Rule::Insightface => rules::grid_thresholds(&self.sorted, plan),
            Rule::Exact => rules::exact_thresholds(&self.sorted, plan),
        }
    }

    fn figures_of(&self, rule: Rule, plan: &Plan, thresholds: &[f64]) -> Figures {
        let threshold = thresholds.iter().sum::<f64>() / thresholds.len() as f64;
        // Of each fold, and last of the pairs that none tested: how many of each kind, and how many told right.
        let mut counts = vec![[0_usize; 2]; plan.folds + 1];
        let mut right = vec![0_usize; plan.folds + 1];
        for (pair, used) in self.pairs.iter().zip(&plan.of_pair) {
            let fold = used.tested().unwrap_or(plan.folds);
            let threshold = thresholds.get(fold).copied().unwrap_or(threshold);
            counts[fold][usize::from(pair.same)] += 1;
            right[fold] += usize::from(is_right(pair, threshold));
        }
        let share = |fold: usize| {
            let [negative, positive] = counts[fold];
            right[fold] as f64 / (negative + positive) as f64
        };
        let folds: Vec<FoldFigures> = thresholds
            .iter()
            .enumerate()
            .map(|(fold, threshold)| FoldFigures {
                accuracy: share(fold),
                threshold: *threshold,
                positive: counts[fold][1],
                negative: counts[fold][0],
            })
            .collect();
        let [negative, positive] = counts[plan.folds];
        let untested = positive + negative;
        Figures {
            rule,
            pairs: PairCounts {
                positive: self.positive,
                negative: self.pairs.len() - self.positive,
                tested: self.pairs.len() - untested,
                ..PairCounts::default()
            },
            accuracy: Accuracy::of(folds.iter().map(|fold| fold.accuracy)),
            threshold,
            folds,
            auc: self.auc,
            eer: self.equal_error_rate,
            tar_at_far: self.ranking.tar_at_usual_fars(),
            val: (rule == Rule::Insightface)
                .then(|| rules::val(&self.sorted, plan))
                .flatten(),
            untested: (untested > 0).then(|| Untested {
                positive,
                negative,
                accuracy: share(plan.folds),
            }),
            intervals: None,
        }
    }
}

/// Whether a pair is told right: one person lies below the threshold.
fn is_right(pair: &ScoredPair, threshold: f64) -> bool {
    (pair.distance < threshold) == pair.same
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
