//! What can go wrong between bytes on disk and a batch.

use std::io;
use std::path::{Path, PathBuf};

use crate::untrusted::visible;

/// A failure to read data: what failed, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", shown(path))]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}", shown(path))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file's content is not what its format allows.
    #[error("{}, {place}: {problem}", shown(path))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in it: `line 3`, `record 17`, `byte 40`.
        place: String,
        /// What was found, and what to do.
        problem: String,
    },
    /// Something is not a source of the asked kind.
    #[error("{}: {problem}", shown(path))]
    Unsuitable {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// One image could not be decoded.
    #[error("{}: {problem}", visible(name))]
    Image {
        /// The file or record.
        name: String,
        /// What the decoder said.
        problem: String,
    },
    /// More images could not be read than the recipe allows.
    #[error(
        "{count} images could not be read, {limit} are allowed (`max_broken_images` in the recipe); the last: {last}"
    )]
    TooManyBroken {
        /// How many different images were broken.
        count: u64,
        /// How many were allowed.
        limit: u64,
        /// The last one, with its reason.
        last: String,
    },
    /// What was asked for and what the sets hold do not fit together.
    #[error("{0}")]
    Request(String),
}

impl DataError {
    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn malformed(
        path: &Path,
        place: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            place: place.into(),
            problem: problem.into(),
        }
    }

    pub(super) fn unsuitable(path: &Path, problem: impl Into<String>) -> Self {
        Self::Unsuitable {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }

    pub(super) fn image(name: &str, problem: impl Into<String>) -> Self {
        Self::Image {
            name: name.to_owned(),
            problem: problem.into(),
        }
    }
}

/// A path as a person may see it.
pub(super) fn shown(path: &Path) -> String {
    visible(&path.to_string_lossy())
}

/// A word from a file as a person may see it, in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", visible(text))
}
