//! The one table of keys: dispatch, the footer and the help are all made from it, so none of them can lie.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Where on the screen a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// The list of runs.
    Runs,
    /// The charts of one run.
    Live,
    /// The table of figures.
    Evaluation,
    /// The help.
    Help,
    /// A question that wants yes or no.
    Question,
    /// The form that launches a run; characters go into its fields.
    Form,
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
    ThresholdDown,
    ThresholdUp,
    ThresholdFarDown,
    ThresholdFarUp,
    ThresholdMean,
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

/// A key and its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    code: KeyCode,
    modifiers: KeyModifiers,
}

use Action as A;
use Context::{Evaluation, Form, Help, Live, Question, Runs};

const VIEWS: &[Context] = &[Runs, Live, Evaluation];
const PANES: &[Context] = &[Runs, Live, Evaluation, Help];
const ANYWHERE: &[Context] = &[Runs, Live, Evaluation, Help, Question, Form];
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
    bind(RUN, &[char('n')], A::Launch, "new", "Launch a run from a recipe."),
    bind(&[Live], &[char('e')], A::Smooth, "smooth", "Smooth the curves more: 0, 0.6, 0.9, 0.99, and back to 0."),
    bind(&[Live], &[char('y')], A::LogScale, "log y", "Logarithmic heights for losses and rates, and back."),
    bind(&[Live], &[char('l')], A::WorkerLog, "log", "Show or hide what the worker printed."),
    bind(&[Live], &[char(']')], A::NextRun, "", "The next run of the list."),
    bind(&[Live], &[char('[')], A::PreviousRun, "", "The run before it in the list."),
    bind(&[Evaluation], &[char('[')], A::ThresholdDown, "lower", "Lower the threshold a little: fewer false accepts."),
    bind(&[Evaluation], &[char(']')], A::ThresholdUp, "higher", "Raise it a little: fewer false rejects."),
    bind(&[Evaluation], &[char('{')], A::ThresholdFarDown, "", "Lower it ten times as far."),
    bind(&[Evaluation], &[char('}')], A::ThresholdFarUp, "", "Raise it ten times as far."),
    bind(&[Evaluation], &[char('=')], A::ThresholdMean, "mean", "Back to the figure's own threshold, the mean of its folds."),
    bind(PANES, &[key(KeyCode::Up), char('k')], A::Up, "", "One up: a run, a chart, a row, a line."),
    bind(PANES, &[key(KeyCode::Down), char('j')], A::Down, "", "One down."),
    bind(&[Live, Evaluation], &[key(KeyCode::Left)], A::Left, "", "One to the left: a chart, a column."),
    bind(&[Live, Evaluation], &[key(KeyCode::Right)], A::Right, "", "One to the right."),
    bind(PANES, &[key(KeyCode::PageUp)], A::PageUp, "", "A page up; in the live view, back in the worker's output."),
    bind(PANES, &[key(KeyCode::PageDown)], A::PageDown, "", "A page down."),
    bind(PANES, &[key(KeyCode::Home), char('g')], A::First, "", "The first."),
    bind(PANES, &[key(KeyCode::End), char('G')], A::Last, "", "The last."),
    bind(VIEWS, &[key(KeyCode::Tab)], A::NextView, "views", "The next view."),
    bind(VIEWS, &[key(KeyCode::BackTab)], A::PreviousView, "", "The view before."),
    bind(PANES, &[char('1')], A::ShowRuns, "", "The runs."),
    bind(PANES, &[char('2')], A::ShowLive, "", "The selected run, live."),
    bind(PANES, &[char('3')], A::ShowEvaluation, "", "The table of evaluations."),
    bind(&[Live, Evaluation, Help], &[key(KeyCode::Esc)], A::Back, "back", "Out of the zoom, the help, the view."),
    bind(PANES, &[char('?'), key(KeyCode::F(1))], A::Help, "help", "These keys, and back."),
    bind(PANES, &[char('q')], A::Quit, "quit", "Leave the dashboard; runs go on without it."),
    bind(ANYWHERE, &[control('c')], A::Quit, "", "Leave the dashboard from anywhere."),
    bind(ANYWHERE, &[control('z')], A::Suspend, "", "Put the dashboard in the background; `fg` brings it back."),
    bind(ANYWHERE, &[control('l')], A::Redraw, "", "Draw the whole screen anew."),
    bind(&[Question], &[char('y'), char('Y')], A::Yes, "yes", "Yes."),
    bind(&[Question], &[char('n'), char('N'), key(KeyCode::Esc), char('q')], A::No, "no", "No."),
    bind(&[Form], &[key(KeyCode::Enter)], A::Submit, "launch", "Check everything and launch."),
    bind(&[Form], &[key(KeyCode::Tab), key(KeyCode::Down)], A::NextField, "next field", "The next field; what is there is checked."),
    bind(&[Form], &[key(KeyCode::BackTab), key(KeyCode::Up)], A::PreviousField, "", "The field before."),
    bind(&[Form], &[control('u')], A::ClearField, "clear", "Empty the field."),
    bind(&[Form], &[key(KeyCode::Esc)], A::Back, "cancel", "Close the form; nothing is launched."),
];

