//! Embeddings kept on disk, so that another rule, pooling or error list needs no second pass of the network.
//!
//! A file holds: `FACETEMB`, the version (u32), the header's CRC-32C (u32), its length (u64), the header as JSON, then
//! the numbers (f32), item after item; everything little-endian. Each item has a checksum of its own, so that one
//! video can be read without the others.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::RunError;
use crate::atomic::atomic_write_with;
use crate::config::{ChannelOrder, Crop};
use crate::eval::template::Mirror;

/// The folder of kept embeddings in the folder of runs; no run has such a name.
pub const KEPT_EMBEDDINGS: &str = ".embeddings";

const MAGIC: &[u8; 8] = b"FACETEMB";
const VERSION: u32 = 1;
/// Bytes before the header.
const PREFIX: u64 = 24;
/// A header names every image of a set; one of this size names more than any set has.
const LARGEST_HEADER: u64 = 256 << 20;
/// No face network's embedding is longer.
const LONGEST_EMBEDDING: usize = 1 << 16;
/// The end of the files' names.
const ENDING: &str = "embeddings";

/// The raw embeddings of every image of a set by one model: in memory when just made, else in their file.
#[derive(Debug)]
pub struct Embeddings {
    /// What they are of.
    pub origin: EmbeddingOrigin,
    length: usize,
    items: Vec<EmbeddedItem>,
    /// Where each item begins, in embeddings; one more than there are items.
    starts: Vec<usize>,
    values: Values,
}

/// What made embeddings: all that decides their values, and whence the figures' provenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingOrigin {
    /// The model's name as figures show it.
    pub model: String,
    /// The optimiser step of the model, where it has one.
    pub step: Option<u64>,
    /// Hash of the model's content.
    pub model_content: String,
    /// Where the set lies.
    pub set: String,
    /// Hash of the set's content.
    pub set_content: String,
    /// Order of the colour planes.
    pub channels: ChannelOrder,
    /// The crop.
    pub crop: Crop,
    /// How a byte became a number: `(x-127.5)/128`.
    pub scaling: String,
    /// What was done with the mirror images: with [`Mirror::Concat`] an embedding has twice the model's length.
    pub mirror: Mirror,
    /// The most frames of a video, spread evenly over it; `None` for all.
    pub frames_per_video: Option<usize>,
    /// The device that embedded.
    pub device: String,
}

/// One image (a single embedding) or one video (an embedding for each frame, in order).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddedItem {
    /// As the pairs name it: a file, `#0` in a pickle, `NAME/N` for a video.
    pub name: String,
    /// How many embeddings it has; 0 for a video that was missing.
    pub count: usize,
}

#[derive(Debug)]
enum Values {
    Memory(Vec<f32>),
    File {
        path: PathBuf,
        file: File,
        /// Where the numbers begin.
        offset: u64,
        checksums: Vec<u32>,
    },
}

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    origin: Cow<'a, EmbeddingOrigin>,
    length: usize,
    items: Cow<'a, [EmbeddedItem]>,
    /// CRC-32C of each item's bytes.
    checksums: Vec<u32>,
}

impl Embeddings {
    /// Embeddings just made: `values` holds `length` numbers for each image of each item.
    ///
    /// # Errors
    /// [`RunError::Malformed`] when that isn't so.
    pub fn new(
        origin: EmbeddingOrigin,
        length: usize,
        items: Vec<EmbeddedItem>,
        values: Vec<f32>,
    ) -> Result<Self, RunError> {
        let wrong = |reason: &dyn std::fmt::Display| {
            RunError::malformed(Path::new(&origin.set), "set of embeddings", reason)
        };
        let starts = starts(&items, length).map_err(|reason| wrong(&reason))?;
        let expected = total(&starts) * length;
        if values.len() != expected {
            let found = values.len();
            return Err(wrong(&format!("{found} numbers where {expected} belong")));
        }
        Ok(Self {
            origin,
            length,
            items,
            starts,
            values: Values::Memory(values),
        })
    }

