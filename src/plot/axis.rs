//! Axes with marks of their own: by tens, and by the normal distribution.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

/// An axis on which values are spread by a function that only rises.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    spread: fn(f64) -> f64,
    /// Where lines and labels stand.
    marks: Vec<f64>,
}

impl Axis {
    /// From 0 to 1 or a part of it, with the usual marks.
    pub fn linear(low: f64, high: f64) -> Self {
        // The smallest of 1, 2, 5 times a power of ten that leaves at most eight marks.
        let step = [
            1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2,
        ]
        .into_iter()
        .find(|step| (high - low) / step <= 8.0)
        .unwrap_or((high - low) / 8.0);
        let first = (low / step).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        Self {
            low,
            high,
            spread: |value| value,
            marks: (first..=last).map(|place| place as f64 * step).collect(),
        }
    }

    /// From `low`, rounded down to a power of ten, to 1.
    pub fn logarithmic(low: f64) -> Self {
        let decades = (-low.log10()).ceil().clamp(1.0, 9.0) as i32;
        let marks: Vec<f64> = (0..=decades)
            .map(|decade| 10_f64.powi(decade - decades))
            .collect();
        Self {
            low: marks[0],
            high: 1.0,
            spread: f64::log10,
            marks,
        }
    }

    /// Rates spread as the quantiles of the normal distribution, on which errors of normal scores make a line.
    pub fn probit(low: f64, high: f64) -> Self {
        const MARKS: [f64; 15] = [
            1e-6, 1e-5, 1e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9,
        ];
        let (low, high) = (low.max(1e-7), high.min(0.99));
        Self {
            low,
            high,
            spread: probit,
            marks: MARKS
                .into_iter()
                .filter(|mark| (low..=high).contains(mark))
                .collect(),
        }
    }

    /// How many marks there are.
    pub fn marks(&self) -> usize {
        self.marks.len()
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let (low, high) = ((self.spread)(self.low), (self.spread)(self.high));
        let share = ((self.spread)(value.clamp(self.low, self.high)) - low) / (high - low);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.marks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

/// The quantile of the normal distribution at a share between 0 and 1, to nine digits (Acklam's approximation).
pub(super) fn probit(share: f64) -> f64 {
    const A: [f64; 6] = [
        -39.696_830_286_653_76,
        220.946_098_424_520_5,
        -275.928_510_446_968_7,
        138.357_751_867_269,
        -30.664_798_066_147_16,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -54.476_098_798_224_06,
        161.585_836_858_040_9,
        -155.698_979_859_886_6,
        66.801_311_887_719_72,
        -13.280_681_552_885_72,
        1.0,
    ];
    const C: [f64; 6] = [
        -0.007_784_894_002_430_293,
        -0.322_396_458_041_136_5,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        0.007_784_695_709_041_462,
        0.322_467_129_070_039_8,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    let of = |factors: &[f64], at: f64| factors.iter().fold(0.0, |sum, factor| sum * at + factor);
    if share > 0.5 {
        return -probit(1.0 - share);
    }
    if share < 0.024_25 {
        let tail = (-2.0 * share.ln()).sqrt();
        return of(&C, tail) / of(&D, tail);
    }
    let middle = share - 0.5;
    let square = middle * middle;
    middle * of(&A, square) / of(&B, square)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_scipy() {
        #[derive(serde::Deserialize)]
        struct Golden {
            probit: Vec<[f64; 2]>,
        }
        let text = include_str!("../../tests/golden/metrics.json");
        let golden: Golden = serde_json::from_str(text).unwrap();
        assert!(golden.probit.len() > 10);
        for [share, expected] in golden.probit {
            let found = probit(share);
            assert!(
                (found - expected).abs() < 1e-8 * expected.abs().max(1.0),
                "{share}: {found}"
            );
        }
    }

    #[test]
    fn marks_lie_on_the_axis_and_values_beyond_it_at_its_ends() {
        for axis in [
            Axis::linear(0.0, 1.0),
            Axis::linear(0.93, 1.0),
            Axis::logarithmic(1.0 / 3000.0),
            Axis::probit(1.0 / 3000.0, 0.4),
        ] {
            assert!((3..=9).contains(&axis.marks()), "{axis:?}");
            let places: Vec<i32> = axis
                .marks
                .iter()
                .map(|mark| axis.map(mark, (0, 500)))
                .collect();
            assert!(places.is_sorted() && places[0] >= 0 && places[places.len() - 1] <= 500);
            assert_eq!(axis.map(&-1.0, (0, 500)), 0);
            assert_eq!(axis.map(&2.0, (500, 0)), 0);
        }
    }
}
