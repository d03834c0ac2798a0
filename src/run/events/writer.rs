//! The writing end of an event log.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use prost::Message;

use super::message::{
    EventMessage, SESSION_START, SessionLogMessage, SummaryMessage, ValueKind, ValueMessage,
    WhatMessage,
};
use super::{is_event_file, record};
use crate::run::{RunError, host};

/// Writes one session's event file; every start of a worker is a session.
///
/// Records gather in memory until [`EventWriter::flush`]; what isn't flushed when the process dies is lost, and at
/// most one record is torn.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: File,
    pending: Vec<u8>,
}

/// Flush by itself when so much has gathered.
const FLUSH_BYTES: usize = 1 << 20;

impl EventWriter {
    /// Begins a new event file in `folder`, one that sorts after all others there, whatever the clock says.
    ///
    /// # Errors
    /// When the folder can't be read or the file can't be made.
    pub fn append(folder: &Path) -> Result<Self, RunError> {
        let newest = newest_second(folder)?;
        let second = (host::now() as u64).max(newest.map_or(0, |newest| newest + 1));
        let path = folder.join(format!(
            "events.out.tfevents.{second:010}.{}.{}.0",
            host::host_name(),
            std::process::id()
        ));
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(RunError::io("make", &path))?;
        let mut writer = Self {
            path,
            file,
            pending: Vec::new(),
        };
        writer.push(
            0,
            WhatMessage::FileVersion(b"brain.Event:2".to_vec()),
            host::now(),
        )?;
        writer.flush()?;
        Ok(writer)
    }

    /// Says that steps from `step` on are about to be made (again): readers drop what they have from there on.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn session_start(&mut self, step: u64) -> Result<(), RunError> {
        let start = SessionLogMessage {
            status: SESSION_START,
        };
        self.push(step, WhatMessage::SessionLog(start), host::now())?;
        self.flush()
    }

    /// Adds the scalars of one step, as one event.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn scalars<'a>(
        &mut self,
        step: u64,
        values: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<(), RunError> {
        let value = values
            .into_iter()
            .map(|(tag, value)| ValueMessage {
                tag: tag.as_bytes().to_vec(),
                metadata: None,
                value: Some(ValueKind::Simple(value as f32)),
            })
            .collect();
        self.push(
            step,
            WhatMessage::Summary(SummaryMessage { value }),
            host::now(),
        )
    }

    /// Hands everything so far to the operating system.
    ///
    /// # Errors
    /// When the disk refuses; what wasn't written is dropped, and readers step over a part of it.
    pub fn flush(&mut self) -> Result<(), RunError> {
        let written = self.file.write_all(&self.pending);
        self.pending.clear();
        written.map_err(RunError::io("write", &self.path))
    }

    fn push(&mut self, step: u64, what: WhatMessage, wall_time: f64) -> Result<(), RunError> {
        let event = EventMessage {
            wall_time,
            step: i64::try_from(step).unwrap_or(i64::MAX),
            what: Some(what),
        };
        record::append(&mut self.pending, &event.encode_to_vec());
        if self.pending.len() >= FLUSH_BYTES {
            self.flush()?;
        }
        Ok(())
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        // A dropped writer has nobody to tell; those who care flush first.
        let _ = self.flush();
    }
}

fn newest_second(folder: &Path) -> Result<Option<u64>, RunError> {
    let mut newest = None;
    for entry in fs::read_dir(folder).map_err(RunError::io("list", folder))? {
        let path = entry.map_err(RunError::io("list", folder))?.path();
        if !is_event_file(&path) {
            continue;
        }
        let name = path.to_string_lossy();
        let second = name
            .rsplit_once("tfevents.")
            .and_then(|(_, rest)| rest.split('.').next())
            .and_then(|digits| digits.parse().ok());
        newest = newest.max(second);
    }
    Ok(newest)
}
