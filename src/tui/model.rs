//! Everything the screen depends on. No clock, no file: time comes in as a message.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::run::Command;

use super::effect::LaunchOrder;
use super::keys::{Context, Keys};
use super::line::TextLine;
use super::picture::Graphics;
use super::snapshot::{Curves, RunSnapshot};
use super::theme::Theme;
use super::threshold::{FigureOf, Scored};
use super::triage::Triage;

/// The state of the dashboard.
#[derive(Debug, Clone)]
pub struct Model {
    /// Seconds after 1970, as far as the screen knows.
    pub now: f64,
    /// The terminal's width and height in cells.
    pub size: (u16, u16),
    /// How it looks.
    pub theme: Theme,
    /// How it shows pictures; `None` shows none.
    pub graphics: Option<Graphics>,
    /// The keys that it obeys.
    pub keys: Arc<Keys>,
    /// Whether commands may be given.
    pub access: Access,
    /// The folder of runs, safe to show.
    pub root: String,
    /// The runs, newest first; `None` until they were first looked at.
    pub runs: Option<Vec<Arc<RunSnapshot>>>,
    /// Why the runs can't be listed.
    pub unreadable: Option<String>,
    /// The selected run's folder.
    pub selected: Option<PathBuf>,
    /// The name of a run to open as soon as it is seen.
    pub focus: Option<String>,
    /// The curves of the watched run.
    pub curves: Option<Curves>,
    /// The view in front.
    pub view: View,
    /// What lies over the view.
    pub overlay: Option<Overlay>,
    /// How the live view shows things.
    pub live: LiveOptions,
    /// Where the evaluation view stands.
    pub evaluation: EvaluationPlace,
    /// The scores behind figures, as far as they were asked for.
    pub scores: BTreeMap<FigureOf, Known<Scored>>,
    /// Failing pairs, the error list, and the faces of both.
    pub triage: Triage,
    /// Commands that were sent and not yet obeyed, by run.
    pub pending: BTreeMap<PathBuf, Pending>,
    /// The newest thing worth a line.
    pub notice: Option<Notice>,
    /// Whether anything on the screen may differ from the last frame.
    pub changed: bool,
}

/// Whether commands may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// They may.
    Full,
    /// `--readonly`: looking only.
    ReadOnly,
}

/// A view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The list of runs.
    Runs,
    /// The charts of one run.
    Live,
    /// The table of figures.
    Evaluation,
    /// The pairs that an evaluation told wrong.
    Failures,
    /// The list of mislabelled videos.
    Errors,
}

impl View {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [
        Self::Runs,
        Self::Live,
        Self::Evaluation,
        Self::Failures,
        Self::Errors,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Runs => "Runs",
            Self::Live => "Live",
            Self::Evaluation => "Evaluation",
            Self::Failures => "Pairs",
            Self::Errors => "Errors",
        }
    }

    /// Where a key press counts in it.
    pub fn context(self) -> Context {
        match self {
            Self::Runs => Context::Runs,
            Self::Live => Context::Live,
            Self::Evaluation => Context::Evaluation,
            Self::Failures => Context::Failures,
            Self::Errors => Context::Errors,
        }
    }
}

/// Something that was asked for and comes later.
#[derive(Debug, Clone)]
pub enum Known<T> {
    /// It is being read.
    Reading,
    /// It is here.
    Ready(Arc<T>),
    /// It can't be had: why, and what to do.
    Missing(String),
}

impl<T> Known<T> {
    /// It, where it is here.
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(here) => Some(here),
            Self::Reading | Self::Missing(_) => None,
        }
    }
}

impl<T> From<Result<Arc<T>, String>> for Known<T> {
    fn from(result: Result<Arc<T>, String>) -> Self {
        match result {
            Ok(here) => Self::Ready(here),
            Err(why) => Self::Missing(why),
        }
    }
}

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
    /// Whether a run is really to be stopped.
    Stop {
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
}

impl Asked {
    /// What stands before the line.
    pub fn prompt(&self) -> String {
        match self {
            Self::Reason { video } => format!("what is wrong with {video}:"),
            Self::Video => "video to list, NAME/NUMBER:".to_owned(),
            Self::ExportErrors => "write the list to (.txt .csv .toml .json):".to_owned(),
            Self::Filter => "show only:".to_owned(),
        }
    }
}

/// The launch form as typed so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// The fields' contents, in the order of [`Form::LABELS`].
    pub fields: [TextLine; 5],
    /// The field that characters go into.
    pub at: usize,
    /// Counts the edits, so that an answer to an older one is told.
    pub edit: u64,
    /// What the last look at it said.
    pub outcome: Outcome,
}

/// What is known about a form's contents.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing yet.
    Unknown,
    /// It would do: a line about the recipe.
    Good(String),
    /// What is wrong.
    Wrong(Vec<String>),
    /// Being launched.
    Launching,
}

