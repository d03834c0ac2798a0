//! What a check found, as `facetui data check --json` prints it.

use serde::Serialize;

use crate::data::Inspection;

/// Everything that a check of a source found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CheckReport {
    /// What the source is.
    #[serde(flatten)]
    pub source: Inspection,
    /// How many images were read and decoded.
    pub readable: u64,
    /// Images that could not be.
    pub broken: Vec<BrokenPicture>,
    /// The sizes of the images, the most frequent first.
    pub sizes: Vec<SizeCount>,
    /// How many images people have, where the source tells people apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_identity: Option<IdentityCounts>,
    /// Images of the same bytes, each group once.
    pub duplicates: Vec<Duplicates>,
    /// Images that look the same under different people's names, but are not the same bytes.
    pub similar: Vec<SimilarPair>,
    /// Pairs that can't be what the set says.
    pub contradictions: Vec<Contradiction>,
    /// Images whose own record has another label than the identity records say.
    pub mislabelled: Vec<String>,
    /// Videos that the lists name and that are not there.
    pub missing_videos: Vec<String>,
    /// The sets of a `config.ini`, each under its section's name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<CheckedSet>,
    /// What is worth knowing and no problem.
    pub remarks: Vec<String>,
    /// How many problems there are: broken images, pictures under several names, contradictions, wrong labels,
    /// missing videos.
    pub problems: u64,
}

/// One set of a `config.ini`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedSet {
    /// The section.
    pub section: String,
    /// What was found.
    pub report: CheckReport,
}

/// An image that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokenPicture {
    /// Its file or record.
    pub image: String,
    /// What is wrong with it.
    pub problem: String,
}

/// How many images have a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SizeCount {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How many images.
    pub images: u64,
}

/// How many images people have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IdentityCounts {
    /// The fewest images of a person.
    pub fewest: u64,
    /// As many people have more as have fewer.
    pub median: f64,
    /// The most images of a person.
    pub most: u64,
    /// How many people have how many images, in steps of two.
    pub histogram: Vec<HistogramBin>,
    /// Everybody.
    pub people: Vec<IdentityCount>,
}

/// How many people have a number of images in a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct HistogramBin {
    /// The fewest images.
    pub from: u64,
    /// The most images.
    pub to: u64,
    /// How many people.
    pub identities: u64,
}

/// One person's images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityCount {
    /// Their name, or the number of their class.
    pub name: String,
    /// How many images.
    pub images: u64,
}

/// Images of the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Whose images they are; more than one name is a problem. Empty where the source names nobody.
    pub people: Vec<String>,
    /// The images.
    pub images: Vec<String>,
}

/// Two images that look the same under different names.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimilarPair {
    /// Whose images they are.
    pub people: [String; 2],
    /// The images.
    pub images: [String; 2],
    /// The correlation of their grey thumbnails; 1 is the same.
    pub likeness: f64,
}

/// A pair that can't be what the set says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// The pair's number in the set, from 1.
    pub pair: u64,
    /// Both images or videos.
    pub names: [String; 2],
    /// What is wrong.
    pub problem: String,
}

impl CheckReport {
    /// Groups of the same bytes under several names.
    pub fn duplicates_across(&self) -> impl Iterator<Item = &Duplicates> {
        self.duplicates
            .iter()
            .filter(|group| group.people.len() > 1)
    }

    /// Groups of the same bytes under one name, or in a source without names.
    pub fn duplicates_within(&self) -> impl Iterator<Item = &Duplicates> {
        self.duplicates
            .iter()
            .filter(|group| group.people.len() < 2)
    }

    pub(super) fn count_problems(&mut self) {
        let counts = [
            self.broken.len(),
            self.duplicates_across().count(),
            self.similar.len(),
            self.contradictions.len(),
            self.mislabelled.len(),
            self.missing_videos.len(),
        ];
        let of_sets: u64 = self.sets.iter().map(|set| set.report.problems).sum();
        self.problems = counts.iter().sum::<usize>() as u64 + of_sets;
    }
}

impl IdentityCounts {
    /// From everybody's numbers; `None` when there is nobody.
    pub(super) fn of(people: Vec<IdentityCount>) -> Option<Self> {
        let mut sizes: Vec<u64> = people.iter().map(|person| person.images).collect();
        sizes.sort_unstable();
        let (fewest, most) = (*sizes.first()?, *sizes.last()?);
        let middle = [sizes[(sizes.len() - 1) / 2], sizes[sizes.len() / 2]];
        let mut histogram: Vec<HistogramBin> = Vec::new();
        for size in sizes {
            let from = if size == 0 { 0 } else { 1 << size.ilog2() };
            match histogram.last_mut().filter(|bin| bin.from == from) {
                Some(bin) => bin.identities += 1,
                None => histogram.push(HistogramBin {
                    from,
                    to: (2 * from).saturating_sub(1),
                    identities: 1,
                }),
            }
        }
        Some(Self {
            fewest,
            median: (middle[0] + middle[1]) as f64 / 2.0,
            most,
            histogram,
            people,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_a_median_and_a_histogram_in_steps_of_two() {
        let people = |sizes: &[u64]| {
            sizes
                .iter()
                .map(|images| IdentityCount {
                    name: String::new(),
                    images: *images,
                })
                .collect()
        };
        let counts = IdentityCounts::of(people(&[5, 1, 0, 4, 8, 2])).unwrap();
        assert_eq!((counts.fewest, counts.median, counts.most), (0, 3.0, 8));
        let bins: Vec<_> = counts
            .histogram
            .iter()
            .map(|bin| (bin.from, bin.to, bin.identities))
            .collect();
        assert_eq!(
            bins,
            [(0, 0, 1), (1, 1, 1), (2, 3, 1), (4, 7, 2), (8, 15, 1)]
        );
        assert_eq!(IdentityCounts::of(Vec::new()), None);
    }
}
