//! The one table of keys: dispatch, the footer and the help are all made from it, so none of them can lie.

mod press;

use crossterm::event::{KeyCode, KeyEvent};

use crate::config::{ConfigError, ConfigErrors, KeySetting};

use super::model::View;
use press::{char, control, key};

pub use press::Press;

/// Where on the screen a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// The list of runs.
    Runs,
    /// The charts of one run.
    Live,
    /// The table of figures.
    Evaluation,
    /// The failing pairs of an evaluation.
    Failures,
    /// The list of mislabelled videos.
    Errors,
    /// The sets of faces.
    Data,
    /// The help.
    Help,
    /// A question that wants yes or no.
    Question,
    /// The form that launches a run; characters go into its fields.
    Form,
    /// A line to type; characters go into it.
    Ask,
    /// The command palette; characters go into its line.
    Palette,
    /// What the help is searched for; characters go into it.
    Search,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table's help sentences say what each does")]
pub enum Action {
    Quit,
    Help,
    Suspend,
    Redraw,
    ShowRuns,
    ShowLive,
    ShowEvaluation,
    ShowFailures,
    ShowErrors,
    ShowData,
    CheckSet,
    ChooseConfig,
    FarLeft,
    FarRight,
    NextView,
    PreviousView,
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Back,
    TogglePause,
    Park,
    Resume,
    Checkpoint,
    Stop,
    Launch,
    NextRun,
    PreviousRun,
    Zoom,
    Smooth,
    LogScale,
    WorkerLog,
    Along,
    LogAlong,
    Outliers,
    CursorLeft,
    CursorRight,
    CursorFarLeft,
    CursorFarRight,
    CursorOff,
    ZoomIn,
    ZoomOut,
    PanLeft,
    PanRight,
    WholeRange,
    Devices,
    Compare,
    FineTune,
    Rename,
    Note,
    Archive,
    Evaluate,
    MarkRow,
    Roc,
    ThresholdDown,
    ThresholdUp,
    ThresholdFarDown,
    ThresholdFarUp,
    ThresholdMean,
    Play,
    FrameBack,
    FrameOn,
    MarkError,
    UndoMark,
    Unlist,
    AddVideo,
    ExportList,
    Order,
    Narrow,
    Filter,
    NextFigure,
    PreviousFigure,
    OpenPalette,
    ExportChart,
    ExportView,
    Copy,
    SwitchTheme,
    SwitchMouse,
    Yes,
    No,
    NextField,
    PreviousField,
    Submit,
    ClearField,
}

/// One line of the table.
#[derive(Debug)]
pub struct Binding {
    /// Where it holds.
    pub contexts: &'static [Context],
    /// The keys, the one to show first.
    pub keys: &'static [Press],
    /// What they do.
    pub action: Action,
    /// One or two words for the footer; empty keeps it out of there.
    pub label: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
}

use Action as A;
use Context::{
    Ask, Data, Errors, Evaluation, Failures, Form, Help, Live, Palette, Question, Runs, Search,
};

const VIEWS: &[Context] = &[Runs, Live, Evaluation, Failures, Errors, Data];
const PANES: &[Context] = &[Runs, Live, Evaluation, Failures, Errors, Data, Help];
const ANYWHERE: &[Context] = &[
    Runs, Live, Evaluation, Failures, Errors, Data, Help, Question, Form, Ask, Palette, Search,
];
const FACES: &[Context] = &[Failures, Errors];
const TRACKS: &[Context] = &[Failures, Errors, Data];
const SIDEWAYS: &[Context] = &[Live, Evaluation, Failures, Data];
const FILTERED: &[Context] = &[Runs, Failures, Errors, Help];
/// Where characters are typed: these keys are nobody's to change.
const TYPING: &[Context] = &[Form, Ask, Palette, Search, Question];
const RUN: &[Context] = &[Runs, Live];

