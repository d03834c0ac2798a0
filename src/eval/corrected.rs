//! YTF-corrected: figures without the videos that are known to be mislabelled.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::scores::NamedScores;
use super::{EvalError, Folds};
use crate::untrusted::visible;

pub use super::error_list::{ErrorList, Note};

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

impl FromStr for Corrected {
    type Err = EvalError;

    fn from_str(text: &str) -> Result<Self, EvalError> {
        let all = [Self::None, Self::Reference, Self::Official];
        let found = all.into_iter().find(|mode| mode.to_string() == text);
        found.ok_or_else(|| EvalError::Unknown {
            what: "correction",
            found: visible(text),
            allowed: "none, reference, official".to_owned(),
        })
    }
}

impl Corrected {
    /// Which folds its figures are made in.
    pub fn folds(self) -> Folds {
        match self {
            Self::None | Self::Reference => Folds::OfRule,
            Self::Official => Folds::OfSet,
        }
    }
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

/// The scores that an error list leaves, in their order, and how many pairs it takes out.
pub fn corrected_scores(
    scores: &NamedScores,
    errors: &ErrorList,
    mode: Corrected,
) -> (NamedScores, usize) {
    let selection = correct(&scores.named(), errors, mode);
    let kept = selection
        .kept
        .iter()
        .map(|&index| scores.rows[index].clone());
    let kept = NamedScores {
        rows: kept.collect(),
    };
    (kept, selection.dropped)
}

#[cfg(test)]
mod tests {
    use super::*;

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
