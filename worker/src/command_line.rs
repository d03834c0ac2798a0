//! The worker's two commands; `facetui` gives them, people seldom.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{job, model::device};

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
}

/// Reads the command line and obeys it.
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { directory } => job::run(&directory),
        Command::Devices => print_devices(),
    }
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
fn print_devices() -> ExitCode {
    match serde_json::to_string(&device::available()) {
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
