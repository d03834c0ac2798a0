//! Batches from several threads, in strict order, the same bytes whatever the number of threads.
//!
//! Threads take the next step's number, make that batch whole, and put it where the consumer waits for it;
//! no thread runs more than the queue's length ahead. A batch is a function of (seed, step) alone.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::combine::Combined;
use super::image::FACE;
use super::order::{Order, PeopleOrder};
use super::random::{Purpose, random};
use super::{DataError, Image};
use crate::config::{ChannelOrder, Crop};

/// What batches are made of, and by how many threads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoaderOptions {
    /// The part of a face that is kept.
    pub crop: Crop,
    /// Order of the colour planes.
    pub channels: ChannelOrder,
    /// Whether every second image is mirrored, at random.
    pub mirror: bool,
    /// Images in a batch.
    pub batch_size: usize,
    /// The number from which every random choice follows.
    pub seed: u64,
    /// Number of threads; 0 means one.
    pub threads: usize,
    /// How many finished batches may wait; 0 means one.
    pub queue: usize,
    /// How many different images may be broken before an error.
    pub max_broken: u64,
    /// Which images make a batch.
    pub order: BatchOrder,
}

/// Which images make a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchOrder {
    /// Single images, every one once an epoch.
    Images,
    /// P people with K images each.
    People {
        /// K.
        images_per_person: usize,
    },
}

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
    /// Images that could not be read, each replaced by the next in the order.
    pub broken: Vec<BrokenImage>,
    /// How many images were not 112x112 and had to be scaled and cut.
    pub resized: u64,
}

/// The threads that make batches; they end when this is dropped.
#[derive(Debug)]
pub struct Loader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    broken: HashSet<usize>,
    max_broken: u64,
}

#[derive(Debug)]
struct Shared {
    maker: Maker,
    queue: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    /// The next step that a thread takes.
    next_made: u64,
    /// The next step that the consumer takes.
    next_taken: u64,
    ready: BTreeMap<u64, Result<Batch, DataError>>,
    stop: bool,
}

impl Loader {
    /// Starts making batches from `first_step` on.
    ///
    /// # Errors
    /// When the sets and the options do not fit together, or a thread can't be started.
    pub fn start(
        sets: Arc<Combined>,
        options: LoaderOptions,
        first_step: u64,
    ) -> Result<Self, DataError> {
        let maker = Maker::new(sets, options)?;
        let state = State {
            next_made: first_step,
            next_taken: first_step,
            ready: BTreeMap::new(),
            stop: false,
        };
        let queue = options.queue.max(1) as u64;
        let shared = Arc::new(Shared {
            maker,
            queue,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let mut loader = Self {
            shared,
            threads: Vec::new(),
            broken: HashSet::new(),
            max_broken: options.max_broken,
        };
        for number in 0..options.threads.max(1) {
            let shared = Arc::clone(&loader.shared);
            let thread = std::thread::Builder::new()
                .name(format!("loader-{number}"))
                .spawn(move || shared.work())
                .map_err(|error| {
                    DataError::Request(format!("cannot start a loader thread: {error}"))
                })?;
            loader.threads.push(thread);
        }
        Ok(loader)
    }

    /// The next batch, in step order; waits for it.
    ///
    /// # Errors
    /// When more different images than `max_broken` could not be read.
    #[expect(
        clippy::should_implement_trait,
        reason = "batches never end, and an error ends them"
    )]
    pub fn next(&mut self) -> Result<Batch, DataError> {
        let batch = self.shared.take()?;
        for broken in &batch.broken {
            self.broken.insert(broken.index);
            let count = self.broken.len() as u64;
            if count > self.max_broken {
                return Err(DataError::TooManyBroken {
                    count,
                    limit: self.max_broken,
                    last: broken.problem.clone(),
                });
            }
        }
        Ok(batch)
    }

