//! What can lie over a view: help, questions, forms, lines to type, the command palette.

use std::path::PathBuf;

use crate::tui::form::Form;
use crate::tui::line::TextLine;

/// What can lie over a view.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// The keys, from this line on.
    Help {
        /// Lines scrolled down.
        scroll: usize,
        /// What its lines must contain.
        search: TextLine,
        /// Whether that is being typed.
        typing: bool,
    },
    /// Whether something is really to be done with a run.
    Question {
        /// What.
        what: Asking,
        /// The run.
        path: PathBuf,
        /// Its name.
        name: String,
    },
    /// The launch form.
    Launch(Box<Form>),
    /// A line to type.
    Ask(Ask),
    /// The command palette.
    Palette(Palette),
}

/// What is asked about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Whether to stop it.
    Stop,
    /// Whether to put it out of sight.
    Archive,
}

/// The command palette.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Palette {
    /// What commands must contain.
    pub line: TextLine,
    /// The chosen one among them.
    pub at: usize,
}

/// A question that a typed line answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// What the line is for.
    pub about: Asked,
    /// What was typed.
    pub line: TextLine,
}

/// What a typed line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Why a video is mislabelled.
    Reason {
        /// The video.
        video: String,
    },
    /// A video to list.
    Video,
    /// The file to write the error list to.
    ExportErrors,
    /// What the lines of the view in front must contain.
    Filter,
    /// The file to draw the chosen chart into.
    ExportChart,
    /// The file to write the view to.
    ExportView,
    /// The config.ini whose sets are shown.
    Config,
    /// A run's new name.
    Rename {
        /// The run.
        path: PathBuf,
    },
    /// What is noted of a run.
    Note {
        /// The run.
        path: PathBuf,
    },
}

impl Asked {
    /// What stands before the line.
    pub fn prompt(&self) -> String {
        match self {
            Self::Reason { video } => format!("what is wrong with {video}:"),
            Self::Video => "video to list, NAME/NUMBER:".to_owned(),
            Self::ExportErrors => "write the list to (.txt .csv .toml .json):".to_owned(),
            Self::Filter => "show only:".to_owned(),
            Self::Config => "config.ini:".to_owned(),
            Self::ExportChart => "draw the chart into (.png .svg .csv):".to_owned(),
            Self::ExportView => "write the view to (.png .svg .csv):".to_owned(),
            Self::Rename { .. } => "new name:".to_owned(),
            Self::Note { .. } => "note:".to_owned(),
        }
    }
}
