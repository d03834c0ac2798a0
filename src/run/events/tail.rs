//! The reading end of an event log: follows its files as they grow.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use prost::Message;

use super::message::{
    EventMessage, HistogramMessage, SESSION_START, ValueKind, ValueMessage, WhatMessage,
};
use super::plain::PlainEvent;
use super::quantiles::{QUANTILES, quantile_tag, quantiles};
use super::record::{self, LargeRecord, Record};
use crate::run::{Point, RunError};

/// What an event log said at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, seconds after 1970.
    pub wall_time: f64,
    /// The step it belongs to.
    pub step: u64,
    /// What.
    pub what: What,
}

/// The kinds of event that a watcher needs.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Values by tag, of a histogram its quantiles; tags come from the file and are not to be trusted on a screen.
    Scalars(Vec<(String, f64)>),
    /// Steps from this event's on are about to be made again: earlier values for them no longer count.
    SessionStart,
}

/// Hears what a log says.
pub(in crate::run) trait Listener {
    /// A value. Tags come from the file: any bytes.
    fn scalar(&mut self, tag: &[u8], point: Point);
    /// [`What::SessionStart`].
    fn session_start(&mut self, step: u64, wall_time: f64);
    /// What was told since the last call belongs to one event.
    fn event_ends(&mut self) {}
    /// The log was replaced by another: nothing told so far counts any more.
    fn forget(&mut self);
}

/// Whether a log has more to read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Progress {
    More,
    CaughtUp,
}

/// Follows the event files of one folder, in the order of their names, new ones included.
#[derive(Debug, Clone)]
pub struct EventTail {
    folder: PathBuf,
    files: BTreeMap<PathBuf, Place>,
    skipped_bytes: u64,
    /// What is read into; empty once caught up.
    buffer: Vec<u8>,
}

/// How far a file has been read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(in crate::run) struct Place {
    /// Everything before has been told or stepped over.
    pub offset: u64,
    /// The file's length when last looked at: nothing new, nothing to do.
    pub seen_length: u64,
    /// When it was changed then.
    pub modified: Option<SystemTime>,
    /// Where the record that begins at the offset ends, where that isn't there yet.
    awaited_length: u64,
    /// From this length on it is worth looking again for others behind it.
    search_length: u64,
}

impl Place {
    /// A place as an index remembers it.
    pub fn remembered(offset: u64, seen_length: u64, modified: Option<SystemTime>) -> Self {
        Self {
            offset,
            seen_length,
            modified,
            ..Self::default()
        }
    }
}

/// Read in pieces, so that a large log takes little memory beyond its curves.
const PIECE_BYTES: u64 = 1 << 20;
/// Larger records (someone's films) are stepped over unread; no scalar needs a hundredth of it.
const MOST_RECORD_BYTES: u64 = 64 << 20;

impl EventTail {
    /// Will follow the event files in `folder` from their beginning; there need be none yet.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub fn open(folder: &Path) -> Result<Self, RunError> {
        fs::read_dir(folder).map_err(RunError::io("list", folder))?;
        Ok(Self::going_on(folder, BTreeMap::new(), 0))
    }

    /// Follows a folder from places that were reached before.
    pub(in crate::run) fn going_on(
        folder: &Path,
        files: BTreeMap<PathBuf, Place>,
        skipped_bytes: u64,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            files,
            skipped_bytes,
            buffer: Vec::new(),
        }
    }

    /// All events completed since the last call.
    ///
    /// A torn last record waits to be completed; a broken one is stepped over once a sound one follows it.
    ///
    /// # Errors
    /// When the folder or a file can't be read.
    pub fn poll(&mut self) -> Result<Vec<Event>, RunError> {
        let mut list = EventList::default();
        while self.read(&mut list)? == Progress::More {}
        Ok(list.events)
    }

    /// Reads about a megabyte.
    ///
    /// # Errors
    /// When the folder or a file can't be read.
    pub(in crate::run) fn read(
        &mut self,
        listener: &mut impl Listener,
    ) -> Result<Progress, RunError> {
        let paths = event_files(&self.folder)?;
        if self
            .files
            .keys()
            .any(|known| paths.binary_search(known).is_err())
        {
            self.start_again(listener);
        }
        for path in paths {
            let (length, modified) = match fs::metadata(&path) {
                Ok(metadata) => (metadata.len(), metadata.modified().ok()),
                // Removed since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(RunError::io("look at", &path)(error)),
            };
            let place = self.files.entry(path.clone()).or_default();
            if length < place.offset {
                self.start_again(listener);
                return Ok(Progress::More);
            }
            if length == place.seen_length {
                place.modified = place.modified.or(modified);
                continue;
            }
            if length >= place.awaited_length.min(place.search_length) {
                let mut piece = Piece {
                    length,
                    place,
                    skipped_bytes: &mut self.skipped_bytes,
                    buffer: &mut self.buffer,
                };
                let read = File::open(&path).and_then(|file| piece.read(&file, listener));
                if read.map_err(RunError::io("read", &path))? == Progress::More {
                    return Ok(Progress::More);
                }
            }
            place.seen_length = length;
            place.modified = modified;
        }
        self.buffer = Vec::new();
        Ok(Progress::CaughtUp)
    }

    /// A file was removed, or replaced by a shorter one: what is there now is another log.
    fn start_again(&mut self, listener: &mut impl Listener) {
        self.files.clear();
        self.skipped_bytes = 0;
        listener.forget();
    }

    /// Bytes of torn or broken records that were stepped over.
    pub fn skipped_bytes(&self) -> u64 {
        self.skipped_bytes
    }

    /// How far each file has been read.
    pub(in crate::run) fn places(&self) -> &BTreeMap<PathBuf, Place> {
        &self.files
    }
}

