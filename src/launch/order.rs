//! Giving a run a command, and waiting for its word that it was obeyed.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::LaunchError;
use crate::run::{Command, JournalEvent, RunDirectory, RunState};

/// The numbers of a recipe that a running training can change.
pub const SETTABLE: [&str; 4] = [
    "schedule.learning_rate",
    "loss.centre_weight",
    "loss.weight_decay",
    "triplet.weight",
];

/// What came of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It was obeyed after this step.
    Obeyed {
        /// The step.
        step: u64,
    },
    /// It lies in the inbox; the run obeys between two steps.
    Sent,
}

/// Gives a run a command and waits up to `patience` for its acknowledgement.
///
/// # Errors
/// The run isn't in a state to obey, the number can't be set, or others may write to the run.
pub fn order(
    run: &RunDirectory,
    command: &Command,
    patience: Duration,
) -> Result<Answer, LaunchError> {
    check(run, command)?;
    let mut journal = run.journal_tail();
    let before = journal.poll()?.last().map_or(0, |entry| entry.number);
    run.send(command)?;
    let begun = Instant::now();
    while begun.elapsed() < patience {
        for entry in journal.poll()? {
            if let JournalEvent::Command {
                command: obeyed,
                step,
            } = entry.what
                && entry.number > before
                && obeyed == *command
            {
                return Ok(Answer::Obeyed { step });
            }
        }
        thread::sleep(Duration::from_millis(30));
    }
    Ok(Answer::Sent)
}

fn check(run: &RunDirectory, command: &Command) -> Result<(), LaunchError> {
    if let Command::Set { key, value } = command {
        let reason = if !SETTABLE.contains(&key.as_str()) {
            format!("a running run can change {}", SETTABLE.join(", "))
        } else if !value.is_finite() || *value < 0.0 {
            format!("found {value}; allowed: a number from 0")
        } else {
            String::new()
        };
        if !reason.is_empty() {
            return Err(LaunchError::Set {
                key: key.clone(),
                reason,
            });
        }
    }
    let state = run.status()?.state;
    let unfit = |instead| LaunchError::State {
        name: run.name(),
        state,
        command: verb(command),
        instead,
    };
    match (state, command) {
        (RunState::Running | RunState::Starting, Command::Unpause) => {
            Err(unfit("it goes on as it is"))
        }
        (RunState::Paused, Command::Pause) => Err(unfit("`facetui unpause` goes on")),
        (state, _) if state.is_live() => Ok(()),
        (RunState::Finished, _) => Err(unfit("there is nothing left to do")),
        _ => Err(unfit("`facetui resume` starts a worker on it first")),
    }
}

fn verb(command: &Command) -> &'static str {
    match command {
        Command::Pause => "pause",
        Command::Unpause => "unpause",
        Command::Park => "park",
        Command::Checkpoint => "checkpoint",
        Command::Stop { .. } => "stop",
        Command::Set { .. } => "set a number",
    }
}
