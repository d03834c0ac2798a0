//! Several training sets as one: images and classes counted through, shares by weight, people that they share merged.

use std::sync::OnceLock;

use super::classes::ClassMap;
use super::error::{quoted, shown};
use super::overlap::OverlapList;
use super::training::TrainingImages;
use super::{DataError, Image};
use crate::config::{DataConfig, Recipe};

/// One of several training sets, and how it is drawn from.
#[derive(Debug)]
pub struct CombinedSet {
    /// Its name in `config.ini`.
    pub name: String,
    /// What it holds.
    pub images: TrainingImages,
    /// Its relative share of the drawn images; −1, then for all sets, means by size: its number of images, or of people
    /// where it is balanced.
    pub weight: f64,
    /// Whether every person of it is drawn equally often, instead of every image.
    pub balanced: bool,
}

/// Several training sets, one after the other.
#[derive(Debug)]
pub struct Combined {
    sets: Vec<CombinedSet>,
    classes: ClassMap,
    /// Number of images before each set, and in all; those that are left out count.
    image_starts: Vec<usize>,
    /// By set: the images that are drawn, where some are left out.
    kept: Vec<Option<Vec<u32>>>,
    /// By set, for who asks: the classes that have images in it, in order.
    people: Vec<OnceLock<Vec<u32>>>,
}

impl Combined {
    /// Opens the training sets of a recipe, with its list of overlaps.
    ///
    /// # Errors
    /// A set is missing or not of its form, or the list does not fit the sets.
    pub fn open(recipe: &Recipe, config: &DataConfig) -> Result<Self, DataError> {
        let sets = recipe.datasets.iter().map(|choice| {
            let set = config.training.get(&choice.name).ok_or_else(|| {
                DataError::Request(format!(
                    "config.ini has no section {} with a training set",
                    quoted(&choice.name)
                ))
            })?;
            Ok(CombinedSet {
                name: choice.name.clone(),
                images: TrainingImages::open(set)?,
                weight: choice.weight,
                balanced: choice.balanced,
            })
        });
        let overlaps = recipe.merge.as_deref().map(OverlapList::read).transpose()?;
        Self::new(sets.collect::<Result<_, DataError>>()?, overlaps.as_ref())
    }

    /// Combines sets; classes that `overlaps` merges are one, and those that it drops are left out.
    ///
    /// # Errors
    /// There is no image in a set, or none that is not left out; more classes than can be counted; a row of the list
    /// that does not fit the sets, with its line.
    pub fn new(sets: Vec<CombinedSet>, overlaps: Option<&OverlapList>) -> Result<Self, DataError> {
        if sets.iter().any(|set| set.images.is_empty()) || sets.is_empty() {
            return Err(DataError::Request(
                "no training images: the recipe's [[datasets]] name no set, or an empty one".into(),
            ));
        }
        let counts: Vec<(&str, u32)> = sets
            .iter()
            .map(|set| (set.name.as_str(), set.images.classes()))
            .collect();
        let classes = ClassMap::new(&counts, overlaps)?;
        let mut image_starts = vec![0];
        let mut kept = Vec::new();
        for (number, set) in sets.iter().enumerate() {
            let images = set.images.len();
            image_starts.push(image_starts[number] + images);
            kept.push(classes.leaves_out().then(|| {
                (0..images as u32)
                    .filter(|image| {
                        classes
                            .of(number, set.images.class_of(*image as usize))
                            .is_some()
                    })
                    .collect()
            }));
            if kept[number].as_ref().is_some_and(Vec::is_empty) {
                let list = overlaps.map(|list| shown(&list.path)).unwrap_or_default();
                return Err(DataError::Request(format!(
                    "{list} drops every class of {}; take the set out of the recipe's [[datasets]]",
                    quoted(&set.name)
                )));
            }
        }
        let people = sets.iter().map(|_| OnceLock::new()).collect();
        Ok(Self {
            sets,
            classes,
            image_starts,
            kept,
            people,
        })
    }

    /// Number of images that are drawn, of all sets.
    pub fn len(&self) -> usize {
        (0..self.sets.len()).map(|set| self.drawn(set)).sum()
    }

