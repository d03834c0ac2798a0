//! Models of every form that can be evaluated: what they are, told cheaply, and the model itself, loaded when needed.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use facetui::{
    config::{ChannelOrder, Crop, Scaling, WrongSize},
    run::{BareWeights, Preprocessing},
    untrusted::visible_path,
};
use thiserror::Error;

use super::{Embedder, Engine, Input};
use crate::{
    model::{
        device::{DeviceError, NamedDevice},
        embedding_network::EmbeddingNetwork,
        onnx::{OnnxError, OnnxModel},
        onnx_file,
        parameters::WeightsError,
        weights::{
            self, BACKBONE, DESCRIPTION, DescribeError, DescribedWeights, Description, Parts,
        },
    },
    train::checkpoint::{Checkpoint, CheckpointError, Manifest},
};

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
        "{} is no model that is known: give a run, a checkpoint folder, a .safetensors file, a PyTorch state dict, a TensorFlow checkpoint (its .index) or an ONNX model",
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
    /// A model can't be written.
    #[error("can't write {}: {source}", visible_path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
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

impl ModelError {
    /// Whether another model or option would help; else the disk would.
    pub fn is_wrong_input(&self) -> bool {
        !matches!(self, Self::Write { .. })
    }
}

/// A model that is known, but not loaded.
#[derive(Debug)]
pub struct ModelFile {
    pub(super) path: PathBuf,
    pub(super) form: Form,
    /// Hash of its content.
    pub content: String,
    /// Its name, as figures show it.
    pub name: String,
    /// The optimiser step it was taken at.
    pub step: Option<u64>,
}

/// What a model is stored as.
#[derive(Debug)]
pub(super) enum Form {
    Checkpoint(Box<Manifest>),
    Safetensors(Box<Description>),
    /// With what it says of itself, where facetui wrote it.
    Pytorch(Option<Box<Description>>),
    Tensorflow(Box<Description>),
    /// With what it says of itself, where facetui wrote it.
    Onnx(Option<Box<Description>>),
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
        let wants_nothing = matches!(form, Form::Checkpoint(_) | Form::Onnx(_));
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
        matches!(self.form, Form::Onnx(_))
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
            Form::Safetensors(description)
            | Form::Tensorflow(description)
            | Form::Pytorch(Some(description))
            | Form::Onnx(Some(description)) => (
                description.input.channels,
                description.scaling,
                Some(description.input.crop),
            ),
            Form::Pytorch(None) => (ChannelOrder::Rgb, Scaling::ARCFACE_TORCH, None),
            Form::Onnx(None) => (ChannelOrder::Bgr, Scaling::default(), None),
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
            let weights = self.weights(bare, Parts::Backbone)?;
            let device = device()?;
            let crop = asked.crop.unwrap_or(weights.description.input.crop);
            let network = self.network(&weights, crop, &device.device)?;
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

    /// The model's weights, as they embed, with what they are of; class weights only where they are asked for.
    ///
    /// # Errors
    /// A file is damaged, or none of weights.
    pub fn weights(
        &self,
        bare: &BareWeights,
        parts: Parts,
    ) -> Result<DescribedWeights, ModelError> {
        match &self.form {
            Form::Checkpoint(_) => {
                let Checkpoint {
                    manifest,
                    weights,
                    average,
                    ..
                } = Checkpoint::read(&self.path)?;
                Ok(DescribedWeights {
                    description: manifest.description(),
                    // As they were validated.
                    tensors: average.unwrap_or(weights),
                    prefix: BACKBONE,
                    theirs: BTreeMap::new(),
                })
            }
            Form::Safetensors(_) => Ok(weights::open_safetensors(&self.path, bare)?),
            Form::Pytorch(_) => Ok(weights::open_pytorch(&self.path, bare)?),
            Form::Tensorflow(_) => Ok(weights::open_tensorflow(&self.path, bare, parts)?),
            Form::Onnx(_) => Err(ModelError::Option {
                path: self.path.clone(),
                reason: "an ONNX graph is a program, not the weights of a network: it can be evaluated as it is, and neither trained nor written in another form".to_owned(),
            }),
        }
    }

    /// The network of weights of this model, which checks their names, shapes and numbers.
    ///
    /// # Errors
    /// Which tensor doesn't fit.
    pub fn network(
        &self,
        weights: &DescribedWeights,
        crop: Crop,
        device: &Device,
    ) -> Result<EmbeddingNetwork, ModelError> {
        let options = &weights.description.network;
        EmbeddingNetwork::new(&weights.tensors, weights.prefix, options, crop, device).map_err(
            |source| ModelError::Weights {
                path: self.path.clone(),
                source: weights.in_their_words(source),
            },
        )
    }
}

impl Form {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Checkpoint(_) => "checkpoint",
            Self::Safetensors(_) => "safetensors",
            Self::Pytorch(_) => "PyTorch state dict",
            Self::Tensorflow(_) => "TensorFlow checkpoint",
            Self::Onnx(_) => "ONNX",
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
        let own = weights::describe_pytorch(path, bare)?;
        return Ok(Form::Pytorch(own.map(Box::new)));
    }
    if is_named("index") {
        let description = weights::describe_tensorflow(path, bare)?;
        return Ok(Form::Tensorflow(Box::new(description)));
    }
    if is_named("onnx") {
        let own = onnx_file::property(path, DESCRIPTION)
            .map(|text| Description::read(&text, path))
            .transpose()?;
        return Ok(Form::Onnx(own.map(Box::new)));
    }
    Err(ModelError::UnknownForm {
        path: path.to_owned(),
    })
}

/// A hash of what decides a model's embeddings, apart from preprocessing.
///
/// A checkpoint's is that of its manifest, which holds the checksums of its files; TensorFlow's that of the index, which
/// holds the checksum of every tensor. Other files are read whole: that
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
        Form::Pytorch(_) => {
            hasher.update(b"pytorch");
            hasher.update(&serde_json::to_vec(bare)?);
            hasher.update_reader(File::open(path)?)?;
        }
        Form::Tensorflow(_) => {
            hasher.update(b"tensorflow");
            hasher.update(&serde_json::to_vec(bare)?);
            hasher.update_reader(File::open(path)?)?;
        }
        Form::Onnx(_) => {
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
