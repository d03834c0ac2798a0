//! Several evaluations on the same pairs.

use serde::Serialize;

use super::{Measured, ReportError};
use crate::eval::{
    Rule,
    compare::{ComparedPair, Comparison, compare as compare_two, failing_pairs},
};

/// One evaluation among those compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedRun {
    /// The run's name.
    pub run: String,
    /// The model.
    pub model: String,
    /// The step of the model, where it has one.
    pub step: Option<u64>,
    /// The rule that judged.
    pub rule: Rule,
    /// Mean accuracy over the folds.
    pub accuracy: f64,
    /// Pairs told wrong, untested ones included.
    pub wrong: usize,
}

/// How evaluations differ: each of them, the second against the first if there are two, and every pair that at least
/// one tells wrong.
///
/// # Errors
/// They are on different sets or pairs.
pub fn compare(
    evaluations: &[Measured],
) -> Result<(Vec<ComparedRun>, Option<Comparison>, Vec<ComparedPair>), ReportError> {
    check_sets(evaluations)?;
    let judges: Vec<_> = evaluations.iter().map(Measured::judged_by).collect();
    let pairs = failing_pairs(&judges)?;
    let runs = evaluations
        .iter()
        .enumerate()
        .map(|(place, measured)| ComparedRun {
            run: measured.run.name(),
            model: measured.evaluation.provenance.model.clone(),
            step: measured.evaluation.provenance.step,
            rule: measured.evaluation.rule,
            accuracy: measured.evaluation.accuracy.mean,
            wrong: pairs.iter().filter(|pair| !pair.of[place].right).count(),
        })
        .collect();
    let comparison = match judges.as_slice() {
        [first, second] => Some(compare_two(*first, *second)?),
        _ => None,
    };
    Ok((runs, comparison, pairs))
}

fn check_sets(evaluations: &[Measured]) -> Result<(), ReportError> {
    let Some(first) = evaluations.first() else {
        return Ok(());
    };
    // Places in a file are the same names in every file.
    let named_by_place = first.scores.rows.iter().any(|row| row.a.starts_with('#'));
    for other in &evaluations[1..] {
        let (expected, found) = (&first.evaluation, &other.evaluation);
        let differ = if expected.set != found.set {
            format!("{} and {}", expected.set, found.set)
        } else if named_by_place && first.data() != other.data() {
            let (first, other) = (first.data().display(), other.data().display());
            format!("{first} and {other}, whose images have no names to tell whether they are the same")
        } else {
            continue;
        };
        return Err(ReportError::Different {
            reason: format!("they are on {}", crate::untrusted::visible(&differ)),
        });
    }
    Ok(())
}
