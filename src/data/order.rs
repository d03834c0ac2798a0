//! Which image comes when, as a function of seed, epoch and position: nothing to store, nothing to replay.

use super::DataError;
use super::combine::Combined;
use super::random::{Purpose, mix, random};

/// A permutation of `0..length` that is computed at one place at a time.
///
/// A Feistel network permutes the next power of four; places that fall outside are walked on from until
/// they fall inside (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
#[derive(Debug, Clone, Copy)]
pub struct Permutation {
    length: u64,
    key: u64,
    half_bits: u32,
}

const ROUNDS: u64 = 6;

impl Permutation {
    /// A permutation of `0..length` for a key.
    pub fn new(length: u64, key: u64) -> Self {
        let bits = u64::BITS - length.saturating_sub(1).leading_zeros();
        Self {
            length,
            key,
            half_bits: bits.div_ceil(2).max(1),
        }
    }

    /// Where `position` goes; positions from `length` on stay.
    pub fn at(&self, position: u64) -> u64 {
        if position >= self.length {
            return position;
        }
        let mut place = self.round_trip(position);
        while place >= self.length {
            place = self.round_trip(place);
        }
        place
    }

    fn round_trip(&self, place: u64) -> u64 {
        let mask = (1 << self.half_bits) - 1;
        let (mut left, mut right) = (place >> self.half_bits, place & mask);
        for round in 0..ROUNDS {
            let scrambled = mix(self.key ^ mix(right ^ round << 56)) & mask;
            (left, right) = (right, left ^ scrambled);
        }
        left << self.half_bits | right
    }
}

/// Slots of a repeating block in which every set has its share: which set is drawn at a position, and
/// how many times it has been drawn before.
#[derive(Debug, Clone)]
struct Mix {
    /// Where each set's slots start in the block; the last entry is the block's length.
    starts: Vec<u64>,
    seed: u64,
}

/// Slots of a block when weights are given: shares are exact to a hundredth of a percent.
const BLOCK: f64 = 10_000.0;

impl Mix {
    /// `sizes` and `weights` per set; a weight of −1 stands for the size.
    fn new(sizes: &[u64], weights: &[f64], seed: u64) -> Result<Self, DataError> {
        let by_size = weights
            .iter()
            .all(|weight| (*weight + 1.0).abs() < f64::EPSILON);
        let total: f64 = weights.iter().sum();
        if !by_size
            && (weights
                .iter()
                .any(|weight| weight.is_nan() || *weight < 0.0)
                || total <= 0.0
                || !total.is_finite())
        {
            return Err(DataError::Request(
                "weights of training sets are all −1 (by size), or all numbers from 0 on with a sum above 0".into(),
            ));
        }
        let mut starts = vec![0];
        for (size, weight) in sizes.iter().zip(weights) {
            let slots = match weight {
                _ if by_size => *size,
                0.0 => 0,
                weight => ((weight / total * BLOCK).round() as u64).max(1),
            };
            starts.push(starts[starts.len() - 1] + slots);
        }
        Ok(Self { starts, seed })
    }

    /// The set drawn at `position`, and the number of its draws before.
    fn at(&self, position: u64) -> (usize, u64) {
        let length = self.starts[self.starts.len() - 1];
        let (block, within) = (position / length, position % length);
        let slot =
            Permutation::new(length, random(self.seed, Purpose::Mix, block, length)).at(within);
        let set = self.starts.partition_point(|start| *start <= slot) - 1;
        let share = self.starts[set + 1] - self.starts[set];
        (set, block * share + (slot - self.starts[set]))
    }
}

/// The order of single images.
#[derive(Debug, Clone)]
pub struct Order {
    mix: Mix,
    sizes: Vec<u64>,
    offsets: Vec<u64>,
    seed: u64,
}

impl Order {
    /// The order for some sets and a seed.
    ///
    /// # Errors
    /// When the weights do not fit together.
    pub fn new(sets: &Combined, seed: u64) -> Result<Self, DataError> {
        Self::of(&sets.sizes(), sets.weights(), seed)
    }

    fn of(sizes: &[u64], weights: &[f64], seed: u64) -> Result<Self, DataError> {
        let offsets = sizes
            .iter()
            .scan(0, |sum, size| {
                *sum += size;
                Some(*sum - size)
            })
            .collect();
        Ok(Self {
            mix: Mix::new(sizes, weights, seed)?,
            sizes: sizes.to_vec(),
            offsets,
            seed,
        })
    }

    /// The image at a position counted from the run's first image on.
    ///
    /// Each set's images all come once before any comes again.
    pub fn at(&self, position: u64) -> usize {
        let (set, draw) = self.mix.at(position);
        let size = self.sizes[set];
        let (epoch, within) = (draw / size, draw % size);
        let key = random(self.seed, Purpose::Order, set as u64, epoch);
        (self.offsets[set] + Permutation::new(size, key).at(within)) as usize
    }

    /// The epoch of a position: how many times as many images as there are have come before.
    pub fn epoch(&self, position: u64) -> u64 {
        position / self.sizes.iter().sum::<u64>().max(1)
    }
}

