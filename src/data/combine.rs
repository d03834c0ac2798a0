//! Several training sets as one: images and classes counted through, shares by weight.

use super::training::TrainingImages;
use super::{DataError, Image};

/// Several training sets, one after the other.
#[derive(Debug)]
pub struct Combined {
    sets: Vec<TrainingImages>,
    weights: Vec<f64>,
    /// Number of images before each set, and in all.
    image_starts: Vec<usize>,
    /// Number of classes before each set, and in all.
    class_starts: Vec<u32>,
}

impl Combined {
    /// Combines sets; a weight is a set's relative share of the drawn images, −1 for all means by size.
    ///
    /// # Errors
    /// When there is no image, or more classes or images than can be counted.
    pub fn new(sets: Vec<(TrainingImages, f64)>) -> Result<Self, DataError> {
        let (sets, weights): (Vec<_>, Vec<_>) = sets.into_iter().unzip();
        let (mut image_starts, mut class_starts) = (vec![0], vec![0u32]);
        for set in &sets {
            image_starts.push(image_starts[image_starts.len() - 1] + set.len());
            let classes = class_starts[class_starts.len() - 1].checked_add(set.classes());
            class_starts.push(
                classes
                    .ok_or_else(|| DataError::Request("more than 4,294,967,295 classes".into()))?,
            );
        }
        if sets.iter().any(TrainingImages::is_empty) || sets.is_empty() {
            return Err(DataError::Request(
                "no training images: the recipe's [[datasets]] name no set, or an empty one".into(),
            ));
        }
        Ok(Self {
            sets,
            weights,
            image_starts,
            class_starts,
        })
    }

    /// Number of images of all sets.
    pub fn len(&self) -> usize {
        self.image_starts[self.sets.len()]
    }

    /// Whether there is no image, which [`Combined::new`] does not let happen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of classes of all sets.
    pub fn classes(&self) -> u32 {
        self.class_starts[self.sets.len()]
    }

    /// The sets.
    pub fn sets(&self) -> &[TrainingImages] {
        &self.sets
    }

    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
    }

    pub(super) fn sizes(&self) -> Vec<u64> {
        self.sets.iter().map(|set| set.len() as u64).collect()
    }

    pub(super) fn class_counts(&self) -> Vec<u64> {
        self.sets
            .iter()
            .map(|set| u64::from(set.classes()))
            .collect()
    }

    /// The set of an image, and its number in it.
    fn place(&self, index: usize) -> (usize, usize) {
        let set = self.image_starts.partition_point(|start| *start <= index) - 1;
        (set, index - self.image_starts[set])
    }

    fn class_place(&self, class: u32) -> (usize, u32) {
        let set = self.class_starts.partition_point(|start| *start <= class) - 1;
        (set, class - self.class_starts[set])
    }

    /// The class of an image, counted through all sets.
    ///
    /// # Panics
    /// When `index` is not below [`Combined::len`].
    pub fn class_of(&self, index: usize) -> u32 {
        let (set, within) = self.place(index);
        self.class_starts[set] + self.sets[set].class_of(within)
    }

    /// A person's name, where their set tells it.
    ///
    /// # Panics
    /// When `class` is not below [`Combined::classes`].
    pub fn name_of_class(&self, class: u32) -> Option<&str> {
        let (set, within) = self.class_place(class);
        self.sets[set].name_of_class(within)
    }

    /// Number of images of a class.
    pub fn class_size(&self, class: u32) -> usize {
        let (set, within) = self.class_place(class);
        self.sets[set].images_of_class(within).len()
    }

    /// The image with number `member` of a class.
    ///
    /// # Panics
    /// When `member` is not below [`Combined::class_size`].
    pub fn image_of_class(&self, class: u32, member: usize) -> usize {
        let (set, within) = self.class_place(class);
        self.image_starts[set] + self.sets[set].images_of_class(within)[member] as usize
    }

    /// Where an image comes from, for messages.
    pub fn name_of_image(&self, index: usize) -> String {
        let (set, within) = self.place(index);
        self.sets[set].name_of_image(within)
    }

    /// Decodes an image into memory that is there already; `bytes` is scratch.
    ///
    /// # Errors
    /// When it can't be read or decoded, with its name.
    pub fn read_again(
        &self,
        index: usize,
        image: &mut Image,
        bytes: &mut Vec<u8>,
    ) -> Result<(), DataError> {
        let (set, within) = self.place(index);
        self.sets[set].read_again(within, image, bytes)
    }
}
