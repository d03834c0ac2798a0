//! A model written in another form, for other programs or as the start of a training.

use std::{io, io::Write as _, path::PathBuf};

use burn::tensor::Device;
use facetui::{
    atomic::atomic_write_with,
    config::{ChannelOrder, Scaling},
    run::{BareWeights, ModelFormat, ModelWritten},
};

use super::model::{ModelError, ModelFile};
use crate::model::{
    embedding_network::EmbeddingNetwork,
    onnx_export::to_onnx,
    parameters::{NamedTensors, to_safetensors},
    pytorch_writer,
    weights::{
        BACKBONE, CLASS_WEIGHTS, DESCRIPTION, DescribedWeights, Description, Parts, to_iresnet,
    },
};

/// What is to be written.
#[derive(Debug, Clone)]
pub struct WriteOrder {
    /// The file.
    pub out: PathBuf,
    /// Its form.
    pub format: ModelFormat,
    /// The order of the colour planes, if not the model's own.
    pub channels: Option<ChannelOrder>,
    /// How a byte becomes a number, if not as the model says.
    pub scaling: Option<Scaling>,
    /// Which tensors; class weights are for safetensors alone.
    pub parts: Parts,
}

/// Writes a model in another form, with a description of what it is and where it comes from.
///
/// # Errors
/// The model can't be read, is no weights, can't be written in that form, or the disk refuses.
pub fn write(
    model: &ModelFile,
    bare: &BareWeights,
    order: &WriteOrder,
) -> Result<ModelWritten, ModelError> {
    let mut weights = model.weights(bare, order.parts)?;
    let crop = weights.description.input.crop;
    // Made in any case: so names, shapes and numbers are checked.
    let network = model.network(&weights, crop, &Device::flex())?;
    let description = &mut weights.description;
    if let Some(channels) = order.channels {
        description.input.channels = channels;
    }
    if let Some(scaling) = order.scaling {
        description.scaling = scaling;
    }
    let mut provenance = model.provenance();
    provenance.push(("model".to_owned(), model.name.clone()));
    provenance.push(("content".to_owned(), model.content.clone()));
    description.provenance = provenance.into_iter().collect();

    let mut notes = Vec::new();
    let written = match order.format {
        ModelFormat::Safetensors => {
            let (tensors, description) = named(weights, order.parts);
            let text = text(order, &description)?;
            let bytes = to_safetensors(&tensors, Some((DESCRIPTION, text)));
            save(order, &bytes.map_err(|error| unwritable(order, error))?)?;
            description
        }
        ModelFormat::Onnx => {
            let EmbeddingNetwork::Folded(network) = &network else {
                return Err(ModelError::Option {
                    path: model.path.clone(),
                    reason: format!(
                        "{} can't be written as ONNX, which is done for plain L-ResNet-E-IR alone; --format safetensors takes any",
                        weights.description.architecture()
                    ),
                });
            };
            let bytes = to_onnx(network, &weights.description);
            save(order, &bytes.map_err(|error| unwritable(order, error))?)?;
            notes.push(preprocessing(&weights.description));
            weights.description
        }
        ModelFormat::Pytorch => {
            let iresnet = to_iresnet(weights).map_err(|reason| ModelError::Option {
                path: model.path.clone(),
                reason,
            })?;
            let text = text(order, &iresnet.description)?;
            atomic_write_with(&order.out, |file| {
                pytorch_writer::write(&mut *file, &iresnet.state, (DESCRIPTION, &text))?;
                file.flush()
            })
            .map_err(|source| refused(order, source))?;
            notes.push(format!("loads into {}", iresnet.loads_into));
            notes.push(preprocessing(&iresnet.description));
            iresnet.description
        }
    };
    let file = std::fs::metadata(&order.out).map_err(|source| refused(order, source))?;
    Ok(ModelWritten {
        path: order.out.clone(),
        format: order.format,
        bytes: file.len(),
        architecture: written.architecture(),
        notes,
    })
}

/// The tensors as they are written: a backbone alone without a prefix, one with class weights as in a checkpoint.
fn named(weights: DescribedWeights, parts: Parts) -> (NamedTensors, Description) {
    let DescribedWeights {
        description,
        tensors,
        prefix,
        ..
    } = weights;
    let before = match parts {
        Parts::Backbone => "",
        Parts::WithClassWeights => BACKBONE,
    };
    let tensors = tensors
        .into_iter()
        .filter_map(|(name, tensor)| {
            let name = if name == CLASS_WEIGHTS {
                (parts == Parts::WithClassWeights).then_some(name)?
            } else {
                format!("{before}{}", name.strip_prefix(prefix)?)
            };
            Some((name, tensor))
        })
        .collect();
    (tensors, description)
}

/// What whoever embeds with the file should do first; in a state dict only facetui reads it from the file.
fn preprocessing(description: &Description) -> String {
    format!(
        "takes aligned faces of {}, {}, {}",
        description.input.crop, description.input.channels, description.scaling
    )
}

fn text(order: &WriteOrder, description: &Description) -> Result<String, ModelError> {
    serde_json::to_string(description).map_err(|error| unwritable(order, error))
}

fn save(order: &WriteOrder, bytes: &[u8]) -> Result<(), ModelError> {
    atomic_write_with(&order.out, |file| file.write_all(bytes))
        .map_err(|source| refused(order, source))
}

fn unwritable(
    order: &WriteOrder,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> ModelError {
    refused(order, io::Error::other(error))
}

fn refused(order: &WriteOrder, source: io::Error) -> ModelError {
    ModelError::Write {
        path: order.out.clone(),
        source,
    }
}
