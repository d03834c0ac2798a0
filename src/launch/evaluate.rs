//! Starting an evaluation.

use std::path::{Path, PathBuf};

use super::{
    CheckpointChoice, LaunchError, RunName, Started, devices, find, readable, start::start,
};
use crate::{
    config::DeviceChoice,
    run::{BareWeights, FigureOptions, Job, Preprocessing, VerificationSet, Work},
};

/// An evaluation to be started.
#[derive(Debug, Clone)]
pub struct EvaluationOrder<'a> {
    /// A run, a checkpoint folder, or a file of weights or of an ONNX model.
    pub model: &'a Path,
    /// Which checkpoint, where the model is a run.
    pub checkpoint: CheckpointChoice,
    /// The set.
    pub set: VerificationSet,
    /// How distances become figures.
    pub figures: FigureOptions,
    /// What to change in the model's own description.
    pub preprocessing: Preprocessing,
    /// What bare weights don't say of themselves.
    pub weights: BareWeights,
    /// The folder of runs.
    pub runs_root: &'a Path,
    /// The run's name.
    pub name: RunName,
    /// The device.
    pub device: DeviceChoice,
}

/// Checks the order, makes the run directory and starts its worker.
///
/// # Errors
/// What is wrong with the order; nothing is left behind then.
pub fn evaluate(order: &EvaluationOrder<'_>) -> Result<Started, LaunchError> {
    let model = find::model(order.runs_root, order.model, order.checkpoint)?;
    let set = with_checked_paths(&order.set)?;
    // Both take their time, one the disk's and the other the loader's.
    let worker = std::thread::scope(|scope| {
        let worker = scope.spawn(|| devices::check(order.device));
        readable::check_verification(&set)?;
        worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let job = Job {
        device: order.device,
        work: Work::Eval {
            model,
            set,
            figures: order.figures,
            preprocessing: order.preprocessing.clone(),
            weights: order.weights,
        },
    };
    start(order.runs_root, &order.name, &job, 0, &[], &worker)
}

/// The set with absolute paths, all of them there.
fn with_checked_paths(set: &VerificationSet) -> Result<VerificationSet, LaunchError> {
    let optional = |option: &'static str, path: &Option<PathBuf>, folder: bool| {
        path.as_ref()
            .map(|path| checked(option, path, folder))
            .transpose()
    };
    Ok(match set {
        VerificationSet::Lfw { data, images } => VerificationSet::Lfw {
            data: checked("--data", data, false)?,
            images: optional("--images", images, true)?,
        },
        VerificationSet::Ytf {
            splits,
            frames,
            errors,
            corrected,
            allow_missing,
        } => VerificationSet::Ytf {
            splits: checked("--splits", splits, false)?,
            frames: checked("--frames", frames, true)?,
            errors: optional("--errors", errors, false)?,
            corrected: *corrected,
            allow_missing: *allow_missing,
        },
    })
}

fn checked(option: &'static str, path: &Path, folder: bool) -> Result<PathBuf, LaunchError> {
    let wrong = |reason: &str| LaunchError::Path {
        option,
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let kind = if folder { "a folder" } else { "a file" };
    let right = if folder {
        path.is_dir()
    } else {
        path.is_file()
    };
    if !path.exists() {
        return Err(wrong(&format!("isn't there; give {kind}")));
    }
    if !right {
        return Err(wrong(&format!("isn't {kind}")));
    }
    std::path::absolute(path).map_err(|error| wrong(&error.to_string()))
}
