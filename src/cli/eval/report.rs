//! `facetui eval report`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Failure, print_json};
use crate::{
    cli::output::{print, print_columns, print_raw, say},
    eval::{Evaluation, listing},
    launch::find,
    report,
    untrusted::visible_path,
};

/// All evaluations of some runs as a table, or as a folder with charts and failing pairs
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui eval report eval-lfw eval-ytf --out report\n  \
                        facetui eval report eval-lfw eval-lfw-2 --format md\n\n\
                        DIR gets report.html, which needs no network, the table as Markdown, CSV and JSON, ROC, DET and\n\
                        distances as PNG and SVG, and sheets of failing pairs. An older report there is replaced."
)]
pub(super) struct Report {
    /// The runs' names, or the paths of their folders
    #[arg(value_name = "RUN", required = true)]
    evaluations: Vec<PathBuf>,
    /// Where to write the report
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How to print the table
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Print one JSON document: the same as --format json
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Aligned columns
    Text,
    /// Markdown
    Md,
    /// Every number in full
    Csv,
    /// A list of evaluations
    Json,
}

impl Report {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let mut runs = Vec::with_capacity(self.evaluations.len());
        for run in &self.evaluations {
            runs.push(find::run(runs_root, run)?);
        }
        if let Some(out) = &self.out {
            let made = report::report(&runs, out)?;
            for name in &made.without_scores {
                say(&format!(
                    "no charts of {name}: no scores are kept while training"
                ));
            }
            for problem in &made.problems {
                say(problem);
            }
            say(&format!("wrote {}", visible_path(&out.join("report.html"))));
        }
        let figures: Vec<Evaluation> = report::evaluations(&runs)?
            .into_iter()
            .map(|(_, evaluation)| evaluation)
            .collect();
        match self.format {
            _ if self.json => print_json(&figures),
            Format::Json => print_json(&figures),
            Format::Text => print_columns(&listing::texts(&figures)),
            Format::Md => print(listing::to_markdown(&listing::texts(&figures)).trim_end()),
            Format::Csv => print_raw(&listing::to_csv(&figures)),
        }
    }
}
