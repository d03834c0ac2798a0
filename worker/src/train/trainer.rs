//! One optimiser step, for either stage.

use burn::tensor::{Device, Int, Tensor, TensorData};
use facetui::config::Recipe;
use facetui::data::Batch;
use thiserror::Error;

use super::{average::Average, schedule::learning_rate};
use crate::model::{
    input::to_input,
    loss::{cosine_between, margin_centre, triplet},
    network::Network,
    optimiser::{NamedGradients, Optimiser, StepSize},
    parameters::first_not_finite,
};

/// The scalars of one step, by tag, in a fixed order.
pub type StepScalars = Vec<(&'static str, f64)>;

/// The tag of the mean cosine between embeddings of different people.
pub const COSINE_BETWEEN: &str = "embedding/cosine_between";

/// Why a step can't be made.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StepError {
    /// A number that should be finite isn't.
    #[error(
        "{component} is {value} at step {step}{}; lower schedule.learning_rate or raise schedule.warmup_steps, and resume from the last checkpoint",
        layer.as_ref().map(|layer| format!(", first seen in {layer}")).unwrap_or_default()
    )]
    NotFinite {
        /// The tag of the number.
        component: &'static str,
        /// NaN or an infinity.
        value: f64,
        /// The step, from 0; it has not been made.
        step: u64,
        /// The tensor where it shows first: a weight, a running average, or a gradient.
        layer: Option<String>,
    },
}

/// A network in training.
pub struct Trainer {
    /// The network, on a device with automatic differentiation.
    pub network: Network,
    /// The optimiser's state.
    pub optimiser: Optimiser,
    /// The averaged weights, where the recipe asks for them.
    pub average: Option<Average>,
    /// That device.
    pub device: Device,
}

impl Trainer {
    /// Makes step `step` (from 0) on a batch; the same step on the same weights and batch gives the same
    /// result, whatever was computed before.
    ///
    /// # Errors
    /// A loss or the gradient is not finite. Weights and optimiser are as before then; BatchNorm's running averages
    /// may not be.
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
        let between = cosine_between(embeddings.clone(), labels.clone());
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
            let [margin, centre, accuracy, accuracy_margin, cosine_between] = fetch(&[
                terms.margin.inner(),
                terms.centre.inner(),
                terms.accuracy,
                terms.accuracy_margin,
                between,
            ]);
            let scalars = vec![
                ("loss/margin", margin),
                ("loss/centre", centre),
                ("loss/centre_weighted", centre * loss.centre_weight),
                ("train/accuracy", accuracy),
                ("train/accuracy_margin", accuracy_margin),
                (COSINE_BETWEEN, cosine_between),
            ];
            (objective, scalars)
        } else {
            let options = &recipe.triplet;
            let term = triplet(embeddings, labels, options.margin, options.mining);
            let [value, cosine_between] = fetch(&[term.clone().inner(), between]);
            let scalars = vec![
                ("loss/triplet", value),
                ("loss/triplet_weighted", value * options.weight),
                (COSINE_BETWEEN, cosine_between),
            ];
            (term.mul_scalar(options.weight), scalars)
        };
        self.check_finite(&scalars, step)?;

        let gradients = NamedGradients::of(
            &self.network,
            objective.backward(),
            recipe.loss.weight_decay,
        );
        let size = StepSize {
            learning_rate: learning_rate(&recipe.schedule, step, recipe.steps),
            momentum: recipe.schedule.momentum,
        };
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
            ("loss/weight_decay", gradients.weight_decay),
            ("loss/total", terms + gradients.weight_decay),
            ("train/learning_rate", size.learning_rate),
            ("train/gradient_norm", gradients.norm),
        ]);
        if !gradients.norm.is_finite() {
            return Err(StepError::NotFinite {
                component: "train/gradient_norm",
                value: gradients.norm,
                step,
                layer: gradients.not_finite().map(str::to_owned),
            });
        }
        self.check_finite(&scalars, step)?;

        self.network = self.optimiser.step(self.network.clone(), gradients, size);
        if let Some(average) = &mut self.average {
            // Makes the running averages final, which a reader of the tensors would else see one step late.
            let _ = self.network.embedder();
            average.follow(&self.network, recipe.ema_decay);
        }
        Ok(scalars)
    }

    /// The network that is validated: the averaged weights where there are any.
    pub fn validated(&self) -> Network {
        match &self.average {
            Some(average) => average.applied_to(self.network.clone()),
            None => self.network.clone(),
        }
    }

    fn check_finite(&self, scalars: &StepScalars, step: u64) -> Result<(), StepError> {
        let Some((component, value)) = scalars.iter().find(|(_, value)| !value.is_finite()) else {
            return Ok(());
        };
        let _ = self.network.embedder();
        Err(StepError::NotFinite {
            component,
            value: *value,
            step,
            layer: first_not_finite(&self.network),
        })
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

fn to_labels(labels: &[u32], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = labels.iter().map(|label| *label as i32).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}
