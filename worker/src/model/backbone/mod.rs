//! The networks that turn a face into an embedding.
//!
//! L-ResNet-E-IR: layout after the reference experiment and InsightFace's "improved residual" units with output "E"
//! (BatchNorm, dropout, flatten, linear, BatchNorm). MobileFaceNet: the small one.

mod mobile;
mod residual;

pub use residual::is_depth;
pub(super) use residual::{Layout, Plan, UnitPlan, plan};

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use facetui::config::{Architecture, Crop, NetworkOptions};

use mobile::MobileFaceNet;
use residual::{Output, Stem, Unit};

/// The whole backbone: stem, units and output of an L-ResNet-E-IR, or a MobileFaceNet.
///
/// No enum, because burn would put the variants' names into those of the parameters, which checkpoints have.
#[derive(Module, Debug)]
pub struct Backbone {
    stem: Option<Stem>,
    units: Vec<Unit>,
    output: Option<Output>,
    mobile: Option<MobileFaceNet>,
}

impl Backbone {
    /// A backbone with burn's start values; [`crate::model::initialise`] sets the experiment's.
    pub fn new(options: &NetworkOptions, crop: Crop, device: &Device) -> Self {
        if options.architecture == Architecture::MobileFaceNet {
            return Self {
                stem: None,
                units: Vec::new(),
                output: None,
                mobile: Some(MobileFaceNet::new(options, crop, device)),
            };
        }
        let plan = plan(options);
        let units = plan
            .units
            .iter()
            .map(|unit| Unit::new(unit, options, device))
            .collect();
        Self {
            stem: Some(Stem::new(plan.stem, options, device)),
            units,
            output: Some(Output::new(plan.output, crop, options, device)),
            mobile: None,
        }
    }

    /// `[batch, 3, height, width]` to raw embeddings `[batch, embedding]`; not normalised.
    ///
    /// # Panics
    /// Never: a backbone without a MobileFaceNet has stem and output.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        if let Some(mobile) = &self.mobile {
            return mobile.forward(images);
        }
        let stem = self.stem.as_ref().expect("made with the units");
        let output = self.output.as_ref().expect("made with the units");
        let mut features = stem.forward(images);
        for unit in &self.units {
            features = unit.forward(features);
        }
        output.forward(features)
    }

    /// Keeps the last BatchNorm's gammas as they are: the published network never trains them.
    #[must_use]
    pub fn with_frozen_output_gamma(mut self) -> Self {
        self.output = self.output.map(Output::with_frozen_gamma);
        self.mobile = self.mobile.map(MobileFaceNet::with_frozen_gamma);
        self
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
    use facetui::config::Shortcut;

    use super::*;

    /// The published counts exclude BatchNorm's running averages, which burn counts with the rest.
    fn trained_parameters(options: &NetworkOptions, crop: Crop) -> usize {
        let backbone = Backbone::new(options, crop, &Device::flex());
        crate::model::parameters::names_and_shapes(&backbone)
            .into_iter()
            .filter(|(name, _)| !name.contains("running_"))
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    }

    fn residual(depth: u32, shortcut: Shortcut, squeeze_excitation: bool) -> NetworkOptions {
        NetworkOptions {
            depth,
            shortcut,
            squeeze_excitation,
            ..NetworkOptions::default()
        }
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
                trained_parameters(&residual(depth, shortcut, false), crop),
                expected,
                "depth {depth}, {shortcut:?}, {crop:?}"
            );
        }
    }

    /// Counted by `tests/golden/networks/make.py` from networks that PyTorch's own layers make up.
    #[test]
    fn parameter_counts_of_the_other_networks_equal_an_independent_count() {
        for crop in [Crop::Full, Crop::Reference] {
            for (name, options) in [
                ("mobile 128", mobile(128)),
                ("mobile 512", mobile(512)),
                ("se 50", residual(50, Shortcut::Subsample, true)),
                ("se 32", residual(32, Shortcut::Projection, true)),
                ("32", residual(32, Shortcut::Subsample, false)),
            ] {
                let key = format!("{name} {crop}");
                let counts = include_str!("../../../tests/golden/networks/counts.json");
                let counts: std::collections::BTreeMap<String, usize> =
                    serde_json::from_str(counts).unwrap();
                assert_eq!(trained_parameters(&options, crop), counts[&key], "{key}");
            }
        }
    }

    fn mobile(embedding: usize) -> NetworkOptions {
        NetworkOptions {
            architecture: Architecture::MobileFaceNet,
            embedding,
            ..NetworkOptions::default()
        }
    }
}
