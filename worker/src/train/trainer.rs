//! One optimiser step, for either stage.

use burn::tensor::{Device, Int, Tensor, TensorData};
use facetui::config::Recipe;
use facetui::data::Batch;
use thiserror::Error;

use super::schedule::learning_rate;
use crate::model::{
    input::to_input,
    loss::{margin_centre, triplet},
    network::Network,
    optimiser::{Optimiser, StepSize},
};

/// The scalars of one step, by tag, in a fixed order.
pub type StepScalars = Vec<(&'static str, f64)>;

/// Why a step can't be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StepError {
    /// A number that should be finite isn't.
    #[error(
        "{component} is {value} at step {step}; lower schedule.learning_rate or raise schedule.warmup_steps, and resume from the last checkpoint"
    )]
    NotFinite {
        /// The tag of the number.
        component: &'static str,
        /// `NaN` or an infinity.
        value: String,
        /// The step.
        step: u64,
    },
}

/// A network in training.
pub struct Trainer {
    /// The network, on a device with automatic differentiation.
    pub network: Network,
    /// The optimiser's state.
    pub optimiser: Optimiser,
    /// That device.
    pub device: Device,
}

impl Trainer {
    /// Makes step `step` (from 0) on a batch; the same step on the same weights and batch gives the same
    /// result, whatever was computed before.
    ///
    /// # Errors
    /// A loss or the gradient is not finite; the network must then be loaded anew.
    pub fn step(
        &mut self,
        recipe: &Recipe,
        step: u64,
        batch: &Batch,
    ) -> Result<StepScalars, StepError> {
        self.device.seed(step_seed(recipe.seed, step));
        let images = to_input(&batch.images, batch.height, batch.width, &self.device);
        let labels = to_labels(&batch.labels, &self.device);
        let embeddings = self.network.backbone.forward(images);
        let (objective, mut scalars) = if let Some(class_weights) = &self.network.class_weights {
            let loss = &recipe.loss;
            let terms = margin_centre(
                embeddings,
                class_weights.val(),
                labels,
                loss.scale,
                loss.margin,
            );
            let objective =
                terms.margin.clone() + terms.centre.clone().mul_scalar(loss.centre_weight);
            let [margin, centre, accuracy, accuracy_margin] = fetch(&[
                terms.margin.inner(),
                terms.centre.inner(),
                terms.accuracy,
                terms.accuracy_margin,
            ]);
            let scalars = vec![
                ("loss/margin", margin),
                ("loss/centre", centre),
                ("loss/centre_weighted", centre * loss.centre_weight),
                ("train/accuracy", accuracy),
                ("train/accuracy_margin", accuracy_margin),
            ];
            (objective, scalars)
        } else {
            let options = &recipe.triplet;
            let term = triplet(embeddings, labels, options.margin, options.mining);
            let [value] = fetch(&[term.clone().inner()]);
            let scalars = vec![
                ("loss/triplet", value),
                ("loss/triplet_weighted", value * options.weight),
            ];
            (term.mul_scalar(options.weight), scalars)
        };
        check_finite(&scalars, step)?;

        let gradients = objective.backward();
        let size = StepSize {
            learning_rate: learning_rate(&recipe.schedule, step, recipe.steps),
            momentum: recipe.schedule.momentum,
            weight_decay: recipe.loss.weight_decay,
        };
        let (network, report) = self.optimiser.step(self.network.clone(), &gradients, size);
        self.network = network;

        let terms: f64 = scalars
            .iter()
            .filter(|(tag, _)| {
                matches!(
                    *tag,
                    "loss/margin" | "loss/centre_weighted" | "loss/triplet_weighted"
                )
            })
            .map(|(_, value)| value)
            .sum();
        scalars.extend([
            ("loss/weight_decay", report.weight_decay),
            ("loss/total", terms + report.weight_decay),
            ("train/learning_rate", size.learning_rate),
            ("train/gradient_norm", report.gradient_norm),
        ]);
        check_finite(&scalars, step)?;
        Ok(scalars)
    }
}

/// A seed for the device's own random numbers, of which dropout is the only user.
fn step_seed(seed: u64, step: u64) -> u64 {
    // The finaliser of SplitMix64: neighbouring steps get unrelated seeds.
    let mut mixed = seed ^ step.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // libtorch takes an i64.
    (mixed ^ (mixed >> 31)) >> 1
}

/// Fetches scalars from the device at once.
fn fetch<const N: usize>(scalars: &[Tensor<1>; N]) -> [f64; N] {
    let data = Tensor::cat(scalars.to_vec(), 0).into_data();
    let mut values = data.iter::<f32>().map(f64::from);
    std::array::from_fn(|_| values.next().unwrap_or(f64::NAN))
}

fn check_finite(scalars: &StepScalars, step: u64) -> Result<(), StepError> {
    match scalars.iter().find(|(_, value)| !value.is_finite()) {
        Some((component, value)) => Err(StepError::NotFinite {
            component,
            value: value.to_string(),
            step,
        }),
        None => Ok(()),
    }
}

fn to_labels(labels: &[u32], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = labels.iter().map(|label| *label as i32).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}
