//! M4: of a long curve, the points without which the picture would differ, and no others.
//!
//! Points that the painter rounds to one column of dots cover, drawn, the dots from their lowest to their
//! highest, and meet the next column by their last: so the first, lowest, highest and last are enough. A gap is seen
//! where a column begins or ends with it, or has nothing else; one between points of a column is narrower than a dot.

use std::ops::Range;

use crate::run::{Curve, Extremes, Outline, Point, Stretch};

/// The column of dots that the painter gives `x`, of `columns` from `left` to `right`: rounded, not cut.
pub fn column(x: f64, left: f64, right: f64, columns: usize) -> usize {
    let last = columns.saturating_sub(1);
    if right <= left {
        return 0;
    }
    let at = (x - left) * last as f64 / (right - left);
    ((at + 0.5) as usize).min(last)
}

/// Takes in a curve's points in order, at most four of which stay for each column, and one for each gap that is seen.
/// Points outside `left..=right` are left out.
pub struct Thinner<'a, Place, Shown> {
    /// Where a point of a step lies from left to right, and of a time that is asked for only where it matters; it never
    /// falls where steps or times rise.
    place: Place,
    /// The height of a value, which never falls where values rise. What is no number is a gap.
    shown: Shown,
    left: f64,
    right: f64,
    columns: usize,
    kept: Vec<(f64, f64)>,
    bucket: Option<Bucket<'a>>,
}

impl<'a, Place: Fn(u64, &dyn Fn() -> f64) -> f64, Shown: Fn(f64) -> f64> Thinner<'a, Place, Shown> {
    /// For so many columns of dots from `left` to `right`.
    pub fn new(place: Place, shown: Shown, (left, right): (f64, f64), columns: usize) -> Self {
        Self {
            place,
            shown,
            left,
            right,
            columns,
            kept: Vec::with_capacity(columns * 4),
            bucket: None,
        }
    }

    /// Takes in a curve's points from the one of a number on. Of those that fit into one column only the outline is
    /// looked at, and of those outside nothing: the result is that of [`Thinner::add`] on each of them.
    pub fn add_curve(&mut self, curve: &'a Curve, from: usize) {
        for group in curve.groups() {
            let is_whole = group.start() >= from;
            if is_whole
                && group
                    .outline()
                    .is_some_and(|outline| self.add_outline(outline))
            {
                continue;
            }
            for stretch in group.stretches() {
                let skipped = from.saturating_sub(stretch.start());
                let count = stretch.count();
                if skipped < count && !(skipped == 0 && self.add_whole(&stretch)) {
                    self.add_stretch(&stretch, skipped..count);
                }
            }
        }
    }

    /// Takes in one point.
    pub fn add(&mut self, point: &Point) {
        let x = self.x(point);
        let is_inside = (self.left..=self.right).contains(&x);
        if !is_inside {
            return;
        }
        let column = self.known(x, x).unwrap_or_else(|| self.column(x));
        let last = Last::Is((x, point.value));
        self.put(column, x, || point.value, last).look(point.value);
    }

    /// What was kept, in order.
    pub fn finish(mut self) -> Vec<(f64, f64)> {
        if let Some(full) = self.bucket.take() {
            self.empty(&full);
        }
        self.kept
    }

    /// Takes in a whole stretch by its outline, which is looked at only where it makes a difference.
    fn add_whole(&mut self, stretch: &Stretch<'a>) -> bool {
        let Some(glance) = stretch.glance() else {
            return self.add_outline(stretch.outline());
        };
        let (begins, ends) = self.ends(glance.steps, glance.times);
        if ends < self.left || begins > self.right {
            return true;
        }
        let is_inside = begins >= self.left && ends <= self.right;
        if !is_inside {
            return false;
        }
        if self.known(begins, ends).is_some()
            && let Some(bucket) = &mut self.bucket
        {
            bucket.extremes.widen(&glance.extremes);
            bucket.last = Last::Of(stretch.outline());
            return true;
        }
        self.column(begins) == self.column(ends) && self.add_outline(stretch.outline())
    }

    /// Takes in many points by their outline, or none that lie outside; `false` where it takes more than the outline.
    fn add_outline(&mut self, outline: &'a Outline) -> bool {
        let (begins, ends) = self.ends(outline.steps, outline.times);
        if ends < self.left || begins > self.right {
            return true;
        }
        let is_inside = begins >= self.left && ends <= self.right;
        if !is_inside {
            return false;
        }
        let column = self.column(begins);
        if column != self.column(ends) {
            return false;
        }
        let Point { value, .. } = outline.first;
        let x = self.x(&outline.first);
        self.put(column, x, || value, Last::Of(outline))
            .widen(&outline.extremes());
        true
    }

