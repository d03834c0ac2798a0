//! `facetui eval suspects`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, print_json};
use crate::{
    cli::output::{print, print_columns},
    eval::{
        corrected::ErrorList,
        suspects::{Finding, Suspect},
    },
    launch::find,
    report::{self, Measured},
    untrusted::visible,
};

/// The videos of an evaluation that look mislabelled, the most suspicious first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  facetui eval suspects eval-ytf\n  \
                        facetui eval suspects eval-ytf --errors assets/ytf-error.txt --json\n\n\
                        Evidence is the natural logarithm of the odds that a video's label is wrong, by the embeddings\n\
                        that the evaluation keeps: above 0 it is more likely wrong than right. It is for a person to\n\
                        look at the frames and decide; `facetui errors add` lists what is found.")]
pub(super) struct Suspects {
    /// The run's name, or the path of its folder
    run: PathBuf,
    /// Which of its sets [default: the whole one]
    #[arg(long, value_name = "S")]
    set: Option<String>,
    /// The list of mislabelled videos [default: the one that the run was given]
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// How many videos to show at least [default: all suspects]
    #[arg(long, value_name = "N", default_value_t = 0)]
    limit: usize,
    /// Print one JSON document, with all videos
    #[arg(long)]
    json: bool,
}

impl Suspects {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let run = find::run(runs_root, &self.run)?;
        let measured = Measured::open(&run, self.set.as_deref())?;
        let errors = match &self.errors {
            Some(path) => ErrorList::load(path)?,
            // A run without a list is looked into all the same.
            None => measured.own_errors().unwrap_or_default(),
        };
        let found = report::suspects(&measured, &errors)?;
        if self.json {
            return print_json(&found);
        }
        let suspects = found
            .videos
            .iter()
            .filter(|video| video.evidence > 0.0)
            .count();
        print(&format!(
            "{}: {suspects} of {} videos look mislabelled",
            visible(&measured.evaluation.set),
            found.videos.len()
        ))?;
        let shown = &found.videos[..suspects.max(self.limit).min(found.videos.len())];
        table(shown.iter())?;
        if let Some(agreement) = found.against_list {
            print(&format!(
                "against the error list: {} of {} suspects are listed (precision {:.3}), {} of {} listed videos are suspects (recall {:.3})",
                agreement.listed_suspects,
                agreement.suspects,
                agreement.precision,
                agreement.listed_suspects,
                agreement.listed,
                agreement.recall
            ))?;
            let right = |video: &&Suspect| video.listed && video.evidence <= 0.0;
            if found.videos.iter().any(|video| right(&video)) {
                print("listed, and look right:")?;
                table(found.videos.iter().filter(right))?;
            }
        }
        Ok(())
    }
}

fn table<'a>(videos: impl Iterator<Item = &'a Suspect>) -> Result<(), Failure> {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    let head = [
        "video",
        "evidence",
        "listed",
        "finding",
        "like its own",
        "of",
        "like",
        "by",
        "odd pairs",
        "frames",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(videos.map(|video| {
        vec![
            visible(&video.video),
            format!("{:+.1}", video.evidence),
            if video.listed { "yes" } else { "no" }.to_owned(),
            match video.finding {
                Finding::LooksRight => "looks right",
                Finding::LooksLikeAnother => "another person",
                Finding::UnlikeItsOwn => "unlike its own",
                Finding::MixedFrames => "mixed frames",
            }
            .to_owned(),
            number(video.similarity_to_mates),
            video.mates.to_string(),
            visible(video.other.as_deref().unwrap_or("-")),
            number(video.similarity_to_other),
            format!("{}/{}", video.odd_pairs, video.pairs),
            video.frames.to_string(),
        ]
    }));
    if rows.len() > 1 {
        print_columns(&rows)?;
    }
    Ok(())
}
