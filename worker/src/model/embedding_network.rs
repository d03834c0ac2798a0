//! A backbone that only embeds, of any kind: folded where it can be folded.

use burn::tensor::{Device, Tensor, TensorData};
use facetui::config::{Architecture, Crop, NetworkOptions};

use super::{
    backbone::{Backbone, input_size},
    inference::InferenceNetwork,
    input::in_liked_order,
    parameters::{NamedTensors, WeightsError, load},
};

/// A backbone that only embeds.
#[derive(Debug)]
pub enum EmbeddingNetwork {
    /// An L-ResNet-E-IR with BatchNorm folded into its convolutions.
    Folded(Box<InferenceNetwork>),
    /// Any other, layer by layer.
    Whole {
        /// On a device without automatic differentiation.
        backbone: Box<Backbone>,
        /// Height and width of its input.
        size: [usize; 2],
        /// That device.
        device: Device,
    },
}

impl EmbeddingNetwork {
    /// The network of some weights, whose names begin with `prefix`.
    ///
    /// # Errors
    /// A tensor is missing, of another shape than the options ask for, or not finite.
    pub fn new(
        tensors: &NamedTensors,
        prefix: &str,
        options: &NetworkOptions,
        crop: Crop,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        if is_folded(options) {
            let folded = InferenceNetwork::new(tensors, prefix, options, crop, device)?;
            return Ok(Self::Folded(Box::new(folded)));
        }
        let mut own = NamedTensors::new();
        for (name, tensor) in tensors {
            let Some(rest) = name.strip_prefix(prefix) else {
                continue;
            };
            if let Some(value) = tensor.values.iter().find(|value| !value.is_finite()) {
                return Err(WeightsError::NotFinite {
                    name: name.clone(),
                    value: *value,
                });
            }
            own.insert(rest.to_owned(), tensor.clone());
        }
        let backbone = load(Backbone::new(options, crop, device), &own, |_| true)?;
        Ok(Self::Whole {
            backbone: Box::new(backbone),
            size: input_size(crop),
            device: device.clone(),
        })
    }

    /// Network input `[images, 3, height, width]`, as numbers, to raw embeddings, one after the other.
    pub fn embed(&self, values: Vec<f32>) -> Vec<f32> {
        match self {
            Self::Folded(network) => network.embed(values),
            Self::Whole {
                backbone,
                size,
                device,
            } => {
                let [height, width] = *size;
                let images = values.len() / (3 * height * width);
                let data = TensorData::new(values, [images, 3, height, width]);
                let images = in_liked_order(Tensor::from_data(data, device));
                let output = backbone.forward(images);
                output.into_data().iter::<f32>().collect()
            }
        }
    }
}

/// Whether the folded form knows these networks.
pub fn is_folded(options: &NetworkOptions) -> bool {
    options.architecture == Architecture::LResNet && !options.squeeze_excitation
}
