//! What the dashboard asks of the world, as values; `runtime` carries them out.

use std::path::PathBuf;

use crate::eval::Evaluation;
use crate::run::Command;

use super::evidence::Figure;
use super::run_view::RunView;
use super::threshold::FigureOf;
use super::triage::{Change, FacesOf};

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
    /// Read the pairs that an evaluation told wrong, and what others make of them.
    ReadFailing {
        /// The evaluation.
        figure: Box<Figure>,
        /// Others on the same set.
        peers: Vec<Figure>,
    },
    /// Look for videos of an evaluation that look mislabelled.
    ReadSuspects(Box<Figure>),
    /// Read faces of an evaluation's set.
    ReadFaces(FacesOf, Box<Figure>),
    /// Read the error list, perhaps after a change, and work out the figures that it leaves.
    Errors {
        /// What to change first.
        change: Option<Change>,
        /// The evaluation to work out anew.
        figure: Option<Box<Figure>>,
    },
    /// Write the error list to a file.
    ExportErrors(PathBuf),
    /// Tell people who look elsewhere, as far as they want that: a short text, safe to show.
    Notify(String),
    /// Look up how a run was looked at.
    LoadView(PathBuf),
    /// Keep how a run is looked at.
    SaveView(PathBuf, RunView),
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
