//! How weights are changed: the optimiser, and its rate over time.

use serde::{Deserialize, Serialize};

/// The learning rate over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleOptions {
    /// SGD's momentum, dampening 0; 0 with AdamW.
    pub momentum: f64,
    /// The rate after warm-up.
    pub learning_rate: f64,
    /// Steps of linear rise from 0 to `learning_rate`.
    pub warmup_steps: u64,
    /// What happens after warm-up.
    pub decay: Decay,
    /// With `decay = "step"`: the steps at which the rate changes, rising.
    pub boundaries: Vec<u64>,
    /// With `decay = "step"`: the rate from each boundary on, as many as boundaries.
    pub rates: Vec<f64>,
    /// With `decay = "polynomial"`: the power of the share of steps that is left.
    pub power: f64,
}

/// How the learning rate falls after warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// It stays.
    Constant,
    /// It jumps at the boundaries.
    Step,
    /// Half a cosine down to 0 at the last step.
    Cosine,
    /// A power of the share of steps that is left, down to 0.
    Polynomial,
}

/// How a gradient becomes a change of the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimiserOptions {
    /// The rule.
    #[serde(flatten)]
    pub rule: OptimiserRule,
    /// Where weight decay acts.
    pub decay: DecayPlace,
    /// The longest gradient, over all parameters; a longer one is shortened to it. 0: none is.
    pub clip_norm: f64,
    /// Parts into which a batch is divided, so that less of it is in memory at once; their gradients are averaged.
    pub accumulation: usize,
}

/// The rule of an optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum OptimiserRule {
    /// Stochastic gradient descent with `schedule.momentum`.
    Sgd,
    /// Adam with decay apart from the gradient (Loshchilov and Hutter 2019).
    AdamW {
        /// Share of the mean gradient that stays.
        beta1: f64,
        /// Share of the mean squared gradient that stays.
        beta2: f64,
        /// Keeps the division from zero.
        epsilon: f64,
    },
}

/// Where weight decay acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecayPlace {
    /// As a term of the loss, α·Σw²/2, whose value is shown.
    Loss,
    /// Weights shrink by rate·α at a step, apart from the gradient.
    Optimiser,
}
