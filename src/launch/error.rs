//! Why a job was not started or steered.

use std::path::PathBuf;

use thiserror::Error;

use crate::{
    config::{ConfigErrors, DeviceChoice},
    data::DataError,
    eval::EvalError,
    run::{RunError, RunState},
    untrusted::{visible, visible_path},
};

/// What failed, where, and what to do.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// A recipe, its arguments or `config.ini` are wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// A run directory can't be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Data can't be made or read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Figures can't be made.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The device isn't there.
    #[error("device {asked} isn't there: found {found}; use {instead}")]
    Device {
        /// What was asked for.
        asked: DeviceChoice,
        /// Driver, libtorch and devices as found.
        found: String,
        /// What can be used, and how to get the other.
        instead: String,
    },
    /// The device doesn't compute in the recipe's number format.
    #[error(
        "precision = \"{precision}\" needs LibTorch, which device flex is not; {instead}, or precision = \"f32\""
    )]
    Precision {
        /// The format.
        precision: &'static str,
        /// Where it can be had.
        instead: String,
    },
    /// The worker's program doesn't run.
    #[error(
        "{} doesn't run: {reason}; rebuild it with `./x build`, and see `facetui doctor`",
        visible_path(program)
    )]
    Worker {
        /// The program.
        program: PathBuf,
        /// What it said.
        reason: String,
    },
    /// There is no such model.
    #[error("{}: {reason}", visible_path(path))]
    Model {
        /// Where it was looked for.
        path: PathBuf,
        /// What is wrong and what to give.
        reason: String,
    },
    /// The worker can't read a model: its words name the file.
    #[error("{}", visible(reason))]
    Unreadable {
        /// What is wrong and what to give.
        reason: String,
    },
    /// The worker ran and failed: its words say at what.
    #[error("{}", visible(reason))]
    Failed {
        /// What failed.
        reason: String,
    },
    /// A file or folder that the order names isn't there.
    #[error("{option} {}: {reason}", visible_path(path))]
    Path {
        /// The option that names it.
        option: &'static str,
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A command to a run that can't obey it.
    #[error(
        "{} is {state}: it can't be told to {command}; {instead}",
        visible(name)
    )]
    State {
        /// The run's name.
        name: String,
        /// Its state.
        state: RunState,
        /// The command as a verb.
        command: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// A number that can't be changed, or not to that.
    #[error("set {}: {reason}", visible(key))]
    Set {
        /// The key.
        key: String,
        /// What is allowed.
        reason: String,
    },
}

impl LaunchError {
    /// Whether what was asked for is wrong, as opposed to something that failed while doing it.
    pub fn is_wrong_input(&self) -> bool {
        match self {
            Self::Config(_)
            | Self::Device { .. }
            | Self::Precision { .. }
            | Self::Model { .. }
            | Self::Unreadable { .. }
            | Self::Path { .. }
            | Self::Set { .. }
            | Self::Eval(_)
            | Self::Data(_) => true,
            Self::Run(error) => matches!(
                error,
                RunError::NotARun { .. }
                    | RunError::Exists { .. }
                    | RunError::Name { .. }
                    | RunError::Malformed { .. }
            ),
            Self::Worker { .. } | Self::Failed { .. } | Self::State { .. } => false,
        }
    }
}
