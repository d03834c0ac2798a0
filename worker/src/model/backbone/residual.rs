//! The residual units of L-ResNet-E-IR, and what stands before and after them.

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig, Initializer, Linear, LinearConfig},
    tensor::{
        Device, FloatDType, Tensor,
        activation::{relu, sigmoid},
    },
};
use facetui::config::{Crop, Flatten, NetworkOptions, Shortcut};

use super::feature_map;
use crate::model::layer::{BatchNorm, Convolution, ConvolutionNorm, Prelu, subsample};

/// What a backbone consists of, apart from its numbers.
pub(in crate::model) struct Plan {
    /// Channels after the first convolution.
    pub stem: usize,
    /// The residual units, in order.
    pub units: Vec<UnitPlan>,
    /// Channels after the last unit.
    pub output: usize,
}

/// One residual unit.
pub(in crate::model) struct UnitPlan {
    pub input: usize,
    pub output: usize,
    pub stride: usize,
    /// Whether its shortcut is a convolution.
    pub project: bool,
}

/// The backbone of some options.
pub(in crate::model) fn plan(options: &NetworkOptions) -> Plan {
    let layout = Layout::of_depth(options.depth);
    let mut units = Vec::new();
    let mut width = layout.widths[0];
    for (stage, (&count, &stage_width)) in layout.units.iter().zip(&layout.widths).enumerate() {
        for position in 0..count {
            let project = match options.shortcut {
                Shortcut::Subsample => width != stage_width,
                Shortcut::Projection => position == 0,
            };
            debug_assert!(stage == 0 || position > 0 || project);
            units.push(UnitPlan {
                input: width,
                output: stage_width,
                stride: if position == 0 { 2 } else { 1 },
                project,
            });
            width = stage_width;
        }
    }
    Plan {
        stem: layout.widths[0],
        units,
        output: width,
    }
}

/// Units and widths of the four stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) struct Layout {
    /// Residual units by stage.
    pub units: [usize; 4],
    /// Channels by stage.
    pub widths: [usize; 4],
}

/// The experiment's own depth.
const USUAL_DEPTH: u32 = 50;
const WIDE: [usize; 4] = [64, 128, 256, 512];

/// All depths by their usual names. Recipes know 32, 50, 100 and 152; published weights come in the others too.
const LAYOUTS: [(u32, Layout); 7] = [
    (
        18,
        Layout {
            units: [2, 2, 2, 2],
            widths: WIDE,
        },
    ),
    (
        32,
        Layout {
            units: [3, 3, 6, 3],
            widths: [16, 32, 64, 128],
        },
    ),
    (
        34,
        Layout {
            units: [3, 4, 6, 3],
            widths: WIDE,
        },
    ),
    (
        USUAL_DEPTH,
        Layout {
            units: [3, 4, 14, 3],
            widths: WIDE,
        },
    ),
    (
        100,
        Layout {
            units: [3, 13, 30, 3],
            widths: WIDE,
        },
    ),
    (
        152,
        Layout {
            units: [3, 8, 36, 3],
            widths: WIDE,
        },
    ),
    (
        200,
        Layout {
            units: [6, 26, 60, 6],
            widths: WIDE,
        },
    ),
];

impl Layout {
    /// The layout of a depth; of one that has none, which no recipe and no file's description passes on, the usual.
    fn of_depth(depth: u32) -> Self {
        let of = |depth| LAYOUTS.iter().find(|(known, _)| *known == depth);
        of(depth)
            .or_else(|| of(USUAL_DEPTH))
            .map_or(LAYOUTS[0].1, |(_, layout)| *layout)
    }

    /// The depth that has this layout.
    pub fn depth(self) -> Option<u32> {
        let known = LAYOUTS.iter().find(|(_, layout)| *layout == self);
        known.map(|(depth, _)| *depth)
    }
}

/// Whether there is a network of this depth.
pub fn is_depth(depth: u32) -> bool {
    LAYOUTS.iter().any(|(known, _)| *known == depth)
}

/// The first convolution.
#[derive(Module, Debug)]
pub(super) struct Stem {
    convolution: Convolution,
    norm: BatchNorm,
    slope: Prelu,
}

impl Stem {
    pub(super) fn new(width: usize, options: &NetworkOptions, device: &Device) -> Self {
        Self {
            convolution: Convolution::new([3, width], 3, 1, device),
            norm: BatchNorm::new(width, options, device),
            slope: Prelu::new(width, options, device),
        }
    }

    pub(super) fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        self.slope
            .forward(self.norm.forward(self.convolution.forward(images)))
    }
}

