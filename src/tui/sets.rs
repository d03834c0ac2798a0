//! What the view of the data knows: the sets of a `config.ini`, how many images their people have, what checks found,
//! which people two sets share. Strings in it are safe to show.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::data::CheckReport;

use super::model::Known;

/// The sets that a `config.ini` names.
#[derive(Debug, Clone, PartialEq)]
pub struct Sets {
    /// The file.
    pub config: String,
    /// The sets: those to train on, then those to verify.
    pub sets: Vec<SetLine>,
}

/// A set.
#[derive(Debug, Clone, PartialEq)]
pub struct SetLine {
    /// Its section.
    pub name: String,
    /// Where it lies.
    pub place: String,
    /// How many images it has.
    pub images: Option<u64>,
    /// How many people.
    pub people: Option<u64>,
    /// Pairs of one person, and of two.
    pub pairs: Option<(u64, u64)>,
    /// How many videos.
    pub videos: Option<u64>,
    /// The images of each person, in rising order; of a set to train on.
    pub sizes: Vec<u32>,
    /// Why it can't be read.
    pub problem: Option<String>,
}

/// People that two sets share, as a run found them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlapLine {
    /// The run.
    pub run: String,
    /// The sets, with their people.
    pub sets: [(String, usize); 2],
    /// Pairs of people whose faces are alike, who have one name, and both.
    pub counts: [usize; 3],
}

/// Where the view of the data stands.
#[derive(Debug, Clone, Default)]
pub struct DataPlace {
    /// The `config.ini` that is shown.
    pub config: Option<PathBuf>,
    /// What it names.
    pub sets: Option<Known<Sets>>,
    /// The selected set.
    pub row: usize,
    /// The person whose faces are shown.
    pub class: u32,
    /// What checks found, by section.
    pub checks: BTreeMap<String, Known<CheckReport>>,
    /// What runs found of people that two sets share.
    pub overlaps: Vec<OverlapLine>,
}

impl DataPlace {
    /// The selected set.
    pub fn selected(&self) -> Option<&SetLine> {
        let sets = &self.sets.as_ref()?.ready()?.sets;
        sets.get(self.row.min(sets.len().saturating_sub(1)))
    }
}

/// How many people have so many images: classes that double, the last with all the rest.
pub fn histogram(sizes: &[u32]) -> Vec<(String, usize)> {
    let mut bins = Vec::new();
    let mut low = 1_u32;
    while let Some(&largest) = sizes.last()
        && low <= largest
    {
        let high = low.saturating_mul(2).saturating_sub(1);
        let below = |limit: u32| sizes.partition_point(|size| *size <= limit);
        let count = below(high) - below(low - 1);
        let label = if low == high {
            low.to_string()
        } else {
            format!("{low}–{high}")
        };
        bins.push((label, count));
        let Some(next) = low.checked_mul(2) else {
            break;
        };
        low = next;
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_fall_into_classes_that_double() {
        let bins = histogram(&[1, 1, 2, 3, 4, 7, 8, 100]);
        let counts: Vec<(&str, usize)> = bins
            .iter()
            .map(|(label, count)| (label.as_str(), *count))
            .collect();
        assert_eq!(
            counts,
            [
                ("1", 2),
                ("2–3", 2),
                ("4–7", 2),
                ("8–15", 1),
                ("16–31", 0),
                ("32–63", 0),
                ("64–127", 1)
            ]
        );
        assert_eq!(histogram(&[]), []);
        assert_eq!(histogram(&[u32::MAX]).len(), 32);
    }
}
