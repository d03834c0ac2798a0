//! MXNet's RecordIO framing: how records lie in a `.rec` file, and the `.idx` beside it.
//!
//! Integers are little-endian. A record is a magic number, a word of kind (top three bits) and length, the
//! payload, and zeros up to a multiple of four. Where a payload holds the magic number at a multiple of
//! four, the writer leaves those four bytes out and splits there; the reader puts them back.
//! Reading is by position (`pread`), not by memory map: a file that shrinks under a run is then an error
//! and not a signal, and one call fetches a whole record.

mod writer;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::DataError;
pub use writer::RecordWriter;

const MAGIC: u32 = 0xced7_230a;
const LENGTH_BITS: u32 = 29;
/// Bytes fetched with the first call: most records fit.
const FIRST_READ: usize = 16 << 10;
/// Bytes of a payload's fixed header: flag, label, id, second id.
const HEADER: usize = 24;

/// A `.rec` file opened for reading at any offset, from any thread.
#[derive(Debug)]
pub struct RecordFile {
    path: PathBuf,
    file: File,
    length: u64,
}

/// One record's header, as far as it matters to us.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordHeader {
    /// How many labels follow the fixed header; 0 means that the one label is `label`.
    pub flag: u32,
    /// The labels: one, or `flag` many.
    pub labels: Vec<f32>,
    /// The record's key, where the writer set it.
    pub id: u64,
    /// Where the image starts in the payload.
    pub image_start: usize,
}

impl RecordFile {
    /// Opens a record file.
    ///
    /// # Errors
    /// When it can't be read, or does not start with a record.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|error| DataError::read(path, error))?;
        let length = file
            .metadata()
            .map_err(|error| DataError::read(path, error))?
            .len();
        let records = Self {
            path: path.to_owned(),
            file,
            length,
        };
        let mut start = [0; 4];
        let filled = records.fill(0, &mut start)?;
        if length > 0 && (filled < 4 || u32::from_le_bytes(start) != MAGIC) {
            return Err(records.malformed(
                0,
                "this is not a RecordIO file: it does not start with 0xced7230a",
            ));
        }
        Ok(records)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's length in bytes when it was opened.
    pub fn length_bytes(&self) -> u64 {
        self.length
    }

    /// Reads the payload of the record at `offset` into `payload`; returns the offset of the next one.
    ///
    /// # Errors
    /// When no whole record starts there.
    pub fn read(&self, offset: u64, payload: &mut Vec<u8>) -> Result<u64, DataError> {
        payload.clear();
        let mut first = [0; FIRST_READ];
        let filled = self.fill(offset, &mut first)?;
        let mut position = offset;
        let mut middle = false;
        loop {
            let window = position - offset;
            let (kind, length) = if window + 8 <= filled as u64 {
                self.frame(position, &first[window as usize..])?
            } else {
                self.frame_at(position)?
            };
            if middle != matches!(kind, 2 | 3) {
                return Err(
                    self.malformed(position, "the parts of a split record are out of order")
                );
            }
            if middle {
                payload.extend_from_slice(&MAGIC.to_le_bytes());
            }
            let start = payload.len();
            let window = (window + 8) as usize;
            if window + length <= filled {
                payload.extend_from_slice(&first[window..window + length]);
            } else {
                payload.resize(start + length, 0);
                if self.fill(position + 8, &mut payload[start..])? < length {
                    return Err(self.malformed(position, "the file ends inside this record"));
                }
            }
            position += 8 + (length as u64).next_multiple_of(4);
            if matches!(kind, 0 | 3) {
                return Ok(position);
            }
            middle = true;
        }
    }

    /// Reads the header of the record at `offset` without its image.
    ///
    /// # Errors
    /// When no record with a header starts there.
    pub fn header(&self, offset: u64) -> Result<RecordHeader, DataError> {
        let mut start = [0; 8 + HEADER];
        let filled = self.fill(offset, &mut start)?;
        if filled >= 8 {
            let (kind, length) = self.frame(offset, &start)?;
            let flag = little_endian(&start[8..]);
            if matches!(kind, 0 | 1) && length >= HEADER && filled == start.len() && flag == 0 {
                return parse_header(&start[8..])
                    .map_err(|problem| self.malformed(offset, problem));
            }
        }
        let mut payload = Vec::new();
        self.read(offset, &mut payload)?;
        parse_header(&payload).map_err(|problem| self.malformed(offset, problem))
    }

