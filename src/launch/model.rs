//! What a model is: the worker is asked, since only it reads weights.

use std::{ffi::OsStr, path::Path, time::Duration};

use super::{CheckpointChoice, LaunchError, answer::Answer, find};
use crate::{config::Flatten, run::ModelInfo};

/// Weights of a large network on a slow disk take their time.
const PATIENCE: Duration = Duration::from_mins(5);
/// The worker's exit code for wrong input.
const WRONG_INPUT: i32 = 2;

/// Everything that can be said of a run's checkpoint, a checkpoint folder or a file, without images; `flatten` is for
/// bare weights that don't say it.
///
/// # Errors
/// There is no such model, it can't be read, or the worker doesn't run.
pub fn model_info(
    runs_root: &Path,
    model: &Path,
    checkpoint: CheckpointChoice,
    flatten: Option<Flatten>,
) -> Result<ModelInfo, LaunchError> {
    let path = find::model(runs_root, model, checkpoint)?;
    let mut arguments = vec![OsStr::new("model"), path.as_os_str()];
    if let Some(flatten) = flatten {
        let word = match flatten {
            Flatten::Hwc => "hwc",
            Flatten::Chw => "chw",
        };
        arguments.extend([OsStr::new("--flatten"), OsStr::new(word)]);
    }
    let answer = Answer::to(arguments, PATIENCE)?;
    if answer.status.success() {
        return answer.document();
    }
    if answer.status.code() == Some(WRONG_INPUT) {
        return Err(LaunchError::Unreadable {
            reason: answer.words(),
        });
    }
    Err(answer.failure())
}
