//! The `.idx` beside a `.rec`: where each record starts.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::super::{DataError, file};

/// The longest line that an index can have: two whole numbers of twenty digits, with room to spare.
const LONGEST_LINE: u64 = 200;
/// The fewest bytes that a record takes in its file.
const SHORTEST_RECORD: u64 = 8;

/// Where records start: their keys in order, each with the record's offset in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordIndex {
    entries: Vec<(u64, u64)>,
}

impl RecordIndex {
    /// An index of (key, offset); of equal keys the last one counts.
    pub fn new(mut entries: Vec<(u64, u64)>) -> Self {
        if !entries.is_sorted_by(|(a, _), (b, _)| a < b) {
            entries.sort_by_key(|(key, _)| *key);
            entries.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    kept.1 = later.1;
                }
                same
            });
        }
        entries.shrink_to_fit();
        Self { entries }
    }

    /// Reads a `.idx`: lines of key, tab, offset. `records_bytes` is the length of its `.rec`.
    ///
    /// # Errors
    /// With the line that is not of that form, or when there are more lines than the `.rec` has room for records.
    pub fn read(path: &Path, records_bytes: u64) -> Result<Self, DataError> {
        let (file, length) = file::open(path)?;
        let most = records_bytes / SHORTEST_RECORD;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        // A line has at least four bytes.
        let mut entries = Vec::with_capacity((length / 4).min(most).min(1 << 16) as usize);
        let mut line = Vec::new();
        let mut number = 0u64;
        loop {
            line.clear();
            let count = (&mut reader)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
                .map_err(|error| DataError::read(path, error))?;
            if count == 0 {
                return Ok(Self::new(entries));
            }
            number += 1;
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let malformed =
                |problem: &str| DataError::malformed(path, format!("line {number}"), problem);
            entries.push(entry(text).ok_or_else(|| {
                malformed("expected a key, a tab and an offset; delete the file to have it rebuilt from the .rec")
            })?);
            if entries.len() as u64 > most {
                return Err(malformed(
                    "more records than the .rec has room for; does the .idx belong to this .rec?",
                ));
            }
        }
    }

    /// The offset of the record with this key.
    pub fn offset(&self, key: u64) -> Option<u64> {
        let place = self
            .entries
            .binary_search_by_key(&key, |(key, _)| *key)
            .ok()?;
        Some(self.entries[place].1)
    }

    /// Keys and offsets, in the keys' order.
    pub fn entries(&self) -> &[(u64, u64)] {
        &self.entries
    }

    /// The entries whose keys are from `first` to below `end`.
    pub(in super::super) fn between(&self, first: u64, end: u64) -> &[(u64, u64)] {
        let start = self.entries.partition_point(|(key, _)| *key < first);
        let end = self.entries.partition_point(|(key, _)| *key < end);
        &self.entries[start..end.max(start)]
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes the lines of a `.idx`.
    ///
    /// # Errors
    /// Those of `output`.
    pub fn write(&self, output: impl Write) -> std::io::Result<()> {
        let mut output = BufWriter::new(output);
        for (key, offset) in &self.entries {
            writeln!(output, "{key}\t{offset}")?;
        }
        output.flush()
    }
}

fn entry(line: &[u8]) -> Option<(u64, u64)> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let entry = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    words.next().is_none().then_some(entry)
}

/// The text of a `.idx`.
pub fn index_text(index: &RecordIndex) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(index.len() * 16);
    for (key, offset) in index.entries() {
        let _ = writeln!(text, "{key}\t{offset}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_as_written_and_its_errors_name_the_line() {
        let index = RecordIndex::new(vec![(20_000_000, 1 << 40), (0, 99), (1, 0)]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.idx");
        let mut text = Vec::new();
        index.write(&mut text).unwrap();
        assert_eq!(text, index_text(&index).as_bytes());
        std::fs::write(&path, text).unwrap();
        assert_eq!(RecordIndex::read(&path, 1 << 41).unwrap(), index);
        assert_eq!((index.offset(1), index.offset(2)), (Some(0), None));
        assert_eq!(index.between(1, 20_000_000), [(1, 0)]);
        let refused = |text: &str| {
            std::fs::write(&path, text).unwrap();
            RecordIndex::read(&path, 16).unwrap_err().to_string()
        };
        assert!(refused("1\t2\r\n\n3 x\n").contains("line 3"));
        assert!(refused("1\t2\t3\n").contains("line 1"));
        assert!(refused(&"1".repeat(1000)).contains("line 1"));
        assert!(refused("1\t0\n2\t8\n3\t9\n").contains("line 3: more"));
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let index = RecordIndex::new(vec![(3, 1), (2, 2), (3, 5), (2, 7)]);
        assert_eq!(index.entries(), [(2, 7), (3, 5)]);
    }
}
