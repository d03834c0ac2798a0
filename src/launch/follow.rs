//! Following a run to its end.

use std::{
    process::Child,
    thread,
    time::{Duration, Instant},
};

use super::LaunchError;
use crate::run::{Entry, JournalTail, RunDirectory, RunState, Status};

/// Follows one run through its directory.
#[derive(Debug)]
pub struct Follower {
    run: RunDirectory,
    journal: JournalTail,
    worker: Option<Child>,
}

/// What a look at the run brought.
#[derive(Debug)]
pub struct Look {
    /// What happened since the last look.
    pub entries: Vec<Entry>,
    /// How the run stands.
    pub status: Status,
    /// Whether its worker has done with it.
    pub ended: bool,
}

/// A worker that has said its last word ends within this time.
const LAST_MOMENTS: Duration = Duration::from_secs(3);
/// So many last lines of the log are told of a worker that died.
const LAST_LINES: usize = 3;

impl Follower {
    /// Follows a run from now on; `worker` where this process started it.
    ///
    /// # Errors
    /// When the journal can't be read.
    pub fn new(run: RunDirectory, worker: Option<Child>) -> Result<Self, LaunchError> {
        let mut journal = run.journal_tail();
        journal.poll()?;
        Ok(Self {
            run,
            journal,
            worker,
        })
    }

    /// The run.
    pub fn run(&self) -> &RunDirectory {
        &self.run
    }

    /// Looks at the run.
    ///
    /// # Errors
    /// When its documents can't be read.
    pub fn look(&mut self) -> Result<Look, LaunchError> {
        // In this order, so that what the worker wrote before its end is seen with its end.
        let worker_is_gone = match &mut self.worker {
            Some(worker) => worker.try_wait().is_ok_and(|status| status.is_some()),
            None => false,
        };
        let mut status = self.run.status()?;
        if worker_is_gone && status.state.is_live() {
            // It ended before it had the lock: a status that still says `starting` has had its answer.
            status.state = RunState::Lost;
            let words = self.run.log_tail(LAST_LINES).join(" | ");
            let words = if words.is_empty() {
                "it said nothing".to_owned()
            } else {
                words
            };
            status.last_error = Some(format!("the worker died; its last words: {words}"));
        }
        let ended = !status.state.is_live();
        Ok(Look {
            entries: self.journal.poll()?,
            status,
            ended,
        })
    }

    /// The exit code of the worker that this process started, once it has ended.
    pub fn exit_code(&mut self) -> Option<i32> {
        let worker = self.worker.as_mut()?;
        let begun = Instant::now();
        while begun.elapsed() < LAST_MOMENTS {
            if let Ok(Some(status)) = worker.try_wait() {
                return status.code();
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }
}
