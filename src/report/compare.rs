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

/// Evaluations of the same pairs, beside each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunComparison {
    /// The set.
    pub set: String,
    /// The evaluations, in the order given.
    pub runs: Vec<ComparedRun>,
    /// The second against the first, where there are two.
    pub difference: Option<Comparison>,
    /// Every pair that at least one tells wrong, in the order of the list, with what each made of it.
    pub pairs: Vec<ComparedPair>,
}

/// How evaluations of the same pairs differ.
///
/// # Errors
/// They are on different sets or pairs.
pub fn compare(evaluations: &[Measured]) -> Result<RunComparison, ReportError> {
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
    let first = evaluations.first();
    let all = first.map_or(0, |first| first.scores.rows.len());
    Ok(RunComparison {
        set: first
            .map(|first| first.evaluation.set.clone())
            .unwrap_or_default(),
        runs,
        difference: (evaluations.len() == 2).then(|| compare_two(&pairs, all)),
        pairs,
    })
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
            format!(
                "{first} and {other}, whose images have no names to tell whether they are the same"
            )
        } else {
            continue;
        };
        return Err(ReportError::Different {
            reason: format!("they are on {}", crate::untrusted::visible(&differ)),
        });
    }
    Ok(())
}
