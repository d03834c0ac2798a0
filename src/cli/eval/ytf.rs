//! `facetui eval ytf`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Common, Failure, VideoOptions};
use crate::{eval::corrected::Corrected, run::VerificationSet};

/// Verify pairs of videos
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui eval ytf --model margin-centre --splits splits.txt --frames aligned_images_DB\n  \
                        facetui eval ytf --model margin-centre --splits splits.txt --frames aligned_images_DB \\\n    \
                        --errors assets/ytf-error.txt --corrected official --json\n  \
                        facetui eval ytf --model w600k_r50.onnx --splits splits.txt --frames aligned_images_DB \\\n    \
                        --frames-per-video 20 --pooling trimmed"
)]
pub(super) struct Ytf {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    videos: VideoOptions,
    /// The split list
    #[arg(long, value_name = "FILE")]
    splits: PathBuf,
    /// The folder of people, each with a folder a video
    #[arg(long, value_name = "DIR")]
    frames: PathBuf,
    /// The list of mislabelled videos
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// How that list changes the figures
    #[arg(long, value_enum, default_value = "none")]
    corrected: CorrectedName,
    /// Go on when videos of the list are not there
    #[arg(long)]
    allow_missing: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CorrectedName {
    /// Not at all
    None,
    /// As the published code: from the positives only, folds by position
    Reference,
    /// From both polarities, official folds kept
    Official,
}

impl Ytf {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let (corrected, word) = match self.corrected {
            CorrectedName::None => (Corrected::None, "none"),
            CorrectedName::Reference => (Corrected::Reference, "reference"),
            CorrectedName::Official => (Corrected::Official, "official"),
        };
        if corrected != Corrected::None && self.errors.is_none() {
            let message =
                format!("--corrected {word} needs --errors FILE, the list of mislabelled videos");
            return Err(Failure::Input(message));
        }
        let set = VerificationSet::Ytf {
            splits: self.splits,
            frames: self.frames,
            errors: self.errors,
            corrected,
            allow_missing: self.allow_missing,
        };
        self.common.evaluate(
            runs_root,
            "eval-ytf",
            set,
            Some(self.videos),
            |evaluation| evaluation.provenance.corrected.as_deref() == Some(word),
        )
    }
}
