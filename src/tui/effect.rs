//! What the dashboard asks of the world, as values; `runtime` carries them out.

use std::path::PathBuf;

use crate::eval::Evaluation;
use crate::run::Command;

use super::threshold::FigureOf;

/// One thing to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Put a command into a run's inbox.
    Send {
        /// The run.
        path: PathBuf,
        /// The command.
        command: Command,
    },
    /// Start a worker on a run that has none.
    Resume {
        /// The run.
        path: PathBuf,
        /// Its name, safe to show.
        name: String,
    },
    /// Look at what the launch form says, without launching.
    Check {
        /// Which edit of the form this is.
        edit: u64,
        /// What it says.
        order: LaunchOrder,
    },
    /// Launch a run.
    Launch(LaunchOrder),
    /// Follow this run's curves and worker output, and no other's.
    Watch(Option<PathBuf>),
    /// Read the scores behind a figure.
    ReadScores {
        /// The figure.
        of: FigureOf,
        /// All of it.
        evaluation: Box<Evaluation>,
    },
    /// Tell people who look elsewhere, as far as they want that: a short text, safe to show.
    Notify(String),
    /// Look at the runs now, not at the next turn.
    Look,
    /// Put the dashboard in the background.
    Suspend,
    /// Clear the terminal before the next frame.
    Clear,
    /// Leave.
    Quit,
}

/// What the launch form says, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchOrder {
    /// The recipe file.
    pub recipe: String,
    /// The config.ini.
    pub config: String,
    /// The new run's name; empty takes the recipe's.
    pub name: String,
    /// The device.
    pub device: String,
    /// A run or checkpoint whose weights to start from; empty starts afresh.
    pub from: String,
}