/// What a key press does in a context; nothing where the table has no line for it.
pub fn action(context: Context, event: KeyEvent) -> Option<Action> {
    let press = Press::of(event);
    let binding = TABLE
        .iter()
        .find(|binding| binding.contexts.contains(&context) && binding.keys.contains(&press));
    binding.map(|binding| binding.action)
}

/// The lines of the table that hold in a context.
pub fn of(context: Context) -> impl Iterator<Item = &'static Binding> {
    TABLE
        .iter()
        .filter(move |binding| binding.contexts.contains(&context))
}

impl Binding {
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

impl Press {
    /// What was pressed; shift is in the character already.
    pub fn of(event: KeyEvent) -> Self {
        let modifiers = match event.code {
            KeyCode::Char(_) | KeyCode::BackTab => event.modifiers - KeyModifiers::SHIFT,
            _ => event.modifiers,
        };
        Self {
            code: event.code,
            modifiers,
        }
    }

    /// As a terminal would send it.
    pub fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    /// As people call it: `Ctrl-Z`, `↑`, `Enter`.
    pub fn name(self) -> String {
        let key = match self.code {
            KeyCode::Char(character) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                character.to_uppercase().to_string()
            }
            KeyCode::Char(character) => character.to_string(),
            KeyCode::Enter => "Enter".to_owned(),
            KeyCode::Esc => "Esc".to_owned(),
            KeyCode::Tab => "Tab".to_owned(),
            KeyCode::BackTab => "Shift-Tab".to_owned(),
            KeyCode::Up => "↑".to_owned(),
            KeyCode::Down => "↓".to_owned(),
            KeyCode::Left => "←".to_owned(),
            KeyCode::Right => "→".to_owned(),
            KeyCode::PageUp => "PgUp".to_owned(),
            KeyCode::PageDown => "PgDn".to_owned(),
            KeyCode::Home => "Home".to_owned(),
            KeyCode::End => "End".to_owned(),
            KeyCode::F(number) => format!("F{number}"),
            other => format!("{other:?}"),
        };
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            format!("Ctrl-{key}")
        } else {
            key
        }
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

const fn key(code: KeyCode) -> Press {
    Press {
        code,
        modifiers: KeyModifiers::NONE,
    }
}

const fn char(character: char) -> Press {
    key(KeyCode::Char(character))
}

const fn control(character: char) -> Press {
    Press {
        code: KeyCode::Char(character),
        modifiers: KeyModifiers::CONTROL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_does_what_its_line_says() {
        for binding in TABLE {
            assert!(!binding.keys.is_empty() && !binding.help.is_empty());
            for context in binding.contexts {
                for press in binding.keys {
                    let found = action(*context, press.event());
                    assert_eq!(
                        found,
                        Some(binding.action),
                        "{} in {context:?}",
                        press.name()
                    );
                }
            }
        }
    }

    #[test]
    fn a_capital_is_the_same_with_and_without_shift() {
        let with = KeyEvent::new(KeyCode::Char('P'), KeyModifiers::SHIFT);
        assert_eq!(action(Runs, with), Some(Action::Park));
        let control = KeyEvent::new(KeyCode::Char('p'), KeyModifiers::CONTROL);
        assert_eq!(action(Runs, control), None);
    }
}
