//! Sets of image pairs: same person or not. Every form users hold becomes one [`VerificationImages`].

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::pickle::{Array, Element, Pickle, Value};
use super::{DataError, Image, pairs};

/// The largest pickle that is read, in bytes.
const LARGEST_FILE: u64 = 4 << 30;

/// Two images, and whether they show the same person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePair {
    /// Index of the first image.
    pub a: usize,
    /// Index of the second image.
    pub b: usize,
    /// Whether they show the same person.
    pub same: bool,
    /// The fold, from 0, where the set's own file says it.
    pub fold: Option<u32>,
    /// Name of the first image: a file, or a place in the set.
    pub name_a: String,
    /// Name of the second image.
    pub name_b: String,
}

/// How a set of pairs lies on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairsDialect {
    /// `.bin`, image files as Python 3 bytes.
    BinBytes,
    /// `.bin`, image files as Python 2 strings.
    BinStrings,
    /// `.bin`, image files as arrays of bytes.
    BinArrays,
    /// `.np`: lists of positive and negative pairs of pixel arrays.
    PixelArrays,
    /// LFW's `pairs.txt`.
    LfwPairs,
    /// Lines of `flag,first,second` or `first second flag`.
    FlagList,
}

/// Where one image's bytes are.
#[derive(Debug)]
enum Source {
    Encoded(Range<usize>),
    Pixels {
        range: Range<usize>,
        height: u32,
        width: u32,
    },
    File(PathBuf),
}

/// A set of image pairs; images that occur in several pairs are there once.
#[derive(Debug)]
pub struct VerificationImages {
    /// The pairs, in the file's order.
    pub pairs: Vec<ImagePair>,
    path: PathBuf,
    dialect: PairsDialect,
    buffer: Vec<u8>,
    sources: Vec<Source>,
}

impl VerificationImages {
    /// Opens a `.bin`, a `.np`, or a list of pairs with the folder of its images.
    ///
    /// # Errors
    /// When the file is none of these, broken, or names images that are not there.
    pub fn open(data: &Path, images: Option<&Path>) -> Result<Self, DataError> {
        let read = |error| DataError::read(data, error);
        let length = std::fs::metadata(data).map_err(read)?.len();
        if length > LARGEST_FILE {
            return Err(DataError::unsuitable(
                data,
                "larger than 4 GiB, which no verification set is",
            ));
        }
        let buffer = std::fs::read(data).map_err(read)?;
        if buffer.first() == Some(&0x80) {
            Self::from_pickle(data, buffer)
        } else {
            Self::from_list(data, &buffer, images)
        }
    }

    /// Number of different images.
    pub fn images(&self) -> usize {
        self.sources.len()
    }

    /// How the set lies on disk.
    pub fn dialect(&self) -> PairsDialect {
        self.dialect
    }

    /// Decodes an image.
    ///
    /// # Errors
    /// When it can't be read or decoded, with its name.
    pub fn image(&self, index: usize) -> Result<Image, DataError> {
        let source = self
            .sources
            .get(index)
            .ok_or_else(|| DataError::unsuitable(&self.path, format!("has no image {index}")))?;
        match source {
            Source::Encoded(range) => {
                Image::decode(&self.buffer[range.clone()], &self.name_of_image(index))
            }
            Source::Pixels {
                range,
                height,
                width,
            } => Ok(Image {
                width: *width,
                height: *height,
                rgb: self.buffer[range.clone()].to_vec(),
            }),
            Source::File(path) => Image::open(path),
        }
    }

    fn name_of_image(&self, index: usize) -> String {
        let name = self.pairs.iter().find_map(|pair| match index {
            _ if pair.a == index => Some(&pair.name_a),
            _ if pair.b == index => Some(&pair.name_b),
            _ => None,
        });
        format!(
            "{}, {}",
            self.path.display(),
            name.map_or("an image", String::as_str)
        )
    }

    fn from_pickle(path: &Path, buffer: Vec<u8>) -> Result<Self, DataError> {
        let pickle = Pickle::read(&buffer).map_err(|error| {
            DataError::malformed(path, format!("byte {}", error.position), error.problem)
        })?;
        let start = buffer.as_ptr() as usize;
        let mut collected = Collected {
            pickle: &pickle,
            start,
            sources: Vec::new(),
            known: HashMap::new(),
        };
        let outcome = pickle_pairs(&mut collected);
        let sources = collected.sources;
        let (dialect, pairs) = outcome.map_err(|problem| DataError::unsuitable(path, problem))?;
        Ok(Self {
            pairs,
            path: path.to_owned(),
            dialect,
            buffer,
            sources,
        })
    }

