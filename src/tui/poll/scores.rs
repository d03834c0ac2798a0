//! Reads the scores behind a figure: those of the set's pairs, without what the figure's correction leaves out.

use std::path::Path;

use crate::eval::corrected::{Corrected, ErrorList, correct};
use crate::eval::operating::OperatingPoints;
use crate::eval::ranking::Ranking;
use crate::eval::scores::NamedScores;
use crate::eval::{Evaluation, ScoredPair};
use crate::run::{RunDirectory, VerificationSet, Work};
use crate::tui::threshold::Scored;
use crate::untrusted::{visible, visible_path};

/// The scores of an evaluation of the run in `folder`; where they can't be had, why and what to do, safe to show.
pub fn of(folder: &Path, evaluation: &Evaluation) -> Result<Scored, String> {
    let run = RunDirectory::open(folder).map_err(told)?;
    let source = run.evaluation_source(&evaluation.set).map_err(told)?;
    let Some(source) = source else {
        return Err(
            "this figure's scores were not kept: measure it anew with `facetui eval`".to_owned(),
        );
    };
    let path = run.scores_path(&source.whole_set);
    let scores = NamedScores::read(&path)
        .map_err(|error| format!("{}; measure it anew with `facetui eval`", told(error)))?;
    let pairs = own_pairs(&run, &scores, evaluation)?;
    if !belong(&pairs, evaluation) {
        return Err(format!(
            "{} is not of the pairs that this figure was made from (was the error list changed?): measure it anew with `facetui eval`",
            visible_path(&path)
        ));
    }
    Ok(Scored {
        points: OperatingPoints::new(&pairs).map_err(told)?,
        mean: evaluation.threshold,
    })
}

/// The pairs that the figure's correction leaves.
fn own_pairs(
    run: &RunDirectory,
    scores: &NamedScores,
    evaluation: &Evaluation,
) -> Result<Vec<ScoredPair>, String> {
    let told_mode = evaluation.provenance.corrected.as_deref();
    let mode = [Corrected::Reference, Corrected::Official]
        .into_iter()
        .find(|mode| told_mode == Some(&mode.to_string()));
    let Some(mode) = mode else {
        return Ok(scores.pairs());
    };
    let list = match run.job().map_err(told)?.work {
        Work::Eval {
            set: VerificationSet::Ytf { errors, .. },
            ..
        } => errors,
        _ => None,
    };
    let list =
        list.ok_or("the run's job names no error list: measure it anew with `facetui eval`")?;
    let text = std::fs::read_to_string(&list)
        .map_err(|error| format!("can't read the error list {}: {error}", visible_path(&list)))?;
    let kept = correct(&scores.named(), &ErrorList::parse(&text), mode).kept;
    Ok(kept.iter().map(|&at| scores.rows[at].pair).collect())
}

/// Whether these are the pairs of the figure: as many of each kind, and as well in order.
fn belong(pairs: &[ScoredPair], evaluation: &Evaluation) -> bool {
    let positive = pairs.iter().filter(|pair| pair.same).count();
    (positive, pairs.len() - positive) == (evaluation.pairs.positive, evaluation.pairs.negative)
        && (Ranking::new(pairs).auc() - evaluation.auc).abs() < 1e-9
}

