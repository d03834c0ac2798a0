//! One batch, as a function of its step.

use std::borrow::Cow;
use std::sync::Arc;

use super::augment::Variation;
use super::combine::Combined;
use super::face::{Placing, place_face, size_of};
use super::image::FACE;
use super::loader::{BatchOrder, LoaderOptions};
use super::order::Order;
use super::people::PeopleOrder;
use super::random::{Purpose, random};
use super::{DataError, Image};

/// An image that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenImage {
    /// Its number among all images.
    pub index: usize,
    /// Its name and what is wrong.
    pub problem: String,
}

/// Some images, ready for the network but for its arithmetic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The step that it is for.
    pub step: u64,
    /// The epoch of its first image.
    pub epoch: u64,
    /// Pixels `[image, row, column, plane]`, cropped, mirrored, planes in the asked order.
    pub images: Vec<u8>,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// The class of each image.
    pub labels: Vec<u32>,
    /// The number of each image among all.
    pub indices: Vec<usize>,
    /// Images that could not be read, each replaced by another.
    pub broken: Vec<BrokenImage>,
    /// What came of each set, in the sets' order.
    pub sets: Vec<SetCount>,
}

/// Images of one set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SetCount {
    /// How many were taken.
    pub images: u64,
    /// How many of these were not 112x112, and were cropped or resized.
    pub wrong_size: u64,
}

/// Memory that a thread uses again for every image.
#[derive(Default)]
pub(super) struct Scratch {
    image: Image,
    bytes: Vec<u8>,
    blurred: Vec<u8>,
}

/// Makes any step's batch.
#[derive(Debug)]
pub(super) struct Maker {
    sets: Arc<Combined>,
    options: LoaderOptions,
    order: Order,
    people: Option<PeopleOrder>,
}

impl Maker {
    pub(super) fn new(sets: Arc<Combined>, options: LoaderOptions) -> Result<Self, DataError> {
        if options.batch_size == 0 {
            return Err(DataError::Request(
                "batch_size is 0; a batch holds at least one image".into(),
            ));
        }
        let order = Order::new(&sets, options.seed)?;
        let people = match options.order {
            BatchOrder::Images => None,
            BatchOrder::People { images_per_person } => Some(PeopleOrder::new(
                &sets,
                options.batch_size,
                images_per_person,
                options.seed,
            )?),
        };
        Ok(Self {
            sets,
            options,
            order,
            people,
        })
    }

    /// Makes a step's batch in `memory`, which need not be empty.
    pub(super) fn make(
        &self,
        step: u64,
        scratch: &mut Scratch,
        mut memory: Vec<u8>,
    ) -> Result<Batch, DataError> {
        let options = &self.options;
        let size = options.batch_size;
        let (height, width) = size_of(options.crop);
        let first = step * size as u64;
        let (mut chosen, epoch) = if let Some(people) = &self.people {
            (people.at(&self.sets, step), people.epoch(step))
        } else {
            let positions = first..first + size as u64;
            let images = positions.map(|at| self.order.at(&self.sets, at)).collect();
            (images, self.order.epoch(first))
        };
        memory.resize(size * height * width * 3, 0);
        let mut batch = Batch {
            step,
            epoch,
            images: memory,
            height,
            width,
            labels: Vec::with_capacity(size),
            indices: Vec::with_capacity(size),
            broken: Vec::new(),
            sets: vec![SetCount::default(); self.sets.sets().len()],
        };
        let targets = batch.images.chunks_exact_mut(height * width * 3);
        for (place, (target, position)) in targets.zip(first..).enumerate() {
            let index = self.read_or_other(&chosen, place, position, scratch, &mut batch.broken)?;
            chosen[place] = index;
            let fitted = scratch.image.fitted(options.wrong_size, FACE, FACE);
            let count = &mut batch.sets[self.sets.set_of(index)];
            count.images += 1;
            count.wrong_size += u64::from(matches!(fitted, Cow::Owned(_)));
            let variation = Variation::at(&options.augment, options.seed, position);
            let placing = Placing {
                crop: options.crop,
                channels: options.channels,
                mirrored: options.mirror
                    && random(options.seed, Purpose::Mirror, position, 0) & 1 == 1,
                shift: variation.shift,
            };
            place_face(&fitted, target, &placing);
            variation.apply(options.crop, target, &mut scratch.blurred);
            batch.labels.push(self.sets.class_of(index));
            batch.indices.push(index);
        }
        Ok(batch)
    }

    /// Reads the image chosen for a place of the batch, or another where it is broken; returns which it was.
    ///
    /// In a batch of people that is another image of the same person, in one of single images the next in the order;
    /// in both an image that is in the batch already only if no other is left.
    fn read_or_other(
        &self,
        chosen: &[usize],
        place: usize,
        position: u64,
        scratch: &mut Scratch,
        broken: &mut Vec<BrokenImage>,
    ) -> Result<usize, DataError> {
        let sets = &self.sets;
        let class = sets.class_of(chosen[place]);
        let members = if self.people.is_some() {
            sets.class_size(class)
        } else {
            0
        };
        let of_person = || (0..members).map(|member| sets.image_of_class(class, member));
        let following =
            || (1..=sets.len() as u64).map(|after| self.order.at(sets, position + after));
        let new = |index: &usize| !chosen.contains(index);
        let candidates = std::iter::once(chosen[place])
            .chain(of_person().filter(new))
            .chain(of_person())
            .chain(following().filter(new))
            .chain(following());
        let mut last = String::new();
        for index in candidates {
            if broken.iter().any(|known| known.index == index) {
                continue;
            }
            match sets.read_again(index, &mut scratch.image, &mut scratch.bytes) {
                Ok(()) => return Ok(index),
                Err(error) => {
                    last = error.to_string();
                    broken.push(BrokenImage {
                        index,
                        problem: last.clone(),
                    });
                    if broken.len() as u64 > self.options.max_broken {
                        break;
                    }
                }
            }
        }
        Err(DataError::TooManyBroken {
            count: broken.len() as u64,
            limit: self.options.max_broken,
            last,
        })
    }
}