    /// From where to where points lie.
    fn ends(&self, steps: (u64, u64), times: (f64, f64)) -> (f64, f64) {
        (
            (self.place)(steps.0, &|| times.0),
            (self.place)(steps.1, &|| times.1),
        )
    }

    fn x(&self, point: &Point) -> f64 {
        (self.place)(point.step, &|| point.wall_time)
    }

    fn x_of(&self, stretch: &Stretch, at: usize) -> f64 {
        (self.place)(stretch.step(at), &|| stretch.time(at))
    }

    /// The column of the points before, where points from `begins` to `ends` are surely in it too.
    fn known(&self, begins: f64, ends: f64) -> Option<usize> {
        let bucket = self.bucket.as_ref()?;
        (begins >= bucket.first.0 && ends < bucket.surely_until).then_some(bucket.column)
    }

    /// Takes in some points of a stretch, a column at a time where they are in order.
    fn add_stretch(&mut self, stretch: &Stretch<'a>, part: Range<usize>) {
        if !stretch.outline().ordered {
            part.for_each(|at| self.add(&stretch.point(at)));
            return;
        }
        let x = |at: usize| self.x_of(stretch, at);
        let begin = first_where(part.clone(), |at| x(at) >= self.left);
        let end = first_where(begin..part.end, |at| x(at) > self.right);
        let mut at = begin;
        while at < end {
            let x = self.x_of(stretch, at);
            let column = self.column(x);
            let until = self.end_of_column(stretch, column, at..end);
            let last = if until == stretch.count() {
                Last::Of(stretch.outline())
            } else {
                Last::Is((self.x_of(stretch, until - 1), stretch.value(until - 1)))
            };
            let extremes = self.put(column, x, || stretch.value(at), last);
            stretch.widen(at..until, extremes);
            at = until;
        }
    }

    /// Where the points of a column end that begins at a part's first one. Where that is is guessed, as if all lay
    /// equally far apart, and searched only where the guess is wrong.
    fn end_of_column(&self, stretch: &Stretch, column: usize, part: Range<usize>) -> usize {
        let x = |at: usize| self.x_of(stretch, at);
        let differs = |at: usize| self.column(x(at)) != column;
        let (begin, last) = (part.start, part.end - 1);
        if !differs(last) {
            return part.end;
        }
        let (from, to) = (x(begin), x(last));
        let share = (self.right_end(column) - from) / (to - from);
        let guess = begin + (share.clamp(0.0, 1.0) * (last - begin) as f64) as usize;
        let near = guess.saturating_sub(1).clamp(begin, last)..(guess + 2).clamp(begin, last);
        let searched = if differs(near.start) {
            begin..near.start
        } else if differs(near.end) {
            near
        } else {
            near.end..last
        };
        first_where(searched, differs)
    }

    fn column(&self, x: f64) -> usize {
        column(x, self.left, self.right, self.columns)
    }

    /// Takes in points of one column: where the first of them lies, its value, which is asked for only where it matters,
    /// and the last. Gives the column's extremes, to be widened by theirs.
    fn put(
        &mut self,
        column: usize,
        x: f64,
        first: impl FnOnce() -> f64,
        last: Last<'a>,
    ) -> &mut Extremes {
        if let Some(full) = self.bucket.take_if(|bucket| bucket.column != column) {
            self.empty(&full);
        }
        let surely_until = self.surely_until(column);
        let bucket = self.bucket.get_or_insert_with(|| Bucket {
            column,
            surely_until,
            first: (x, first()),
            extremes: Extremes::NONE,
            last,
        });
        bucket.last = last;
        &mut bucket.extremes
    }

    /// Keeps what is seen of a column. Its extremes are put where its last point is: they are drawn in the same dots
    /// from anywhere in the column.
    fn empty(&mut self, full: &Bucket) {
        let last = match full.last {
            Last::Is(last) => last,
            Last::Of(outline) => (self.x(&outline.last), outline.last.value),
        };
        let is_shown = |value: &f64| (self.shown)(*value).is_finite();
        let Extremes {
            lowest,
            highest,
            lowest_positive,
        } = full.extremes;
        let low = [lowest, lowest_positive].into_iter().find(is_shown);
        let high = Some(highest).filter(is_shown);
        let between = low.into_iter().chain(high).map(|value| (last.0, value));
        let all = [full.first].into_iter().chain(between).chain([last]);
        for (x, value) in all {
            let y = (self.shown)(value);
            let is_new = match self.kept.last() {
                Some(last) if !y.is_finite() => !last.1.is_nan(),
                last => y.is_finite() && last != Some(&(x, y)),
            };
            if is_new {
                let y = if y.is_finite() { y } else { f64::NAN };
                self.kept.push((x, y));
            }
        }
    }

