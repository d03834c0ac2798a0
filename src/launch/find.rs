//! Finds runs and models by what people type.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::Deserialize;

use super::{LaunchError, model::info_of};
use crate::{
    config::{InputOptions, NetworkOptions, Recipe},
    run::{BareWeights, CheckpointEntry, RunDirectory},
    untrusted::visible,
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

/// Which of a run's checkpoints is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CheckpointChoice {
    /// That of the highest step.
    #[default]
    Newest,
    /// That with the highest mean accuracy over its validation sets; of equals the newest.
    Best,
    /// That of a step.
    Step(u64),
}

impl FromStr for CheckpointChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "newest" => Ok(Self::Newest),
            "best" => Ok(Self::Best),
            step => step
                .parse()
                .map(Self::Step)
                .map_err(|_| "give newest, best or a step".to_owned()),
        }
    }
}

/// The model that is meant by a file, the prefix of a TensorFlow checkpoint, a checkpoint folder or a run.
///
/// # Errors
/// There is none.
pub fn model(
    runs_root: &Path,
    text: &Path,
    choice: CheckpointChoice,
) -> Result<PathBuf, LaunchError> {
    let index = tensorflow_index(text);
    let text = index.as_deref().unwrap_or(text);
    if !text.is_file() {
        return checkpoint(runs_root, text, choice);
    }
    if choice != CheckpointChoice::Newest {
        return Err(model_error(
            text,
            "is a file; only a run has checkpoints to choose from",
        ));
    }
    std::path::absolute(text).map_err(|error| model_error(text, error.to_string()))
}

/// The index of the TensorFlow checkpoint that is meant by any of its files, by what their names begin with, or by a
/// folder with one such checkpoint alone.
fn tensorflow_index(text: &Path) -> Option<PathBuf> {
    const INDEX: &str = ".index";
    if text.is_dir() {
        let entries = fs::read_dir(text).ok()?.filter_map(Result::ok);
        let mut indexes = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "index") && path.is_file());
        return indexes.next().filter(|_| indexes.next().is_none());
    }
    let name = text.file_name()?.to_str()?;
    let stem = [INDEX, ".meta"]
        .into_iter()
        .find_map(|end| name.strip_suffix(end))
        .or_else(|| {
            let (stem, shard) = name.rsplit_once(".data-")?;
            shard.contains("-of-").then_some(stem)
        });
    // Any other file is what it is.
    let stem = stem.or((!text.exists()).then_some(name))?;
    let index = text.with_file_name(format!("{stem}{INDEX}"));
    index.is_file().then_some(index)
}

/// The checkpoint folder that is meant by a folder, or by a run and a choice.
///
/// # Errors
/// There is none.
pub fn checkpoint(
    runs_root: &Path,
    text: &Path,
    choice: CheckpointChoice,
) -> Result<PathBuf, LaunchError> {
    if text.join("manifest.json").is_file() {
        return std::path::absolute(text).map_err(|error| model_error(text, error.to_string()));
    }
    let Ok(run) = run(runs_root, text) else {
        let reason = "is neither a run, nor a checkpoint folder (one with manifest.json), nor a file; `facetui runs` lists the runs";
        return Err(model_error(text, reason));
    };
    let mut checkpoints = run.checkpoints()?;
    if checkpoints.is_empty() {
        let reason = "has no checkpoint yet; `facetui checkpoint` asks a running run for one";
        return Err(model_error(run.path(), reason));
    }
    let chosen = match choice {
        CheckpointChoice::Newest => checkpoints.pop(),
        CheckpointChoice::Best => best(&run, &checkpoints)?,
        CheckpointChoice::Step(step) => checkpoints.iter().rfind(|one| one.step == step).cloned(),
    };
    let chosen = chosen.ok_or_else(|| {
        let names: Vec<String> = checkpoints.iter().map(|one| visible(&one.name)).collect();
        let reason = format!(
            "has no checkpoint of that step; it has {}",
            names.join(", ")
        );
        model_error(run.path(), reason)
    })?;
    std::path::absolute(&chosen.path).map_err(|error| model_error(&chosen.path, error.to_string()))
}

