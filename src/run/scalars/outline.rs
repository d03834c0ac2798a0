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
            let smallest = all.lowest_positive.value;
            if value > 0.0 && (value < smallest || !is_positive(smallest)) {
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
    /// The extremes of these points and of those that follow them.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let better = |ours: Option<Point>,
                      theirs: Option<Point>,
                      is_better: fn(&f64, &f64) -> bool| match (ours, theirs) {
            (Some(ours), Some(theirs)) if !is_better(&theirs.value, &ours.value) => Some(ours),
            (ours, theirs) => theirs.or(ours),
        };
        Self {
            lowest: better(self.lowest, next.lowest, f64::lt),
            highest: better(self.highest, next.highest, f64::gt),
            lowest_positive: better(self.lowest_positive, next.lowest_positive, f64::lt),
        }
    }

    /// Those of some points.
    pub fn of(points: &[Point]) -> Self {
        let mut found = Found::default();
        for (at, point) in points.iter().enumerate() {
            found.look(at, point.value);
        }
        found.extremes(|at| points[at])
    }
}

/// Extremes while they are looked for.
#[derive(Default)]
pub(super) struct Found {
    pub lowest: Option<(usize, f64)>,
    pub highest: Option<(usize, f64)>,
    pub lowest_positive: Option<(usize, f64)>,
}

impl Found {
    /// Places of one leaf may come in any order: of equal values the first one is kept.
    pub fn look(&mut self, at: usize, value: f64) {
        if !value.is_finite() {
            return;
        }
        let is_lower = |known: Option<(usize, f64)>| {
            known.is_none_or(|(place, least)| value < least || (value <= least && at < place))
        };
        let is_higher = |known: Option<(usize, f64)>| {
            known.is_none_or(|(place, most)| value > most || (value >= most && at < place))
        };
        if is_lower(self.lowest) {
            self.lowest = Some((at, value));
        }
        if is_higher(self.highest) {
            self.highest = Some((at, value));
        }
        if value > 0.0 && is_lower(self.lowest_positive) {
            self.lowest_positive = Some((at, value));
        }
    }

    pub fn extremes(&self, point: impl Fn(usize) -> Point) -> Extremes {
        let point = |found: Option<(usize, f64)>| found.map(|(at, _)| point(at));
        Extremes {
            lowest: point(self.lowest),
            highest: point(self.highest),
            lowest_positive: point(self.lowest_positive),
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
