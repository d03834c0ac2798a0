//! Follows the curves of an event log, with its index where it has one.

use std::path::{Path, PathBuf};

use super::events::{EventTail, Listener, Progress};
use super::index::{self, IndexHome};
use super::{Point, RunError, Scalars};

/// The curves of one folder's event log, as they grow.
#[derive(Debug)]
pub struct CurveLog {
    folder: PathBuf,
    home: IndexHome,
    tail: EventTail,
    gathered: Gathered,
    /// Bytes of the log that the index on disk knows.
    indexed_bytes: u64,
    /// Whether the end was reached once.
    caught_up: bool,
}

/// What one read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// Whether any curve differs.
    pub changed: bool,
    /// Whether there is more to read at once.
    pub more: bool,
}

/// An index that is worth writing; it can be carried to another thread.
#[derive(Debug)]
pub struct PendingIndex {
    folder: PathBuf,
    home: IndexHome,
    scalars: Scalars,
    tail: EventTail,
}

/// Logs shorter than this are read in a moment without an index.
const WORTH_AN_INDEX_BYTES: u64 = 4 << 20;
/// A log that goes on growing is indexed anew when it has grown by this part of its length.
const GROWTH: u64 = 8;

impl CurveLog {
    /// The curves of `folder` as far as its index knows them; [`CurveLog::read`] brings the rest.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub fn open(folder: &Path, home: &IndexHome) -> Result<Self, RunError> {
        let unread = EventTail::open(folder)?;
        let mut log = Self {
            folder: folder.to_owned(),
            home: home.clone(),
            tail: unread,
            gathered: Gathered::default(),
            indexed_bytes: 0,
            caught_up: false,
        };
        if let Some(indexed) = index::load(folder, home) {
            log.tail = EventTail::going_on(folder, indexed.places, indexed.skipped_bytes);
            log.gathered.scalars = indexed.scalars;
            log.gathered.changed = true;
            log.indexed_bytes = log.read_bytes();
        }
        Ok(log)
    }

    /// All curves of a folder at once. An index is used where there is one, and written where it is worth it.
    ///
    /// # Errors
    /// When the folder or a file can't be read.
    pub fn read_all(folder: &Path, home: &IndexHome) -> Result<Scalars, RunError> {
        let mut log = Self::open(folder, home)?;
        while log.read()?.more {}
        if let Some(index) = log.pending_index() {
            // Without it the next one reads the log itself.
            let _ = index.write();
        }
        Ok(log.gathered.scalars)
    }

    /// Reads on, about a megabyte of what there is.
    ///
    /// # Errors
    /// When the folder or a file can't be read.
    pub fn read(&mut self) -> Result<News, RunError> {
        let progress = self.tail.read(&mut self.gathered);
        let changed = std::mem::take(&mut self.gathered.changed);
        match progress {
            Ok(progress) => Ok(News {
                changed,
                more: progress == Progress::More,
            }),
            Err(error) => {
                self.gathered.changed = changed;
                Err(error)
            }
        }
    }

    /// The curves so far.
    pub fn scalars(&self) -> &Scalars {
        &self.gathered.scalars
    }

    /// Bytes of torn or broken records that were stepped over.
    pub fn skipped_bytes(&self) -> u64 {
        self.tail.skipped_bytes()
    }

    #[cfg(test)]
    pub(super) fn tail(&self) -> &EventTail {
        &self.tail
    }

    /// An index to be written, once the log was read to its end and so much of it is new that it is worth it.
    pub fn pending_index(&mut self) -> Option<PendingIndex> {
        let read = self.read_bytes();
        let new = read.saturating_sub(self.indexed_bytes);
        let first_time = !std::mem::replace(&mut self.caught_up, true);
        if new < WORTH_AN_INDEX_BYTES || !(first_time || new >= read / GROWTH) {
            return None;
        }
        self.indexed_bytes = read;
        Some(PendingIndex {
            folder: self.folder.clone(),
            home: self.home.clone(),
            scalars: self.gathered.scalars.clone(),
            tail: self.tail.clone(),
        })
    }

    fn read_bytes(&self) -> u64 {
        let places = self.tail.places().values();
        places.map(|place| place.offset).sum()
    }
}

impl PendingIndex {
    /// Writes it.
    ///
    /// # Errors
    /// When the disk refuses; nothing is lost but time.
    pub fn write(self) -> Result<(), RunError> {
        index::save(
            &self.folder,
            &self.home,
            &self.scalars,
            self.tail.places(),
            self.tail.skipped_bytes(),
        )
    }
}

/// Curves that listen to their log.
#[derive(Debug, Default)]
struct Gathered {
    scalars: Scalars,
    changed: bool,
}

impl Listener for Gathered {
    fn scalar(&mut self, tag: &[u8], point: Point) {
        self.changed = true;
        self.scalars.push(tag, point);
    }

    fn session_start(&mut self, step: u64, _: f64) {
        self.changed = true;
        self.scalars.rewind(step);
    }

    fn forget(&mut self) {
        self.changed = true;
        self.scalars = Scalars::default();
    }
}
