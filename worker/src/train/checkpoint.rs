//! Checkpoints: folders that appear whole or not at all.
//!
//! `checkpoints/step-00000080_lfw_0.85000/` holds `weights.safetensors`, `optimiser.safetensors`, with averaged
//! weights `average.safetensors`, and `manifest.json`, which describes the model and names every file with its length and checksum. A folder is
//! written under a temporary name, synced and renamed; one without a manifest is not a checkpoint.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use facetui::{
    atomic::atomic_write,
    config::{InputOptions, NetworkOptions, Scaling, Stage},
    run::{CheckpointEntry, RunDirectory, host},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{
    parameters::{NamedTensors, WeightsError, read_safetensors, to_safetensors},
    weights::{DESCRIPTION, Description},
};

use super::trainer::Trainer;

/// What a folder's name begins with while it is written.
const WRITING: &str = ".writing-";
/// What a folder's name begins with while its successor takes its place.
const REPLACED: &str = ".replaced-";
const WEIGHTS: &str = "weights.safetensors";
const OPTIMISER: &str = "optimiser.safetensors";
const AVERAGE: &str = "average.safetensors";
const MANIFEST: &str = "manifest.json";

/// What a checkpoint is of, and what its files must be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Steps done.
    pub step: u64,
    /// The objective that was trained.
    pub stage: Stage,
    /// The backbone.
    pub network: NetworkOptions,
    /// Its input.
    pub input: InputOptions,
    /// Classes, in the stages that have them.
    pub classes: Option<usize>,
    /// Batches that were left out because their numbers went wrong: batch `step + skipped_batches` comes next.
    #[serde(default)]
    pub skipped_batches: u64,
    /// Mean accuracy by set, of a validation at this very step.
    pub figures: BTreeMap<String, f64>,
    /// The files, by name.
    pub files: BTreeMap<String, FileSeal>,
}

/// Length and checksum of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSeal {
    /// Its length.
    pub bytes: u64,
    /// Its CRC-32C.
    pub crc32c: u32,
}

/// Everything a checkpoint holds, on the host.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The description; its seals are made on writing.
    pub manifest: Manifest,
    /// The network's tensors.
    pub weights: NamedTensors,
    /// The optimiser's velocities.
    pub optimiser: NamedTensors,
    /// The averaged weights, where the recipe asks for them.
    pub average: Option<NamedTensors>,
}

/// Why a checkpoint can't be read or written.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The system refused.
    #[error("checkpoint {path}: can't {doing}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The disk has no room for it.
    #[error(
        "checkpoint {path} needs {needed_bytes} bytes and the disk has {free_bytes} free; make room, or lower keep_checkpoints"
    )]
    NoRoom {
        /// The folder.
        path: PathBuf,
        /// What the checkpoint takes.
        needed_bytes: u64,
        /// What is free.
        free_bytes: u64,
    },
    /// A file is damaged or the manifest makes no sense.
    #[error("checkpoint {path} is damaged: {reason}; use an older one")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The tensors can't be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

impl CheckpointError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            path,
            doing,
            source,
        }
    }
}

impl Checkpoint {
    /// The folder's name: the step, and the figures of the validation at that step.
    pub fn name(&self) -> String {
        let mut name = format!("step-{:08}", self.manifest.step);
        for (set, accuracy) in &self.manifest.figures {
            // Writing to a string can't fail.
            let _ = write!(name, "_{set}_{accuracy:.5}");
        }
        name
    }

    /// The weights that embed: the averaged ones where there are any, as they were validated.
    pub fn embedding_weights(&self) -> &NamedTensors {
        self.average.as_ref().unwrap_or(&self.weights)
    }

    /// Puts a training where the checkpoint was made.
    ///
    /// # Errors
    /// A tensor is missing or has another shape.
    pub fn restore(&self, trainer: &mut Trainer) -> Result<(), CheckpointError> {
        trainer.restore(&self.weights, &self.optimiser, self.average.as_ref())?;
        Ok(())
    }

    /// Its files and their tensors.
    fn files(&self) -> impl Iterator<Item = (&'static str, &NamedTensors)> {
        [(WEIGHTS, &self.weights), (OPTIMISER, &self.optimiser)]
            .into_iter()
            .chain(self.average.as_ref().map(|average| (AVERAGE, average)))
    }

