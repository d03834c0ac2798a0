//! The distribution of many values, as TensorBoard's histograms hold it.

use super::message::HistogramMessage;

/// Buckets between the smallest and the largest value.
const BUCKETS: usize = 64;

/// Counts finite values in buckets of equal width; those that are not finite are left out.
///
/// Limits are the upper ends of their buckets. `None` where no value is finite.
pub(super) fn histogram(values: &[f32]) -> Option<HistogramMessage> {
    let finite = || {
        values
            .iter()
            .map(|value| f64::from(*value))
            .filter(|value| value.is_finite())
    };
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut num, mut sum, mut sum_squares) = (0.0, 0.0, 0.0);
    for value in finite() {
        min = min.min(value);
        max = max.max(value);
        num += 1.0;
        sum += value;
        sum_squares += value * value;
    }
    if num <= 0.0 {
        return None;
    }
    // All values alike: one bucket, which must have a width.
    let buckets = if max > min { BUCKETS } else { 1 };
    let width = (max - min) / buckets as f64;
    let mut bucket = vec![0.0; buckets];
    for value in finite() {
        let place = if width > 0.0 {
            ((value - min) / width) as usize
        } else {
            0
        };
        bucket[place.min(buckets - 1)] += 1.0;
    }
    let bucket_limit = (1..=buckets)
        .map(|place| {
            if place == buckets {
                // The largest value lies in it, whatever was rounded.
                max + (max.abs() * 1e-9).max(1e-12)
            } else {
                min + width * place as f64
            }
        })
        .collect();
    Some(HistogramMessage {
        min,
        max,
        num,
        sum,
        sum_squares,
        bucket_limit,
        bucket,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_in_the_bucket_that_holds_it() {
        let values: Vec<f32> = (0..1000)
            .map(|place| (place as f32 * 0.37).sin())
            .chain([f32::NAN, f32::INFINITY])
            .collect();
        let histogram = histogram(&values).unwrap();
        assert!((histogram.num - 1000.0).abs() < 1e-9);
        assert!((histogram.bucket.iter().sum::<f64>() - 1000.0).abs() < 1e-9);
        let mut below = histogram.min;
        for (limit, count) in histogram.bucket_limit.iter().zip(&histogram.bucket) {
            let inside = values
                .iter()
                .map(|value| f64::from(*value))
                .filter(|value| (below..*limit).contains(value))
                .count() as f64;
            // A value on a limit may be counted on either side of it.
            assert!(
                (inside - count).abs() <= 1.0,
                "{below} to {limit}: {inside}, {count}"
            );
            below = *limit;
        }
    }

    #[test]
    fn values_that_are_alike_have_one_bucket_and_none_have_none() {
        let same = histogram(&[2.5; 4]).unwrap();
        assert_eq!((same.bucket.len(), same.min, same.max), (1, 2.5, 2.5));
        assert!(same.bucket_limit[0] > 2.5);
        assert_eq!(histogram(&[]), None);
        assert_eq!(histogram(&[f32::NAN]), None);
    }
}