    /// Kind and length of the part at `position`.
    fn frame_at(&self, position: u64) -> Result<(u32, usize), DataError> {
        let mut head = [0; 8];
        if self.fill(position, &mut head)? < 8 {
            return Err(self.malformed(position, "the file ends where a record should start"));
        }
        self.frame(position, &head)
    }

    /// Kind and length of the part whose first eight bytes `head` starts with.
    fn frame(&self, position: u64, head: &[u8]) -> Result<(u32, usize), DataError> {
        let (magic, word) = (little_endian(head), little_endian(&head[4..]));
        if magic != MAGIC {
            return Err(self.malformed(
                position,
                "no record starts here; does the .idx belong to this .rec?",
            ));
        }
        let (kind, length) = (
            word >> LENGTH_BITS,
            u64::from(word & ((1 << LENGTH_BITS) - 1)),
        );
        if kind > 3 {
            return Err(self.malformed(position, format!("a record part of unknown kind {kind}")));
        }
        if position + 8 + length > self.length {
            return Err(self.malformed(position, "the file ends inside this record"));
        }
        Ok((kind, length as usize))
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, DataError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self
                .file
                .read_at(&mut buffer[filled..], offset + filled as u64)
            {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(DataError::read(&self.path, error)),
            }
        }
        Ok(filled)
    }

    pub(super) fn malformed(&self, offset: u64, problem: impl Into<String>) -> DataError {
        DataError::malformed(&self.path, format!("byte {offset}"), problem)
    }

    /// Finds every record by walking through the file: key → offset.
    ///
    /// The key is the id in a record's header where these are all different, and else the record's number.
    ///
    /// # Errors
    /// When the walk meets something that is not a record.
    pub fn scan(&self) -> Result<BTreeMap<u64, u64>, DataError> {
        let mut offsets = Vec::new();
        let mut keys = BTreeMap::new();
        let mut position = 0;
        while position < self.length {
            offsets.push(position);
            if let Ok(header) = self.header(position) {
                keys.insert(header.id, position);
            }
            position = self.skip(position)?;
        }
        if keys.len() != offsets.len() {
            keys = (0..).zip(offsets).collect();
        }
        Ok(keys)
    }

    /// The offset after the record at `offset`, read from its parts' heads alone.
    fn skip(&self, offset: u64) -> Result<u64, DataError> {
        let mut position = offset;
        loop {
            let (kind, length) = self.frame_at(position)?;
            position += 8 + (length as u64).next_multiple_of(4);
            if matches!(kind, 0 | 3) {
                return Ok(position);
            }
        }
    }
}

/// The number that the first four bytes are.
fn little_endian(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take(4)
        .rev()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Splits a payload into its header and its image.
pub(super) fn parse_header(payload: &[u8]) -> Result<RecordHeader, String> {
    let fixed = payload
        .get(..HEADER)
        .ok_or("a record without the 24 bytes of an image header")?;
    let word = |at: usize| little_endian(&fixed[at..]);
    let flag = word(0);
    let image_start = HEADER + flag as usize * 4;
    let labels = payload
        .get(HEADER..image_start)
        .ok_or_else(|| format!("a record says it has {flag} labels and is too short for them"))?;
    let mut labels: Vec<f32> = labels
        .chunks_exact(4)
        .map(|bytes| f32::from_bits(little_endian(bytes)))
        .collect();
    if flag == 0 {
        labels.push(f32::from_bits(word(4)));
    }
    let id = u64::from(word(8)) | u64::from(word(12)) << 32;
    Ok(RecordHeader {
        flag,
        labels,
        id,
        image_start,
    })
}

/// Reads a `.idx`: lines of key, tab, offset.
///
/// # Errors
/// With the line that is not of that form.
pub fn read_index(path: &Path) -> Result<BTreeMap<u64, u64>, DataError> {
    let text = std::fs::read(path).map_err(|error| DataError::read(path, error))?;
    let mut pairs = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
            .map(integer);
        let (Some(Some(key)), Some(Some(offset)), None) =
            (words.next(), words.next(), words.next())
        else {
            return Err(DataError::malformed(
                path,
                format!("line {}", number + 1),
                "expected a key, a tab and an offset; delete the file to have it rebuilt from the .rec",
            ));
        };
        pairs.push((key, offset));
    }
    Ok(pairs.into_iter().collect())
}

