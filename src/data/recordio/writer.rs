//! Writing records.

use std::io::{BufWriter, Write};

use super::{HEADER, LENGTH_BITS, MAGIC, RecordIndex};

/// Writes records one after the other and remembers where each starts.
#[derive(Debug)]
pub struct RecordWriter<W: Write> {
    output: BufWriter<W>,
    offset: u64,
    entries: Vec<(u64, u64)>,
}

impl<W: Write> RecordWriter<W> {
    /// Starts an empty record file.
    pub fn new(output: W) -> Self {
        Self {
            output: BufWriter::new(output),
            offset: 0,
            entries: Vec::new(),
        }
    }

    /// Writes an image record with one label.
    ///
    /// # Errors
    /// When the system refuses to write, or the image is longer than a record can be.
    pub fn write_image(&mut self, key: u64, label: f32, image: &[u8]) -> std::io::Result<()> {
        self.write_record(key, 0, label, &[], image)
    }

    /// Writes a record with several labels and an image that may be empty.
    ///
    /// # Errors
    /// As [`RecordWriter::write_image`].
    pub fn write_labels(&mut self, key: u64, labels: &[f32], image: &[u8]) -> std::io::Result<()> {
        self.write_record(key, labels.len() as u32, 0.0, labels, image)
    }

    fn write_record(
        &mut self,
        key: u64,
        flag: u32,
        label: f32,
        labels: &[f32],
        image: &[u8],
    ) -> std::io::Result<()> {
        let mut payload = Vec::with_capacity(HEADER + 4 * labels.len() + image.len());
        payload.extend_from_slice(&flag.to_le_bytes());
        payload.extend_from_slice(&label.to_le_bytes());
        payload.extend_from_slice(&key.to_le_bytes());
        payload.extend_from_slice(&0u64.to_le_bytes());
        for label in labels {
            payload.extend_from_slice(&label.to_le_bytes());
        }
        payload.extend_from_slice(image);
        self.entries.push((key, self.offset));
        self.write_payload(&payload)
    }

    /// Writes a payload as one record, split where it holds the magic number at a multiple of four.
    fn write_payload(&mut self, payload: &[u8]) -> std::io::Result<()> {
        let mut start = 0;
        let mut split = false;
        for at in (0..payload.len().saturating_sub(3)).step_by(4) {
            if payload[at..at + 4] == MAGIC.to_le_bytes() {
                self.write_part(if split { 2 } else { 1 }, &payload[start..at])?;
                start = at + 4;
                split = true;
            }
        }
        self.write_part(if split { 3 } else { 0 }, &payload[start..])
    }

    fn write_part(&mut self, kind: u32, part: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(part.len())
            .ok()
            .filter(|length| length >> LENGTH_BITS == 0)
            .ok_or_else(|| {
                std::io::Error::new(
                    std::io::ErrorKind::InvalidInput,
                    "an image is longer than a record can be",
                )
            })?;
        self.output.write_all(&MAGIC.to_le_bytes())?;
        self.output
            .write_all(&(kind << LENGTH_BITS | length).to_le_bytes())?;
        self.output.write_all(part)?;
        let padding = part.len().next_multiple_of(4) - part.len();
        self.output.write_all(&[0; 3][..padding])?;
        self.offset += (8 + part.len() + padding) as u64;
        Ok(())
    }

    /// Bytes written so far.
    pub fn bytes_written(&self) -> u64 {
        self.offset
    }

    /// Hands back the finished output and the index of key → offset.
    ///
    /// # Errors
    /// When the last bytes can't be written.
    pub fn finish(self) -> std::io::Result<(W, RecordIndex)> {
        let output = self
            .output
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        Ok((output, RecordIndex::new(self.entries)))
    }
}
