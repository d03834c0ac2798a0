//! Sets of image pairs as Python pickled them: `.bin` and `.np`.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use super::{ImagePair, PairsDialect, Source, VerificationImages};
use crate::data::DataError;
use crate::data::pickle::{Array, Element, Pickle, Value, ValueId};

/// The most pairs that a pickle may hold.
const MOST_PAIRS: usize = 1 << 20;
/// The largest height or width of an array of pixels.
const LARGEST_SIDE: usize = 8192;

impl VerificationImages {
    /// Of a pickle's bytes; images stay where they lie in it.
    pub(super) fn from_pickle(path: &Path, mut buffer: Vec<u8>) -> Result<Self, DataError> {
        let pickle = Pickle::read(&buffer).map_err(|error| {
            DataError::malformed(path, format!("byte {}", error.position), error.problem)
        })?;
        let start = buffer.as_ptr() as usize;
        let mut collected = Collected {
            pickle: &pickle,
            start,
            length: buffer.len(),
            recoded: Vec::new(),
            sources: Vec::new(),
            names: Vec::new(),
            seen: 0,
            known: HashMap::new(),
            known_values: HashMap::new(),
        };
        let outcome = pickle_pairs(&mut collected);
        let Collected {
            sources,
            names,
            recoded,
            ..
        } = collected;
        buffer.extend_from_slice(&recoded);
        let (dialect, pairs) = outcome.map_err(|problem| DataError::unsuitable(path, problem))?;
        Ok(Self {
            pairs,
            path: path.to_owned(),
            dialect,
            buffer,
            sources,
            names,
        })
    }
}

/// Images found in a pickle so far, each once.
struct Collected<'a> {
    pickle: &'a Pickle<'a>,
    /// Where the file lies in memory, and its length in bytes.
    start: usize,
    length: usize,
    /// Bytes that the file holds as text only; they go behind the file.
    recoded: Vec<u8>,
    sources: Vec<Source>,
    names: Vec<String>,
    /// Images so far, repeated ones included: their places in the file.
    seen: usize,
    known: HashMap<&'a [u8], usize>,
    /// Values seen before: a file can name one large value a million times, and none is looked at twice.
    known_values: HashMap<ValueId, usize>,
}

impl Collected<'_> {
    /// Adds an image; `None` where the value is not bytes.
    fn add(&mut self, id: ValueId, make: impl FnOnce(Range<usize>) -> Source) -> Option<usize> {
        self.seen += 1;
        if let Some(known) = self.known_values.get(&id) {
            return Some(*known);
        }
        let value = self.pickle.get(id);
        let bytes = self.pickle.bytes_of(value)?;
        let image = match self.known.get(bytes) {
            Some(known) => *known,
            None => self.add_new(value, bytes, make),
        };
        self.known_values.insert(id, image);
        Some(image)
    }
}

impl<'a> Collected<'a> {
    fn add_new(
        &mut self,
        value: &Value,
        bytes: &'a [u8],
        make: impl FnOnce(Range<usize>) -> Source,
    ) -> usize {
        let offset = if self.pickle.stored_bytes(value).is_some() {
            bytes.as_ptr() as usize - self.start
        } else {
            self.recoded.extend_from_slice(bytes);
            self.length + self.recoded.len() - bytes.len()
        };
        self.sources.push(make(offset..offset + bytes.len()));
        self.names.push(format!("#{}", self.seen - 1));
        self.known.insert(bytes, self.sources.len() - 1);
        self.sources.len() - 1
    }
}

type Pairs = (PairsDialect, Vec<ImagePair>);

fn pickle_pairs(collected: &mut Collected<'_>) -> Result<Pairs, String> {
    let pickle = collected.pickle;
    let pair = match pickle.members(pickle.root()) {
        Some([first, second]) => [pickle.get(*first), pickle.get(*second)],
        _ => return Err("a pickle, but not of a pair of lists; `.bin` holds (images, same), `.np` holds (positive, negative)".into()),
    };
    let is_pair = |value: &Value| {
        pickle
            .members(value)
            .is_some_and(|members| members.len() == 2)
    };
    let first = pickle.members(pair[0]).and_then(|members| members.first());
    if first.is_some_and(|first| is_pair(pickle.get(*first))) {
        pixel_pairs(collected, pair)
    } else {
        bin_pairs(collected, pair)
    }
}