/// Whether a file is an event log by its name, as TensorBoard decides it.
pub fn is_event_file(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().contains("tfevents"))
}

pub(in crate::run) fn event_files(folder: &Path) -> Result<Vec<PathBuf>, RunError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(RunError::io("list", folder))? {
        let path = entry.map_err(RunError::io("list", folder))?.path();
        if is_event_file(&path) && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// One read of one file: moves the place behind the last record that is done with.
struct Piece<'a> {
    length: u64,
    place: &'a mut Place,
    skipped_bytes: &'a mut u64,
    buffer: &'a mut Vec<u8>,
}

/// Why the records of some bytes end.
enum End {
    /// With the last byte.
    Clean,
    /// With the beginning of a record of so many bytes, where its header is there to say so.
    Incomplete(Option<u64>),
    /// With something that is no record.
    Broken,
}

impl Piece<'_> {
    fn read(&mut self, file: &File, listener: &mut impl Listener) -> io::Result<Progress> {
        (self.place.awaited_length, self.place.search_length) = (0, 0);
        let mut wanted = PIECE_BYTES;
        loop {
            let asked = wanted.min(self.length - self.place.offset);
            read_at(file, self.place.offset, asked, self.buffer)?;
            if (self.buffer.len() as u64) < asked {
                // Cut off since it was looked at: the next look will tell.
                return Ok(Progress::CaughtUp);
            }
            let (used, end) = tell_records(self.buffer, listener);
            self.place.offset += used as u64;
            let rest = self.length - self.place.offset;
            let at_end = (self.buffer.len() - used) as u64 >= rest;
            if used > 0 && !at_end {
                // The next piece begins with what this one ended in.
                return Ok(Progress::More);
            }
            let bytes = &self.buffer[used..];
            match end {
                End::Clean => return Ok(self.more()),
                End::Incomplete(Some(length)) if length <= rest => {
                    if length > MOST_RECORD_BYTES {
                        return self.pass_large(file, length);
                    }
                    wanted = length;
                }
                End::Incomplete(Some(length)) if rest > MOST_RECORD_BYTES => {
                    // Its end will tell whether it is sound.
                    self.place.awaited_length = self.place.offset.saturating_add(length);
                    self.place.search_length = u64::MAX;
                    return Ok(Progress::CaughtUp);
                }
                End::Incomplete(Some(_)) if !at_end => wanted = rest,
                End::Incomplete(length) => {
                    if let Some(next) = record::next(bytes, rest) {
                        self.pass(next as u64);
                        return Ok(Progress::More);
                    }
                    self.wait(length);
                    return Ok(Progress::CaughtUp);
                }
                End::Broken => {
                    if let Some(next) = record::next(bytes, rest) {
                        self.pass(next as u64);
                    } else if at_end && rest <= MOST_RECORD_BYTES {
                        // On a network file system the length can be there before the bytes.
                        self.wait(None);
                        return Ok(Progress::CaughtUp);
                    } else {
                        // All but what may be the beginning of a header.
                        let kept = LargeRecord::HEADER as usize - 1;
                        self.pass(bytes.len().saturating_sub(kept).max(1) as u64);
                    }
                    return Ok(self.more());
                }
            }
        }
    }

    fn more(&self) -> Progress {
        if self.place.offset < self.length {
            Progress::More
        } else {
            Progress::CaughtUp
        }
    }

    /// Steps over bytes that are no record.
    fn pass(&mut self, count: u64) {
        self.place.offset += count;
        *self.skipped_bytes += count;
    }

    /// Waits for the record at the offset to end, or for some more to look through for others behind it.
    fn wait(&mut self, length: Option<u64>) {
        let rest = self.length - self.place.offset;
        self.place.search_length = self.length + rest / 8 + 1;
        self.place.awaited_length =
            length.map_or(u64::MAX, |length| self.place.offset.saturating_add(length));
    }

    /// Steps over a sound record without having it in memory.
    fn pass_large(&mut self, file: &File, length: u64) -> io::Result<Progress> {
        let end = self.place.offset + length;
        let mut at = self.place.offset + LargeRecord::HEADER;
        let mut large = LargeRecord::default();
        while at < end {
            read_at(file, at, PIECE_BYTES.min(end - at), self.buffer)?;
            if self.buffer.is_empty() {
                // Cut off while it was read.
                return Ok(Progress::CaughtUp);
            }
            large.add(self.buffer);
            at += self.buffer.len() as u64;
        }
        if large.is_sound() {
            self.place.offset = end;
        } else {
            // Its header is no header after all.
            self.pass(1);
        }
        Ok(self.more())
    }
}