    /// Whether there is no image, which [`Combined::new`] does not let happen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of classes of all sets.
    pub fn classes(&self) -> u32 {
        self.classes.count()
    }

    /// The sets.
    pub fn sets(&self) -> &[CombinedSet] {
        &self.sets
    }

    /// Number of images that are drawn of a set.
    pub(super) fn drawn(&self, set: usize) -> usize {
        self.kept[set]
            .as_ref()
            .map_or(self.sets[set].images.len(), Vec::len)
    }

    /// The image at a place among those that are drawn of a set.
    pub(super) fn image_at(&self, set: usize, place: usize) -> usize {
        let within = self.kept[set]
            .as_ref()
            .map_or(place, |kept| kept[place] as usize);
        self.image_starts[set] + within
    }

    /// The classes that have images in a set, in order.
    pub(super) fn people(&self, set: usize) -> &[u32] {
        self.people[set].get_or_init(|| {
            let images = &self.sets[set].images;
            let mut people: Vec<u32> = (0..images.classes())
                .filter(|class| !images.images_of_class(*class).is_empty())
                .filter_map(|class| self.classes.of(set, class))
                .collect();
            people.sort_unstable();
            people.dedup();
            people
        })
    }

    /// Number of images that a class has in a set.
    pub(super) fn class_size_in(&self, set: usize, class: u32) -> usize {
        self.members(class, Some(set))
            .map(|(_, images)| images.len())
            .sum()
    }

    /// The image with number `member` of those that a class has in a set.
    pub(super) fn image_of_class_in(&self, set: usize, class: u32, member: usize) -> usize {
        self.member(class, Some(set), member)
    }

    /// The set of an image, and its number in it.
    fn place(&self, index: usize) -> (usize, usize) {
        let set = self.image_starts.partition_point(|start| *start <= index) - 1;
        (set, index - self.image_starts[set])
    }

    /// The set that an image is of.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn set_of(&self, index: usize) -> usize {
        self.place(index).0
    }

    /// The class of an image, counted through all sets.
    ///
    /// # Panics
    /// When there is no such image, or it is left out: those are never drawn.
    pub fn class_of(&self, index: usize) -> u32 {
        let (set, within) = self.place(index);
        self.classes
            .of(set, self.sets[set].images.class_of(within))
            .expect("images of classes that are left out are not drawn")
    }

    /// A person's name, where their set tells it.
    ///
    /// # Panics
    /// When `class` is not below [`Combined::classes`].
    pub fn name_of_class(&self, class: u32) -> Option<&str> {
        let mut parts = self.classes.parts(class).iter();
        parts.find_map(|(set, class)| self.sets[*set as usize].images.name_of_class(*class))
    }

    /// Number of images of a class, over all sets.
    pub fn class_size(&self, class: u32) -> usize {
        self.members(class, None)
            .map(|(_, images)| images.len())
            .sum()
    }

    /// The image with number `member` of a class, over all sets.
    ///
    /// # Panics
    /// When `member` is not below [`Combined::class_size`].
    pub fn image_of_class(&self, class: u32, member: usize) -> usize {
        self.member(class, None, member)
    }

    /// The images of a class by set, or in one set alone; as numbers in their set.
    fn members(&self, class: u32, only: Option<usize>) -> impl Iterator<Item = (usize, &[u32])> {
        self.classes
            .parts(class)
            .iter()
            .map(|&(set, class)| (set as usize, class))
            .filter(move |(set, _)| only.is_none_or(|only| only == *set))
            .map(|(set, class)| (set, self.sets[set].images.images_of_class(class)))
    }

    fn member(&self, class: u32, only: Option<usize>, mut member: usize) -> usize {
        for (set, images) in self.members(class, only) {
            match images.get(member) {
                Some(image) => return self.image_starts[set] + *image as usize,
                None => member -= images.len(),
            }
        }
        unreachable!("a member's number is below the size of its class")
    }

    /// Where an image comes from, for messages.
    pub fn name_of_image(&self, index: usize) -> String {
        let (set, within) = self.place(index);
        self.sets[set].images.name_of_image(within)
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
        self.sets[set].images.read_again(within, image, bytes)
    }
}
