//! M4: of a long curve, the points without which the picture would differ, and no others.
//!
//! Points that the painter rounds to one column of dots cover, drawn, the dots from their lowest to their
//! highest, and meet the next column by their last: so the first, lowest, highest and last are enough.

use crate::run::{Curve, Point};

/// The column of dots that the painter gives `x`, of `columns` from `left` to `right`: rounded, not cut.
pub fn column(x: f64, left: f64, right: f64, columns: usize) -> usize {
    let last = columns.saturating_sub(1);
    if right <= left {
        return 0;
    }
    let at = (x - left) * last as f64 / (right - left);
    at.round().clamp(0.0, last as f64) as usize
}

/// Thins out `points` (by rising x) to at most four a column and gap; a NaN or infinity stays as one gap point.
/// Points outside `left..=right` are left out.
pub fn m4(
    points: impl Iterator<Item = (f64, f64)>,
    left: f64,
    right: f64,
    columns: usize,
) -> Vec<(f64, f64)> {
    let mut thinner = Thinner::new(left, right, columns);
    points.for_each(|point| thinner.add(point));
    thinner.finish()
}

/// Thins out a curve whose points lie where `place` says, which never falls in either direction. Of stretches that fit
/// into one column only the outline is looked at, and of those outside nothing: the result is that of [`m4`] on all
/// points.
pub fn m4_of_curve(
    curve: &Curve,
    place: impl Fn(&Point) -> (f64, f64),
    left: f64,
    right: f64,
    columns: usize,
) -> Vec<(f64, f64)> {
    let mut thinner = Thinner::new(left, right, columns);
    let mut points = Vec::new();
    for stretch in curve.stretches() {
        let outline = stretch.outline();
        let ends = [outline.first, outline.lowest, outline.highest, outline.last];
        let ends = ends.each_ref().map(&place);
        let (low, high) = (ends[0].0, ends[3].0);
        if high < left || low > right {
            continue;
        }
        let one_column = low >= left
            && high <= right
            && column(low, left, right, columns) == column(high, left, right, columns);
        if one_column && outline.gaps == 0 && ends.iter().all(|(_, y)| y.is_finite()) {
            for point in ends {
                thinner.add(point);
            }
        } else {
            stretch.unpack(&mut points);
            points
                .iter()
                .map(&place)
                .for_each(|point| thinner.add(point));
        }
    }
    thinner.finish()
}

struct Thinner {
    left: f64,
    right: f64,
    columns: usize,
    kept: Vec<(f64, f64)>,
    bucket: Option<Bucket>,
    last_was_gap: bool,
}

impl Thinner {
    fn new(left: f64, right: f64, columns: usize) -> Self {
        Self {
            left,
            right,
            columns,
            kept: Vec::with_capacity(columns * 4),
            bucket: None,
            last_was_gap: true,
        }
    }

    fn add(&mut self, (x, y): (f64, f64)) {
        if x < self.left || x > self.right {
            return;
        }
        if !y.is_finite() {
            if let Some(full) = self.bucket.take() {
                full.empty_into(&mut self.kept);
            }
            if !self.last_was_gap {
                self.kept.push((x, f64::NAN));
                self.last_was_gap = true;
            }
            return;
        }
        self.last_was_gap = false;
        if let Some(current) = &mut self.bucket
            && x >= current.first.0
            && x < current.surely_until
        {
            current.add((x, y));
            return;
        }
        let column = column(x, self.left, self.right, self.columns);
        match &mut self.bucket {
            Some(current) if current.column == column => current.add((x, y)),
            _ => {
                let mut next = Bucket::new(column, (x, y));
                next.surely_until = self.surely_until(column);
                if let Some(full) = self.bucket.replace(next) {
                    full.empty_into(&mut self.kept);
                }
            }
        }
    }

    /// Where a column has surely not ended yet: up to there no point's column needs to be worked out. Short of the
    /// column's end by more than rounding can matter.
    fn surely_until(&self, column: usize) -> f64 {
        let width = self.right - self.left;
        let last = self.columns.saturating_sub(1) as f64;
        self.left + width * ((column as f64 + 0.5) / last - 1e-6)
    }

    fn finish(mut self) -> Vec<(f64, f64)> {
        if let Some(full) = self.bucket {
            full.empty_into(&mut self.kept);
        }
        self.kept
    }
}

