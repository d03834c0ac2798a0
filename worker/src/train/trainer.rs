//! One optimiser step, for any stage.

use burn::tensor::{Device, Int, Tensor, TensorData};
use facetui::config::{DecayPlace, Precision, Recipe};
use facetui::data::Batch;
use thiserror::Error;

use super::{
    average::Average,
    loss_scale::LossScale,
    objective::{Classes, Name, Objective},
    schedule::learning_rate,
    step_times::{StepTimes, Stopwatch},
};
use crate::model::{
    classes::{Sample, SampledClasses},
    gradients::NamedGradients,
    input::{in_format, to_input},
    network::{CLASS_WEIGHTS, Network},
    optimiser::{Optimiser, StepSize},
    parameters::{
        HostTensor, NamedTensors, WeightsError, first_not_finite, load, snapshot, snapshot_of,
    },
    weights::BACKBONE,
};

pub use super::objective::COSINE_BETWEEN;

/// The scalars of one step, by tag, in a fixed order.
pub type StepScalars = Vec<(&'static str, f64)>;

/// What a step tells.
#[derive(Debug, Default)]
pub struct StepRecord {
    /// Losses, accuracies, the rate.
    pub scalars: StepScalars,
    /// Values of which the distribution is told, by tag; empty at most steps.
    pub distributions: Vec<(String, Vec<f32>)>,
    /// Where the time went; not at every step.
    pub times: Option<StepTimes>,
}

/// The name under which a checkpoint has AdaFace's running lengths.
const RUNNING_LENGTHS: &str = "running_lengths";

/// The name under which a checkpoint has what the objective is multiplied by.
const LOSS_SCALE: &str = "loss_scale";

/// The tag of what the objective is multiplied by.
const LOSS_SCALE_TAG: &str = "train/loss_scale";

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
    /// Its class weights, where a step sees only a sample of them.
    pub sampled: Option<SampledClasses>,
    /// AdaFace's running mean and deviation of the embeddings' lengths, once there was a batch.
    pub running_lengths: Option<Tensor<1>>,
    /// What the objective is multiplied by, with feature maps in numbers of a small range.
    pub loss_scale: Option<LossScale>,
    /// The optimiser's state.
    pub optimiser: Optimiser,
    /// The averaged weights, where the recipe asks for them.
    pub average: Option<Average>,
    /// That device.
    pub device: Device,
}

/// The class weights that a step sees.
enum Seen {
    Whole(Tensor<2>),
    Sample(Sample),
}

impl Seen {
    fn rows(&self) -> Tensor<2> {
        match self {
            Self::Whole(rows) => rows.clone(),
            Self::Sample(sample) => sample.rows.clone(),
        }
    }

    fn classes(&self, labels: &[u32]) -> Classes {
        let rows = self.rows();
        let places = match self {
            Self::Whole(_) => to_labels(labels, &rows.device()),
            Self::Sample(sample) => sample.places(labels),
        };
        Classes { rows, places }
    }
}

impl Trainer {
    /// A network with its start values, for a recipe and a number of classes, on a device without automatic
    /// differentiation.
    pub fn new(recipe: &Recipe, classes: usize, device: &Device) -> Self {
        let loss = &recipe.loss;
        let has_classes = recipe.stage.has_classes();
        let samples = loss.sample_fraction < 1.0;
        let device = device.clone().autodiff();
        Self {
            network: Network::new(
                &recipe.network,
                recipe.input.crop,
                (has_classes && !samples).then_some(classes * loss.sub_centres),
                recipe.seed,
                &device,
            ),
            sampled: (has_classes && samples).then(|| {
                SampledClasses::new(
                    classes,
                    loss.sub_centres,
                    loss.sample_fraction,
                    recipe.optimiser.rule,
                    &recipe.network,
                    recipe.seed,
                )
            }),
            running_lengths: None,
            loss_scale: (recipe.precision == Precision::F16).then(LossScale::default),
            optimiser: Optimiser::default(),
            average: (recipe.ema_decay > 0.0).then(Average::default),
            device,
        }
    }

