//! Smoothing of curves: an exponential moving average without the pull of its first value.

/// A moving average, each value weighing `1 − weight` and all before it `weight`, debiased as TensorBoard does: the
/// average is divided by `1 − weight^n`, so that the first values are not drawn towards 0 or towards the first.
/// A weight of 0 changes nothing.
#[derive(Debug, Clone)]
pub struct Average {
    weight: f64,
    level: f64,
    /// What all values before the first one would weigh.
    pub remaining: f64,
}

impl Average {
    /// The average of nothing yet.
    pub fn new(weight: f64) -> Self {
        Self {
            weight,
            level: 0.0,
            remaining: 1.0,
        }
    }

    /// The average with the next value; one that is not finite stays a gap and is not averaged.
    pub fn next(&mut self, value: f64) -> f64 {
        if !value.is_finite() {
            return value;
        }
        self.level = self.level * self.weight + (1.0 - self.weight) * value;
        // Down there processors take many times as long for a product, and it never gets to 0 by itself.
        self.remaining = if self.remaining > f64::MIN_POSITIVE {
            self.remaining * self.weight
        } else {
            0.0
        };
        let weight_so_far = 1.0 - self.remaining;
        // After some dozen or hundred values it is 1, and dividing by it would be most of the work.
        if weight_so_far < 1.0 {
            self.level / weight_so_far
        } else {
            self.level
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smooth(values: &[f64], weight: f64) -> Vec<f64> {
        let mut average = Average::new(weight);
        values.iter().map(|value| average.next(*value)).collect()
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
