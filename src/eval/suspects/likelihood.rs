//! How much likelier a similarity is between videos of one person than of two.

/// A logistic curve: the logarithm of the likelihood ratio is a line in the similarity.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Likelihood {
    offset: f64,
    slope: f64,
}

/// So much of a penalty on the slope keeps it finite where similarities tell all pairs apart.
const RIDGE: f64 = 0.001;
/// Newton's steps; a logistic fit in two numbers settles in less than ten.
const STEPS: usize = 30;
/// One similarity is never surer than this: e^10 is 22,000 to 1.
const SUREST: f64 = 10.0;

impl Likelihood {
    /// Fits the curve to similarities of pairs, with whether each is one person and how much it counts (logistic
    /// regression by Newton's method, as in the calibration of scores, Brümmer and du Preez 2006).
    pub fn fit(pairs: impl Iterator<Item = (f64, bool, f64)>) -> Self {
        let pairs: Vec<(f64, bool, f64)> = pairs.collect();
        let weight = |same: bool| {
            let of_kind = pairs.iter().filter(|pair| pair.1 == same);
            of_kind
                .map(|pair| pair.2)
                .sum::<f64>()
                .max(f64::MIN_POSITIVE)
        };
        // Both kinds count as much: what is fitted is then the ratio itself, whatever the numbers of pairs.
        let shares = [false, true].map(|same| pairs.len() as f64 / (2.0 * weight(same)));
        let (mut offset, mut slope) = (0.0, 0.0);
        for _ in 0..STEPS {
            // Gradient and curvature of the loss.
            let mut gradient = [0.0, RIDGE * slope];
            let mut curvature = [1e-9, 0.0, RIDGE];
            for (similarity, same, weight) in &pairs {
                let weight = weight * shares[usize::from(*same)];
                let chance = 1.0 / (1.0 + (-(offset + slope * similarity)).exp());
                let error = weight * (chance - f64::from(u8::from(*same)));
                let bend = weight * chance * (1.0 - chance);
                gradient[0] += error;
                gradient[1] += error * similarity;
                curvature[0] += bend;
                curvature[1] += bend * similarity;
                curvature[2] += bend * similarity * similarity;
            }
            let determinant = curvature[0] * curvature[2] - curvature[1] * curvature[1];
            let step = [
                (curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant,
                (curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant,
            ];
            if !step[0].is_finite() || !step[1].is_finite() {
                break;
            }
            offset -= step[0];
            slope -= step[1];
        }
        Self {
            offset,
            // Where similarity tells nothing, or the wrong way round, it shall count for nothing.
            slope: slope.max(0.0),
        }
    }

    /// The logarithm of the ratio at a similarity: above 0 one person is likelier.
    pub fn log_ratio(self, similarity: f64) -> f64 {
        (self.offset + self.slope * similarity).clamp(-SUREST, SUREST)
    }

    /// The similarity at which one person is as likely as two.
    pub fn even(self) -> f64 {
        -self.offset / self.slope.max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_normal_distributions_give_their_own_ratio() {
        // Means 0.6 and 0.2, deviation 0.1: the logarithm of the ratio is (0.6 − 0.2)/0.01 · (s − 0.4).
        let normal = |quantile: u32| {
            let share = (f64::from(quantile) + 0.5) / 500.0;
            // Tukey's lambda comes near the normal quantiles.
            (share.powf(0.1349) - (1.0 - share).powf(0.1349)) / 0.1975
        };
        let pairs = (0..500).flat_map(|i| {
            [
                (0.6 + 0.1 * normal(i), true, 1.0),
                (0.2 + 0.1 * normal(i), false, 1.0),
            ]
        });
        let found = Likelihood::fit(pairs);
        assert!((found.even() - 0.4).abs() < 0.005, "{found:?}");
        assert!((found.log_ratio(0.45) - 2.0).abs() < 0.3, "{found:?}");
    }

    #[test]
    fn pairs_that_are_all_apart_are_sure_and_finite() {
        let pairs = (0..40).map(|i| (if i % 2 == 0 { 0.9 } else { 0.1 }, i % 2 == 0, 1.0));
        let found = Likelihood::fit(pairs);
        assert!(found.log_ratio(0.9) > 2.0 && found.log_ratio(5.0) <= SUREST);
        let useless = Likelihood::fit((0..40).map(|i| (0.5, i % 2 == 0, 1.0)));
        assert!(useless.log_ratio(0.9).abs() < 1e-6);
    }
}
