//! Checkpoints: folders that appear whole or not at all.
//!
//! `checkpoints/step-00000080_lfw_0.85000/` holds `weights.safetensors`, `optimiser.safetensors` and
//! `manifest.json`, which describes the model and names every file with its length and checksum. A folder is
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
    run::{CheckpointEntry, RunDirectory},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{
    parameters::{NamedTensors, WeightsError, read_safetensors, to_safetensors},
    weights::{DESCRIPTION, Description},
};

const WEIGHTS: &str = "weights.safetensors";
const OPTIMISER: &str = "optimiser.safetensors";
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
    /// Rows of the class weights, where there are any.
    pub classes: Option<usize>,
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
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
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

    /// Writes the checkpoint into `folder`; returns its name.
    ///
    /// # Errors
    /// The disk refuses; nothing but a temporary folder is left then.
    pub fn write(mut self, folder: &Path) -> Result<String, CheckpointError> {
        let name = self.name();
        let target = folder.join(&name);
        let temporary = folder.join(format!(".writing-{name}"));
        remove_folder(&temporary)?;
        fs::create_dir_all(&temporary)
            .map_err(CheckpointError::io("make the folder", &temporary))?;
        // So that the weights say what they are of, wherever they are copied.
        let description = serde_json::to_string(&self.manifest.description());
        let description = description.map_err(|error| CheckpointError::Damaged {
            path: temporary.clone(),
            reason: error.to_string(),
        })?;
        for (file, tensors, note) in [
            (WEIGHTS, &self.weights, Some((DESCRIPTION, description))),
            (OPTIMISER, &self.optimiser, None),
        ] {
            let path = temporary.join(file);
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
            self.manifest.files.insert(file.to_owned(), seal);
        }
        let path = temporary.join(MANIFEST);
        let text = serde_json::to_vec_pretty(&self.manifest).map_err(|error| {
            CheckpointError::Damaged {
                path: path.clone(),
                reason: error.to_string(),
            }
        })?;
        atomic_write(&path, &text).map_err(CheckpointError::io("write", &path))?;
        // The same step again, after a resume: the newer one replaces it.
        remove_folder(&target)?;
        fs::rename(&temporary, &target)
            .and_then(|()| fs::File::open(folder)?.sync_all())
            .map_err(CheckpointError::io("rename into place", &target))?;
        Ok(name)
    }

    /// Reads and verifies the checkpoint in `folder`.
    ///
    /// # Errors
    /// It is not one, or a file has another length or checksum than its manifest says.
    pub fn read(folder: &Path) -> Result<Self, CheckpointError> {
        let manifest = Manifest::read(folder)?;
        let mut tensors = BTreeMap::new();
        for file in [WEIGHTS, OPTIMISER] {
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

/// Deletes all but the newest `keep` checkpoints and the best on each set.
///
/// # Errors
/// One can't be deleted.
pub fn prune(checkpoints: &[CheckpointEntry], keep: usize) -> Result<(), CheckpointError> {
    let mut best: BTreeMap<String, (f64, &Path)> = BTreeMap::new();
    for entry in checkpoints {
        for (set, accuracy) in Manifest::read(&entry.path)?.figures {
            let better = best.get(&set).is_none_or(|(so_far, _)| accuracy > *so_far);
            if better {
                best.insert(set, (accuracy, &entry.path));
            }
        }
    }
    let old = checkpoints.len().saturating_sub(keep.max(1));
    for entry in &checkpoints[..old] {
        if best.values().all(|(_, path)| *path != entry.path) {
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
