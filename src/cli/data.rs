//! `facetui data`

mod align;
mod check;
mod inspect;
mod list;
mod overlap;
mod pack;
mod synth;

use std::path::Path;

use clap::{Args, Subcommand};

pub(super) use align::print_report as print_alignment;

use super::Failure;

/// Look at data; check, list, pack or draw them; find faces
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui data inspect lfw.bin --json\n  facetui data check faces_vgg_112x112\n  \
                  facetui data list vggface2/train --out train.txt --max-per-class 100\n  \
                  facetui data pack my_faces --out my_faces_packed\n  facetui data align photos --out faces\n  \
                  facetui data synth --out faces"
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
    Check(check::Check),
    List(list::List),
    Pack(pack::Pack),
    Synth(synth::Synth),
}

impl Data {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        match self.task {
            Task::Align(command) => command.run(runs_root),
            Task::Inspect(command) => command.run(),
            Task::Overlap(command) => command.run(runs_root),
            Task::Check(command) => command.run(),
            Task::List(command) => command.run(),
            Task::Pack(command) => command.run(),
            Task::Synth(command) => command.run(),
        }
    }
}