    /// Opens a file of embeddings; the numbers are read when asked for.
    ///
    /// # Errors
    /// It isn't there, or torn, or not such a file: then the images have to be embedded anew.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let mut file = File::open(path).map_err(RunError::io("open", path))?;
        let (header, offset) = read_header(&mut file).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                RunError::malformed(path, "file of embeddings", &error)
            }
            _ => RunError::io("read", path)(error),
        })?;
        let wrong = |reason: &dyn std::fmt::Display| {
            RunError::malformed(path, "file of embeddings", reason)
        };
        let starts = starts(&header.items, header.length).map_err(|reason| wrong(&reason))?;
        let bytes = total(&starts) as u64 * header.length as u64 * 4;
        let found = file
            .metadata()
            .map_err(RunError::io("look at", path))?
            .len();
        if header.checksums.len() != header.items.len() {
            return Err(wrong(&"its items and checksums differ in number"));
        }
        if found != offset + bytes {
            return Err(wrong(&format!(
                "{found} bytes long where its header promises {}",
                offset + bytes
            )));
        }
        Ok(Self {
            origin: header.origin.into_owned(),
            length: header.length,
            items: header.items.into_owned(),
            starts,
            values: Values::File {
                path: path.to_owned(),
                file,
                offset,
                checksums: header.checksums,
            },
        })
    }

    /// Writes them to `path`, whole or not at all; folders that are missing are made, for their owner alone.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), RunError> {
        if let Some(folder) = path.parent() {
            make_private(folder).map_err(RunError::io("make", folder))?;
        }
        let mut checksums = Vec::with_capacity(self.items.len());
        for item in 0..self.items.len() {
            let checksum = crc32c_of(&self.frames(item)?);
            checksums.push(checksum);
        }
        let header = serde_json::to_vec(&Header {
            origin: Cow::Borrowed(&self.origin),
            length: self.length,
            items: Cow::Borrowed(&self.items),
            checksums,
        })
        .map_err(|error| RunError::malformed(path, "file of embeddings", &error))?;
        atomic_write_with(path, |file| {
            let mut out = BufWriter::with_capacity(1 << 20, file);
            out.write_all(MAGIC)?;
            out.write_all(&VERSION.to_le_bytes())?;
            out.write_all(&crc32c::crc32c(&header).to_le_bytes())?;
            out.write_all(&(header.len() as u64).to_le_bytes())?;
            out.write_all(&header)?;
            for item in 0..self.items.len() {
                let values = self.frames(item).map_err(io::Error::other)?;
                for block in values.chunks(BLOCK) {
                    out.write_all(&bytes_of(block))?;
                }
            }
            out.flush()
        })
        .map_err(RunError::io("write", path))
    }

    /// What `work` makes of each item, by its place and its [`Embeddings::frames`], in order; on all cores.
    ///
    /// # Errors
    /// Those of `work`, and of reading.
    pub fn map_items<T, E>(
        &self,
        work: impl Fn(usize, &[f32]) -> Result<T, E> + Sync,
    ) -> Result<Vec<T>, E>
    where
        T: Send,
        E: From<RunError> + Send,
    {
        (0..self.items.len())
            .into_par_iter()
            .map(|item| work(item, &self.frames(item)?))
            .collect()
    }

    /// Numbers in an embedding.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The images or videos, in the order of their first pair.
    pub fn items(&self) -> &[EmbeddedItem] {
        &self.items
    }

    /// Embeddings in all.
    pub fn total(&self) -> usize {
        total(&self.starts)
    }

    /// The place of an item by its name.
    pub fn item(&self, name: &str) -> Option<usize> {
        self.items.iter().position(|item| item.name == name)
    }

    /// The embeddings of an item, one after the other, each [`Embeddings::length`] numbers; may be asked from any
    /// thread.
    ///
    /// # Errors
    /// The file can't be read or is damaged there.
    pub fn frames(&self, item: usize) -> Result<Cow<'_, [f32]>, RunError> {
        let (Some(&start), Some(&end)) = (self.starts.get(item), self.starts.get(item + 1)) else {
            return Ok(Cow::Borrowed(&[]));
        };
        let (start, end) = (start * self.length, end * self.length);
        match &self.values {
            Values::Memory(values) => Ok(Cow::Borrowed(&values[start..end])),
            Values::File {
                path,
                file,
                offset,
                checksums,
            } => {
                let mut bytes = vec![0; (end - start) * 4];
                file.read_exact_at(&mut bytes, offset + start as u64 * 4)
                    .map_err(RunError::io("read", path))?;
                if crc32c::crc32c(&bytes) != checksums[item] {
                    let reason = format!("item {item} has another checksum than its header says");
                    return Err(RunError::malformed(path, "file of embeddings", &reason));
                }
                let values = bytes.as_chunks().0.iter().copied();
                Ok(values.map(f32::from_le_bytes).collect())
            }
        }
    }
}

