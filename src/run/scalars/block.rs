//! Some hundreds of points packed into bytes, the same bytes in memory and in an index file.

use std::sync::Arc;

use super::Point;

/// So many points are packed together: few enough to unpack one in microseconds, enough to make outlines worth it.
pub const BLOCK_POINTS: usize = 1024;

/// Wall times between 2004 and 2038 are multiples of this as 64-bit floats: whole ticks lose nothing.
const TICKS_A_SECOND: f64 = (1 << 22) as f64;

/// What shows of many points where they share one column of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outline {
    /// The first point.
    pub first: Point,
    /// The lowest finite value, the earliest of equals; the first point where none is finite.
    pub lowest: Point,
    /// The highest finite value, the earliest of equals; the first point where none is finite.
    pub highest: Point,
    /// The last point.
    pub last: Point,
    /// The lowest and the highest step.
    pub steps: (u64, u64),
    /// How many values are not finite.
    pub gaps: usize,
    /// How many points there are.
    pub count: usize,
}

impl Outline {
    /// The outline of a single point.
    pub fn of(point: Point) -> Self {
        Self {
            first: point,
            lowest: point,
            highest: point,
            last: point,
            steps: (point.step, point.step),
            gaps: usize::from(!point.value.is_finite()),
            count: 1,
        }
    }

    /// The outline of this stretch and the one that follows it.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let better = |ours: Point, theirs: Point, is_better: fn(&f64, &f64) -> bool| {
            let take = !ours.value.is_finite()
                || (theirs.value.is_finite() && is_better(&theirs.value, &ours.value));
            if take { theirs } else { ours }
        };
        Self {
            first: self.first,
            lowest: better(self.lowest, next.lowest, f64::lt),
            highest: better(self.highest, next.highest, f64::gt),
            last: next.last,
            steps: (
                self.steps.0.min(next.steps.0),
                self.steps.1.max(next.steps.1),
            ),
            gaps: self.gaps + next.gaps,
            count: self.count + next.count,
        }
    }

    /// The outline of some points; `None` of none.
    pub fn of_all(points: impl IntoIterator<Item = Point>) -> Option<Self> {
        points.into_iter().map(Self::of).reduce(Self::then)
    }
}

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

/// Some points, packed.
#[derive(Debug, Clone)]
pub(in crate::run) struct Block {
    pub outline: Outline,
    pub layout: Layout,
    /// The bytes are a part of these: those of one block, or of a whole index file.
    bytes: Arc<Vec<u8>>,
    start: usize,
}

impl Block {
    /// Packs points; `None` of none.
    pub fn pack(points: &[Point]) -> Option<Self> {
        let outline = Outline::of_all(points.iter().copied())?;
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
            bytes: Arc::new(bytes),
            start: 0,
        })
    }

    /// A block whose bytes begin at `start`; `None` where they would end beyond the end.
    pub fn within(
        bytes: &Arc<Vec<u8>>,
        start: usize,
        outline: Outline,
        layout: Layout,
    ) -> Option<Self> {
        let end = start.checked_add(layout.size(outline.count))?;
        (end <= bytes.len()).then(|| Self {
            outline,
            layout,
            bytes: Arc::clone(bytes),
            start,
        })
    }

    /// The packed columns.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..][..self.layout.size(self.outline.count)]
    }

    /// Unpacks the points behind those in `points`.
    pub fn unpack(&self, points: &mut Vec<Point>) {
        let Outline {
            first,
            steps: (lowest_step, _),
            count,
            ..
        } = self.outline;
        let from = points.len();
        points.resize(from + count, first);
        let points = &mut points[from..];
        let [steps, times, _] = self.layout.widths(count);
        let (steps, rest) = self.bytes().split_at(steps);
        let (times, values) = rest.split_at(times);
        match self.layout.steps {
            Steps::Stride(stride) => {
                let mut step = first.step;
                for point in &mut *points {
                    point.step = step;
                    step = step.wrapping_add(stride);
                }
            }
            Steps::Near => each(points, steps, |point, bytes| {
                point.step = lowest_step.wrapping_add(u32::from_le_bytes(bytes).into());
            }),
            Steps::Far => each(points, steps, |point, bytes| {
                point.step = u64::from_le_bytes(bytes);
            }),
        }
        if self.layout.ticks {
            each(points, times, |point, bytes| {
                point.wall_time = later(first.wall_time, u32::from_le_bytes(bytes));
            });
        } else {
            each(points, times, |point, bytes| {
                point.wall_time = f64::from_le_bytes(bytes);
            });
        }
        if self.layout.narrow {
            each(points, values, |point, bytes| {
                point.value = f32::from_le_bytes(bytes).into();
            });
        } else {
            each(points, values, |point, bytes| {
                point.value = f64::from_le_bytes(bytes);
            });
        }
    }
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

    fn point(step: u64, wall_time: f64, value: f64) -> Point {
        Point {
            step,
            wall_time,
            value,
        }
    }

    fn unpacked(block: &Block) -> Vec<Point> {
        let mut points = vec![point(1, 2.0, 3.0)];
        block.unpack(&mut points);
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
    }

    #[test]
    fn an_outline_knows_ends_extremes_and_gaps() {
        let values = [f64::NAN, 3.0, 1.0, 5.0, f64::INFINITY, 1.0, 5.0, 2.0];
        let points: Vec<Point> = (10..)
            .zip(values)
            .map(|(step, value)| point(step, 0.0, value))
            .collect();
        let outline = Outline::of_all(points).unwrap();
        assert_eq!((outline.first.step, outline.last.step), (10, 17));
        assert_eq!((outline.lowest.step, outline.highest.step), (12, 13));
        assert_eq!((outline.gaps, outline.count), (2, 8));
        assert_eq!(outline.steps, (10, 17));
        let nothing_finite = Outline::of(point(3, 0.0, f64::NAN));
        assert!(nothing_finite.then(nothing_finite).lowest.value.is_nan());
    }
}
