//! MobileFaceNet (Chen et al. 2018): inverted residual units, a million parameters.
//!
//! The paper's table 1, with PReLU after each BatchNorm but the linear ones: 3x3/2 to 64, depthwise 3x3, bottlenecks, 1x1 to
//! 512, a depthwise convolution over the whole last map, 1x1 to the embedding.

use burn::{
    module::Module,
    tensor::{Device, FloatDType, Tensor},
};
use facetui::config::{Crop, NetworkOptions};

use super::feature_map;
use crate::model::layer::{ConvolutionNorm, Prelu};

/// The bottlenecks of the paper's table 1: expansion t, channels c, how often n, stride s of the first.
const BOTTLENECKS: [(usize, usize, usize, usize); 5] = [
    (2, 64, 5, 2),
    (4, 128, 1, 2),
    (2, 128, 6, 1),
    (4, 128, 1, 2),
    (2, 128, 2, 1),
];
/// Channels of the first convolution.
const STEM: usize = 64;
/// Channels of the last map.
const LAST: usize = 512;

/// The whole backbone.
#[derive(Module, Debug)]
pub(super) struct MobileFaceNet {
    stem: ConvolutionNorm,
    stem_slope: Prelu,
    depthwise: ConvolutionNorm,
    depthwise_slope: Prelu,
    units: Vec<Bottleneck>,
    last: ConvolutionNorm,
    last_slope: Prelu,
    /// Over the whole map, without an activation.
    pool: ConvolutionNorm,
    embedding: ConvolutionNorm,
}

impl MobileFaceNet {
    pub(super) fn new(options: &NetworkOptions, crop: Crop, device: &Device) -> Self {
        let mut units = Vec::new();
        let mut channels = STEM;
        for (expansion, output, count, stride) in BOTTLENECKS {
            for place in 0..count {
                let stride = if place == 0 { stride } else { 1 };
                let inner = channels * expansion;
                units.push(Bottleneck::new(
                    [channels, inner, output],
                    stride,
                    options,
                    device,
                ));
                channels = output;
            }
        }
        Self {
            stem: ConvolutionNorm::new([3, STEM], 3, 2, options, device),
            stem_slope: Prelu::new(STEM, options, device),
            depthwise: ConvolutionNorm::depthwise(STEM, [3, 3], 1, 1, options, device),
            depthwise_slope: Prelu::new(STEM, options, device),
            units,
            last: ConvolutionNorm::new([channels, LAST], 1, 1, options, device),
            last_slope: Prelu::new(LAST, options, device),
            pool: ConvolutionNorm::depthwise(LAST, feature_map(crop), 1, 0, options, device),
            embedding: ConvolutionNorm::new([LAST, options.embedding], 1, 1, options, device),
        }
    }

    /// `[batch, 3, height, width]` to raw embeddings `[batch, embedding]`.
    pub(super) fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let features = self.stem.convolution.forward(images);
        let features = self.stem.norm.then_convolve(
            Some(&self.stem_slope),
            &self.depthwise.convolution,
            features,
        );
        let features = self.depthwise.norm.forward(features);
        let mut features = self.depthwise_slope.forward(features);
        for unit in &self.units {
            features = unit.forward(features);
        }
        let features = self.last.convolution.forward(features);
        let features =
            self.last
                .norm
                .then_convolve(Some(&self.last_slope), &self.pool.convolution, features);
        // From here on in 32 bits, whatever the format of the feature maps.
        let features = features.cast(FloatDType::F32);
        let features = self
            .pool
            .norm
            .then_convolve(None, &self.embedding.convolution, features);
        let features = self.embedding.norm.forward(features);
        features.flatten(1, 3)
    }

    /// Keeps the last gammas as they are.
    #[must_use]
    pub(super) fn with_frozen_gamma(mut self) -> Self {
        self.embedding = self.embedding.with_frozen_gamma();
        self
    }
}

/// 1x1 with PReLU, depthwise 3x3 with PReLU, 1x1 without; plus the input where the shape stays.
#[derive(Module, Debug)]
struct Bottleneck {
    expand: ConvolutionNorm,
    expand_slope: Prelu,
    depthwise: ConvolutionNorm,
    depthwise_slope: Prelu,
    project: ConvolutionNorm,
    residual: bool,
}

impl Bottleneck {
    fn new(
        [input, inner, output]: [usize; 3],
        stride: usize,
        options: &NetworkOptions,
        device: &Device,
    ) -> Self {
        Self {
            expand: ConvolutionNorm::new([input, inner], 1, 1, options, device),
            expand_slope: Prelu::new(inner, options, device),
            depthwise: ConvolutionNorm::depthwise(inner, [3, 3], stride, 1, options, device),
            depthwise_slope: Prelu::new(inner, options, device),
            project: ConvolutionNorm::new([inner, output], 1, 1, options, device),
            residual: stride == 1 && input == output,
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let features = self.expand.convolution.forward(input.clone());
        let features = self.expand.norm.then_convolve(
            Some(&self.expand_slope),
            &self.depthwise.convolution,
            features,
        );
        let features = self.depthwise.norm.then_convolve(
            Some(&self.depthwise_slope),
            &self.project.convolution,
            features,
        );
        let features = self.project.norm.forward(features);
        if self.residual {
            features + input
        } else {
            features
        }
    }
}
