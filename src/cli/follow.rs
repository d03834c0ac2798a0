//! Following a run in the terminal, without the dashboard: one line that moves, and a line for what happens.

use std::{
    io::{IsTerminal, Write, stderr},
    path::Path,
    process::Child,
    time::{Duration, Instant},
};

use super::{
    Failure, data, figures,
    output::{duration, print, say},
};
use crate::{
    launch::{Follower, Look},
    run::{Entry, JobKind, JournalEvent, RunDirectory, RunState, Status},
    untrusted::{visible, visible_path},
};

/// How often the run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Where stderr is no terminal, a progress line comes this often.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// Follows a run until its worker has done with it; an end that isn't asked for is a failure.
pub(super) fn follow(
    runs_root: &Path,
    run: RunDirectory,
    worker: Option<Child>,
) -> Result<Status, Failure> {
    let name = visible(&run.name());
    let mut follower = Follower::new(run, worker)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot watch for Ctrl-C: {error}")))?;
    let mut progress = Progress::new();
    let last = runtime.block_on(async {
        loop {
            let look = follower.look()?;
            progress.show(&look);
            if look.ended {
                return Ok(look);
            }
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {
                    progress.clear();
                    let runs = visible_path(runs_root);
                    say(&format!(
                        "{name} goes on without this terminal; `facetui --runs {runs}` watches it, \
                         `facetui park {name} --runs {runs}` parks it"
                    ));
                    return Err(Failure::Interrupted);
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    })?;
    progress.clear();
    ended_well(&name, last, &mut follower)
}

fn ended_well(name: &str, look: Look, follower: &mut Follower) -> Result<Status, Failure> {
    let status = look.status;
    if !matches!(status.state, RunState::Failed | RunState::Lost) {
        return Ok(status);
    }
    let reason = status
        .last_error
        .unwrap_or_else(|| "it gave no reason".to_owned());
    let message = format!(
        "{name} {}: {reason} (log: {})",
        status.state,
        visible_path(&follower.run().path().join("worker.log"))
    );
    Err(match follower.exit_code() {
        Some(2) => Failure::Input(message),
        _ => Failure::Failed(message),
    })
}

/// Prints what a followed run came to.
pub(super) fn print_summary(run: &RunDirectory, status: &Status) -> Result<(), Failure> {
    let name = visible(&run.name());
    if status.kind == JobKind::Eval {
        print(&format!(
            "{name}: {} on {}",
            status.state,
            visible(&status.device)
        ))?;
        for row in run.results()?.rows {
            figures::print_line(&row.evaluation)?;
        }
        return Ok(());
    }
    if status.kind == JobKind::Align {
        print(&format!(
            "{name}: {} on {}",
            status.state,
            visible(&status.device)
        ))?;
        data::print_alignment(run)?;
        return print_resumable(&name, status);
    }
    print(&format!(
        "{name}: {} at step {} of {} on {}",
        status.state,
        status.step,
        status.steps,
        visible(&status.device)
    ))?;
    for (tag, value) in &status.scalars {
        if tag.starts_with("loss/") || tag.starts_with("eval/") || tag == "train/accuracy" {
            print(&format!("  {:<24} {value:.5}", visible(tag)))?;
        }
    }
    if let Some(checkpoint) = run.checkpoints()?.last() {
        print(&format!("  checkpoint {}", visible_path(&checkpoint.path)))?;
    }
    print_resumable(&name, status)
}

fn print_resumable(name: &str, status: &Status) -> Result<(), Failure> {
    if matches!(status.state, RunState::Parked | RunState::Stopped) {
        print(&format!("  `facetui resume {name}` goes on with it"))?;
    }
    Ok(())
}

struct Progress {
    is_terminal: bool,
    shown: bool,
    last_line: Option<Instant>,
}

impl Progress {
    fn new() -> Self {
        Self {
            is_terminal: stderr().is_terminal(),
            shown: false,
            last_line: None,
        }
    }

    fn show(&mut self, look: &Look) {
        for entry in &look.entries {
            if let Some(line) = entry_line(entry) {
                self.clear();
                say(&format!("{}: {line}", look.status.name));
            }
        }
        if look.ended {
            return;
        }
        let line = progress_line(&look.status);
        if self.is_terminal {
            // Cut to the width, so that a line never wraps and \r finds its beginning.
            let width = crossterm::terminal::size().map_or(80, |size| usize::from(size.0));
            let line: String = visible(&line)
                .chars()
                .take(width.saturating_sub(1))
                .collect();
            let _ = write!(stderr().lock(), "\r{line}\x1b[K");
            self.shown = true;
        } else if self
            .last_line
            .is_none_or(|last| last.elapsed() >= LINE_EVERY)
        {
            say(&line);
            self.last_line = Some(Instant::now());
        }
    }

    /// Takes the moving line away.
    fn clear(&mut self) {
        if self.shown {
            let _ = write!(stderr().lock(), "\r\x1b[K");
            self.shown = false;
        }
    }
}

fn progress_line(status: &Status) -> String {
    let mut parts = vec![format!("{}: {}", status.name, status.state)];
    parts.extend(status.phase.as_ref().map(|phase| format!("({phase})")));
    if let Some(percent) = (100 * status.step).checked_div(status.steps) {
        parts.push(format!("step {}/{} {percent}%", status.step, status.steps));
    }
    let scalar = |tag: &str| status.scalars.get(tag);
    parts.extend(scalar("loss/total").map(|loss| format!("loss {loss:.3}")));
    parts.extend(scalar("train/accuracy").map(|accuracy| format!("accuracy {accuracy:.3}")));
    parts.extend(
        status
            .images_per_second
            .map(|speed| format!("{speed:.0} images/s")),
    );
    parts.extend(
        status
            .eta_seconds
            .map(|eta| format!("{} left", duration(eta))),
    );
    parts.join("  ")
}

/// What of the journal is told; the rest shows in the moving line.
fn entry_line(entry: &Entry) -> Option<String> {
    Some(match &entry.what {
        JournalEvent::Validation {
            set,
            step,
            accuracy,
            std,
        } => format!("step {step}: {set} {accuracy:.5} ± {std:.5}"),
        JournalEvent::Checkpoint { name, step } => format!("step {step}: checkpoint {name}"),
        JournalEvent::Error { message } => format!("error: {message}"),
        JournalEvent::Note { message } => message.clone(),
        JournalEvent::Lint { step, message, .. } => format!("look: step {step}: {message}"),
        JournalEvent::Rejected { name, reason } => format!("no command: {name}: {reason}"),
        JournalEvent::Resumed { step } => format!("goes on from step {step}"),
        JournalEvent::State {
            state: state @ (RunState::Paused | RunState::Parked | RunState::Stopped),
            ..
        } => state.to_string(),
        JournalEvent::State { .. } | JournalEvent::Command { .. } => return None,
    })
}
