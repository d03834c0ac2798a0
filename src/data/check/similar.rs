//! Pictures that look the same but have different labels, found without comparing each with each.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::Seen;
use super::look::MOST_BITS;

/// Bits of a look that pictures are sorted by at a time.
const BAND_BITS: u32 = 16;
const BANDS: u32 = u64::BITS / BAND_BITS;
/// The most pictures with the same band that one picture is compared with. With bits that are as often 0 as 1, a
/// band of 5.8 million pictures is shared by 88.
const MOST_NEIGHBOURS: usize = 20_000;
/// The most pairs of one picture.
const MOST_OF_ONE: usize = 500;
/// Pictures whose pairs are kept before they are counted.
const CHUNK: usize = 1 << 16;
/// The most pairs that are looked at more closely.
const MOST_PAIRS: usize = 200_000;

/// Pairs of pictures whose looks differ in a few bits and whose labels differ.
#[derive(Debug, Default)]
pub(super) struct NearPairs {
    /// Indices of both, the smaller first, in order.
    pub pairs: Vec<(u32, u32)>,
    /// Whether there were too many alike to compare all.
    pub cut_short: bool,
}

/// Finds them: of two looks that differ in at most seven bits, one of four bands differs in at most one, so each
/// picture is compared only with those that share a band with it but for one bit.
pub(super) fn near_pairs(seen: &[Seen]) -> NearPairs {
    const { assert!(MOST_BITS < 2 * BANDS) };
    let cut_short = AtomicBool::new(false);
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for band in 0..BANDS {
        let buckets = Buckets::new(seen, band);
        for start in (0..seen.len()).step_by(CHUNK) {
            if pairs.len() >= MOST_PAIRS {
                cut_short.store(true, Ordering::Relaxed);
                break;
            }
            let chunk = start..(start + CHUNK).min(seen.len());
            let found: Vec<(u32, u32)> = chunk
                .into_par_iter()
                .filter(|index| seen[*index].can_be_compared())
                .flat_map_iter(|index| {
                    let (near, all) = near_one(seen, &buckets, index, band);
                    if !all {
                        cut_short.store(true, Ordering::Relaxed);
                    }
                    near
                })
                .collect();
            pairs.extend(found);
        }
    }
    pairs.par_sort_unstable();
    pairs.truncate(MOST_PAIRS);
    NearPairs {
        pairs,
        cut_short: cut_short.into_inner(),
    }
}

/// The pairs of one picture with later ones, and whether all of its neighbours were looked at.
fn near_one(seen: &[Seen], buckets: &Buckets, index: usize, band: u32) -> (Vec<(u32, u32)>, bool) {
    let neighbours = buckets.after(index as u32, band_of(seen[index].look, band));
    let mut near = Vec::new();
    for (compared, other) in neighbours.into_iter().flatten().enumerate() {
        if compared >= MOST_NEIGHBOURS || near.len() >= MOST_OF_ONE {
            return (near, false);
        }
        if is_near(&seen[index], &seen[*other as usize], band) {
            near.push((index as u32, *other));
        }
    }
    (near, true)
}

fn band_of(look: u64, band: u32) -> usize {
    (look >> (band * BAND_BITS)) as usize & ((1 << BAND_BITS) - 1)
}

/// Whether two are near, and this is the first band that tells.
fn is_near(a: &Seen, b: &Seen, band: u32) -> bool {
    let differing = a.look ^ b.look;
    differing.count_ones() <= MOST_BITS
        && a.person != b.person
        && a.digest != b.digest
        && (0..band).all(|earlier| band_of(differing, earlier).count_ones() > 1)
}

/// Pictures sorted by one band of their looks.
struct Buckets {
    /// Where each value's pictures start; one more at the end.
    starts: Vec<u32>,
    /// The pictures, in order within a value.
    pictures: Vec<u32>,
}

impl Buckets {
    fn new(seen: &[Seen], band: u32) -> Self {
        let comparable = || {
            seen.iter()
                .enumerate()
                .filter(|(_, seen)| seen.can_be_compared())
        };
        let mut starts = vec![0u32; (1 << BAND_BITS) + 1];
        for (_, seen) in comparable() {
            starts[band_of(seen.look, band) + 1] += 1;
        }
        for value in 1..starts.len() {
            starts[value] += starts[value - 1];
        }
        let mut next = starts.clone();
        let mut pictures = vec![0; starts[1 << BAND_BITS] as usize];
        for (index, seen) in comparable() {
            let place = &mut next[band_of(seen.look, band)];
            pictures[*place as usize] = index as u32;
            *place += 1;
        }
        Self { starts, pictures }
    }

    /// The pictures behind `index` whose band is `value` but for at most one bit, value by value.
    fn after(&self, index: u32, value: usize) -> Vec<&[u32]> {
        let values = std::iter::once(value).chain((0..BAND_BITS).map(|bit| value ^ (1 << bit)));
        values
            .map(|value| {
                let range = self.starts[value] as usize..self.starts[value + 1] as usize;
                let pictures = &self.pictures[range];
                &pictures[pictures.partition_point(|other| *other <= index)..]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::random::{Purpose, random};

    fn seen(look: u64, person: u32, digest: u128) -> Seen {
        Seen {
            digest,
            look,
            person,
            width: 1,
            height: 1,
        }
    }

    #[test]
    fn all_pairs_up_to_the_limit_are_found_once_and_no_other() {
        let mut all = Vec::new();
        for base in 0..300u64 {
            let look = random(1, Purpose::Order, base, 0) | 1;
            all.push(seen(look, base as u32, u128::from(base)));
            // Copies under another label, with as many bits turned as the number says.
            let turned = (0..base % 11).fold(0u64, |bits, turn| {
                bits | 1 << (random(1, Purpose::Order, base, turn + 1) % 64)
            });
            all.push(seen(
                look ^ turned,
                1000 + base as u32,
                1000 + u128::from(base),
            ));
        }
        let mut expected = Vec::new();
        for a in 0..all.len() {
            for b in a + 1..all.len() {
                if (all[a].look ^ all[b].look).count_ones() <= MOST_BITS {
                    expected.push((a as u32, b as u32));
                }
            }
        }
        assert!(expected.len() > 200, "{}", expected.len());
        let found = near_pairs(&all);
        assert_eq!(found.pairs, expected);
        assert!(!found.cut_short);
    }

    #[test]
    fn the_same_label_and_the_same_bytes_are_no_finding() {
        let all = [
            seen(1, 7, 1),
            seen(3, 7, 2),
            seen(1, 8, 1),
            seen(0, 9, 4),
            Seen {
                width: 0,
                ..seen(1, 9, 5)
            },
        ];
        // The last but one is blank, the last is broken.
        assert_eq!(near_pairs(&all).pairs, [(1, 2)]);
    }

    #[test]
    fn a_set_of_one_look_ends_in_time() {
        let all: Vec<Seen> = (0..60_000)
            .map(|index| seen(5, index, u128::from(index)))
            .collect();
        let found = near_pairs(&all);
        assert_eq!((found.pairs.len(), found.cut_short), (MOST_PAIRS, true));
    }
}
