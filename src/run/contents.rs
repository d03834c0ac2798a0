//! What a run has brought forth: checkpoints and evaluations.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::directory::read_json;
use super::{AlignReport, Embeddings, OverlapReport, RunDirectory, RunError, kept_path};
use crate::eval::Evaluation;

/// A complete checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointEntry {
    /// Its folder's name: `step-00000080`, or with figures `step-00000080_lfw_0.99133`.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// The step it was taken at.
    pub step: u64,
}

/// One evaluation of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultRow {
    /// Name of its file without the ending.
    pub name: String,
    /// The figures.
    pub evaluation: Evaluation,
}

/// What an evaluation's figures were made from: `results/<set>.source.json`.
///
/// What the set and the preprocessing were is in the run's job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationSource {
    /// The set's name, as in the evaluation.
    pub set: String,
    /// The set without a correction: the scores are of all its pairs that are there.
    pub whole_set: String,
    /// The key under which the folder of runs keeps the embeddings.
    pub embeddings: String,
    /// Names of the videos that are missing.
    pub missing: Vec<String>,
}

/// The evaluations of a run, in order of their names.
#[derive(Debug, Default)]
pub struct Results {
    /// Those that can be read.
    pub rows: Vec<ResultRow>,
    /// Why others can't.
    pub broken: Vec<RunError>,
}

impl RunDirectory {
    /// The complete checkpoints, oldest step first; folders without a manifest are being written or were torn.
    ///
    /// # Errors
    /// When the folder is there and can't be listed.
    pub fn checkpoints(&self) -> Result<Vec<CheckpointEntry>, RunError> {
        let folder = self.checkpoints_path();
        let mut found = Vec::new();
        for path in list(&folder)? {
            let name = file_name(&path);
            if let Some(step) = step_of(&name)
                && path.join("manifest.json").is_file()
            {
                found.push(CheckpointEntry { name, path, step });
            }
        }
        found.sort_by(|a, b| (a.step, &a.name).cmp(&(b.step, &b.name)));
        Ok(found)
    }

    /// The evaluations in `results/`; a broken one hides no other.
    ///
    /// # Errors
    /// When the folder is there and can't be listed.
    pub fn results(&self) -> Result<Results, RunError> {
        let mut results = Results::default();
        for path in list(&self.path().join("results"))? {
            let name = file_name(&path);
            if path.extension().is_none_or(|end| end != "json")
                || name.ends_with(SOURCE)
                || name == AlignReport::FILE
                || name == OverlapReport::FILE
                || name.starts_with('.')
            {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            match read_json(&path, "evaluation") {
                Ok(evaluation) => results.rows.push(ResultRow {
                    name: name.into_owned(),
                    evaluation,
                }),
                Err(error) => results.broken.push(error),
            }
        }
        Ok(results)
    }

    /// Writes an evaluation to `results/`, named after its step, set and rule; the same again replaces it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn save_result(&self, evaluation: &Evaluation) -> Result<PathBuf, RunError> {
        let folder = self.path().join("results");
        fs::create_dir_all(&folder).map_err(RunError::io("make", &folder))?;
        let step = evaluation
            .provenance
            .step
            .map(|step| format!("step-{step:08}_"))
            .unwrap_or_default();
        let name = format!(
            "results/{step}{}_{}.json",
            plain(&evaluation.set),
            evaluation.rule
        );
        self.write_json(&name, evaluation)?;
        Ok(self.path().join(name))
    }

    /// Where the scores of a whole set lie: a row for each of its pairs that is there, whatever is corrected.
    pub fn scores_path(&self, whole_set: &str) -> PathBuf {
        let name = format!("{}.scores.csv", plain(whole_set));
        self.path().join("results").join(name)
    }

