//! The backbone as it embeds: the same function with fewer steps.
//!
//! A convolution followed by BatchNorm is one convolution with a bias; what follows the last feature map, BatchNorm,
//! matrix and BatchNorm, is one matrix with a bias. (A BatchNorm *before* a zero-padded convolution can't be folded
//! into it: the padding is not normalised. It stays a factor and a sum.) All is folded on the host in 64 bits, so that
//! every engine gets the same numbers.

use burn::tensor::{
    Device, Tensor, TensorData, activation::prelu, module::conv2d, ops::ConvOptions,
};
use facetui::config::{Crop, Flatten, NetworkOptions};

use super::{
    backbone::{Backbone, Plan, UnitPlan, feature_map, input_size, plan},
    embedding_network::is_folded,
    input::in_liked_order,
    layer::subsample,
    parameters::{HostTensor, NamedTensors, WeightsError, names_and_shapes},
};

/// A backbone that only embeds.
#[derive(Debug)]
pub struct InferenceNetwork {
    pub(super) stem: Convolution,
    pub(super) stem_slope: Tensor<1>,
    pub(super) units: Vec<Unit>,
    /// `[features, embedding]`.
    pub(super) dense: Tensor<2>,
    pub(super) dense_bias: Tensor<2>,
    pub(super) flatten: Flatten,
    pub(super) size: [usize; 2],
    pub(super) embedding: usize,
    pub(super) device: Device,
}

impl InferenceNetwork {
    /// The network of some weights, whose names begin with `prefix`.
    ///
    /// # Errors
    /// A tensor is missing, of another shape than the options ask for, or not finite; or the network is of another
    /// architecture.
    pub fn new(
        tensors: &NamedTensors,
        prefix: &str,
        options: &NetworkOptions,
        crop: Crop,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        if !is_folded(options) {
            return Err(WeightsError::NotFolded);
        }
        let host = Host {
            tensors,
            prefix,
            epsilon: options.batch_norm_epsilon,
            device,
        };
        host.check(options, crop)?;
        let Plan { units, output, .. } = plan(options);
        let units = units
            .iter()
            .enumerate()
            .map(|(place, unit)| host.unit(&format!("units.{place}"), unit))
            .collect();
        let (dense, dense_bias) = host.dense(output, feature_map(crop), options);
        Ok(Self {
            stem: host.convolution("stem.convolution", "stem.norm", 1),
            stem_slope: host.vector("stem.slope.alpha"),
            units,
            dense,
            dense_bias,
            flatten: options.flatten,
            size: input_size(crop),
            embedding: options.embedding,
            device: device.clone(),
        })
    }

    /// Numbers in an embedding.
    pub fn embedding(&self) -> usize {
        self.embedding
    }

    /// Network input `[images, 3, height, width]`, as numbers, to raw embeddings, one after the other.
    pub fn embed(&self, values: Vec<f32>) -> Vec<f32> {
        let [height, width] = self.size;
        let images = values.len() / (3 * height * width);
        let data = TensorData::new(values, [images, 3, height, width]);
        let output = self.forward(Tensor::from_data(data, &self.device));
        output.into_data().iter::<f32>().collect()
    }

    /// `[batch, 3, height, width]` to raw embeddings `[batch, embedding]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = in_liked_order(images);
        let mut features = prelu(self.stem.forward(images), self.stem_slope.clone());
        for unit in &self.units {
            features = unit.forward(features);
        }
        let features = match self.flatten {
            Flatten::Chw => features,
            Flatten::Hwc => features.permute([0, 2, 3, 1]),
        };
        features.flatten::<2>(1, 3).matmul(self.dense.clone()) + self.dense_bias.clone()
    }
}

/// A convolution with the BatchNorm that follows it.
#[derive(Debug)]
pub(super) struct Convolution {
    pub weight: Tensor<4>,
    pub bias: Tensor<1>,
    pub stride: usize,
}

impl Convolution {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let padding = self.weight.dims()[2] / 2;
        let options = ConvOptions::new([self.stride; 2], [padding; 2], [1, 1], 1);
        conv2d(input, self.weight.clone(), Some(self.bias.clone()), options)
    }
}

/// A residual unit.
#[derive(Debug)]
pub(super) struct Unit {
    /// `[1, channels, 1, 1]`, of the BatchNorm before the first convolution.
    pub scale: Tensor<4>,
    pub shift: Tensor<4>,
    pub first: Convolution,
    pub slope: Tensor<1>,
    pub second: Convolution,
    pub projection: Option<Convolution>,
}

impl Unit {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let normed = input.clone() * self.scale.clone() + self.shift.clone();
        let features = prelu(self.first.forward(normed), self.slope.clone());
        let features = self.second.forward(features);
        let shortcut = match &self.projection {
            Some(projection) => projection.forward(input),
            None => subsample(input, self.second.stride),
        };
        features + shortcut
    }
}