/// The file that keeps the embeddings of a key in a folder of runs.
pub fn kept_path(runs_root: &Path, key: &str) -> PathBuf {
    runs_root
        .join(KEPT_EMBEDDINGS)
        .join(format!("{key}.{ENDING}"))
}

/// How many files of embeddings a folder of runs keeps, and their bytes in all.
///
/// # Errors
/// The folder is there and can't be listed.
pub fn kept_size(runs_root: &Path) -> Result<(usize, u64), RunError> {
    let folder = runs_root.join(KEPT_EMBEDDINGS);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
        Err(error) => return Err(RunError::io("list", &folder)(error)),
    };
    let files = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|end| end == ENDING))
        // A file that goes away meanwhile takes no room any more.
        .filter_map(|entry| entry.metadata().ok());
    Ok(files.fold((0, 0), |(count, bytes), file| {
        (count + 1, bytes + file.len())
    }))
}

/// Numbers that are turned into bytes at once.
const BLOCK: usize = 1 << 14;

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

fn crc32c_of(values: &[f32]) -> u32 {
    values.chunks(BLOCK).fold(0, |checksum, block| {
        crc32c::crc32c_append(checksum, &bytes_of(block))
    })
}

fn total(starts: &[usize]) -> usize {
    starts.last().copied().unwrap_or(0)
}

/// Where each item begins, in embeddings; the bytes of all are sure to be countable.
fn starts(items: &[EmbeddedItem], length: usize) -> Result<Vec<usize>, String> {
    if length == 0 || length > LONGEST_EMBEDDING {
        return Err(format!("embeddings of {length} numbers"));
    }
    let mut starts = vec![0_usize];
    let mut next = 0_usize;
    for item in items {
        next = next
            .checked_add(item.count)
            .filter(|next| {
                next.checked_mul(length * 4)
                    .is_some_and(|bytes| bytes <= isize::MAX as usize / 2)
            })
            .ok_or_else(|| format!("an item of {} embeddings", item.count))?;
        starts.push(next);
    }
    Ok(starts)
}

fn read_header(file: &mut File) -> io::Result<(Header<'static>, u64)> {
    let invalid = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason.to_owned());
    let mut prefix = [0; PREFIX as usize];
    file.read_exact(&mut prefix)?;
    let number = |at: usize| {
        u32::from_le_bytes([prefix[at], prefix[at + 1], prefix[at + 2], prefix[at + 3]])
    };
    if &prefix[..8] != MAGIC {
        return Err(invalid("it begins with other bytes"));
    }
    if number(8) != VERSION {
        return Err(invalid("another version wrote it"));
    }
    let length = u64::from(number(16)) | u64::from(number(20)) << 32;
    if length > LARGEST_HEADER || length > file.metadata()?.len() {
        return Err(invalid("its header is longer than it can be"));
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact(&mut bytes)?;
    if crc32c::crc32c(&bytes) != number(12) {
        return Err(invalid("its header's checksum is wrong"));
    }
    let header = serde_json::from_slice(&bytes)?;
    Ok((header, PREFIX + length))
}