/// Reads up to `count` bytes: fewer where the file has become shorter.
fn read_at(file: &File, mut offset: u64, count: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.resize(count as usize, 0);
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset) {
            Ok(0) => break,
            Ok(read) => {
                filled += read;
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(())
}

/// Tells the sound records that `bytes` begin with; how many bytes these are, and what ends them.
fn tell_records(bytes: &[u8], listener: &mut impl Listener) -> (usize, End) {
    let mut plain = PlainEvent::default();
    let mut at = 0;
    while at < bytes.len() {
        match record::parse(&bytes[at..]) {
            Record::Whole { payload, length } => {
                tell(payload, &mut plain, listener);
                at += length;
            }
            Record::Incomplete { length } => return (at, End::Incomplete(length)),
            Record::Broken => return (at, End::Broken),
        }
    }
    (at, End::Clean)
}

fn tell(payload: &[u8], plain: &mut PlainEvent, listener: &mut impl Listener) {
    if plain.read(payload) {
        let mut point = Point {
            step: step_of(plain.step),
            wall_time: plain.wall_time,
            value: 0.0,
        };
        for (tag, value) in plain.values(payload) {
            point.value = value.into();
            listener.scalar(tag, point);
        }
        listener.event_ends();
    } else if let Ok(message) = EventMessage::decode(payload) {
        tell_message(message, listener);
    }
}

fn tell_message(message: EventMessage, listener: &mut impl Listener) {
    let step = step_of(message.step);
    match message.what {
        Some(WhatMessage::Summary(summary)) => {
            let mut point = Point {
                step,
                wall_time: message.wall_time,
                value: 0.0,
            };
            for value in &summary.value {
                if let Some(number) = scalar_of(value) {
                    point.value = number;
                    listener.scalar(&value.tag, point);
                } else if let Some(ValueKind::Histogram(bytes)) = &value.value {
                    tell_histogram(&value.tag, bytes, point, listener);
                }
            }
            listener.event_ends();
        }
        Some(WhatMessage::SessionLog(log)) if log.status == SESSION_START => {
            listener.session_start(step, message.wall_time);
        }
        Some(WhatMessage::SessionLog(_) | WhatMessage::FileVersion(_)) | None => {}
    }
}

/// Tells a histogram as its quantiles; what can't be read as one is stepped over.
fn tell_histogram(tag: &[u8], bytes: &[u8], mut point: Point, listener: &mut impl Listener) {
    let histogram = HistogramMessage::decode(bytes).ok();
    let Some(values) = histogram.as_ref().and_then(quantiles) else {
        return;
    };
    let tag = String::from_utf8_lossy(tag);
    for (percent, value) in QUANTILES.into_iter().zip(values) {
        point.value = value;
        listener.scalar(quantile_tag(&tag, percent).as_bytes(), point);
    }
}

fn step_of(step: i64) -> u64 {
    u64::try_from(step).unwrap_or(0)
}

fn scalar_of(value: &ValueMessage) -> Option<f64> {
    match value.value.as_ref()? {
        ValueKind::Simple(number) => Some(f64::from(*number)),
        ValueKind::Tensor(tensor) => {
            let plugin = value.metadata.as_ref().and_then(|m| m.plugin.as_ref());
            // Without metadata (it comes only with a tag's first value) a tensor of one number is a scalar too.
            if plugin.is_some_and(|plugin| plugin.name != b"scalars") {
                return None;
            }
            tensor.scalar()
        }
        ValueKind::Histogram(_) => None,
    }
}

/// Gathers what a log says as values of its own.
#[derive(Debug, Default)]
struct EventList {
    events: Vec<Event>,
    /// The event that is being told.
    open: Option<Event>,
}

impl Listener for EventList {
    fn scalar(&mut self, tag: &[u8], point: Point) {
        let open = self.open.get_or_insert_with(|| Event {
            wall_time: point.wall_time,
            step: point.step,
            what: What::Scalars(Vec::new()),
        });
        if let What::Scalars(values) = &mut open.what {
            values.push((String::from_utf8_lossy(tag).into_owned(), point.value));
        }
    }

    fn session_start(&mut self, step: u64, wall_time: f64) {
        self.events.push(Event {
            wall_time,
            step,
            what: What::SessionStart,
        });
    }

    fn event_ends(&mut self) {
        self.events.extend(self.open.take());
    }

    fn forget(&mut self) {
        self.events.clear();
    }
}

#[cfg(test)]
mod tests;
