//! M4: of a long curve, the points without which the picture would differ, and no others.
//!
//! Points that the painter rounds to one column of dots cover, drawn, the dots from their lowest to their
//! highest, and meet the next column by their last: so the first, lowest, highest and last are enough.

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
    let mut kept = Vec::with_capacity(columns * 4);
    let mut bucket: Option<Bucket> = None;
    let mut last_was_gap = true;
    for (x, y) in points {
        if x < left || x > right {
            continue;
        }
        if !y.is_finite() {
            if let Some(full) = bucket.take() {
                full.empty_into(&mut kept);
            }
            if !last_was_gap {
                kept.push((x, f64::NAN));
                last_was_gap = true;
            }
            continue;
        }
        last_was_gap = false;
        let column = column(x, left, right, columns);
        match &mut bucket {
            Some(current) if current.column == column => current.add((x, y)),
            _ => {
                if let Some(full) = bucket.replace(Bucket::new(column, (x, y))) {
                    full.empty_into(&mut kept);
                }
            }
        }
    }
    if let Some(full) = bucket {
        full.empty_into(&mut kept);
    }
    kept
}

struct Bucket {
    column: usize,
    first: (f64, f64),
    lowest: (f64, f64),
    highest: (f64, f64),
    last: (f64, f64),
}

impl Bucket {
    fn new(column: usize, point: (f64, f64)) -> Self {
        Self {
            column,
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
    fn a_spike_among_a_million_points_stays() {
        let points =
            (0..1_000_000).map(|at| (f64::from(at), if at == 777_777 { 9.0 } else { 1.0 }));
        let kept = m4(points, 0.0, 1e6, 100);
        assert!(kept.len() <= 400);
        assert!(kept.iter().any(|(_, y)| *y > 8.0));
    }
}