    /// Makes step `step` (from 0) on a batch; the same step on the same weights and batch gives the same
    /// result, whatever was computed before.
    ///
    /// Where the objective is scaled and the gradient overflows, the weights stay and the scale falls.
    ///
    /// # Errors
    /// A loss or the gradient is not finite. Weights and optimiser are as before then; BatchNorm's running averages
    /// may not be.
    pub fn step(
        &mut self,
        recipe: &Recipe,
        step: u64,
        batch: &Batch,
    ) -> Result<StepRecord, StepError> {
        self.device.seed(step_seed(recipe.seed, step));
        let device = self.device.clone();
        let mut watch = Stopwatch::start(&device, step);
        let mut times = StepTimes::default();
        let seen = self.seen(step, &batch.labels);
        let Pass {
            mut scalars,
            mut total,
            mut gradients,
            running_lengths,
            mut distributions,
        } = self.pass(recipe, step, batch, seen.as_ref(), (&mut watch, &mut times));
        self.check_finite(&scalars, step)?;

        let size = StepSize {
            rule: recipe.optimiser.rule,
            learning_rate: learning_rate(&recipe.schedule, step, recipe.steps),
            momentum: recipe.schedule.momentum,
            weight_decay: match recipe.optimiser.decay {
                DecayPlace::Loss => 0.0,
                DecayPlace::Optimiser => recipe.loss.weight_decay,
            },
            step,
        };
        if recipe.optimiser.decay == DecayPlace::Loss {
            let rows = match &seen {
                Some(Seen::Sample(sample)) => Some((CLASS_WEIGHTS, sample.rows.clone())),
                _ => None,
            };
            let decay = gradients.add_decay(&self.network, rows, recipe.loss.weight_decay);
            scalars.extend([
                ("loss/weight_decay", decay),
                ("loss/weight_decay_weighted", decay),
            ]);
            total += decay;
        }
        let norm = gradients.norm();
        scalars.extend([
            ("loss/total", total),
            ("train/learning_rate", size.learning_rate),
            ("train/gradient_norm", norm),
        ]);
        if let Some(scale) = &mut self.loss_scale {
            if norm.is_finite() {
                scalars.push((LOSS_SCALE_TAG, scale.factor()));
                scale.rise();
            } else if scale.fall() {
                // A gap in the gradient's curve, not a point at infinity.
                scalars.retain(|(tag, _)| *tag != "train/gradient_norm");
                scalars.push((LOSS_SCALE_TAG, scale.factor()));
                self.check_finite(&scalars, step)?;
                return Ok(StepRecord {
                    scalars,
                    distributions,
                    times: None,
                });
            }
        }
        if !norm.is_finite() {
            return Err(StepError::NotFinite {
                component: "train/gradient_norm",
                value: norm,
                step,
                layer: gradients.not_finite().map(str::to_owned),
            });
        }
        self.check_finite(&scalars, step)?;
        let clip = recipe.optimiser.clip_norm;
        if clip > 0.0 && norm > clip {
            gradients.scale(clip / norm);
        }
        if !distributions.is_empty() && recipe.histograms.layers {
            distributions.extend(self.layers(&gradients));
        }

        if let (Some(sampled), Some(Seen::Sample(sample))) = (&mut self.sampled, seen)
            && let Some(gradient) = gradients.take(CLASS_WEIGHTS)
        {
            sampled.step(sample, gradient, &size);
        }
        self.network = self.optimiser.step(self.network.clone(), gradients, size);
        self.running_lengths = running_lengths;
        if let Some(average) = &mut self.average {
            // Makes the running averages final, which a reader of the tensors would else see one step late.
            let _ = self.network.embedder();
            average.follow(&self.network, recipe.ema_decay);
        }
        times.optimiser = watch.lap();
        Ok(StepRecord {
            scalars,
            distributions,
            times: watch.is_running().then_some(times),
        })
    }

    /// The class weights that a step sees.
    fn seen(&self, step: u64, labels: &[u32]) -> Option<Seen> {
        if let Some(sampled) = &self.sampled {
            let plain = self.device.clone().without_autodiff();
            return Some(Seen::Sample(sampled.sample(step, labels, &plain)));
        }
        let weights = self.network.class_weights.as_ref()?;
        Some(Seen::Whole(weights.val().inner()))
    }

