//! Some hundreds of points packed into bytes, the same bytes in memory and in an index file.

use std::ops::Range;
use std::sync::Arc;

use super::Point;
use super::outline::{Extremes, Outline};

/// So many points are packed together: few enough to unpack one in microseconds, enough to make outlines worth it.
pub const BLOCK_POINTS: usize = 1024;

/// Wall times between 2004 and 2038 are multiples of this as 64-bit floats: whole ticks lose nothing.
const TICKS_A_SECOND: f64 = (1 << 22) as f64;

/// How the steps of a block are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Steps {
    /// Equally far apart: nothing is kept but this distance.
    Stride(u64),
    /// 32-bit distances from the lowest step.
    Near,
    /// As they are.
    Far,
}

/// How the columns of a block are kept: each as narrow as loses nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) struct Layout {
    pub steps: Steps,
    /// Wall times as 32-bit ticks after the first one, or as they are.
    pub ticks: bool,
    /// Values in 32 bits, as event files mostly have them, or in 64.
    pub narrow: bool,
}

impl Layout {
    /// Bytes of each column for so many points.
    fn widths(self, count: usize) -> [usize; 3] {
        let steps = match self.steps {
            Steps::Stride(_) => 0,
            Steps::Near => 4,
            Steps::Far => 8,
        };
        let width = |short: bool| if short { 4 } else { 8 };
        [
            count * steps,
            count * width(self.ticks),
            count * width(self.narrow),
        ]
    }

    /// Bytes of a block of so many points.
    pub fn size(self, count: usize) -> usize {
        self.widths(count).iter().sum()
    }
}

/// Points whose extremes are known together.
const LEAF_POINTS: usize = 64;

/// Leaves of a whole block.
pub(in crate::run) const LEAVES: usize = BLOCK_POINTS / LEAF_POINTS;

/// How far the values of each leaf reach: with them a chart finds the extremes of a part of a block without looking at
/// each value.
pub(in crate::run) type Leaves = [Extremes; LEAVES];

/// A look into packed points.
#[derive(Debug, Clone, Copy)]
pub(in crate::run) struct Cells<'a> {
    outline: &'a Outline,
    layout: Layout,
    leaves: &'a Leaves,
    steps: &'a [u8],
    times: &'a [u8],
    values: &'a [u8],
}

/// Some points, packed.
#[derive(Debug, Clone)]
pub(in crate::run) struct Block {
    pub outline: Outline,
    pub layout: Layout,
    pub leaves: Leaves,
    /// The bytes are a part of these: those of one block, or of a whole index file.
    bytes: Arc<[u8]>,
    start: usize,
}

impl Block {
    /// Packs points; `None` of none.
    pub fn pack(points: &[Point]) -> Option<Self> {
        let outline = Outline::of_all(points)?;
        let layout = layout_of(points, &outline);
        let mut bytes = vec![0; layout.size(points.len())];
        let [steps, times, _] = layout.widths(points.len());
        let (steps, rest) = bytes.split_at_mut(steps);
        let (times, values) = rest.split_at_mut(times);
        match layout.steps {
            Steps::Stride(_) => {}
            Steps::Near => fill(steps, points, |point| {
                ((point.step - outline.steps.0) as u32).to_le_bytes()
            }),
            Steps::Far => fill(steps, points, |point| point.step.to_le_bytes()),
        }
        if layout.ticks {
            let begun = outline.first.wall_time;
            fill(times, points, |point| {
                ticks_after(begun, point.wall_time).to_le_bytes()
            });
        } else {
            fill(times, points, |point| point.wall_time.to_le_bytes());
        }
        if layout.narrow {
            fill(values, points, |point| (point.value as f32).to_le_bytes());
        } else {
            fill(values, points, |point| point.value.to_le_bytes());
        }
        Some(Self {
            outline,
            layout,
            leaves: leaves_of(points),
            bytes: bytes.into(),
            start: 0,
        })
    }

    /// A block whose bytes begin at `start`; `None` where they would end beyond the end.
    pub fn within(
        bytes: &Arc<[u8]>,
        start: usize,
        (outline, layout, leaves): (Outline, Layout, Leaves),
    ) -> Option<Self> {
        let end = start.checked_add(layout.size(outline.count))?;
        (end <= bytes.len()).then(|| Self {
            outline,
            layout,
            leaves,
            bytes: Arc::clone(bytes),
            start,
        })
    }

    /// The packed columns.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..][..self.layout.size(self.outline.count)]
    }

    /// Its points, each of which can be looked at.
    pub fn cells(&self) -> Cells<'_> {
        let (steps, times, values) = self.columns();
        Cells {
            outline: &self.outline,
            layout: self.layout,
            leaves: &self.leaves,
            steps,
            times,
            values,
        }
    }

    /// The packed steps, times and values.
    fn columns(&self) -> (&[u8], &[u8], &[u8]) {
        let [steps, times, _] = self.layout.widths(self.outline.count);
        let (steps, rest) = self.bytes().split_at(steps);
        let (times, values) = rest.split_at(times);
        (steps, times, values)
    }
}

