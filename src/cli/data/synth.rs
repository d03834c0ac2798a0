//! `facetui data synth`

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        Failure,
        output::{Progress, print},
    },
    data::synthetic::{self, SyntheticOptions},
    untrusted::visible_path,
};

/// Draw faces: a training set, an LFW-like and a YTF-like set, and the config.ini for them
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  facetui data synth --out faces\n  \
                        facetui data synth --out faces --identities 200 --seed 7\n\n\
                        The same options give the same bytes. No person is in two of the sets.")]
pub(super) struct Synth {
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The number from which every face follows
    #[arg(long, default_value_t = SyntheticOptions::default().seed)]
    seed: u64,
    /// People of the training set
    #[arg(long, value_name = "N", default_value_t = SyntheticOptions::default().identities)]
    identities: u32,
    /// Pictures of each of them
    #[arg(long, value_name = "N", default_value_t = SyntheticOptions::default().images_per_identity)]
    images_per_identity: u32,
    /// Pairs of the LFW-like set; a multiple of 20
    #[arg(long, value_name = "N", default_value_t = SyntheticOptions::default().lfw_pairs)]
    lfw_pairs: u32,
    /// Pairs of the YTF-like set; a multiple of 20
    #[arg(long, value_name = "N", default_value_t = SyntheticOptions::default().ytf_pairs)]
    ytf_pairs: u32,
    /// Frames of each video
    #[arg(long, value_name = "N", default_value_t = SyntheticOptions::default().frames_per_video)]
    frames_per_video: u32,
    /// Videos that show another person than they say; the error list names them
    #[arg(long, value_name = "N", default_value_t = SyntheticOptions::default().mislabelled_videos)]
    mislabelled_videos: u32,
}

impl Synth {
    pub fn run(self) -> Result<(), Failure> {
        let options = SyntheticOptions {
            seed: self.seed,
            identities: self.identities,
            images_per_identity: self.images_per_identity,
            lfw_pairs: self.lfw_pairs,
            ytf_pairs: self.ytf_pairs,
            frames_per_video: self.frames_per_video,
            mislabelled_videos: self.mislabelled_videos,
        };
        let drawing = Progress::new("drawing faces");
        let set =
            synthetic::generate_with(&options, &self.out, &|done, all| drawing.show(done, all));
        drawing.clear();
        let set = set?;
        let remark = if set.reused {
            " (it was there already)"
        } else {
            ""
        };
        print(&format!("{}{remark}", visible_path(&set.config)))
    }
}
