//! What shows of many points where they share one column of a picture.

use super::Point;

/// The ends, the extremes and the gaps of some points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outline {
    /// The first point.
    pub first: Point,
    /// The lowest finite value, the earliest of equals; the first point where none is finite.
    pub lowest: Point,
    /// The highest finite value, the earliest of equals; the first point where none is finite.
    pub highest: Point,
    /// The lowest finite value above 0; infinity where none is.
    pub lowest_positive: f64,
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
            lowest_positive: positive(point.value),
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

    /// How far its values reach.
    pub fn extremes(&self) -> Extremes {
        let ends = Extremes::of([self.lowest.value, self.highest.value]);
        Extremes {
            lowest_positive: self.lowest_positive,
            ..ends
        }
    }

    /// The outline of this stretch and the one that follows it.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let better = |ours: Point, theirs: Point, is_better: fn(&f64, &f64) -> bool| {
            let take = theirs.value.is_finite()
                && (!ours.value.is_finite() || is_better(&theirs.value, &ours.value));
            if take { theirs } else { ours }
        };
        let in_order =
            self.last.step <= next.first.step && self.last.wall_time <= next.first.wall_time;
        Self {
            first: self.first,
            lowest: better(self.lowest, next.lowest, f64::lt),
            highest: better(self.highest, next.highest, f64::gt),
            lowest_positive: self.lowest_positive.min(next.lowest_positive),
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
    pub fn of_all(points: &[Point]) -> Option<Self> {
        let (first, last) = (*points.first()?, *points.last()?);
        let mut all = Self::of(first);
        let mut before = first;
        for point in points {
            let (step, time, value) = (point.step, point.wall_time, point.value);
            all.steps = (all.steps.0.min(step), all.steps.1.max(step));
            all.times = (all.times.0.min(time), all.times.1.max(time));
            all.ordered &= before.step <= step && before.wall_time <= time;
            before = *point;
            if !value.is_finite() {
                all.gaps += 1;
                continue;
            }
            if value < all.lowest.value || !all.lowest.value.is_finite() {
                all.lowest = *point;
            }
            if value > all.highest.value || !all.highest.value.is_finite() {
                all.highest = *point;
            }
            all.lowest_positive = all.lowest_positive.min(positive(value));
        }
        if points.iter().any(|point| point.wall_time.is_nan()) {
            all.times = (f64::NEG_INFINITY, f64::INFINITY);
        }
        all.gaps -= usize::from(!first.value.is_finite());
        (all.last, all.count) = (last, points.len());
        Some(all)
    }
}

/// How far values reach, those that are no finite number left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extremes {
    /// The lowest; infinity without any.
    pub lowest: f64,
    /// The highest; minus infinity without any.
    pub highest: f64,
    /// The lowest above 0, which heights by powers of ten begin at; infinity without any.
    pub lowest_positive: f64,
}

impl Extremes {
    /// Those of no values.
    pub const NONE: Self = Self {
        lowest: f64::INFINITY,
        highest: f64::NEG_INFINITY,
        lowest_positive: f64::INFINITY,
    };

    /// Those of some values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut all = Self::NONE;
        for value in values {
            all.look(value);
        }
        all
    }

    /// Takes in a value.
    pub fn look(&mut self, value: f64) {
        if value.is_finite() {
            self.widen(&Self {
                lowest: value,
                highest: value,
                lowest_positive: positive(value),
            });
        }
    }

    /// Takes in the extremes of other values.
    pub fn widen(&mut self, other: &Self) {
        if other.lowest < self.lowest {
            self.lowest = other.lowest;
        }
        if other.highest > self.highest {
            self.highest = other.highest;
        }
        if other.lowest_positive < self.lowest_positive {
            self.lowest_positive = other.lowest_positive;
        }
    }

    /// Whether values with such extremes, or some of these values, can't widen these.
    pub fn hold(&self, other: &Self) -> bool {
        other.lowest >= self.lowest
            && other.highest <= self.highest
            && other.lowest_positive >= self.lowest_positive
    }
}

/// A value that is above 0 and finite; else infinity.
fn positive(value: f64) -> f64 {
    if value > 0.0 { value } else { f64::INFINITY }
}

/// What decides whether an outline has to be looked at: a line of the processor's cache, where outlines take some.
#[derive(Debug, Clone, Copy)]
pub struct Glance {
    /// The lowest and the highest step.
    pub steps: (u64, u64),
    /// The earliest and the latest time.
    pub times: (f64, f64),
    /// How far the values reach.
    pub extremes: Extremes,
}

impl From<&Outline> for Glance {
    fn from(outline: &Outline) -> Self {
        Self {
            steps: outline.steps,
            times: outline.times,
            extremes: outline.extremes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::scalars::point;

    proptest! {
        #[test]
        fn outlines_one_after_the_other_are_the_outline_of_all(
            seed in prop::collection::vec((0_u64..9, any::<i8>()), 2..80), at in 0.0..1.0_f64,
        ) {
            let points: Vec<Point> = seed
                .iter()
                .map(|(step, level)| match level {
                    0..5 => point(*step, 1.0, f64::NAN),
                    5..9 => point(*step, f64::NAN, 1.0),
                    _ => point(*step, f64::from(*level), f64::from(*level)),
                })
                .collect();
            let (left, right) = points.split_at(1 + (at * (points.len() - 1) as f64) as usize);
            let one_by_one = points.iter().copied().map(Outline::of).reduce(Outline::then).unwrap();
            let all = Outline::of_all(&points).unwrap();
            prop_assert_eq!(format!("{all:?}"), format!("{one_by_one:?}"));
            prop_assert_eq!(all.extremes(), Extremes::of(points.iter().map(|point| point.value)));
            if !right.is_empty() {
                let both = Outline::of_all(left).unwrap().then(Outline::of_all(right).unwrap());
                prop_assert_eq!(format!("{both:?}"), format!("{one_by_one:?}"));
            }
        }
    }

    #[test]
    fn an_outline_knows_ends_extremes_and_gaps() {
        let values = [f64::NAN, 3.0, 1.0, 5.0, f64::INFINITY, 1.0, 5.0, 2.0];
        let points: Vec<Point> = (10..)
            .zip(values)
            .map(|(step, value)| point(step, 0.0, value))
            .collect();
        let outline = Outline::of_all(&points).unwrap();
        assert_eq!((outline.first.step, outline.last.step), (10, 17));
        assert_eq!((outline.lowest.step, outline.highest.step), (12, 13));
        assert_eq!((outline.gaps, outline.count), (2, 8));
        assert_eq!(outline.steps, (10, 17));
        let nothing_finite = Outline::of(point(3, 0.0, f64::NAN));
        assert!(nothing_finite.then(nothing_finite).lowest.value.is_nan());
    }
}
