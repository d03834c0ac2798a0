//! `facetui data overlap`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::{
    cli::{
        Failure, follow,
        output::{print, print_json},
    },
    config::{DataConfig, DeviceChoice},
    launch::{self, CheckpointChoice, OverlapOrder, RunName, Started},
    run::{OverlapOptions, OverlapReport, OverlapSuggestion, Preprocessing, RunState},
    untrusted::{visible, visible_path},
};

/// Find the people that two sets share, by their faces and by their names
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui data overlap vgg ms1m --model margin-centre --config config.ini --out overlap.csv\n  \
                        facetui data overlap ms1m lfw --model w600k_r50.onnx --config config.ini --action drop\n  \
                        facetui data overlap faces_a faces_b --model margin-centre --threshold 0.7\n\n\
                        A set is a section of config.ini or a path. The list says set_a,class_a,name_a,set_b,class_b,name_b,\n\
                        similarity,action; a recipe with merge = \"overlap.csv\" does what its rows ask for: merge makes one\n\
                        class of two, drop leaves the second out, an empty action changes nothing."
)]
pub(super) struct Overlap {
    /// The first set
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The second set
    #[arg(value_name = "B")]
    b: PathBuf,
    /// What embeds: a run, a checkpoint folder, a file of weights or an ONNX model
    #[arg(long, value_name = "M")]
    model: PathBuf,
    /// Which checkpoint of a run: newest, best (by its validation) or a step
    #[arg(long, value_name = "WHICH", default_value = "newest")]
    checkpoint: CheckpointChoice,
    /// Where sections are looked up [default: config.ini where it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The least cosine of two people's centres
    #[arg(long, value_name = "COSINE", default_value_t = 0.5, value_parser = cosine)]
    threshold: f64,
    /// At most so many images of a person make the centre
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    images_per_person: u32,
    /// What the list asks for where faces are alike [default: nothing; a person decides]
    #[arg(long, value_enum)]
    action: Option<Action>,
    /// Copy the list to a file
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
    /// auto, cpu, cuda:N or flex
    #[arg(long, default_value_t)]
    device: DeviceChoice,
    /// The name of the run
    #[arg(long)]
    name: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    /// Make one class of the two
    Merge,
    /// Leave the second out
    Drop,
}

/// The one document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    run: String,
    list: String,
    #[serde(flatten)]
    report: &'a OverlapReport,
}

impl Overlap {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let default = Path::new("config.ini");
        let config = match &self.config {
            Some(file) => Some(DataConfig::load(file)?),
            None if default.is_file() => Some(DataConfig::load(default)?),
            None => None,
        };
        let Started { run, worker } = launch::overlap(&OverlapOrder {
            sets: [&self.a, &self.b],
            config: config.as_ref(),
            model: &self.model,
            checkpoint: self.checkpoint,
            preprocessing: Preprocessing::default(),
            options: OverlapOptions {
                threshold: self.threshold,
                images_per_person: self.images_per_person as usize,
                action: self.action.map(|action| match action {
                    Action::Merge => OverlapSuggestion::Merge,
                    Action::Drop => OverlapSuggestion::Drop,
                }),
            },
            runs_root,
            name: self
                .name
                .map_or_else(|| RunName::Like("overlap".to_owned()), RunName::Given),
            device: self.device,
        })?;
        let status = follow::follow(runs_root, run.clone(), Some(worker))?;
        if status.state != RunState::Finished {
            return Err(Failure::Failed(format!(
                "the search is {} and has no list; start it anew",
                status.state
            )));
        }
        let list = match &self.out {
            Some(out) => {
                run.copy_overlap(out)?;
                out.clone()
            }
            None => run.overlap_path(),
        };
        let report = run.overlap_report()?;
        if self.json {
            return print_json(&Document {
                run: run.path().to_string_lossy().into_owned(),
                list: list.to_string_lossy().into_owned(),
                report: &report,
            });
        }
        print_report(&report)?;
        print(&format!("  list: {}", visible_path(&list)))
    }
}

fn print_report(report: &OverlapReport) -> Result<(), Failure> {
    let ((a, people_a), (b, people_b)) = (&report.a, &report.b);
    print(&format!(
        "{} ({people_a} people) and {} ({people_b} people), by {}",
        visible(a),
        visible(b),
        visible(&report.model)
    ))?;
    print(&format!(
        "  {} pairs of people with a cosine from {} up, {} of the same name, {} both",
        report.alike, report.threshold, report.same_name, report.both
    ))?;
    if report.broken > 0 {
        print(&format!(
            "  {} images can't be read; the run's journal names them",
            report.broken
        ))?;
    }
    Ok(())
}

fn cosine(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if (-1.0..=1.0).contains(&number) => Ok(number),
        _ => Err("give a number from -1 to 1".to_owned()),
    }
}
