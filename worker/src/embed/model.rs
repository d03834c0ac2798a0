//! Models of every form that can be evaluated: what they are, told cheaply, and the model itself, loaded when needed.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use facetui::{
    config::{ChannelOrder, Scaling, WrongSize},
    run::{BareWeights, ModelInfo, ModelInput, Preprocessing},
    untrusted::visible_path,
};
use thiserror::Error;

use super::{Embedder, Engine, Input};
use crate::{
    model::{
        backbone::input_size,
        device::{DeviceError, NamedDevice},
        embedding_network::EmbeddingNetwork,
        onnx::{OnnxError, OnnxModel},
        onnx_file,
        parameters::{NamedTensors, WeightsError},
        weights::{self, DescribeError, Description},
    },
    train::checkpoint::{Checkpoint, CheckpointError, Manifest},
};

/// What precedes the backbone's names in a checkpoint.
const BACKBONE: &str = "backbone.";
/// The device that ONNX models run on.
const ONNX_DEVICE: &str = "ONNX Runtime (CPU)";

/// Why a model can't be used.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The file can't be read.
    #[error("can't read the model {}: {source}", visible_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is of no known form.
    #[error(
        "{} is no model that is known: give a run, a checkpoint folder, a .safetensors file, a PyTorch state dict or an ONNX model",
        visible_path(path)
    )]
    UnknownForm {
        /// The file.
        path: PathBuf,
    },
    /// An option is for models of another form.
    #[error("{}: {reason}", visible_path(path))]
    Option {
        /// The model.
        path: PathBuf,
        /// Which option, and why it doesn't apply.
        reason: String,
    },
    /// A checkpoint can't be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file of weights can't be used.
    #[error(transparent)]
    Describe(#[from] DescribeError),
    /// The weights don't make the network they are said to be of.
    #[error("{}: {source}", visible_path(path))]
    Weights {
        /// The model.
        path: PathBuf,
        /// Which tensor.
        source: WeightsError,
    },
    /// An ONNX model can't be used.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The device isn't there.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A model that is known, but not loaded.
#[derive(Debug)]
pub struct ModelFile {
    path: PathBuf,
    form: Form,
    /// Hash of its content.
    pub content: String,
    /// Its name, as figures show it.
    pub name: String,
    /// The optimiser step it was taken at.
    pub step: Option<u64>,
}

#[derive(Debug)]
enum Form {
    Checkpoint(Box<Manifest>),
    Safetensors(Box<Description>),
    Pytorch,
    Onnx,
}

impl ModelFile {
    /// Looks what a checkpoint folder or a file is, without loading the model.
    ///
    /// # Errors
    /// It can't be read, is of no known form, or bare weights don't say enough of themselves.
    pub fn open(path: &Path, bare: &BareWeights) -> Result<Self, ModelError> {
        let form = if path.is_dir() {
            Form::Checkpoint(Box::new(Manifest::read(path)?))
        } else {
            form_of(path, bare)?
        };
        let wants_nothing = matches!(form, Form::Checkpoint(_) | Form::Onnx);
        if wants_nothing && *bare != BareWeights::default() {
            return Err(ModelError::Option {
                path: path.to_owned(),
                reason:
                    "--flatten and --epsilon are for bare weights; this model knows them itself"
                        .to_owned(),
            });
        }
        let content = content(path, &form, bare).map_err(|source| ModelError::Read {
            path: path.to_owned(),
            source,
        })?;
        let step = match &form {
            Form::Checkpoint(manifest) => Some(manifest.step),
            _ => None,
        };
        Ok(Self {
            name: name_of(path),
            path: path.to_owned(),
            form,
            content,
            step,
        })
    }

    /// Whether ONNX Runtime computes it.
    pub fn is_onnx(&self) -> bool {
        matches!(self.form, Form::Onnx)
    }

    /// The preprocessing with the model's own description filled in, as far as that can be told cheaply: a crop stays
    /// open where the whole model would have to be read for it.
    pub fn resolved(&self, asked: &Preprocessing) -> Preprocessing {
        let (channels, scaling, crop) = match &self.form {
            Form::Checkpoint(manifest) => (
                manifest.input.channels,
                Scaling::default(),
                Some(manifest.input.crop),
            ),
            Form::Safetensors(description) => (
                description.input.channels,
                description.scaling,
                Some(description.input.crop),
            ),
            Form::Pytorch => (ChannelOrder::Rgb, Scaling::ARCFACE_TORCH, None),
            Form::Onnx => (ChannelOrder::Bgr, Scaling::default(), None),
        };
        Preprocessing {
            channels: asked.channels.or(Some(channels)),
            scaling: asked.scaling.or(Some(scaling)),
            crop: asked.crop.or(crop),
            ..asked.clone()
        }
    }

    /// Loads the model; `device` is opened only where the model runs on one.
    ///
    /// # Errors
    /// A file is damaged or doesn't fit, or the device isn't there.
    pub fn load(
        &self,
        asked: &Preprocessing,
        bare: &BareWeights,
        device: impl FnOnce() -> Result<NamedDevice, DeviceError>,
    ) -> Result<Embedder, ModelError> {
        let asked = self.resolved(asked);
        let channels = asked.channels.unwrap_or(ChannelOrder::Bgr);
        let scaling = asked.scaling.unwrap_or_default();
        let wrong_size = match &self.form {
            Form::Checkpoint(manifest) => manifest.input.wrong_size,
            _ => WrongSize::default(),
        };
        let (engine, crop, device) = if self.is_onnx() {
            let model = OnnxModel::open(&self.path, asked.crop)?;
            let crop = model.input().crop;
            (Engine::Onnx(Box::new(model)), crop, ONNX_DEVICE.to_owned())
        } else {
            let (tensors, prefix, description) = self.tensors(bare)?;
            let device = device()?;
            let crop = asked.crop.unwrap_or(description.input.crop);
            let network =
                EmbeddingNetwork::new(&tensors, prefix, &description.network, crop, &device.device);
            let network = network.map_err(|source| ModelError::Weights {
                path: self.path.clone(),
                source,
            })?;
            (Engine::Network(Box::new(network)), crop, device.name)
        };
        Ok(Embedder {
            engine,
            input: Input {
                crop,
                channels,
                wrong_size,
                scaling,
            },
            device,
            model: self.name.clone(),
            step: self.step,
        })
    }

    /// The weights of a network, what precedes the backbone's names, and what it is.
    fn tensors(
        &self,
        bare: &BareWeights,
    ) -> Result<(NamedTensors, &'static str, Description), ModelError> {
        let described = match &self.form {
            Form::Checkpoint(_) => {
                let Checkpoint {
                    manifest,
                    weights,
                    average,
                    ..
                } = Checkpoint::read(&self.path)?;
                // As they were validated.
                let weights = average.unwrap_or(weights);
                return Ok((weights, BACKBONE, manifest.description()));
            }
            Form::Safetensors(_) => weights::open_safetensors(&self.path, bare)?,
            Form::Pytorch | Form::Onnx => weights::open_pytorch(&self.path, bare)?,
        };
        Ok((described.tensors, described.prefix, described.description))
    }

    /// Everything that can be said of the model.
    ///
    /// # Errors
    /// As [`ModelFile::load`], apart from the device.
    pub fn info(&self, bare: &BareWeights) -> Result<ModelInfo, ModelError> {
        let mut provenance = Vec::new();
        if let Some(step) = self.step {
            provenance.push(("step".to_owned(), step.to_string()));
        }
        let info = |architecture, parameters, embedding, input| ModelInfo {
            path: self.path.clone(),
            form: self.form.name().to_owned(),
            architecture,
            parameters,
            embedding,
            input,
            provenance: Vec::new(),
            content: self.content.clone(),
        };
        let mut info = if self.is_onnx() {
            let model = OnnxModel::open(&self.path, None)?;
            provenance.extend(
                model
                    .notes()
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value)),
            );
            let input = model.input();
            let asked = self.resolved(&Preprocessing::default());
            let graph = onnx_file::summary(&self.path);
            info(
                graph.as_ref().map_or_else(
                    || "ONNX graph".to_owned(),
                    |graph| format!("ONNX graph of {} nodes", graph.nodes),
                ),
                graph.map(|graph| graph.parameters),
                model.embedding(),
                ModelInput {
                    shape: format!("{:?}", input.shape).replace("-1", "any"),
                    crop: input.crop,
                    channels: asked.channels.unwrap_or(ChannelOrder::Bgr),
                    scaling: asked.scaling.unwrap_or_default().to_string(),
                    assumed: true,
                },
            )
        } else {
            let (tensors, prefix, description) = self.tensors(bare)?;
            // Named tensors are checked by making the network of them.
            let flex = burn::tensor::Device::flex();
            let crop = description.input.crop;
            EmbeddingNetwork::new(&tensors, prefix, &description.network, crop, &flex).map_err(
                |source| ModelError::Weights {
                    path: self.path.clone(),
                    source,
                },
            )?;
            let trained = tensors
                .iter()
                .filter(|(name, _)| name.starts_with(prefix) && !name.contains("running_"))
                .map(|(_, tensor)| tensor.values.len() as u64)
                .sum();
            let [height, width] = input_size(crop);
            info(
                description.architecture(),
                Some(trained),
                Some(description.network.embedding),
                ModelInput {
                    shape: format!("[any, 3, {height}, {width}]"),
                    crop,
                    channels: description.input.channels,
                    scaling: description.scaling.to_string(),
                    assumed: matches!(self.form, Form::Pytorch),
                },
            )
        };
        if let Form::Checkpoint(manifest) = &self.form {
            provenance.push(("run".to_owned(), self.name.clone()));
            provenance.push(("stage".to_owned(), manifest.stage.name().to_owned()));
            if let Some(classes) = manifest.classes {
                provenance.push(("classes".to_owned(), classes.to_string()));
            }
            for (set, accuracy) in &manifest.figures {
                provenance.push((format!("accuracy on {set}"), format!("{accuracy:.5}")));
            }
        }
        info.provenance = provenance;
        Ok(info)
    }
}

