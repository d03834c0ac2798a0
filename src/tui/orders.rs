//! Carries out what the dashboard asks of runs; each error comes back as text that is safe to show.

use std::path::{Path, PathBuf};

use crate::run::{Command, RunDirectory};
use crate::untrusted::visible;

use super::effect::LaunchOrder;

/// Puts a command into a run's inbox.
pub fn send(path: &Path, command: &Command) -> Result<(), String> {
    let run = RunDirectory::open(path).map_err(told)?;
    run.send(command).map_err(told)
}

/// Starts a worker on a run that has none.
pub fn resume(path: &Path) -> Result<(), String> {
    let run = RunDirectory::open(path).map_err(told)?;
    crate::run::worker::start(&run).map(drop).map_err(told)
}

/// Reads recipe and config and looks whether the data are there; a line about the recipe, or all that is wrong.
pub fn check(order: &LaunchOrder) -> Result<String, Vec<String>> {
    Err(vec![format!("{order:?}")])
}

/// Launches a run; its folder, or all that is wrong.
pub fn launch(order: &LaunchOrder, root: &Path) -> Result<PathBuf, Vec<String>> {
    Err(vec![format!("{order:?} {root:?}")])
}

fn told(error: impl std::error::Error) -> String {
    visible(&error.to_string())
}
