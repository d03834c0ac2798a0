//! Commands to runs: whether one makes sense now, and what it asks of the world.

use crate::run::{Command, RunState};
use crate::tui::effect::Effect;
use crate::tui::keys::Action;
use crate::tui::model::{Access, Model, Overlay, Pending, Tone, View};
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
    let about_curves = matches!(action, Action::Zoom | Action::Smooth | Action::LogScale);
    if about_curves && model.view == View::Live && charts::of(model).is_empty() {
        return Some("there are no curves yet".to_owned());
    }
    if action == Action::Launch || !(commands || matches!(action, Action::Open | Action::WorkerLog))
    {
        return None;
    }
    let Some(run) = model.selected_run() else {
        return Some("no run is selected".to_owned());
    };
    if !commands {
        return None;
    }
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
            model.overlay = Some(Overlay::Launch(Box::default()));
            return Vec::new();
        }
        Action::Yes => {
            let Some(Overlay::Stop { path, .. }) = model.overlay.take() else {
                return Vec::new();
            };
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
    let Some(index) = model.selected_index() else {
        return Vec::new();
    };
    let run = model.runs()[index].clone();
    match action {
        Action::TogglePause if wants_unpause(model, &run) => send(model, &run, Command::Unpause),
        Action::TogglePause => send(model, &run, Command::Pause),
        Action::Park => send(model, &run, Command::Park),
        Action::Checkpoint => send(model, &run, Command::Checkpoint),
        Action::Stop => {
            model.overlay = Some(Overlay::Stop {
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
