//! The lines of a text that may be larger than memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::data::{DataError, file};

/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 16 << 10;

/// Lines of a file, one at a time, without blank ones and comments.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    bytes: Vec<u8>,
    text: String,
    number: u64,
}

impl Lines {
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let (file, _) = file::open(path)?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(1 << 16, file),
            bytes: Vec::new(),
            text: String::new(),
            number: 0,
        })
    }

    /// The next line without white space at its ends, and its number from 1.
    pub fn next(&mut self) -> Result<Option<(u64, &str)>, DataError> {
        loop {
            self.bytes.clear();
            (&mut self.reader)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut self.bytes)
                .map_err(|error| DataError::read(&self.path, error))?;
            if self.bytes.is_empty() {
                return Ok(None);
            }
            self.number += 1;
            if self.bytes.len() as u64 == LONGEST_LINE {
                return Err(DataError::malformed(
                    &self.path,
                    format!("line {}", self.number),
                    "longer than 16 KiB, which no line of a list is",
                ));
            }
            let line = String::from_utf8_lossy(&self.bytes);
            let line = line.trim_start_matches('\u{feff}').trim();
            if !line.is_empty() && !line.starts_with('#') {
                self.text.clear();
                self.text.push_str(line);
                return Ok(Some((self.number, &self.text)));
            }
        }
    }
}
