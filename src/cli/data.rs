//! `facetui data`

mod inspect;
mod synth;

use clap::{Args, Subcommand};

use super::Failure;

/// Look at data, or draw some
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui data inspect lfw.bin --json\n  facetui data synth --out faces"
)]
pub(super) struct Data {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Inspect(inspect::Inspect),
    Synth(synth::Synth),
}

impl Data {
    pub fn run(self) -> Result<(), Failure> {
        match self.task {
            Task::Inspect(command) => command.run(),
            Task::Synth(command) => command.run(),
        }
    }
}
