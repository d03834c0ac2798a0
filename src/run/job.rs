//! `job.toml`: what a run directory asks of the worker, written by whoever makes the directory.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{AlignOptions, JobKind};
use crate::config::{ChannelOrder, Crop, DataConfig, DeviceChoice};
use crate::eval::{Rule, corrected::Corrected, template::Mirror};

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
        /// A checkpoint folder.
        model: PathBuf,
        /// The set.
        set: VerificationSet,
        /// Which rule makes the figures.
        rule: Rule,
        /// What to change in the model's own description.
        preprocessing: Preprocessing,
    },
    /// Find the faces of pictures and videos, and write them aligned.
    Align {
        /// A folder, an image list or a video file.
        source: PathBuf,
        /// Where to, and how.
        options: AlignOptions,
    },
}

impl Work {
    /// The kind of job this is.
    pub fn kind(&self) -> JobKind {
        match self {
            Self::Train { .. } => JobKind::Train,
            Self::Eval { .. } => JobKind::Eval,
            Self::Align { .. } => JobKind::Align,
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
    /// The set of a section of `config.ini`, `lfw` or `ytf`, for validation while training; `None` where it is off.
    pub fn of_section(section: &str, config: &DataConfig) -> Option<Self> {
        if section == "lfw" {
            let lfw = config.lfw.as_ref()?;
            return Some(Self::Lfw {
                data: lfw.npdata.as_ref().or(lfw.pairs.as_ref())?.clone(),
                images: lfw.prefix.clone(),
            });
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

/// What differs from the model's own description of its input; `None` keeps it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Order of the colour planes.
    pub channels: Option<ChannelOrder>,
    /// The crop.
    pub crop: Option<Crop>,
    /// What is done with the mirrored image; the rule decides where this is `None`.
    pub mirror: Option<Mirror>,
}