/// Makes a folder as private as a run's.
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> EmbeddingOrigin {
        EmbeddingOrigin {
            model: "m".to_owned(),
            step: Some(3),
            model_content: "a".to_owned(),
            set: "x.bin".to_owned(),
            set_content: "b".to_owned(),
            channels: ChannelOrder::Bgr,
            crop: Crop::Full,
            scaling: "(x-127.5)/128".to_owned(),
            mirror: Mirror::None,
            frames_per_video: None,
            device: "flex".to_owned(),
        }
    }

    fn three() -> Embeddings {
        let items = [("a/1", 2), ("b/0", 0), ("c/3", 1)]
            .map(|(name, count)| EmbeddedItem {
                name: name.to_owned(),
                count,
            })
            .to_vec();
        let values = (0..6_u8).map(|value| f32::from(value) - 2.5).collect();
        Embeddings::new(origin(), 2, items, values).unwrap()
    }

    fn written() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let path = kept_path(root.path(), "key");
        three().write(&path).unwrap();
        (root, path)
    }

    /// What a reader gets who asks for everything.
    fn read(path: &Path) -> Result<Vec<Vec<f32>>, RunError> {
        let embeddings = Embeddings::open(path)?;
        (0..embeddings.items().len())
            .map(|item| embeddings.frames(item).map(Cow::into_owned))
            .collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let (root, path) = written();
        let expected = vec![vec![-2.5, -1.5, -0.5, 0.5], vec![], vec![1.5, 2.5]];
        assert_eq!(read(&path).unwrap(), expected);
        let embeddings = Embeddings::open(&path).unwrap();
        assert_eq!(embeddings.origin, origin());
        assert_eq!((embeddings.length(), embeddings.total()), (2, 3));
        assert_eq!(embeddings.item("c/3"), Some(2));
        assert!(embeddings.frames(3).unwrap().is_empty());
        let sums = embeddings
            .map_items(|item, values| Ok::<_, RunError>((item, values.iter().sum::<f32>())));
        assert_eq!(sums.unwrap(), [(0, -4.0), (1, 0.0), (2, 4.0)]);
        let bytes = fs::metadata(&path).unwrap().len();
        assert_eq!(kept_size(root.path()).unwrap(), (1, bytes));
        assert_eq!(kept_size(&root.path().join("none")).unwrap(), (0, 0));
    }

    #[test]
    fn a_file_cut_or_changed_at_any_byte_is_an_error() {
        let (_root, path) = written();
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            read(&path).unwrap_err();
            let mut changed = whole.clone();
            changed[length] ^= 0x10;
            fs::write(&path, changed).unwrap();
            read(&path).unwrap_err();
        }
        fs::write(&path, [&whole[..], b"x"].concat()).unwrap();
        read(&path).unwrap_err();
    }

    /// A header whose checksum is right and whose words are not.
    fn hostile(header: &str) -> RunError {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x");
        let bytes = [
            MAGIC.as_slice(),
            &VERSION.to_le_bytes(),
            &crc32c::crc32c(header.as_bytes()).to_le_bytes(),
            &(header.len() as u64).to_le_bytes(),
            header.as_bytes(),
        ]
        .concat();
        fs::write(&path, bytes).unwrap();
        Embeddings::open(&path).unwrap_err()
    }

    #[test]
    fn numbers_that_overflow_are_an_error() {
        let origin = serde_json::to_string(&origin()).unwrap();
        for (length, count) in [
            ("2", "18446744073709551615"),
            ("2", "4611686018427387904"),
            ("2", "576460752303423488"),
            ("0", "1"),
            ("18446744073709551615", "1"),
            ("2", "1"),
            ("2", "-1"),
        ] {
            let header = format!(
                r#"{{"origin":{origin},"length":{length},"items":[{{"name":"a","count":{count}}},{{"name":"b","count":{count}}}],"checksums":[0,0]}}"#
            );
            let error = hostile(&header).to_string();
            assert!(
                error.contains("not a readable file of embeddings"),
                "{error}"
            );
        }
        let header = format!(
            r#"{{"origin":{origin},"length":2,"items":[{{"name":"a","count":0}}],"checksums":[]}}"#
        );
        assert!(hostile(&header).to_string().contains("differ in number"));
    }
}
