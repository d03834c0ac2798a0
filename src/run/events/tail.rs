//! The reading end of an event log: follows its files as they grow.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use prost::Message;

use super::message::{EventMessage, SESSION_START, ValueKind, ValueMessage, WhatMessage};
use super::record::{self, Record};
use crate::run::RunError;

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
    /// Values by tag; tags come from the file and are not to be trusted on a screen.
    Scalars(Vec<(String, f64)>),
    /// Steps from this event's on are about to be made again: earlier values for them no longer count.
    SessionStart,
}

/// Follows the event files of one folder, in the order of their names, new ones included.
#[derive(Debug, Clone)]
pub struct EventTail {
    folder: PathBuf,
    /// How far each file has been read: always the end of a sound record.
    files: BTreeMap<PathBuf, Place>,
    skipped_bytes: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    offset: u64,
    /// The file's length when last looked at: nothing new, nothing to do.
    seen_length: u64,
}

/// Read in pieces, so that a large log takes little memory beyond its events.
const PIECE_BYTES: u64 = 4 << 20;

impl EventTail {
    /// Will follow the event files in `folder` from their beginning; there need be none yet.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub fn open(folder: &Path) -> Result<Self, RunError> {
        fs::read_dir(folder).map_err(RunError::io("list", folder))?;
        Ok(Self {
            folder: folder.to_owned(),
            files: BTreeMap::new(),
            skipped_bytes: 0,
        })
    }

    /// All events completed since the last call.
    ///
    /// A torn last record waits to be completed; a broken one is stepped over once a sound one follows it.
    ///
    /// # Errors
    /// When the folder or a file can't be read.
    pub fn poll(&mut self) -> Result<Vec<Event>, RunError> {
        let mut events = Vec::new();
        while self.poll_some(&mut events)? {}
        Ok(events)
    }

    /// Appends some megabytes' worth of events to `events`; `true` when there are more to read at once.
    ///
    /// # Errors
    /// When the folder or a file can't be read.
    pub fn poll_some(&mut self, events: &mut Vec<Event>) -> Result<bool, RunError> {
        for path in event_files(&self.folder)? {
            let place = self.files.entry(path.clone()).or_default();
            let length = match fs::metadata(&path) {
                Ok(metadata) => metadata.len(),
                // Removed since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(RunError::io("look at", &path)(error)),
            };
            if length < place.offset {
                // Replaced by a shorter file: another log.
                *place = Place::default();
            }
            if length == place.seen_length {
                continue;
            }
            let more = read_piece(&path, length, place, events, &mut self.skipped_bytes)
                .map_err(RunError::io("read", &path))?;
            if more {
                return Ok(true);
            }
            place.seen_length = length;
        }
        Ok(false)
    }

    /// Bytes of torn or broken records that were stepped over.
    pub fn skipped_bytes(&self) -> u64 {
        self.skipped_bytes
    }
}

/// Whether a file is an event log by its name, as TensorBoard decides it.
pub fn is_event_file(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().contains("tfevents"))
}

fn event_files(folder: &Path) -> Result<Vec<PathBuf>, RunError> {
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

/// Reads up to a piece from `place` on and moves it behind the last sound record; `true` when the file has more.
fn read_piece(
    path: &Path,
    length: u64,
    place: &mut Place,
    events: &mut Vec<Event>,
    skipped_bytes: &mut u64,
) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut piece = PIECE_BYTES;
    loop {
        let wanted = piece.min(length - place.offset);
        let mut bytes = Vec::with_capacity(wanted as usize);
        file.seek(SeekFrom::Start(place.offset))?;
        Read::by_ref(&mut file)
            .take(wanted)
            .read_to_end(&mut bytes)?;
        let at_end = place.offset + (bytes.len() as u64) >= length;
        let (used, skipped) = read_records(&bytes, at_end, events);
        *skipped_bytes += skipped as u64;
        place.offset += used as u64;
        if used > 0 || at_end {
            return Ok(!at_end);
        }
        // A record larger than the piece (someone's pictures): take a larger one.
        piece = piece.saturating_mul(4);
    }
}

/// Reads the records in `bytes`; returns how many bytes are done with, and how many of them were stepped over.
fn read_records(bytes: &[u8], at_end: bool, events: &mut Vec<Event>) -> (usize, usize) {
    let mut at = 0;
    let mut skipped = 0;
    while at < bytes.len() {
        match record::parse(&bytes[at..]) {
            Record::Whole { payload, length } => {
                events.extend(EventMessage::decode(payload).ok().and_then(event_of));
                at += length;
            }
            // In the middle of a file more will be read first: the record may just end in the next piece.
            Record::Incomplete if !at_end => break,
            Record::Incomplete | Record::Broken => {
                let Some(next) = record::next_sound(&bytes[at..]) else {
                    break;
                };
                skipped += next;
                at += next;
            }
        }
    }
    (at, skipped)
}

fn event_of(message: EventMessage) -> Option<Event> {
    let what = match message.what? {
        WhatMessage::Summary(summary) => {
            let scalars: Vec<_> = summary.value.iter().filter_map(scalar_of).collect();
            if scalars.is_empty() {
                return None;
            }
            What::Scalars(scalars)
        }
        WhatMessage::SessionLog(log) if log.status == SESSION_START => What::SessionStart,
        WhatMessage::SessionLog(_) | WhatMessage::FileVersion(_) => return None,
    };
    Some(Event {
        wall_time: message.wall_time,
        step: u64::try_from(message.step).unwrap_or(0),
        what,
    })
}

