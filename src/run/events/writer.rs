//! The writing end of an event log.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use prost::Message;

use super::histogram::histogram;
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
    /// Bytes of whole records in the file.
    written_bytes: u64,
    pending: Vec<u8>,
}

/// With a full disk, keep so much for when there is room again; older logs show a gap then, the run goes on.
const MOST_PENDING_BYTES: usize = 16 << 20;
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
            written_bytes: 0,
            pending: Vec::new(),
        };
        writer.push(
            0,
            WhatMessage::FileVersion(b"brain.Event:2".to_vec()),
            host::now(),
        )?;
        if newest.is_none() {
            // TensorBoard's Python reader takes a session start for a restart only if it has seen one before.
            writer.session_start(0)?;
        }
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

    /// Adds the distributions of some values at a step, as one event; nothing where no value is finite.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn histograms<'a>(
        &mut self,
        step: u64,
        values: impl IntoIterator<Item = (&'a str, &'a [f32])>,
    ) -> Result<(), RunError> {
        let value: Vec<ValueMessage> = values
            .into_iter()
            .filter_map(|(tag, values)| {
                Some(ValueMessage {
                    tag: tag.as_bytes().to_vec(),
                    metadata: None,
                    value: Some(ValueKind::Histogram(histogram(values)?.encode_to_vec())),
                })
            })
            .collect();
        if value.is_empty() {
            return Ok(());
        }
        self.push(
            step,
            WhatMessage::Summary(SummaryMessage { value }),
            host::now(),
        )
    }

    /// Hands everything so far to the operating system.
    ///
    /// # Errors
    /// When the disk refuses; no part of a record stays in the file then, and the next flush tries again.
    pub fn flush(&mut self) -> Result<(), RunError> {
        if let Err(error) = self.file.write_all(&self.pending) {
            // TensorBoard reads no further than a torn record. Where even this fails, our own reader steps over it.
            let _ = self.file.set_len(self.written_bytes);
            if self.pending.len() > MOST_PENDING_BYTES {
                self.pending.clear();
            }
            return Err(RunError::io("write", &self.path)(error));
        }
        self.written_bytes += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
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
