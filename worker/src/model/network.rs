//! What is trained: the backbone and, in the margin stage, one weight vector for each class.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};
use facetui::config::{Crop, NetworkOptions};

use super::{backbone::Backbone, initialise::initialise};

/// The class weights' name in a network.
pub const CLASS_WEIGHTS: &str = "class_weights";

/// A backbone with the class weights of the stages that have them.
#[derive(Module, Debug)]
pub struct Network {
    /// The part that embeds faces.
    pub backbone: Backbone,
    /// One row a centre, `[classes · sub_centres, embedding]`, class by class; not normalised. None where there are no
    /// classes, or where a step sees only a sample of them ([`super::classes::SampledClasses`]).
    pub class_weights: Option<Param<Tensor<2>>>,
}

impl Network {
    /// A network with the experiment's start values.
    pub fn new(
        options: &NetworkOptions,
        crop: Crop,
        class_rows: Option<usize>,
        seed: u64,
        device: &Device,
    ) -> Self {
        let network = Self {
            backbone: Backbone::new(options, crop, device),
            class_weights: class_rows
                .map(|rows| Param::from_tensor(Tensor::zeros([rows, options.embedding], device))),
        };
        let mut network = initialise(network, seed, options);
        if options.frozen_output_gamma {
            network.backbone = network.backbone.with_frozen_output_gamma();
        }
        network
    }

    /// The backbone alone, for embedding: BatchNorm uses its running averages, nothing is dropped.
    ///
    /// Also makes the last step's running averages final, without which a checkpoint would lack them.
    pub fn embedder(&self) -> Backbone {
        self.backbone.valid()
    }
}