struct Bucket {
    column: usize,
    /// Points from the first one's x to here are in the column.
    surely_until: f64,
    first: (f64, f64),
    lowest: (f64, f64),
    highest: (f64, f64),
    last: (f64, f64),
}

impl Bucket {
    fn new(column: usize, point: (f64, f64)) -> Self {
        Self {
            column,
            surely_until: f64::NEG_INFINITY,
            first: point,
            lowest: point,
            highest: point,
            last: point,
        }
    }

    fn add(&mut self, point: (f64, f64)) {
        if point.1 < self.lowest.1 {
            self.lowest = point;
        }
        if point.1 > self.highest.1 {
            self.highest = point;
        }
        self.last = point;
    }

    fn empty_into(self, kept: &mut Vec<(f64, f64)>) {
        let (early, late) = if self.lowest.0 <= self.highest.0 {
            (self.lowest, self.highest)
        } else {
            (self.highest, self.lowest)
        };
        for point in [self.first, early, late, self.last] {
            if kept.last() != Some(&point) {
                kept.push(point);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Event, Scalars, What};
    use crate::tui::theme::Charset;
    use crate::tui::widget::raster::Raster;

    /// Numbers that look random, the same each time.
    fn noise(count: usize) -> Vec<(f64, f64)> {
        let mut state = 1_u64;
        let mut level = 0.0;
        (0..count)
            .map(|at| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                level += (state >> 33) as f64 / f64::from(u32::MAX) - 0.25;
                let y = if state >> 57 == 3 { f64::NAN } else { level };
                (at as f64, y)
            })
            .collect()
    }

    #[test]
    fn the_picture_is_the_same_dot_for_dot() {
        for charset in [Charset::Unicode, Charset::Ascii] {
            for count in [1, 2, 50, 1000, 30_000] {
                let points = noise(count);
                let right = count as f64;
                let mut all = Raster::new(40, 8, charset);
                let (low, high) = (-5.0, count as f64 / 3.0);
                all.curve(points.iter().copied(), (0.0, right), (low, high), 0);
                let mut some = Raster::new(40, 8, charset);
                let thinned = m4(points.into_iter(), 0.0, right, some.columns());
                some.curve(thinned.into_iter(), (0.0, right), (low, high), 0);
                assert!(all == some, "{count} points");
            }
        }
    }

    #[test]
    fn outlines_give_what_all_points_give() {
        let mut scalars = Scalars::default();
        for (x, y) in noise(300_000) {
            scalars.add(Event {
                wall_time: 0.0,
                step: x as u64,
                // Most gaps are filled, so that whole stretches have none.
                what: What::Scalars(vec![(
                    "a".to_owned(),
                    if x as u64 % 50_000 < 40_000 && y.is_nan() {
                        x / 7.0
                    } else {
                        y
                    },
                )]),
            });
        }
        let curve = scalars.curve("a").unwrap();
        for shown in [
            f64::from,
            |y: f64| if y > 0.0 { y.log10() } else { f64::NAN },
        ] {
            for (left, right, columns) in [
                (0.0, 300_000.0, 40),
                (5.0, 200_000.0, 7),
                (1e5, 1.1e5, 300),
                (0.0, 1.0, 1),
            ] {
                let all = curve
                    .points()
                    .map(|point| (point.step as f64, shown(point.value)));
                let all = m4(all, left, right, columns);
                let place = |point: &Point| (point.step as f64, shown(point.value));
                let outlined = m4_of_curve(curve, place, left, right, columns);
                let bits = |points: &[(f64, f64)]| -> Vec<_> {
                    points
                        .iter()
                        .map(|(x, y)| (x.to_bits(), y.to_bits()))
                        .collect()
                };
                assert_eq!(bits(&outlined), bits(&all), "{left}..{right}");
            }
        }
    }

    #[test]
    fn a_spike_among_a_million_points_stays() {
        let points =
            (0..1_000_000).map(|at| (f64::from(at), if at == 777_777 { 9.0 } else { 1.0 }));
        let kept = m4(points, 0.0, 1e6, 100);
        assert!(kept.len() <= 400);
        assert!(kept.iter().any(|(_, y)| *y > 8.0));
    }
}