impl Cells<'_> {
    /// Unpacks the points behind those in `points`.
    pub fn unpack(&self, points: &mut Vec<Point>) {
        let Outline {
            first,
            steps: (lowest_step, _),
            count,
            ..
        } = *self.outline;
        let from = points.len();
        points.resize(from + count, first);
        let points = &mut points[from..];
        match self.layout.steps {
            Steps::Stride(stride) => {
                let mut step = first.step;
                for point in &mut *points {
                    point.step = step;
                    step = step.wrapping_add(stride);
                }
            }
            Steps::Near => each(points, self.steps, |point, bytes| {
                point.step = lowest_step.wrapping_add(u32::from_le_bytes(bytes).into());
            }),
            Steps::Far => each(points, self.steps, |point, bytes| {
                point.step = u64::from_le_bytes(bytes);
            }),
        }
        if self.layout.ticks {
            each(points, self.times, |point, bytes| {
                point.wall_time = later(first.wall_time, u32::from_le_bytes(bytes));
            });
        } else {
            each(points, self.times, |point, bytes| {
                point.wall_time = f64::from_le_bytes(bytes);
            });
        }
        if self.layout.narrow {
            each(points, self.values, |point, bytes| {
                point.value = f32::from_le_bytes(bytes).into();
            });
        } else {
            each(points, self.values, |point, bytes| {
                point.value = f64::from_le_bytes(bytes);
            });
        }
    }

    /// One of the points.
    pub fn point(&self, at: usize) -> Point {
        Point {
            step: self.step(at),
            wall_time: self.time(at),
            value: self.value(at),
        }
    }

    /// The step of a point.
    pub fn step(&self, at: usize) -> u64 {
        match self.layout.steps {
            Steps::Stride(stride) => {
                let first = self.outline.first.step;
                first.wrapping_add(stride.wrapping_mul(at as u64))
            }
            Steps::Near => {
                let lowest = self.outline.steps.0;
                lowest.wrapping_add(u32::from_le_bytes(cell(self.steps, at)).into())
            }
            Steps::Far => u64::from_le_bytes(cell(self.steps, at)),
        }
    }

    /// The time of a point.
    pub fn time(&self, at: usize) -> f64 {
        if self.layout.ticks {
            let begun = self.outline.first.wall_time;
            later(begun, u32::from_le_bytes(cell(self.times, at)))
        } else {
            f64::from_le_bytes(cell(self.times, at))
        }
    }

    /// The value of a point.
    pub fn value(&self, at: usize) -> f64 {
        if self.layout.narrow {
            f32::from_le_bytes(cell(self.values, at)).into()
        } else {
            f64::from_le_bytes(cell(self.values, at))
        }
    }

    /// Widens extremes by those of some of the points. Of leaves that are whole nothing but their extremes is looked at,
    /// and nothing else of any leaf that can't widen them.
    pub fn widen(&self, part: Range<usize>, extremes: &mut Extremes) {
        let whole = part.start.div_ceil(LEAF_POINTS)..part.end / LEAF_POINTS;
        let begin = (whole.start * LEAF_POINTS).min(part.end);
        let end = (whole.end * LEAF_POINTS).max(begin);
        for leaf in self.leaves.get(whole).unwrap_or_default() {
            extremes.widen(leaf);
        }
        for rest in [part.start..begin, end..part.end] {
            let leaf = self.leaves.get(rest.start / LEAF_POINTS);
            if leaf.is_none_or(|leaf| !extremes.hold(leaf)) {
                extremes.widen(&Extremes::of(rest.map(|at| self.value(at))));
            }
        }
    }
}

/// A cell of a column.
fn cell<const N: usize>(column: &[u8], at: usize) -> [u8; N] {
    column.as_chunks::<N>().0.get(at).copied().unwrap_or([0; N])
}

/// Writes one column of points.
fn fill<const N: usize>(column: &mut [u8], points: &[Point], cell: impl Fn(&Point) -> [u8; N]) {
    let (cells, _) = column.as_chunks_mut::<N>();
    for (bytes, point) in cells.iter_mut().zip(points) {
        *bytes = cell(point);
    }
}

/// Goes through points and the bytes of one of their columns.
fn each<const N: usize>(points: &mut [Point], column: &[u8], set: impl Fn(&mut Point, [u8; N])) {
    let (cells, _) = column.as_chunks::<N>();
    for (point, bytes) in points.iter_mut().zip(cells) {
        set(point, *bytes);
    }
}

