//! Sentences about a run that more than one pane shows.

use crate::run::{Entry, JournalEvent, RunState};
use crate::tui::marks::MarkKind;
use crate::tui::model::Model;
use crate::tui::snapshot::{RunDetails, RunSnapshot};
use crate::tui::words;

/// What a command on its way to the run reads like: `pause sent…`, with its wait once that is long. It changes seldom:
/// every change is sent over the line.
pub fn pending(model: &Model, run: &RunSnapshot) -> Option<String> {
    let pending = model.pending.get(&run.path)?;
    let asked = words::asked(&pending.command);
    let wait = model.now - pending.sent;
    Some(if wait < 5.0 {
        format!("{asked} sent…")
    } else if wait < 60.0 {
        format!("{asked} sent, not obeyed yet…")
    } else {
        format!("{asked} sent {} ago, not obeyed yet…", words::age(wait))
    })
}

/// The newest sign that training goes wrong: `step 412: the device waits for data…`.
pub fn last_lint(details: &RunDetails) -> Option<String> {
    let mark = details.marks.newest(MarkKind::Lint)?;
    match &mark.entry.what {
        JournalEvent::Lint { step, message, .. } => {
            Some(format!("step {}: {message}", words::count(*step)))
        }
        _ => None,
    }
}

/// A journal entry in one line.
pub fn entry(entry: &Entry) -> String {
    match &entry.what {
        JournalEvent::State {
            state: RunState::Starting,
            phase: Some(phase),
        } => phase.clone(),
        JournalEvent::State { state, .. } => words::state(*state).to_owned(),
        JournalEvent::Command { command, step } => words::done(command, *step),
        JournalEvent::Rejected { name, reason } => format!("refused {name}: {reason}"),
        JournalEvent::Checkpoint { name, .. } => format!("checkpoint {name}"),
        JournalEvent::Validation {
            set,
            step,
            accuracy,
            std,
        } => format!(
            "{} ± {:.1} on {set} at step {}",
            words::percent(*accuracy),
            std * 100.0,
            words::count(*step)
        ),
        JournalEvent::Error { message } => format!("error: {message}"),
        JournalEvent::Resumed { step } => format!("resumed at step {}", words::count(*step)),
        JournalEvent::Note { message } => message.clone(),
        JournalEvent::Lint { step, message, .. } => {
            format!("look: step {}: {message}", words::count(*step))
        }
    }
}
