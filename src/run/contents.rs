//! What a run has brought forth: checkpoints and evaluations.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::directory::read_json;
use super::{AlignReport, RunDirectory, RunError};
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
            if path.extension().is_none_or(|end| end != "json")
                || file_name(&path).starts_with('.')
                || file_name(&path) == AlignReport::FILE
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
        .map(|letter| match letter {
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
        let results = run.results().unwrap();
        assert_eq!(results.broken.len(), 1);
        assert_eq!(results.rows.len(), 1);
        assert_eq!(results.rows[0].evaluation, evaluation);
    }
}
