//! What the dashboard asks of the world, as values; `runtime` carries them out.

use std::path::PathBuf;

use crate::eval::Evaluation;
use crate::run::Command;

use super::catalogue;
use super::evidence;
use super::export::CurvesToExport;
use super::run_view::RunView;
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
    /// Do something with a run as a whole.
    Manage(PathBuf, Manage),
    /// Follow a run's curves and worker output, and the curves of others, and no other's.
    Watch {
        /// The run.
        run: Option<PathBuf>,
        /// The others.
        beside: Vec<PathBuf>,
    },
    /// Tell how busy this machine is from now on, or no longer.
    WatchMachine(bool),
    /// Read the scores behind a figure.
    ReadScores {
        /// The figure.
        of: FigureOf,
        /// All of it.
        evaluation: Box<Evaluation>,
    },
    /// Look into evaluations: their failing pairs, faces, the error list.
    Evidence(evidence::Request),
    /// Look at sets of training images.
    Catalogue(catalogue::Request),
    /// Draw curves into a file.
    ExportCurves(Box<CurvesToExport>, PathBuf),
    /// Write a text to a file.
    ExportText(String, PathBuf),
    /// Write the screen to a file.
    ExportScreen(PathBuf),
    /// Put a text into the terminal's clipboard.
    Copy(String),
    /// Tell people who look elsewhere, as far as they want that: a short text, safe to show.
    Notify(String),
    /// Look up how a run was looked at.
    LoadView(PathBuf),
    /// Keep how a run is looked at.
    SaveView(PathBuf, RunView),
    /// Look at the runs now, not at the next turn.
    Look,
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    /// Put the dashboard in the background.
    Suspend,
    /// Clear the terminal before the next frame.
    Clear,
    /// Leave.
    Quit,
}

/// What a form that launches something says, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchOrder {
    /// A training.
    Training {
        /// The recipe file.
        recipe: String,
        /// What is typed for its keys: `network.depth=32`.
        sets: Vec<String>,
        /// The config.ini.
        config: String,
        /// The new run's name; empty takes the recipe's.
        name: String,
        /// The device.
        device: String,
        /// A run or checkpoint whose weights to start from; empty starts afresh.
        from: String,
    },
    /// An evaluation.
    Evaluation {
        /// A run, a checkpoint or a file of weights.
        model: String,
        /// The config.ini.
        config: String,
        /// A section of it: lfw or ytf.
        set: String,
        /// The rule.
        rule: String,
        /// The device.
        device: String,
    },
}

/// What is done with a run as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manage {
    /// Another name.
    Rename(String),
    /// Another note.
    Note(String),
    /// Out of sight.
    Archive,
}