    /// Writes the checkpoint into `folder`; returns its name.
    ///
    /// # Errors
    /// The disk refuses or has no room; nothing is left then.
    pub fn write(mut self, folder: &Path) -> Result<String, CheckpointError> {
        let name = self.name();
        let target = folder.join(&name);
        let temporary = folder.join(format!("{WRITING}{name}"));
        let replaced = folder.join(format!("{REPLACED}{name}"));
        fs::create_dir_all(folder).map_err(CheckpointError::io("make the folder", folder))?;
        self.check_room(folder)?;
        remove_folder(&temporary)?;
        let written = self.fill(&temporary).and_then(|()| {
            // The same step again, after a resume: the newer one replaces it.
            if target.exists() {
                fs::rename(&target, &replaced)
                    .map_err(CheckpointError::io("move aside", &target))?;
            }
            fs::rename(&temporary, &target)
                .and_then(|()| fs::File::open(folder)?.sync_all())
                .map_err(CheckpointError::io("rename into place", &target))?;
            remove_folder(&replaced)
        });
        if written.is_err() {
            // On a full disk the half-written folder would take what little room there is.
            let _ = fs::remove_dir_all(&temporary);
        }
        written.map(|()| name)
    }

    /// Writes all files into a new folder, the manifest last.
    fn fill(&mut self, folder: &Path) -> Result<(), CheckpointError> {
        fs::create_dir(folder).map_err(CheckpointError::io("make the folder", folder))?;
        // So that the weights say what they are of, wherever they are copied.
        let description = serde_json::to_string(&self.manifest.description());
        let description = description.map_err(|error| CheckpointError::Damaged {
            path: folder.to_owned(),
            reason: error.to_string(),
        })?;
        let mut seals = BTreeMap::new();
        for (file, tensors) in self.files() {
            let path = folder.join(file);
            let note = (file != OPTIMISER).then(|| (DESCRIPTION, description.clone()));
            let bytes =
                to_safetensors(tensors, note).map_err(|error| CheckpointError::Damaged {
                    path: path.clone(),
                    reason: error.to_string(),
                })?;
            atomic_write(&path, &bytes).map_err(CheckpointError::io("write", &path))?;
            let seal = FileSeal {
                bytes: bytes.len() as u64,
                crc32c: crc32c::crc32c(&bytes),
            };
            seals.insert(file.to_owned(), seal);
        }
        self.manifest.files = seals;
        let path = folder.join(MANIFEST);
        let text = serde_json::to_vec_pretty(&self.manifest).map_err(|error| {
            CheckpointError::Damaged {
                path: path.clone(),
                reason: error.to_string(),
            }
        })?;
        atomic_write(&path, &text).map_err(CheckpointError::io("write", &path))
    }

    /// Looks whether the disk has room, before anything is written.
    fn check_room(&self, folder: &Path) -> Result<(), CheckpointError> {
        // Names, shapes and the manifest come on top of the values.
        const REST: u64 = 1 << 20;
        let values: usize = self
            .files()
            .flat_map(|(_, tensors)| tensors.values())
            .map(|tensor| tensor.values.len())
            .sum();
        let needed_bytes = 4 * values as u64 + REST;
        match host::free_bytes(folder) {
            Some(free_bytes) if free_bytes < needed_bytes => Err(CheckpointError::NoRoom {
                path: folder.to_owned(),
                needed_bytes,
                free_bytes,
            }),
            // A file system that doesn't tell is tried.
            _ => Ok(()),
        }
    }

    /// Reads and verifies the checkpoint in `folder`.
    ///
    /// # Errors
    /// It is not one, or a file has another length or checksum than its manifest says.
    pub fn read(folder: &Path) -> Result<Self, CheckpointError> {
        let manifest = Manifest::read(folder)?;
        let mut tensors = BTreeMap::new();
        let average = manifest.files.contains_key(AVERAGE).then_some(AVERAGE);
        for file in [WEIGHTS, OPTIMISER].into_iter().chain(average) {
            let path = folder.join(file);
            let bytes = fs::read(&path).map_err(CheckpointError::io("read", &path))?;
            let found = FileSeal {
                bytes: bytes.len() as u64,
                crc32c: crc32c::crc32c(&bytes),
            };
            if manifest.files.get(file) != Some(&found) {
                return Err(CheckpointError::Damaged {
                    path,
                    reason: "its length or checksum isn't the manifest's".to_owned(),
                });
            }
            tensors.insert(file, read_safetensors(&path)?);
        }
        Ok(Self {
            manifest,
            weights: tensors.remove(WEIGHTS).unwrap_or_default(),
            optimiser: tensors.remove(OPTIMISER).unwrap_or_default(),
            average: tensors.remove(AVERAGE),
        })
    }
}