/// Weights on the host, on their way to a device. Names and shapes are checked before anything is taken out.
struct Host<'a> {
    tensors: &'a NamedTensors,
    prefix: &'a str,
    epsilon: f64,
    device: &'a Device,
}

impl Host<'_> {
    fn check(&self, options: &NetworkOptions, crop: Crop) -> Result<(), WeightsError> {
        // Only the names and shapes: burn makes a parameter's numbers when they are first asked for.
        let backbone = Backbone::new(options, crop, &Device::flex());
        for (name, expected) in names_and_shapes(&backbone) {
            let name = format!("{}{name}", self.prefix);
            let Some(found) = self.tensors.get(&name) else {
                return Err(WeightsError::Missing { name, expected });
            };
            if found.shape != expected {
                return Err(WeightsError::Shape {
                    name,
                    expected,
                    found: found.shape.clone(),
                });
            }
            if let Some(value) = found.values.iter().find(|value| !value.is_finite()) {
                return Err(WeightsError::NotFinite {
                    name,
                    value: *value,
                });
            }
        }
        Ok(())
    }

    fn values(&self, name: &str) -> &[f32] {
        let tensor = self.tensors.get(&format!("{}{name}", self.prefix));
        tensor.map_or(&[], |tensor| &tensor.values)
    }

    fn vector(&self, name: &str) -> Tensor<1> {
        let values = self.values(name).to_vec();
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), self.device)
    }

    /// BatchNorm with its running averages as x·scale + shift.
    fn norm(&self, name: &str) -> (Vec<f64>, Vec<f64>) {
        let part = |part: &str| self.values(&format!("{name}.{part}"));
        let (gamma, beta) = (part("gamma"), part("beta"));
        let (mean, variance) = (part("running_mean"), part("running_var"));
        let scale: Vec<f64> = gamma
            .iter()
            .zip(variance)
            .map(|(gamma, variance)| {
                f64::from(*gamma) / (f64::from(*variance) + self.epsilon).sqrt()
            })
            .collect();
        let shift = beta
            .iter()
            .zip(mean)
            .zip(&scale)
            .map(|((beta, mean), scale)| f64::from(*beta) - f64::from(*mean) * scale)
            .collect();
        (scale, shift)
    }

    fn convolution(&self, weights: &str, norm: &str, stride: usize) -> Convolution {
        let (scale, shift) = self.norm(norm);
        let name = format!("{}{weights}.weight", self.prefix);
        let shape = self
            .tensors
            .get(&name)
            .map_or_else(|| vec![0; 4], |tensor| tensor.shape.clone());
        let kernel: usize = shape[1..].iter().product();
        let values = self
            .values(&format!("{weights}.weight"))
            .chunks(kernel.max(1))
            .zip(&scale)
            .flat_map(|(kernel, scale)| {
                kernel
                    .iter()
                    .map(|value| (f64::from(*value) * *scale) as f32)
            })
            .collect();
        Convolution {
            weight: HostTensor { shape, values }.to_tensor(self.device),
            bias: self.row(shift).reshape([scale.len()]),
            stride,
        }
    }

    fn unit(&self, name: &str, plan: &UnitPlan) -> Unit {
        let (scale, shift) = self.norm(&format!("{name}.norm"));
        let shape = [1, plan.input, 1, 1];
        let convolution = |part: &str, stride| {
            self.convolution(
                &format!("{name}.{part}.convolution"),
                &format!("{name}.{part}.norm"),
                stride,
            )
        };
        Unit {
            scale: self.row(scale).reshape(shape),
            shift: self.row(shift).reshape(shape),
            first: convolution("first", 1),
            slope: self.vector(&format!("{name}.slope.alpha")),
            second: convolution("second", plan.stride),
            projection: plan.project.then(|| convolution("projection", plan.stride)),
        }
    }

    /// BatchNorm over `channels` maps, flatten, matrix, bias and BatchNorm as one matrix `[features, embedding]` and
    /// one bias `[1, embedding]`.
    fn dense(
        &self,
        channels: usize,
        [height, width]: [usize; 2],
        options: &NetworkOptions,
    ) -> (Tensor<2>, Tensor<2>) {
        let (before, before_shift) = self.norm("output.features_norm");
        let (after, after_shift) = self.norm("output.norm");
        let (embedding, area) = (options.embedding, height * width);
        let mut values = Vec::with_capacity(channels * area * embedding);
        let mut bias: Vec<f64> = self
            .values("output.dense.bias")
            .iter()
            .map(|value| f64::from(*value))
            .collect();
        let rows = self.values("output.dense.weight").chunks(embedding.max(1));
        for (feature, row) in rows.enumerate() {
            let channel = match options.flatten {
                Flatten::Chw => feature / area,
                Flatten::Hwc => feature % channels,
            };
            for ((bias, value), after) in bias.iter_mut().zip(row).zip(&after) {
                *bias += before_shift[channel] * f64::from(*value);
                values.push((f64::from(*value) * before[channel] * after) as f32);
            }
        }
        let bias = bias
            .iter()
            .zip(&after)
            .zip(&after_shift)
            .map(|((bias, scale), shift)| bias * scale + shift)
            .collect();
        let dense = TensorData::new(values, [channels * area, embedding]);
        (Tensor::from_data(dense, self.device), self.row(bias))
    }

    fn row(&self, values: Vec<f64>) -> Tensor<2> {
        let length = values.len();
        let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
        Tensor::from_data(TensorData::new(values, [1, length]), self.device)
    }
}

