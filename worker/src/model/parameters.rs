//! A module's tensors by name: what checkpoints hold.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Device, Tensor, TensorData},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use thiserror::Error;

/// Why tensors could not be read.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file can't be read.
    #[error("can't read the weights {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file isn't safetensors, or not of 32-bit floats.
    #[error(
        "{path} isn't a safetensors file of 32-bit floats: {reason}; give a checkpoint that facetui wrote"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A tensor has another shape than the network's.
    #[error(
        "tensor {name} has shape {found:?}, the network expects {expected:?}; the recipe's [network] and [input] must be those of the weights"
    )]
    Shape {
        /// The tensor.
        name: String,
        /// The network's shape.
        expected: Vec<usize>,
        /// The file's shape.
        found: Vec<usize>,
    },
    /// A tensor holds NaN or infinity.
    #[error("tensor {name} holds {value}: these weights are broken; use an older checkpoint")]
    NotFinite {
        /// The tensor.
        name: String,
        /// The number.
        value: f32,
    },
    /// The network has layers that the folded form doesn't know.
    #[error(
        "only L-ResNet-E-IR without squeeze and excitation can be folded; MobileFaceNet and SE networks embed layer by layer"
    )]
    NotFolded,
    /// A tensor of the network is not in the file.
    #[error(
        "the weights lack the tensor {name} of shape {expected:?}; the recipe's [network] and [input] must be those of the weights"
    )]
    Missing {
        /// The tensor.
        name: String,
        /// The network's shape.
        expected: Vec<usize>,
    },
}

/// Tensors by name, on the host, in 32-bit floats.
pub type NamedTensors = BTreeMap<String, HostTensor>;

/// One tensor on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostTensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, the last axis fastest.
    pub values: Vec<f32>,
}

impl HostTensor {
    /// Copies a tensor from its device.
    pub fn from_tensor<const D: usize>(tensor: Tensor<D>) -> Self {
        let data = tensor.into_data();
        Self {
            shape: data.shape().to_vec(),
            // One copy where the values are 32-bit floats already, as they are but for mixed precision.
            values: data
                .as_slice::<f32>()
                .map_or_else(|_| data.iter::<f32>().collect(), <[f32]>::to_vec),
        }
    }

    /// Copies to a device. The caller has checked the rank.
    pub fn to_tensor<const D: usize>(&self, device: &Device) -> Tensor<D> {
        Tensor::from_data(
            TensorData::new(self.values.clone(), self.shape.clone()),
            device,
        )
    }
}

/// Follows a traversal and tells the full name of the parameter at hand.
#[derive(Default)]
pub(crate) struct NamePath(Vec<String>);

impl NamePath {
    pub(crate) fn enter(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    pub(crate) fn exit(&mut self) {
        self.0.pop();
    }

    pub(crate) fn name(&self) -> String {
        self.0.join(".")
    }
}

/// Copies every float tensor of a module to the host, BatchNorm's running averages included.
pub fn snapshot<M: Module>(module: &M) -> NamedTensors {
    snapshot_of(module, |_| true)
}

/// Copies the float tensors whose name passes `wanted` to the host.
pub fn snapshot_of<M: Module>(module: &M, wanted: impl Fn(&str) -> bool) -> NamedTensors {
    struct Collect<F> {
        path: NamePath,
        wanted: F,
        tensors: NamedTensors,
    }
    impl<F: Fn(&str) -> bool> ModuleVisitor for Collect<F> {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let name = self.path.name();
            if (self.wanted)(&name) {
                self.tensors
                    .insert(name, HostTensor::from_tensor(param.val()));
            }
        }
    }
    let mut collect = Collect {
        path: NamePath::default(),
        wanted,
        tensors: NamedTensors::new(),
    };
    module.visit(&mut collect);
    collect.tensors
}

/// Names and shapes of every float tensor of a module, in its own order.
pub fn names_and_shapes<M: Module>(module: &M) -> Vec<(String, Vec<usize>)> {
    struct Names {
        path: NamePath,
        shapes: Vec<(String, Vec<usize>)>,
    }
    impl ModuleVisitor for Names {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.shapes
                .push((self.path.name(), param.lazy_shape().to_vec()));
        }
    }
    let mut names = Names {
        path: NamePath::default(),
        shapes: Vec::new(),
    };
    module.visit(&mut names);
    names.shapes
}