    /// Where a column has surely not ended yet: up to there no point's column needs to be worked out. Short of the
    /// column's end by more than rounding can matter.
    fn surely_until(&self, column: usize) -> f64 {
        self.right_end(column) - (self.right - self.left) * 1e-6
    }

    /// Where a column ends, but for rounding.
    fn right_end(&self, column: usize) -> f64 {
        let width = self.right - self.left;
        let last = self.columns.saturating_sub(1) as f64;
        self.left + width * ((column as f64 + 0.5) / last)
    }
}

/// The first of some numbers for which something holds that holds for all after it; their end where it does for none.
fn first_where(numbers: Range<usize>, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (numbers.start, numbers.end);
    // Most parts of a curve lie inside of a window.
    if numbers.is_empty() || holds(low) {
        return low;
    }
    if !holds(high - 1) {
        return high;
    }
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// What was seen of one column. Points are a place and a value.
struct Bucket<'a> {
    column: usize,
    /// Points from the first one's place to here are in the column.
    surely_until: f64,
    first: (f64, f64),
    extremes: Extremes,
    last: Last<'a>,
}

/// The last point of a column, or of an outline that nobody needs to touch before the column ends.
#[derive(Clone, Copy)]
enum Last<'a> {
    Is((f64, f64)),
    Of(&'a Outline),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::{Event, Scalars, What};
    use crate::tui::theme::Charset;
    use crate::tui::widget::raster::Raster;

    fn place(step: u64, _: &dyn Fn() -> f64) -> f64 {
        step as f64
    }

    fn logarithm(value: f64) -> f64 {
        if value > 0.0 { value.log10() } else { f64::NAN }
    }

    /// Numbers that look random, the same each time.
    fn noise(count: u64) -> Vec<Point> {
        let mut state = 1_u64;
        let mut level = 0.0;
        (0..count)
            .map(|step| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                level += (state >> 33) as f64 / f64::from(u32::MAX) - 0.25;
                Point {
                    step,
                    wall_time: 1.7e9 + step as f64 / 7.0,
                    value: if state >> 57 == 3 { f64::NAN } else { level },
                }
            })
            .collect()
    }

    fn curve_of(points: &[Point]) -> Curve {
        let mut scalars = Scalars::default();
        for point in points {
            scalars.add(Event {
                wall_time: point.wall_time,
                step: point.step,
                what: What::Scalars(vec![("a".to_owned(), point.value)]),
            });
        }
        scalars.curve("a").unwrap().clone()
    }

    /// By looking at each point.
    fn naive(
        points: &[Point],
        (place, shown): (impl Fn(u64, &dyn Fn() -> f64) -> f64, impl Fn(f64) -> f64),
        window: (f64, f64),
        columns: usize,
    ) -> Vec<(f64, f64)> {
        let mut thinner = Thinner::new(place, shown, window, columns);
        for point in points {
            thinner.add(point);
        }
        thinner.finish()
    }

    fn bits(points: &[(f64, f64)]) -> Vec<(u64, u64)> {
        let bits = |(x, y): &(f64, f64)| (x.to_bits(), y.to_bits());
        points.iter().map(bits).collect()
    }

    /// Without the gaps between points of one column: no dot is narrow enough for them.
    fn without_narrow_gaps(points: &[Point], right: f64, columns: usize) -> Vec<(f64, f64)> {
        let at = |point: &Point| column(point.step as f64, 0.0, right, columns);
        let next_of = |nth: usize| points[nth..].iter().find(|point| point.value.is_finite());
        let mut before: Option<&Point> = None;
        let mut kept = Vec::new();
        for (nth, point) in points.iter().enumerate() {
            let column = at(point);
            let is_narrow = before.is_some_and(|before| at(before) == column)
                && next_of(nth).is_some_and(|next| at(next) == column);
            if point.value.is_finite() {
                before = Some(point);
            } else if is_narrow {
                continue;
            }
            kept.push((point.step as f64, point.value));
        }
        kept
    }

    #[test]
    fn the_picture_is_the_same_dot_for_dot() {
        for charset in [Charset::Unicode, Charset::Ascii] {
            for count in [1, 2, 50, 1000, 30_000] {
                let points = noise(count);
                let right = count as f64;
                let mut all = Raster::new(40, 8, charset);
                let (low, high) = (-5.0, count as f64 / 3.0);
                let every = without_narrow_gaps(&points, right, all.columns());
                all.curve(every.into_iter(), (0.0, right), (low, high), 0);
                let mut some = Raster::new(40, 8, charset);
                let curve = curve_of(&points);
                let mut thinner = Thinner::new(place, f64::from, (0.0, right), some.columns());
                thinner.add_curve(&curve, 0);
                let kept = thinner.finish();
                assert!(kept.len() <= some.columns() * 6);
                some.curve(kept.into_iter(), (0.0, right), (low, high), 0);
                assert!(all == some, "{count} points");
            }
        }
    }

    #[test]
    fn outlines_give_what_all_points_give() {
        let mut points = noise(300_000);
        for point in &mut points {
            // Most gaps are filled, so that whole stretches have none.
            if point.step % 50_000 < 40_000 && point.value.is_nan() {
                point.value = point.step as f64 / 7.0;
            }
        }
        let curve = curve_of(&points);
        for shown in [f64::from, logarithm] {
            for (left, right, columns) in [
                (0.0, 300_000.0, 40),
                (5.0, 200_000.0, 7),
                (1e5, 1.1e5, 300),
                (0.0, 1.0, 1),
            ] {
                for from in [0, 5, 1_024, 65_536, 70_000] {
                    let all = naive(&points[from..], (place, shown), (left, right), columns);
                    let mut thinner = Thinner::new(place, shown, (left, right), columns);
                    thinner.add_curve(&curve, from);
                    assert_eq!(
                        bits(&thinner.finish()),
                        bits(&all),
                        "{left}..{right} from {from}"
                    );
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Gaps, infinities, values below 0, steps that are left out, clocks that are set back, any window.
        #[test]
        fn whatever_was_logged_outlines_give_what_all_points_give(
            seed in prop::collection::vec((any::<u32>(), 1_u64..4, -40_i32..40), 2_000..6_000),
            wild in 0_u32..3, clock in 0_u32..3,
            (from, to) in (0.0..1.0_f64, 0.0..1.0_f64), columns in 1_usize..400, by in 0..4,
        ) {
            let (mut step, mut time) = (0, 1.7e9);
            let points: Vec<Point> = seed
                .iter()
                .map(|(number, ahead, level)| {
                    step += ahead;
                    time += if clock == 2 && number % 97 == 0 { -5.0 } else { 0.25 };
                    let value = match number % 50 {
                        0 if wild > 0 => f64::NAN,
                        1 if wild > 1 => f64::INFINITY,
                        _ => f64::from(*level) + f64::from(*number) / 1e9,
                    };
                    Point { step, wall_time: if clock == 1 { 0.0 } else { time }, value }
                })
                .collect();
            let place = |step: u64, time: &dyn Fn() -> f64| match by {
                0 | 1 => step as f64,
                2 => time() - 1.7e9,
                _ => (step as f64).log10(),
            };
            let shown = if by == 1 || by == 3 { logarithm } else { f64::from };
            let ends = [points[0], points[points.len() - 1]]
                .map(|point| place(point.step, &|| point.wall_time));
            let (a, b) = (ends[0] + (ends[1] - ends[0]) * from, ends[0] + (ends[1] - ends[0]) * to);
            let window = (a.min(b), a.max(b));
            let curve = curve_of(&points);
            let mut thinner = Thinner::new(place, shown, window, columns);
            thinner.add_curve(&curve, 0);
            let all = naive(&points, (place, shown), window, columns);
            prop_assert_eq!(bits(&thinner.finish()), bits(&all));
        }
    }

    #[test]
    fn a_spike_among_a_million_points_stays() {
        let points: Vec<Point> = (0..1_000_000)
            .map(|step| Point {
                step,
                wall_time: 0.0,
                value: if step == 777_777 { 9.0 } else { 1.0 },
            })
            .collect();
        let curve = curve_of(&points);
        let mut thinner = Thinner::new(place, f64::from, (0.0, 1e6), 100);
        thinner.add_curve(&curve, 0);
        let kept = thinner.finish();
        assert!(kept.len() <= 400);
        assert!(kept.iter().any(|(_, y)| *y > 8.0));
    }
}
