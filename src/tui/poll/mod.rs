//! Looks at the run directories on a thread of its own, and speaks up only when something changed.

mod shown;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc::UnboundedSender;

use crate::eval::Evaluation;
use crate::run::{
    CurveLog, Entry, IndexHome, JournalTail, RunDirectory, RunEntry, RunSummary, Status, registry,
};

use super::message::Message;
use super::snapshot::{Contents, Curves, RunDetails, RunSnapshot, Validation};

/// What the screen asks of the poller.
#[derive(Debug)]
pub enum Request {
    /// Follow this run's curves and worker output, and no other's.
    Watch(Option<PathBuf>),
    /// Look now.
    Look,
}

/// The time between two looks.
const TURN: Duration = Duration::from_millis(400);
/// Of a long log, what was read is shown after this time at the latest.
const CURVES_TURN: Duration = Duration::from_millis(100);
/// Journal entries kept for the screen.
const JOURNAL_ENTRIES: usize = 200;
/// Lines of worker output kept for the screen.
const LOG_LINES: usize = 500;

/// Starts looking at the runs in `root` and at the folders `extra`; it ends when the request sender is dropped.
pub fn start(
    root: PathBuf,
    extra: Vec<PathBuf>,
    indexes: IndexHome,
    messages: UnboundedSender<Message>,
) -> Sender<Request> {
    let (sender, requests) = channel();
    let mut poller = Poller {
        root,
        extra,
        messages,
        files: BTreeMap::new(),
        told: Vec::new(),
        trouble: None,
        watched: None,
        begun: false,
        indexes,
    };
    thread::spawn(move || poller.serve(&requests));
    sender
}

struct Poller {
    root: PathBuf,
    extra: Vec<PathBuf>,
    messages: UnboundedSender<Message>,
    files: BTreeMap<PathBuf, Files>,
    told: Vec<Arc<RunSnapshot>>,
    trouble: Option<String>,
    watched: Option<Watched>,
    begun: bool,
    indexes: IndexHome,
}

/// What is remembered of a run between two looks, so that only what grew is read.
struct Files {
    tail: JournalTail,
    journal: VecDeque<Entry>,
    best: Option<Validation>,
    results: Vec<Evaluation>,
    results_changed: Option<SystemTime>,
    log: Vec<String>,
    log_changed: Option<(u64, SystemTime)>,
}

/// The run whose curves are followed.
struct Watched {
    path: PathBuf,
    log: Option<CurveLog>,
    edition: u64,
    /// Whether there is more to read at once.
    more: bool,
}