    /// How many different images could not be read so far.
    pub fn broken(&self) -> u64 {
        self.broken.len() as u64
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // A panic of a thread has been handed out as an error already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Batch, DataError> {
        let mut state = self.lock();
        loop {
            let step = state.next_taken;
            if let Some(batch) = state.ready.remove(&step) {
                // After an error the same step would be asked for again and never come.
                state.next_taken += 1;
                drop(state);
                self.changed.notify_all();
                return batch;
            }
            if state.stop {
                return Err(DataError::Request(
                    "the loader has stopped after an error".into(),
                ));
            }
            state = self.wait(state);
        }
    }

    /// What one thread does until told to stop.
    fn work(&self) {
        let mut scratch = Scratch::default();
        let mut state = self.lock();
        loop {
            while !state.stop && state.next_made >= state.next_taken + self.queue {
                state = self.wait(state);
            }
            if state.stop {
                return;
            }
            let step = state.next_made;
            state.next_made += 1;
            drop(state);
            let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                self.maker.make(step, &mut scratch)
            }));
            let batch = made.unwrap_or_else(|_| {
                Err(DataError::Request(format!(
                    "a loader thread failed at step {step}"
                )))
            });
            state = self.lock();
            state.stop |= batch.is_err();
            state.ready.insert(step, batch);
            self.changed.notify_all();
        }
    }
}

/// Memory that a thread uses again for every image.
#[derive(Default)]
struct Scratch {
    image: Image,
    bytes: Vec<u8>,
}

/// Makes any step's batch.
#[derive(Debug)]
struct Maker {
    sets: Arc<Combined>,
    options: LoaderOptions,
    order: Order,
    people: Option<PeopleOrder>,
}