/// A residual unit: BatchNorm, 3x3, BatchNorm, PReLU, 3x3 with stride, BatchNorm, plus the shortcut.
///
/// One with an excitation weighs its channels before the sum and has a ReLU after it.
#[derive(Module, Debug)]
pub(super) struct Unit {
    norm: BatchNorm,
    first: ConvolutionNorm,
    slope: Prelu,
    second: ConvolutionNorm,
    excitation: Option<Excitation>,
    projection: Option<ConvolutionNorm>,
    stride: usize,
}

impl Unit {
    pub(super) fn new(plan: &UnitPlan, options: &NetworkOptions, device: &Device) -> Self {
        let UnitPlan {
            input,
            output,
            stride,
            project,
        } = *plan;
        Self {
            norm: BatchNorm::new(input, options, device),
            first: ConvolutionNorm::new([input, output], 3, 1, options, device),
            slope: Prelu::new(output, options, device),
            second: ConvolutionNorm::new([output, output], 3, stride, options, device),
            excitation: options
                .squeeze_excitation
                .then(|| Excitation::new(output, device)),
            projection: project
                .then(|| ConvolutionNorm::new([input, output], 1, stride, options, device)),
            stride,
        }
    }

    pub(super) fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.projection {
            Some(projection) => projection.forward(input.clone()),
            None => subsample(input.clone(), self.stride),
        };
        let features = self
            .norm
            .then_convolve(None, &self.first.convolution, input);
        let features =
            self.first
                .norm
                .then_convolve(Some(&self.slope), &self.second.convolution, features);
        let features = self.second.norm.forward(features);
        match &self.excitation {
            Some(excitation) => relu(excitation.forward(features) + shortcut),
            None => features + shortcut,
        }
    }
}

/// Squeeze and excitation (Hu et al. 2018): each channel is weighed by what all channels' means say.
#[derive(Module, Debug)]
struct Excitation {
    squeeze: Linear,
    expand: Linear,
}

/// How many channels become one in the squeeze.
const SQUEEZE: usize = 16;

impl Excitation {
    fn new(channels: usize, device: &Device) -> Self {
        let squeezed = (channels / SQUEEZE).max(1);
        let linear = |input, output| {
            LinearConfig::new(input, output)
                .with_initializer(Initializer::Zeros)
                .init(device)
        };
        Self {
            squeeze: linear(channels, squeezed),
            expand: linear(squeezed, channels),
        }
    }

    /// `[batch, channels, height, width]` to the same.
    fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = features.dims();
        let means = features
            .clone()
            .reshape([batch, channels, height * width])
            .mean_dim(2)
            .squeeze_dim::<2>(2)
            .cast(FloatDType::F32);
        let weights = sigmoid(self.expand.forward(relu(self.squeeze.forward(means))));
        let weights = weights.cast(features.dtype());
        features * weights.reshape([batch, channels, 1, 1])
    }
}

/// Output "E": BatchNorm, dropout, flatten, linear, BatchNorm.
#[derive(Module, Debug)]
pub(super) struct Output {
    features_norm: BatchNorm,
    dropout: Dropout,
    dense: Linear,
    norm: BatchNorm,
    #[module(skip)]
    flatten: Flatten,
}

impl Output {
    pub(super) fn new(
        channels: usize,
        crop: Crop,
        options: &NetworkOptions,
        device: &Device,
    ) -> Self {
        let [height, width] = feature_map(crop);
        Self {
            features_norm: BatchNorm::new(channels, options, device),
            dropout: DropoutConfig::new(options.drop).init(),
            dense: LinearConfig::new(channels * height * width, options.embedding)
                .with_initializer(Initializer::Zeros)
                .init(device),
            norm: BatchNorm::new(options.embedding, options, device),
            flatten: options.flatten,
        }
    }

    pub(super) fn forward(&self, features: Tensor<4>) -> Tensor<2> {
        // From here on in 32 bits, whatever the format of the feature maps.
        let features = self.features_norm.forward(features).cast(FloatDType::F32);
        let features = self.dropout.forward(features);
        let features = match self.flatten {
            Flatten::Chw => features,
            Flatten::Hwc => features.permute([0, 2, 3, 1]),
        };
        self.norm
            .forward(self.dense.forward(features.flatten(1, 3)))
    }

    /// Keeps the last gammas as they are.
    #[must_use]
    pub(super) fn with_frozen_gamma(mut self) -> Self {
        self.norm.gamma = self.norm.gamma.set_require_grad(false);
        self
    }
}
