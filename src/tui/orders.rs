//! Carries out what the dashboard asks of runs; each error comes back as text that is safe to show.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;

use crate::config::{ConfigErrors, DataConfig, DeviceChoice, Recipe};
use crate::launch::{self, LaunchError, Resumed, RunName, Started, TrainingOrder, devices};
use crate::run::{Command, RunDirectory};
use crate::untrusted::visible;

use super::effect::LaunchOrder;
use super::words;

/// Puts a command into a run's inbox.
pub fn send(path: &Path, command: &Command) -> Result<(), String> {
    let run = RunDirectory::open(path).map_err(told)?;
    run.send(command).map_err(told)
}

/// Goes on with a run that has no worker; what came of it.
pub fn resume(path: &Path) -> Result<&'static str, String> {
    let run = RunDirectory::open(path).map_err(told)?;
    Ok(match launch::resume(&run, None).map_err(told)? {
        Resumed::Started(worker) => {
            reap(worker);
            "a worker was started"
        }
        Resumed::Unpaused => "told to go on",
        Resumed::Running => "it is running anyway",
        Resumed::Finished => "nothing is left to do",
    })
}

/// Reads recipe and config and looks whether the data are there; a line about the recipe, or all that is wrong.
pub fn check(order: &LaunchOrder) -> Result<String, Vec<String>> {
    let (recipe, _, device) = read(order)?;
    devices::check(device).map_err(all_told)?;
    let sets: Vec<String> = recipe
        .datasets
        .iter()
        .map(|set| visible(&set.name))
        .collect();
    Ok(format!(
        "{} steps of {} images from {}, depth {}, on {device}",
        words::count(recipe.steps),
        recipe.batch_size,
        sets.join(" + "),
        recipe.network.depth
    ))
}

/// Launches a run in `root`; its folder, or all that is wrong.
pub fn launch(order: &LaunchOrder, root: &Path) -> Result<PathBuf, Vec<String>> {
    let (recipe, config, device) = read(order)?;
    let name = match order.name.as_str() {
        "" => RunName::like(Path::new(&order.recipe)),
        name => RunName::Given(name.to_owned()),
    };
    let training = TrainingOrder {
        recipe: &recipe,
        config: &config,
        runs_root: root,
        name,
        device,
        from: (!order.from.is_empty()).then(|| PathBuf::from(&order.from)),
        auto_batch: false,
    };
    let Started { run, worker } = launch::train(&training).map_err(all_told)?;
    reap(worker);
    Ok(run.path().to_owned())
}

fn read(order: &LaunchOrder) -> Result<(Recipe, DataConfig, DeviceChoice), Vec<String>> {
    let files = launch::load(Path::new(&order.recipe), &[], Path::new(&order.config));
    let device: Result<DeviceChoice, _> = order.device.parse();
    match (files, device) {
        (Ok((recipe, config)), Ok(device)) => Ok((recipe, config, device)),
        (files, device) => {
            let mut wrong = files.err().as_ref().map(each).unwrap_or_default();
            wrong.extend(device.err().map(told));
            Err(wrong)
        }
    }
}

fn each(errors: &ConfigErrors) -> Vec<String> {
    errors
        .list()
        .iter()
        .map(|error| visible(&error.to_string()))
        .collect()
}

fn all_told(error: LaunchError) -> Vec<String> {
    match error {
        LaunchError::Config(errors) => each(&errors),
        error => vec![told(error)],
    }
}

fn told(error: impl std::error::Error) -> String {
    visible(&error.to_string())
}

/// Waits for a worker's end, so that the system need not remember it; the worker itself goes its own way.
fn reap(mut worker: Child) {
    thread::spawn(move || worker.wait());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = folder.path().join("recipe.toml");
        std::fs::write(&recipe, "steps = -1\nbatch_sice = 4\n").unwrap();
        let order = LaunchOrder {
            recipe: recipe.display().to_string(),
            config: folder.path().join("config.ini").display().to_string(),
            name: String::new(),
            device: "gpu".to_owned(),
            from: String::new(),
        };
        let wrong = check(&order).unwrap_err().join("\n");
        for part in ["recipe.toml:1", "steps", "batch_size", "config.ini", "gpu"] {
            assert!(wrong.contains(part), "{part} is not in:\n{wrong}");
        }
        assert_eq!(launch(&order, folder.path()).unwrap_err().join("\n"), wrong);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_no_run_takes_no_command() {
        let folder = tempfile::tempdir().unwrap();
        let error = send(folder.path(), &Command::Pause).unwrap_err();
        assert!(error.contains("not a run directory"), "{error}");
    }
}
