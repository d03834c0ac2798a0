//! `job.toml`: what a run directory asks of the worker, written by whoever makes the directory.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{AlignOptions, JobKind, NamedPersons, OverlapOptions};
use crate::config::{ChannelOrder, Crop, DataConfig, DeviceChoice, Flatten, Scaling};
use crate::eval::{
    Rule,
    corrected::Corrected,
    template::{Distance, Mirror, Pooling},
};

/// What the worker is to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The device as asked for.
    pub device: DeviceChoice,
    /// The work itself.
    pub work: Work,
}

/// The work of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Work {
    /// Train by the directory's `recipe.toml` and `config.ini`.
    Train {
        /// A checkpoint folder whose weights to start from.
        from: Option<PathBuf>,
        /// Whether to find the largest batch that fits, instead of the recipe's.
        #[serde(default)]
        auto_batch: bool,
    },
    /// Embed a verification set with a model and write its figures to `results/`.
    Eval {
        /// A checkpoint folder, or a file of weights or of an ONNX model.
        model: PathBuf,
        /// The set.
        set: VerificationSet,
        /// How distances become figures.
        #[serde(flatten)]
        figures: FigureOptions,
        /// What to change in the model's own description.
        preprocessing: Preprocessing,
        /// What bare weights don't say of themselves.
        #[serde(default)]
        weights: BareWeights,
    },
    /// Find the faces of pictures and videos, and write them aligned.
    Align {
        /// A folder, an image list or a video file.
        source: PathBuf,
        /// Where to, and how.
        options: AlignOptions,
    },
    /// Find the people that two sets share.
    Overlap {
        /// The one set.
        a: NamedPersons,
        /// The other.
        b: NamedPersons,
        /// What embeds, as in an evaluation.
        model: PathBuf,
        /// What to change in the model's own description.
        preprocessing: Preprocessing,
        /// What bare weights don't say of themselves.
        #[serde(default)]
        weights: BareWeights,
        /// How people are compared.
        options: OverlapOptions,
    },
}

impl Work {
    /// The kind of job this is.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Train { .. } => JobKind::Train,
            Self::Eval { .. } => JobKind::Eval,
            Self::Align { .. } => JobKind::Align,
            Self::Overlap { .. } => JobKind::Overlap,
        }
    }
}

/// A verification set on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "protocol")]
pub enum VerificationSet {
    /// Pairs of images.
    Lfw {
        /// A `.bin`, `.np` or `pairs.txt` file.
        data: PathBuf,
        /// The image folder that goes with `pairs.txt`.
        images: Option<PathBuf>,
    },
    /// Pairs of videos.
    Ytf {
        /// The split list.
        splits: PathBuf,
        /// The folder of people, each with a folder a video.
        frames: PathBuf,
        /// The list of mislabelled videos.
        errors: Option<PathBuf>,
        /// How that list corrects the figures.
        corrected: Corrected,
        /// Go on when videos of the list are not there.
        allow_missing: bool,
    },
}

impl VerificationSet {
    /// The set of a section of `config.ini`, for validation while training; `None` where it is off.
    pub fn of_section(section: &str, config: &DataConfig) -> Option<Self> {
        if let Some(pairs) = config.pairs.get(section) {
            return Some(Self::Lfw {
                data: pairs.npdata.as_ref().or(pairs.pairs.as_ref())?.clone(),
                images: pairs.prefix.clone(),
            });
        }
        if section != "ytf" {
            return None;
        }
        let ytf = config.ytf.as_ref()?;
        // The short list is made for checks while training.
        if let Some(pairs) = &ytf.pairs {
            return Some(Self::Lfw {
                data: pairs.clone(),
                images: Some(ytf.prefix.clone()),
            });
        }
        Some(Self::Ytf {
            splits: ytf.splits.clone()?,
            frames: ytf.prefix.clone(),
            errors: ytf.ytf_error.clone(),
            corrected: match ytf.ytf_error {
                Some(_) => Corrected::Reference,
                None => Corrected::None,
            },
            allow_missing: false,
        })
    }
}

/// How embeddings become distances, and distances figures: nothing of it needs the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureOptions {
    /// The rule.
    pub rule: Rule,
    /// How a video's frames become one template.
    #[serde(default)]
    pub pooling: Pooling,
    /// How far apart two templates are; the rule decides where this is `None`.
    #[serde(default)]
    pub distance: Option<Distance>,
}

impl FigureOptions {
    /// The rule's own distance and the published pooling.
    pub fn of_rule(rule: Rule) -> Self {
        Self {
            rule,
            pooling: Pooling::default(),
            distance: None,
        }
    }

    /// The distance as asked for, else the rule's own.
    pub fn distance(&self) -> Distance {
        self.distance.unwrap_or(match self.rule {
            Rule::Insightface => Distance::SquaredL2,
            Rule::Reference | Rule::Exact => Distance::Cosine,
        })
    }

    /// What the rule does with the mirror image, where nobody asks for something else.
    pub fn mirror(&self) -> Mirror {
        match self.rule {
            Rule::Insightface => Mirror::Sum,
            Rule::Reference | Rule::Exact => Mirror::None,
        }
    }
}

/// What a file of bare weights doesn't say, and a checkpoint or a described file does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BareWeights {
    /// Order in which the last feature map is flattened.
    pub flatten: Option<Flatten>,
    /// BatchNorm's ε.
    pub batch_norm_epsilon: Option<f64>,
}

/// What differs from the model's own description of its input; `None` keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Order of the colour planes.
    pub channels: Option<ChannelOrder>,
    /// The crop.
    pub crop: Option<Crop>,
    /// How a byte becomes a number.
    pub scaling: Option<Scaling>,
    /// What is done with the mirrored image; the rule decides where this is `None`.
    pub mirror: Option<Mirror>,
    /// The most frames of a video, spread evenly over it; `None` for all.
    pub frames_per_video: Option<usize>,
}
