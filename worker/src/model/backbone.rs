//! L-ResNet-E-IR: the residual network that turns a face into an embedding.
//!
//! Layout after the reference experiment and InsightFace's "improved residual" units with output "E":
//! BatchNorm, dropout, flatten, linear, BatchNorm.

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig, Initializer, Linear, LinearConfig},
    tensor::{Device, Tensor},
};
use facetui::config::{Crop, Flatten, NetworkOptions, Shortcut};

use super::layer::{BatchNorm, Convolution, ConvolutionNorm, Prelu, subsample};

/// The whole backbone.
#[derive(Module, Debug)]
pub struct Backbone {
    stem: Stem,
    units: Vec<Unit>,
    output: Output,
}

impl Backbone {
    /// A backbone with burn's start values; [`crate::model::initialise`] sets the experiment's.
    pub fn new(options: &NetworkOptions, crop: Crop, device: &Device) -> Self {
        let plan = plan(options);
        let units = plan
            .units
            .iter()
            .map(|unit| Unit::new(unit, options, device))
            .collect();
        Self {
            stem: Stem::new(plan.stem, options, device),
            units,
            output: Output::new(plan.output, crop, options, device),
        }
    }

    /// `[batch, 3, height, width]` to raw embeddings `[batch, embedding]`; not normalised.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut features = self.stem.forward(images);
        for unit in &self.units {
            features = unit.forward(features);
        }
        self.output.forward(features)
    }

    /// Keeps the last BatchNorm's gammas as they are: the published network never trains them.
    #[must_use]
    pub fn with_frozen_output_gamma(mut self) -> Self {
        self.output.norm.gamma = self.output.norm.gamma.set_require_grad(false);
        self
    }
}

/// What a backbone consists of, apart from its numbers.
pub(super) struct Plan {
    /// Channels after the first convolution.
    pub stem: usize,
    /// The residual units, in order.
    pub units: Vec<UnitPlan>,
    /// Channels after the last unit.
    pub output: usize,
}

/// One residual unit.
pub(super) struct UnitPlan {
    pub input: usize,
    pub output: usize,
    pub stride: usize,
    /// Whether its shortcut is a convolution.
    pub project: bool,
}

/// The backbone of some options.
pub(super) fn plan(options: &NetworkOptions) -> Plan {
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
pub(super) struct Layout {
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
struct Stem {
    convolution: Convolution,
    norm: BatchNorm,
    slope: Prelu,
}

impl Stem {
    fn new(width: usize, options: &NetworkOptions, device: &Device) -> Self {
        Self {
            convolution: Convolution::new([3, width], 3, 1, device),
            norm: BatchNorm::new(width, options, device),
            slope: Prelu::new(width, options, device),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        self.slope
            .forward(self.norm.forward(self.convolution.forward(images)))
    }
}

/// A residual unit: BatchNorm, 3x3, BatchNorm, PReLU, 3x3 with stride, BatchNorm, plus the shortcut.
#[derive(Module, Debug)]
struct Unit {
    norm: BatchNorm,
    first: ConvolutionNorm,
    slope: Prelu,
    second: ConvolutionNorm,
    projection: Option<ConvolutionNorm>,
    stride: usize,
}

impl Unit {
    fn new(plan: &UnitPlan, options: &NetworkOptions, device: &Device) -> Self {
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
            projection: project
                .then(|| ConvolutionNorm::new([input, output], 1, stride, options, device)),
            stride,
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.projection {
            Some(projection) => projection.forward(input.clone()),
            None => subsample(input.clone(), self.stride),
        };
        let features = self.first.forward(self.norm.forward(input));
        self.second.forward_after(&self.slope, features) + shortcut
    }
}

/// Output "E": BatchNorm, dropout, flatten, linear, BatchNorm.
#[derive(Module, Debug)]
struct Output {
    features_norm: BatchNorm,
    dropout: Dropout,
    dense: Linear,
    norm: BatchNorm,
    #[module(skip)]
    flatten: Flatten,
}

impl Output {
    fn new(channels: usize, crop: Crop, options: &NetworkOptions, device: &Device) -> Self {
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

    fn forward(&self, features: Tensor<4>) -> Tensor<2> {
        let features = self.dropout.forward(self.features_norm.forward(features));
        let features = match self.flatten {
            Flatten::Chw => features,
            Flatten::Hwc => features.permute([0, 2, 3, 1]),
        };
        self.norm
            .forward(self.dense.forward(features.flatten(1, 3)))
    }
}

/// Height and width of the last feature map: four halvings, rounded up.
pub(super) fn feature_map(crop: Crop) -> [usize; 2] {
    input_size(crop).map(|side| side.div_ceil(16))
}

/// Height and width of the network's input.
pub fn input_size(crop: Crop) -> [usize; 2] {
    match crop {
        Crop::Reference => [112, 96],
        Crop::Full => [112, 112],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(depth: u32, shortcut: Shortcut) -> NetworkOptions {
        NetworkOptions {
            depth,
            embedding: 512,
            shortcut,
            flatten: Flatten::Hwc,
            drop: 0.6,
            batch_norm_decay: 0.9,
            batch_norm_epsilon: 2e-5,
            gamma_deviation: 0.002,
            prelu_start: 0.0,
        }
    }

    /// The published counts exclude BatchNorm's running averages, which burn counts with the rest.
    fn trained_parameters(depth: u32, shortcut: Shortcut, crop: Crop) -> usize {
        let backbone = Backbone::new(&options(depth, shortcut), crop, &Device::flex());
        crate::model::parameters::names_and_shapes(&backbone)
            .into_iter()
            .filter(|(name, _)| !name.contains("running_"))
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    }

    #[test]
    fn parameter_counts_equal_the_published_ones() {
        let cases = [
            (50, Shortcut::Subsample, Crop::Full, 43_586_624),
            (50, Shortcut::Subsample, Crop::Reference, 41_751_616),
            (100, Shortcut::Subsample, Crop::Full, 65_151_936),
            (152, Shortcut::Subsample, Crop::Full, 70_761_536),
            (50, Shortcut::Projection, Crop::Full, 43_590_848),
        ];
        for (depth, shortcut, crop, expected) in cases {
            assert_eq!(
                trained_parameters(depth, shortcut, crop),
                expected,
                "depth {depth}, {shortcut:?}, {crop:?}"
            );
        }
    }
}
