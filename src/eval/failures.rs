//! The pairs that were told wrong.

use std::fmt;

use serde::Serialize;

use super::scores::NamedScores;
use super::{EvalError, Folds, Rule, Verification};

/// What went wrong with a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// One person, and called two.
    FalseReject,
    /// Two people, and called one.
    FalseAccept,
}

impl fmt::Display for FailureKind {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::FalseReject => "false-reject",
            Self::FalseAccept => "false-accept",
        })
    }
}

/// A pair that was told wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailingPair {
    /// What went wrong.
    pub kind: FailureKind,
    /// Its place among the scores, from 0.
    pub pair: usize,
    /// Name of the first.
    pub a: String,
    /// Name of the second.
    pub b: String,
    /// Their distance.
    pub distance: f64,
    /// The threshold that it was on the wrong side of.
    pub threshold: f64,
    /// How far it lies on the wrong side: 0 at the threshold itself.
    pub missed_by: f64,
    /// The fold that tested it, from 0; `None` where none did, and the mean threshold judged.
    pub fold: Option<usize>,
}

/// All pairs told wrong at the threshold of the fold that tested them, those that missed by most first.
///
/// Pairs that no fold tested are judged at the mean threshold and have no `fold`.
///
/// # Errors
/// When the pairs can't be put into folds.
pub fn failures(
    scores: &NamedScores,
    choice: Folds,
    rule: Rule,
) -> Result<Vec<FailingPair>, EvalError> {
    let pairs = scores.pairs();
    let judged = Verification::new(&pairs)?.judge(choice, rule)?;
    let mut failing: Vec<FailingPair> = scores
        .rows
        .iter()
        .zip(&judged.verdicts)
        .enumerate()
        .filter(|(_, (_, verdict))| !verdict.right)
        .map(|(pair, (row, verdict))| FailingPair {
            kind: if row.pair.same {
                FailureKind::FalseReject
            } else {
                FailureKind::FalseAccept
            },
            pair,
            a: row.a.clone(),
            b: row.b.clone(),
            distance: row.pair.distance,
            threshold: verdict.threshold,
            missed_by: (row.pair.distance - verdict.threshold).abs(),
            fold: verdict.fold,
        })
        .collect();
    failing.sort_by(|a, b| {
        let by_miss = b.missed_by.total_cmp(&a.missed_by);
        by_miss.then(a.pair.cmp(&b.pair))
    });
    Ok(failing)
}

/// The table of failing pairs, `failures.csv`; folds count from 1, as people do.
pub fn to_csv<'a>(failing: impl IntoIterator<Item = &'a FailingPair>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory can't fail, and all records have eight fields.
    let _ = writer.write_record([
        "kind",
        "distance",
        "threshold",
        "missed_by",
        "fold",
        "pair",
        "a",
        "b",
    ]);
    for pair in failing {
        let fold = pair
            .fold
            .map_or("untested".to_owned(), |fold| (fold + 1).to_string());
        let _ = writer.write_record([
            &pair.kind.to_string(),
            &pair.distance.to_string(),
            &pair.threshold.to_string(),
            &pair.missed_by.to_string(),
            &fold,
            &(pair.pair + 1).to_string(),
            &pair.a,
            &pair.b,
        ]);
    }
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::eval::{ScoredPair, scores::NamedScore};

    /// As many pairs of each kind as asked for, all told right at 0.5, by names `pN/0` and `pN/1`.
    pub fn right(count: usize) -> NamedScores {
        let row = |i: usize, same: bool| NamedScore {
            a: format!("p{i}/0"),
            b: format!("p{}/1", if same { i } else { i + 1 }),
            pair: ScoredPair {
                distance: if same { 0.2 } else { 0.8 },
                same,
                fold: None,
            },
        };
        let rows = (0..count).flat_map(|i| [row(i, true), row(i, false)]);
        NamedScores {
            rows: rows.collect(),
        }
    }

    #[test]
    fn the_worst_miss_comes_first_and_untested_pairs_say_so() {
        let mut scores = right(23);
        scores.rows[4].pair.distance = 0.95;
        scores.rows[7].pair.distance = 0.1;
        // The reference rule tests two pairs a fold and kind; the last three of each kind are left over.
        scores.rows[44].pair.distance = 0.7;
        let found = failures(&scores, Folds::OfRule, Rule::Reference).unwrap();
        let pairs: Vec<_> = found.iter().map(|f| (f.pair, f.kind, f.fold)).collect();
        assert_eq!(
            pairs,
            [
                (7, FailureKind::FalseAccept, Some(1)),
                (4, FailureKind::FalseReject, Some(1)),
                (44, FailureKind::FalseReject, None),
            ]
        );
        assert!((found[0].missed_by - (found[0].threshold - 0.1)).abs() < 1e-15);
        let csv = String::from_utf8(to_csv(&found)).unwrap();
        let lines: Vec<_> = csv.lines().collect();
        assert!(lines[1].starts_with("false-accept,0.1,") && lines[1].ends_with(",2,8,p3/0,p4/1"));
        assert!(lines[3].contains(",untested,45,"));
    }
}