/// The order of batches of P people with K images each.
#[derive(Debug, Clone)]
pub struct PeopleOrder {
    people: Order,
    class_count: u64,
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
        if people_per_batch as u64 > u64::from(sets.classes()) {
            return Err(DataError::Request(format!(
                "a batch asks for {people_per_batch} people and the training sets have {}; lower batch_size or raise triplet.images_per_class",
                sets.classes()
            )));
        }
        Ok(Self {
            people: Order::of(
                &sets.class_counts(),
                sets.weights(),
                random(seed, Purpose::People, 0, 0),
            )?,
            class_count: u64::from(sets.classes()),
            images: sets.len() as u64,
            people_per_batch,
            images_per_person,
            seed,
        })
    }

    /// The images of a step: K of the first person, then K of the second, and so on; a person with at least
    /// K images shows none twice.
    pub fn at(&self, sets: &Combined, step: u64) -> Vec<usize> {
        let mut people: Vec<usize> = Vec::with_capacity(self.people_per_batch);
        let first = step * self.people_per_batch as u64;
        let drawn =
            (first..first + self.people_per_batch as u64).map(|position| self.people.at(position));
        let others = Permutation::new(
            self.class_count,
            random(self.seed, Purpose::People, 1, step),
        );
        for person in
            drawn.chain((0..self.class_count).map(|position| others.at(position) as usize))
        {
            if people.len() == self.people_per_batch {
                break;
            }
            if !people.contains(&person) && sets.class_size(person as u32) > 0 {
                people.push(person);
            }
        }
        let mut images = Vec::with_capacity(self.people_per_batch * self.images_per_person);
        for person in people {
            let size = sets.class_size(person as u32) as u64;
            let chosen = Permutation::new(
                size,
                random(self.seed, Purpose::Members, step, person as u64),
            );
            images.extend(
                (0..self.images_per_person as u64).map(|draw| {
                    sets.image_of_class(person as u32, chosen.at(draw % size) as usize)
                }),
            );
        }
        images
    }

    /// The epoch of a step: how many times as many images as there are have come before.
    pub fn epoch(&self, step: u64) -> u64 {
        step * (self.people_per_batch * self.images_per_person) as u64 / self.images.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_has_every_place_once() {
        for length in (1..70).chain([255, 256, 257, 1000, 4097]) {
            let permutation = Permutation::new(length, 7);
            let mut places: Vec<u64> = (0..length)
                .map(|position| permutation.at(position))
                .collect();
            places.sort_unstable();
            assert!(places.into_iter().eq(0..length), "{length}");
        }
    }

    #[test]
    fn a_permutation_looks_random() {
        let length = 1000;
        let permutation = Permutation::new(length, 3);
        let moved: u64 = (0..length)
            .map(|position| permutation.at(position).abs_diff(position))
            .sum();
        assert!(
            (280.0..390.0).contains(&(moved as f64 / length as f64)),
            "a third of the length on average"
        );
        let same = (0..length)
            .filter(|at| permutation.at(*at) == Permutation::new(length, 4).at(*at))
            .count();
        assert!(same < 10);
        let followers = (0..length - 1)
            .filter(|at| permutation.at(at + 1) == permutation.at(*at) + 1)
            .count();
        assert!(followers < 10);
    }

    #[test]
    fn every_epoch_has_every_image_once_in_another_order() {
        let order = Order::of(&[5, 12], &[-1.0, -1.0], 9).unwrap();
        let epoch = |number: u64| {
            (0..17)
                .map(|at| order.at(number * 17 + at))
                .collect::<Vec<_>>()
        };
        for number in 0..4 {
            let mut images = epoch(number);
            images.sort_unstable();
            assert!(images.into_iter().eq(0..17));
        }
        assert_ne!(epoch(0), epoch(1));
        assert_eq!(order.epoch(16), 0);
        assert_eq!(order.epoch(17), 1);
    }

    #[test]
    fn weights_are_shares_of_the_images() {
        let order = Order::of(&[10, 1000], &[3.0, 1.0], 1).unwrap();
        let first = (0..10_000).filter(|at| order.at(*at) < 10).count();
        assert_eq!(first, 7500);
        let mut seen = [0; 10];
        (0..10_000)
            .map(|at| order.at(at))
            .filter(|image| *image < 10)
            .for_each(|image| seen[image] += 1);
        assert_eq!(seen, [750; 10]);
        let without = Order::of(&[10, 1000], &[0.0, 1.0], 1).unwrap();
        assert!((0..500).all(|at| without.at(at) >= 10));
    }

    #[test]
    fn weights_that_make_no_sense_are_errors() {
        for weights in [
            [-1.0, 1.0],
            [0.0, 0.0],
            [f64::NAN, 1.0],
            [-2.0, 1.0],
            [f64::INFINITY, 1.0],
        ] {
            assert!(Order::of(&[3, 4], &weights, 1).is_err(), "{weights:?}");
        }
    }
}
