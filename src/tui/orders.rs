//! Carries out what the dashboard asks of runs; each error comes back as text that is safe to show.

use std::path::{Path, PathBuf};

use crate::config::{ConfigErrors, DataConfig, DeviceChoice, Recipe};
use crate::launch::{self, LaunchError, RunName, TrainingOrder, devices};
use crate::run::{Command, RunDirectory};
use crate::untrusted::visible;

use super::effect::LaunchOrder;

/// Puts a command into a run's inbox.
pub fn send(path: &Path, command: &Command) -> Result<(), String> {
    let run = RunDirectory::open(path).map_err(told)?;
    run.send(command).map_err(told)
}

/// Goes on with a run that has no worker.
pub fn resume(path: &Path) -> Result<(), String> {
    let run = RunDirectory::open(path).map_err(told)?;
    launch::resume(&run, None).map(drop).map_err(told)
}

/// Reads recipe and config and looks whether the data are there; a line about the recipe, or all that is wrong.
pub fn check(order: &LaunchOrder) -> Result<String, Vec<String>> {
    let (recipe, _, device) = load(order)?;
    devices::check(device).map_err(all_told)?;
    let sets: Vec<String> = recipe
        .datasets
        .iter()
        .map(|set| visible(&set.name))
        .collect();
    Ok(format!(
        "depth {}, {} steps of {} images from {}",
        recipe.network.depth,
        recipe.steps,
        recipe.batch_size,
        sets.join(" + ")
    ))
}

/// Launches a run; its folder, or all that is wrong.
pub fn launch(order: &LaunchOrder, root: &Path) -> Result<PathBuf, Vec<String>> {
    let (recipe, config, device) = load(order)?;
    let name = match order.name.trim() {
        "" => RunName::like(Path::new(&order.recipe)),
        name => RunName::Given(name.to_owned()),
    };
    let started = launch::train(&TrainingOrder {
        recipe: &recipe,
        config: &config,
        runs_root: root,
        name,
        device,
        from: None,
    });
    started
        .map(|started| started.run.path().to_owned())
        .map_err(all_told)
}

fn load(order: &LaunchOrder) -> Result<(Recipe, DataConfig, DeviceChoice), Vec<String>> {
    let device = order
        .device
        .trim()
        .parse()
        .map_err(|error| vec![told(error)])?;
    let (recipe, config) = launch::load(Path::new(&order.recipe), &[], Path::new(&order.config))
        .map_err(|errors| each_told(&errors))?;
    Ok((recipe, config, device))
}

fn all_told(error: LaunchError) -> Vec<String> {
    match error {
        LaunchError::Config(errors) => each_told(&errors),
        error => vec![told(error)],
    }
}

fn each_told(errors: &ConfigErrors) -> Vec<String> {
    errors.list().iter().map(told).collect()
}

fn told(error: impl std::fmt::Display) -> String {
    visible(&error.to_string())
}
