//! One evaluation with the scores that its figures are of.

use std::path::Path;

use super::ReportError;
use crate::eval::{
    Evaluation, Folds, Judged, Verification,
    compare::Judge,
    corrected::{Corrected, ErrorList, corrected_scores},
    scores::NamedScores,
};
use crate::run::{Embeddings, EvaluationSource, ResultRow, RunDirectory, VerificationSet, Work};

/// An evaluation of a run with all that it was made from.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The run.
    pub run: RunDirectory,
    /// Its figures.
    pub evaluation: Evaluation,
    /// The scores that the figures are of: without the pairs that an error list takes out.
    pub scores: NamedScores,
    /// Which pairs were tested together.
    pub folds: Folds,
    /// The set that was evaluated.
    pub set: VerificationSet,
    whole: NamedScores,
    whole_set: String,
    source: EvaluationSource,
}

impl Measured {
    /// The evaluation of a run on `set`, or where none is named on its whole set, before any correction.
    ///
    /// Corrected figures are worked out anew from the scores with the error list as it is now.
    ///
    /// # Errors
    /// The run has no such evaluation, or doesn't keep its scores.
    pub fn open(run: &RunDirectory, set: Option<&str>) -> Result<Self, ReportError> {
        let rows = run.results()?.rows;
        let chosen = match set {
            Some(set) => rows.iter().find(|row| row.evaluation.set == set),
            None => rows.iter().find(|row| !is_corrected(row)).or(rows.first()),
        };
        let chosen = chosen.ok_or_else(|| match set {
            Some(set) if !rows.is_empty() => ReportError::NoSet {
                run: run.name(),
                set: set.to_owned(),
                there: rows
                    .iter()
                    .map(|row| row.evaluation.set.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            },
            _ => ReportError::NoEvaluation { run: run.name() },
        })?;
        Self::of(run, chosen.evaluation.clone())
    }

    /// An evaluation of a run with its scores.
    ///
    /// # Errors
    /// The run doesn't keep its scores.
    pub fn of(run: &RunDirectory, evaluation: Evaluation) -> Result<Self, ReportError> {
        let none = || ReportError::NoScores {
            run: run.name(),
            set: evaluation.set.clone(),
        };
        let source = run.evaluation_source(&evaluation.set)?.ok_or_else(none)?;
        let Work::Eval { set, .. } = run.job()?.work else {
            return Err(none());
        };
        let whole = NamedScores::read(&run.scores_path(&source.whole_set))?;
        let mode = mode_of(&evaluation)?;
        let mut measured = Self {
            run: run.clone(),
            scores: whole.clone(),
            whole,
            whole_set: source.whole_set.clone(),
            folds: Folds::OfRule,
            evaluation,
            set,
            source,
        };
        if mode != Corrected::None {
            let errors = measured.own_errors()?;
            measured.correct(&errors, mode)?;
        }
        Ok(measured)
    }

    /// The error list that the run was given.
    ///
    /// # Errors
    /// It was given none, or it can't be read.
    pub fn own_errors(&self) -> Result<ErrorList, ReportError> {
        match &self.set {
            VerificationSet::Ytf {
                errors: Some(path), ..
            } => Ok(ErrorList::load(path)?),
            _ => Err(ReportError::Correction {
                reason: format!(
                    "run {} was given no error list; name one with --errors FILE",
                    self.run.name()
                ),
            }),
        }
    }

    /// Works the figures out anew with an error list, from the scores alone.
    ///
    /// # Errors
    /// The set has no videos, or what is left can't be put into folds.
    pub fn correct(&mut self, errors: &ErrorList, mode: Corrected) -> Result<(), ReportError> {
        if matches!(self.set, VerificationSet::Lfw { .. }) && mode != Corrected::None {
            return Err(ReportError::Correction {
                reason: "error lists name videos, and this set is of images".to_owned(),
            });
        }
        let (kept, dropped) = corrected_scores(&self.whole, errors, mode);
        let pairs = kept.pairs();
        let rule = self.evaluation.rule;
        let figures = Verification::new(&pairs)?.figures_with_intervals(mode.folds(), rule)?;
        let mut provenance = self.evaluation.provenance.clone();
        provenance.corrected = Some(mode.to_string());
        let set = match mode {
            Corrected::None => self.whole_set.clone(),
            Corrected::Reference | Corrected::Official => format!("{}-corrected", self.whole_set),
        };
        let missing = self.evaluation.pairs.missing;
        self.evaluation = figures.into_evaluation(set, missing, dropped, provenance);
        self.folds = mode.folds();
        self.scores = kept;
        Ok(())
    }

    /// The verdict on every pair.
    ///
    /// # Errors
    /// When the pairs can't be put into folds.
    pub fn judge(&self) -> Result<Judged, ReportError> {
        let pairs = self.scores.pairs();
        let verification = Verification::new(&pairs)?;
        Ok(verification.judge(self.folds, self.evaluation.rule)?)
    }

    /// The scores of all pairs that are there, whatever is corrected.
    pub fn whole(&self) -> &NamedScores {
        &self.whole
    }

    /// The embeddings that the distances are of.
    ///
    /// # Errors
    /// They are no longer kept, or damaged.
    pub fn embeddings(&self) -> Result<Embeddings, ReportError> {
        Ok(self.run.embeddings(&self.source)?)
    }

    pub(super) fn judged_by(&self) -> Judge<'_> {
        Judge {
            scores: &self.scores,
            folds: self.folds,
            rule: self.evaluation.rule,
        }
    }

    /// Model, step and rule, as legends and lists name it.
    pub fn label(&self) -> String {
        label(&self.evaluation)
    }

    /// Where the set lies.
    pub(super) fn data(&self) -> &Path {
        match &self.set {
            VerificationSet::Lfw { data, .. } => data,
            VerificationSet::Ytf { splits, .. } => splits,
        }
    }
}

/// Model, step and rule of an evaluation.
pub(super) fn label(evaluation: &Evaluation) -> String {
    let made_by = &evaluation.provenance;
    let step = made_by.step.map(|step| format!(" @{step}"));
    format!(
        "{}{}, {} rule",
        made_by.model,
        step.unwrap_or_default(),
        evaluation.rule
    )
}

fn is_corrected(row: &ResultRow) -> bool {
    mode_of(&row.evaluation).is_ok_and(|mode| mode != Corrected::None)
}

fn mode_of(evaluation: &Evaluation) -> Result<Corrected, ReportError> {
    let mode = evaluation.provenance.corrected.as_deref();
    Ok(mode.map_or(Ok(Corrected::None), str::parse)?)
}
