//! `facetui pause`, `unpause`, `park`, `checkpoint`, `stop`, `set`: a command into a run's inbox.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use super::{Failure, output::print};
use crate::{
    launch::{self, Answer, SETTABLE, find},
    run::Command,
    untrusted::visible,
};

/// A step of a large network on a slow device takes this long at most, mostly.
const PATIENCE: Duration = Duration::from_secs(10);

/// Stop stepping, keep the memory
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  facetui pause margin-centre")]
pub(super) struct Pause {
    /// The run's name, or the path of its folder
    run: PathBuf,
}

/// Go on after a pause
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  facetui unpause margin-centre")]
pub(super) struct Unpause {
    /// The run's name, or the path of its folder
    run: PathBuf,
}

/// Checkpoint and give the device back; `facetui resume` goes on
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  facetui park margin-centre")]
pub(super) struct Park {
    /// The run's name, or the path of its folder
    run: PathBuf,
}

/// Checkpoint now
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  facetui checkpoint margin-centre")]
pub(super) struct Checkpoint {
    /// The run's name, or the path of its folder
    run: PathBuf,
}

/// Checkpoint and end
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui stop margin-centre\n  facetui stop margin-centre --after-epoch"
)]
pub(super) struct Stop {
    /// The run's name, or the path of its folder
    run: PathBuf,
    /// Only once the pass over the images is complete
    #[arg(long)]
    after_epoch: bool,
}

/// Change a number of a running training
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui set margin-centre schedule.learning_rate=0.0005\n  \
                        facetui set margin-centre loss.centre_weight=0.1"
)]
pub(super) struct Set {
    /// The run's name, or the path of its folder
    run: PathBuf,
    /// What to change, and to what
    #[arg(value_name = "KEY=VALUE")]
    assignment: String,
}

impl Pause {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        give(runs_root, &self.run, &Command::Pause, "paused")
    }
}

impl Unpause {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        give(runs_root, &self.run, &Command::Unpause, "goes on")
    }
}

impl Park {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        give(runs_root, &self.run, &Command::Park, "parks")
    }
}

impl Checkpoint {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        give(
            runs_root,
            &self.run,
            &Command::Checkpoint,
            "writes a checkpoint",
        )
    }
}

impl Stop {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let (after_epoch, done) = if self.after_epoch {
            (true, "stops after this epoch")
        } else {
            (false, "stops")
        };
        give(runs_root, &self.run, &Command::Stop { after_epoch }, done)
    }
}

impl Set {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let (key, value) = self.assignment.split_once('=').ok_or_else(|| {
            Failure::Input(format!(
                "{} has no =; write key=value, with one of {}",
                self.assignment,
                SETTABLE.join(", ")
            ))
        })?;
        let value = value.trim().parse().map_err(|_| {
            Failure::Input(format!(
                "set {key}: found {value}; allowed: a number from 0"
            ))
        })?;
        let key = key.trim().to_owned();
        let done = format!("has {} = {value}", visible(&key));
        give(runs_root, &self.run, &Command::Set { key, value }, &done)
    }
}

fn give(runs_root: &Path, run: &Path, command: &Command, done: &str) -> Result<(), Failure> {
    let run = find::run(runs_root, run)?;
    let name = visible(&run.name());
    match launch::order(&run, command, PATIENCE)? {
        Answer::Obeyed { step } => print(&format!("{name} {done}, after step {step}")),
        Answer::Sent => print(&format!(
            "{name} has been told, and will obey between two steps"
        )),
    }
}
