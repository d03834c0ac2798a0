//! The arithmetic of what is drawn: smoothing and thinning.

use crate::run::Point;

/// The exponential moving average with weight `weight` (0..1) on the past, debiased as TensorBoard does, so that the
/// first values are not drawn towards 0. Values that are not finite stay as they are and leave the average alone.
pub fn smoothed(points: &[Point], weight: f64) -> Vec<Point> {
    let (mut average, mut past_weight) = (0.0, 1.0);
    points
        .iter()
        .map(|point| {
            if !point.value.is_finite() {
                return *point;
            }
            average = average * weight + (1.0 - weight) * point.value;
            past_weight *= weight;
            Point {
                value: average / (1.0 - past_weight),
                ..*point
            }
        })
        .collect()
}

/// Runs of finite values: a curve is interrupted where it has none.
pub(super) fn pieces(points: &[Point]) -> impl Iterator<Item = &[Point]> {
    points
        .split(|point| !point.value.is_finite())
        .filter(|piece| !piece.is_empty())
}

/// As many points as `columns` pixels can show: of each column's the first, lowest, highest and last, in order.
pub(super) fn thinned(points: &[Point], columns: usize) -> Vec<Point> {
    if points.len() <= 4 * columns {
        return points.to_vec();
    }
    let per_column = points.len().div_ceil(columns);
    let mut kept = Vec::with_capacity(4 * columns);
    for chunk in points.chunks(per_column) {
        let value = |index: &usize| chunk[*index].value;
        let lowest = (0..chunk.len()).min_by(|a, b| value(a).total_cmp(&value(b)));
        let highest = (0..chunk.len()).max_by(|a, b| value(a).total_cmp(&value(b)));
        let mut indices = vec![0, chunk.len() - 1];
        indices.extend(lowest.into_iter().chain(highest));
        indices.sort_unstable();
        indices.dedup();
        kept.extend(indices.into_iter().map(|index| chunk[index]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f64]) -> Vec<Point> {
        (0..)
            .zip(values)
            .map(|(step, value)| Point {
                step,
                wall_time: 0.0,
                value: *value,
            })
            .collect()
    }

    #[test]
    fn a_constant_stays_itself_from_the_first_point_on() {
        for point in smoothed(&points(&[3.0; 20]), 0.9) {
            assert!((point.value - 3.0).abs() < 1e-12);
        }
        assert_eq!(smoothed(&points(&[3.0, 1.0]), 0.0), points(&[3.0, 1.0]));
    }

    #[test]
    fn a_gap_stays_a_gap_and_nothing_else() {
        let smooth = smoothed(&points(&[1.0, f64::NAN, 1.0]), 0.5);
        assert!(smooth[1].value.is_nan());
        assert!((smooth[2].value - 1.0).abs() < 1e-12);
        let gapped = points(&[f64::NAN, 1.0, 2.0, f64::INFINITY, 3.0]);
        assert!(pieces(&gapped).map(<[Point]>::len).eq([2, 1]));
    }

    #[test]
    fn thinning_keeps_order_ends_and_peaks() {
        let mut values = vec![0.0; 10_000];
        values[4321] = 9.0;
        values[8765] = -9.0;
        let thin = thinned(&points(&values), 100);
        assert!(thin.len() <= 400);
        assert!(thin.is_sorted_by(|a, b| a.step < b.step));
        assert_eq!((thin[0].step, thin[thin.len() - 1].step), (0, 9999));
        assert!(thin.iter().any(|point| point.step == 4321));
        assert!(thin.iter().any(|point| point.step == 8765));
    }
}
