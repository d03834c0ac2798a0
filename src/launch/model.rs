//! What a model is, and models written in other forms: the worker is asked, since only it reads weights.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::de::DeserializeOwned;

use super::{CheckpointChoice, LaunchError, answer::Answer, find};
use crate::{
    config::{ChannelOrder, Scaling},
    run::{BareWeights, ModelFormat, ModelInfo, ModelWritten},
};

/// Weights of a large network on a slow disk take their time.
const PATIENCE: Duration = Duration::from_mins(5);
/// The worker's exit codes for wrong input, and for what went wrong though the input was right.
const WRONG_INPUT: i32 = 2;
const FAILED: i32 = 1;

/// A model by what people type.
#[derive(Debug, Clone)]
pub struct ModelChoice<'a> {
    /// The folder of runs.
    pub runs_root: &'a Path,
    /// A run, a checkpoint folder or a file.
    pub model: &'a Path,
    /// Which checkpoint of a run.
    pub checkpoint: CheckpointChoice,
    /// What bare weights don't say of themselves.
    pub weights: BareWeights,
}

/// A model to be written in another form.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// The file to write.
    pub out: PathBuf,
    /// Its form.
    pub format: ModelFormat,
    /// The order of the colour planes, where the model doesn't say it or says it wrong.
    pub channels: Option<ChannelOrder>,
    /// How a byte becomes a number, likewise.
    pub scaling: Option<Scaling>,
    /// Whether class weights are written too, where there are any.
    pub class_weights: bool,
}

/// Everything that can be said of a run's checkpoint, a checkpoint folder or a file, without images.
///
/// # Errors
/// There is no such model, it can't be read, or the worker doesn't run.
pub fn model_info(choice: &ModelChoice<'_>) -> Result<ModelInfo, LaunchError> {
    let path = find::model(choice.runs_root, choice.model, choice.checkpoint)?;
    info_of(&path, choice.weights)
}

/// The same of a model that was found.
pub(super) fn info_of(path: &Path, weights: BareWeights) -> Result<ModelInfo, LaunchError> {
    let mut arguments: Vec<OsString> = vec!["model".into(), "info".into(), path.into()];
    arguments.extend(of_bare_weights(weights));
    ask(&arguments)
}

/// Writes a model in another form; what was at the place is replaced.
///
/// # Errors
/// As [`model_info`]; the model can't be written in that form, or not there.
pub fn convert_model(
    choice: &ModelChoice<'_>,
    conversion: &Conversion,
) -> Result<ModelWritten, LaunchError> {
    let path = find::model(choice.runs_root, choice.model, choice.checkpoint)?;
    check_place(&path, &conversion.out)?;
    let mut arguments: Vec<OsString> = vec![
        "model".into(),
        "write".into(),
        path.into(),
        "--out".into(),
        conversion.out.clone().into(),
        "--format".into(),
        conversion.format.to_string().into(),
    ];
    arguments.extend(of_bare_weights(choice.weights));
    if let Some(channels) = conversion.channels {
        arguments.extend(["--channels".into(), channels.to_string().into()]);
    }
    if let Some(Scaling { mean, divisor }) = conversion.scaling {
        arguments.extend(["--scaling".into(), format!("{mean}/{divisor}").into()]);
    }
    if conversion.class_weights {
        arguments.push("--class-weights".into());
    }
    ask(&arguments)
}

fn of_bare_weights(weights: BareWeights) -> Vec<OsString> {
    let mut arguments = Vec::new();
    if let Some(flatten) = weights.flatten {
        arguments.extend(["--flatten".into(), find::word(&flatten).into()]);
    }
    if let Some(epsilon) = weights.batch_norm_epsilon {
        arguments.extend(["--epsilon".into(), epsilon.to_string().into()]);
    }
    arguments
}

/// Looks whether a file can be written there, before minutes are spent on it.
fn check_place(model: &Path, out: &Path) -> Result<(), LaunchError> {
    let refuse = |reason: &str| {
        Err(LaunchError::Path {
            option: "--out",
            path: out.to_owned(),
            reason: reason.to_owned(),
        })
    };
    let folder = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return refuse("its folder isn't there; make it first");
    }
    if out.is_dir() || out.file_name().is_none() {
        return refuse("is a folder; give the name of a file");
    }
    let same = fs::canonicalize(out)
        .ok()
        .zip(fs::canonicalize(model).ok())
        .is_some_and(|(out, model)| out == model || out.starts_with(&model));
    if same {
        return refuse("is the model itself; give another name");
    }
    Ok(())
}

fn ask<T: DeserializeOwned>(arguments: &[OsString]) -> Result<T, LaunchError> {
    let answer = Answer::to(arguments.iter().map(OsString::as_os_str), PATIENCE)?;
    if answer.status.success() {
        return answer.document();
    }
    match answer.status.code() {
        Some(WRONG_INPUT) => Err(LaunchError::Unreadable {
            reason: answer.words(),
        }),
        Some(FAILED) => Err(LaunchError::Failed {
            reason: answer.words(),
        }),
        _ => Err(answer.failure()),
    }
}
