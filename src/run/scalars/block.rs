//! Some hundreds of points packed into bytes, the same bytes in memory and in an index file.

use std::ops::Range;
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
    /// The lowest finite value above 0, which heights by powers of ten begin at; the first point where none is.
    pub lowest_positive: Point,
    /// The last point.
    pub last: Point,
    /// The lowest and the highest step.
    pub steps: (u64, u64),
    /// The earliest and the latest time; all times, where one is no number.
    pub times: (f64, f64),
    /// Whether neither steps nor times ever fall.
    pub ordered: bool,
    /// How many values are not finite.
    pub gaps: usize,
    /// How many points there are.
    pub count: usize,
}

impl Outline {
    /// The outline of a single point.
    pub fn of(point: Point) -> Self {
        let time = point.wall_time;
        Self {
            first: point,
            lowest: point,
            highest: point,
            lowest_positive: point,
            last: point,
            steps: (point.step, point.step),
            times: if time.is_nan() {
                (f64::NEG_INFINITY, f64::INFINITY)
            } else {
                (time, time)
            },
            ordered: !time.is_nan(),
            gaps: usize::from(!point.value.is_finite()),
            count: 1,
        }
    }

    /// The outline of this stretch and the one that follows it.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let better = |ours: Point,
                      theirs: Point,
                      counts: fn(f64) -> bool,
                      is_better: fn(&f64, &f64) -> bool| {
            let take = !counts(ours.value)
                || (counts(theirs.value) && is_better(&theirs.value, &ours.value));
            if take { theirs } else { ours }
        };
        let in_order =
            self.last.step <= next.first.step && self.last.wall_time <= next.first.wall_time;
        Self {
            first: self.first,
            lowest: better(self.lowest, next.lowest, f64::is_finite, f64::lt),
            highest: better(self.highest, next.highest, f64::is_finite, f64::gt),
            lowest_positive: better(
                self.lowest_positive,
                next.lowest_positive,
                is_positive,
                f64::lt,
            ),
            last: next.last,
            steps: (
                self.steps.0.min(next.steps.0),
                self.steps.1.max(next.steps.1),
            ),
            times: (
                self.times.0.min(next.times.0),
                self.times.1.max(next.times.1),
            ),
            ordered: self.ordered && next.ordered && in_order,
            gaps: self.gaps + next.gaps,
            count: self.count + next.count,
        }
    }

    /// The outline of some points; `None` of none.
    pub fn of_all(points: impl IntoIterator<Item = Point>) -> Option<Self> {
        points.into_iter().map(Self::of).reduce(Self::then)
    }
}

fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
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

    /// One of its points.
    pub fn point(&self, at: usize) -> Point {
        let Outline { first, steps, .. } = self.outline;
        let (step_cells, time_cells, value_cells) = self.columns();
        Point {
            step: match self.layout.steps {
                Steps::Stride(stride) => first.step.wrapping_add(stride.wrapping_mul(at as u64)),
                Steps::Near => steps
                    .0
                    .wrapping_add(u32::from_le_bytes(cell(step_cells, at)).into()),
                Steps::Far => u64::from_le_bytes(cell(step_cells, at)),
            },
            wall_time: if self.layout.ticks {
                later(first.wall_time, u32::from_le_bytes(cell(time_cells, at)))
            } else {
                f64::from_le_bytes(cell(time_cells, at))
            },
            value: if self.layout.narrow {
                f32::from_le_bytes(cell(value_cells, at)).into()
            } else {
                f64::from_le_bytes(cell(value_cells, at))
            },
        }
    }

    /// The outline of a part of its points, of at least one; only values are looked at.
    pub fn part(&self, part: Range<usize>) -> Outline {
        let values = self.columns().2;
        let found = if self.layout.narrow {
            extremes(values, part.clone(), f32::from_le_bytes)
        } else {
            extremes(values, part.clone(), f64::from_le_bytes)
        };
        if !self.outline.ordered {
            let points = part.map(|at| self.point(at));
            return Outline::of_all(points).unwrap_or(self.outline);
        }
        let (first, last) = (self.point(part.start), self.point(part.end - 1));
        let at = |place: Option<usize>| place.map_or(first, |at| self.point(part.start + at));
        Outline {
            first,
            lowest: at(found.lowest),
            highest: at(found.highest),
            lowest_positive: at(found.lowest_positive),
            last,
            steps: (first.step, last.step),
            times: (first.wall_time, last.wall_time),
            ordered: true,
            gaps: found.gaps,
            count: part.len(),
        }
    }

    /// The packed steps, times and values.
    fn columns(&self) -> (&[u8], &[u8], &[u8]) {
        let [steps, times, _] = self.layout.widths(self.outline.count);
        let (steps, rest) = self.bytes().split_at(steps);
        let (times, values) = rest.split_at(times);
        (steps, times, values)
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
        let (steps, times, values) = self.columns();
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

/// Where the extremes of some values are, the first of equals.
#[derive(Default)]
struct Extremes {
    lowest: Option<usize>,
    highest: Option<usize>,
    lowest_positive: Option<usize>,
    gaps: usize,
}

/// Finds the extremes of a part of a column.
fn extremes<const N: usize, T: Value>(
    column: &[u8],
    part: Range<usize>,
    read: impl Fn([u8; N]) -> T,
) -> Extremes {
    let cells = column.as_chunks::<N>().0.get(part).unwrap_or_default();
    let (low, high, all_finite) = bounds(cells, &read);
    if !all_finite {
        return extremes_between_gaps(cells, read);
    }
    let place = |value: T| cells.iter().position(|bytes| read(*bytes) == value);
    let lowest_at = place(low);
    Extremes {
        lowest: lowest_at,
        highest: place(high),
        lowest_positive: if low > T::ZERO {
            lowest_at
        } else {
            least_above(cells, T::ZERO, &read).and_then(place)
        },
        gaps: 0,
    }
}

/// Values that are looked at at once: the compiler makes vector instructions of it.
const LANES: usize = 16;

/// The lowest and the highest value, and whether all are finite: only then do the others count.
fn bounds<const N: usize, T: Value>(
    cells: &[[u8; N]],
    read: &impl Fn([u8; N]) -> T,
) -> (T, T, bool) {
    let (mut low, mut high) = ([T::MOST; LANES], [T::LEAST; LANES]);
    let mut strays = [T::ZERO; LANES];
    let mut take = |cells: &[[u8; N]]| {
        for (lane, bytes) in cells.iter().enumerate() {
            let value = read(*bytes);
            low[lane] = if value < low[lane] { value } else { low[lane] };
            high[lane] = if value > high[lane] {
                value
            } else {
                high[lane]
            };
            strays[lane] = strays[lane].and_stray(value);
        }
    };
    let (rounds, rest) = cells.as_chunks::<LANES>();
    rounds.iter().for_each(|round| take(round));
    take(rest);
    let all_finite = strays.iter().all(|stray| *stray == T::ZERO);
    let low = low
        .into_iter()
        .fold(T::MOST, |a, b| if b < a { b } else { a });
    let high = high
        .into_iter()
        .fold(T::LEAST, |a, b| if b > a { b } else { a });
    (low, high, all_finite)
}

/// The least value above a floor.
fn least_above<const N: usize, T: Value>(
    cells: &[[u8; N]],
    floor: T,
    read: &impl Fn([u8; N]) -> T,
) -> Option<T> {
    let mut least = T::MOST;
    for bytes in cells {
        let value = read(*bytes);
        let better = value > floor && value < least;
        least = if better { value } else { least };
    }
    (least < T::MOST).then_some(least)
}

/// The extremes of values some of which are not finite, one by one.
fn extremes_between_gaps<const N: usize, T: Value>(
    cells: &[[u8; N]],
    read: impl Fn([u8; N]) -> T,
) -> Extremes {
    let mut found = Extremes::default();
    let (mut low, mut high, mut low_positive) = (T::MOST, T::LEAST, T::MOST);
    for (at, bytes) in cells.iter().enumerate() {
        let value = read(*bytes);
        if T::ZERO.and_stray(value) != T::ZERO {
            found.gaps += 1;
            continue;
        }
        if value < low {
            (low, found.lowest) = (value, Some(at));
        }
        if value > high {
            (high, found.highest) = (value, Some(at));
        }
        if value > T::ZERO && value < low_positive {
            (low_positive, found.lowest_positive) = (value, Some(at));
        }
    }
    found
}

/// A number as a column has it.
trait Value: Copy + PartialOrd {
    const ZERO: Self;
    const LEAST: Self;
    const MOST: Self;
    /// Stays 0 as long as all values are finite, and is no number ever after.
    fn and_stray(self, value: Self) -> Self;
}

impl Value for f32 {
    const ZERO: Self = 0.0;
    const LEAST: Self = Self::NEG_INFINITY;
    const MOST: Self = Self::INFINITY;
    fn and_stray(self, value: Self) -> Self {
        self + value * 0.0
    }
}

impl Value for f64 {
    const ZERO: Self = 0.0;
    const LEAST: Self = Self::NEG_INFINITY;
    const MOST: Self = Self::INFINITY;
    fn and_stray(self, value: Self) -> Self {
        self + value * 0.0
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
