//! Stochastic gradient descent with momentum, and AdamW, with weight decay as a term of the loss or apart from it.
//!
//! Ours rather than burn's: the state is kept by tensor name, so a checkpoint can hold it as safetensors; the
//! decay term's value and the gradient's length are known before anything is changed, so that a step which went
//! wrong can be left out; and dampening is 0 as in PyTorch.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Device, Tensor},
};
use facetui::config::OptimiserRule;

use super::{
    gradients::NamedGradients,
    parameters::{HostTensor, NamePath, NamedTensors},
};

/// What a checkpoint adds to a tensor's name for the mean of its squared gradients.
const SECOND: &str = "#second";

/// The optimiser's constants at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepSize {
    /// The rule.
    pub rule: OptimiserRule,
    /// Learning rate.
    pub learning_rate: f64,
    /// Share of SGD's velocity that stays.
    pub momentum: f64,
    /// α of decay apart from the gradient; 0 where decay is a term of the loss.
    pub weight_decay: f64,
    /// Steps made before this one.
    pub step: u64,
}

/// What the optimiser remembers of a tensor, flat.
#[derive(Debug, Clone, Default)]
pub struct Moments {
    /// SGD's velocity, or the mean gradient of AdamW.
    pub first: Option<Tensor<1>>,
    /// The mean squared gradient of AdamW.
    pub second: Option<Tensor<1>>,
}

/// Moments by parameter name.
#[derive(Default)]
pub struct Optimiser {
    moments: BTreeMap<String, Moments>,
}

impl StepSize {
    /// The weights after a step, and what is remembered of it; all flat.
    ///
    /// SGD: v ← momentum·v + gradient, w ← w − rate·v. AdamW: m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², w ← w −
    /// rate·m̂/(√v̂ + ε), with m̂ and v̂ made up for their start at 0. Decay apart from the gradient: first, w ← w −
    /// rate·α·w (Loshchilov and Hutter 2019).
    pub fn apply(
        &self,
        name: &str,
        mut weights: Tensor<1>,
        gradient: Tensor<1>,
        moments: Moments,
    ) -> (Tensor<1>, Moments) {
        let rate = self.learning_rate;
        if self.weight_decay > 0.0 && is_decayed(name) {
            weights = weights.mul_scalar(1.0 - rate * self.weight_decay);
        }
        match self.rule {
            OptimiserRule::Sgd => {
                let velocity = match moments.first {
                    Some(velocity) => velocity.mul_scalar(self.momentum) + gradient,
                    None => gradient,
                };
                let weights = weights - velocity.clone().mul_scalar(rate);
                let moments = Moments {
                    first: Some(velocity),
                    second: None,
                };
                (weights, moments)
            }
            OptimiserRule::AdamW {
                beta1,
                beta2,
                epsilon,
            } => {
                let moved = |mean: Option<Tensor<1>>, beta: f64, new: Tensor<1>| {
                    let new = new.mul_scalar(1.0 - beta);
                    match mean {
                        Some(mean) => mean.mul_scalar(beta) + new,
                        None => new,
                    }
                };
                let second = moved(moments.second, beta2, gradient.clone().powi_scalar(2));
                let first = moved(moments.first, beta1, gradient);
                let made = (self.step + 1) as f64;
                let missing = |beta: f64| 1.0 - beta.powf(made);
                let length = second.clone().div_scalar(missing(beta2)).sqrt();
                let change = first.clone() / length.add_scalar(epsilon);
                let weights = weights - change.mul_scalar(rate / missing(beta1));
                let moments = Moments {
                    first: Some(first),
                    second: Some(second),
                };
                (weights, moments)
            }
        }
    }
}

impl Optimiser {
    /// One step of every parameter that has a gradient.
    pub fn step<M: Module>(&mut self, module: M, gradients: NamedGradients, size: StepSize) -> M {
        module.map(&mut Pass {
            path: NamePath::default(),
            moments: &mut self.moments,
            gradients: gradients.into_map(),
            size,
        })
    }

    /// Copies the moments to the host.
    pub fn snapshot(&self) -> NamedTensors {
        let mut tensors = NamedTensors::new();
        for (name, moments) in &self.moments {
            if let Some(first) = &moments.first {
                tensors.insert(name.clone(), HostTensor::from_tensor(first.clone()));
            }
            if let Some(second) = &moments.second {
                let name = format!("{name}{SECOND}");
                tensors.insert(name, HostTensor::from_tensor(second.clone()));
            }
        }
        tensors
    }

    /// An optimiser that goes on from a snapshot; names that don't pass `wanted` are left out.
    pub fn restore(tensors: &NamedTensors, device: &Device, wanted: impl Fn(&str) -> bool) -> Self {
        let mut moments: BTreeMap<String, Moments> = BTreeMap::new();
        for (name, tensor) in tensors {
            let (of, is_second) = match name.strip_suffix(SECOND) {
                Some(of) => (of, true),
                None => (name.as_str(), false),
            };
            if !wanted(of) {
                continue;
            }
            let flat = HostTensor {
                shape: vec![tensor.values.len()],
                values: tensor.values.clone(),
            };
            let moments = moments.entry(of.to_owned()).or_default();
            let place = if is_second {
                &mut moments.second
            } else {
                &mut moments.first
            };
            *place = Some(flat.to_tensor(device));
        }
        Self { moments }
    }
}

/// The name under which a checkpoint has the mean squared gradient of a tensor.
pub fn second_name(name: &str) -> String {
    format!("{name}{SECOND}")
}

/// Whether weight decay covers a parameter: kernels, matrices, gammas and slopes, not betas nor biases.
pub fn is_decayed(name: &str) -> bool {
    matches!(
        name.rsplit('.').next(),
        Some("weight" | "class_weights" | "gamma" | "alpha")
    )
}

struct Pass<'a> {
    path: NamePath,
    moments: &'a mut BTreeMap<String, Moments>,
    gradients: BTreeMap<String, Tensor<1>>,
    size: StepSize,
}

impl ModuleMapper for Pass<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(gradient) = self.gradients.remove(&name) else {
            return param;
        };
        let (id, tensor, mapper) = param.consume();
        let shape = tensor.dims();
        let weights = tensor.inner().reshape([gradient.dims()[0]]);
        let moments = self.moments.remove(&name).unwrap_or_default();
        let (weights, moments) = self.size.apply(&name, weights, gradient, moments);
        self.moments.insert(name, moments);
        let tensor = Tensor::from_inner(weights.reshape(shape)).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}
