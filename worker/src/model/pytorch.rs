//! Weights that PyTorch wrote: the file of `torch.save`, as an archive or in the form from before 1.6.
//!
//! Nothing of the file is executed: its pickle goes through `facetui::data::pickle`, and every tensor is a checked
//! view of bytes that the file has. Numbers come out row-major, whatever their strides were.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use facetui::{
    data::pickle::{Pickle, PickleError, Storage, StorageElement, TensorView, Value},
    untrusted::{visible, visible_path},
};
use thiserror::Error;
use zip::{CompressionMethod, ZipArchive, result::ZipError};

/// The largest pickle that is read, in bytes; those of networks with thousands of tensors take some 100 kB.
const LARGEST_PICKLE: u64 = 64 << 20;

/// The longest text beside the pickle that is read, in bytes.
const LARGEST_NOTE: u64 = 1 << 20;

/// What an archive begins with.
const ARCHIVE: &[u8] = b"PK\x03\x04";

/// The pickle of `torch.save`'s magic number, which files from before 1.6 begin with.
const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// Why a file of PyTorch's was not read.
#[derive(Debug, Error)]
pub enum PytorchError {
    /// The file can't be read.
    #[error("can't read the weights {}: {source}", visible_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It isn't what `torch.save` writes, or is damaged.
    #[error(
        "{} isn't a whole file of torch.save: {}; save the state dict once more, with torch.save(model.state_dict(), …)",
        visible_path(path),
        visible(reason)
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// Its pickle holds more than a state dict does.
    #[error(
        "{}, its pickle, {}; only dictionaries of tensors are read: torch.save(model.state_dict(), …) writes one",
        visible_path(path),
        visible(&problem.to_string())
    )]
    Pickle {
        /// The file.
        path: PathBuf,
        /// What was refused, and where.
        problem: PickleError,
    },
    /// A tensor's numbers are not where they should be.
    #[error("{}, tensor {}: {reason}", visible_path(path), visible(name))]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// The tensors of a state dict, in the file's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StateDict {
    /// Name and tensor; no name occurs twice.
    pub tensors: Vec<(String, StateTensor)>,
}

/// One tensor of a state dict.
#[derive(Debug, Clone, PartialEq)]
pub struct StateTensor {
    /// Length along each axis, outermost first.
    pub shape: Vec<usize>,
    /// Its values, the last axis fastest.
    pub values: StateValues,
}

/// The numbers of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum StateValues {
    /// Floats of any width, as 32-bit ones.
    Floats(Vec<f32>),
    /// Integers of any width and booleans.
    Integers(Vec<i64>),
}

impl StateDict {
    /// A tensor by its name.
    pub fn get(&self, name: &str) -> Option<&StateTensor> {
        let mut tensors = self.tensors.iter();
        tensors
            .find(|(known, _)| known == name)
            .map(|(_, tensor)| tensor)
    }
}

/// Reads a state dict: the file's own dictionary, or the one dictionary of tensors in it (`state_dict`, where it holds
/// several). Members that are no tensors are left out.
///
/// # Errors
/// The file can't be read, is cut short or damaged, holds anything that would have to be executed, or no state dict.
pub fn read(path: &Path) -> Result<StateDict, PytorchError> {
    let (reader, file, start) = open(path)?;
    if start == MAGIC {
        return reader.old_form(file);
    }
    if start.starts_with(ARCHIVE) {
        return reader.archive(file);
    }
    Err(reader.format("it begins neither as an archive nor with torch.save's number"))
}

/// A text that the archive holds beside its pickle as `NAME/{note}.json`, where PyTorch doesn't look; `None` where there
/// is none, or no archive.
///
/// # Errors
/// The archive or the text is damaged.
pub fn note(path: &Path, note: &str) -> Result<Option<String>, PytorchError> {
    let (reader, file, start) = open(path)?;
    if !start.starts_with(ARCHIVE) {
        return Ok(None);
    }
    let mut archive = reader.open_archive(file)?;
    let ending = format!("/{note}.json");
    let names = names(&archive);
    let Some(name) = names.iter().find(|name| name.ends_with(&ending)) else {
        return Ok(None);
    };
    let bytes = reader
        .entry(&mut archive, name, LARGEST_NOTE)
        .map_err(|reason| reader.format(reason))?;
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| reader.format(format!("{name} in the archive is no text")))
}