fn scalar_of(value: &ValueMessage) -> Option<(String, f64)> {
    let number = match value.value.as_ref()? {
        ValueKind::Simple(number) => f64::from(*number),
        ValueKind::Tensor(tensor) => {
            let plugin = value.metadata.as_ref().and_then(|m| m.plugin.as_ref());
            // Without metadata (it comes only with a tag's first value) a tensor of one number is a scalar too.
            if plugin.is_some_and(|plugin| plugin.name != b"scalars") {
                return None;
            }
            tensor.scalar()?
        }
    };
    Some((String::from_utf8_lossy(&value.tag).into_owned(), number))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::EventWriter;
    use super::*;

    fn log_of(steps: std::ops::Range<u64>) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::append(folder.path()).unwrap();
        for step in steps {
            writer
                .scalars(step, [("loss/total", step as f64), ("loss/margin", 0.5)])
                .unwrap();
        }
        drop(writer);
        fs::read(&event_files(folder.path()).unwrap()[0]).unwrap()
    }

    fn steps_of(events: &[Event]) -> Vec<u64> {
        events.iter().map(|event| event.step).collect()
    }

    #[test]
    fn what_is_written_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut tail = EventTail::open(folder.path()).unwrap();
        assert!(tail.poll().unwrap().is_empty());
        let mut writer = EventWriter::append(folder.path()).unwrap();
        writer.session_start(3).unwrap();
        writer
            .scalars(3, [("loss/total", 1.5), ("speed", f64::NAN)])
            .unwrap();
        writer.flush().unwrap();
        let events = tail.poll().unwrap();
        assert_eq!(steps_of(&events), [3, 3]);
        assert_eq!(events[0].what, What::SessionStart);
        let What::Scalars(values) = &events[1].what else {
            panic!("scalars expected")
        };
        assert_eq!(values[0], ("loss/total".to_owned(), 1.5));
        assert!(values[1].1.is_nan());
        assert!(tail.poll().unwrap().is_empty());
    }

    #[test]
    fn a_later_session_sorts_after_an_earlier_one_whatever_the_clock_says() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder
                .path()
                .join("events.out.tfevents.4000000000.elsewhere.1.0"),
            log_of(0..1),
        )
        .unwrap();
        let mut writer = EventWriter::append(folder.path()).unwrap();
        writer.scalars(9, [("a", 1.0)]).unwrap();
        drop(writer);
        let events = EventTail::open(folder.path()).unwrap().poll().unwrap();
        assert_eq!(steps_of(&events), [0, 9]);
    }

    #[test]
    fn torn_at_any_byte_waits_and_goes_on_when_completed() {
        let bytes = log_of(0..3);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.out.tfevents.1");
        for cut in 0..bytes.len() {
            fs::write(&path, &bytes[..cut]).unwrap();
            let mut tail = EventTail::open(folder.path()).unwrap();
            let mut events = tail.poll().unwrap();
            assert_eq!(tail.skipped_bytes(), 0);
            let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(&bytes[cut..]).unwrap();
            events.extend(tail.poll().unwrap());
            assert_eq!(steps_of(&events), [0, 1, 2], "cut {cut}");
        }
    }

    #[test]
    fn a_torn_record_with_others_after_it_costs_only_itself() {
        let whole = log_of(0..2);
        let longer = log_of(0..3);
        for cut in whole.len()..longer.len() {
            let folder = tempfile::tempdir().unwrap();
            let mut bytes = longer[..cut].to_vec();
            bytes.extend(log_of(7..9));
            fs::write(folder.path().join("x.tfevents.1"), &bytes).unwrap();
            let mut tail = EventTail::open(folder.path()).unwrap();
            assert_eq!(steps_of(&tail.poll().unwrap()), [0, 1, 7, 8], "cut {cut}");
            assert_eq!(tail.skipped_bytes(), (cut - whole.len()) as u64);
        }
    }

    #[test]
    fn a_changed_byte_costs_one_record() {
        let bytes = log_of(0..3);
        let folder = tempfile::tempdir().unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(folder.path().join("x.tfevents.1"), &changed).unwrap();
            let events = EventTail::open(folder.path()).unwrap().poll().unwrap();
            assert!(events.len() >= 2, "byte {at}: {:?}", steps_of(&events));
        }
    }

    #[test]
    fn records_larger_than_a_piece_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = log_of(0..1);
        record::append(&mut bytes, &vec![0; 3 * PIECE_BYTES as usize]);
        bytes.extend(log_of(5..6));
        fs::write(folder.path().join("x.tfevents.1"), &bytes).unwrap();
        let events = EventTail::open(folder.path()).unwrap().poll().unwrap();
        assert_eq!(steps_of(&events), [0, 5]);
    }

    #[test]
    fn long_logs_come_in_pieces_and_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.tfevents.1"), log_of(0..100_000)).unwrap();
        let mut tail = EventTail::open(folder.path()).unwrap();
        let mut events = Vec::new();
        assert!(tail.poll_some(&mut events).unwrap());
        assert!(events.len() < 100_000);
        events.extend(tail.poll().unwrap());
        assert!(steps_of(&events).into_iter().eq(0..100_000));
    }
}