impl Poller {
    fn serve(&mut self, requests: &Receiver<Request>) {
        let mut looked: Option<Instant> = None;
        loop {
            // Curves first: those of a known run need not wait for the others' documents.
            self.look_at_curves();
            if looked.is_none_or(|looked| looked.elapsed() >= TURN) {
                self.look_at_all_runs();
                looked = Some(Instant::now());
            }
            if self.messages.is_closed() {
                return;
            }
            let reading = self.watched.as_ref().is_some_and(|watched| watched.more);
            let mut next = requests.recv_timeout(if reading { Duration::ZERO } else { TURN });
            loop {
                match next {
                    Ok(Request::Watch(path)) => {
                        self.watch(path);
                        looked = None;
                    }
                    Ok(Request::Look) => looked = None,
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                next = requests.recv_timeout(Duration::ZERO);
            }
        }
    }

    fn watch(&mut self, path: Option<PathBuf>) {
        self.watched = path.map(|path| Watched {
            path,
            log: None,
            edition: 0,
            more: true,
        });
    }

    fn look_at_all_runs(&mut self) {
        match registry::list(&self.root) {
            Ok(summaries) => self.look_at_runs(summaries),
            Err(error) => {
                let why = shown::text(&error.to_string());
                if self.trouble.as_ref() != Some(&why) {
                    self.trouble = Some(why.clone());
                    self.say(Message::RunsUnreadable(why));
                }
            }
        }
    }

    fn look_at_runs(&mut self, mut summaries: Vec<RunSummary>) {
        for path in &self.extra {
            if !summaries.iter().any(|summary| summary.path == *path) {
                summaries.extend(registry::look(path));
            }
        }
        summaries.sort_by(|a, b| {
            b.started
                .total_cmp(&a.started)
                .then_with(|| a.name.cmp(&b.name))
        });
        self.files
            .retain(|path, _| summaries.iter().any(|summary| summary.path == *path));
        let runs: Vec<Arc<RunSnapshot>> = summaries
            .into_iter()
            .map(|summary| {
                let snapshot = self.snapshot(summary);
                let before = self.told.iter().find(|told| told.path == snapshot.path);
                match before {
                    Some(before) if same(before, &snapshot) => before.clone(),
                    _ => Arc::new(snapshot),
                }
            })
            .collect();
        let unchanged = runs.len() == self.told.len()
            && runs
                .iter()
                .zip(&self.told)
                .all(|(new, old)| Arc::ptr_eq(new, old));
        if unchanged && self.begun && self.trouble.is_none() {
            return;
        }
        self.begun = true;
        self.trouble = None;
        self.told.clone_from(&runs);
        self.say(Message::Runs(runs));
    }

    fn snapshot(&mut self, summary: RunSummary) -> RunSnapshot {
        let contents = match summary.entry {
            RunEntry::Run(status) => Contents::Run(Box::new(self.details(&summary.path, *status))),
            RunEntry::EventLog => Contents::EventLog,
            RunEntry::Broken(why) => Contents::Broken(shown::text(&why)),
        };
        RunSnapshot {
            name: shown::text(&summary.name),
            path: summary.path,
            contents,
            started: summary.started,
        }
    }

    fn details(&mut self, path: &Path, status: Status) -> RunDetails {
        let watched = self
            .watched
            .as_ref()
            .is_some_and(|watched| watched.path == path);
        let Ok(run) = RunDirectory::open(path) else {
            // Removed since it was listed.
            return RunDetails {
                status: shown::status(status),
                journal: Vec::new(),
                best: None,
                results: Vec::new(),
                log: Vec::new(),
            };
        };
        let files = self
            .files
            .entry(path.to_owned())
            .or_insert_with(|| Files::of(&run));
        files.look(&run, watched);
        RunDetails {
            status: shown::status(status),
            journal: files.journal.iter().cloned().collect(),
            best: files.best(),
            results: files.results.clone(),
            log: files.log.clone(),
        }
    }

    fn look_at_curves(&mut self) {
        let Some(watched) = &mut self.watched else {
            return;
        };
        if watched.log.is_none() {
            watched.log = CurveLog::open(&watched.path, &self.indexes).ok();
        }
        let Some(log) = &mut watched.log else {
            watched.more = false;
            return;
        };
        let begun = Instant::now();
        let mut changed = watched.edition == 0;
        watched.more = true;
        while watched.more && begun.elapsed() < CURVES_TURN {
            // A log that can't be read now may be next time; what was read before stays on the screen.
            let news = log.read().ok();
            changed |= news.is_some_and(|news| news.changed);
            watched.more = news.is_some_and(|news| news.more);
        }
        if !watched.more
            && let Some(index) = log.pending_index()
        {
            // Nobody waits for it; without it the next dashboard reads the log itself.
            thread::spawn(move || index.write());
        }
        if !changed {
            return;
        }
        watched.edition += 1;
        let curves = Curves {
            path: watched.path.clone(),
            scalars: Arc::new(log.scalars().clone()),
            edition: watched.edition,
        };
        self.say(Message::Curves(curves));
    }

    fn say(&self, message: Message) {
        // A screen that has gone needs no news; the loop ends at its next turn.
        let _ = self.messages.send(message);
    }
}

impl Files {
    fn of(run: &RunDirectory) -> Self {
        Self {
            tail: run.journal_tail(),
            journal: VecDeque::new(),
            best: None,
            results: Vec::new(),
            results_changed: None,
            log: Vec::new(),
            log_changed: None,
        }
    }

    /// The best validation; of a run that only evaluates, its best figures.
    fn best(&self) -> Option<Validation> {
        let of_results = || {
            let accuracy = |one: &&Evaluation| one.accuracy.mean;
            let all = self.results.iter();
            let best = all.max_by(|a, b| accuracy(a).total_cmp(&accuracy(b)))?;
            Some(Validation {
                set: best.set.clone(),
                step: best.provenance.step.unwrap_or(0),
                accuracy: best.accuracy.mean,
                std: best.accuracy.std,
            })
        };
        self.best.clone().or_else(of_results)
    }

    /// Reads what is new. A document that can't be read leaves what was known of it.
    fn look(&mut self, run: &RunDirectory, watched: bool) {
        for entry in self.tail.poll().unwrap_or_default() {
            let entry = shown::entry(entry);
            RunDetails::better(&mut self.best, &entry);
            self.journal.push_back(entry);
        }
        let surplus = self.journal.len().saturating_sub(JOURNAL_ENTRIES);
        self.journal.drain(..surplus);

        let changed = fs::metadata(run.path().join("results")).and_then(|folder| folder.modified());
        let changed = changed.ok();
        if changed != self.results_changed
            && let Ok(results) = run.results()
        {
            let rows = results.rows.into_iter();
            self.results = rows.map(|row| shown::evaluation(row.evaluation)).collect();
            self.results_changed = changed;
        }

        if !watched {
            self.log.clear();
            self.log_changed = None;
            return;
        }
        let changed = fs::metadata(run.log_path())
            .and_then(|log| Ok((log.len(), log.modified()?)))
            .ok();
        if changed != self.log_changed {
            let lines = run.log_tail(LOG_LINES);
            self.log = lines
                .iter()
                .map(|line| shown::text(line.trim_end()))
                .collect();
            self.log_changed = changed;
        }
    }
}

/// Whether two snapshots read alike; a NaN reads like a NaN, though it doesn't equal one.
fn same(a: &RunSnapshot, b: &RunSnapshot) -> bool {
    a == b || format!("{a:?}") == format!("{b:?}")
}

#[cfg(test)]
mod tests;
