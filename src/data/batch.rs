//! One batch, as a function of its step.

use std::sync::Arc;

use super::combine::Combined;
use super::face::{place_face, size_of};
use super::image::FACE;
use super::loader::{BatchOrder, LoaderOptions};
use super::order::{Order, PeopleOrder};
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
    /// Images that could not be read, each replaced by the next in the order.
    pub broken: Vec<BrokenImage>,
    /// How many images were not 112x112 and had to be scaled and cut.
    pub resized: u64,
}

/// Memory that a thread uses again for every image.
#[derive(Default)]
pub(super) struct Scratch {
    image: Image,
    bytes: Vec<u8>,
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

    pub(super) fn make(&self, step: u64, scratch: &mut Scratch) -> Result<Batch, DataError> {
        let size = self.options.batch_size;
        let (height, width) = size_of(self.options.crop);
        let first = step * size as u64;
        let (wanted, epoch) = match &self.people {
            Some(people) => (people.at(&self.sets, step), people.epoch(step)),
            None => (
                (first..first + size as u64)
                    .map(|at| self.order.at(at))
                    .collect(),
                self.order.epoch(first),
            ),
        };
        let mut batch = Batch {
            step,
            epoch,
            images: vec![0; size * height * width * 3],
            height,
            width,
            labels: Vec::with_capacity(size),
            indices: Vec::with_capacity(size),
            broken: Vec::new(),
            resized: 0,
        };
        for (place, index) in wanted.into_iter().enumerate() {
            let position = first + place as u64;
            let index = self.read_or_next(index, position, scratch, &mut batch.broken)?;
            let fitted = scratch.image.fitted(FACE, FACE);
            batch.resized += u64::from(matches!(fitted, std::borrow::Cow::Owned(_)));
            let mirrored = self.options.mirror
                && random(self.options.seed, Purpose::Mirror, position, 0) & 1 == 1;
            let target = &mut batch.images[place * height * width * 3..][..height * width * 3];
            place_face(&fitted, target, width, self.options.channels, mirrored);
            batch.labels.push(self.sets.class_of(index));
            batch.indices.push(index);
        }
        Ok(batch)
    }

    /// Reads the wanted image or, where it is broken, the next readable: first of the same person when the
    /// batch is made of people, then in the order of single images. Returns which it was.
    fn read_or_next(
        &self,
        wanted: usize,
        position: u64,
        scratch: &mut Scratch,
        broken: &mut Vec<BrokenImage>,
    ) -> Result<usize, DataError> {
        let class = self.sets.class_of(wanted);
        let others = if self.people.is_some() {
            self.sets.class_size(class)
        } else {
            0
        };
        let candidates = std::iter::once(wanted)
            .chain((0..others).map(|member| self.sets.image_of_class(class, member)))
            .chain((1..=self.sets.len() as u64).map(|after| self.order.at(position + after)));
        let mut last = String::new();
        for index in candidates {
            if broken.iter().any(|known| known.index == index) {
                continue;
            }
            match self
                .sets
                .read_again(index, &mut scratch.image, &mut scratch.bytes)
            {
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