/// The first tensor of a module, in its own order, with a value that is not finite.
///
/// BatchNorm's running averages count: they tell in which layer numbers first went wrong.
pub fn first_not_finite<M: Module>(module: &M) -> Option<String> {
    struct Search {
        path: NamePath,
        found: Option<String>,
    }
    impl ModuleVisitor for Search {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.found.is_none() && !is_finite(param.val()) {
                self.found = Some(self.path.name());
            }
        }
    }
    let mut search = Search {
        path: NamePath::default(),
        found: None,
    };
    module.visit(&mut search);
    search.found
}

/// Whether every value is finite.
pub(crate) fn is_finite<const D: usize>(tensor: Tensor<D>) -> bool {
    // A sum of squares is finite only if each is; one that overflows is as good as lost.
    let squares = tensor.powi_scalar(2).sum().into_data();
    squares.iter::<f32>().all(f32::is_finite)
}

/// Replaces every float tensor by what `value` gives for its name and shape; `None` keeps it.
pub fn replace<M: Module>(module: M, value: impl FnMut(&str, &[usize]) -> Option<HostTensor>) -> M {
    struct Replace<F> {
        path: NamePath,
        value: F,
    }
    impl<F: FnMut(&str, &[usize]) -> Option<HostTensor>> ModuleMapper for Replace<F> {
        fn enter_module(&mut self, name: &str, _container: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container: &str) {
            self.path.exit();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let shape = param.lazy_shape().to_vec();
            let Some(new) = (self.value)(&self.path.name(), &shape) else {
                return param;
            };
            let (id, old, mapper) = param.consume();
            let device = old.device().without_autodiff();
            let tracked = old.is_require_grad();
            let mut tensor = new.to_tensor::<D>(&device);
            if old.device().is_autodiff() {
                tensor = Tensor::from_inner(tensor).set_require_grad(tracked);
            }
            Param::from_mapped_value(id, tensor, mapper)
        }
    }
    module.map(&mut Replace {
        path: NamePath::default(),
        value,
    })
}

/// Loads the tensors whose name passes `wanted` into a module.
///
/// # Errors
/// A wanted tensor is missing or has another shape; the module is not changed then.
pub fn load<M: Module>(
    module: M,
    tensors: &NamedTensors,
    wanted: impl Fn(&str) -> bool,
) -> Result<M, WeightsError> {
    for (name, expected) in names_and_shapes(&module) {
        if !wanted(&name) {
            continue;
        }
        match tensors.get(&name) {
            None => return Err(WeightsError::Missing { name, expected }),
            Some(found) if found.shape != expected => {
                return Err(WeightsError::Shape {
                    name,
                    expected,
                    found: found.shape.clone(),
                });
            }
            Some(_) => {}
        }
    }
    Ok(replace(module, |name, _| {
        wanted(name).then(|| tensors.get(name).cloned()).flatten()
    }))
}

/// The bytes of a safetensors file, with a note of a name and a text in its metadata.
///
/// # Errors
/// The library refuses the tensors, as it does with too large ones.
pub fn to_safetensors(
    tensors: &NamedTensors,
    note: Option<(&str, String)>,
) -> Result<Vec<u8>, safetensors::SafeTensorError> {
    let views = tensors
        .iter()
        .map(|(name, tensor)| {
            // The file's numbers are little-endian, as those of every machine that libtorch runs on.
            let raw: &[u8] = bytemuck::cast_slice(&tensor.values);
            TensorView::new(Dtype::F32, tensor.shape.clone(), raw).map(|view| (name, view))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let note = note.map(|(name, text)| [(name.to_owned(), text)].into());
    safetensors::serialize(views, note)
}

/// Reads a safetensors file of 32-bit floats.
///
/// # Errors
/// The file can't be read, is damaged, or holds another type.
pub fn read_safetensors(path: &Path) -> Result<NamedTensors, WeightsError> {
    let bytes = std::fs::read(path).map_err(|source| WeightsError::Read {
        path: path.to_owned(),
        source,
    })?;
    let format = |reason: String| WeightsError::Format {
        path: path.to_owned(),
        reason,
    };
    let file = SafeTensors::deserialize(&bytes).map_err(|error| format(error.to_string()))?;
    file.iter()
        .map(|(name, view)| {
            if view.dtype() != Dtype::F32 {
                return Err(format(format!("tensor {name} is {:?}", view.dtype())));
            }
            let values = view
                .data()
                .chunks_exact(4)
                .map(|raw| f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]))
                .collect();
            Ok((
                name.to_owned(),
                HostTensor {
                    shape: view.shape().to_vec(),
                    values,
                },
            ))
        })
        .collect()
}
