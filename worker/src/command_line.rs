//! The worker's commands; `facetui` gives them, people seldom.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use facetui::{
    config::{ChannelOrder, Flatten, Scaling},
    run::{BareWeights, ModelFormat},
};
use serde::de::DeserializeOwned;

use crate::{
    embed::{
        model::{ModelError, ModelFile},
        model_writer::{self, WriteOrder},
    },
    job,
    model::{device, weights::Parts},
};

#[derive(Parser)]
#[command(
    name = "facetui-worker",
    version,
    about = "The process that owns the tensors of a facetui run"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Do the job of a run directory
    Run {
        /// The run directory
        directory: PathBuf,
    },
    /// Tell what there is to compute on, as JSON
    Devices,
    /// Tell what a model is, or write it in another form; the answer is JSON
    #[command(subcommand)]
    Model(ModelTask),
}

#[derive(Subcommand)]
enum ModelTask {
    /// Tell what a model is
    Info {
        #[command(flatten)]
        source: Source,
    },
    /// Write a model in another form
    Write {
        #[command(flatten)]
        source: Source,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
        /// safetensors, pytorch or onnx
        #[arg(long)]
        format: ModelFormat,
        /// The order of the colour planes, if not the model's own: bgr or rgb
        #[arg(long, value_parser = word::<ChannelOrder>)]
        channels: Option<ChannelOrder>,
        /// How a byte becomes a number, if not as the model says: MEAN/DIVISOR
        #[arg(long)]
        scaling: Option<Scaling>,
        /// Write class weights too, where there are any
        #[arg(long)]
        class_weights: bool,
    },
}

#[derive(Args)]
struct Source {
    /// A checkpoint folder or a file
    path: PathBuf,
    /// How bare weights flatten their last feature map: hwc or chw
    #[arg(long, value_parser = word::<Flatten>)]
    flatten: Option<Flatten>,
    /// BatchNorm's ε of bare weights
    #[arg(long)]
    epsilon: Option<f64>,
}

/// Reads the command line and obeys it.
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { directory } => job::run(&directory),
        Command::Devices => answer(&device::available()),
        Command::Model(task) => match obey(task) {
            Ok(answered) => answered,
            Err(error) => {
                job::say(&error.to_string());
                ExitCode::from(if error.is_wrong_input() { 2 } else { 1 })
            }
        },
    }
}

fn obey(task: ModelTask) -> Result<ExitCode, ModelError> {
    match task {
        ModelTask::Info { source } => {
            let (model, bare) = source.open()?;
            Ok(answer(&model.info(&bare)?))
        }
        ModelTask::Write {
            source,
            out,
            format,
            channels,
            scaling,
            class_weights,
        } => {
            let (model, bare) = source.open()?;
            let order = WriteOrder {
                out,
                format,
                channels,
                scaling,
                parts: if class_weights {
                    Parts::WithClassWeights
                } else {
                    Parts::Backbone
                },
            };
            Ok(answer(&model_writer::write(&model, &bare, &order)?))
        }
    }
}

impl Source {
    fn open(&self) -> Result<(ModelFile, BareWeights), ModelError> {
        let bare = BareWeights {
            flatten: self.flatten,
            batch_norm_epsilon: self.epsilon,
        };
        Ok((ModelFile::open(&self.path, &bare)?, bare))
    }
}

/// A choice by the word that recipes have for it.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
fn answer(document: &impl serde::Serialize) -> ExitCode {
    match serde_json::to_string(document) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            job::say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}
