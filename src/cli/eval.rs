//! `facetui eval`

mod compare;
mod failures;
mod lfw;
mod report;
mod scores;
mod suspects;
mod ytf;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};

use super::{Failure, figures, follow, output::print_json};
use crate::{
    config::{ChannelOrder, Crop, DeviceChoice, Flatten, Scaling},
    eval::{
        Evaluation, Rule,
        corrected::{Corrected, ErrorList},
        template::{Distance, Mirror, Pooling},
    },
    launch::{self, CheckpointChoice, EvaluationOrder, RunName, Started, find},
    report::Measured,
    run::{BareWeights, FigureOptions, Preprocessing, VerificationSet},
};

/// Evaluate a model on a verification set, or scores alone
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui eval lfw --model margin-centre --data lfw.bin\n  \
                        facetui eval ytf --model margin-centre --splits splits.txt --frames aligned_images_DB\n  \
                        facetui eval lfw --model w600k_r50.onnx --data lfw.bin --rule insightface\n  \
                        facetui eval scores distances.csv --rule exact --json\n  \
                        facetui eval failures eval-ytf --out failures\n  \
                        facetui eval suspects eval-ytf --errors assets/ytf-error.txt\n  \
                        facetui eval compare eval-ytf eval-ytf-2\n  \
                        facetui eval report eval-lfw eval-ytf --out report"
)]
pub(super) struct Eval {
    #[command(subcommand)]
    protocol: Protocol,
}

#[derive(Debug, Subcommand)]
enum Protocol {
    Lfw(lfw::Lfw),
    Ytf(ytf::Ytf),
    Scores(scores::Scores),
    Failures(failures::Failures),
    Suspects(suspects::Suspects),
    Compare(compare::Compare),
    Report(report::Report),
}

impl Eval {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        match self.protocol {
            Protocol::Lfw(command) => command.run(runs_root),
            Protocol::Ytf(command) => command.run(runs_root),
            Protocol::Scores(command) => command.run(),
            Protocol::Failures(command) => command.run(runs_root),
            Protocol::Suspects(command) => command.run(runs_root),
            Protocol::Compare(command) => command.run(runs_root),
            Protocol::Report(command) => command.run(runs_root),
        }
    }
}

/// An evaluation that was made, and how an error list shall change it.
#[derive(Debug, Args)]
struct Made {
    /// The run's name, or the path of its folder
    run: PathBuf,
    /// Which of its sets [default: the whole one]
    #[arg(long, value_name = "S")]
    set: Option<String>,
    /// Leave mislabelled videos out: reference or official
    #[arg(long, value_name = "M")]
    corrected: Option<Corrected>,
    /// The list of mislabelled videos [default: the one that the run was given]
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
}

impl Made {
    fn open(&self, runs_root: &Path) -> Result<Measured, Failure> {
        let run = find::run(runs_root, &self.run)?;
        let mut measured = Measured::open(&run, self.set.as_deref())?;
        match (self.corrected, &self.errors) {
            (None, None) => {}
            (None, Some(_)) => {
                return Err(Failure::Input(
                    "--errors needs --corrected reference or --corrected official, which say how"
                        .to_owned(),
                ));
            }
            (Some(mode), Some(path)) => measured.correct(&ErrorList::load(path)?, mode)?,
            (Some(Corrected::None), None) => {
                measured.correct(&ErrorList::default(), Corrected::None)?;
            }
            (Some(mode), None) => {
                let errors = measured.own_errors()?;
                measured.correct(&errors, mode)?;
            }
        }
        Ok(measured)
    }
}

