//! What a check reads, whatever its form.

use std::collections::HashMap;

use crate::data::error::shown;
use crate::data::recordio::parse_header;
use crate::data::{
    DataError, Image, RecordLayout, TrainingForm, TrainingImages, VerificationImages,
};
use crate::untrusted::visible;

/// The person of a picture whose source names nobody.
pub(super) const NOBODY: u32 = u32::MAX;

/// Memory that a thread uses again for every picture.
#[derive(Default)]
pub(super) struct Scratch {
    pub image: Image,
    pub bytes: Vec<u8>,
}

/// Pictures that can be read in any order, from any thread.
pub(super) trait Pictures: Sync {
    /// Number of pictures.
    fn len(&self) -> usize;

    /// Reads one into `scratch.image`; returns a digest of its file, and its own label where that is wrong.
    fn read(&self, index: usize, scratch: &mut Scratch) -> Result<(u128, Option<f32>), DataError>;

    /// Whose picture it is, or [`NOBODY`].
    fn person(&self, index: usize) -> u32;

    /// A picture's file or record.
    fn name(&self, index: usize) -> String;

    /// A person's name.
    fn name_of_person(&self, person: u32) -> String;
}

/// Half of BLAKE3: 128 bits tell any number of files apart.
fn digest(bytes: &[u8]) -> u128 {
    let hash = blake3::hash(bytes);
    hash.as_bytes()[..16]
        .iter()
        .fold(0, |digest, byte| digest << 8 | u128::from(*byte))
}

impl Pictures for TrainingImages {
    fn len(&self) -> usize {
        Self::len(self)
    }

    fn read(&self, index: usize, scratch: &mut Scratch) -> Result<(u128, Option<f32>), DataError> {
        let start = self.read_bytes(index, &mut scratch.bytes)?;
        scratch
            .image
            .decode_again(&scratch.bytes[start..], &Pictures::name(self, index))?;
        let wrong_label = match self.form() {
            TrainingForm::Records(RecordLayout::Insightface) => parse_header(&scratch.bytes)
                .ok()
                .and_then(|header| header.labels.first().copied())
                .filter(|label| label.to_bits() != (self.class_of(index) as f32).to_bits()),
            _ => None,
        };
        Ok((digest(&scratch.bytes[start..]), wrong_label))
    }

    fn person(&self, index: usize) -> u32 {
        self.class_of(index)
    }

    fn name(&self, index: usize) -> String {
        self.name_of_image(index)
    }

    fn name_of_person(&self, person: u32) -> String {
        match self.name_of_class(person) {
            Some(name) => visible(name),
            None => person.to_string(),
        }
    }
}

/// The pictures of a set of pairs; where they are files, their folder is their person.
pub(super) struct PairPictures<'a> {
    set: &'a VerificationImages,
    names: Vec<String>,
    people: Vec<u32>,
    names_of_people: Vec<String>,
}

impl<'a> PairPictures<'a> {
    pub fn new(set: &'a VerificationImages) -> Self {
        let mut names = Vec::with_capacity(set.images());
        let mut people = vec![NOBODY; set.images()];
        let mut names_of_people = Vec::new();
        let mut known = HashMap::new();
        for (index, person) in people.iter_mut().enumerate() {
            let name = set.name(index);
            let Some(path) = set.file_of_image(index) else {
                names.push(format!("image {}", visible(name)));
                continue;
            };
            names.push(shown(path));
            if let Some((folder, _)) = name.trim_start_matches("./").split_once('/') {
                *person = *known.entry(folder.to_owned()).or_insert_with(|| {
                    names_of_people.push(visible(folder));
                    names_of_people.len() as u32 - 1
                });
            }
        }
        Self {
            set,
            names,
            people,
            names_of_people,
        }
    }

    pub fn count_of_people(&self) -> u32 {
        self.names_of_people.len() as u32
    }
}

impl Pictures for PairPictures<'_> {
    fn len(&self) -> usize {
        self.names.len()
    }

    fn read(&self, index: usize, scratch: &mut Scratch) -> Result<(u128, Option<f32>), DataError> {
        self.set
            .read_again(index, &mut scratch.image, &mut scratch.bytes)?;
        Ok((digest(&scratch.bytes), None))
    }

    fn person(&self, index: usize) -> u32 {
        self.people[index]
    }

    fn name(&self, index: usize) -> String {
        self.names[index].clone()
    }

    fn name_of_person(&self, person: u32) -> String {
        let name = self.names_of_people.get(person as usize);
        name.cloned().unwrap_or_default()
    }
}