fn leaves_of(points: &[Point]) -> Leaves {
    let mut leaves = [Extremes::NONE; LEAVES];
    for (leaf, points) in leaves.iter_mut().zip(points.chunks(LEAF_POINTS)) {
        *leaf = Extremes::of(points.iter().map(|point| point.value));
    }
    leaves
}

fn layout_of(points: &[Point], outline: &Outline) -> Layout {
    let stride = match points {
        [first, second, ..] => second.step.checked_sub(first.step),
        _ => Some(0),
    };
    let regular = stride.filter(|stride| {
        points
            .windows(2)
            .all(|two| two[0].step.checked_add(*stride) == Some(two[1].step))
    });
    let span = outline.steps.1 - outline.steps.0;
    let begun = outline.first.wall_time;
    Layout {
        steps: match regular {
            Some(stride) => Steps::Stride(stride),
            None if u32::try_from(span).is_ok() => Steps::Near,
            None => Steps::Far,
        },
        ticks: points.iter().all(|point| {
            later(begun, ticks_after(begun, point.wall_time)).to_bits() == point.wall_time.to_bits()
        }),
        narrow: points
            .iter()
            .all(|point| f64::from(point.value as f32).to_bits() == point.value.to_bits()),
    }
}

fn ticks_after(begun: f64, time: f64) -> u32 {
    // Anything else saturates, and is then found not to come back.
    ((time - begun) * TICKS_A_SECOND) as u32
}

fn later(begun: f64, ticks: u32) -> f64 {
    begun + f64::from(ticks) / TICKS_A_SECOND
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::scalars::point;

    fn unpacked(block: &Block) -> Vec<Point> {
        let mut points = vec![point(1, 2.0, 3.0)];
        block.cells().unpack(&mut points);
        points.split_off(1)
    }

    fn same_bits(a: &[Point], b: &[Point]) -> bool {
        let bits = |point: &Point| (point.step, point.wall_time.to_bits(), point.value.to_bits());
        a.iter().map(bits).eq(b.iter().map(bits))
    }

    #[test]
    fn a_trainings_points_take_eight_bytes_each() {
        // Times as a clock gives them: nanoseconds, of which a float of that size keeps about 240.
        let points: Vec<Point> = (0..1000)
            .map(|at: u32| {
                let seconds = 1_763_000_000.123_456_7 + f64::from(at) * 0.123_456_7;
                point(
                    u64::from(at) * 10,
                    seconds,
                    f64::from(1.0 / (at + 1) as f32),
                )
            })
            .collect();
        let block = Block::pack(&points).unwrap();
        assert_eq!(block.layout.steps, Steps::Stride(10));
        assert_eq!(block.bytes().len(), 8 * points.len());
        assert!(same_bits(&unpacked(&block), &points));
    }

    proptest! {
        #[test]
        fn whatever_is_packed_comes_back_bit_for_bit(
            seed in prop::collection::vec((any::<u64>(), any::<f64>(), any::<u64>()), 1..50),
            near_steps in any::<bool>(), near_times in any::<bool>(), narrow in any::<bool>(),
        ) {
            let points: Vec<Point> = seed
                .iter()
                .map(|(step, time, value)| Point {
                    step: if near_steps { step % 5000 } else { *step },
                    wall_time: if near_times { 1.7e9 + time.abs() % 100.0 } else { *time },
                    // Every bit pattern, NaNs of all kinds among them.
                    value: if narrow { f32::from_bits(*value as u32).into() } else { f64::from_bits(*value) },
                })
                .collect();
            let block = Block::pack(&points).unwrap();
            prop_assert!(same_bits(&unpacked(&block), &points));
            prop_assert_eq!(block.bytes().len(), block.layout.size(points.len()));
        }

        #[test]
        fn the_extremes_of_any_part_are_those_of_its_points(
            seed in prop::collection::vec(-40_i16..40, 1..=BLOCK_POINTS), gaps in 1_i16..60,
            from in 0.0..1.0_f64, to in 0.0..1.0_f64,
        ) {
            let points: Vec<Point> = (0..)
                .zip(&seed)
                .map(|(step, level)| {
                    let value = if level % gaps == 7 { f64::NAN } else { f64::from(*level) };
                    point(step, 1.7e9, value)
                })
                .collect();
            let block = Block::pack(&points).unwrap();
            prop_assert!((0..points.len()).all(|at| same_bits(&[block.cells().point(at)], &points[at..=at])));
            let ends = [from, to].map(|share| (share * points.len() as f64) as usize);
            let part = ends[0].min(ends[1])..ends[0].max(ends[1]);
            let of = |points: &[Point]| Extremes::of(points.iter().map(|point| point.value));
            for known in [&points[..0], &points[..points.len() / 2]] {
                let (mut found, mut all) = (of(known), of(known));
                block.cells().widen(part.clone(), &mut found);
                all.widen(&of(&points[part.clone()]));
                prop_assert_eq!(found, all);
            }
        }
    }
}
