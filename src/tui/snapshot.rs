//! What the screen knows of a run at one moment. Strings in it are safe to show.

use std::path::PathBuf;
use std::sync::Arc;

use crate::eval::Evaluation;
use crate::run::{Entry, JobKind, JournalEvent, RunState, Scalars, Status};

use super::along;
use super::marks::Marks;

/// A folder that is shown as a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSnapshot {
    /// The folder: what commands are sent to.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub contents: Contents,
    /// When it began, seconds after 1970.
    pub started: f64,
}

/// What a folder turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Contents {
    /// A run.
    Run(Box<RunDetails>),
    /// An event log that another program wrote.
    EventLog,
    /// A run that can't be read: why.
    Broken(String),
}

/// The documents of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDetails {
    /// Its status, with `Lost` for a dead worker.
    pub status: Status,
    /// The newest entries of its journal, oldest first.
    pub journal: Vec<Entry>,
    /// What its charts mark.
    pub marks: Arc<Marks>,
    /// The best validation on each set, that validated first first.
    pub best: Vec<Validation>,
    /// Its evaluations.
    pub results: Vec<Evaluation>,
    /// What a person noted of it.
    pub note: Option<String>,
    /// The last lines of its worker's output, oldest first.
    pub log: Vec<String>,
}

/// A validation's outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Validation {
    /// The set.
    pub set: String,
    /// The step of the model.
    pub step: u64,
    /// Mean accuracy, 0..1.
    pub accuracy: f64,
    /// Population standard deviation over the folds.
    pub std: f64,
}

/// The curves of one run.
#[derive(Debug, Clone)]
pub struct Curves {
    /// The run.
    pub path: PathBuf,
    /// Its scalars.
    pub scalars: Arc<Scalars>,
    /// Rises with every change: what was made from an older edition is out of date.
    pub edition: u64,
    /// Steps of an epoch, where the run logs its epochs and one began.
    pub epoch: Option<f64>,
}

impl Curves {
    /// Curves of a run.
    pub fn new(path: PathBuf, scalars: Arc<Scalars>, edition: u64) -> Self {
        Self {
            path,
            epoch: along::steps_of_epoch(&scalars),
            scalars,
            edition,
        }
    }
}

/// Two are the same where they are of one run at one moment.
impl PartialEq for Curves {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, self.edition) == (&other.path, other.edition)
    }
}

impl RunSnapshot {
    /// The documents, where this is a run that can be read.
    pub fn details(&self) -> Option<&RunDetails> {
        match &self.contents {
            Contents::Run(details) => Some(details),
            Contents::EventLog | Contents::Broken(_) => None,
        }
    }

    /// The state, where this is a run that can be read.
    pub fn state(&self) -> Option<RunState> {
        self.details().map(|details| details.status.state)
    }

    /// Whether a worker is at work on it.
    pub fn is_live(&self) -> bool {
        self.state().is_some_and(RunState::is_live)
    }

    /// Whether it makes steps now: only then do speed and time to go mean anything.
    pub fn is_running(&self) -> bool {
        self.state() == Some(RunState::Running)
    }

    /// The kind of job, where this is a run that can be read.
    pub fn kind(&self) -> Option<JobKind> {
        self.details().map(|details| details.status.kind)
    }
}

impl RunDetails {
    /// The number of the newest journal entry; 0 without any.
    pub fn last_entry(&self) -> u64 {
        self.journal.last().map_or(0, |entry| entry.number)
    }

    /// Takes a journal entry into account: of each set the highest accuracy, the earliest of equals.
    pub fn better(best: &mut Vec<Validation>, entry: &Entry) {
        let JournalEvent::Validation {
            set,
            step,
            accuracy,
            std,
        } = &entry.what
        else {
            return;
        };
        let this = Validation {
            set: set.clone(),
            step: *step,
            accuracy: *accuracy,
            std: *std,
        };
        match best.iter_mut().find(|best| best.set == *set) {
            None => best.push(this),
            Some(best) if *accuracy > best.accuracy => *best = this,
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_set_the_best_validation_counts_the_earliest_of_equals() {
        let mut best = Vec::new();
        for (number, (set, step, accuracy)) in [
            ("lfw", 10, 0.7),
            ("ytf", 10, 0.6),
            ("lfw", 20, 0.8),
            ("ytf", 20, 0.5),
            ("lfw", 30, 0.8),
        ]
        .into_iter()
        .enumerate()
        {
            let entry = Entry {
                number: number as u64,
                time: 0.0,
                what: JournalEvent::Validation {
                    set: set.to_owned(),
                    step,
                    accuracy,
                    std: 0.0,
                },
            };
            RunDetails::better(&mut best, &entry);
        }
        let best: Vec<_> = best
            .iter()
            .map(|best| (best.set.as_str(), best.step, best.accuracy))
            .collect();
        assert_eq!(best, [("lfw", 20, 0.8), ("ytf", 10, 0.6)]);
    }
}