/// A file with what it begins with, after which it goes on.
fn open(path: &Path) -> Result<(Reader<'_>, File, Vec<u8>), PytorchError> {
    let read_error = |source| PytorchError::Read {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(read_error)?;
    let length = file.metadata().map_err(read_error)?.len();
    let mut start = Vec::new();
    (&mut file)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut start)
        .map_err(read_error)?;
    Ok((Reader { path, length }, file, start))
}

fn names(archive: &ZipArchive<File>) -> Vec<String> {
    archive
        .file_names()
        .filter_map(|name| Some(name.ok()?.into_owned()))
        .collect()
}

struct Reader<'a> {
    path: &'a Path,
    length: u64,
}

impl Reader<'_> {
    fn format(&self, reason: impl Into<String>) -> PytorchError {
        PytorchError::Format {
            path: self.path.to_owned(),
            reason: reason.into(),
        }
    }

    fn tensor(&self, name: &str, reason: impl Into<String>) -> PytorchError {
        PytorchError::Tensor {
            path: self.path.to_owned(),
            name: name.to_owned(),
            reason: reason.into(),
        }
    }

    fn pickle<'b>(&self, bytes: &'b [u8]) -> Result<Pickle<'b>, PytorchError> {
        Pickle::read_state_dict(bytes).map_err(|problem| PytorchError::Pickle {
            path: self.path.to_owned(),
            problem,
        })
    }

    fn open_archive(&self, file: File) -> Result<ZipArchive<File>, PytorchError> {
        ZipArchive::new(file).map_err(|error| self.format(format!("as an archive: {error}")))
    }

    /// An archive: `NAME/data.pkl`, and `NAME/data/KEY` for each storage.
    fn archive(&self, file: File) -> Result<StateDict, PytorchError> {
        let mut archive = self.open_archive(file)?;
        let names = names(&archive);
        let folders: Vec<&str> = names
            .iter()
            .filter_map(|name| name.strip_suffix("data.pkl"))
            .filter(|folder| folder.is_empty() || folder.ends_with('/'))
            .collect();
        let [folder] = folders[..] else {
            return Err(self.format(format!("an archive with {} files data.pkl", folders.len())));
        };
        let bytes = self
            .entry(&mut archive, &format!("{folder}data.pkl"), LARGEST_PICKLE)
            .map_err(|reason| self.format(reason))?;
        let order = format!("{folder}byteorder");
        if names.contains(&order) {
            let order = self
                .entry(&mut archive, &order, 16)
                .map_err(|reason| self.format(reason))?;
            if order != b"little" {
                return Err(self.format("its numbers are big-endian"));
            }
        }
        let pickle = self.pickle(&bytes)?;
        self.tensors(&pickle, |key, expected| {
            let name = format!("{folder}data/{key}");
            let bytes = self.entry(&mut archive, &name, expected)?;
            if bytes.len() as u64 == expected {
                Ok(bytes)
            } else {
                let found = bytes.len();
                Err(format!("{name} has {found} bytes instead of {expected}"))
            }
        })
    }

    /// An entry of the archive, checked against its sum; refused where it is larger than `most` bytes.
    fn entry(
        &self,
        archive: &mut ZipArchive<File>,
        name: &str,
        most: u64,
    ) -> Result<Vec<u8>, String> {
        let told = |error: &dyn std::fmt::Display| format!("{name} in the archive: {error}");
        let entry = match archive.by_name(name) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Err(told(&"is not there")),
            Err(error) => return Err(told(&error)),
        };
        if entry.compression() != CompressionMethod::Stored {
            return Err(told(&"is compressed, which torch.save never does"));
        }
        let size = entry.size();
        if size > most.min(self.length) {
            return Err(told(&format!("has {size} bytes, more than can be")));
        }
        let mut bytes = Vec::with_capacity(size as usize);
        entry
            .take(size)
            .read_to_end(&mut bytes)
            .map_err(|error| told(&error))?;
        Ok(bytes)
    }

    /// The form from before 1.6: five pickles (number, version, system, value, names of storages), then the storages.
    fn old_form(&self, mut file: File) -> Result<StateDict, PytorchError> {
        let read_error = |source| PytorchError::Read {
            path: self.path.to_owned(),
            source,
        };
        let mut bytes = Vec::new();
        (&mut file)
            .take(LARGEST_PICKLE)
            .read_to_end(&mut bytes)
            .map_err(read_error)?;
        let mut at = 0;
        let mut next = || {
            let pickle = self.pickle(&bytes[at..])?;
            at += pickle.length();
            Ok::<_, PytorchError>(pickle)
        };
        let (version, system, value, keys) = (next()?, next()?, next()?, next()?);
        if *version.root() != Value::Integer(1001) {
            return Err(self.format("its version is not 1001"));
        }
        if entries(&system, system.root())
            .into_iter()
            .any(|(name, value)| name == "little_endian" && *value != Value::Bool(true))
        {
            return Err(self.format("its numbers are big-endian"));
        }
        let known: HashMap<&str, &Storage> = value.storages().collect();
        let mut place = (MAGIC.len() + at) as u64;
        let mut places = HashMap::new();
        for key in keys.members(keys.root()).unwrap_or_default() {
            let key = keys
                .bytes_of(keys.get(*key))
                .and_then(|key| std::str::from_utf8(key).ok())
                .ok_or_else(|| self.format("a storage's name is no text"))?;
            let storage = known
                .get(key)
                .ok_or_else(|| self.format(format!("no tensor knows storage {key}")))?;
            let size = (storage.count as u64).checked_mul(storage.element.bytes() as u64);
            let end = size.and_then(|size| place.checked_add(8)?.checked_add(size));
            let Some(end) = end.filter(|end| *end <= self.length) else {
                return Err(self.format(format!("it ends inside storage {key}")));
            };
            let mut count = [0; 8];
            file.seek(SeekFrom::Start(place))
                .and_then(|_| file.read_exact(&mut count))
                .map_err(read_error)?;
            if u64::from_le_bytes(count) != storage.count as u64 {
                return Err(self.format(format!("storage {key} is not as long as it should be")));
            }
            places.insert(key.to_owned(), place + 8);
            place = end;
        }
        self.tensors(&value, |key, expected| {
            let place = places.get(key).ok_or("its storage is not in the file")?;
            let mut bytes = vec![0; expected as usize];
            file.seek(SeekFrom::Start(*place))
                .and_then(|_| file.read_exact(&mut bytes))
                .map_err(|error| error.to_string())?;
            Ok(bytes)
        })
    }

    /// The tensors of the state dict in a pickle, each storage read once.
    fn tensors(
        &self,
        pickle: &Pickle<'_>,
        mut storage_bytes: impl FnMut(&str, u64) -> Result<Vec<u8>, String>,
    ) -> Result<StateDict, PytorchError> {
        let views = self.state_dict(pickle)?;
        let mut left = self.length;
        let mut of_storage: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, (name, view)) in views.iter().enumerate() {
            // Views may share memory or repeat it: without a bound a small file could ask for any amount.
            left = left
                .checked_sub(view.count() as u64)
                .ok_or_else(|| self.tensor(name, "more numbers than the file has bytes"))?;
            let key = pickle.text(&view.storage.key);
            of_storage.entry(key).or_default().push(index);
        }
        let mut tensors: Vec<Option<StateTensor>> = vec![None; views.len()];
        for (key, users) in of_storage {
            let (first, view) = &views[users[0]];
            let size = (view.storage.count as u64)
                .checked_mul(view.storage.element.bytes() as u64)
                .filter(|size| *size <= self.length)
                .ok_or_else(|| self.tensor(first, "its storage is larger than the file"))?;
            let bytes = storage_bytes(key, size).map_err(|reason| self.tensor(first, reason))?;
            for index in users {
                let (name, other) = &views[index];
                if (other.storage.element, other.storage.count)
                    != (view.storage.element, view.storage.count)
                {
                    return Err(self.tensor(name, "its storage is of another kind elsewhere"));
                }
                tensors[index] = Some(StateTensor {
                    shape: other.shape.clone(),
                    values: gather(other, &bytes),
                });
            }
        }
        Ok(StateDict {
            tensors: views
                .into_iter()
                .map(|(name, _)| name)
                .zip(tensors.into_iter().flatten())
                .collect(),
        })
    }

    /// Names and views of the dictionary that is the state dict.
    fn state_dict<'b>(
        &self,
        pickle: &'b Pickle<'_>,
    ) -> Result<Vec<(String, &'b TensorView)>, PytorchError> {
        let direct = views(pickle, pickle.root());
        if !direct.is_empty() {
            return Ok(direct);
        }
        let mut inner: Vec<_> = entries(pickle, pickle.root())
            .into_iter()
            .map(|(name, value)| (name, views(pickle, value)))
            .filter(|(_, views)| !views.is_empty())
            .collect();
        let wanted = inner.iter().position(|(name, _)| name == "state_dict");
        match (wanted, inner.len()) {
            (Some(place), _) => Ok(inner.swap_remove(place).1),
            (None, 1) => Ok(inner.swap_remove(0).1),
            (None, 0) => Err(self.format("it holds no dictionary of tensors")),
            (None, _) => {
                let names: Vec<_> = inner.into_iter().map(|(name, _)| name).collect();
                Err(self.format(format!(
                    "it holds several dictionaries of tensors ({}) and none called state_dict",
                    names.join(", ")
                )))
            }
        }
    }
}

