//! A shuffled order that is computed at one place at a time.

use super::random::mix;

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
}
