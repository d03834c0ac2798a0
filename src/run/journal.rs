//! `journal.jsonl`: what happened in a run, numbered, one line an entry.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Command, RunError, RunState, host};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1, rising.
    pub number: u64,
    /// When it was written, seconds after 1970.
    pub time: f64,
    /// What happened.
    #[serde(flatten)]
    pub what: JournalEvent,
}

/// What can happen in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "what")]
pub enum JournalEvent {
    /// The run changed its state or, while starting, its phase.
    State {
        /// The state it is in now.
        state: RunState,
        /// What is being waited for.
        phase: Option<String>,
    },
    /// A command was obeyed: its acknowledgement.
    Command {
        /// The command.
        command: Command,
        /// The step after which it took effect.
        step: u64,
    },
    /// A file in the inbox held no command.
    Rejected {
        /// The file's name.
        name: String,
        /// What was wrong with it.
        reason: String,
    },
    /// A checkpoint is safely on disk.
    Checkpoint {
        /// Its folder's name.
        name: String,
        /// The step it was taken at.
        step: u64,
    },
    /// A set was verified.
    Validation {
        /// The set's name.
        set: String,
        /// The step of the model.
        step: u64,
        /// Mean accuracy over the folds, 0..1.
        accuracy: f64,
        /// Population standard deviation over the folds.
        std: f64,
    },
    /// Something failed.
    Error {
        /// What, where, and what to do.
        message: String,
    },
    /// The run goes on from a checkpoint.
    Resumed {
        /// The checkpoint's step: later points are undone.
        step: u64,
    },
    /// A sign that training goes wrong; the run goes on.
    Lint {
        /// Its short name: `loss-stuck`, `gradient-spike`.
        lint: String,
        /// The step at which it was seen.
        step: u64,
        /// What was seen, and what to do.
        message: String,
    },
    /// Something worth knowing.
    Note {
        /// What.
        message: String,
    },
}

/// The writing end of a journal; a run has one, its worker's.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    next_number: u64,
}

impl Journal {
    /// Opens the journal at `path` to write after its last entry; a line torn by a crash stays, alone.
    ///
    /// # Errors
    /// When the file can't be read or written.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)
            .map_err(RunError::io("open", path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(RunError::io("read", path))?;
        let last_number = entries_of(&bytes).map(|entry| entry.number).max();
        if bytes.last().is_some_and(|last| *last != b'\n') {
            file.write_all(b"\n").map_err(RunError::io("write", path))?;
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            next_number: last_number.unwrap_or(0) + 1,
        })
    }

    /// Writes one entry and syncs it; returns its number.
    ///
    /// # Errors
    /// When the disk refuses; the next entry then gets a line of its own.
    pub fn append(&mut self, what: JournalEvent) -> Result<u64, RunError> {
        let entry = Entry {
            number: self.next_number,
            time: host::now(),
            what,
        };
        let mut line = serde_json::to_vec(&entry)
            .map_err(|error| RunError::malformed(&self.path, "journal entry", &error))?;
        line.push(b'\n');
        let written = self.file.write_all(&line);
        if written.is_err() {
            // A part of the line may be on disk: close it, so that it spoils no later one.
            let _ = self.file.write_all(b"\n");
        }
        written
            .and_then(|()| self.file.sync_data())
            .map_err(RunError::io("write", &self.path))?;
        self.next_number += 1;
        Ok(entry.number)
    }
}

/// The reading end of a journal: follows it as it grows.
#[derive(Debug, Clone)]
pub struct JournalTail {
    path: PathBuf,
    offset: u64,
}

impl JournalTail {
    /// Will read the journal at `path` from its beginning; it need not be there yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, offset: 0 }
    }

    /// The entries whose lines were completed since the last call; torn lines are stepped over.
    ///
    /// # Errors
    /// When the file is there and can't be read.
    pub fn poll(&mut self) -> Result<Vec<Entry>, RunError> {
        let length = match fs::metadata(&self.path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RunError::io("look at", &self.path)(error)),
        };
        if length == self.offset {
            return Ok(Vec::new());
        }
        if length < self.offset {
            // Another run took this one's place.
            self.offset = 0;
        }
        let mut file = File::open(&self.path).map_err(RunError::io("open", &self.path))?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.offset))
            .and_then(|_| file.read_to_end(&mut bytes))
            .map_err(RunError::io("read", &self.path))?;
        let complete = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |last| last + 1);
        self.offset += complete as u64;
        Ok(entries_of(&bytes[..complete]).collect())
    }
}