impl Form {
    fn name(&self) -> &'static str {
        match self {
            Self::Checkpoint(_) => "checkpoint",
            Self::Safetensors(_) => "safetensors",
            Self::Pytorch => "PyTorch state dict",
            Self::Onnx => "ONNX",
        }
    }
}

/// The form of a file, by its content where that says it.
fn form_of(path: &Path, bare: &BareWeights) -> Result<Form, ModelError> {
    let read = |source| ModelError::Read {
        path: path.to_owned(),
        source,
    };
    let mut start = [0; 16];
    let mut file = File::open(path).map_err(read)?;
    let mut length = 0;
    while length < start.len() {
        match file.read(&mut start[length..]).map_err(read)? {
            0 => break,
            more => length += more,
        }
    }
    let start = &start[..length];
    let is_named = |ending: &str| path.extension().is_some_and(|end| end == ending);
    if start.get(8) == Some(&b'{') || is_named("safetensors") {
        let (description, _) = weights::describe_safetensors(path, bare)?;
        return Ok(Form::Safetensors(Box::new(description)));
    }
    // An archive, or a pickle as torch.save wrote it before archives.
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"\x80\x02\x8a\x0a") {
        return Ok(Form::Pytorch);
    }
    if is_named("onnx") {
        return Ok(Form::Onnx);
    }
    Err(ModelError::UnknownForm {
        path: path.to_owned(),
    })
}