fn told(error: impl std::error::Error) -> String {
    visible(&error.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::eval::scores::NamedScore;
    use crate::eval::{Folds, Provenance, Rule, verify_in};
    use crate::run::EvaluationSource;
    use crate::tui::fixtures;

    struct Bench {
        root: tempfile::TempDir,
        run: RunDirectory,
        scores: NamedScores,
    }

    /// 40 pairs of videos, the first of each kind with the listed `P0/1`, in a run that was corrected with that list.
    fn bench() -> Bench {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "eval").unwrap();
        let errors = root.path().join("errors.txt");
        std::fs::write(&errors, "P0/1\n").unwrap();
        let set = VerificationSet::Ytf {
            splits: PathBuf::from("/splits.txt"),
            frames: PathBuf::from("/frames"),
            errors: Some(errors),
            corrected: Corrected::Official,
            allow_missing: false,
        };
        fixtures::save_evaluation(&run, set);
        let row = |at: usize| NamedScore {
            a: format!("P{}/1", at / 2),
            b: format!("Q{at}/2"),
            pair: ScoredPair {
                distance: (at * 17 % 40) as f64 / 20.0
                    + if at.is_multiple_of(2) { 0.0 } else { 0.7 },
                same: at.is_multiple_of(2),
                fold: Some(at as u32 / 4),
            },
        };
        let scores = NamedScores {
            rows: (0..40).map(row).collect(),
        };
        std::fs::create_dir_all(run.path().join("results")).unwrap();
        std::fs::write(run.scores_path("YTF"), scores.to_csv()).unwrap();
        Bench { root, run, scores }
    }

    impl Bench {
        /// The evaluation that a worker would write, with its source.
        fn evaluation(&self, mode: Corrected) -> Evaluation {
            let errors = ErrorList::parse("P0/1");
            let kept = correct(&self.scores.named(), &errors, mode).kept;
            let pairs: Vec<_> = kept.iter().map(|&at| self.scores.rows[at].pair).collect();
            let provenance = Provenance {
                corrected: Some(mode.to_string()),
                ..Provenance::default()
            };
            let set = match mode {
                Corrected::None => "YTF",
                _ => "YTF-corrected",
            };
            self.run
                .save_evaluation_source(&EvaluationSource {
                    set: set.to_owned(),
                    whole_set: "YTF".to_owned(),
                    embeddings: "key".to_owned(),
                    missing: Vec::new(),
                })
                .unwrap();
            verify_in(Folds::OfSet, Rule::Exact, &pairs)
                .unwrap()
                .into_evaluation(set.to_owned(), 0, 40 - kept.len(), provenance)
        }

        fn read(&self, evaluation: &Evaluation) -> Result<Scored, String> {
            of(self.run.path(), evaluation)
        }
    }

    #[test]
    fn a_figures_own_pairs_are_read_whether_corrected_or_not() {
        let bench = bench();
        for (mode, positive, negative) in [
            (Corrected::None, 20, 20),
            (Corrected::Reference, 19, 20),
            (Corrected::Official, 19, 19),
        ] {
            let evaluation = bench.evaluation(mode);
            let scored = bench.read(&evaluation).unwrap();
            assert_eq!(scored.points.positive().len(), positive);
            assert_eq!(scored.points.negative().len(), negative);
            assert_eq!(scored.mean.to_bits(), evaluation.threshold.to_bits());
        }
    }

    #[test]
    fn what_is_missing_or_changed_is_said() {
        let bench = bench();
        let mut other = bench.evaluation(Corrected::None);
        other.set = "LFW".to_owned();
        let error = bench.read(&other).unwrap_err();
        assert!(
            error.contains("not kept") && error.contains("facetui eval"),
            "{error}"
        );

        let corrected = bench.evaluation(Corrected::Official);
        let list = bench.root.path().join("errors.txt");
        std::fs::write(&list, "P0/1\nP1/1\n").unwrap();
        let error = bench.read(&corrected).unwrap_err();
        assert!(error.contains("error list changed"), "{error}");
        std::fs::remove_file(&list).unwrap();
        assert!(bench.read(&corrected).unwrap_err().contains("errors.txt"));

        let whole = bench.evaluation(Corrected::None);
        let mut moved = bench.scores.clone();
        moved.rows[3].pair.distance = 0.0;
        std::fs::write(bench.run.scores_path("YTF"), moved.to_csv()).unwrap();
        assert!(bench.read(&whole).unwrap_err().contains("not of the pairs"));
        std::fs::remove_file(bench.run.scores_path("YTF")).unwrap();
        assert!(bench.read(&whole).unwrap_err().contains("YTF.scores.csv"));
    }
}
