//! `facetui data`

mod align;
mod inspect;
mod overlap;
mod synth;

use std::path::Path;

use clap::{Args, Subcommand};

pub(super) use align::print_report as print_alignment;

use super::Failure;

/// Look at data, find faces, or draw some
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui data inspect lfw.bin --json\n  facetui data align photos --out faces\n  facetui data synth --out faces"
)]
pub(super) struct Data {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Align(align::Align),
    Inspect(inspect::Inspect),
    Overlap(overlap::Overlap),
    Synth(synth::Synth),
}

impl Data {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        match self.task {
            Task::Align(command) => command.run(runs_root),
            Task::Inspect(command) => command.run(),
            Task::Overlap(command) => command.run(runs_root),
            Task::Synth(command) => command.run(),
        }
    }
}
