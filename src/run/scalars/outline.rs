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

    /// Its extremes, `None` for what it doesn't have.
    pub fn extremes(&self) -> Extremes {
        let finite = |point: Point| point.value.is_finite().then_some(point);
        Extremes {
            lowest: finite(self.lowest),
            highest: finite(self.highest),
            lowest_positive: finite(self.lowest_positive).filter(|point| point.value > 0.0),
        }
    }

    /// The outline of this stretch and the one that follows it.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let better = |ours: Point,
                      theirs: Point,
                      counts: fn(f64) -> bool,
                      is_better: fn(&f64, &f64) -> bool| {
            let take = counts(theirs.value)
                && (!counts(ours.value) || is_better(&theirs.value, &ours.value));
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
            let known = all.lowest_positive.value;
            if value > 0.0 && (value < known || !is_positive(known)) {
                all.lowest_positive = *point;
            }
        }
        if points.iter().any(|point| point.wall_time.is_nan()) {
            all.times = (f64::NEG_INFINITY, f64::INFINITY);
        }
        all.gaps -= usize::from(!first.value.is_finite());
        (all.last, all.count) = (last, points.len());
        Some(all)
    }
}

fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

/// The lowest and the highest finite value, and the lowest above 0, each the first of equals; `None` where none is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extremes {
    /// The lowest.
    pub lowest: Option<Point>,
    /// The highest.
    pub highest: Option<Point>,
    /// The lowest above 0.
    pub lowest_positive: Option<Point>,
}

impl Extremes {
    /// Takes in the extremes of points that follow these.
    pub fn widen(&mut self, next: &Self) {
        let Self {
            lowest,
            highest,
            lowest_positive,
        } = next;
        take(&mut self.lowest, lowest.as_ref(), |new, old| new < old);
        take(&mut self.highest, highest.as_ref(), |new, old| new > old);
        take(
            &mut self.lowest_positive,
            lowest_positive.as_ref(),
            |new, old| new < old,
        );
    }

    /// Whether points of such heights can't widen these.
    pub fn hold(&self, glance: &Glance) -> bool {
        let least = |known: Option<Point>| known.map_or(f64::INFINITY, |point| point.value);
        let most = self.highest.map_or(f64::NEG_INFINITY, |point| point.value);
        glance.lowest >= least(self.lowest)
            && glance.highest <= most
            && glance.lowest_positive >= least(self.lowest_positive)
    }

    /// Those of some points.
    pub fn of(points: &[Point]) -> Self {
        let mut found = Found::nothing();
        for (at, point) in points.iter().enumerate() {
            found.look(at, point.value);
        }
        found.extremes(|at| points[at])
    }
}

fn take(known: &mut Option<Point>, next: Option<&Point>, is_better: fn(f64, f64) -> bool) {
    if let Some(next) = next
        && known.is_none_or(|known| is_better(next.value, known.value))
    {
        *known = Some(*next);
    }
}

/// What decides whether an outline has to be looked at: a line of the processor's cache, where outlines take some.
#[derive(Debug, Clone, Copy)]
pub struct Glance {
    /// The lowest and the highest step.
    pub steps: (u64, u64),
    /// The earliest and the latest time.
    pub times: (f64, f64),
    /// The lowest finite value; infinite without any.
    pub lowest: f64,
    /// The highest finite value; minus infinity without any.
    pub highest: f64,
    /// The lowest finite value above 0; infinite without any.
    pub lowest_positive: f64,
}

impl From<&Outline> for Glance {
    fn from(outline: &Outline) -> Self {
        let extremes = outline.extremes();
        let value = |point: Option<Point>, none| point.map_or(none, |point| point.value);
        Self {
            steps: outline.steps,
            times: outline.times,
            lowest: value(extremes.lowest, f64::INFINITY),
            highest: value(extremes.highest, f64::NEG_INFINITY),
            lowest_positive: value(extremes.lowest_positive, f64::INFINITY),
        }
    }
}

/// Extremes while they are looked for, in the order of the places: a value and its place each.
pub(super) struct Found {
    lowest: (f64, usize),
    highest: (f64, usize),
    lowest_positive: (f64, usize),
}

impl Found {
    /// Of nothing yet.
    pub fn nothing() -> Self {
        Self {
            lowest: (f64::INFINITY, usize::MAX),
            highest: (f64::NEG_INFINITY, usize::MAX),
            lowest_positive: (f64::INFINITY, usize::MAX),
        }
    }

    /// Looks at a value.
    pub fn look(&mut self, at: usize, value: f64) {
        if value.is_finite() {
            self.low(at, value);
            self.high(at, value);
            if value > 0.0 {
                self.low_positive(at, value);
            }
        }
    }

    /// Looks at a finite value that can be no other extreme.
    pub fn low(&mut self, at: usize, value: f64) {
        if value < self.lowest.0 {
            self.lowest = (value, at);
        }
    }

    /// As [`Found::low`].
    pub fn high(&mut self, at: usize, value: f64) {
        if value > self.highest.0 {
            self.highest = (value, at);
        }
    }

    /// As [`Found::low`], of a value above 0.
    pub fn low_positive(&mut self, at: usize, value: f64) {
        if value < self.lowest_positive.0 {
            self.lowest_positive = (value, at);
        }
    }

    /// The places of the lowest, the highest and the lowest above 0.
    pub fn places(&self) -> [Option<usize>; 3] {
        let all = [self.lowest, self.highest, self.lowest_positive];
        all.map(|(_, at)| (at != usize::MAX).then_some(at))
    }

    /// The points there.
    pub fn extremes(&self, point: impl Fn(usize) -> Point) -> Extremes {
        let [lowest, highest, lowest_positive] = self.places().map(|at| at.map(&point));
        Extremes {
            lowest,
            highest,
            lowest_positive,
        }
    }
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
            prop_assert_eq!(format!("{:?}", Outline::of_all(&points).unwrap()), format!("{one_by_one:?}"));
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
