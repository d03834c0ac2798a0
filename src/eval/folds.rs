//! Which pairs are tested together, by each rule's own arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use super::{EvalError, ScoredPair};

/// How many folds every rule makes where the set's list has none.
pub(super) const FOLDS: usize = 10;

/// What a pair is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// Tested in this fold, and helps to choose the other folds' thresholds.
    Tested(u32),
    /// Helps to choose every fold's threshold and is never tested: the reference rule's remainder.
    Training,
    /// Not looked at: the reference rule's negatives beyond the number of positives.
    Beyond,
}

impl Use {
    pub fn tested(self) -> Option<usize> {
        match self {
            Self::Tested(fold) => Some(fold as usize),
            Self::Training | Self::Beyond => None,
        }
    }

    pub fn trains(self, fold: usize) -> bool {
        match self {
            Self::Tested(own) => own as usize != fold,
            Self::Training => true,
            Self::Beyond => false,
        }
    }
}

/// Which pairs test and train which folds.
pub(super) struct Plan {
    /// One entry a pair, in order.
    pub of_pair: Vec<Use>,
    /// How many folds there are.
    pub folds: usize,
}

/// The published code's folds: of size positives / 10 cut down, both lists indexed by the positive list's length.
pub(super) fn reference(
    pairs: &[ScoredPair],
    positive: usize,
    negative: usize,
) -> Result<Plan, EvalError> {
    if negative < positive {
        return Err(EvalError::FewerNegatives { positive, negative });
    }
    let size = positive / FOLDS;
    let mut uses = consecutive(size * FOLDS).of_pair;
    uses.resize(positive, Use::Training);
    let mut seen = [0, 0];
    let of_pair = pairs
        .iter()
        .map(|pair| {
            let index = &mut seen[usize::from(pair.same)];
            *index += 1;
            uses.get(*index - 1).copied().unwrap_or(Use::Beyond)
        })
        .collect();
    Ok(Plan {
        of_pair,
        folds: FOLDS,
    })
}

/// scikit-learn's `KFold(10)` without shuffling: the first `count % 10` folds are one larger.
pub(super) fn consecutive(count: usize) -> Plan {
    let (size, larger) = (count / FOLDS, count % FOLDS);
    let mut of_pair = Vec::with_capacity(count);
    for fold in 0..FOLDS {
        let own = size + usize::from(fold < larger);
        of_pair.resize(of_pair.len() + own, Use::Tested(fold as u32));
    }
    Plan {
        of_pair,
        folds: FOLDS,
    }
}

/// Positives and negatives each in ten consecutive parts: for lists without folds, whatever their order.
pub(super) fn by_kind(pairs: &[ScoredPair]) -> Plan {
    let positive = pairs.iter().filter(|pair| pair.same).count();
    let uses = [pairs.len() - positive, positive].map(|count| consecutive(count).of_pair);
    let mut seen = [0, 0];
    let of_pair = pairs
        .iter()
        .map(|pair| {
            let kind = usize::from(pair.same);
            seen[kind] += 1;
            uses[kind][seen[kind] - 1]
        })
        .collect();
    Plan {
        of_pair,
        folds: FOLDS,
    }
}

/// The folds of the set's own list; `None` where no pair has one.
pub(super) fn of_set(pairs: &[ScoredPair]) -> Result<Option<Plan>, EvalError> {
    let labels: BTreeSet<u32> = pairs.iter().filter_map(|pair| pair.fold).collect();
    let Some(&first) = labels.first() else {
        return Ok(None);
    };
    if let Some(index) = pairs.iter().position(|pair| pair.fold.is_none()) {
        return Err(EvalError::MissingFold { pair: index + 1 });
    }
    if labels.len() == 1 {
        return Err(EvalError::OneFold { fold: first });
    }
    let mut following = labels.iter().zip(labels.iter().skip(1));
    if let Some((before, after)) = following.find(|(before, after)| **after - **before > 1) {
        return Err(EvalError::FoldGap {
            before: *before,
            after: *after,
        });
    }
    let numbers: BTreeMap<u32, u32> = labels.into_iter().zip(0..).collect();
    let of_pair = pairs
        .iter()
        .filter_map(|pair| Some(Use::Tested(numbers[&pair.fold?])))
        .collect();
    Ok(Some(Plan {
        of_pair,
        folds: numbers.len(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_folds_are_scikit_learns() {
        let plan = consecutive(23);
        let sizes: Vec<_> = (0..10)
            .map(|f| {
                plan.of_pair
                    .iter()
                    .filter(|u| u.tested() == Some(f))
                    .count()
            })
            .collect();
        assert_eq!(sizes, [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]);
    }
}
