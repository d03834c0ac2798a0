//! Bootstrap intervals: how far figures would move with other pairs of the same kind.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::folds::Plan;
use super::ranking::Ranking;
use super::rules::Sorted;
use super::{Interval, Intervals};

/// How often the pairs are drawn anew.
const RESAMPLES: usize = 1000;
/// The numbers drawn are always the same: figures of the same scores have the same intervals.
const SEED: u64 = 0x0066_6163_6574_7569;

/// The pairs that are drawn among themselves: of one kind and one fold.
struct Stratum {
    /// Their places in the sorted pairs.
    places: Vec<u32>,
    /// The fold that tests them; `None` for pairs that no fold tests.
    fold: Option<usize>,
}

/// What one draw comes to.
struct Figures {
    accuracy: f64,
    auc: f64,
    eer: f64,
    tar_at_far: BTreeMap<String, Option<f64>>,
}

/// 95 % intervals by the percentile method (Efron 1979): the figures' 2.5 % and 97.5 % quantiles over 1,000 draws.
///
/// Every draw takes, with replacement, as many positives and as many negatives of each fold as it has, and as many of
/// those that no fold tests. The folds' thresholds stay as they were chosen: the interval of the accuracy is that of
/// these thresholds on other pairs.
pub(super) fn intervals(sorted: &Sorted, plan: &Plan, thresholds: &[f64]) -> Intervals {
    let strata = strata(sorted, plan);
    let right: Vec<bool> = sorted
        .pairs
        .iter()
        .map(|pair| {
            let fold = plan.of_pair[pair.index as usize].tested();
            fold.is_some_and(|fold| (pair.distance < thresholds[fold]) == pair.same)
        })
        .collect();
    let mut tested = vec![0_usize; plan.folds];
    for stratum in &strata {
        if let Some(fold) = stratum.fold {
            tested[fold] += stratum.places.len();
        }
    }
    let drawn: Vec<Figures> = (0..RESAMPLES as u64)
        .into_par_iter()
        .map_init(
            || vec![0_u32; sorted.pairs.len()],
            |counts, number| {
                counts.fill(0);
                let mut numbers = Numbers::new(SEED ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let mut right_of = vec![0_usize; plan.folds];
                for stratum in &strata {
                    let mut right_here = 0;
                    for _ in 0..stratum.places.len() {
                        let place = stratum.places[numbers.below(stratum.places.len())] as usize;
                        counts[place] += 1;
                        right_here += usize::from(right[place]);
                    }
                    if let Some(fold) = stratum.fold {
                        right_of[fold] += right_here;
                    }
                }
                let shares = right_of.iter().zip(&tested);
                let accuracy = shares
                    .map(|(right, all)| *right as f64 / *all as f64)
                    .sum::<f64>();
                let ranking = ranking(sorted, counts);
                Figures {
                    accuracy: accuracy / plan.folds as f64,
                    auc: ranking.auc(),
                    eer: ranking.equal_error_rate(),
                    tar_at_far: ranking.tar_at_usual_fars(),
                }
            },
        )
        .collect();
    let of = |figure: &dyn Fn(&Figures) -> f64| interval(drawn.iter().map(figure).collect());
    let fars = drawn.first().map(|first| first.tar_at_far.clone());
    Intervals {
        resamples: RESAMPLES,
        accuracy: of(&|figures| figures.accuracy),
        auc: of(&|figures| figures.auc),
        eer: of(&|figures| figures.eer),
        tar_at_far: fars
            .into_iter()
            .flatten()
            .map(|(far, tar)| {
                let tars = || drawn.iter().filter_map(|drawn| drawn.tar_at_far[&far]);
                let interval = tar.map(|_| interval(tars().collect()));
                (far, interval)
            })
            .collect(),
    }
}

fn strata(sorted: &Sorted, plan: &Plan) -> Vec<Stratum> {
    let mut strata: BTreeMap<_, Stratum> = BTreeMap::new();
    for (place, pair) in (0..).zip(&sorted.pairs) {
        let used = plan.of_pair[pair.index as usize];
        let stratum = strata.entry((used, pair.same)).or_insert(Stratum {
            places: Vec::new(),
            fold: used.tested(),
        });
        stratum.places.push(place);
    }
    strata.into_values().collect()
}

/// The ranking of the pairs that were drawn, each so often.
fn ranking(sorted: &Sorted, counts: &[u32]) -> Ranking {
    let mut place = 0;
    Ranking::of_ties(sorted.ties().map(|tied| {
        let mut drawn = [0, 0];
        for (pair, count) in tied.iter().zip(&counts[place..]) {
            drawn[usize::from(!pair.same)] += *count as usize;
        }
        place += tied.len();
        drawn
    }))
}

/// The 2.5 % and 97.5 % quantiles, between two values by a line (NumPy's default).
fn interval(mut values: Vec<f64>) -> Interval {
    values.sort_unstable_by(f64::total_cmp);
    let quantile = |share: f64| {
        let place = share * (values.len() - 1) as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        values[below] + (values[above] - values[below]) * place.fract()
    };
    Interval {
        low: quantile(0.025),
        high: quantile(0.975),
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): short, and good enough to draw pairs with.
struct Numbers {
    state: u64,
}

impl Numbers {
    fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A number from 0 to below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Rule, ScoredPair, verify};

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8], [0.025, 0.975])
        let found = interval(vec![8.0, 1.0, 4.0, 2.0]);
        assert!((found.low - 1.075).abs() < 1e-12 && (found.high - 7.7).abs() < 1e-12);
    }

    /// One pair in ten is told wrong at any threshold between 0.4 and 0.6.
    fn pairs(count: usize) -> Vec<ScoredPair> {
        (0..count)
            .map(|i| {
                let same = i % 2 == 0;
                let far = same == (i / 2 % 10 == 3);
                ScoredPair {
                    distance: if far { 0.7 } else { 0.3 } + 1e-6 * (i / 20 % 7) as f64,
                    same,
                    fold: None,
                }
            })
            .collect()
    }

    #[test]
    fn the_interval_of_the_accuracy_is_that_of_the_binomial_distribution() {
        let figures = verify(Rule::Exact, &pairs(2000)).unwrap();
        let found = figures.intervals.unwrap();
        assert!((figures.accuracy.mean - 0.9).abs() < 1e-12);
        let deviation = (0.9_f64 * 0.1 / 2000.0).sqrt();
        for (end, expected) in [
            (found.accuracy.low, 0.9 - 1.96 * deviation),
            (found.accuracy.high, 0.9 + 1.96 * deviation),
        ] {
            assert!(
                (end - expected).abs() < 0.15 * deviation,
                "{end} {expected}"
            );
        }
        assert!(found.auc.low < figures.auc && figures.auc < found.auc.high);
        assert!(found.eer.low < figures.eer && figures.eer < found.eer.high);
        assert!(found.tar_at_far["0.01"].is_some() && found.tar_at_far["0.0001"].is_none());
    }

    #[test]
    fn intervals_are_the_same_every_time() {
        let pairs = pairs(200);
        for rule in Rule::ALL {
            let once = verify(rule, &pairs).unwrap();
            assert_eq!(once, verify(rule, &pairs).unwrap());
        }
    }
}