/// `(bins, issame)` with two bins a pair.
fn bin_pairs(collected: &mut Collected<'_>, [bins, same]: [&'_ Value; 2]) -> Result<Pairs, String> {
    let pickle = collected.pickle;
    let bins = pickle
        .members(bins)
        .ok_or("the images of a .bin are not a list")?;
    let same = pickle
        .booleans(same)
        .ok_or("the second list of a .bin is not one of True and False")?;
    if bins.len() != 2 * same.len() || same.is_empty() {
        return Err(format!(
            "{} images for {} pairs; a .bin holds two images a pair",
            bins.len(),
            same.len()
        ));
    }
    if same.len() > MOST_PAIRS {
        return Err(too_many_pairs());
    }
    let dialect = match pickle.get(bins[0]) {
        Value::Array(_) => PairsDialect::BinArrays,
        Value::Bytes(range) if pickle.is_python2_string(range) => PairsDialect::BinStrings,
        _ => PairsDialect::BinBytes,
    };
    let mut indices = Vec::with_capacity(bins.len());
    for (place, bin) in bins.iter().enumerate() {
        let bytes = match pickle.get(*bin) {
            Value::Array(array) if array.element == Element::U8 => array.data,
            _ => *bin,
        };
        let index = collected.add(bytes, Source::Encoded);
        indices.push(index.ok_or_else(|| format!("image {place} is not bytes"))?);
    }
    let pairs = same
        .iter()
        .zip(indices.as_chunks::<2>().0)
        .map(|(&same, &[a, b])| pair_of(a, b, same))
        .collect();
    Ok((dialect, pairs))
}

/// `(positive, negative)`, lists of pairs of `[height, width, 3]` arrays.
fn pixel_pairs(collected: &mut Collected<'_>, lists: [&'_ Value; 2]) -> Result<Pairs, String> {
    let pickle = collected.pickle;
    let mut pairs = Vec::new();
    for (list, same) in lists.into_iter().zip([true, false]) {
        let list = pickle
            .members(list)
            .ok_or("a .np holds a list of positive and a list of negative pairs")?;
        for pair in list {
            let number = pairs.len();
            if number >= MOST_PAIRS {
                return Err(too_many_pairs());
            }
            let Some([a, b]) = pickle.members(pickle.get(*pair)) else {
                return Err(format!("pair {number} does not have two images"));
            };
            let mut image = |id| match pickle.get(id) {
                Value::Array(Array {
                    shape,
                    element: Element::U8,
                    data,
                }) => {
                    let &[height, width, 3] = shape.as_slice() else {
                        return Err(format!(
                            "an image of pair {number} has shape {shape:?}; [height, width, 3] is known"
                        ));
                    };
                    if ![height, width]
                        .iter()
                        .all(|side| (1..=LARGEST_SIDE).contains(side))
                    {
                        return Err(format!(
                            "an image of pair {number} has shape {shape:?}; 1 to {LARGEST_SIDE} pixels a side are possible"
                        ));
                    }
                    let index = collected.add(*data, |range| Source::Pixels {
                        range,
                        height: height as u32,
                        width: width as u32,
                    });
                    index.ok_or_else(|| format!("an image of pair {number} has no pixels"))
                }
                _ => Err(format!(
                    "an image of pair {number} is not an array of bytes"
                )),
            };
            let (a, b) = (image(*a)?, image(*b)?);
            pairs.push(pair_of(a, b, same));
        }
    }
    Ok((PairsDialect::PixelArrays, pairs))
}

fn too_many_pairs() -> String {
    format!("more than {MOST_PAIRS} pairs, which no verification set has")
}

fn pair_of(a: usize, b: usize, same: bool) -> ImagePair {
    ImagePair {
        a,
        b,
        same,
        fold: None,
    }
}
