//! `facetui model`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{
    Failure,
    eval::flatten,
    output::{print, print_json},
};
use crate::{
    config::Flatten,
    launch::{self, CheckpointChoice},
    run::ModelInfo,
    untrusted::{visible, visible_path},
};

/// Look at models
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui model info margin-centre\n  facetui model info w600k_r50.onnx --json"
)]
pub(super) struct Model {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Info(Info),
}

/// Say what a model is: architecture, parameters, input, preprocessing, where it comes from
#[derive(Debug, Args)]
struct Info {
    /// A run, a checkpoint folder, a .safetensors file, a PyTorch state dict or an ONNX model
    #[arg(value_name = "M")]
    model: PathBuf,
    /// Which checkpoint of a run: newest, best (by its validation) or a step
    #[arg(long, value_name = "WHICH", default_value = "newest")]
    checkpoint: CheckpointChoice,
    /// How bare weights flatten their last feature map
    #[arg(long, value_name = "hwc|chw", value_parser = flatten)]
    flatten: Option<Flatten>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Model {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let Task::Info(command) = self.task;
        let info = launch::model_info(
            runs_root,
            &command.model,
            command.checkpoint,
            command.flatten,
        )?;
        if command.json {
            return print_json(&info);
        }
        print_info(&info)
    }
}

fn print_info(info: &ModelInfo) -> Result<(), Failure> {
    let field = |label: &str, value: &str| print(&format!("  {label:<14} {}", visible(value)));
    print(&visible_path(&info.path))?;
    field("form", &info.form)?;
    field("architecture", &info.architecture)?;
    let unknown = |number: Option<String>, otherwise: &str| number.unwrap_or(otherwise.to_owned());
    let parameters = info.parameters.map(|count| count.to_string());
    field("parameters", &unknown(parameters, "can't be counted"))?;
    let embedding = info.embedding.map(|length| format!("{length} numbers"));
    field("embedding", &unknown(embedding, "told by the first image"))?;
    let input = &info.input;
    field("input", &format!("{}, crop {}", input.shape, input.crop))?;
    let assumed = if input.assumed {
        " (as is usual for such files, which don't say it; --channels and --scaling override)"
    } else {
        ""
    };
    field(
        "preprocessing",
        &format!("{}, {}{assumed}", input.channels, input.scaling),
    )?;
    for (label, value) in &info.provenance {
        field(&visible(label), value)?;
    }
    field("content", &info.content)
}
