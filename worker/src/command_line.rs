//! The worker's commands; `facetui` gives them, people seldom.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use facetui::{config::Flatten, run::BareWeights};

use crate::{embed::model::ModelFile, job, model::device};

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
    /// Tell what a model is, as JSON
    Model {
        /// A checkpoint folder or a file
        path: PathBuf,
        /// How bare weights flatten their last feature map: hwc or chw
        #[arg(long, value_parser = flatten)]
        flatten: Option<Flatten>,
    },
}

/// Reads the command line and obeys it.
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { directory } => job::run(&directory),
        Command::Devices => answer(&device::available()),
        Command::Model { path, flatten } => {
            let bare = BareWeights {
                flatten,
                ..BareWeights::default()
            };
            match ModelFile::open(&path, &bare).and_then(|model| model.info(&bare)) {
                Ok(information) => answer(&information),
                Err(error) => {
                    job::say(&error.to_string());
                    ExitCode::from(2)
                }
            }
        }
    }
}

fn flatten(text: &str) -> Result<Flatten, String> {
    match text {
        "hwc" => Ok(Flatten::Hwc),
        "chw" => Ok(Flatten::Chw),
        _ => Err("give hwc or chw".to_owned()),
    }
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
