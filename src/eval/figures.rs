//! What an evaluation says, with all that made it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The figures of one model on one verification set by one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The set's name as the table shows it: `heldout_glint6.bin`, `LFW`, `YTF-corrected`.
    pub set: String,
    /// The protocol rule.
    pub rule: Rule,
    /// How many pairs there were and what became of them.
    pub pairs: PairCounts,
    /// Mean accuracy over the folds, with its spread.
    pub accuracy: Accuracy,
    /// Mean of the folds' thresholds, in the unit of `provenance.distance`.
    pub threshold: f64,
    /// One entry a fold, in order.
    pub folds: Vec<FoldFigures>,
    /// Area under the ROC curve, 0..1.
    pub auc: f64,
    /// Equal error rate, 0..1.
    pub eer: f64,
    /// True accept rate at false accept rates `0.1` to `0.0001`; `None` where the negatives are too few to tell.
    pub tar_at_far: BTreeMap<String, Option<f64>>,
    /// InsightFace's rate of true accepts at a false accept rate, which only its rule makes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val: Option<Val>,
    /// The pairs that no fold tested; `None` where every pair was tested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untested: Option<Untested>,
    /// How far the figures would move with other pairs of the same kind; `None` in documents of before there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
    /// What made these figures.
    pub provenance: Provenance,
}

/// The rule that picks thresholds and folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// The published experiment's: the crossing of false rejects and false accepts, folds by position.
    Reference,
    /// InsightFace's: a grid of squared L2 thresholds, ten folds in order.
    Insightface,
    /// The accuracy-maximising threshold of the training folds, the set's own folds.
    Exact,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::Reference, Self::Insightface, Self::Exact];
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::Reference => "reference",
            Self::Insightface => "insightface",
            Self::Exact => "exact",
        })
    }
}

/// Numbers of pairs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCounts {
    /// Pairs of one person.
    pub positive: usize,
    /// Pairs of two people.
    pub negative: usize,
    /// Pairs left out because an image or a video is not there.
    pub missing: usize,
    /// Pairs taken out by an error list.
    pub dropped: usize,
    /// Pairs that some fold tested.
    pub tested: usize,
}

/// A mean accuracy over folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Mean over the folds, 0..1.
    pub mean: f64,
    /// Population standard deviation over the folds.
    pub std: f64,
    /// Standard error of the mean: the sample deviation over the root of the number of folds.
    pub sem: f64,
}

/// The figures of one fold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FoldFigures {
    /// Share of the fold's pairs told right, 0..1.
    pub accuracy: f64,
    /// The threshold chosen on the other folds.
    pub threshold: f64,
    /// Pairs of one person in the fold; 0 in documents of before it was counted.
    #[serde(default)]
    pub positive: usize,
    /// Pairs of two people in the fold.
    #[serde(default)]
    pub negative: usize,
}

/// Pairs that helped to choose thresholds at most, judged at the mean threshold of all folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Untested {
    /// Pairs of one person.
    pub positive: usize,
    /// Pairs of two people.
    pub negative: usize,
    /// Share of them told right at the mean threshold, 0..1. It is no part of the accuracy.
    pub accuracy: f64,
}

/// InsightFace's "VAL": the true accept rate of each fold at the threshold that has a false accept rate on the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Val {
    /// The false accept rate aimed at.
    pub target_far: f64,
    /// Mean true accept rate over the folds, 0..1.
    pub mean: f64,
    /// Population standard deviation over the folds.
    pub std: f64,
    /// The false accept rate that the folds really had, in the mean.
    pub far: f64,
}

/// 95 % bootstrap intervals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// How often the pairs were drawn anew.
    pub resamples: usize,
    /// Of the mean accuracy.
    pub accuracy: Interval,
    /// Of the area under the ROC curve.
    pub auc: Interval,
    /// Of the equal error rate.
    pub eer: Interval,
    /// Of the true accept rates, by false accept rate.
    pub tar_at_far: BTreeMap<String, Option<Interval>>,
}

/// From where to where a figure lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// All that a figure depends on besides the set and the rule; figures with different provenance are not compared silently.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The model: a run and its checkpoint, or a file name; empty where only scores were given.
    pub model: String,
    /// The optimiser step of the model, where it has one.
    pub step: Option<u64>,
    /// Where the set lies.
    pub data: String,
    /// `rgb` or `bgr`.
    pub channels: Option<String>,
    /// `112x96` or `112x112`.
    pub crop: Option<String>,
    /// How a byte became a number of the input: `(x-127.5)/128`.
    pub scaling: Option<String>,
    /// `none`, `sum` or `concat`.
    pub mirror: Option<String>,
    /// How a video's frames become one template; `None` for single images.
    pub pooling: Option<String>,
    /// The most frames of a video that counted; `None` for all.
    pub frames_per_video: Option<usize>,
    /// `cosine`, `squared-l2` or, for given scores, `as given`.
    pub distance: String,
    /// How an error list changed the pairs: `none`, `reference`, `official`.
    pub corrected: Option<String>,
    /// The device that embedded.
    pub device: Option<String>,
}