impl Manifest {
    /// What the weights are of.
    pub fn description(&self) -> Description {
        Description {
            network: self.network.clone(),
            input: self.input.clone(),
            scaling: Scaling::default(),
            provenance: BTreeMap::new(),
        }
    }

    /// Reads the description alone.
    ///
    /// # Errors
    /// There is none, or it makes no sense.
    pub fn read(folder: &Path) -> Result<Self, CheckpointError> {
        let path = folder.join(MANIFEST);
        let bytes = fs::read(&path).map_err(CheckpointError::io("read", &path))?;
        serde_json::from_slice(&bytes).map_err(|error| CheckpointError::Damaged {
            path,
            reason: error.to_string(),
        })
    }
}

/// The newest checkpoint that can be read, with a message for each newer one that can't.
///
/// # Errors
/// The folder can't be listed.
pub fn newest(
    run: &RunDirectory,
) -> Result<(Option<Checkpoint>, Vec<String>), facetui::run::RunError> {
    let mut broken = Vec::new();
    for entry in run.checkpoints()?.into_iter().rev() {
        match Checkpoint::read(&entry.path) {
            Ok(checkpoint) => return Ok((Some(checkpoint), broken)),
            Err(error) => broken.push(error.to_string()),
        }
    }
    Ok((None, broken))
}

/// The best accuracy by set among the checkpoints up to a step.
pub fn best_figures(checkpoints: &[CheckpointEntry], up_to: u64) -> BTreeMap<String, f64> {
    let mut best: BTreeMap<String, f64> = BTreeMap::new();
    for entry in checkpoints.iter().filter(|entry| entry.step <= up_to) {
        // A damaged one tells nothing.
        let figures = Manifest::read(&entry.path).map_or_else(|_| BTreeMap::new(), |of| of.figures);
        for (set, accuracy) in figures {
            let so_far = best.entry(set).or_insert(accuracy);
            *so_far = so_far.max(accuracy);
        }
    }
    best
}

/// Deletes what a worker that was killed left half-done; the caller holds the run's lock.
///
/// # Errors
/// The folder can't be listed, or something can't be deleted.
pub fn sweep(folder: &Path) -> Result<(), CheckpointError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(CheckpointError::io("list", folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(CheckpointError::io("list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(WRITING) || name.starts_with(REPLACED) {
            remove_folder(&entry.path())?;
        }
    }
    Ok(())
}

/// Which checkpoints stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// How many of the newest.
    pub newest: usize,
    /// Those at a multiple of so many steps; 0 for none.
    pub every: u64,
}

/// Deletes what is neither among the newest, nor at a step that stays, nor the best on a set.
///
/// # Errors
/// One can't be deleted.
pub fn prune(checkpoints: &[CheckpointEntry], keep: Keep) -> Result<(), CheckpointError> {
    let mut best: BTreeMap<String, (f64, &Path)> = BTreeMap::new();
    for entry in checkpoints {
        // A damaged one is no reason to keep all others.
        let figures = Manifest::read(&entry.path).map_or_else(|_| BTreeMap::new(), |of| of.figures);
        for (set, accuracy) in figures {
            let better = best.get(&set).is_none_or(|(so_far, _)| accuracy > *so_far);
            if better {
                best.insert(set, (accuracy, &entry.path));
            }
        }
    }
    let old = checkpoints.len().saturating_sub(keep.newest.max(1));
    for entry in &checkpoints[..old] {
        let stays = keep.every > 0 && entry.step.is_multiple_of(keep.every);
        if !stays && best.values().all(|(_, path)| *path != entry.path) {
            remove_folder(&entry.path)?;
        }
    }
    Ok(())
}

fn remove_folder(path: &Path) -> Result<(), CheckpointError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(CheckpointError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
