//! Stochastic gradient descent with momentum, with weight decay as a term of the loss.
//!
//! Ours rather than burn's: the state is kept by tensor name, so a checkpoint can hold it as safetensors; the
//! decay term's value and the gradient's length are known before anything is changed, so that a step which went
//! wrong can be left out; and dampening is 0 as in PyTorch.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Device, Gradients, Tensor},
};

use super::parameters::{HostTensor, NamePath, NamedTensors, is_finite};

/// The optimiser's constants at one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepSize {
    /// Learning rate.
    pub learning_rate: f64,
    /// Share of the velocity that stays.
    pub momentum: f64,
}

/// Velocities by parameter name.
#[derive(Default)]
pub struct Optimiser {
    velocities: BTreeMap<String, Tensor<1>>,
}

/// The gradient of the whole objective, decay included, by parameter name.
pub struct NamedGradients {
    /// In the network's order.
    tensors: Vec<(String, Tensor<1>)>,
    /// α·Σw²/2 over the decayed parameters.
    pub weight_decay: f64,
    /// Euclidean length of the whole gradient.
    pub norm: f64,
}

impl NamedGradients {
    /// Takes the gradients of a module's parameters and adds the decay's, `weight_decay` being α.
    pub fn of<M: Module>(module: &M, gradients: Gradients, weight_decay: f64) -> Self {
        let mut gather = Gather {
            path: NamePath::default(),
            gradients,
            weight_decay,
            tensors: Vec::new(),
            squared_weights: Vec::new(),
            squared_gradients: Vec::new(),
        };
        module.visit(&mut gather);
        Self {
            tensors: gather.tensors,
            weight_decay: weight_decay / 2.0 * total(gather.squared_weights),
            norm: total(gather.squared_gradients).sqrt(),
        }
    }

    /// The parameter nearest the loss whose gradient is not finite.
    pub fn not_finite(&self) -> Option<&str> {
        self.tensors
            .iter()
            .rev()
            .find(|(_, gradient)| !is_finite((*gradient).clone()))
            .map(|(name, _)| name.as_str())
    }
}

impl Optimiser {
    /// One step: v ← momentum·v + gradient, w ← w − rate·v. A velocity starts as the first gradient.
    pub fn step<M: Module>(&mut self, module: M, gradients: NamedGradients, size: StepSize) -> M {
        module.map(&mut Pass {
            path: NamePath::default(),
            velocities: &mut self.velocities,
            gradients: gradients.tensors.into_iter().collect(),
            size,
        })
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

struct Gather {
    path: NamePath,
    gradients: Gradients,
    weight_decay: f64,
    tensors: Vec<(String, Tensor<1>)>,
    squared_weights: Vec<Tensor<1>>,
    squared_gradients: Vec<Tensor<1>>,
}

impl ModuleVisitor for Gather {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let Some(gradient) = tensor.grad_remove(&mut self.gradients) else {
            return;
        };
        let count: usize = tensor.dims().iter().product();
        let mut gradient = gradient.reshape([count]);
        let name = self.path.name();
        if is_decayed(&name) && self.weight_decay > 0.0 {
            let weights = tensor.inner().reshape([count]);
            self.squared_weights
                .push(weights.clone().powi_scalar(2).sum());
            gradient = gradient + weights.mul_scalar(self.weight_decay);
        }
        self.squared_gradients
            .push(gradient.clone().powi_scalar(2).sum());
        self.tensors.push((name, gradient));
    }
}

struct Pass<'a> {
    path: NamePath,
    velocities: &'a mut BTreeMap<String, Tensor<1>>,
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
