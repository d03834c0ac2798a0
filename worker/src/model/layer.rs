//! The layers of the backbone.
//!
//! Ours rather than burn's modules: on LibTorch they take libtorch's own kernels, elsewhere burn's operators.

use burn::{
    module::{Initializer, Module, Param, RunningState},
    tensor::{
        Device, Slice, Tensor, activation,
        module::{batch_norm, batch_norm_train, conv2d},
        ops::ConvOptions,
    },
};
use facetui::config::NetworkOptions;

use super::libtorch::{self, Geometry};

/// A convolution without bias.
#[derive(Module, Debug)]
pub struct Convolution {
    /// `[outputs, channels / groups, height, width]`.
    weight: Param<Tensor<4>>,
    #[module(skip)]
    geometry: Geometry,
}

impl Convolution {
    /// With zeros as kernels, [`crate::model::initialise`] sets start values. A kernel's half is padded.
    pub fn new(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        let [input, output] = channels;
        Self {
            weight: Initializer::Zeros.init([output, input, kernel, kernel], device),
            geometry: Geometry {
                stride,
                padding: kernel / 2,
                groups: 1,
            },
        }
    }

    /// A convolution of each channel by itself, with zeros as kernels.
    pub fn depthwise(
        channels: usize,
        kernel: [usize; 2],
        stride: usize,
        padding: usize,
        device: &Device,
    ) -> Self {
        let [height, width] = kernel;
        Self {
            weight: Initializer::Zeros.init([channels, 1, height, width], device),
            geometry: Geometry {
                stride,
                padding,
                groups: channels,
            },
        }
    }

    /// `[batch, channels, height, width]` to `[batch, outputs, height / stride, width / stride]`, rounded up.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        libtorch::convolution(&input, &weight, self.geometry).unwrap_or_else(|| {
            let Geometry {
                stride,
                padding,
                groups,
            } = self.geometry;
            let options = ConvOptions::new([stride; 2], [padding; 2], [1, 1], groups);
            conv2d(input, weight, None, options)
        })
    }
}

/// BatchNorm over the second axis: by the batch's averages on a device with automatic differentiation, by the running
/// ones on another.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// Factors, `[channels]`.
    pub gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    running_mean: RunningState<Tensor<1>>,
    running_var: RunningState<Tensor<1>>,
    /// Share of the running averages that stays at a step.
    decay: f64,
    epsilon: f64,
}

impl BatchNorm {
    /// With the recipe's decay and ε.
    pub fn new(channels: usize, options: &NetworkOptions, device: &Device) -> Self {
        Self {
            gamma: Initializer::Ones.init([channels], device),
            beta: Initializer::Zeros.init([channels], device),
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
            decay: options.batch_norm_decay,
            epsilon: options.batch_norm_epsilon,
        }
    }

    /// `[batch, channels, ...]` to the same shape.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let (gamma, beta) = (self.gamma.val(), self.beta.val());
        if !input.device().is_autodiff() {
            let (mean, variance) = (self.running_mean.value(), self.running_var.value());
            return batch_norm(input, gamma, beta, mean, variance, self.epsilon);
        }
        let batch = libtorch::batch_norm_train(&input, &gamma, &beta, self.epsilon)
            .unwrap_or_else(|| batch_norm_train(input, gamma, beta, self.epsilon));
        self.follow(&self.running_mean, batch.mean);
        self.follow(&self.running_var, batch.variance);
        batch.output
    }

    /// BatchNorm, perhaps a PReLU, and then a convolution: `[batch, channels, height, width]` to the convolution's shape.
    pub fn then_convolve(
        &self,
        slope: Option<&Prelu>,
        convolution: &Convolution,
        input: Tensor<4>,
    ) -> Tensor<4> {
        if input.device().is_autodiff() {
            let batch = libtorch::norm_and_convolution(
                &input,
                [&self.gamma.val(), &self.beta.val()],
                self.epsilon,
                slope.map(|slope| slope.alpha.val()).as_ref(),
                &convolution.weight.val(),
                convolution.geometry,
            );
            if let Some(batch) = batch {
                self.follow(&self.running_mean, batch.mean);
                self.follow(&self.running_var, batch.variance);
                return batch.output;
            }
        }
        let normed = self.forward(input);
        convolution.forward(match slope {
            Some(slope) => slope.forward(normed),
            None => normed,
        })
    }

    fn follow(&self, running: &RunningState<Tensor<1>>, batch: Tensor<1>) {
        let stays = running.value_sync().mul_scalar(self.decay);
        let comes = batch.detach().mul_scalar(1.0 - self.decay);
        running.update((stays + comes).detach());
    }
}

/// PReLU with a slope for each channel.
#[derive(Module, Debug)]
pub struct Prelu {
    /// Slopes below 0, `[channels]`.
    alpha: Param<Tensor<1>>,
}

impl Prelu {
    /// With the recipe's start value.
    pub fn new(channels: usize, options: &NetworkOptions, device: &Device) -> Self {
        Self {
            alpha: Initializer::Constant {
                value: options.prelu_start,
            }
            .init([channels], device),
        }
    }

    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let alpha = self.alpha.val();
        libtorch::prelu(&input, &alpha).unwrap_or_else(|| activation::prelu(input, alpha))
    }
}

/// A convolution followed by BatchNorm.
#[derive(Module, Debug)]
pub struct ConvolutionNorm {
    /// The convolution.
    pub convolution: Convolution,
    /// What follows it.
    pub norm: BatchNorm,
}

impl ConvolutionNorm {
    /// A square convolution and its BatchNorm.
    pub fn new(
        channels: [usize; 2],
        kernel: usize,
        stride: usize,
        options: &NetworkOptions,
        device: &Device,
    ) -> Self {
        Self {
            convolution: Convolution::new(channels, kernel, stride, device),
            norm: BatchNorm::new(channels[1], options, device),
        }
    }

    /// A convolution of each channel by itself, and its BatchNorm.
    pub fn depthwise(
        channels: usize,
        kernel: [usize; 2],
        stride: usize,
        padding: usize,
        options: &NetworkOptions,
        device: &Device,
    ) -> Self {
        Self {
            convolution: Convolution::depthwise(channels, kernel, stride, padding, device),
            norm: BatchNorm::new(channels, options, device),
        }
    }

    /// `[batch, channels, height, width]` to the convolution's own shape.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.convolution.forward(input))
    }

    /// Keeps the BatchNorm's gammas as they are.
    #[must_use]
    pub fn with_frozen_gamma(mut self) -> Self {
        self.norm.gamma = self.norm.gamma.set_require_grad(false);
        self
    }
}

/// Every `stride`-th row and column of `[batch, channels, height, width]`, from the first.
pub fn subsample(input: Tensor<4>, stride: usize) -> Tensor<4> {
    if stride == 1 {
        return input;
    }
    if let Some(output) = libtorch::subsample(&input, stride) {
        return output;
    }
    let [_, _, height, width] = input.dims();
    let step = stride as isize;
    input.slice([
        Slice::full(),
        Slice::full(),
        Slice::new(0, Some(height as isize), step),
        Slice::new(0, Some(width as isize), step),
    ])
}