impl Maker {
    fn new(sets: Arc<Combined>, options: LoaderOptions) -> Result<Self, DataError> {
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

    fn make(&self, step: u64, scratch: &mut Scratch) -> Result<Batch, DataError> {
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

/// Height and width of a cropped face, in pixels.
pub fn size_of(crop: Crop) -> (usize, usize) {
    match crop {
        Crop::Reference => (112, 96),
        Crop::Full => (112, 112),
    }
}

/// Copies the middle columns of a 112x112 face, planes in order, mirrored or not.
fn place_face(
    face: &Image,
    target: &mut [u8],
    width: usize,
    channels: ChannelOrder,
    mirrored: bool,
) {
    let row_bytes = face.width as usize * 3;
    let margin = (face.width as usize - width) / 2 * 3;
    for (source, target) in face
        .rgb
        .chunks_exact(row_bytes)
        .zip(target.chunks_exact_mut(width * 3))
    {
        let source = source[margin..margin + width * 3].as_chunks::<3>().0;
        let target = target.as_chunks_mut::<3>().0;
        match (channels, mirrored) {
            (ChannelOrder::Rgb, false) => target.copy_from_slice(source),
            (ChannelOrder::Rgb, true) => {
                for (to, from) in target.iter_mut().rev().zip(source) {
                    *to = *from;
                }
            }
            (ChannelOrder::Bgr, false) => {
                for (to, &[red, green, blue]) in target.iter_mut().zip(source) {
                    *to = [blue, green, red];
                }
            }
            // Row by row a mirror image with its planes swapped is the row's bytes backwards.
            (ChannelOrder::Bgr, true) => {
                for (to, from) in target
                    .as_flattened_mut()
                    .iter_mut()
                    .rev()
                    .zip(source.as_flattened())
                {
                    *to = *from;
                }
            }
        }
    }
}

/// A face as network input bytes `[row, column, plane]`: fitted to 112x112, cropped, planes in order.
///
/// `mirrored` gives the mirror image; evaluation embeds both.
pub fn face_input(image: &Image, crop: Crop, channels: ChannelOrder, mirrored: bool) -> Vec<u8> {
    let (height, width) = size_of(crop);
    let mut target = vec![0; height * width * 3];
    place_face(
        &image.fitted(FACE, FACE),
        &mut target,
        width,
        channels,
        mirrored,
    );
    target
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::recordio::RecordWriter;
    use crate::data::training::TrainingImages;

    /// Five people with four images each; the image with key `broken` is cut short.
    fn sets(folder: &std::path::Path, broken: &[u64]) -> Arc<Combined> {
        let mut writer = RecordWriter::new(Vec::new());
        for key in 0..20u64 {
            let rgb = (0..112 * 112)
                .flat_map(|pixel| [key as u8, (pixel % 112) as u8, (pixel / 112) as u8])
                .collect();
            let mut bytes = Image {
                width: 112,
                height: 112,
                rgb,
            }
            .to_png()
            .unwrap();
            if broken.contains(&key) {
                bytes.truncate(60);
            }
            writer.write_image(key, (key / 4) as f32, &bytes).unwrap();
        }
        std::fs::write(folder.join("train.rec"), writer.finish().unwrap().0).unwrap();
        Arc::new(
            Combined::new(vec![(TrainingImages::open_records(folder).unwrap(), -1.0)]).unwrap(),
        )
    }

    fn options() -> LoaderOptions {
        LoaderOptions {
            crop: Crop::Reference,
            channels: ChannelOrder::Rgb,
            mirror: true,
            batch_size: 6,
            seed: 5,
            threads: 1,
            queue: 3,
            max_broken: 100,
            order: BatchOrder::Images,
        }
    }

    fn batches(
        sets: &Arc<Combined>,
        options: LoaderOptions,
        steps: std::ops::Range<u64>,
    ) -> Vec<Batch> {
        let mut loader = Loader::start(Arc::clone(sets), options, steps.start).unwrap();
        steps.map(|_| loader.next().unwrap()).collect()
    }

    #[test]
    fn batches_are_the_same_whatever_the_threads_and_the_first_step() {
        let folder = tempfile::tempdir().unwrap();
        let sets = sets(folder.path(), &[3, 11]);
        let expected = batches(&sets, options(), 0..12);
        assert!(expected.iter().map(|batch| batch.step).eq(0..12));
        for threads in [2, 5] {
            assert!(
                batches(
                    &sets,
                    LoaderOptions {
                        threads,
                        queue: 2,
                        ..options()
                    },
                    0..12
                ) == expected
            );
        }
        assert!(
            batches(
                &sets,
                LoaderOptions {
                    threads: 3,
                    ..options()
                },
                7..12
            ) == expected[7..]
        );
    }

    #[test]
    fn an_epoch_shows_every_image_and_its_label() {
        let folder = tempfile::tempdir().unwrap();
        let sets = sets(folder.path(), &[]);
        let batches = batches(
            &sets,
            LoaderOptions {
                batch_size: 5,
                ..options()
            },
            0..8,
        );
        for epoch in batches.chunks(4) {
            let mut keys = Vec::new();
            for batch in epoch {
                for (image, label) in batch.images.chunks(112 * 96 * 3).zip(&batch.labels) {
                    assert_eq!(u32::from(image[0]) / 4, *label);
                    keys.push(image[0]);
                }
            }
            keys.sort_unstable();
            assert!(keys.into_iter().eq(0..20));
        }
        assert_eq!((batches[3].epoch, batches[4].epoch), (0, 1));
    }

    #[test]
    fn the_crop_is_columns_8_to_104_and_planes_and_mirror_are_as_asked() {
        let rgb = (0..112 * 112)
            .flat_map(|pixel| [1, (pixel % 112) as u8, (pixel / 112) as u8])
            .collect();
        let face = Image {
            width: 112,
            height: 112,
            rgb,
        };
        let plain = face_input(&face, Crop::Reference, ChannelOrder::Rgb, false);
        assert_eq!(
            (&plain[..3], &plain[95 * 3..96 * 3]),
            (&[1, 8, 0][..], &[1, 103, 0][..])
        );
        let mirrored = face_input(&face, Crop::Reference, ChannelOrder::Bgr, true);
        assert_eq!(
            (&mirrored[..3], &mirrored[95 * 3..96 * 3]),
            (&[0, 103, 1][..], &[0, 8, 1][..])
        );
        assert_eq!(
            face_input(&face, Crop::Full, ChannelOrder::Rgb, false),
            face.rgb
        );
    }

    #[test]
    fn half_the_images_are_mirrored() {
        let mirrored = (0..1000)
            .filter(|at| random(1, Purpose::Mirror, *at, 0) & 1 == 1)
            .count();
        assert!((450..550).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn broken_images_are_replaced_named_and_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let sets = sets(folder.path(), &[3, 11]);
        let mut loader = Loader::start(
            sets,
            LoaderOptions {
                max_broken: 2,
                ..options()
            },
            0,
        )
        .unwrap();
        let batches: Vec<Batch> = (0..20).map(|_| loader.next().unwrap()).collect();
        assert!(batches.iter().all(|batch| batch.labels.len() == 6));
        assert!(batches.iter().any(|batch| {
            batch
                .broken
                .iter()
                .any(|broken| broken.problem.contains("record 11"))
        }));
        assert_eq!(loader.broken(), 2);
    }

    #[test]
    fn more_broken_images_than_allowed_end_the_run() {
        for broken in [(0..20).collect::<Vec<_>>(), vec![3, 11]] {
            let folder = tempfile::tempdir().unwrap();
            let sets = sets(folder.path(), &broken);
            let mut loader = Loader::start(
                sets,
                LoaderOptions {
                    max_broken: 1,
                    threads: 2,
                    ..options()
                },
                0,
            )
            .unwrap();
            let error = (0..20).find_map(|_| loader.next().err()).unwrap();
            assert!(
                matches!(
                    error,
                    DataError::TooManyBroken {
                        count: 2,
                        limit: 1,
                        ..
                    }
                ),
                "{error}"
            );
        }
    }

    #[test]
    fn batches_of_people_hold_different_images_of_each() {
        let folder = tempfile::tempdir().unwrap();
        let sets = sets(folder.path(), &[]);
        let order = BatchOrder::People {
            images_per_person: 3,
        };
        for batch in batches(
            &sets,
            LoaderOptions {
                order,
                threads: 2,
                ..options()
            },
            0..30,
        ) {
            assert!(batch.labels[0] != batch.labels[3]);
            for person in 0..2 {
                assert!(
                    batch.labels[person * 3..person * 3 + 3]
                        .iter()
                        .all(|label| *label == batch.labels[person * 3])
                );
                let mut keys: Vec<u8> = (0..3)
                    .map(|image| batch.images[(person * 3 + image) * 112 * 96 * 3])
                    .collect();
                keys.sort_unstable();
                keys.dedup();
                assert_eq!(keys.len(), 3);
            }
        }
    }

    #[test]
    fn a_broken_image_of_a_person_is_replaced_by_another_of_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let sets = sets(folder.path(), &[0, 5]);
        let order = BatchOrder::People {
            images_per_person: 3,
        };
        for batch in batches(&sets, LoaderOptions { order, ..options() }, 0..10) {
            for (image, label) in batch.images.chunks(112 * 96 * 3).zip(&batch.labels) {
                assert_eq!(u32::from(image[0]) / 4, *label);
            }
            assert!(
                batch.labels[..3]
                    .iter()
                    .all(|label| *label == batch.labels[0])
            );
        }
    }

    #[test]
    fn a_batch_that_does_not_divide_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let sets = sets(folder.path(), &[]);
        let order = BatchOrder::People {
            images_per_person: 4,
        };
        let message = Loader::start(sets, LoaderOptions { order, ..options() }, 0)
            .unwrap_err()
            .to_string();
        assert!(message.contains("multiple"), "{message}");
    }
}
