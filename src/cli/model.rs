//! `facetui model`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{
    Failure,
    eval::{channels, flatten},
    output::{print, print_json, say},
};
use crate::{
    config::{ChannelOrder, Flatten, Scaling},
    launch::{self, CheckpointChoice, Conversion, ModelChoice},
    run::{BareWeights, ModelFormat, ModelInfo, ModelWritten},
    untrusted::{visible, visible_path},
};

/// Look at models, and write them in other forms
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui model info margin-centre\n  facetui model info w600k_r50.onnx --json\n  \
                        facetui model import iter_426000.ckpt --out vgg-triplet.safetensors\n  \
                        facetui model export margin-centre --out face.onnx\n  \
                        facetui model export margin-centre --checkpoint best --out backbone.pt"
)]
pub(super) struct Model {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Info(Info),
    Import(Import),
    Export(Export),
}

/// Say what a model is: architecture, parameters, input, preprocessing, where it comes from
#[derive(Debug, Args)]
struct Info {
    #[command(flatten)]
    source: Source,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Write weights of any form as a .safetensors file that says what it is, with the class weights if there are any
#[derive(Debug, Args)]
struct Import {
    #[command(flatten)]
    source: Source,
    /// The file to write [default: the model's name with .safetensors, here]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    said: Said,
}

/// Write the part that embeds, for other programs
///
/// .safetensors has facetui's names; .pt is a state dict that arcface_torch's iresnet loads strictly; .onnx runs in ONNX
/// Runtime. All of them compute the same embeddings.
#[derive(Debug, Args)]
struct Export {
    #[command(flatten)]
    source: Source,
    /// The file to write: .safetensors, .pt, .pth or .onnx
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// safetensors, pytorch or onnx [default: by the file's name]
    #[arg(long, value_name = "FORMAT")]
    format: Option<ModelFormat>,
    #[command(flatten)]
    said: Said,
}

/// A model, and what its file doesn't say.
#[derive(Debug, Args)]
struct Source {
    /// A run, a checkpoint folder, a .safetensors file, a PyTorch state dict, a TensorFlow checkpoint or an ONNX model
    #[arg(value_name = "M")]
    model: PathBuf,
    /// Which checkpoint of a run: newest, best (by its validation) or a step
    #[arg(long, value_name = "WHICH", default_value = "newest")]
    checkpoint: CheckpointChoice,
    /// How bare weights flatten their last feature map
    #[arg(long, value_name = "hwc|chw", value_parser = flatten)]
    flatten: Option<Flatten>,
    /// BatchNorm's ε of bare weights
    #[arg(long, value_name = "E")]
    epsilon: Option<f64>,
}

/// What is written of the preprocessing.
#[derive(Debug, Args)]
struct Said {
    /// The order of the colour planes, if not the model's own
    #[arg(long, value_name = "bgr|rgb", value_parser = channels)]
    channels: Option<ChannelOrder>,
    /// How a byte becomes a number, if not as the model says: 127.5/128 means (x-127.5)/128
    #[arg(long, value_name = "MEAN/DIVISOR")]
    scaling: Option<Scaling>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Model {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        match self.task {
            Task::Info(command) => {
                let info = launch::model_info(&command.source.choice(runs_root))?;
                if command.json {
                    return print_json(&info);
                }
                print_info(&info)
            }
            Task::Import(command) => {
                let out = match command.out {
                    Some(out) => out,
                    None => beside(&command.source.model)?,
                };
                let format = ModelFormat::Safetensors;
                write(&command.source, &command.said, runs_root, out, format, true)
            }
            Task::Export(command) => {
                let format = command.format.or_else(|| ModelFormat::of(&command.out));
                let format = format.ok_or_else(|| {
                    Failure::Input(format!(
                        "{}: its ending is of no form that models are written in; give .safetensors, .pt or .onnx, or --format",
                        visible_path(&command.out)
                    ))
                })?;
                let (source, said) = (&command.source, &command.said);
                write(source, said, runs_root, command.out, format, false)
            }
        }
    }
}

impl Source {
    fn choice<'a>(&'a self, runs_root: &'a Path) -> ModelChoice<'a> {
        ModelChoice {
            runs_root,
            model: &self.model,
            checkpoint: self.checkpoint,
            weights: BareWeights {
                flatten: self.flatten,
                batch_norm_epsilon: self.epsilon,
            },
        }
    }
}

/// A file of the model's name in the folder where one is.
fn beside(model: &Path) -> Result<PathBuf, Failure> {
    const KNOWN: [&str; 6] = [".safetensors", ".pt", ".pth", ".index", ".meta", ".onnx"];
    let name = model.file_name().unwrap_or_default().to_string_lossy();
    let stem = KNOWN.iter().find_map(|end| name.strip_suffix(end));
    let out = PathBuf::from(format!("{}.safetensors", stem.unwrap_or(&name)));
    if out.exists() {
        return Err(Failure::Input(format!(
            "{} is there already; give another name with --out",
            visible_path(&out)
        )));
    }
    Ok(out)
}

fn write(
    source: &Source,
    said: &Said,
    runs_root: &Path,
    out: PathBuf,
    format: ModelFormat,
    class_weights: bool,
) -> Result<(), Failure> {
    let conversion = Conversion {
        out,
        format,
        channels: said.channels,
        scaling: said.scaling,
        class_weights,
    };
    let written = launch::convert_model(&source.choice(runs_root), &conversion)?;
    if said.json {
        return print_json(&written);
    }
    let ModelWritten {
        path,
        bytes,
        architecture,
        notes,
        ..
    } = &written;
    for note in notes {
        say(&visible(note));
    }
    let megabytes = *bytes as f64 / 1e6;
    print(&format!(
        "{}  {megabytes:.1} MB, {format}, {}",
        visible_path(path),
        visible(architecture)
    ))
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
