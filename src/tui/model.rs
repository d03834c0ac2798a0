//! Everything the screen depends on. No clock, no file: time comes in as a message.

mod list;
mod overlay;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::run::Command;

use super::keys::{Context, Keys};
use super::machine::MachineLoad;
use super::picture::Graphics;
use super::run_view::RunView;
use super::sets::DataPlace;
use super::snapshot::{Curves, RunSnapshot};
use super::theme::Theme;
use super::threshold::{FigureOf, Scored};
use super::triage::{Differences, Triage};

pub use list::{RunOrder, RunsPlace};
pub use overlay::{Ask, Asked, Asking, Overlay, Palette};

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
    /// Whether the mouse is the dashboard's, not the terminal's.
    pub mouse: bool,
    /// Whether commands may be given.
    pub access: Access,
    /// The folder of runs, safe to show.
    pub root: String,
    /// The runs, newest first; `None` until they were first looked at.
    pub runs: Option<Vec<Arc<RunSnapshot>>>,
    /// Why the runs can't be listed.
    pub unreadable: Option<String>,
    /// How they are listed.
    pub list: RunsPlace,
    /// The selected run's folder.
    pub selected: Option<PathBuf>,
    /// The name of a run to open as soon as it is seen.
    pub focus: Option<String>,
    /// The curves of the watched run.
    pub curves: Option<Curves>,
    /// The runs that it is compared with.
    pub compared: BTreeSet<PathBuf>,
    /// Their curves, as far as they are here.
    pub beside: BTreeMap<PathBuf, Curves>,
    /// How busy this machine is, while somebody looks at it.
    pub machine: Option<MachineLoad>,
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
    /// How two figures differ, as far as that was asked for.
    pub comparison: Option<(FigureOf, FigureOf, Known<Differences>)>,
    /// Failing pairs, the error list, and the faces of both.
    pub triage: Triage,
    /// The sets of faces.
    pub data: DataPlace,
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
    /// The sets of faces.
    Data,
}

impl View {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Runs,
        Self::Live,
        Self::Evaluation,
        Self::Failures,
        Self::Errors,
        Self::Data,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Runs => "Runs",
            Self::Live => "Live",
            Self::Evaluation => "Evaluation",
            Self::Failures => "Pairs",
            Self::Errors => "Errors",
            Self::Data => "Data",
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
            Self::Data => Context::Data,
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

/// How the live view shows things.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LiveOptions {
    /// What is kept of it for each run.
    pub kept: RunView,
    /// The part that is zoomed into, in the axis's own units; `None` shows all.
    pub window: Option<(f64, f64)>,
    /// Where the cursor is, in the axis's own units.
    pub cursor: Option<f64>,
    /// Where the mouse was pressed, while it is.
    pub pressed: Option<f64>,
    /// Whether this machine's devices are shown.
    pub devices: bool,
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
    /// Of the pairs in which two figures differ, how many are scrolled past.
    pub skipped: usize,
    /// The selected row.
    pub row: usize,
    /// The selected column.
    pub column: usize,
    /// The figure there, where a run of one's own made it.
    pub figure: Option<FigureOf>,
    /// The column by which one's own rows are ordered, best first; `None` leaves them by model and step.
    pub order: Option<usize>,
    /// The figure that others are compared with.
    pub marked: Option<FigureOf>,
    /// Whether the selected figure has the whole pane.
    pub zoomed: bool,
    /// Whether the threshold pane shows the ROC curve.
    pub roc: bool,
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
            mouse: true,
            access,
            root,
            runs: None,
            unreadable: None,
            list: RunsPlace::default(),
            selected: None,
            focus,
            curves: None,
            compared: BTreeSet::new(),
            beside: BTreeMap::new(),
            machine: None,
            view: View::Runs,
            overlay: None,
            live: LiveOptions::default(),
            evaluation: EvaluationPlace::default(),
            scores: BTreeMap::new(),
            comparison: None,
            triage: Triage::default(),
            data: DataPlace::default(),
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
        let selected = self.selected.as_deref()?;
        let runs = self.runs().iter();
        runs.map(Arc::as_ref).find(|run| run.path == selected)
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
            Some(Overlay::Question { .. }) => Context::Question,
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