/// Every key there is, in the order in which the footer and the help show them.
#[rustfmt::skip]
pub const TABLE: &[Binding] = &[
    bind(&[Runs], &[key(KeyCode::Enter)], A::Open, "open", "Watch the selected run's curves."),
    bind(&[Live], &[char('z'), key(KeyCode::Enter)], A::Zoom, "zoom", "Give the chosen chart the whole pane, and back."),
    bind(RUN, &[char('p')], A::TogglePause, "pause", "Pause the run, or let it go on: its memory is kept."),
    bind(RUN, &[char('P')], A::Park, "park", "Checkpoint the run and give its device back; resume it later."),
    bind(RUN, &[char('r')], A::Resume, "resume", "Start a worker on a parked, stopped, failed or lost run, from its last checkpoint."),
    bind(RUN, &[char('c')], A::Checkpoint, "checkpoint", "Take a checkpoint now."),
    bind(RUN, &[char('s')], A::Stop, "stop", "Checkpoint the run and end it; asks first."),
    bind(RUN, &[char('F')], A::FineTune, "fine-tune", "Launch a run from this one's recipe, data and newest weights."),
    bind(&[Runs], &[char('R')], A::Rename, "", "Give the run another name, where no worker has it."),
    bind(&[Runs], &[char('N')], A::Note, "note", "Note something of the run, in one line."),
    bind(&[Runs], &[char('A')], A::Archive, "", "Put the run out of sight, into .archive; asks first."),
    bind(&[Runs], &[char('z')], A::Zoom, "", "Give the selected run's details the whole pane, and back."),
    bind(&[Runs], &[key(KeyCode::Esc)], A::Back, "", "Out of the zoom; else show all runs again."),
    bind(&[Evaluation], &[char('z'), key(KeyCode::Enter)], A::Zoom, "zoom", "Give the selected figure and its threshold the whole pane, and back."),
    bind(&[Evaluation], &[char('n')], A::Evaluate, "evaluate", "Evaluate a model on a set."),
    bind(&[Evaluation], &[char('o')], A::Order, "order", "Order one's own rows by the chosen column, and back."),
    bind(&[Evaluation], &[char(' ')], A::MarkRow, "compare", "Compare other figures with this one: which pairs they mend and break."),
    bind(&[Evaluation], &[char('r')], A::Roc, "ROC", "The ROC curve beside the figure, and back to the distances."),
    bind(RUN, &[char('n')], A::Launch, "new", "Launch a run from a recipe."),
    bind(&[Live], &[char('e')], A::Smooth, "smooth", "Smooth the curves more: 0, 0.6, 0.9, 0.99, and back to 0."),
    bind(&[Live], &[char('y')], A::LogScale, "log y", "Logarithmic heights for losses and rates, and back."),
    bind(&[Live], &[char('x')], A::Along, "x", "What lies along: steps, time, or epochs where the run logs them."),
    bind(&[Live], &[char('X')], A::LogAlong, "", "Powers of ten equally far apart from left to right, and back."),
    bind(&[Live], &[char('o')], A::Outliers, "outliers", "Let values far from all others stretch no chart; each says how many lie outside."),
    bind(&[Live], &[char('.')], A::CursorRight, "cursor", "Move the cursor to the right, in all charts at once."),
    bind(&[Live], &[char(',')], A::CursorLeft, "", "Move it to the left."),
    bind(&[Live], &[char('>')], A::CursorFarRight, "", "Move it far to the right."),
    bind(&[Live], &[char('<')], A::CursorFarLeft, "", "Move it far to the left."),
    bind(&[Live], &[char(';')], A::CursorOff, "", "Put the cursor away."),
    bind(&[Live], &[char('+')], A::ZoomIn, "in", "Zoom in around the cursor, or at the end; dragging the mouse does too."),
    bind(&[Live], &[char('-')], A::ZoomOut, "out", "Zoom out."),
    bind(&[Live], &[char('(')], A::PanLeft, "", "Look further to the left."),
    bind(&[Live], &[char(')')], A::PanRight, "", "Look further to the right."),
    bind(&[Live], &[char('0')], A::WholeRange, "", "Show all from the first to the last point."),
    bind(&[Live], &[char('d')], A::Devices, "devices", "Show or hide how busy this machine is."),
    bind(&[Runs], &[char(' ')], A::Compare, "compare", "Draw this run's curves beside the selected run's, and no longer."),
    bind(&[Live], &[char('l')], A::WorkerLog, "log", "Show or hide what the worker printed."),
    bind(&[Live], &[char(']')], A::NextRun, "", "The next run of the list."),
    bind(&[Live], &[char('[')], A::PreviousRun, "", "The run before it in the list."),
    bind(&[Evaluation], &[char('[')], A::ThresholdDown, "lower", "Lower the threshold a little: fewer false accepts."),
    bind(&[Evaluation], &[char(']')], A::ThresholdUp, "higher", "Raise it a little: fewer false rejects."),
    bind(&[Evaluation], &[char('{')], A::ThresholdFarDown, "", "Lower it ten times as far."),
    bind(&[Evaluation], &[char('}')], A::ThresholdFarUp, "", "Raise it ten times as far."),
    bind(&[Evaluation], &[char('=')], A::ThresholdMean, "mean", "Back to the figure's own threshold, the mean of its folds."),
    bind(FACES, &[char('m')], A::MarkError, "mark", "List the chosen video as mislabelled, with a reason; the corrected figures follow."),
    bind(FACES, &[char('u')], A::UndoMark, "undo", "Take the last change of the error list back."),
    bind(&[Errors], &[char('a')], A::AddVideo, "add", "List a video by its name."),
    bind(&[Errors], &[char('x')], A::Unlist, "take off", "Take the selected video off the list."),
    bind(&[Errors], &[char('E')], A::ExportList, "export", "Write the list to a file of another form."),
    bind(TRACKS, &[char(' ')], A::Play, "play", "Play the tracks, and stop them."),
    bind(TRACKS, &[char('.')], A::FrameOn, "", "The next frame."),
    bind(TRACKS, &[char(',')], A::FrameBack, "", "The frame before."),
    bind(TRACKS, &[char('z'), key(KeyCode::Enter)], A::Zoom, "zoom", "Give the pictures the whole pane, and back."),
    bind(&[Runs, Failures], &[char('o')], A::Order, "order", "Order the runs by age, name, state, best or progress; pairs by margin, kind, fold or person."),
    bind(FACES, &[char('f')], A::Narrow, "kind", "Show one kind of pairs or videos, the other, or both."),
    bind(FILTERED, &[char('/')], A::Filter, "filter", "Show only what contains a text; in the help, the lines that do."),
    bind(FACES, &[char(']')], A::NextFigure, "", "The next evaluation whose scores are kept."),
    bind(FACES, &[char('[')], A::PreviousFigure, "", "The evaluation before it."),
    bind(PANES, &[char('?'), key(KeyCode::F(1))], A::Help, "help", "These keys, and back."),
    bind(PANES, &[char('q')], A::Quit, "quit", "Leave the dashboard; runs go on without it."),
    bind(PANES, &[key(KeyCode::Up), char('k')], A::Up, "", "One up: a run, a chart, a row, a line."),
    bind(PANES, &[key(KeyCode::Down), char('j')], A::Down, "", "One down."),
    bind(&[Data], &[char('c')], A::CheckSet, "check", "Read all of the set once: what is broken, what is there twice."),
    bind(&[Data], &[char('C')], A::ChooseConfig, "config", "Show the sets of another config.ini."),
    bind(&[Data], &[char('>')], A::FarRight, "", "A hundred people on."),
    bind(&[Data], &[char('<')], A::FarLeft, "", "A hundred people back."),
    bind(SIDEWAYS, &[key(KeyCode::Left)], A::Left, "", "One to the left: a chart, a column, a side of the pair, a person."),
    bind(SIDEWAYS, &[key(KeyCode::Right)], A::Right, "", "One to the right."),
    bind(PANES, &[key(KeyCode::PageUp)], A::PageUp, "", "A page up; in the live view, back in the worker's output."),
    bind(PANES, &[key(KeyCode::PageDown)], A::PageDown, "", "A page down; in a zoomed comparison, the pairs that follow."),
    bind(PANES, &[key(KeyCode::Home), char('g')], A::First, "", "The first."),
    bind(PANES, &[key(KeyCode::End), char('G')], A::Last, "", "The last."),
    bind(VIEWS, &[key(KeyCode::Tab)], A::NextView, "views", "The next view."),
    bind(VIEWS, &[key(KeyCode::BackTab)], A::PreviousView, "", "The view before."),
    bind(PANES, &[char('1')], A::ShowRuns, "", "The runs."),
    bind(PANES, &[char('2')], A::ShowLive, "", "The selected run, live."),
    bind(PANES, &[char('3')], A::ShowEvaluation, "", "The table of evaluations."),
    bind(PANES, &[char('4')], A::ShowFailures, "", "The pairs that an evaluation told wrong."),
    bind(PANES, &[char('5')], A::ShowErrors, "", "The list of mislabelled videos."),
    bind(PANES, &[char('6')], A::ShowData, "", "The sets of faces."),
    bind(&[Live, Evaluation, Failures, Errors, Data, Help], &[key(KeyCode::Esc)], A::Back, "back", "Out of the zoom, the help, the view."),
    bind(&[Live], &[char('E')], A::ExportChart, "", "Draw the chosen chart into a file: PNG, SVG or CSV."),
    bind(VIEWS, &[char('W')], A::ExportView, "", "Write the view to a file: as it looks as PNG or SVG; as CSV its table or, live, all curves."),
    bind(VIEWS, &[char('Y')], A::Copy, "", "Copy what is selected, into the terminal's clipboard (OSC 52)."),
    bind(PANES, &[char(':')], A::OpenPalette, "commands", "Every command there is, by its name."),
    bind(PANES, &[char('T')], A::SwitchTheme, "", "Colours for a light background, and for a dark one."),
    bind(PANES, &[char('M')], A::SwitchMouse, "", "Leave the mouse to the terminal, which selects text with it, and take it again."),
    bind(ANYWHERE, &[control('c')], A::Quit, "", "Leave the dashboard from anywhere."),
    bind(ANYWHERE, &[control('z')], A::Suspend, "", "Put the dashboard in the background; `fg` brings it back."),
    bind(ANYWHERE, &[control('l')], A::Redraw, "", "Draw the whole screen anew."),
    bind(&[Question], &[char('y'), char('Y')], A::Yes, "yes", "Yes."),
    bind(&[Question], &[char('n'), char('N'), key(KeyCode::Esc), char('q')], A::No, "no", "No."),
    bind(&[Form], &[key(KeyCode::Enter)], A::Submit, "launch", "Check everything and launch."),
    bind(&[Form], &[key(KeyCode::Tab), key(KeyCode::Down)], A::NextField, "next field", "The next field; what is there is checked."),
    bind(&[Form], &[key(KeyCode::BackTab), key(KeyCode::Up)], A::PreviousField, "", "The field before."),
    bind(&[Form, Ask, Palette, Search], &[control('u')], A::ClearField, "clear", "Empty the line."),
    bind(&[Form], &[key(KeyCode::PageDown)], A::PageDown, "", "Ten fields on: a recipe has many keys."),
    bind(&[Form], &[key(KeyCode::PageUp)], A::PageUp, "", "Ten fields back."),
    bind(&[Form], &[key(KeyCode::Esc)], A::Back, "cancel", "Close the form; nothing is launched."),
    bind(&[Ask, Palette, Search], &[key(KeyCode::Enter)], A::Submit, "do it", "Take the line as it is, or the chosen command."),
    bind(&[Ask, Palette, Search], &[key(KeyCode::Esc)], A::Back, "cancel", "Leave the line; nothing is done."),
    bind(&[Palette], &[key(KeyCode::Down), key(KeyCode::Tab)], A::Down, "", "The next command."),
    bind(&[Palette], &[key(KeyCode::Up), key(KeyCode::BackTab)], A::Up, "", "The command before."),
];

