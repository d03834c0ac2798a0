//! What can be wrong with scores and embeddings.

use std::path::PathBuf;

use thiserror::Error;

use super::Rule;
use crate::untrusted::visible;

/// Why there are no figures, and what to do about it.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EvalError {
    /// Not enough pairs to make folds of.
    #[error(
        "the {rule} rule needs at least {needed} {what} for its ten folds, and there are {found}"
    )]
    TooFewPairs {
        /// The rule.
        rule: Rule,
        /// Which pairs: `pairs of one person`.
        what: &'static str,
        /// How many it needs.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// The reference rule looks up the two lists by one index.
    #[error(
        "the reference rule pairs each positive with a negative, and there are {positive} positives but only {negative} negatives; use --rule exact"
    )]
    FewerNegatives {
        /// Pairs of one person.
        positive: usize,
        /// Pairs of two people.
        negative: usize,
    },
    /// A distance is NaN or infinite: the model or its input is broken.
    #[error(
        "the distance of pair {pair} is {distance}, which no threshold can judge; look at that pair's embeddings"
    )]
    NotFinite {
        /// Its number, from 1, in the order given.
        pair: usize,
        /// The distance.
        distance: f64,
    },
    /// Some pairs have a fold and this one has none.
    #[error("pair {pair} has no fold, while others have one; give all a fold or none")]
    MissingFold {
        /// Its number, from 1, in the order given.
        pair: usize,
    },
    /// Folds are numbered one after the other, and one has no pairs.
    #[error(
        "there are pairs in folds {before} and {after} and none in those between; a set without them is another set"
    )]
    FoldGap {
        /// The last before the gap.
        before: u32,
        /// The first after it.
        after: u32,
    },
    /// All pairs are in one fold, so that no others are left to choose a threshold on.
    #[error(
        "all pairs are in fold {fold}; a threshold is chosen on the other folds, so there must be at least two"
    )]
    OneFold {
        /// The fold.
        fold: u32,
    },
    /// What is to be compared was measured on other pairs.
    #[error(
        "evaluation {number} is of other pairs than the first, so that the two can't be compared: {reason}"
    )]
    OtherPairs {
        /// Which evaluation, from 1.
        number: usize,
        /// How it differs.
        reason: String,
    },
    /// A file of scores or names can't be understood.
    #[error("{}:{line}: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What was found and what is allowed.
        reason: String,
    },
    /// A file can't be read.
    #[error("{}: cannot read: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A file can't be written.
    #[error("{}: cannot write: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// What is to be listed can't be a video.
    #[error("{reason}")]
    VideoName {
        /// What was given and what is allowed.
        reason: String,
    },
    /// Too few pairs to tell one person's similarities from two people's.
    #[error("how alike videos of one person are can't be told from {found} {what}; 10 are needed")]
    FewPairs {
        /// Which pairs: `pairs of one person`.
        what: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A pair names what there are no embeddings of.
    #[error("a pair names {}, of which there are no embeddings", visible(name))]
    NoVideo {
        /// The name.
        name: String,
    },
    /// Something is wrong with one video.
    #[error("video {}: {source}", visible(name))]
    OfVideo {
        /// Its name.
        name: String,
        /// What is wrong.
        source: Box<EvalError>,
    },
    /// A video without frames.
    #[error("there is no frame to make a template of")]
    NoFrames,
    /// Media pooling of frames whose media nobody told.
    #[error(
        "media pooling needs to know which frames are of one medium, and these don't tell; use another pooling"
    )]
    NoMedia,
    /// Not one medium a frame.
    #[error("there are {frames} frames and the media of {media}; each frame is of one medium")]
    Media {
        /// How many frames.
        frames: usize,
        /// How many labels of media.
        media: usize,
    },
    /// A word that names none of the choices.
    #[error("there is no {what} \"{found}\"; there are {allowed}")]
    Unknown {
        /// What was to be named.
        what: &'static str,
        /// The word, fit to be shown.
        found: String,
        /// The choices.
        allowed: String,
    },
    /// Embeddings of different lengths.
    #[error(
        "embedding {index} has {found} numbers where the first has {expected}; are they of one model?"
    )]
    Lengths {
        /// Its number, from 1.
        index: usize,
        /// Its length.
        found: usize,
        /// The length of the first.
        expected: usize,
    },
    /// An embedding that holds NaN or infinity.
    #[error("embedding {index} holds {value}; the model or that image is broken")]
    BrokenEmbedding {
        /// Its number, from 1.
        index: usize,
        /// The number.
        value: f32,
    },
    /// An embedding without a direction.
    #[error("embedding {index} is zero, so it has no direction to compare")]
    ZeroEmbedding {
        /// Its number, from 1; 0 for the mean of several.
        index: usize,
    },
    /// The published rows that ship with the program can't be understood.
    #[error("assets/published.toml: {reason}")]
    Published {
        /// Where and why.
        reason: String,
    },
}
