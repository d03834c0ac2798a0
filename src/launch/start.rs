//! Makes a run directory and starts its worker; what can't be started leaves nothing behind.

use std::{fs, path::Path, process::Child};

use super::{LaunchError, devices::Devices, environment};
use crate::run::{Job, RunDirectory, RunError, Status, worker};

/// A run whose worker was started by this process.
#[derive(Debug)]
pub struct Started {
    /// Its directory.
    pub run: RunDirectory,
    /// The worker: its end can be waited for; dropping it changes nothing for the worker.
    pub worker: Child,
}

/// How a new run is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunName {
    /// So, or not at all.
    Given(String),
    /// So, or with a number behind it where the name is taken.
    Like(String),
}

impl RunName {
    /// Like the recipe's file.
    pub fn like(recipe: &Path) -> Self {
        let stem = recipe.file_stem().unwrap_or_default();
        Self::Like(stem.to_string_lossy().into_owned())
    }
}

/// Makes the directory with `files` in it, writes its first status and starts the worker, which gave `answer` when it was
/// asked for its devices.
pub(super) fn start(
    runs_root: &Path,
    name: &RunName,
    job: &Job,
    steps: u64,
    files: &[(&str, String)],
    answer: &Devices,
) -> Result<Started, LaunchError> {
    worker::binary()?;
    let name = match name {
        RunName::Given(name) => name.clone(),
        RunName::Like(base) => RunDirectory::free_name(runs_root, base),
    };
    let run = RunDirectory::create(runs_root, &name)?;
    let started = fill(&run, &name, job, steps, files, answer).and_then(|()| worker::start(&run));
    match started {
        Ok(worker) => Ok(Started { run, worker }),
        Err(error) => {
            // It was made just now and holds nothing but our own files; the first error is the one to tell.
            let _ = fs::remove_dir_all(run.path());
            Err(error.into())
        }
    }
}

fn fill(
    run: &RunDirectory,
    name: &str,
    job: &Job,
    steps: u64,
    files: &[(&str, String)],
    answer: &Devices,
) -> Result<(), RunError> {
    for (file, text) in files {
        run.write_file(file, text.as_bytes())?;
    }
    environment::record(run, answer)?;
    run.save_job(job)?;
    run.write_status(&Status::starting(
        name,
        job.work.kind(),
        steps,
        &job.device.to_string(),
    ))
}
