//! Checkpoints that TensorFlow's Saver wrote: `NAME.index` beside `NAME.data-00000-of-00001`, or more such shards.
//!
//! The index is a table ([`table`]) from names to `BundleEntryProto` messages, which say type, shape and place of the
//! numbers; the name "" holds a `BundleHeaderProto`. Source: TensorFlow's `core/protobuf/tensor_bundle.proto` and
//! `core/util/tensor_bundle/tensor_bundle.cc`. Nothing of a graph (`.meta`) is read.

mod table;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use facetui::{
    run::masked_crc32c,
    untrusted::{visible, visible_path},
};
use prost::Message;
use thiserror::Error;

use super::pytorch::{StateTensor, StateValues, half};

/// The largest index that is read, in bytes; one of a thousand tensors takes 100 kB.
const LARGEST_INDEX: u64 = 64 << 20;
/// What the name of an index ends with.
const INDEX: &str = ".index";

/// A checkpoint whose index is read, and whose numbers are not.
#[derive(Debug)]
pub struct TensorflowCheckpoint {
    path: PathBuf,
    tensors: BTreeMap<String, Place>,
    shards: Vec<Shard>,
}

/// Why a checkpoint was not read.
#[derive(Debug, Error)]
pub enum TensorflowError {
    /// A file can't be read.
    #[error(
        "can't read {} of a TensorFlow checkpoint: {source}",
        visible_path(path)
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The index isn't what TensorFlow writes, or is damaged.
    #[error(
        "{} isn't the whole index of a TensorFlow checkpoint: {}; give the NAME.index that tf.train.Saver wrote, with its NAME.data files beside it",
        visible_path(path),
        visible(reason)
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A tensor's numbers are not where they should be, or not numbers.
    #[error("{}, tensor {}: {reason}", visible_path(path), visible(name))]
    Tensor {
        /// The index.
        path: PathBuf,
        /// The tensor's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

/// Where a tensor's numbers are.
#[derive(Debug)]
struct Place {
    /// What its numbers are, or why they can't be read.
    element: Result<Element, String>,
    shape: Vec<usize>,
    shard: usize,
    offset: u64,
    bytes: u64,
    sum: u32,
}

/// A file of numbers.
#[derive(Debug)]
struct Shard {
    path: PathBuf,
    bytes: u64,
}

#[derive(Debug, Clone, Copy)]
enum Element {
    F32,
    F64,
    F16,
    BF16,
    I32,
    I64,
}

impl Element {
    /// Of TensorFlow's `DataType`.
    fn of(data_type: i32) -> Option<Self> {
        Some(match data_type {
            1 => Self::F32,
            2 => Self::F64,
            3 => Self::I32,
            9 => Self::I64,
            14 => Self::BF16,
            19 => Self::F16,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }
}

impl TensorflowCheckpoint {
    /// Reads the index at `path` and looks whether the files beside it are as long as it says.
    ///
    /// # Errors
    /// A file can't be read or is too short, the index is damaged or none, or a variable is stored in parts.
    pub fn open(path: &Path) -> Result<Self, TensorflowError> {
        let format = |reason: String| TensorflowError::Format {
            path: path.to_owned(),
            reason,
        };
        let bytes = read_index(path)?;
        let mut entries = table::read(&bytes).map_err(format)?.into_iter();
        let header = entries
            .next()
            .filter(|(name, _)| name.is_empty())
            .ok_or_else(|| format("it has no header".to_owned()))?;
        let header = HeaderMessage::decode(header.1)
            .map_err(|error| format(format!("its header: {error}")))?;
        if header.endianness != 0 {
            return Err(format("its numbers are big-endian".to_owned()));
        }
        let mut checkpoint = Self {
            shards: shards(path, header.num_shards)?,
            path: path.to_owned(),
            tensors: BTreeMap::new(),
        };
        for (name, value) in entries {
            // The parts of a variable that is stored in parts have names of their own, which are no text.
            let Ok(name) = String::from_utf8(name) else {
                continue;
            };
            let entry = EntryMessage::decode(value);
            let place = entry
                .map_err(|error| error.to_string())
                .and_then(|entry| checkpoint.place(&entry))
                .map_err(|reason| checkpoint.tensor(&name, reason))?;
            checkpoint.tensors.insert(name, place);
        }
        // Tensors that share numbers would let small files ask for any amount of memory.
        let numbers = checkpoint.tensors.values().map(|place| place.bytes);
        let room = checkpoint.shards.iter().map(|shard| shard.bytes).sum();
        if numbers.fold(0, u64::saturating_add) > room {
            return Err(format(
                "its tensors take more bytes than its files have".to_owned(),
            ));
        }
        Ok(checkpoint)
    }

    /// Names and shapes of the tensors, in the order of names.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let tensors = self.tensors.iter();
        tensors.map(|(name, place)| (name.as_str(), place.shape.as_slice()))
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|place| place.shape.as_slice())
    }

    /// Reads a tensor and checks its sum.
    ///
    /// # Errors
    /// There is none of that name, it holds no numbers, or they are damaged.
    pub fn read(&self, name: &str) -> Result<StateTensor, TensorflowError> {
        let wrong = |reason: &str| self.tensor(name, reason);
        let place = self
            .tensors
            .get(name)
            .ok_or_else(|| wrong("the checkpoint has none of this name"))?;
        let element = place.element.clone().map_err(|reason| wrong(&reason))?;
        let shard = &self.shards[place.shard];
        let read = |source| TensorflowError::Read {
            path: shard.path.clone(),
            source,
        };
        // No longer than the file: that was looked at.
        let mut bytes = vec![0; place.bytes as usize];
        let mut file = File::open(&shard.path).map_err(read)?;
        file.seek(SeekFrom::Start(place.offset))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(read)?;
        if masked_crc32c(crc32c::crc32c(&bytes)) != place.sum {
            return Err(wrong("its numbers have another checksum than they should"));
        }
        Ok(StateTensor {
            shape: place.shape.clone(),
            values: values(element, &bytes),
        })
    }

    fn tensor(&self, name: &str, reason: impl Into<String>) -> TensorflowError {
        TensorflowError::Tensor {
            path: self.path.clone(),
            name: name.to_owned(),
            reason: reason.into(),
        }
    }

    /// An entry, checked against the files.
    fn place(&self, entry: &EntryMessage) -> Result<Place, String> {
        let shard = usize::try_from(entry.shard_id)
            .ok()
            .filter(|shard| *shard < self.shards.len())
            .ok_or_else(|| format!("it is in shard {}, which isn't there", entry.shard_id))?;
        let place = u64::try_from(entry.offset)
            .ok()
            .zip(u64::try_from(entry.size).ok());
        let (offset, bytes) = place
            .filter(|(offset, bytes)| {
                let end = offset.checked_add(*bytes);
                end.is_some_and(|end| end <= self.shards[shard].bytes)
            })
            .ok_or_else(|| {
                let path = visible_path(&self.shards[shard].path);
                format!("its numbers reach beyond the end of {path}, which is cut short")
            })?;
        let dimensions = entry.shape.iter().flat_map(|shape| &shape.dim);
        let shape = dimensions
            .map(|dimension| usize::try_from(dimension.size).ok())
            .collect::<Option<Vec<usize>>>()
            .ok_or("its shape has a negative length")?;
        let element = match Element::of(entry.dtype) {
            _ if !entry.slices.is_empty() => Err(
                "it is stored in parts (a partitioned variable); save it once more as one"
                    .to_owned(),
            ),
            Some(element) => Ok(element),
            None => Err(format!("it holds no numbers (type {})", entry.dtype)),
        };
        if let Ok(element) = &element {
            let expected = shape
                .iter()
                .try_fold(element.bytes(), |bytes, length| bytes.checked_mul(*length));
            if expected.map(|bytes| bytes as u64) != Some(bytes) {
                return Err(format!(
                    "its shape is {shape:?} and its numbers take {bytes} bytes"
                ));
            }
        }
        Ok(Place {
            element,
            shape,
            shard,
            offset,
            bytes,
            sum: entry.crc32c,
        })
    }
}

fn read_index(path: &Path) -> Result<Vec<u8>, TensorflowError> {
    let read = |source| TensorflowError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(read)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_INDEX + 1)
        .read_to_end(&mut bytes)
        .map_err(read)?;
    if bytes.len() as u64 > LARGEST_INDEX {
        return Err(TensorflowError::Format {
            path: path.to_owned(),
            reason: "it is larger than any checkpoint's".to_owned(),
        });
    }
    Ok(bytes)
}

/// The files of numbers beside an index.
fn shards(index: &Path, count: i32) -> Result<Vec<Shard>, TensorflowError> {
    let name = index.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(INDEX).unwrap_or(&name);
    let mut shards = Vec::new();
    // The first file that isn't there ends it, whatever the count.
    for number in 0..count {
        let path = index.with_file_name(format!("{stem}.data-{number:05}-of-{count:05}"));
        let file = path.metadata().map_err(|source| TensorflowError::Read {
            path: path.clone(),
            source,
        })?;
        shards.push(Shard {
            path,
            bytes: file.len(),
        });
    }
    Ok(shards)
}

fn values(element: Element, bytes: &[u8]) -> StateValues {
    fn numbers<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (elements, _) = bytes.as_chunks::<N>();
        elements.iter().map(|bytes| number(*bytes)).collect()
    }
    use StateValues::{Floats, Integers};
    match element {
        Element::F32 => Floats(numbers(bytes, f32::from_le_bytes)),
        Element::F64 => Floats(numbers(bytes, |n| f64::from_le_bytes(n) as f32)),
        Element::F16 => Floats(numbers(bytes, |n| half(u16::from_le_bytes(n)))),
        Element::BF16 => Floats(numbers(bytes, |n| {
            f32::from_bits(u32::from(u16::from_le_bytes(n)) << 16)
        })),
        Element::I32 => Integers(numbers(bytes, |n| i32::from_le_bytes(n).into())),
        Element::I64 => Integers(numbers(bytes, i64::from_le_bytes)),
    }
}

/// `BundleHeaderProto`.
#[derive(Clone, PartialEq, Message)]
struct HeaderMessage {
    #[prost(int32, tag = "1")]
    num_shards: i32,
    /// 0 for little-endian.
    #[prost(int32, tag = "2")]
    endianness: i32,
}

/// `BundleEntryProto`.
#[derive(Clone, PartialEq, Message)]
struct EntryMessage {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<ShapeMessage>,
    #[prost(int32, tag = "3")]
    shard_id: i32,
    #[prost(int64, tag = "4")]
    offset: i64,
    #[prost(int64, tag = "5")]
    size: i64,
    #[prost(fixed32, tag = "6")]
    crc32c: u32,
    /// Of which parts a partitioned variable consists.
    #[prost(message, repeated, tag = "7")]
    slices: Vec<SliceMessage>,
}

/// `TensorSliceProto`, of which only that it is there matters.
#[derive(Clone, PartialEq, Message)]
struct SliceMessage {}

/// `TensorShapeProto`.
#[derive(Clone, PartialEq, Message)]
struct ShapeMessage {
    #[prost(message, repeated, tag = "2")]
    dim: Vec<DimensionMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct DimensionMessage {
    #[prost(int64, tag = "1")]
    size: i64,
}
