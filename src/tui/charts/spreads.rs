//! The charts of histograms: their quartiles over how densely their values lie.

use std::collections::BTreeSet;

use crate::run::{QUANTILES, quantile_of, quantile_tag};
use crate::untrusted::visible;

use super::{ChartOf, Unit};

/// What is shaded behind a chart's curves: how the values of a histogram spread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The histogram.
    pub histogram: String,
    /// What of it is shaded.
    pub shading: Shading,
}

/// What of a histogram is shaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shading {
    /// All of it, darker where more values lie.
    Density,
    /// Where all but the lowest and the highest tenth lie, evenly.
    MostValues,
}

/// The histogram of cos θ to the own class.
pub const COSINE_OWN: &str = "distribution/cosine_own";
/// Its chart's title.
pub const COSINE_TITLE: &str = "cos θ, spread";

/// The shares of the curves that are drawn.
const QUARTILES: [(&str, u8); 3] = [("25 %", 25), ("median", 50), ("75 %", 75)];

/// The histograms that have all of their quantiles.
pub fn histograms<'a>(tags: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
    let all = tags.iter().filter_map(|tag| quantile_of(tag));
    let named: BTreeSet<&str> = all.map(|(histogram, _)| histogram).collect();
    let is_whole = |histogram: &&str| {
        let mut quantiles = QUANTILES.iter();
        quantiles.all(|percent| tags.contains(quantile_tag(histogram, *percent).as_str()))
    };
    named.into_iter().filter(is_whole).collect()
}

/// The chart of a histogram; without curves where the run has none.
pub fn chart(histogram: &str, is_there: bool) -> ChartOf {
    let quartile = |(label, percent): (&str, u8)| {
        let tag = quantile_tag(histogram, percent);
        (label.to_owned(), vec![tag])
    };
    let title = match histogram {
        COSINE_OWN => COSINE_TITLE.to_owned(),
        other => visible(other),
    };
    let curves = QUARTILES.map(quartile);
    ChartOf {
        title,
        curves: if is_there { curves.into() } else { Vec::new() },
        unit: Unit::Plain,
        log: false,
        ground: is_there.then(|| Ground {
            histogram: histogram.to_owned(),
            shading: Shading::Density,
        }),
    }
}