/// The entries of a dictionary whose keys are text; of a key that was set twice the last value, at the first's place.
fn entries<'a>(pickle: &'a Pickle<'_>, dictionary: &'a Value) -> Vec<(String, &'a Value)> {
    let Value::Dictionary(pairs) = dictionary else {
        return Vec::new();
    };
    let mut found: Vec<(String, &Value)> = Vec::new();
    let mut places = HashMap::new();
    for (key, value) in pairs {
        let (Value::Text(key) | Value::Bytes(key)) = pickle.get(*key) else {
            continue;
        };
        let place = *places.entry(pickle.text(key)).or_insert(found.len());
        match found.get_mut(place) {
            Some(entry) => entry.1 = pickle.get(*value),
            None => found.push((pickle.text(key).to_owned(), pickle.get(*value))),
        }
    }
    found
}

fn views<'a>(pickle: &'a Pickle<'_>, dictionary: &'a Value) -> Vec<(String, &'a TensorView)> {
    let entries = entries(pickle, dictionary).into_iter();
    entries
        .filter_map(|(name, value)| match value {
            Value::Tensor(view) => Some((name, &**view)),
            _ => None,
        })
        .collect()
}

/// The numbers of a view in row-major order. The view is within its storage, which `bytes` is the whole of.
fn gather(view: &TensorView, bytes: &[u8]) -> StateValues {
    fn numbers<const N: usize, T>(
        view: &TensorView,
        bytes: &[u8],
        number: impl Fn([u8; N]) -> T,
    ) -> Vec<T> {
        let (elements, _) = bytes.as_chunks::<N>();
        let count = view.count();
        let mut numbers = Vec::with_capacity(count);
        let mut place = vec![0; view.shape.len()];
        let mut at = view.offset;
        for _ in 0..count {
            numbers.push(number(elements[at]));
            for (axis, step) in place.iter_mut().enumerate().rev() {
                *step += 1;
                at += view.strides[axis];
                if *step < view.shape[axis] {
                    break;
                }
                at -= *step * view.strides[axis];
                *step = 0;
            }
        }
        numbers
    }
    use StateValues::{Floats, Integers};
    match view.storage.element {
        StorageElement::F64 => Floats(numbers(view, bytes, |n| f64::from_le_bytes(n) as f32)),
        StorageElement::F32 => Floats(numbers(view, bytes, f32::from_le_bytes)),
        StorageElement::F16 => Floats(numbers(view, bytes, |n| half(u16::from_le_bytes(n)))),
        StorageElement::BF16 => Floats(numbers(view, bytes, |n| {
            f32::from_bits(u32::from(u16::from_le_bytes(n)) << 16)
        })),
        StorageElement::I64 => Integers(numbers(view, bytes, i64::from_le_bytes)),
        StorageElement::I32 => Integers(numbers(view, bytes, |n| i32::from_le_bytes(n).into())),
        StorageElement::I16 => Integers(numbers(view, bytes, |n| i16::from_le_bytes(n).into())),
        StorageElement::I8 => Integers(numbers(view, bytes, |n| i8::from_le_bytes(n).into())),
        StorageElement::U8 => Integers(numbers(view, bytes, |[n]| n.into())),
        StorageElement::Bool => Integers(numbers(view, bytes, |[n]| (n != 0).into())),
    }
}

/// The value of a 16-bit float: sign, 5 bits of exponent, 10 of fraction (IEEE 754 binary16).
pub(super) fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f32.powi(-24),
        0x1f if fraction == 0.0 => f32::INFINITY,
        0x1f => f32::NAN,
        _ => (1024.0 + fraction) * 2_f32.powi(exponent - 25),
    }
}