    /// Takes a batch through the network, part by part, and averages over the parts.
    fn pass(
        &self,
        recipe: &Recipe,
        step: u64,
        batch: &Batch,
        seen: Option<&Seen>,
        (watch, times): (&mut Stopwatch<'_>, &mut StepTimes),
    ) -> Pass {
        let scale = self.loss_scale.map_or(1.0, LossScale::factor);
        let parts = recipe.optimiser.accumulation.max(1);
        let images = batch.labels.len().div_ceil(parts).max(1);
        let pixels = batch.height * batch.width * 3;
        let every = recipe.histograms.every;
        let tells = every > 0 && (step + 1).is_multiple_of(every);
        let mut gradients = NamedGradients::default();
        let mut running_lengths = self.running_lengths.clone();
        let mut cosines = Vec::new();
        let mut lengths = Vec::new();
        // The last part's own terms and figures; of those before only the values stay.
        let mut names: Vec<Name> = Vec::new();
        let mut values = Vec::new();
        for (bytes, labels) in batch
            .images
            .chunks(images * pixels)
            .zip(batch.labels.chunks(images))
        {
            let input = to_input(bytes, batch.height, batch.width, &self.device);
            let input = in_format(input, recipe.precision, recipe.memory_format);
            let objective = Objective::new(
                recipe,
                self.network.backbone.forward(input),
                to_labels(labels, &self.device),
                seen.map(|seen| seen.classes(labels)),
                running_lengths.clone(),
            );
            values.extend(objective.values());
            names = objective.names();
            let total = objective.total();
            if objective.running_lengths.is_some() {
                running_lengths = objective.running_lengths;
            }
            if tells {
                cosines.extend(objective.cosine_own.into_iter().flat_map(to_host));
                lengths.extend(to_host(objective.lengths));
            }
            times.forward += watch.lap();
            let mut of_part = total.map(|total| total.mul_scalar(scale).backward());
            let by_rows = objective
                .class_gradient
                .zip(of_part.as_mut())
                .map(|((gradient, weight), of_part)| gradient.by_rows(of_part, weight * scale));
            if let Some(of_part) = of_part {
                let mut found = NamedGradients::of(&self.network, of_part);
                if let Some(by_rows) = by_rows {
                    found.insert(CLASS_WEIGHTS, by_rows);
                }
                gradients.add(found);
            }
            times.backward += watch.lap();
        }
        let divisor = parts as f64 * scale;
        if divisor > 1.0 {
            gradients.scale(1.0 / divisor);
        }
        let (scalars, total) = averages(&names, values);
        let distributions = [
            ("distribution/cosine_own", cosines),
            ("distribution/length", lengths),
        ];
        Pass {
            scalars,
            total,
            gradients,
            running_lengths,
            distributions: distributions
                .into_iter()
                .filter(|(_, values)| !values.is_empty())
                .map(|(tag, values)| (tag.to_owned(), values))
                .collect(),
        }
    }

    /// Weights and gradients, layer by layer.
    fn layers(&self, gradients: &NamedGradients) -> Vec<(String, Vec<f32>)> {
        let weights = snapshot_of(&self.network, |name| !name.contains("running_"));
        let weights = weights
            .into_iter()
            .map(|(name, tensor)| (format!("weights/{name}"), tensor.values));
        let gradients = gradients
            .iter()
            .map(|(name, gradient)| (format!("gradients/{name}"), to_host(gradient.clone())));
        weights.chain(gradients).collect()
    }

    /// The tensors that embed, for a validation: the averaged ones where there are any.
    ///
    /// They are no network, since one made of this network by putting others in would share BatchNorm's running averages
    /// with it.
    pub fn validated(&self) -> NamedTensors {
        // Without this the last step's running averages would not be in it.
        let _ = self.network.embedder();
        let weights = snapshot_of(&self.network, |name| name.starts_with(BACKBONE));
        match &self.average {
            Some(average) => average.snapshot(&weights),
            None => weights,
        }
    }

    /// Everything that the next step depends on, on the host.
    pub fn snapshot(&self) -> TrainerState {
        // Without this the last step's running averages would not be in the snapshot.
        let _ = self.network.embedder();
        let mut weights = snapshot(&self.network);
        let mut optimiser = self.optimiser.snapshot();
        let average = self
            .average
            .as_ref()
            .map(|average| average.snapshot(&weights));
        if let Some(sampled) = &self.sampled {
            sampled.snapshot(&mut weights, &mut optimiser);
        }
        if let Some(lengths) = &self.running_lengths {
            let lengths = HostTensor::from_tensor(lengths.clone());
            weights.insert(RUNNING_LENGTHS.to_owned(), lengths);
        }
        if let Some(scale) = self.loss_scale {
            weights.insert(LOSS_SCALE.to_owned(), scale.to_tensor());
        }
        TrainerState {
            weights,
            optimiser,
            average,
        }
    }

    /// Goes on from a snapshot.
    ///
    /// # Errors
    /// A tensor is missing or has another shape; nothing is changed then.
    pub fn restore(
        &mut self,
        weights: &NamedTensors,
        optimiser: &NamedTensors,
        average: Option<&NamedTensors>,
    ) -> Result<(), WeightsError> {
        let plain = self.device.clone().without_autodiff();
        let network = load(self.network.clone(), weights, |_| true)?;
        if let Some(sampled) = &mut self.sampled {
            sampled.restore(weights, optimiser)?;
        }
        self.network = network;
        let in_sample = self.sampled.is_some();
        self.optimiser = Optimiser::restore(optimiser, &plain, |name| {
            !(in_sample && name == CLASS_WEIGHTS)
        });
        self.running_lengths = weights
            .get(RUNNING_LENGTHS)
            .map(|lengths| lengths.to_tensor(&plain));
        if let (Some(scale), Some(kept)) = (&mut self.loss_scale, weights.get(LOSS_SCALE)) {
            *scale = LossScale::from_tensor(kept);
        }
        if self.average.is_some() {
            self.average = Some(match average {
                Some(average) => Average::restore(average, &plain),
                None => Average::default(),
            });
        }
        Ok(())
    }

    /// Starts from the weights of another training: the whole backbone, and the class weights where they fit; whether
    /// they did.
    ///
    /// # Errors
    /// A tensor of the backbone is missing or has another shape.
    pub fn start_from(&mut self, weights: &NamedTensors) -> Result<bool, WeightsError> {
        let wanted = self.class_shape();
        let found = weights.get(CLASS_WEIGHTS).map(|tensor| &tensor.shape[..]);
        let fits = wanted.is_some_and(|wanted| found == Some(&wanted));
        self.network = load(self.network.clone(), weights, |name| {
            name != CLASS_WEIGHTS || fits
        })?;
        if let Some(sampled) = self.sampled.as_mut().filter(|_| fits) {
            sampled.restore(weights, &NamedTensors::new())?;
        }
        Ok(fits)
    }

    /// Rows of the class weights and their length, in the stages that have them.
    pub fn class_shape(&self) -> Option<[usize; 2]> {
        let whole = self.network.class_weights.as_ref();
        let sampled = self.sampled.as_ref().map(SampledClasses::shape);
        whole.map(|weights| weights.dims()).or(sampled)
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

/// What a batch gave on its way through the network.
struct Pass {
    scalars: StepScalars,
    /// The weighted sum of the terms.
    total: f64,
    gradients: NamedGradients,
    running_lengths: Option<Tensor<1>>,
    distributions: Vec<(String, Vec<f32>)>,
}

/// Everything that a step depends on, on the host.
#[derive(Debug, Clone)]
pub struct TrainerState {
    /// The network's tensors, and what a head remembers.
    pub weights: NamedTensors,
    /// The optimiser's.
    pub optimiser: NamedTensors,
    /// The averaged weights.
    pub average: Option<NamedTensors>,
}

/// The scalars of values that were computed for each of some parts, and the weighted sum of the terms among them.
fn averages(names: &[Name], values: Vec<Tensor<1>>) -> (StepScalars, f64) {
    if names.is_empty() || values.is_empty() {
        return (StepScalars::new(), 0.0);
    }
    let parts = values.len() / names.len();
    // Fetched from the device at once.
    let values: Vec<f32> = to_host(Tensor::cat(values, 0));
    let mut scalars = StepScalars::new();
    let mut total = 0.0;
    for (place, name) in names.iter().enumerate() {
        let of_parts = values.iter().skip(place).step_by(names.len());
        let value = of_parts.map(|value| f64::from(*value)).sum::<f64>() / parts as f64;
        match *name {
            Name::Term {
                tags: [plain, weighted],
                weight,
            } => {
                scalars.extend([(plain, value), (weighted, value * weight)]);
                total += value * weight;
            }
            Name::Figure(tag) => scalars.push((tag, value)),
        }
    }
    (scalars, total)
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

fn to_host(values: Tensor<1>) -> Vec<f32> {
    HostTensor::from_tensor(values).values
}

fn to_labels(labels: &[u32], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i32> = labels.iter().map(|label| *label as i32).collect();
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), device)
}
