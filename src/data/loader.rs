//! Batches from several threads, in strict order, the same bytes whatever the number of threads.
//!
//! Threads take the next step's number, make that batch whole, and put it where the consumer waits for it;
//! no thread runs more than the queue's length ahead. A batch is a function of (seed, step) alone.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::DataError;
use super::batch::{Batch, Maker, Scratch, SetCount};
use super::combine::Combined;
use crate::config::{AugmentOptions, ChannelOrder, Crop, WrongSize};

/// What batches are made of, and by how many threads.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoaderOptions {
    /// The part of a face that is kept.
    pub crop: Crop,
    /// Order of the colour planes.
    pub channels: ChannelOrder,
    /// Whether every second image is mirrored, at random.
    pub mirror: bool,
    /// What is done with an image that isn't 112x112.
    pub wrong_size: WrongSize,
    /// How images are varied beyond the mirror.
    pub augment: AugmentOptions,
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

/// The threads that make batches; they end when this is dropped.
#[derive(Debug)]
pub struct Loader {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    broken: HashSet<usize>,
    max_broken: u64,
    counts: Vec<SetCount>,
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
    /// Memory of batches that were given back.
    spare: Vec<Vec<u8>>,
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
        let counts = vec![SetCount::default(); sets.sets().len()];
        let maker = Maker::new(sets, options)?;
        let state = State {
            next_made: first_step,
            next_taken: first_step,
            ready: BTreeMap::new(),
            spare: Vec::new(),
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
            counts,
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
        for (count, new) in self.counts.iter_mut().zip(&batch.sets) {
            count.images += new.images;
            count.wrong_size += new.wrong_size;
        }
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

    /// Takes back a batch that is done with, so that its memory serves for another.
    pub fn give_back(&self, batch: Batch) {
        let mut state = self.shared.lock();
        if (state.spare.len() as u64) < self.shared.queue {
            state.spare.push(batch.images);
        }
    }

    /// What came of each set so far, in the sets' order.
    pub fn counts(&self) -> &[SetCount] {
        &self.counts
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
            let memory = state.spare.pop().unwrap_or_default();
            drop(state);
            let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                self.maker.make(step, &mut scratch, memory)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Image;
    use crate::data::combine::CombinedSet;
    use crate::data::random::{Purpose, random};
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
        let set = CombinedSet {
            name: "faces".to_owned(),
            images: TrainingImages::open_records(folder).unwrap(),
            weight: -1.0,
            balanced: false,
        };
        Arc::new(Combined::new(vec![set], None).unwrap())
    }

    fn options() -> LoaderOptions {
        LoaderOptions {
            crop: Crop::Reference,
            channels: ChannelOrder::Rgb,
            mirror: true,
            wrong_size: WrongSize::Resize,
            augment: AugmentOptions::default(),
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