/// What evaluations of a model have in common.
#[derive(Debug, Args)]
struct Common {
    /// A run, a checkpoint folder, a .safetensors file, a PyTorch state dict, a TensorFlow checkpoint or an ONNX model
    #[arg(long, value_name = "M")]
    model: PathBuf,
    /// Which checkpoint of a run: newest, best (by its validation) or a step
    #[arg(long, value_name = "WHICH", default_value = "newest")]
    checkpoint: CheckpointChoice,
    #[command(flatten)]
    rule: RuleOption,
    /// cosine, l2 or squared-l2 [default: as the rule does]
    #[arg(long)]
    distance: Option<Distance>,
    /// The order of the colour planes, if not the model's own
    #[arg(long, value_name = "bgr|rgb", value_parser = channels)]
    channels: Option<ChannelOrder>,
    /// The crop, if not the model's own
    #[arg(long, value_name = "112x96|112x112", value_parser = crop)]
    crop: Option<Crop>,
    /// How a byte becomes a number, if not as the model says: 127.5/128 means (x-127.5)/128
    #[arg(long, value_name = "MEAN/DIVISOR")]
    scaling: Option<Scaling>,
    /// How bare weights flatten their last feature map
    #[arg(long, value_name = "hwc|chw", value_parser = flatten)]
    flatten: Option<Flatten>,
    /// BatchNorm's ε of bare weights
    #[arg(long, value_name = "E")]
    epsilon: Option<f64>,
    /// What is done with the mirror image [default: as the rule does]
    #[arg(long, value_name = "sum|concat|none", value_parser = mirror)]
    mirror: Option<Mirror>,
    /// auto, cpu, cuda:N or flex
    #[arg(long, default_value_t)]
    device: DeviceChoice,
    /// The name of the run that the evaluation makes
    #[arg(long)]
    name: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// What evaluations on videos have besides.
#[derive(Debug, Args)]
struct VideoOptions {
    /// How frames become one template: unit-mean, mean, norm-weighted, trimmed or media
    #[arg(long, default_value_t)]
    pooling: Pooling,
    /// At most so many frames of a video, spread evenly over it
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    frames_per_video: Option<usize>,
}

#[derive(Debug, Args)]
struct RuleOption {
    /// The rule that picks thresholds and folds
    #[arg(long, value_enum, default_value = "reference")]
    rule: RuleName,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RuleName {
    /// The published experiment's: where false rejects and false accepts cross, folds by position
    Reference,
    /// InsightFace's: a grid of squared distances, ten folds in order
    Insightface,
    /// The threshold that is most accurate on the training folds, the set's own folds
    Exact,
}

impl From<RuleName> for Rule {
    fn from(name: RuleName) -> Self {
        match name {
            RuleName::Reference => Self::Reference,
            RuleName::Insightface => Self::Insightface,
            RuleName::Exact => Self::Exact,
        }
    }
}

impl Common {
    /// Lets a worker evaluate the set, waits for it and prints the figures that `wanted` picks for JSON.
    fn evaluate(
        self,
        runs_root: &Path,
        base_name: &str,
        set: VerificationSet,
        videos: Option<VideoOptions>,
        wanted: impl Fn(&Evaluation) -> bool,
    ) -> Result<(), Failure> {
        if self
            .epsilon
            .is_some_and(|epsilon| !(0.0..1.0).contains(&epsilon))
        {
            let message = "--epsilon: give a number from 0 to 1, such as 1e-5";
            return Err(Failure::Input(message.to_owned()));
        }
        let Started { run, worker } = launch::evaluate(&EvaluationOrder {
            model: &self.model,
            checkpoint: self.checkpoint,
            set,
            figures: FigureOptions {
                rule: self.rule.rule.into(),
                pooling: videos
                    .as_ref()
                    .map_or(Pooling::default(), |options| options.pooling),
                distance: self.distance,
            },
            preprocessing: Preprocessing {
                channels: self.channels,
                crop: self.crop,
                scaling: self.scaling,
                mirror: self.mirror,
                frames_per_video: videos.and_then(|options| options.frames_per_video),
            },
            weights: BareWeights {
                flatten: self.flatten,
                batch_norm_epsilon: self.epsilon,
            },
            runs_root,
            name: self
                .name
                .map_or_else(|| RunName::Like(base_name.to_owned()), RunName::Given),
            device: self.device,
        })?;
        follow::follow(runs_root, run.clone(), Some(worker))?;
        let rows = run.results()?.rows;
        if self.json {
            let row = rows
                .iter()
                .find(|row| wanted(&row.evaluation))
                .or(rows.last());
            let row = row.ok_or_else(|| {
                Failure::Failed("the evaluation ended without figures".to_owned())
            })?;
            return print_json(&row.evaluation);
        }
        for row in rows {
            figures::print_whole(&row.evaluation)?;
        }
        Ok(())
    }
}

pub(super) fn channels(text: &str) -> Result<ChannelOrder, String> {
    match text {
        "bgr" => Ok(ChannelOrder::Bgr),
        "rgb" => Ok(ChannelOrder::Rgb),
        _ => Err("give bgr or rgb".to_owned()),
    }
}

fn crop(text: &str) -> Result<Crop, String> {
    match text {
        "112x96" => Ok(Crop::Reference),
        "112x112" => Ok(Crop::Full),
        _ => Err("give 112x96 or 112x112".to_owned()),
    }
}

pub(super) fn flatten(text: &str) -> Result<Flatten, String> {
    match text {
        "hwc" => Ok(Flatten::Hwc),
        "chw" => Ok(Flatten::Chw),
        _ => Err("give hwc or chw".to_owned()),
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| "give a whole number from 1".to_owned())
}

fn mirror(text: &str) -> Result<Mirror, String> {
    match text {
        "sum" => Ok(Mirror::Sum),
        "concat" => Ok(Mirror::Concat),
        "none" => Ok(Mirror::None),
        _ => Err("give sum, concat or none".to_owned()),
    }
}
