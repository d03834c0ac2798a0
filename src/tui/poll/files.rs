//! The documents of one run, of which only what grew is read again.

use std::collections::VecDeque;
use std::fs;
use std::sync::Arc;
use std::time::SystemTime;

use crate::eval::Evaluation;
use crate::run::{Entry, JournalTail, RunDirectory, RunEntry, RunSummary};
use crate::tui::marks::Marks;
use crate::tui::snapshot::{Contents, RunDetails, RunSnapshot, Validation};

use super::shown;

/// Journal entries kept for the screen.
const JOURNAL_ENTRIES: usize = 200;
/// Lines of worker output kept for the screen.
const LOG_LINES: usize = 500;

/// What is remembered of a run between two looks, so that only what grew is read.
pub(super) struct Files {
    tail: JournalTail,
    journal: VecDeque<Entry>,
    marks: Arc<Marks>,
    best: Vec<Validation>,
    results: Vec<Evaluation>,
    results_changed: Option<SystemTime>,
    note: Option<String>,
    log: Vec<String>,
    log_changed: Option<(u64, SystemTime)>,
}

impl Files {
    pub fn of(run: &RunDirectory) -> Self {
        Self {
            tail: run.journal_tail(),
            journal: VecDeque::new(),
            marks: Arc::default(),
            best: Vec::new(),
            results: Vec::new(),
            results_changed: None,
            note: None,
            log: Vec::new(),
            log_changed: None,
        }
    }

    /// The best validation on each set; of a run that only evaluates, its best figures.
    fn best(&self) -> Vec<Validation> {
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
        if self.best.is_empty() {
            return of_results().into_iter().collect();
        }
        self.best.clone()
    }

    pub fn tell(&self, details: &mut RunDetails) {
        details.journal = self.journal.iter().cloned().collect();
        details.marks.clone_from(&self.marks);
        details.best = self.best();
        details.results.clone_from(&self.results);
        details.note.clone_from(&self.note);
        details.log.clone_from(&self.log);
    }

    /// Reads what is new; whether anything is. A document that can't be read leaves what was known of it.
    pub fn look(&mut self, run: &RunDirectory, watched: bool) -> bool {
        let mut news = false;
        for entry in self.tail.poll().unwrap_or_default() {
            news = true;
            if self
                .journal
                .back()
                .is_some_and(|last| entry.number <= last.number)
            {
                // Another run took this one's place.
                self.journal.clear();
                self.marks = Arc::default();
                self.best.clear();
            }
            let entry = shown::entry(entry);
            RunDetails::better(&mut self.best, &entry);
            // The screen holds the marks too: they are copied where there is something to add.
            Arc::make_mut(&mut self.marks).add(&entry);
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
            news = true;
        }

        let note = run.note().map(|note| shown::text(&note));
        news |= note != self.note;
        self.note = note;

        if !watched {
            news |= !self.log.is_empty();
            self.log.clear();
            self.log_changed = None;
            return news;
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
            news = true;
        }
        news
    }
}

/// What the registry knows of a run, without its other documents.
pub(super) fn without_files(summary: &RunSummary) -> Arc<RunSnapshot> {
    let contents = match &summary.entry {
        RunEntry::Run(status) => Contents::Run(Box::new(RunDetails {
            status: shown::status(status.as_ref().clone()),
            journal: Vec::new(),
            marks: Arc::default(),
            best: Vec::new(),
            results: Vec::new(),
            note: None,
            log: Vec::new(),
        })),
        RunEntry::EventLog => Contents::EventLog,
        RunEntry::Broken(why) => Contents::Broken(shown::text(why)),
    };
    Arc::new(RunSnapshot {
        name: shown::text(&summary.name),
        path: summary.path.clone(),
        contents,
        started: summary.started,
    })
}
