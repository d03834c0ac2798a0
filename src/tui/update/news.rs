//! News from the run directories: new snapshots, acknowledgements, time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::run::{Command, JournalEvent, RunState};
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Tone, View};
use crate::tui::snapshot::RunSnapshot;
use crate::tui::words;

use super::select::select;
use super::{clock_face, say, threshold};

/// A notice stays for so many seconds.
const NOTICE_SECONDS: f64 = 8.0;

pub(super) fn runs(model: &mut Model, runs: Vec<Arc<RunSnapshot>>) -> Vec<Effect> {
    model.unreadable = None;
    let before = model.runs.replace(runs).unwrap_or_default();
    acknowledge(model);
    threshold::forget(model, &before);
    let mut effects = endings(&before, model.runs());
    if let Some(focus) = model.focus.clone() {
        let index = model.listed().iter().position(|run| run.name == focus);
        if let Some(index) = index {
            model.focus = None;
            effects.extend(select(model, index));
            model.view = View::Live;
        }
    }
    let listed: BTreeSet<PathBuf> = model.runs().iter().map(|run| run.path.clone()).collect();
    model.compared.retain(|path| listed.contains(path));
    model.beside.retain(|path, _| listed.contains(path));
    if model.selected_run().is_none() {
        model.selected = None;
        model.curves = None;
        effects.extend(select(model, 0));
    }
    effects
}

/// What to tell of runs that were at work and have come to an end that nobody ordered.
fn endings(before: &[Arc<RunSnapshot>], now: &[Arc<RunSnapshot>]) -> Vec<Effect> {
    let ended = now.iter().filter_map(|run| {
        let state = run.state()?;
        let news = matches!(
            state,
            RunState::Finished | RunState::Failed | RunState::Lost
        );
        let was_live = before
            .iter()
            .any(|old| old.path == run.path && old.is_live());
        let text = format!("{}: {}", run.name, words::state(state));
        (news && was_live).then_some(Effect::Notify(text))
    });
    ended.collect()
}

/// Tells of commands that the journal says were obeyed, and of those that no worker will obey any more.
fn acknowledge(model: &mut Model) {
    let mut told = Vec::new();
    for (path, pending) in &model.pending {
        let Some(run) = model.runs().iter().find(|run| run.path == *path) else {
            told.push((path.clone(), None));
            continue;
        };
        let Some(details) = run.details() else {
            continue;
        };
        let new = details
            .journal
            .iter()
            .filter(|entry| entry.number > pending.after);
        let obeyed = new.clone().find_map(|entry| match &entry.what {
            JournalEvent::Command { command, step } if *command == pending.command => {
                Some((Tone::Done, words::done(command, *step)))
            }
            JournalEvent::Rejected { reason, .. } => Some((
                Tone::Failed,
                format!("the worker refused a command: {reason}"),
            )),
            _ => None,
        });
        let outcome = obeyed.or_else(|| {
            (!run.is_live()).then(|| {
                let asked = words::asked(&pending.command);
                (Tone::Failed, format!("ended before it could {asked}"))
            })
        });
        if let Some((tone, text)) = outcome {
            told.push((path.clone(), Some((tone, format!("{}: {text}", run.name)))));
        }
    }
    for (path, notice) in told {
        model.pending.remove(&path);
        if let Some((tone, text)) = notice {
            say(model, tone, text);
        }
    }
}

pub(super) fn sent(model: &mut Model, path: &Path, command: &Command, result: Result<(), String>) {
    if let Err(error) = result {
        if model
            .pending
            .get(path)
            .is_some_and(|pending| pending.command == *command)
        {
            model.pending.remove(path);
        }
        say(
            model,
            Tone::Failed,
            format!("{} not sent: {error}", words::asked(command)),
        );
    }
}

/// Moves the clock; the screen changes only where a time on it reads differently.
pub(super) fn tick(model: &mut Model, now: f64) {
    let before = clock_face(model);
    model.now = now;
    let over = |at: f64| now - at > NOTICE_SECONDS || now < at;
    if model.notice.as_ref().is_some_and(|notice| over(notice.at)) {
        model.notice = None;
        model.changed = true;
    }
    if clock_face(model) != before {
        model.changed = true;
    }
}
