//! Everything that can happen to the dashboard.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::KeyEvent;

use crate::data::CheckReport;
use crate::report::Strip;
use crate::run::Command;

use super::machine::MachineLoad;
use super::model::View;
use super::run_view::RunView;
use super::sets::{OverlapLine, Sets};
use super::snapshot::{Curves, RunSnapshot};
use super::threshold::{FigureOf, Scored};
use super::triage::{Differences, Errors, FacesOf, Failing, Refigured, Suspected};

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// Something on the screen was clicked.
    Pointed(Target),
    /// The mouse did something on a chart.
    OnChart {
        /// Which chart.
        chart: usize,
        /// Where, in the axis's own units.
        at: f64,
        /// What it did.
        gesture: Gesture,
    },
    /// How busy this machine is.
    Machine(MachineLoad),
    /// The wheel was turned: lines down, or up where negative.
    Wheel(isize),
    /// The terminal has a new size: width, height.
    Resized(u16, u16),
    /// Time went on: seconds after 1970.
    Tick(f64),
    /// The runs changed: all of them, newest first.
    Runs(Vec<Arc<RunSnapshot>>),
    /// The runs can't be listed: why.
    RunsUnreadable(String),
    /// The watched run's curves changed.
    Curves(Curves),
    /// The scores behind a figure were read, or can't be had: why.
    Scores {
        /// The figure.
        of: FigureOf,
        /// The scores.
        result: Result<Arc<Scored>, String>,
    },
    /// An evaluation's failing pairs were read, or can't be had: why.
    Failing {
        /// The evaluation.
        of: FigureOf,
        /// The pairs.
        result: Result<Arc<Failing>, String>,
    },
    /// An evaluation's videos were looked at for wrong labels.
    Suspects {
        /// The evaluation.
        of: FigureOf,
        /// The videos.
        result: Result<Arc<Suspected>, String>,
    },
    /// Faces were read.
    Faces {
        /// Whose.
        of: FacesOf,
        /// The pictures.
        result: Result<Arc<Vec<Strip>>, String>,
    },
    /// The error list was read or changed, or could not be.
    Errors {
        /// The list.
        result: Result<Arc<Errors>, String>,
        /// The figures that it leaves.
        refigured: Option<Refigured>,
    },
    /// A config.ini's sets were looked at, or can't be: why.
    Sets {
        /// The file.
        config: PathBuf,
        /// The sets.
        result: Result<Arc<Sets>, String>,
        /// What runs found of people that two sets share.
        overlaps: Vec<OverlapLine>,
    },
    /// A set was checked, or could not be: why.
    SetChecked {
        /// Its section.
        name: String,
        /// What was found.
        result: Result<Arc<CheckReport>, String>,
    },
    /// Something was written to a file: what and where, or why it could not be.
    Exported(Result<String, String>),
    /// How a run was looked at, where that is known.
    View(PathBuf, RunView),
    /// Tracks that are played go on by a frame.
    NextFrame,
    /// A command was put into a run's inbox, or could not be.
    Sent {
        /// The run.
        path: PathBuf,
        /// The command.
        command: Command,
        /// Why it could not be.
        result: Result<(), String>,
    },
    /// A worker was started on a run, or could not be.
    Resumed {
        /// The run's name.
        name: String,
        /// What came of it, or why it could not be.
        result: Result<&'static str, String>,
    },
    /// Two evaluations of the same pairs were compared, or could not be: why.
    Compared {
        /// The one.
        first: FigureOf,
        /// The other.
        second: FigureOf,
        /// How they differ.
        result: Result<Arc<Differences>, String>,
    },
    /// Something was done with a run, or could not be: what, or why.
    Managed(Result<String, String>),
    /// The launch form was looked at: a summary of the recipe, or all that is wrong.
    Checked {
        /// Which edit of the form this answers.
        edit: u64,
        /// The keys of the recipe, where it could be read without what was typed for them.
        keys: Option<Vec<KeyOf>>,
        /// A line about the recipe, or the errors.
        result: Result<String, Vec<String>>,
    },
    /// A run was launched, or could not be: its folder, or all that is wrong.
    Launched(Result<PathBuf, Vec<String>>),
    /// The screen must be drawn anew.
    Redraw,
}

/// A key of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOf {
    /// The key in full: `network.depth`.
    pub key: String,
    /// What the recipe says.
    pub given: String,
    /// What holds where a recipe doesn't say; `None` where every recipe must.
    pub default: Option<String>,
}

/// What the mouse can do on a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// Its button was pressed.
    Press,
    /// It was moved with the button pressed.
    Drag,
    /// The button was let go.
    Release,
    /// The wheel was turned: lines down, or up where negative.
    Wheel(isize),
}

/// What a click can meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A view's name in the header.
    View(View),
    /// A line of the list of runs.
    Run(usize),
    /// A chart of the live view.
    Chart(usize),
    /// A row of the evaluation table.
    Row(usize),
    /// A field of the launch form.
    Field(usize),
    /// A line of the failing pairs or of the error list.
    Line(usize),
    /// A side of a pair.
    Side(usize),
}
