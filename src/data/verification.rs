//! Sets of image pairs: same person or not. Every form users hold becomes one [`VerificationImages`].

mod pickled;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::content::Content;
use super::error::shown;
use super::{DataError, Image, file, pairs};

/// The largest pickle that is read, in bytes.
const LARGEST_FILE: u64 = 4 << 30;
/// The largest list of pairs that is read, in bytes.
pub(super) const LARGEST_LIST: u64 = 256 << 20;

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
        let buffer = file::read(data, LARGEST_FILE, "a verification set")?;
        Self::from_bytes(data, buffer, images)
    }

    /// As [`VerificationImages::open`], from the bytes of the file; `path` is what messages name.
    ///
    /// # Errors
    /// As [`VerificationImages::open`].
    pub fn from_bytes(
        path: &Path,
        bytes: Vec<u8>,
        images: Option<&Path>,
    ) -> Result<Self, DataError> {
        if bytes.first() == Some(&0x80) {
            Self::from_pickle(path, bytes)
        } else {
            Self::from_list(path, &bytes, images)
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
        let mut image = Image::default();
        self.read_again(index, &mut image, &mut Vec::new())?;
        Ok(image)
    }

    /// Like [`VerificationImages::image`], into memory that is there already; `bytes` becomes what is on disk.
    ///
    /// # Errors
    /// As [`VerificationImages::image`].
    pub(super) fn read_again(
        &self,
        index: usize,
        image: &mut Image,
        bytes: &mut Vec<u8>,
    ) -> Result<(), DataError> {
        let source = self
            .sources
            .get(index)
            .ok_or_else(|| DataError::unsuitable(&self.path, format!("has no image {index}")))?;
        bytes.clear();
        match source {
            Source::Encoded(range) => {
                bytes.extend_from_slice(&self.buffer[range.clone()]);
                // What is measured is measured on the pixels that others measure on.
                *image = Image::decode(bytes, &self.name_of_image(index))?;
                Ok(())
            }
            Source::Pixels {
                range,
                height,
                width,
            } => {
                bytes.extend_from_slice(&self.buffer[range.clone()]);
                (image.width, image.height) = (*width, *height);
                image.rgb.clone_from(bytes);
                Ok(())
            }
            Source::File(path) => {
                file::read_image(path, bytes)?;
                *image = Image::decode(bytes, &shown(path))?;
                Ok(())
            }
        }
    }

    /// The file of an image that has one of its own.
    pub(super) fn file_of_image(&self, index: usize) -> Option<&Path> {
        match self.sources.get(index) {
            Some(Source::File(path)) => Some(path),
            _ => None,
        }
    }

    /// Where an image comes from, for messages.
    pub(super) fn name_of_image(&self, index: usize) -> String {
        match self.file_of_image(index) {
            Some(path) => shown(path),
            None => format!("{}, image {}", shown(&self.path), self.name(index)),
        }
    }

    fn from_list(path: &Path, text: &[u8], images: Option<&Path>) -> Result<Self, DataError> {
        if text.len() as u64 > LARGEST_LIST {
            let problem = "larger than 256 MiB, which no list of pairs is";
            return Err(DataError::unsuitable(path, problem));
        }
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
                shown(path),
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
        VerificationImages::from_bytes(Path::new("x.bin"), bytes.to_vec(), None)
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
