//! The exponential moving average of a network's tensors (EMA): often better than the weights it follows.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Tensor},
};

use crate::model::{
    network::Network,
    parameters::{HostTensor, NamePath, NamedTensors},
};

/// Averages by tensor name, BatchNorm's running averages included; flat, on the device.
#[derive(Default)]
pub struct Average {
    tensors: BTreeMap<String, Tensor<1>>,
}

impl Average {
    /// Moves towards the network: average ← decay·average + (1 − decay)·weights. It starts as the first weights.
    pub fn follow(&mut self, network: &Network, decay: f64) {
        struct Follow<'a> {
            path: NamePath,
            tensors: &'a mut BTreeMap<String, Tensor<1>>,
            decay: f64,
        }
        impl ModuleVisitor for Follow<'_> {
            fn enter_module(&mut self, name: &str, _container: &str) {
                self.path.enter(name);
            }
            fn exit_module(&mut self, _name: &str, _container: &str) {
                self.path.exit();
            }
            fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
                let tensor = param.val();
                let tensor = if tensor.device().is_autodiff() {
                    tensor.inner()
                } else {
                    tensor
                };
                let count: usize = tensor.dims().iter().product();
                let weights = tensor.reshape([count]);
                let name = self.path.name();
                let average = match self.tensors.remove(&name) {
                    Some(average) => {
                        average.mul_scalar(self.decay) + weights.mul_scalar(1.0 - self.decay)
                    }
                    None => weights,
                };
                self.tensors.insert(name, average);
            }
        }
        network.visit(&mut Follow {
            path: NamePath::default(),
            tensors: &mut self.tensors,
            decay,
        });
    }

    /// Copies the averages of these weights to the host, in their shapes.
    pub fn snapshot(&self, weights: &NamedTensors) -> NamedTensors {
        self.tensors
            .iter()
            .filter_map(|(name, average)| {
                let shape = weights.get(name)?.shape.clone();
                let flat = HostTensor::from_tensor(average.clone());
                Some((name.clone(), HostTensor { shape, ..flat }))
            })
            .collect()
    }

    /// Averages that go on from a snapshot.
    pub fn restore(tensors: &NamedTensors, device: &Device) -> Self {
        let tensors = tensors.iter().map(|(name, tensor)| {
            let flat = HostTensor {
                shape: vec![tensor.values.len()],
                values: tensor.values.clone(),
            };
            (name.clone(), flat.to_tensor(device))
        });
        Self {
            tensors: tensors.collect(),
        }
    }
}
