//! Which image comes when, as a function of seed and position: nothing to store, nothing to replay.

use super::DataError;
use super::combine::Combined;
use super::permutation::Permutation;
use super::random::{Purpose, random};

/// The order of single images.
#[derive(Debug, Clone)]
pub struct Order {
    shares: Shares,
    units: Vec<Units>,
    images: u64,
    seed: u64,
}

/// What a set is drawn by: its images, or its people; and how many it has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Units {
    Images(u64),
    People(u64),
}

/// What is drawn at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drawn {
    pub set: usize,
    /// The image's or the person's place in the set.
    pub place: u64,
    /// How many times it has been drawn before.
    pub turn: u64,
}

impl Order {
    /// The order for some sets and a seed.
    ///
    /// # Errors
    /// When the weights do not fit together.
    pub fn new(sets: &Combined, seed: u64) -> Result<Self, DataError> {
        let units = (0..sets.sets().len()).map(|set| {
            if sets.sets()[set].balanced {
                Units::People(sets.people(set).len() as u64)
            } else {
                Units::Images(sets.drawn(set) as u64)
            }
        });
        Self::of(units.collect(), &weights(sets), sets.len() as u64, seed)
    }

    /// `images` are counted as one epoch.
    pub(super) fn of(
        units: Vec<Units>,
        weights: &[f64],
        images: u64,
        seed: u64,
    ) -> Result<Self, DataError> {
        Ok(Self {
            shares: Shares::new(&units, weights, seed)?,
            units,
            images,
            seed,
        })
    }

    /// The image at a position counted from the run's first image on.
    ///
    /// By size, all images of a set come once before any comes again; or all its people, where it is balanced, and with
    /// each turn of a person another of their images, until they all have come. By shares this holds for what is drawn
    /// in blocks of 10,000 positions: within one, the order is shuffled as a whole.
    pub fn at(&self, sets: &Combined, position: u64) -> usize {
        let Drawn { set, place, turn } = self.draw(position);
        match self.units[set] {
            Units::Images(_) => sets.image_at(set, place as usize),
            Units::People(_) => {
                let class = sets.people(set)[place as usize];
                let size = sets.class_size_in(set, class) as u64;
                let who = (set as u64) << 32 | u64::from(class);
                let key = random(self.seed, Purpose::BalancedMembers, who, turn / size);
                let member = Permutation::new(size, key).at(turn % size);
                sets.image_of_class_in(set, class, member as usize)
            }
        }
    }

    /// What is drawn at a position.
    pub(super) fn draw(&self, position: u64) -> Drawn {
        let (set, draw) = self.shares.at(position);
        let (Units::Images(count) | Units::People(count)) = self.units[set];
        let (turn, within) = (draw / count, draw % count);
        let key = random(self.seed, Purpose::Order, set as u64, turn);
        let place = Permutation::new(count, key).at(within);
        Drawn { set, place, turn }
    }

    /// The epoch of a position: how many times as many images as there are have come before.
    pub fn epoch(&self, position: u64) -> u64 {
        position / self.images.max(1)
    }
}

pub(super) fn weights(sets: &Combined) -> Vec<f64> {
    sets.sets().iter().map(|set| set.weight).collect()
}

/// Slots of a repeating block in which every set has its share: which set is drawn at a position, and
/// how many times it has been drawn before.
#[derive(Debug, Clone)]
struct Shares {
    /// Where each set's slots start in the block; the last entry is the block's length.
    starts: Vec<u64>,
    seed: u64,
}

/// Slots of a block when weights are given: shares are exact to a hundredth of a percent.
const BLOCK: f64 = 10_000.0;

impl Shares {
    /// A weight a set; −1 for all stands for their sizes.
    fn new(units: &[Units], weights: &[f64], seed: u64) -> Result<Self, DataError> {
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
        for (units, weight) in units.iter().zip(weights) {
            let (Units::Images(size) | Units::People(size)) = units;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn images(sizes: &[u64], weights: &[f64], seed: u64) -> Result<Order, DataError> {
        let units = sizes.iter().map(|size| Units::Images(*size)).collect();
        Order::of(units, weights, sizes.iter().sum(), seed)
    }

    #[test]
    fn every_epoch_has_every_image_once_in_another_order() {
        let order = images(&[5, 12], &[-1.0, -1.0], 9).unwrap();
        let epoch = |number: u64| {
            (0..17)
                .map(|at| order.draw(number * 17 + at))
                .map(|drawn| (drawn.set, drawn.place))
                .collect::<Vec<_>>()
        };
        let all: Vec<(usize, u64)> = (0..5)
            .map(|place| (0, place))
            .chain((0..12).map(|place| (1, place)))
            .collect();
        for number in 0..4 {
            let mut images = epoch(number);
            images.sort_unstable();
            assert_eq!(images, all);
        }
        assert_ne!(epoch(0), epoch(1));
        assert_eq!(order.epoch(16), 0);
        assert_eq!(order.epoch(17), 1);
    }

    #[test]
    fn weights_are_shares_of_the_images() {
        let order = images(&[10, 1000], &[3.0, 1.0], 1).unwrap();
        let mut seen = [0; 10];
        for drawn in (0..10_000).map(|at| order.draw(at)) {
            if drawn.set == 0 {
                seen[drawn.place as usize] += 1;
            }
        }
        assert_eq!(seen, [750; 10]);
        let without = images(&[10, 1000], &[0.0, 1.0], 1).unwrap();
        assert!((0..500).all(|at| without.draw(at).set == 1));
    }

    #[test]
    fn a_turn_says_how_often_it_has_come_before() {
        let order = Order::of(
            vec![Units::People(7), Units::Images(5)],
            &[-1.0, -1.0],
            500,
            3,
        )
        .unwrap();
        let mut seen = [[0; 7]; 2];
        for drawn in (0..1200).map(|at| order.draw(at)) {
            let seen = &mut seen[drawn.set][drawn.place as usize];
            assert_eq!(drawn.turn, *seen);
            *seen += 1;
        }
        assert_eq!(seen, [[100; 7], [100, 100, 100, 100, 100, 0, 0]]);
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
            assert!(images(&[3, 4], &weights, 1).is_err(), "{weights:?}");
        }
    }
}
