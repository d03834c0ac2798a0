//! Why an evaluation can't be looked into.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::{
    data::DataError,
    eval::EvalError,
    plot::PlotError,
    run::RunError,
    untrusted::{visible, visible_path},
};

/// What is missing or wrong.
#[derive(Debug, Error)]
pub enum ReportError {
    /// A document of a run can't be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Scores or embeddings don't give what was asked for.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The set's pictures can't be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A chart can't be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// The run has no evaluation.
    #[error(
        "run {} has no evaluation; `facetui eval lfw` and `eval ytf` make runs that have one",
        visible(run)
    )]
    NoEvaluation {
        /// Its name.
        run: String,
    },
    /// None of the run's evaluations is on that set.
    #[error(
        "run {} was not measured on {}; it was on {}",
        visible(run),
        visible(set),
        visible(there)
    )]
    NoSet {
        /// Its name.
        run: String,
        /// The set asked for.
        set: String,
        /// The sets that there are.
        there: String,
    },
    /// The evaluation was made without keeping its scores.
    #[error(
        "run {} keeps no scores of {}, as of all sets that are validated while training; evaluate its checkpoint with `facetui eval`",
        visible(run),
        visible(set)
    )]
    NoScores {
        /// The run's name.
        run: String,
        /// The set.
        set: String,
    },
    /// Corrected figures of a set without videos, or without an error list.
    #[error("{reason}")]
    Correction {
        /// What is missing.
        reason: String,
    },
    /// Evaluations that can't be compared.
    #[error("these evaluations can't be compared: {reason}")]
    Different {
        /// How they differ.
        reason: String,
    },
    /// The set on disk has other pairs than when it was evaluated.
    #[error("{}: {reason}; evaluate it again", visible_path(data))]
    Changed {
        /// Where the set lies.
        data: PathBuf,
        /// How it differs.
        reason: String,
    },
    /// The folder to write to holds something else.
    #[error(
        "{}: the folder isn't empty, and holds other things than {what}; name another",
        visible_path(path)
    )]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What would be replaced.
        what: &'static str,
    },
    /// The disk refuses.
    #[error("{}: cannot {action}: {source}", visible_path(path))]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ReportError {
    /// Whether what was asked for is wrong, rather than that something failed.
    pub fn is_wrong_input(&self) -> bool {
        match self {
            Self::Run(_) | Self::Io { .. } => false,
            Self::Plot(error) => !matches!(error, PlotError::Draw { .. } | PlotError::Write { .. }),
            Self::Eval(error) => !matches!(error, EvalError::Write { .. }),
            _ => true,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
