//! `facetui eval lfw`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Common, Failure};
use crate::run::VerificationSet;

/// Verify pairs of images
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui eval lfw --model margin-centre --data lfw.bin\n  \
                        facetui eval lfw --model runs/a/checkpoints/step-00000080 --data pairs.txt --images lfw --rule insightface --json"
)]
pub(super) struct Lfw {
    #[command(flatten)]
    common: Common,
    /// A .bin, .np or pairs.txt file
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The folder of the images that pairs.txt names
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
}

impl Lfw {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let set = VerificationSet::Lfw {
            data: self.data,
            images: self.images,
        };
        self.common
            .evaluate(runs_root, "eval-lfw", set, None, |_| true)
    }
}
