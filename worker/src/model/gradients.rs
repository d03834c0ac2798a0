//! Gradients by parameter name, before they become a step.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Gradients, Tensor},
};

use super::{
    optimiser::is_decayed,
    parameters::{NamePath, is_finite},
};

/// The gradient of an objective, flat, by parameter name.
#[derive(Default)]
pub struct NamedGradients {
    /// In the network's order.
    tensors: Vec<(String, Tensor<1>)>,
}

impl NamedGradients {
    /// Takes the gradients of a module's parameters.
    pub fn of<M: Module>(module: &M, gradients: Gradients) -> Self {
        struct Gather {
            path: NamePath,
            gradients: Gradients,
            tensors: Vec<(String, Tensor<1>)>,
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
                if let Some(gradient) = tensor.grad_remove(&mut self.gradients) {
                    let count: usize = tensor.dims().iter().product();
                    self.tensors
                        .push((self.path.name(), gradient.reshape([count])));
                }
            }
        }
        let mut gather = Gather {
            path: NamePath::default(),
            gradients,
            tensors: Vec::new(),
        };
        module.visit(&mut gather);
        Self {
            tensors: gather.tensors,
        }
    }

    /// Puts in the gradient of a parameter that automatic differentiation doesn't know; `[rows, length]`.
    pub fn insert(&mut self, name: &str, gradient: Tensor<2>) {
        let count: usize = gradient.dims().iter().product();
        self.tensors
            .push((name.to_owned(), gradient.reshape([count])));
    }

    /// Takes out the gradient of one parameter.
    pub fn take(&mut self, name: &str) -> Option<Tensor<1>> {
        let place = self.tensors.iter().position(|(known, _)| known == name)?;
        Some(self.tensors.remove(place).1)
    }

    /// Adds those of another part of the batch, which has the same parameters in the same order.
    pub fn add(&mut self, other: Self) {
        if self.tensors.is_empty() {
            *self = other;
            return;
        }
        let own = std::mem::take(&mut self.tensors);
        self.tensors = own
            .into_iter()
            .zip(other.tensors)
            .map(|((name, own), (_, other))| (name, own + other))
            .collect();
    }

    /// Multiplies all.
    pub fn scale(&mut self, factor: f64) {
        for (_, gradient) in &mut self.tensors {
            *gradient = gradient.clone().mul_scalar(factor);
        }
    }

    /// Adds the decay's gradient, `weight_decay` being α; gives α·Σw²/2 over the decayed parameters.
    ///
    /// `rows` are the class weights that take part, where they are no parameter of the module.
    pub fn add_decay<M: Module>(
        &mut self,
        module: &M,
        rows: Option<(&str, Tensor<2>)>,
        weight_decay: f64,
    ) -> f64 {
        struct Decay<'a> {
            path: NamePath,
            gradients: BTreeMap<&'a str, &'a mut Tensor<1>>,
            factor: f64,
            squares: Vec<Tensor<1>>,
        }
        impl Decay<'_> {
            fn one(&mut self, name: &str, weights: Tensor<1>) {
                if let Some(gradient) = self.gradients.get_mut(name) {
                    self.squares.push(weights.clone().powi_scalar(2).sum());
                    **gradient = gradient.clone() + weights.mul_scalar(self.factor);
                }
            }
        }
        impl ModuleVisitor for Decay<'_> {
            fn enter_module(&mut self, name: &str, _container: &str) {
                self.path.enter(name);
            }
            fn exit_module(&mut self, _name: &str, _container: &str) {
                self.path.exit();
            }
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let name = self.path.name();
                if self.gradients.contains_key(name.as_str()) {
                    let weights = param.val().inner();
                    let count: usize = weights.dims().iter().product();
                    self.one(&name, weights.reshape([count]));
                }
            }
        }
        if weight_decay <= 0.0 {
            return 0.0;
        }
        let decayed = self.tensors.iter_mut().filter(|(name, _)| is_decayed(name));
        let mut decay = Decay {
            path: NamePath::default(),
            gradients: decayed
                .map(|(name, gradient)| (name.as_str(), gradient))
                .collect(),
            factor: weight_decay,
            squares: Vec::new(),
        };
        module.visit(&mut decay);
        if let Some((name, rows)) = rows {
            let count: usize = rows.dims().iter().product();
            decay.one(name, rows.reshape([count]));
        }
        weight_decay / 2.0 * total(decay.squares)
    }

    /// Euclidean length of the whole gradient.
    pub fn norm(&self) -> f64 {
        let squares = self
            .tensors
            .iter()
            .map(|(_, gradient)| gradient.clone().powi_scalar(2).sum());
        total(squares.collect()).sqrt()
    }

    /// The parameter nearest the loss whose gradient is not finite.
    pub fn not_finite(&self) -> Option<&str> {
        self.tensors
            .iter()
            .rev()
            .find(|(_, gradient)| !is_finite((*gradient).clone()))
            .map(|(name, _)| name.as_str())
    }

    /// Every gradient with its parameter's name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor<1>)> {
        self.tensors
            .iter()
            .map(|(name, gradient)| (name.as_str(), gradient))
    }

    pub(super) fn into_map(self) -> BTreeMap<String, Tensor<1>> {
        self.tensors.into_iter().collect()
    }
}

/// The sum of scalars, fetched from the device at once.
fn total(scalars: Vec<Tensor<1>>) -> f64 {
    if scalars.is_empty() {
        return 0.0;
    }
    // Summed on the host in 64 bits, in the network's fixed order.
    Tensor::cat(scalars, 0)
        .into_data()
        .iter::<f32>()
        .map(f64::from)
        .sum()
}
