//! `facetui train`

use std::{io::IsTerminal, path::PathBuf};

use clap::Args;

use super::{Failure, dashboard, follow, output::print};
use crate::{
    config::DeviceChoice,
    launch::{self, RunName, Started, TrainingOrder},
    untrusted::{visible, visible_path},
};

/// Start a training run
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui train assets/recipes/cpu-small.toml --config config.ini\n  \
                        facetui train my.toml --config config.ini --set network.depth=32 --set steps=1000 --headless\n  \
                        facetui train assets/recipes/triplet.toml --config config.ini --from margin-centre --detach\n\n\
                        In a terminal the dashboard opens on the run; --headless follows it in lines instead.\n\
                        The run goes on whatever becomes of this command."
)]
pub(super) struct Train {
    /// The recipe
    #[arg(value_name = "RECIPE.toml")]
    recipe: PathBuf,
    /// Where the data lie
    #[arg(long, value_name = "FILE", default_value = "config.ini")]
    config: PathBuf,
    /// The run's name [default: the recipe's, with a number where it is taken]
    #[arg(long)]
    name: Option<String>,
    /// Change a value of the recipe; can be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// auto, cpu, cuda:N or flex
    #[arg(long, default_value_t)]
    device: DeviceChoice,
    /// Start from the weights of a run, a checkpoint folder, a .safetensors file, a PyTorch state dict or a TensorFlow
    /// checkpoint
    #[arg(long, value_name = "CHECKPOINT|WEIGHTS")]
    from: Option<PathBuf>,
    /// Find the largest batch that fits into memory, instead of the recipe's batch_size
    #[arg(long)]
    auto_batch: bool,
    #[command(flatten)]
    watching: Watching,
}

/// How a run that was started is watched.
#[derive(Debug, Args)]
pub(super) struct Watching {
    /// Follow the run in lines, without the dashboard
    #[arg(long, conflicts_with = "detach")]
    headless: bool,
    /// Start the run and return at once
    #[arg(long)]
    detach: bool,
}

impl Train {
    pub fn run(self, runs_root: PathBuf, look: &dashboard::Look) -> Result<(), Failure> {
        let (recipe, config) = launch::load(&self.recipe, &self.set, &self.config)?;
        let name = match self.name {
            Some(name) => RunName::Given(name),
            None => RunName::like(&self.recipe),
        };
        let started = launch::train(&TrainingOrder {
            recipe: &recipe,
            config: &config,
            runs_root: &runs_root,
            name,
            device: self.device,
            from: self.from,
            auto_batch: self.auto_batch,
        })?;
        self.watching.watch(runs_root, look, started)
    }
}

impl Watching {
    /// Watches a run as asked: the dashboard where there is a terminal, unless told otherwise.
    pub fn watch(
        &self,
        runs_root: PathBuf,
        look: &dashboard::Look,
        started: Started,
    ) -> Result<(), Failure> {
        let Started { run, worker } = started;
        if self.detach {
            return print(&format!(
                "{} started: {}",
                visible(&run.name()),
                visible_path(run.path())
            ));
        }
        if !self.headless && std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
            return dashboard::open(runs_root, false, look, Some(run.name()), Vec::new());
        }
        let status = follow::follow(&runs_root, run.clone(), Some(worker))?;
        follow::print_summary(&run, &status)
    }
}
