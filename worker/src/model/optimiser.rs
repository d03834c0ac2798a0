//! Stochastic gradient descent with momentum, with weight decay as a term of the loss.
//!
//! Ours rather than burn's: the state is kept by tensor name, so a checkpoint can hold it as safetensors; the
//! decay term's value and the gradient's length fall out of the same pass; and dampening is 0 as in PyTorch.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Device, Gradients, Tensor},
};

use super::parameters::{HostTensor, NamePath, NamedTensors};

/// The optimiser's constants at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepSize {
    /// Learning rate.
    pub learning_rate: f64,
    /// Share of the velocity that stays.
    pub momentum: f64,
    /// α of the term α·Σw²/2.
    pub weight_decay: f64,
}

/// Velocities by parameter name.
#[derive(Default)]
pub struct Optimiser {
    velocities: BTreeMap<String, Tensor<1>>,
}

/// What a step measured on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepReport {
    /// α·Σw²/2 over the decayed parameters, before the step.
    pub weight_decay: f64,
    /// Euclidean length of the whole gradient, decay included.
    pub gradient_norm: f64,
}

impl Optimiser {
    /// One step: v ← momentum·v + gradient, w ← w − rate·v. A velocity starts as the first gradient.
    pub fn step<M: Module>(
        &mut self,
        module: M,
        gradients: &Gradients,
        size: StepSize,
    ) -> (M, StepReport) {
        let mut pass = Pass {
            path: NamePath::default(),
            velocities: &mut self.velocities,
            gradients,
            size,
            squared_weights: Vec::new(),
            squared_gradients: Vec::new(),
        };
        let module = module.map(&mut pass);
        let report = StepReport {
            weight_decay: size.weight_decay / 2.0 * total(pass.squared_weights),
            gradient_norm: total(pass.squared_gradients).sqrt(),
        };
        (module, report)
    }

    /// Copies the velocities to the host.
    pub fn snapshot(&self) -> NamedTensors {
        self.velocities
            .iter()
            .map(|(name, velocity)| (name.clone(), HostTensor::from_tensor(velocity.clone())))
            .collect()
    }

    /// An optimiser that goes on from a snapshot.
    pub fn restore(tensors: &NamedTensors, device: &Device) -> Self {
        Self {
            velocities: tensors
                .iter()
                .map(|(name, tensor)| {
                    let flat = HostTensor {
                        shape: vec![tensor.values.len()],
                        values: tensor.values.clone(),
                    };
                    (name.clone(), flat.to_tensor(device))
                })
                .collect(),
        }
    }
}

/// Whether weight decay covers a parameter: kernels, matrices, gammas and slopes, not betas nor biases.
fn is_decayed(name: &str) -> bool {
    matches!(
        name.rsplit('.').next(),
        Some("weight" | "class_weights" | "gamma" | "alpha")
    )
}

/// The sum of scalars, fetched from the device at once.
fn total(scalars: Vec<Tensor<1>>) -> f64 {
    if scalars.is_empty() {
        return 0.0;
    }
    // Summed on the host in 64 bits, in the module's fixed order.
    Tensor::cat(scalars, 0)
        .into_data()
        .iter::<f32>()
        .map(f64::from)
        .sum()
}

struct Pass<'a> {
    path: NamePath,
    velocities: &'a mut BTreeMap<String, Tensor<1>>,
    gradients: &'a Gradients,
    size: StepSize,
    squared_weights: Vec<Tensor<1>>,
    squared_gradients: Vec<Tensor<1>>,
}

impl ModuleMapper for Pass<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(gradient) = tensor.grad(self.gradients) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let shape = tensor.dims();
        let count: usize = shape.iter().product();
        let weights = tensor.inner().reshape([count]);
        let mut gradient = gradient.reshape([count]);
        let name = self.path.name();
        if is_decayed(&name) && self.size.weight_decay > 0.0 {
            self.squared_weights
                .push(weights.clone().powi_scalar(2).sum());
            gradient = gradient + weights.clone().mul_scalar(self.size.weight_decay);
        }
        self.squared_gradients
            .push(gradient.clone().powi_scalar(2).sum());
        let velocity = match self.velocities.remove(&name) {
            Some(velocity) => velocity.mul_scalar(self.size.momentum) + gradient,
            None => gradient,
        };
        let weights = weights - velocity.clone().mul_scalar(self.size.learning_rate);
        self.velocities.insert(name, velocity);
        let tensor = Tensor::from_inner(weights.reshape(shape)).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}
