//! What is wrong with a file that a person wrote, all of it at once.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::untrusted::{visible, visible_path};

/// Everything that is wrong with one file (and the `--set` arguments over it), in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// All of them; there is at least one.
    pub fn list(&self) -> &[ConfigError] {
        &self.0
    }

    /// `Ok` where there are none.
    ///
    /// # Errors
    /// All of them, ordered by place.
    pub fn of(errors: Vec<ConfigError>) -> Result<(), Self> {
        Self::check(errors)
    }

    /// These and others, as of a second file.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// `Ok` where the list is empty, else all of it ordered by place.
    pub(super) fn check(mut errors: Vec<ConfigError>) -> Result<(), Self> {
        if errors.is_empty() {
            return Ok(());
        }
        errors.sort_by(|a, b| a.place.cmp(&b.place));
        Err(Self(errors))
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            error.fmt(formatter)?;
        }
        Ok(())
    }
}

/// One thing that is wrong: where, which key, what was found and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ConfigError {
    /// Where it stands.
    pub place: Place,
    /// The key in full, as in `network.depth`; `None` where the file as a whole is meant.
    pub key: Option<String>,
    /// What is wrong with it and what to write instead.
    pub problem: String,
}

impl ConfigError {
    /// One thing that is wrong with a key at a place.
    pub fn new(place: &Place, key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            key: Some(key.into()),
            problem: problem.into(),
        }
    }

    pub(super) fn whole(place: &Place, problem: impl Into<String>) -> Self {
        Self {
            place: place.clone(),
            key: None,
            problem: problem.into(),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.place)?;
        if let Some(key) = &self.key {
            write!(formatter, "{}: ", visible(key))?;
        }
        formatter.write_str(&visible(&self.problem))
    }
}

/// A place that a person can go to and change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A file as a whole.
    File(PathBuf),
    /// A line of a file, from 1.
    Line(PathBuf, usize),
    /// A `--set` argument, by its text.
    Argument(String),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => formatter.write_str(&visible_path(path)),
            Self::Line(path, line) => write!(formatter, "{}:{line}", visible_path(path)),
            Self::Argument(text) => write!(formatter, "--set {}", visible(text)),
        }
    }
}

/// Reads a whole text file; what isn't UTF-8 is an error with its line.
pub(super) fn read_text(path: &Path) -> Result<String, ConfigErrors> {
    let bytes = std::fs::read(path).map_err(|error| {
        let place = Place::File(path.to_owned());
        ConfigError::whole(&place, format!("can't be read: {error}; check the path"))
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = line_after(valid);
        let place = Place::Line(path.to_owned(), line);
        ConfigError::whole(&place, "isn't UTF-8 text; save the file as UTF-8").into()
    })
}

/// The line, from 1, on which the byte after these stands.
pub(super) fn line_after(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count()
}

/// The word among `known` that was probably meant by `found`.
pub(super) fn meant<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    let found = found.to_lowercase();
    let allowed_slips = 1 + found.chars().count() / 4;
    known
        .iter()
        .map(|word| (slips(&found, word), *word))
        .filter(|(slips, _)| *slips <= allowed_slips)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word)
}

/// Letters to insert, drop or change (or neighbours to swap) from one word to the other.
fn slips(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before_last = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 1..=from.len() {
        let mut row = vec![i; to.len() + 1];
        for j in 1..=to.len() {
            let changed = usize::from(from[i - 1] != to[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + changed);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = last;
        last = row;
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word_that_was_meant() {
        let known = ["steps", "seed", "batch_size", "validate_every"];
        for (found, expected) in [
            ("stpes", Some("steps")),
            ("step", Some("steps")),
            ("batchsize", Some("batch_size")),
            ("validate_evry", Some("validate_every")),
            ("Seed", Some("seed")),
            ("colour", None),
        ] {
            assert_eq!(meant(found, &known), expected, "{found}");
        }
    }
}