#[cfg(test)]
mod tests {
    use facetui::config::Shortcut;

    use super::*;
    use crate::model::{
        initialise::initialise,
        libtorch,
        parameters::{replace, snapshot},
    };

    fn options(shortcut: Shortcut, flatten: Flatten) -> NetworkOptions {
        NetworkOptions {
            depth: 32,
            embedding: 64,
            shortcut,
            flatten,
            drop: 0.4,
            batch_norm_decay: 0.9,
            batch_norm_epsilon: 1e-3,
            gamma_deviation: 0.1,
            prelu_start: 0.25,
            ..NetworkOptions::default()
        }
    }

    /// A backbone in which no number is the start value that would hide a mistake.
    fn backbone(options: &NetworkOptions, crop: Crop, device: &Device) -> Backbone {
        let backbone = initialise(Backbone::new(options, crop, device), 3, options);
        replace(backbone, |name, shape| {
            let role = name.rsplit('.').next().unwrap_or_default();
            let (low, step) = match role {
                "running_mean" | "beta" | "bias" => (-0.2, 0.05),
                "running_var" => (0.5, 0.1),
                _ => return None,
            };
            let count: usize = shape.iter().product();
            Some(HostTensor {
                shape: shape.to_vec(),
                values: (0..count)
                    .map(|place| low + step * (place % 9) as f32)
                    .collect(),
            })
        })
    }

    #[test]
    fn the_folded_network_gives_the_embeddings_of_the_whole_one() {
        let devices = [Some(Device::flex()), libtorch::cpu()];
        for device in devices.into_iter().flatten() {
            for (shortcut, flatten, crop) in [
                (Shortcut::Subsample, Flatten::Hwc, Crop::Reference),
                (Shortcut::Projection, Flatten::Chw, Crop::Full),
            ] {
                let options = options(shortcut, flatten);
                let whole = backbone(&options, crop, &device);
                let folded =
                    InferenceNetwork::new(&snapshot(&whole), "", &options, crop, &device).unwrap();
                let [height, width] = input_size(crop);
                let values: Vec<f32> = (0..2 * 3 * height * width)
                    .map(|place| ((place * 7919) % 255) as f32 / 128.0 - 1.0)
                    .collect();
                let data = TensorData::new(values.clone(), [2, 3, height, width]);
                let expected: Vec<f32> = whole
                    .forward(Tensor::from_data(data, &device))
                    .into_data()
                    .iter()
                    .collect();
                let found = folded.embed(values);
                let size = expected.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
                assert!(size > 0.01, "the test would compare nothing: {size}");
                assert_eq!(expected.len(), found.len());
                for (expected, found) in expected.iter().zip(&found) {
                    assert!(
                        (expected - found).abs() < 2e-5 * size,
                        "{expected} {found} of {size}"
                    );
                }
            }
        }
    }

    #[test]
    fn weights_that_do_not_fit_are_named() {
        let device = Device::flex();
        let options = options(Shortcut::Subsample, Flatten::Hwc);
        let whole = snapshot(&backbone(&options, Crop::Reference, &device));
        let refused = |tensors: &NamedTensors, crop| {
            let network = InferenceNetwork::new(tensors, "", &options, crop, &device);
            network.unwrap_err().to_string()
        };
        let shape = refused(&whole, Crop::Full);
        assert!(
            shape.contains("output.dense.weight has shape [5376, 64]"),
            "{shape}"
        );
        let mut lacking = whole.clone();
        lacking.remove("units.3.first.norm.running_var");
        assert!(refused(&lacking, Crop::Reference).contains("units.3.first.norm.running_var"));
        let mut broken = whole;
        if let Some(tensor) = broken.get_mut("stem.norm.gamma") {
            tensor.values[2] = f32::NAN;
        }
        assert!(refused(&broken, Crop::Reference).contains("stem.norm.gamma holds NaN"));
    }
}
