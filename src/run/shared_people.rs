//! What a search for shared people is asked to do, and what it leaves in its run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{RunDirectory, RunError, directory::read_json};
use crate::{atomic::atomic_write, config::PersonsSource};

/// A set that takes part in a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedPersons {
    /// Its name, as `config.ini` and recipes call it.
    pub name: String,
    /// Where it lies.
    pub source: PersonsSource,
}

/// How people are compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverlapOptions {
    /// The least cosine of two people's centres.
    pub threshold: f64,
    /// At most so many images of a person make the centre.
    pub images_per_person: usize,
    /// What the list asks for where the faces are alike; a person decides the rest.
    pub action: Option<OverlapSuggestion>,
}

/// What the list asks for at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OverlapSuggestion {
    /// Make one class of the two.
    Merge,
    /// Leave the second out.
    Drop,
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverlapReport {
    /// The first set and its number of people.
    pub a: (String, usize),
    /// The second set and its number of people.
    pub b: (String, usize),
    /// The model.
    pub model: String,
    /// The least cosine.
    pub threshold: f64,
    /// Pairs of people whose faces are alike.
    pub alike: usize,
    /// Pairs of people of the same name.
    pub same_name: usize,
    /// Pairs that are both.
    pub both: usize,
    /// Images that could not be read.
    pub broken: usize,
}

impl OverlapReport {
    /// Its file among the results.
    pub const FILE: &str = "overlap.json";
    /// The list's file among the results.
    pub const LIST: &str = "overlap.csv";
}

impl RunDirectory {
    /// What a search for shared people came to.
    ///
    /// # Errors
    /// It has not come to its end, or the document is damaged.
    pub fn overlap_report(&self) -> Result<OverlapReport, RunError> {
        read_json(
            &self.path().join("results").join(OverlapReport::FILE),
            "overlap report",
        )
    }

    /// Copies the list of shared people to a file.
    ///
    /// # Errors
    /// There is no list, or the file can't be written.
    pub fn copy_overlap(&self, to: &Path) -> Result<(), RunError> {
        let list = self.overlap_path();
        let text = std::fs::read(&list).map_err(RunError::io("read", &list))?;
        atomic_write(to, &text).map_err(RunError::io("write", to))
    }

    /// Where the list of shared people lies.
    pub fn overlap_path(&self) -> PathBuf {
        self.path().join("results").join(OverlapReport::LIST)
    }
}
