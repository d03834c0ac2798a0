//! Batches of P people with K images each, as a function of seed and step.

use super::DataError;
use super::combine::Combined;
use super::order::{Order, Units, weights};
use super::permutation::Permutation;
use super::random::{Purpose, random};

/// The order of batches of P people with K images each.
#[derive(Debug, Clone)]
pub struct PeopleOrder {
    people: Order,
    classes: u64,
    images: u64,
    people_per_batch: usize,
    images_per_person: usize,
    seed: u64,
}

impl PeopleOrder {
    /// The order for some sets, a batch size, images a person, and a seed.
    ///
    /// Weights are shares of people; −1 means by the number of people.
    ///
    /// # Errors
    /// When the batch does not divide, or there are too few people.
    pub fn new(
        sets: &Combined,
        batch_size: usize,
        images_per_person: usize,
        seed: u64,
    ) -> Result<Self, DataError> {
        if images_per_person == 0
            || batch_size == 0
            || !batch_size.is_multiple_of(images_per_person)
        {
            return Err(DataError::Request(format!(
                "a batch of {batch_size} images can't hold {images_per_person} of each person; batch_size must be a multiple of triplet.images_per_class"
            )));
        }
        let people_per_batch = batch_size / images_per_person;
        let with_images = (0..sets.classes())
            .filter(|class| sets.class_size(*class) > 0)
            .count();
        if people_per_batch > with_images {
            return Err(DataError::Request(format!(
                "a batch asks for {people_per_batch} people and the training sets have {with_images}; lower batch_size or raise triplet.images_per_class",
            )));
        }
        let units = (0..sets.sets().len()).map(|set| Units::People(sets.people(set).len() as u64));
        let images = sets.len() as u64;
        Ok(Self {
            people: Order::of(
                units.collect(),
                &weights(sets),
                images,
                random(seed, Purpose::People, 0, 0),
            )?,
            classes: u64::from(sets.classes()),
            images,
            people_per_batch,
            images_per_person,
            seed,
        })
    }

    /// The images of a step: K of the first person, then K of the second, and so on; a person with at least
    /// K images shows none twice. A person whom several sets share shows images of all of them.
    pub fn at(&self, sets: &Combined, step: u64) -> Vec<usize> {
        let mut people: Vec<u32> = Vec::with_capacity(self.people_per_batch);
        let first = step * self.people_per_batch as u64;
        let drawn = (first..first + self.people_per_batch as u64).map(|position| {
            let drawn = self.people.draw(position);
            sets.people(drawn.set)[drawn.place as usize]
        });
        let others = Permutation::new(self.classes, random(self.seed, Purpose::People, 1, step));
        for person in drawn.chain((0..self.classes).map(|position| others.at(position) as u32)) {
            if people.len() == self.people_per_batch {
                break;
            }
            if !people.contains(&person) && sets.class_size(person) > 0 {
                people.push(person);
            }
        }
        let mut images = Vec::with_capacity(self.people_per_batch * self.images_per_person);
        for person in people {
            let size = sets.class_size(person) as u64;
            let chosen = Permutation::new(
                size,
                random(self.seed, Purpose::Members, step, u64::from(person)),
            );
            images.extend(
                (0..self.images_per_person as u64)
                    .map(|draw| sets.image_of_class(person, chosen.at(draw % size) as usize)),
            );
        }
        images
    }

    /// The epoch of a step: how many times as many images as there are have come before.
    pub fn epoch(&self, step: u64) -> u64 {
        step * (self.people_per_batch * self.images_per_person) as u64 / self.images.max(1)
    }
}
