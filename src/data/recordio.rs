//! MXNet's RecordIO framing: how records lie in a `.rec` file, and the `.idx` beside it.
//!
//! Integers are little-endian. A record is a magic number, a word of kind (top three bits) and length, the
//! payload, and zeros up to a multiple of four. Where a payload holds the magic number at a multiple of
//! four, the writer leaves those four bytes out and splits there; the reader puts them back.
//! Reading is by position (`pread`), not by memory map: a file that shrinks under a run is then an error
//! and not a signal, and one call fetches a whole record.

mod index;
mod writer;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{DataError, file};
pub use index::{RecordIndex, index_text};
pub use writer::RecordWriter;

const MAGIC: u32 = 0xced7_230a;
const LENGTH_BITS: u32 = 29;
/// Bytes fetched with the first call: most records fit.
const FIRST_READ: usize = 16 << 10;
/// Bytes of a payload's fixed header: flag, label, id, second id.
const HEADER: usize = 24;
/// Bytes fetched for a header alone: a part's head, the fixed header and eight labels.
const HEADER_READ: usize = 8 + HEADER + 8 * 4;
/// The longest payload that is put together from parts, in bytes: as long as one part can be.
const LONGEST_PAYLOAD: usize = 1 << LENGTH_BITS;

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
    /// Bytes of the image.
    pub image_bytes: usize,
}

impl RecordFile {
    /// Opens a record file.
    ///
    /// # Errors
    /// When it can't be read, or does not start with a record.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let (file, length) = file::open(path)?;
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
            self.check_order(position, middle, kind)?;
            if middle {
                payload.extend_from_slice(&MAGIC.to_le_bytes());
            }
            let start = payload.len();
            if start + length > LONGEST_PAYLOAD {
                return Err(self.malformed(position, "a record of more than 512 MiB"));
            }
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
        let mut start = [0; HEADER_READ];
        let filled = self.fill(offset, &mut start)?;
        if filled >= 8 {
            let (kind, length) = self.frame(offset, &start)?;
            let payload = &start[8..filled.min(8 + length)];
            if kind == 0
                && let Ok(header) = parse_start(payload, length)
            {
                return Ok(header);
            }
        }
        let mut payload = Vec::new();
        self.read(offset, &mut payload)?;
        parse_header(&payload).map_err(|problem| self.malformed(offset, problem))
    }

    /// Refuses a part that can't stand where it does: the first of a record, or one after it.
    fn check_order(&self, position: u64, later: bool, kind: u32) -> Result<(), DataError> {
        if later == matches!(kind, 2 | 3) {
            return Ok(());
        }
        Err(self.malformed(position, "the parts of a split record are out of order"))
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

    /// Finds every record by walking through the file.
    ///
    /// The key is the id in a record's header where these are all different, and else the record's number.
    ///
    /// # Errors
    /// When the walk meets something that is not a record.
    pub fn scan(&self) -> Result<RecordIndex, DataError> {
        let mut entries = Vec::new();
        let mut have_ids = true;
        let mut position = 0;
        while position < self.length {
            let (id, next) = self.step_over(position)?;
            have_ids &= id.is_some();
            entries.push((id.unwrap_or_default(), position));
            position = next;
        }
        if have_ids {
            entries.sort_unstable();
            if entries.windows(2).all(|pair| pair[0].0 < pair[1].0) {
                return Ok(RecordIndex::new(entries));
            }
            entries.sort_unstable_by_key(|(_, offset)| *offset);
        }
        for (number, entry) in (0..).zip(&mut entries) {
            entry.0 = number;
        }
        Ok(RecordIndex::new(entries))
    }

    /// The id in the header of the record at `offset`, if it has one, and where the next record starts.
    fn step_over(&self, offset: u64) -> Result<(Option<u64>, u64), DataError> {
        let mut start = [0; 8 + HEADER];
        if self.fill(offset, &mut start)? < 8 {
            return Err(self.malformed(offset, "the file ends where a record should start"));
        }
        let (kind, length) = self.frame(offset, &start)?;
        let id = if kind == 0 {
            (length >= HEADER).then(|| id_of(&start[8..]))
        } else {
            self.header(offset).ok().map(|header| header.id)
        };
        Ok((id, self.end_of(offset, (kind, length))?))
    }

    /// The offset after the record at `offset`, whose first part is given, read from its parts' heads alone.
    fn end_of(&self, offset: u64, first: (u32, usize)) -> Result<u64, DataError> {
        let (mut position, (mut kind, mut length)) = (offset, first);
        loop {
            self.check_order(position, position > offset, kind)?;
            position += 8 + (length as u64).next_multiple_of(4);
            if matches!(kind, 0 | 3) {
                return Ok(position);
            }
            (kind, length) = self.frame_at(position)?;
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

fn long_little_endian(bytes: &[u8]) -> u64 {
    u64::from(little_endian(bytes)) | u64::from(little_endian(&bytes[4..])) << 32
}

/// The id in a payload's fixed header.
fn id_of(payload: &[u8]) -> u64 {
    long_little_endian(&payload[8..])
}

/// Splits a payload into its header and its image.
pub(super) fn parse_header(payload: &[u8]) -> Result<RecordHeader, String> {
    parse_start(payload, payload.len())
}

/// The header of a payload of `length` bytes, from so many of its first bytes that it is among them.
fn parse_start(start: &[u8], length: usize) -> Result<RecordHeader, String> {
    let fixed = start
        .get(..HEADER)
        .ok_or("a record without the 24 bytes of an image header")?;
    let flag = little_endian(fixed);
    let image_start = HEADER + flag as usize * 4;
    let labels = start
        .get(HEADER..image_start)
        .ok_or_else(|| format!("a record says it has {flag} labels and is too short for them"))?;
    let mut labels: Vec<f32> = labels
        .chunks_exact(4)
        .map(|bytes| f32::from_bits(little_endian(bytes)))
        .collect();
    if flag == 0 {
        labels.push(f32::from_bits(little_endian(&fixed[4..])));
    }
    Ok(RecordHeader {
        flag,
        labels,
        id: id_of(fixed),
        image_start,
        image_bytes: length - image_start,
    })
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

    fn written(images: &[Vec<u8>]) -> (tempfile::TempDir, PathBuf, RecordIndex) {
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
            let offset = index.offset(key as u64).unwrap();
            records.read(offset, &mut payload).unwrap();
            let header = parse_header(&payload).unwrap();
            assert_eq!(&payload[header.image_start..], &image[..], "record {key}");
            assert_eq!(header.labels[0] as usize, key);
            assert_eq!(records.header(offset).unwrap(), header);
        }
    }

    #[test]
    fn a_walk_refuses_what_reading_refuses() {
        let part = |kind: u32| [MAGIC, kind << LENGTH_BITS].map(u32::to_le_bytes).concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.rec");
        // A last part without a first one, a first part in a record, a whole record in another.
        for kinds in [&[3][..], &[1, 1, 3], &[1, 0], &[0, 2, 3]] {
            let bytes: Vec<u8> = kinds.iter().flat_map(|kind| part(*kind)).collect();
            std::fs::write(&path, bytes).unwrap();
            let error = RecordFile::open(&path).unwrap().scan().unwrap_err();
            assert!(error.to_string().contains("out of order"), "{error}");
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
            records
                .read(index.offset(1).unwrap(), &mut payload)
                .unwrap(),
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
            .entries()
            .iter()
            .map(|(_, offset)| *offset)
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
}