    fn from_list(path: &Path, text: &[u8], images: Option<&Path>) -> Result<Self, DataError> {
        let list = pairs::read_image_pairs(path, text)?;
        let root = images.ok_or_else(|| {
            DataError::unsuitable(path, "this is a list of pairs, which needs the folder of its images (--images, or prefix in config.ini)")
        })?;
        let mut sources = Vec::new();
        let mut known = HashMap::new();
        let mut missing = Vec::new();
        let mut pairs = Vec::with_capacity(list.pairs.len());
        for pair in list.pairs {
            let mut image = |name: &str| {
                *known.entry(name.to_owned()).or_insert_with(|| {
                    let found = pairs::image_file(root, name);
                    if found.is_none() {
                        missing.push(name.to_owned());
                    }
                    sources.push(Source::File(found.unwrap_or_else(|| root.join(name))));
                    sources.len() - 1
                })
            };
            let (a, b) = (image(&pair.a), image(&pair.b));
            pairs.push(ImagePair {
                a,
                b,
                same: pair.same,
                fold: pair.fold,
                name_a: pair.a,
                name_b: pair.b,
            });
        }
        if let Some(first) = missing.first() {
            let problem = format!(
                "{} of the {} images that {} names are not in this folder, for instance {}",
                missing.len(),
                sources.len(),
                super::error::shown(path),
                crate::untrusted::visible(first)
            );
            return Err(DataError::unsuitable(root, problem));
        }
        Ok(Self {
            pairs,
            path: path.to_owned(),
            dialect: list.dialect,
            buffer: Vec::new(),
            sources,
        })
    }
}

/// Images found in a pickle so far, each once.
struct Collected<'a> {
    pickle: &'a Pickle<'a>,
    start: usize,
    sources: Vec<Source>,
    known: HashMap<&'a [u8], usize>,
}

impl<'a> Collected<'a> {
    fn add(&mut self, bytes: &'a [u8], make: impl FnOnce(Range<usize>) -> Source) -> usize {
        let (start, sources) = (self.start, &mut self.sources);
        *self.known.entry(bytes).or_insert_with(|| {
            let offset = bytes.as_ptr() as usize - start;
            sources.push(make(offset..offset + bytes.len()));
            sources.len() - 1
        })
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
    let dialect = match pickle.get(bins[0]) {
        Value::Array(_) => PairsDialect::BinArrays,
        Value::Bytes(range) if pickle.is_python2_string(range) => PairsDialect::BinStrings,
        _ => PairsDialect::BinBytes,
    };
    let mut indices = Vec::with_capacity(bins.len());
    for (place, bin) in bins.iter().enumerate() {
        let bytes = pickle
            .stored_bytes(pickle.get(*bin))
            .ok_or_else(|| format!("image {place} is not bytes"))?;
        indices.push(collected.add(bytes, Source::Encoded));
    }
    let pairs = same
        .iter()
        .enumerate()
        .map(|(number, &same)| {
            numbered_pair(number, indices[2 * number], indices[2 * number + 1], same)
        })
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
                    let bytes = pickle
                        .stored_bytes(pickle.get(*data))
                        .ok_or("pixels recoded as text; write them with protocol 4")?;
                    Ok(collected.add(bytes, |range| Source::Pixels {
                        range,
                        height: height as u32,
                        width: width as u32,
                    }))
                }
                _ => Err(format!(
                    "an image of pair {number} is not an array of bytes"
                )),
            };
            let (a, b) = (image(*a)?, image(*b)?);
            pairs.push(numbered_pair(number, a, b, same));
        }
    }
    Ok((PairsDialect::PixelArrays, pairs))
}

fn numbered_pair(number: usize, a: usize, b: usize, same: bool) -> ImagePair {
    let name = |side: &str| format!("pair {} {side}", number + 1);
    ImagePair {
        a,
        b,
        same,
        fold: None,
        name_a: name("first"),
        name_b: name("second"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::verification_bin::write_bin;

    fn tiny(shade: u8) -> Vec<u8> {
        Image {
            width: 2,
            height: 2,
            rgb: vec![shade; 12],
        }
        .to_png()
        .unwrap()
    }

    fn opened(bytes: &[u8]) -> Result<VerificationImages, DataError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.bin");
        std::fs::write(&path, bytes).unwrap();
        VerificationImages::open(&path, None)
    }

    #[test]
    fn a_written_bin_is_read_and_repeated_images_are_there_once() {
        let bytes = write_bin(&[tiny(1), tiny(2), tiny(1), tiny(3)], &[true, false]);
        let set = opened(&bytes).unwrap();
        assert_eq!(set.images(), 3);
        assert_eq!((set.pairs[1].a, set.pairs[1].same), (set.pairs[0].a, false));
        assert_eq!(set.image(set.pairs[1].b).unwrap().rgb, [3; 12]);
        assert_eq!(set.dialect(), PairsDialect::BinBytes);
    }

    #[test]
    fn a_bin_cut_at_any_byte_is_an_error() {
        let bytes = write_bin(&[tiny(1), tiny(2)], &[true]);
        for length in 0..bytes.len() {
            assert!(opened(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn python_2_strings_are_images_too() {
        let mut bytes = b"\x80\x02]q\x00(".to_vec();
        for shade in [1, 2] {
            let image = tiny(shade);
            bytes.extend([b"U", &[image.len() as u8][..], &image].concat());
        }
        bytes.extend(b"e]\x88a\x86.");
        let set = opened(&bytes).unwrap();
        assert_eq!((set.dialect(), set.images()), (PairsDialect::BinStrings, 2));
    }

    #[test]
    fn counts_that_do_not_agree_are_an_error() {
        let message = opened(&write_bin(&[tiny(1), tiny(2)], &[true, false]))
            .unwrap_err()
            .to_string();
        assert!(message.contains("2 images for 2 pairs"), "{message}");
    }
}