fn entries_of(bytes: &[u8]) -> impl Iterator<Item = Entry> + '_ {
    bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(message: &str) -> JournalEvent {
        JournalEvent::Note {
            message: message.to_owned(),
        }
    }

    fn read(path: &Path) -> Vec<(u64, JournalEvent)> {
        let entries = JournalTail::new(path.to_owned()).poll().unwrap();
        entries.into_iter().map(|e| (e.number, e.what)).collect()
    }

    #[test]
    fn every_kind_of_entry_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let kinds = [
            JournalEvent::State {
                state: RunState::Starting,
                phase: Some("data".to_owned()),
            },
            JournalEvent::Command {
                command: Command::Set {
                    key: "loss.centre_weight".to_owned(),
                    value: 0.25,
                },
                step: 7,
            },
            JournalEvent::Command {
                command: Command::Stop { after_epoch: true },
                step: 8,
            },
            JournalEvent::Rejected {
                name: "x.json".to_owned(),
                reason: "no".to_owned(),
            },
            JournalEvent::Checkpoint {
                name: "step-00000010".to_owned(),
                step: 10,
            },
            JournalEvent::Validation {
                set: "LFW".to_owned(),
                step: 10,
                accuracy: 0.99,
                std: 0.01,
            },
            JournalEvent::Error {
                message: "no\nluck".to_owned(),
            },
            JournalEvent::Resumed { step: 10 },
            JournalEvent::Lint {
                lint: "loss-stuck".to_owned(),
                step: 10,
                message: "no".to_owned(),
            },
            note("…"),
        ];
        let mut journal = Journal::open(&path).unwrap();
        for what in &kinds {
            journal.append(what.clone()).unwrap();
        }
        let numbered: Vec<_> = (1..).zip(kinds).collect();
        assert_eq!(read(&path), numbered);
    }

    #[test]
    fn torn_at_any_byte_loses_one_entry_at_most_and_goes_on_counting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::open(&path).unwrap();
        journal.append(note("first")).unwrap();
        let whole_first = fs::read(&path).unwrap().len();
        journal.append(note("second")).unwrap();
        let bytes = fs::read(&path).unwrap();
        for cut in whole_first..bytes.len() {
            fs::write(&path, &bytes[..cut]).unwrap();
            let number = Journal::open(&path).unwrap().append(note("third")).unwrap();
            let entries = read(&path);
            assert_eq!(entries.first(), Some(&(1, note("first"))), "cut {cut}");
            assert_eq!(entries.last(), Some(&(number, note("third"))), "cut {cut}");
            // Only the newline missing means that the second entry itself is whole.
            let expected = if cut == bytes.len() - 1 { 3 } else { 2 };
            assert_eq!(entries.len(), expected, "cut {cut}");
            assert_eq!(number, expected as u64);
        }
    }

    #[test]
    fn a_reader_waits_for_a_line_to_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut tail = JournalTail::new(path.clone());
        assert!(tail.poll().unwrap().is_empty());
        Journal::open(&path).unwrap().append(note("a")).unwrap();
        let bytes = fs::read(&path).unwrap();
        for end in 0..bytes.len() {
            fs::write(&path, &bytes[..end]).unwrap();
            assert!(tail.poll().unwrap().is_empty());
        }
        fs::write(&path, &bytes).unwrap();
        assert_eq!(tail.poll().unwrap().len(), 1);
        assert!(tail.poll().unwrap().is_empty());
    }

    #[test]
    fn bytes_that_are_no_text_are_stepped_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        Journal::open(&path).unwrap().append(note("a")).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.splice(0..0, *b"\xff\xfe\0\n{}\n[]\n\n");
        fs::write(&path, &bytes).unwrap();
        assert_eq!(read(&path), [(1, note("a"))]);
    }
}
