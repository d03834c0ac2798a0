//! Two models on the same pairs: what the second one mends, what it breaks, and whether that can be chance.

use serde::Serialize;

use super::scores::NamedScores;
use super::{EvalError, Folds, Rule, Verification};

/// One model's scores with the rule that judges them.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    /// The scores.
    pub scores: &'a NamedScores,
    /// Which pairs are tested together.
    pub folds: Folds,
    /// The rule.
    pub rule: Rule,
}

/// How two models differ on the same pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// Pairs that both tell right.
    pub both_right: usize,
    /// Pairs that both tell wrong.
    pub both_wrong: usize,
    /// Pairs that the first tells wrong and the second right.
    pub fixed: usize,
    /// Pairs that the first tells right and the second wrong.
    pub broken: usize,
    /// McNemar's exact two-sided p: how likely a split at least as uneven is if neither model is better.
    pub p: f64,
}

/// A pair that some model tells wrong, with what each made of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedPair {
    /// Its place in the list, from 0.
    pub pair: usize,
    /// Name of the first.
    pub a: String,
    /// Name of the second.
    pub b: String,
    /// Whether it is one person by the list.
    pub same: bool,
    /// What each model made of it, in their order.
    pub of: Vec<Judgement>,
}

/// What one model made of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Judgement {
    /// The distance.
    pub distance: f64,
    /// The threshold that judged it.
    pub threshold: f64,
    /// Whether it was told right.
    pub right: bool,
}

/// The pairs that at least one of several models tells wrong, in the order of the list.
///
/// # Errors
/// [`EvalError::OtherPairs`] when they aren't the same pairs, or those of [`Verification::judge`].
pub fn failing_pairs(judges: &[Judge<'_>]) -> Result<Vec<ComparedPair>, EvalError> {
    let Some(first) = judges.first() else {
        return Ok(Vec::new());
    };
    for (number, judge) in (2..).zip(judges.iter().skip(1)) {
        check_same(first.scores, judge.scores, number)?;
    }
    let mut verdicts = Vec::with_capacity(judges.len());
    for judge in judges {
        let pairs = judge.scores.pairs();
        let figures = Verification::new(&pairs)?.judge(judge.folds, judge.rule)?;
        verdicts.push(figures.verdicts);
    }
    let rows = first.scores.rows.iter().enumerate();
    Ok(rows
        .filter(|(pair, _)| verdicts.iter().any(|of| !of[*pair].right))
        .map(|(pair, row)| ComparedPair {
            pair,
            a: row.a.clone(),
            b: row.b.clone(),
            same: row.pair.same,
            of: judges
                .iter()
                .zip(&verdicts)
                .map(|(judge, of)| Judgement {
                    distance: judge.scores.rows[pair].pair.distance,
                    threshold: of[pair].threshold,
                    right: of[pair].right,
                })
                .collect(),
        })
        .collect())
}

/// How the second of two models differs from the first, from their [`failing_pairs`] among `all` pairs.
pub fn compare(failing: &[ComparedPair], all: usize) -> Comparison {
    let count = |rights: [bool; 2]| {
        let is = |pair: &&ComparedPair| pair.of.iter().map(|of| of.right).eq(rights);
        failing.iter().filter(is).count()
    };
    let [fixed, broken] = [count([false, true]), count([true, false])];
    Comparison {
        both_right: all - failing.len(),
        both_wrong: count([false, false]),
        fixed,
        broken,
        p: mcnemar(fixed, broken),
    }
}

/// McNemar's exact test (1947): the two-sided p of `fixed` against `broken` pairs, by the binomial distribution with
/// chance one half. Pairs on which the models agree say nothing about which is better.
pub fn mcnemar(fixed: usize, broken: usize) -> f64 {
    let (fewer, all) = (fixed.min(broken), fixed + broken);
    // Terms C(all, k) / 2^all by their logarithms, each from the one before: 2^all leaves f64 from 1,024 pairs on.
    let mut term = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = term.exp();
    for k in 1..=fewer {
        term += ((all - k + 1) as f64 / k as f64).ln();
        tail += term.exp();
    }
    (2.0 * tail).min(1.0)
}

/// Refuses scores of other pairs: other names, kinds, folds or order.
fn check_same(first: &NamedScores, other: &NamedScores, number: usize) -> Result<(), EvalError> {
    let (expected, found) = (first.rows.len(), other.rows.len());
    let reason = if expected == found {
        let differ = first.rows.iter().zip(&other.rows).position(|(a, b)| {
            (&a.a, &a.b, a.pair.same, a.pair.fold) != (&b.a, &b.b, b.pair.same, b.pair.fold)
        });
        match differ {
            None => return Ok(()),
            Some(pair) => format!("its pair {} is another one", pair + 1),
        }
    } else {
        format!("it has {found} pairs where the first has {expected}")
    };
    Err(EvalError::OtherPairs { number, reason })
}

#[cfg(test)]
mod tests {
    use super::super::failures::tests::right;
    use super::*;

    fn judge(scores: &NamedScores) -> Judge<'_> {
        Judge {
            scores,
            folds: Folds::OfRule,
            rule: Rule::Exact,
        }
    }

    #[test]
    fn fixed_broken_and_common_failures_are_told_apart() {
        let mut first = right(30);
        let mut second = first.clone();
        for pair in [2, 4, 6] {
            first.rows[pair].pair.distance = 1.5;
        }
        for pair in [6, 8] {
            second.rows[pair].pair.distance = 1.5;
        }
        let pairs = failing_pairs(&[judge(&first), judge(&second)]).unwrap();
        let found = compare(&pairs, 60);
        assert_eq!((found.fixed, found.broken), (2, 1));
        assert_eq!((found.both_wrong, found.both_right), (1, 56));
        assert!((found.p - 1.0).abs() < 1e-12);
        let pairs: Vec<_> = pairs.iter().map(|pair| pair.pair).collect();
        assert_eq!(pairs, [2, 4, 6, 8]);
        let of_three = [judge(&first), judge(&second), judge(&first)];
        let pairs = failing_pairs(&of_three).unwrap();
        let rights: Vec<_> = pairs[0].of.iter().map(|of| of.right).collect();
        assert_eq!(rights, [false, true, false]);
    }

    #[test]
    fn scores_of_other_pairs_are_refused() {
        let first = right(30);
        let mut renamed = first.clone();
        renamed.rows[5].b = "someone/7".to_owned();
        let error = failing_pairs(&[judge(&first), judge(&renamed)]).unwrap_err();
        assert!(error.to_string().contains("pair 6"), "{error}");
        let error = failing_pairs(&[judge(&first), judge(&right(29))]).unwrap_err();
        assert!(error.to_string().contains("58 pairs"), "{error}");
    }

    #[test]
    fn the_test_stands_thousands_of_pairs() {
        assert!((mcnemar(4000, 4000) - 1.0).abs() < 1e-9);
        assert!(mcnemar(0, 5000) < 1e-300);
    }
}