/// The checkpoint with the highest mean accuracy; those that were not validated don't compete.
fn best(
    run: &RunDirectory,
    checkpoints: &[CheckpointEntry],
) -> Result<Option<CheckpointEntry>, LaunchError> {
    let mut best = None;
    for entry in checkpoints {
        let figures = Model::read(&entry.path)?.figures;
        let mean = figures.values().sum::<f64>() / figures.len() as f64;
        if !figures.is_empty() && best.as_ref().is_none_or(|(highest, _)| mean >= *highest) {
            best = Some((mean, entry.clone()));
        }
    }
    if best.is_none() {
        let reason =
            "has no checkpoint that was validated, so that none is the best; give newest or a step";
        return Err(model_error(run.path(), reason));
    }
    Ok(best.map(|(_, entry)| entry))
}

/// Looks whether a recipe can start from a checkpoint folder or a file: the network must be of the same shape.
///
/// # Errors
/// The model can't be read, has no weights of its own, or which options differ.
pub fn check_start(recipe: &Recipe, model: &Path) -> Result<(), LaunchError> {
    let (network, crop) = if model.is_dir() {
        let manifest = Model::read(model)?;
        (manifest.network, manifest.input.crop)
    } else {
        let info = info_of(model, BareWeights::default())?;
        let network = info.network.ok_or_else(|| {
            let reason = "is an ONNX graph, which can be evaluated and not trained; give a checkpoint or weights";
            model_error(model, reason)
        })?;
        (network, info.input.crop)
    };
    let (ours, theirs) = (&recipe.network, &network);
    let mut differences = Vec::new();
    let mut compare = |key: &str, ours: String, theirs: String| {
        if ours != theirs {
            differences.push(format!("{key} = {theirs} (the recipe has {ours})"));
        }
    };
    compare(
        "network.architecture",
        word(&ours.architecture),
        word(&theirs.architecture),
    );
    compare(
        "network.squeeze_excitation",
        ours.squeeze_excitation.to_string(),
        theirs.squeeze_excitation.to_string(),
    );
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
    compare("input.crop", word(&recipe.input.crop), word(&crop));
    if differences.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "was trained with {}; make them the same",
        differences.join(", ")
    );
    Err(model_error(model, reason))
}

/// What a checkpoint's manifest says of its model; the rest of it is the worker's.
#[derive(Debug, Deserialize)]
struct Model {
    network: NetworkOptions,
    input: InputOptions,
    /// Mean accuracy by set, of a validation at the checkpoint's very step.
    #[serde(default)]
    figures: BTreeMap<String, f64>,
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
pub(super) fn word(choice: &impl serde::Serialize) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensorflow_checkpoint_is_found_by_any_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let name = "iter_258000_lfw_0.99133_ytf_0.95900.ckpt";
        let index = place(&format!("{name}.index"));
        for end in ["index", "meta", "data-00000-of-00001"] {
            fs::write(place(&format!("{name}.{end}")), "").unwrap();
        }
        fs::write(place("checkpoint"), "").unwrap();
        for end in [
            "",
            ".index",
            ".meta",
            ".data-00000-of-00001",
            ".data-00001-of-00001",
        ] {
            let found = tensorflow_index(&place(&format!("{name}{end}")));
            assert_eq!(found.as_ref(), Some(&index), "{end}");
        }
        assert_eq!(tensorflow_index(folder.path()), Some(index));
        for other in ["checkpoint", "iter_258000", "nothing.meta", "a.data-b"] {
            assert_eq!(tensorflow_index(&place(other)), None, "{other}");
        }
        // A file of the prefix's own name is that file; a folder with two checkpoints says nothing.
        fs::write(place(name), "").unwrap();
        assert_eq!(tensorflow_index(&place(name)), None);
        fs::write(place("other.index"), "").unwrap();
        assert_eq!(tensorflow_index(folder.path()), None);
    }
}
