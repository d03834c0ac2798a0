//! `facetui plot`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, dashboard, output::print};
use crate::{
    launch::find,
    plot::{self, Curve, CurveOptions, PlotError},
    run::CurveLog,
    untrusted::visible_path,
};

/// Draw a run's curves into a file
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui plot margin-centre --out curves.png\n  \
                        facetui plot margin-centre --tag loss/total --tag eval/lfw/accuracy --smooth 0 --out curves.svg"
)]
pub(super) struct Plot {
    /// The run's name, or the path of its folder
    run: PathBuf,
    /// A scalar to draw, or the beginning of several [default: losses and accuracies]
    #[arg(long, value_name = "T")]
    tag: Vec<String>,
    /// The weight of the past in the moving average, from 0 (none) to below 1
    #[arg(long, default_value_t = 0.6)]
    smooth: f64,
    /// The picture: .png or .svg, or .csv for the numbers
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Plot {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let run = find::run(runs_root, &self.run)?;
        let scalars = CurveLog::read_all(run.path(), &dashboard::indexes(false))?;
        let tags = match self.tag.as_slice() {
            [] => vec![
                "loss/".to_owned(),
                "train/accuracy".to_owned(),
                "eval/".to_owned(),
            ],
            tags => tags.to_vec(),
        };
        let curves: Vec<Curve> = scalars
            .tags()
            .filter(|tag| tags.iter().any(|wanted| tag.starts_with(wanted.as_str())))
            .map(|tag| Curve {
                tag: tag.to_owned(),
                run: None,
                points: scalars.points(tag),
            })
            .collect();
        if curves.is_empty() {
            let there: Vec<&str> = scalars.tags().collect();
            let there = if there.is_empty() {
                "none yet".to_owned()
            } else {
                there.join(", ")
            };
            return Err(Failure::Input(format!(
                "no scalar begins with {} (there are: {there})",
                tags.join(" or ")
            )));
        }
        let options = CurveOptions {
            title: run.name(),
            smoothing: self.smooth,
            ..CurveOptions::default()
        };
        plot::save_curves(&curves, &options, &self.out)?;
        print(&visible_path(&self.out))
    }
}

impl From<PlotError> for Failure {
    fn from(error: PlotError) -> Self {
        match error {
            PlotError::Draw { .. } | PlotError::Write { .. } => Self::Failed(error.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}
