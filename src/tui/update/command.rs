//! Commands to runs: whether one makes sense now, and what it asks of the world.

use crate::run::{Command, JobKind, RunState};
use crate::tui::effect::{Effect, Manage};
use crate::tui::form::{Form, FormKind};
use crate::tui::keys::Action;
use crate::tui::line::TextLine;
use crate::tui::model::{Access, Ask, Asked, Asking, Model, Overlay, Pending, Tone, View};
use crate::tui::snapshot::{Contents, RunSnapshot};
use crate::tui::words;

use super::say;
use crate::tui::charts;

/// Why an action can't be done now; `None` where it can. The footer leaves such actions out.
pub fn refusal(model: &Model, action: Action) -> Option<String> {
    let commands = matches!(
        action,
        Action::TogglePause
            | Action::Park
            | Action::Resume
            | Action::Checkpoint
            | Action::Stop
            | Action::Launch
            | Action::FineTune
            | Action::Evaluate
            | Action::Rename
            | Action::Note
            | Action::Archive
    );
    let changes_list = matches!(
        action,
        Action::MarkError | Action::UndoMark | Action::Unlist | Action::AddVideo
    );
    if changes_list && model.access == Access::ReadOnly {
        return Some("read-only: the error list can't be changed from here".to_owned());
    }
    if let Some(why) = super::triage::refusal(model, action) {
        return Some(why);
    }
    if commands && model.access == Access::ReadOnly {
        return Some("read-only: no command can be given from here".to_owned());
    }
    let about_threshold = matches!(
        action,
        Action::ThresholdDown
            | Action::ThresholdUp
            | Action::ThresholdFarDown
            | Action::ThresholdFarUp
            | Action::ThresholdMean
    );
    if about_threshold && model.scored().is_none() {
        return Some("no scores are at hand: select a figure that has some".to_owned());
    }
    if action == Action::Compare && model.selected.is_none() {
        return Some("no run is selected".to_owned());
    }
    if is_about_curves(action) && model.view == View::Live && charts::of(model).is_empty() {
        return Some("there are no curves yet".to_owned());
    }
    if action == Action::MarkRow && model.evaluation.figure.is_none() {
        return Some("only figures of runs of one's own can be compared".to_owned());
    }
    if matches!(action, Action::Launch | Action::Evaluate)
        || !(commands || matches!(action, Action::Open | Action::WorkerLog))
    {
        return None;
    }
    let Some(run) = model.selected_run() else {
        return Some("no run is selected".to_owned());
    };
    if !commands {
        return None;
    }
    run_refusal(run, action)
}

fn is_about_curves(action: Action) -> bool {
    matches!(
        action,
        Action::Zoom
            | Action::Smooth
            | Action::LogScale
            | Action::Along
            | Action::LogAlong
            | Action::Outliers
            | Action::CursorLeft
            | Action::CursorRight
            | Action::ZoomIn
            | Action::ZoomOut
            | Action::ExportChart
    )
}

/// Why an action can't be done with a run now.
fn run_refusal(run: &RunSnapshot, action: Action) -> Option<String> {
    let details = match &run.contents {
        Contents::Run(details) => details,
        Contents::EventLog => {
            return Some(format!(
                "{} is another program's log: it takes no commands",
                run.name
            ));
        }
        Contents::Broken(_) => return Some(format!("{} can't be read", run.name)),
    };
    let state = details.status.state;
    match action {
        Action::FineTune if details.status.kind != JobKind::Train => {
            return Some(format!("{} trained nothing to go on from", run.name));
        }
        Action::FineTune if details.status.last_checkpoint.is_none() => {
            return Some(format!("{} has no checkpoint yet", run.name));
        }
        Action::Note | Action::FineTune => return None,
        Action::Rename | Action::Archive => {
            return state
                .is_live()
                .then(|| format!("{} is {}: a worker has it", run.name, words::state(state)));
        }
        _ => {}
    }
    if action == Action::Resume {
        return match state {
            RunState::Finished => Some(format!("{} is finished: nothing is left to do", run.name)),
            state if state.is_live() => Some(format!(
                "{} is {}: it has a worker",
                run.name,
                words::state(state)
            )),
            _ => None,
        };
    }
    (!state.is_live()).then(|| {
        format!(
            "{} is {}: no worker would hear that",
            run.name,
            words::state(state)
        )
    })
}

pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Launch => {
            model.overlay = Some(Overlay::Launch(Box::new(Form::training())));
            return Vec::new();
        }
        Action::Evaluate => {
            let selected = model
                .selected_run()
                .filter(|run| run.kind() == Some(JobKind::Train));
            let model_path = selected.map(|run| run.path.display().to_string());
            let fields = [
                &model_path.unwrap_or_default(),
                "config.ini",
                "lfw",
                "reference",
                "auto",
            ];
            let form = Form::new(FormKind::Evaluation, &fields);
            model.overlay = Some(Overlay::Launch(Box::new(form)));
            return Vec::new();
        }
        Action::Yes => {
            let Some(Overlay::Question { what, path, .. }) = model.overlay.take() else {
                return Vec::new();
            };
            if what == Asking::Archive {
                return vec![Effect::Manage(path, Manage::Archive)];
            }
            // The run may be another by now: what was asked about is what is stopped.
            let run = model.runs().iter().find(|run| run.path == path).cloned();
            return run.map_or_else(Vec::new, |run| {
                send(model, &run, Command::Stop { after_epoch: false })
            });
        }
        Action::No => {
            model.overlay = None;
            return Vec::new();
        }
        _ => {}
    }
    let Some(run) = model.selected_run().cloned() else {
        return Vec::new();
    };
    match action {
        Action::FineTune => fine_tune(model, &run),
        Action::Rename => {
            ask(model, Asked::Rename { path: run.path }, &run.name);
            Vec::new()
        }
        Action::Note => {
            let note = run.details().and_then(|details| details.note.clone());
            ask(
                model,
                Asked::Note {
                    path: run.path.clone(),
                },
                &note.unwrap_or_default(),
            );
            Vec::new()
        }
        Action::Archive => {
            model.overlay = Some(Overlay::Question {
                what: Asking::Archive,
                path: run.path.clone(),
                name: run.name.clone(),
            });
            Vec::new()
        }
        Action::TogglePause if wants_unpause(model, &run) => send(model, &run, Command::Unpause),
        Action::TogglePause => send(model, &run, Command::Pause),
        Action::Park => send(model, &run, Command::Park),
        Action::Checkpoint => send(model, &run, Command::Checkpoint),
        Action::Stop => {
            model.overlay = Some(Overlay::Question {
                what: Asking::Stop,
                path: run.path.clone(),
                name: run.name.clone(),
            });
            Vec::new()
        }
        Action::Resume => {
            say(
                model,
                Tone::Done,
                format!("{}: starting a worker…", run.name),
            );
            vec![Effect::Resume {
                path: run.path.clone(),
                name: run.name.clone(),
            }]
        }
        _ => Vec::new(),
    }
}

fn ask(model: &mut Model, about: Asked, text: &str) {
    model.overlay = Some(Overlay::Ask(Ask {
        about,
        line: TextLine::new(text),
    }));
}

/// The form for a run that goes on from another: its recipe, its data, its weights.
fn fine_tune(model: &mut Model, run: &RunSnapshot) -> Vec<Effect> {
    let file = |name: &str| run.path.join(name).display().to_string();
    let fields = [
        file("recipe.toml"),
        file("config.ini"),
        format!("{}-tuned", run.name),
        "auto".to_owned(),
        run.path.display().to_string(),
    ];
    let fields = fields.each_ref().map(String::as_str);
    let form = Form::new(FormKind::Training, &fields);
    let effect = Effect::Check {
        edit: form.edit,
        order: form.order(),
    };
    model.overlay = Some(Overlay::Launch(Box::new(form)));
    vec![effect]
}

/// Whether `p` lets the run go on: it is paused, and no answer to an earlier `p` is still to come.
fn wants_unpause(model: &Model, run: &RunSnapshot) -> bool {
    match model.pending.get(&run.path).map(|pending| &pending.command) {
        Some(Command::Pause) => true,
        Some(Command::Unpause) => false,
        _ => run.state() == Some(RunState::Paused),
    }
}

fn send(model: &mut Model, run: &RunSnapshot, command: Command) -> Vec<Effect> {
    let after = run
        .details()
        .map_or(0, crate::tui::snapshot::RunDetails::last_entry);
    let pending = Pending {
        command: command.clone(),
        sent: model.now,
        after,
    };
    model.pending.insert(run.path.clone(), pending);
    vec![Effect::Send {
        path: run.path.clone(),
        command,
    }]
}