/// The table with the keys that a person set.
#[derive(Debug, Clone)]
pub struct Keys(Vec<Bound>);

/// A line of the table with its keys.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The line.
    pub binding: &'static Binding,
    /// Its keys, the one to show first.
    pub keys: Vec<Press>,
}

impl Default for Keys {
    fn default() -> Self {
        let bound = |binding: &'static Binding| Bound {
            binding,
            keys: binding.keys.to_vec(),
        };
        Self(TABLE.iter().map(bound).collect())
    }
}

impl Keys {
    /// The table with other keys for some actions. What characters are typed with stays as it is, and so do the keys
    /// that hold everywhere.
    ///
    /// # Errors
    /// All settings that can't be: an unknown action or key, or a key that two actions would have in one place.
    pub fn with(settings: &[KeySetting]) -> Result<Self, ConfigErrors> {
        let mut keys = Self::default();
        let mut wrong = Vec::new();
        for setting in settings {
            let name = format!("keys.{}", setting.action);
            let mut add = |problem| wrong.push(ConfigError::new(&setting.place, &name, problem));
            let presses: Vec<Result<Press, &String>> = setting
                .keys
                .iter()
                .map(|text| Press::parse(text).ok_or(text))
                .collect();
            for text in presses.iter().filter_map(|press| press.err()) {
                add(format!(
                    "found \"{text}\"; allowed: a character, or a word such as enter, space, f5, with ctrl-, alt- or shift- before it"
                ));
            }
            let presses: Vec<Press> = presses.into_iter().flatten().collect();
            let mut found = false;
            for bound in &mut keys.0 {
                if bound.binding.is_free() && bound.binding.action.name() == setting.action {
                    bound.keys.clone_from(&presses);
                    found = true;
                }
            }
            if !found {
                add(format!(
                    "is no action; the command palette (:) names all of them: {}",
                    Self::names().join(", ")
                ));
            }
        }
        for setting in settings {
            wrong.extend(keys.clash(setting));
        }
        ConfigErrors::of(wrong)?;
        Ok(keys)
    }