/// A hash of what decides a model's embeddings, apart from preprocessing.
///
/// A checkpoint's is that of its manifest, which holds the checksums of its files. Other files are read whole: that
/// takes a tenth of a second, and no time of change can lie.
fn content(path: &Path, form: &Form, bare: &BareWeights) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    match form {
        Form::Checkpoint(_) => {
            hasher.update(b"checkpoint");
            hasher.update(&fs::read(path.join("manifest.json"))?);
        }
        Form::Safetensors(description) => {
            hasher.update(b"safetensors");
            hasher.update(&serde_json::to_vec(description)?);
            hasher.update_reader(File::open(path)?)?;
        }
        Form::Pytorch => {
            hasher.update(b"pytorch");
            hasher.update(&serde_json::to_vec(bare)?);
            hasher.update_reader(File::open(path)?)?;
        }
        Form::Onnx => {
            hasher.update(b"onnx");
            hasher.update_reader(File::open(path)?)?;
            // Large models keep their numbers in files beside them, named after the model.
            for file in data_beside(path)? {
                hasher.update_reader(File::open(file)?)?;
            }
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn data_beside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some((folder, name)) = path.parent().zip(path.file_name()) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let other = entry?.path();
        let begins_so = other.file_name().is_some_and(|other| {
            let (other, name) = (other.as_encoded_bytes(), name.as_encoded_bytes());
            other.len() > name.len() && other.starts_with(name)
        });
        if begins_so && other.is_file() {
            files.push(other);
        }
    }
    files.sort();
    Ok(files)
}

/// The run that a checkpoint is of, or the file's or folder's own name where it lies elsewhere.
fn name_of(path: &Path) -> String {
    let run = path
        .ancestors()
        .nth(2)
        .filter(|run| path.is_dir() && run.join("status.json").is_file());
    let named = run.unwrap_or(path).file_name().unwrap_or_default();
    named.to_string_lossy().into_owned()
}
