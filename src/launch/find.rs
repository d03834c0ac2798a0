//! Finds runs and models by what people type.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::LaunchError;
use crate::{
    config::{InputOptions, NetworkOptions, Recipe},
    run::RunDirectory,
};

/// The run of a name under `runs_root`, or at a path.
///
/// # Errors
/// There is none.
pub fn run(runs_root: &Path, text: &Path) -> Result<RunDirectory, LaunchError> {
    // A trailing slash, as completion in a shell leaves it, changes nothing.
    let named = RunDirectory::open(&runs_root.join(text));
    let found = match named {
        Ok(run) => Ok(run),
        Err(error) => RunDirectory::open(text).map_err(|_| error),
    };
    Ok(found?)
}

/// The checkpoint folder that is meant by a folder, or by a run: its newest.
///
/// # Errors
/// There is none.
pub fn checkpoint(runs_root: &Path, text: &Path) -> Result<PathBuf, LaunchError> {
    if text.join("manifest.json").is_file() {
        return std::path::absolute(text).map_err(|error| model_error(text, error.to_string()));
    }
    let Ok(run) = run(runs_root, text) else {
        let reason = "is neither a run nor a checkpoint folder (one with manifest.json); `facetui runs` lists the runs";
        return Err(model_error(text, reason));
    };
    let newest = run.checkpoints()?.pop().ok_or_else(|| {
        let reason = "has no checkpoint yet; `facetui checkpoint` asks a running run for one";
        model_error(run.path(), reason)
    })?;
    std::path::absolute(&newest.path).map_err(|error| model_error(&newest.path, error.to_string()))
}

/// Looks whether a recipe can start from a checkpoint: the network must be of the same shape.
///
/// # Errors
/// The checkpoint can't be read, or which options differ.
pub fn check_start(recipe: &Recipe, checkpoint: &Path) -> Result<(), LaunchError> {
    let model = Model::read(checkpoint)?;
    let (ours, theirs) = (&recipe.network, &model.network);
    let mut differences = Vec::new();
    let mut compare = |key: &str, ours: String, theirs: String| {
        if ours != theirs {
            differences.push(format!("{key} = {theirs} (the recipe has {ours})"));
        }
    };
    compare(
        "network.depth",
        ours.depth.to_string(),
        theirs.depth.to_string(),
    );
    compare(
        "network.embedding",
        ours.embedding.to_string(),
        theirs.embedding.to_string(),
    );
    compare(
        "network.shortcut",
        word(&ours.shortcut),
        word(&theirs.shortcut),
    );
    compare(
        "network.flatten",
        word(&ours.flatten),
        word(&theirs.flatten),
    );
    compare(
        "input.crop",
        word(&recipe.input.crop),
        word(&model.input.crop),
    );
    if differences.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "was trained with {}; make them the same",
        differences.join(", ")
    );
    Err(model_error(checkpoint, reason))
}

/// What a checkpoint's manifest says of its model; the rest of it is the worker's.
#[derive(Debug, Deserialize)]
struct Model {
    network: NetworkOptions,
    input: InputOptions,
}

impl Model {
    fn read(checkpoint: &Path) -> Result<Self, LaunchError> {
        let path = checkpoint.join("manifest.json");
        let broken = |reason: String| {
            model_error(
                &path,
                format!("isn't a checkpoint's manifest: {reason}; use another checkpoint"),
            )
        };
        let bytes = fs::read(&path).map_err(|error| broken(error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))
    }
}

/// The word by which a recipe names a choice.
fn word(choice: &impl serde::Serialize) -> String {
    // Choices are serialised as their words; anything else would differ from itself in no way.
    serde_json::to_value(choice)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn model_error(path: &Path, reason: impl Into<String>) -> LaunchError {
    LaunchError::Model {
        path: path.to_owned(),
        reason: reason.into(),
    }
}