fn integer(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The text of a `.idx`.
pub fn index_text(index: &BTreeMap<u64, u64>) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(index.len() * 16);
    for (key, offset) in index {
        let _ = writeln!(text, "{key}\t{offset}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Payload images with the magic number at even and odd places, one after the other, and at the ends.
    fn awkward_images() -> Vec<Vec<u8>> {
        let magic = MAGIC.to_le_bytes();
        let mut images = vec![vec![], vec![1], magic.to_vec(), [magic, magic].concat()];
        for before in 0..9 {
            images.push([vec![7; before], magic.to_vec(), vec![8; before]].concat());
        }
        images
    }

    fn written(images: &[Vec<u8>]) -> (tempfile::TempDir, PathBuf, BTreeMap<u64, u64>) {
        let mut writer = RecordWriter::new(Vec::new());
        for (key, image) in images.iter().enumerate() {
            if key % 3 == 2 {
                writer
                    .write_labels(key as u64, &[key as f32, 0.5], image)
                    .unwrap();
            } else {
                writer.write_image(key as u64, key as f32, image).unwrap();
            }
        }
        let (bytes, index) = writer.finish().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.rec");
        std::fs::write(&path, bytes).unwrap();
        (folder, path, index)
    }

    #[test]
    fn what_is_written_is_read() {
        let images = awkward_images();
        let (_folder, path, index) = written(&images);
        let records = RecordFile::open(&path).unwrap();
        assert_eq!(records.scan().unwrap(), index);
        let mut payload = Vec::new();
        for (key, image) in images.iter().enumerate() {
            records.read(index[&(key as u64)], &mut payload).unwrap();
            let header = parse_header(&payload).unwrap();
            assert_eq!(&payload[header.image_start..], &image[..], "record {key}");
            assert_eq!(header.labels[0] as usize, key);
            assert_eq!(records.header(index[&(key as u64)]).unwrap(), header);
        }
    }

    #[test]
    fn records_longer_than_one_read_are_whole() {
        let magic = MAGIC.to_le_bytes().to_vec();
        let long: Vec<u8> = [vec![3; 40_000], magic, vec![4; 20_000]].concat();
        let (_folder, path, index) = written(&[vec![1], long.clone()]);
        let mut payload = Vec::new();
        let records = RecordFile::open(&path).unwrap();
        assert_eq!(
            records.read(index[&1], &mut payload).unwrap(),
            records.length_bytes()
        );
        assert_eq!(&payload[HEADER..], &long[..]);
    }

    #[test]
    fn files_cut_at_any_byte_are_errors() {
        let (folder, path, _) = written(&awkward_images());
        let bytes = std::fs::read(&path).unwrap();
        let ends: Vec<u64> = RecordFile::open(&path)
            .unwrap()
            .scan()
            .unwrap()
            .into_values()
            .collect();
        let cut = folder.path().join("cut.rec");
        for length in 1..bytes.len() {
            std::fs::write(&cut, &bytes[..length]).unwrap();
            let outcome = RecordFile::open(&cut).and_then(|records| records.scan());
            let padding_only = ends
                .iter()
                .any(|end| (1..4).contains(&(*end as i64 - length as i64)));
            assert!(
                outcome.is_err() || ends.contains(&(length as u64)) || padding_only,
                "{length}"
            );
        }
    }

    #[test]
    fn an_index_is_read_as_written_and_its_errors_name_the_line() {
        let index: BTreeMap<u64, u64> = [(0, 99), (1, 0), (20_000_000, 1 << 40)].into();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.idx");
        std::fs::write(&path, index_text(&index)).unwrap();
        assert_eq!(read_index(&path).unwrap(), index);
        std::fs::write(&path, "1\t2\r\n\n3 x\n").unwrap();
        assert!(
            read_index(&path)
                .unwrap_err()
                .to_string()
                .contains("line 3")
        );
    }
}