    /// Where another action has a key of this one.
    fn clash(&self, setting: &KeySetting) -> Option<ConfigError> {
        let is_own = |bound: &&Bound| bound.binding.action.name() == setting.action;
        for own in self.0.iter().filter(is_own) {
            for other in self.0.iter().filter(|bound| !is_own(bound)) {
                let together = own.binding.contexts.iter();
                let together = together
                    .clone()
                    .any(|context| other.binding.contexts.contains(context));
                let key = own.keys.iter().find(|press| other.keys.contains(press));
                if let (true, Some(key)) = (together, key) {
                    let problem = format!(
                        "{} is the key of {} too; give that another one",
                        key.name(),
                        other.binding.action.name()
                    );
                    let name = format!("keys.{}", setting.action);
                    return Some(ConfigError::new(&setting.place, name, problem));
                }
            }
        }
        None
    }

    fn names() -> Vec<String> {
        let free = TABLE.iter().filter(|binding| binding.is_free());
        let mut names: Vec<String> = free.map(|binding| binding.action.name()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What a key press does in a context; nothing where the table has no line for it.
    pub fn action(&self, context: Context, event: KeyEvent) -> Option<Action> {
        let press = Press::of(event);
        let bound = self.of(context).find(|bound| bound.keys.contains(&press));
        bound.map(|bound| bound.binding.action)
    }

    /// The lines of the table that hold in a context.
    pub fn of(&self, context: Context) -> impl Iterator<Item = &Bound> {
        self.0
            .iter()
            .filter(move |bound| bound.binding.contexts.contains(&context))
    }

    /// All lines.
    pub fn all(&self) -> &[Bound] {
        &self.0
    }
}

impl Context {
    /// All of them.
    pub const ALL: &[Self] = ANYWHERE;

    /// The view in which it is, where it is one.
    pub fn view(self) -> Option<View> {
        match self {
            Self::Runs => Some(View::Runs),
            Self::Live => Some(View::Live),
            Self::Evaluation => Some(View::Evaluation),
            Self::Failures => Some(View::Failures),
            Self::Errors => Some(View::Errors),
            Self::Data => Some(View::Data),
            _ => None,
        }
    }
}

impl Action {
    /// Its name in the command palette and the settings: `toggle-pause`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for character in format!("{self:?}").chars() {
            if character.is_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.extend(character.to_lowercase());
        }
        name
    }
}

impl Binding {
    /// Whether a person may give it other keys, and the command palette has it.
    pub fn is_free(&self) -> bool {
        self.contexts.len() < ANYWHERE.len()
            && self
                .contexts
                .iter()
                .any(|context| !TYPING.contains(context))
    }
}

impl Bound {
    /// All its keys: `↑ or k`.
    pub fn names(&self) -> String {
        let names: Vec<String> = self.keys.iter().map(|press| press.name()).collect();
        names.join(" ")
    }

    /// The key to show where there is room for one.
    pub fn name(&self) -> String {
        self.keys
            .first()
            .map(|press| press.name())
            .unwrap_or_default()
    }
}

const fn bind(
    contexts: &'static [Context],
    keys: &'static [Press],
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding {
        contexts,
        keys,
        action,
        label,
        help,
    }
}

#[cfg(test)]
mod tests;
