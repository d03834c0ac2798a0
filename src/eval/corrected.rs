//! YTF-corrected: figures without the videos that are known to be mislabelled.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

/// How an error list changes a video evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Corrected {
    /// Not at all.
    None,
    /// As the published code: from the positives only, folds by position.
    Reference,
    /// From both polarities, official folds kept.
    Official,
}

impl fmt::Display for Corrected {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::None => "none",
            Self::Reference => "reference",
            Self::Official => "official",
        })
    }
}

/// The names of mislabelled videos: `Alma_Powell/2`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorList {
    names: BTreeSet<String>,
}

/// A pair of a list, as far as an error list touches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedPair<'a> {
    /// One video.
    pub a: &'a str,
    /// The other.
    pub b: &'a str,
    /// Whether it is one person by the list.
    pub same: bool,
}

/// Which pairs an error list leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Indices of the pairs that stay, in order.
    pub kept: Vec<usize>,
    /// Pairs taken out.
    pub dropped: usize,
    /// Negatives beyond the number of positives left, which the reference rule never looks at.
    pub negatives_beyond: usize,
}

impl ErrorList {
    /// Reads a list of one name a line; blank lines and lines that begin with `#` are passed over.
    pub fn parse(text: &str) -> Self {
        let names = text
            .lines()
            .map(|line| line.trim().trim_matches('/'))
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        Self { names }
    }

    /// Whether a video is listed: by whole components of its path, never by a part of a name.
    pub fn contains(&self, video: &str) -> bool {
        let parts: Vec<&str> = video.split('/').filter(|part| !part.is_empty()).collect();
        (0..parts.len())
            .any(|start| (start + 1..=parts.len()).any(|end| self.has(&parts[start..end])))
    }

    /// How many videos are listed.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn has(&self, parts: &[&str]) -> bool {
        match parts {
            [one] => self.names.contains(*one),
            several => self.names.contains(&several.join("/")),
        }
    }
}

/// Which of `pairs` stay in the figures.
///
/// The `reference` correction takes listed videos out of the positives only, as the published code does; `official`
/// takes them out of both kinds, and its figures keep the official folds ([`super::Folds::OfSet`]).
pub fn correct(pairs: &[NamedPair], errors: &ErrorList, mode: Corrected) -> Selection {
    let goes = |pair: &NamedPair| {
        let concerned = match mode {
            Corrected::None => false,
            Corrected::Reference => pair.same,
            Corrected::Official => true,
        };
        concerned && (errors.contains(pair.a) || errors.contains(pair.b))
    };
    let kept: Vec<usize> = (0..pairs.len()).filter(|&i| !goes(&pairs[i])).collect();
    let positive = kept.iter().filter(|&&i| pairs[i].same).count();
    Selection {
        dropped: pairs.len() - kept.len(),
        negatives_beyond: (kept.len() - positive).saturating_sub(positive),
        kept,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_by_whole_components() {
        let errors = ErrorList::parse("Alma_Powell/2\r\n# why\n\nAli_Abbas/2\n");
        assert_eq!(errors.len(), 2);
        for listed in [
            "Alma_Powell/2",
            "frames/Alma_Powell/2",
            "Alma_Powell/2/7.jpg",
        ] {
            assert!(errors.contains(listed), "{listed}");
        }
        for other in ["Alma_Powell/22", "XAlma_Powell/2", "Alma_Powell", "2", ""] {
            assert!(!errors.contains(other), "{other}");
        }
        assert!(!ErrorList::default().contains("a/1"));
    }

    #[test]
    fn each_correction_takes_out_its_own() {
        let errors = ErrorList::parse("a/1");
        let pair = |a, b, same| NamedPair { a, b, same };
        let pairs = [
            pair("a/1", "a/2", true),
            pair("b/1", "b/2", true),
            pair("b/1", "a/1", false),
            pair("b/1", "c/1", false),
        ];
        let kept = |mode| correct(&pairs, &errors, mode).kept;
        assert_eq!(kept(Corrected::None), [0, 1, 2, 3]);
        assert_eq!(kept(Corrected::Reference), [1, 2, 3]);
        assert_eq!(kept(Corrected::Official), [1, 3]);
        assert_eq!(
            correct(&pairs, &errors, Corrected::Reference).negatives_beyond,
            1
        );
    }
}