/// How the live view shows things.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LiveOptions {
    /// The chosen chart.
    pub chart: usize,
    /// Whether it has the whole pane.
    pub zoomed: bool,
    /// Which of [`SMOOTHINGS`] holds.
    pub smoothing: usize,
    /// Whether losses and rates have logarithmic heights.
    pub log_y: bool,
    /// Whether the worker's output is shown; `None` leaves it to the run's state.
    pub log: Option<bool>,
    /// Lines scrolled back in it.
    pub log_scroll: usize,
}

/// Weights of the past in the moving average, from none on.
pub const SMOOTHINGS: [f64; 4] = [0.0, 0.6, 0.9, 0.99];

/// Where the evaluation view stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvaluationPlace {
    /// The selected row.
    pub row: usize,
    /// The selected column.
    pub column: usize,
    /// The figure there, where a run of one's own made it.
    pub figure: Option<FigureOf>,
    /// How many small steps its threshold was moved.
    pub nudge: i64,
}

/// A command on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// The command.
    pub command: Command,
    /// When it was sent, seconds after 1970.
    pub sent: f64,
    /// The newest journal entry then: the acknowledgement has a higher number.
    pub after: u64,
}

/// A line for the footer.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// What to say.
    pub text: String,
    /// How bad it is.
    pub tone: Tone,
    /// When it was said, seconds after 1970.
    pub at: f64,
}

/// How bad a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Something was done.
    Done,
    /// Something can't be done now.
    Refused,
    /// Something failed.
    Failed,
}

impl Model {
    /// A dashboard that has seen nothing yet.
    pub fn new(theme: Theme, access: Access, root: String, focus: Option<String>) -> Self {
        Self {
            now: 0.0,
            size: (80, 24),
            theme,
            graphics: None,
            keys: Arc::default(),
            access,
            root,
            runs: None,
            unreadable: None,
            selected: None,
            focus,
            curves: None,
            view: View::Runs,
            overlay: None,
            live: LiveOptions::default(),
            evaluation: EvaluationPlace::default(),
            scores: BTreeMap::new(),
            triage: Triage::default(),
            pending: BTreeMap::new(),
            notice: None,
            changed: true,
        }
    }

    /// The runs, newest first; none before they were first looked at.
    pub fn runs(&self) -> &[Arc<RunSnapshot>] {
        self.runs.as_deref().unwrap_or_default()
    }

    /// The selected run.
    pub fn selected_run(&self) -> Option<&RunSnapshot> {
        self.runs().get(self.selected_index()?).map(Arc::as_ref)
    }

    /// Its place in the list.
    pub fn selected_index(&self) -> Option<usize> {
        let selected = self.selected.as_deref()?;
        self.runs().iter().position(|run| run.path == selected)
    }

    /// The curves of a run, where they are the ones being followed.
    pub fn curves_of(&self, path: &Path) -> Option<&Curves> {
        self.curves.as_ref().filter(|curves| curves.path == path)
    }

    /// The scores behind the selected figure, where they are here.
    pub fn scored(&self) -> Option<&Scored> {
        self.scores.get(self.evaluation.figure.as_ref()?)?.ready()
    }

    /// Where a key press counts.
    pub fn context(&self) -> Context {
        match &self.overlay {
            Some(Overlay::Help { typing: true, .. }) => Context::Search,
            Some(Overlay::Help { .. }) => Context::Help,
            Some(Overlay::Palette(_)) => Context::Palette,
            Some(Overlay::Stop { .. }) => Context::Question,
            Some(Overlay::Launch(_)) => Context::Form,
            Some(Overlay::Ask(_)) => Context::Ask,
            None => self.view.context(),
        }
    }

    /// Whether the worker's output of a run is shown: as asked for, else where it ended badly.
    pub fn shows_log(&self, run: &RunSnapshot) -> bool {
        use crate::run::RunState::{Failed, Lost};
        let ended_badly = matches!(run.state(), Some(Failed | Lost));
        self.live.log.unwrap_or(ended_badly)
    }
}

impl Form {
    /// What each field is.
    pub const LABELS: [&'static str; 5] = ["recipe", "config", "name", "device", "from"];

    /// What each field wants, shown while it is empty.
    pub const HINTS: [&'static str; 5] = [
        "a recipe file, such as assets/recipes/cpu-small.toml",
        "where data are: config.ini",
        "the new run's name; empty takes the recipe's",
        "auto, flex, cpu or cuda:0",
        "a run or checkpoint to start from; empty starts afresh",
    ];

    /// A form with what most people want.
    pub fn new() -> Self {
        Self {
            fields: ["", "config.ini", "", "auto", ""].map(TextLine::new),
            at: 0,
            edit: 0,
            outcome: Outcome::Unknown,
        }
    }

    /// What it asks for.
    pub fn order(&self) -> LaunchOrder {
        let [recipe, config, name, device, from] = self
            .fields
            .each_ref()
            .map(|field| field.text().trim().to_owned());
        LaunchOrder {
            recipe,
            config,
            name,
            device,
            from,
        }
    }
}

impl Default for Form {
    fn default() -> Self {
        Self::new()
    }
}
