//! Histograms as curves: the values below which given shares of them lie, a curve each.
//!
//! A histogram's buckets are other ones at every step. Its quantiles are numbers like all others: they are kept,
//! indexed, undone, thinned out and drawn as scalars are.

use super::message::HistogramMessage;

/// The shares, in per cent, whose quantiles are told of every histogram.
pub const QUANTILES: [u8; 17] = [
    0, 2, 5, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 95, 98, 100,
];

/// The tag of a histogram's quantile: `distribution/cosine_own/p50`.
pub fn quantile_tag(histogram: &str, percent: u8) -> String {
    format!("{histogram}/p{percent}")
}

/// The histogram and the share of a quantile's tag.
pub fn quantile_of(tag: &str) -> Option<(&str, u8)> {
    let (histogram, percent) = tag.rsplit_once("/p")?;
    let percent = percent.parse().ok()?;
    QUANTILES.contains(&percent).then_some((histogram, percent))
}

/// The values of [`QUANTILES`], each bucket taken as evenly filled; `None` of what is no histogram of numbers.
///
/// Source: `compress_histogram_proto` of TensorBoard's distributions.
pub(super) fn quantiles(histogram: &HistogramMessage) -> Option<[f64; QUANTILES.len()]> {
    let (min, max) = (histogram.min, histogram.max);
    if !(min.is_finite() && max.is_finite() && min <= max) {
        return None;
    }
    // What a file says may be anything: only counts count.
    let is_count = |count: &f64| count.is_finite() && *count > 0.0;
    let counts = || {
        let buckets = histogram.bucket_limit.iter().zip(&histogram.bucket);
        buckets.map(|(limit, count)| (*limit, Some(*count).filter(is_count).unwrap_or(0.0)))
    };
    let total: f64 = counts().map(|(_, count)| count).sum();
    if !(total.is_finite() && total > 0.0) {
        return None;
    }
    let share = |percent: u8| f64::from(percent) / 100.0;
    let mut values = [max; QUANTILES.len()];
    let mut wanted = values.iter_mut().zip(QUANTILES).peekable();
    let (mut below, mut left) = (0.0, min);
    for (limit, count) in counts() {
        // A limit that is not a number is as good as the last.
        let right = limit.max(left).min(max);
        while let Some((value, percent)) =
            wanted.next_if(|(_, percent)| share(*percent) * total < below + count)
        {
            let part = (share(percent) * total - below) / count;
            // Neither overflow nor rounding leads out of the bucket.
            *value = (left * (1.0 - part) + right * part).clamp(left, right);
        }
        (below, left) = (below + count, right);
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_say_whose_quantile_they_are() {
        assert_eq!(quantile_tag("a/b", 25), "a/b/p25");
        for (tag, of) in [
            ("a/b/p25", Some(("a/b", 25))),
            ("a/p0", Some(("a", 0))),
            ("latency/p99", None),
            ("a/p1000", None),
            ("p50", None),
        ] {
            assert_eq!(quantile_of(tag), of, "{tag}");
        }
    }

    #[test]
    fn what_has_no_values_has_no_quantiles() {
        let of = |min, max, bucket: &[f64]| HistogramMessage {
            min,
            max,
            bucket_limit: vec![1.0; bucket.len()],
            bucket: bucket.to_vec(),
            ..HistogramMessage::default()
        };
        for nothing in [
            of(0.0, 1.0, &[]),
            of(0.0, 1.0, &[0.0, -3.0, f64::NAN, f64::INFINITY]),
            of(f64::NAN, 1.0, &[1.0]),
            of(1.0, 0.0, &[1.0]),
            of(0.0, f64::INFINITY, &[1.0]),
            of(0.0, 1.0, &[f64::MAX, f64::MAX]),
        ] {
            assert_eq!(quantiles(&nothing), None, "{nothing:?}");
        }
        let alike = quantiles(&of(0.5, 0.5, &[7.0])).unwrap();
        assert!(alike.iter().all(|value| (value - 0.5).abs() < 1e-12));
    }

    proptest! {
        #[test]
        fn of_any_message_they_rise_from_its_least_to_its_greatest(
            ends in (any::<f64>(), any::<f64>()),
            bucket_limit in prop::collection::vec(any::<f64>(), 0..20),
            bucket in prop::collection::vec(prop_oneof![any::<f64>(), 0.0..100.0], 0..20),
        ) {
            let (min, max) = ends;
            let message = HistogramMessage { min, max, bucket_limit, bucket, ..HistogramMessage::default() };
            if let Some(values) = quantiles(&message) {
                prop_assert!(values.is_sorted() && values[0] >= min && values[values.len() - 1] <= max, "{values:?}");
            }
        }
    }
}