    /// What the figures on `set` were made from; `None` where that isn't kept, as while training.
    ///
    /// # Errors
    /// When the document is there and can't be read.
    pub fn evaluation_source(&self, set: &str) -> Result<Option<EvaluationSource>, RunError> {
        let path = self.path().join(source_name(set));
        match read_json(&path, "evaluation's source") {
            Ok(source) => Ok(Some(source)),
            Err(RunError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes what an evaluation's figures were made from.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn save_evaluation_source(&self, source: &EvaluationSource) -> Result<(), RunError> {
        self.write_json(&source_name(&source.set), source)
    }

    /// Where the folder of this run keeps the embeddings of a key.
    pub fn embeddings_path(&self, key: &str) -> PathBuf {
        kept_path(&self.root(), key)
    }

    /// The embeddings that an evaluation was made from.
    ///
    /// # Errors
    /// They are no longer kept, or damaged: the same evaluation once more makes them anew.
    pub fn embeddings(&self, source: &EvaluationSource) -> Result<Embeddings, RunError> {
        Embeddings::open(&self.embeddings_path(&source.embeddings))
    }
}

const SOURCE: &str = ".source.json";

fn source_name(set: &str) -> String {
    format!("results/{}{SOURCE}", plain(set))
}

/// The step in a checkpoint's name; `None` for names that are no checkpoint's.
fn step_of(name: &str) -> Option<u64> {
    let rest = name.strip_prefix("step-")?;
    let digits = rest.split('_').next()?;
    if digits.len() < 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// A set's name as a part of a file name.
fn plain(name: &str) -> String {
    name.chars()
        .enumerate()
        .map(|(place, letter)| match letter {
            // It would hide the file.
            '.' if place == 0 => '-',
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => letter,
            _ => '-',
        })
        .take(100)
        .collect()
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The paths in a folder, in order; none where there is no folder.
fn list(folder: &Path) -> Result<Vec<PathBuf>, RunError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(RunError::io("list", folder)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(RunError::io("list", folder))?.path());
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Provenance, Rule, ScoredPair, verify};

    #[test]
    fn only_complete_checkpoints_are_listed_in_order_of_steps() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "one").unwrap();
        let make = |name: &str, complete: bool| {
            let folder = run.checkpoints_path().join(name);
            fs::create_dir(&folder).unwrap();
            if complete {
                fs::write(folder.join("manifest.json"), "{}").unwrap();
            }
        };
        make("step-00000080_lfw_0.99133", true);
        make("step-00000009", true);
        make("step-00000090", false);
        make(".step-00000099.tmp", true);
        make("step-12", true);
        make("step-100000000", true);
        let found = run.checkpoints().unwrap();
        let steps: Vec<_> = found.iter().map(|entry| entry.step).collect();
        assert_eq!(steps, [9, 80, 100_000_000]);
        assert_eq!(found[1].name, "step-00000080_lfw_0.99133");
    }

    #[test]
    fn an_evaluation_leads_to_its_scores_and_embeddings() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "one").unwrap();
        let source = EvaluationSource {
            set: "YTF-corrected".to_owned(),
            whole_set: "./a/../YTF".to_owned(),
            embeddings: "0f".to_owned(),
            missing: vec!["A/1".to_owned()],
        };
        run.save_evaluation_source(&source).unwrap();
        assert_eq!(
            run.evaluation_source("YTF-corrected").unwrap(),
            Some(source.clone())
        );
        assert_eq!(run.evaluation_source("YTF").unwrap(), None);
        let scores = run.scores_path(&source.whole_set);
        assert_eq!(scores, run.path().join("results/--a-..-YTF.scores.csv"));
        let kept = run.embeddings_path(&source.embeddings);
        assert_eq!(kept, root.path().join(".embeddings/0f.embeddings"));
        let error = run.embeddings(&source).unwrap_err().to_string();
        assert!(error.contains("0f.embeddings"), "{error}");
    }

    #[test]
    fn a_broken_evaluation_hides_no_other() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "one").unwrap();
        let pairs: Vec<_> = (0..40)
            .map(|i| ScoredPair {
                distance: f64::from(i),
                same: i % 2 == 0,
                fold: None,
            })
            .collect();
        let provenance = Provenance {
            step: Some(80),
            ..Provenance::default()
        };
        let evaluation = verify(Rule::Exact, &pairs).unwrap().into_evaluation(
            "a/../b c".to_owned(),
            1,
            2,
            provenance,
        );
        let path = run.save_result(&evaluation).unwrap();
        assert!(path.ends_with("one/results/step-00000080_a-..-b-c_exact.json"));
        run.save_result(&evaluation).unwrap();
        fs::write(run.path().join("results/broken.json"), "{").unwrap();
        fs::write(run.path().join("results/scores.csv"), "").unwrap();
        run.save_evaluation_source(&EvaluationSource {
            set: evaluation.set.clone(),
            whole_set: evaluation.set.clone(),
            embeddings: "key".to_owned(),
            missing: Vec::new(),
        })
        .unwrap();
        let results = run.results().unwrap();
        assert_eq!(results.broken.len(), 1);
        assert_eq!(results.rows.len(), 1);
        assert_eq!(results.rows[0].evaluation, evaluation);
    }
}
