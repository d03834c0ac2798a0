//! Starting a training run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    CheckpointChoice, LaunchError, RunName, Started, devices, find, readable, start::start,
};
use crate::{
    config::{ConfigErrors, DataConfig, DeviceChoice, MERGE_COPY, Recipe},
    data::DataError,
    run::{Job, Work},
};

/// A training run to be started.
#[derive(Debug, Clone)]
pub struct TrainingOrder<'a> {
    /// How to train.
    pub recipe: &'a Recipe,
    /// Where the data lie.
    pub config: &'a DataConfig,
    /// The folder of runs.
    pub runs_root: &'a Path,
    /// The run's name.
    pub name: RunName,
    /// The device.
    pub device: DeviceChoice,
    /// A run, a checkpoint folder or a file of weights to start from.
    pub from: Option<PathBuf>,
    /// Whether the worker is to find the largest batch that fits.
    pub auto_batch: bool,
}

/// Reads a recipe with its `--set` arguments and a `config.ini`, and checks that what the one asks for the other has.
///
/// # Errors
/// All that is wrong with both files.
pub fn load(
    recipe: &Path,
    sets: &[String],
    config: &Path,
) -> Result<(Recipe, DataConfig), ConfigErrors> {
    match (Recipe::load_with(recipe, sets), DataConfig::load(config)) {
        (Ok(recipe), Ok(config)) => {
            config.check_paths(&recipe)?;
            Ok((recipe, config))
        }
        (Err(first), Err(second)) => Err(first.and(second)),
        (Err(errors), _) | (_, Err(errors)) => Err(errors),
    }
}

/// Checks the order, makes the run directory and starts its worker.
///
/// # Errors
/// What is wrong with the order; nothing is left behind then.
pub fn train(order: &TrainingOrder<'_>) -> Result<Started, LaunchError> {
    order.config.check_paths(order.recipe)?;
    let from = match &order.from {
        Some(text) => {
            let model = find::model(order.runs_root, text, CheckpointChoice::Newest)?;
            find::check_start(order.recipe, &model)?;
            Some(model)
        }
        None => None,
    };
    readable::check_training(order.recipe, order.config)?;
    let worker = devices::check(order.device)?;
    devices::check_precision(order.device, order.recipe.precision, &worker)?;
    let job = Job {
        device: order.device,
        work: Work::Train {
            from,
            auto_batch: order.auto_batch,
        },
    };
    let mut files = vec![
        ("recipe.toml", order.recipe.as_run().to_toml()),
        ("config.ini", order.config.to_ini()),
    ];
    if let Some(list) = &order.recipe.merge {
        // Read as a list a moment ago, so it is text; the run keeps it as it is now.
        let text = fs::read_to_string(list).map_err(|source| DataError::Read {
            path: list.clone(),
            source,
        })?;
        files.push((MERGE_COPY, text));
    }
    start(
        order.runs_root,
        &order.name,
        &job,
        order.recipe.steps,
        &files,
        &worker,
    )
}
