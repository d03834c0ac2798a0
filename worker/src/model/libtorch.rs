//! The only module that names LibTorch.
//!
//! burn's LibTorch bindings are deprecated upstream and end with burn 0.22, so whatever replaces them
//! replaces this file. Built without the `libtorch` feature, it answers that there is none.
#![allow(deprecated)]

use burn::tensor::Device;

/// What LibTorch can do in this build on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LibTorch {
    /// Whether it is linked.
    pub built: bool,
    /// Whether the linked libtorch knows CUDA at all.
    pub cuda_built: bool,
    /// CUDA devices that it sees.
    pub cuda_devices: usize,
}

/// Asks the linked libtorch, if any.
#[cfg(feature = "libtorch")]
pub fn probe() -> LibTorch {
    LibTorch {
        built: true,
        cuda_built: tch::utils::has_cuda(),
        cuda_devices: usize::try_from(tch::Cuda::device_count()).unwrap_or(0),
    }
}

/// Asks the linked libtorch, if any.
#[cfg(not(feature = "libtorch"))]
pub fn probe() -> LibTorch {
    LibTorch {
        built: false,
        cuda_built: false,
        cuda_devices: 0,
    }
}

/// LibTorch's CPU device, if it is linked.
#[cfg(feature = "libtorch")]
pub fn cpu() -> Option<Device> {
    Some(Device::libtorch())
}

/// LibTorch's CPU device, if it is linked.
#[cfg(not(feature = "libtorch"))]
pub fn cpu() -> Option<Device> {
    None
}

/// A CUDA device that [`probe`] counted.
#[cfg(feature = "libtorch")]
pub fn cuda(index: usize) -> Option<Device> {
    (index < probe().cuda_devices).then(|| Device::libtorch_cuda(index))
}

/// A CUDA device that [`probe`] counted.
#[cfg(not(feature = "libtorch"))]
pub fn cuda(_index: usize) -> Option<Device> {
    None
}
