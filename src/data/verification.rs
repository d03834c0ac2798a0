//! Sets of image pairs: same person or not. Every form users hold becomes one [`VerificationImages`].

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::content::Content;
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
    names: Vec<String>,
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

    /// What an image is called: as the list names it, or its place in a pickle, `#0`, where it first occurs.
    pub fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// A hash of the images in their order: of the bytes of a pickle; of names, lengths and times of change of files.
    ///
    /// # Errors
    /// When a file can't be looked at.
    pub fn content(&self) -> Result<String, DataError> {
        let mut content = Content::of("images");
        let mut files = Vec::new();
        for (source, name) in self.sources.iter().zip(&self.names) {
            match source {
                Source::Encoded(range) => content.add(&self.buffer[range.clone()]),
                Source::Pixels {
                    range,
                    height,
                    width,
                } => {
                    content.add(format!("{height}x{width}").as_bytes());
                    content.add(&self.buffer[range.clone()]);
                }
                Source::File(path) => files.push((name.as_str(), path.as_path())),
            }
        }
        content.add_files(&files)?;
        Ok(content.hash())
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
                let name = format!("{}, image {}", self.path.display(), self.name(index));
                Image::decode(&self.buffer[range.clone()], &name)
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

    fn from_pickle(path: &Path, buffer: Vec<u8>) -> Result<Self, DataError> {
        let pickle = Pickle::read(&buffer).map_err(|error| {
            DataError::malformed(path, format!("byte {}", error.position), error.problem)
        })?;
        let start = buffer.as_ptr() as usize;
        let mut collected = Collected {
            pickle: &pickle,
            start,
            sources: Vec::new(),
            names: Vec::new(),
            seen: 0,
            known: HashMap::new(),
        };
        let outcome = pickle_pairs(&mut collected);
        let Collected { sources, names, .. } = collected;
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

    fn from_list(path: &Path, text: &[u8], images: Option<&Path>) -> Result<Self, DataError> {
        let list = pairs::read_image_pairs(path, text)?;
        let root = images.ok_or_else(|| {
            DataError::unsuitable(path, "this is a list of pairs, which needs the folder of its images (--images, or prefix in config.ini)")
        })?;
        let mut sources = Vec::new();
        let mut names = Vec::new();
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
                    names.push(name.to_owned());
                    sources.len() - 1
                })
            };
            let (a, b) = (image(&pair.a), image(&pair.b));
            pairs.push(ImagePair {
                a,
                b,
                same: pair.same,
                fold: pair.fold,
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
            names,
        })
    }
}

/// Images found in a pickle so far, each once.
struct Collected<'a> {
    pickle: &'a Pickle<'a>,
    start: usize,
    sources: Vec<Source>,
    names: Vec<String>,
    /// Images so far, repeated ones included: their places in the file.
    seen: usize,
    known: HashMap<&'a [u8], usize>,
}

impl<'a> Collected<'a> {
    fn add(&mut self, bytes: &'a [u8], make: impl FnOnce(Range<usize>) -> Source) -> usize {
        let (start, place) = (self.start, self.seen);
        let (sources, names) = (&mut self.sources, &mut self.names);
        self.seen += 1;
        *self.known.entry(bytes).or_insert_with(|| {
            let offset = bytes.as_ptr() as usize - start;
            sources.push(make(offset..offset + bytes.len()));
            names.push(format!("#{place}"));
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
            pairs.push(pair_of(a, b, same));
        }
    }
    Ok((PairsDialect::PixelArrays, pairs))
}

fn pair_of(a: usize, b: usize, same: bool) -> ImagePair {
    ImagePair {
        a,
        b,
        same,
        fold: None,
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
        assert_eq!([0, 1, 2].map(|image| set.name(image)), ["#0", "#1", "#3"]);
    }

    #[test]
    fn the_content_is_that_of_the_images_and_not_of_the_pairs() {
        let of = |images: &[Vec<u8>], same: &[bool]| {
            opened(&write_bin(images, same)).unwrap().content().unwrap()
        };
        let first = of(&[tiny(1), tiny(2), tiny(1), tiny(3)], &[true, false]);
        assert_eq!(
            first,
            of(&[tiny(1), tiny(2), tiny(3), tiny(1)], &[false, false])
        );
        assert_ne!(
            first,
            of(&[tiny(1), tiny(2), tiny(1), tiny(4)], &[true, false])
        );
        assert_ne!(
            first,
            of(&[tiny(2), tiny(1), tiny(1), tiny(3)], &[true, false])
        );
    }

    #[test]
    fn images_of_a_list_are_called_as_the_list_does() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("pairs.txt");
        std::fs::write(&list, "1,a/1.png,a/2.png\n0,a/1.png,b/1.png\n").unwrap();
        for (name, shade) in [("a/1.png", 1), ("a/2.png", 2), ("b/1.png", 3)] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, tiny(shade)).unwrap();
        }
        let open = || VerificationImages::open(&list, Some(folder.path())).unwrap();
        let set = open();
        assert_eq!(
            [0, 1, 2].map(|image| set.name(image)),
            ["a/1.png", "a/2.png", "b/1.png"]
        );
        let before = set.content().unwrap();
        assert_eq!(open().content().unwrap(), before);
        std::fs::write(folder.path().join("b/1.png"), [tiny(3), tiny(4)].concat()).unwrap();
        assert_ne!(open().content().unwrap(), before);
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
