//! Smoothing of curves: an exponential moving average without the pull of its first value.

/// Smooths `points`, each value weighing `1 − weight` and all before it `weight`, debiased as TensorBoard does:
/// the average is divided by `1 − weight^n`, so that the first values are not drawn towards 0 or towards the first.
/// A NaN stays a gap and is not averaged. A weight of 0 changes nothing.
pub fn debiased(
    points: impl Iterator<Item = (f64, f64)>,
    weight: f64,
) -> impl Iterator<Item = (f64, f64)> {
    let mut average = 0.0;
    let mut remaining = 1.0;
    points.map(move |(x, y)| {
        if !y.is_finite() {
            return (x, y);
        }
        average = average * weight + (1.0 - weight) * y;
        remaining *= weight;
        let weight_so_far = 1.0 - remaining;
        // After some dozen or hundred values it is 1, and dividing by it would be most of the work.
        let unbiased = if weight_so_far < 1.0 {
            average / weight_so_far
        } else {
            average
        };
        (x, unbiased)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smooth(values: &[f64], weight: f64) -> Vec<f64> {
        let points = (0..).map(f64::from).zip(values.iter().copied());
        debiased(points, weight).map(|(_, y)| y).collect()
    }

    #[test]
    fn a_constant_stays_and_the_first_value_has_no_special_pull() {
        for value in smooth(&[3.0; 20], 0.9) {
            assert!((value - 3.0).abs() < 1e-12);
        }
        // (0.25·1 + 0.5·2) / 0.75
        let smoothed = smooth(&[1.0, 2.0], 0.5);
        assert!((smoothed[1] - 5.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_gap_stays_a_gap_and_is_not_averaged() {
        let smoothed = smooth(&[1.0, f64::NAN, 1.0], 0.9);
        assert!(smoothed[1].is_nan());
        assert!((smoothed[2] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn no_weight_changes_nothing() {
        assert_eq!(smooth(&[1.0, 5.0, 2.0], 0.0), [1.0, 5.0, 2.0]);
    }
}
