//! The layers of the backbone, as thin configurations of burn's own.

use burn::{
    module::Module,
    nn::{
        BatchNorm, BatchNormConfig, Initializer, PRelu, PReluConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::Device,
    tensor::Tensor,
};
use facetui::config::NetworkOptions;

/// A convolution without bias; start values are set by [`crate::model::initialise`].
pub fn convolution(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Conv2d {
    let padding = kernel / 2;
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(
            padding, padding, padding, padding,
        ))
        .with_bias(false)
        .with_initializer(Initializer::Zeros)
        .init(device)
}

/// A convolution of each channel by itself, without bias.
pub fn depthwise(
    channels: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: usize,
    device: &Device,
) -> Conv2d {
    Conv2dConfig::new([channels, channels], kernel)
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(
            padding, padding, padding, padding,
        ))
        .with_groups(channels)
        .with_bias(false)
        .with_initializer(Initializer::Zeros)
        .init(device)
}

/// BatchNorm with the recipe's decay and ε. burn's momentum is the share of the *new* value.
pub fn batch_norm(features: usize, options: &NetworkOptions, device: &Device) -> BatchNorm {
    BatchNormConfig::new(features)
        .with_epsilon(options.batch_norm_epsilon)
        .with_momentum(1.0 - options.batch_norm_decay)
        .init(device)
}

/// PReLU with a slope for each channel.
pub fn prelu(channels: usize, options: &NetworkOptions, device: &Device) -> PRelu {
    PReluConfig::new()
        .with_num_parameters(channels)
        .with_alpha(options.prelu_start)
        .init(device)
}

/// A convolution followed by BatchNorm.
#[derive(Module, Debug)]
pub struct ConvolutionNorm {
    convolution: Conv2d,
    norm: BatchNorm,
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
            convolution: convolution(channels, kernel, stride, device),
            norm: batch_norm(channels[1], options, device),
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
