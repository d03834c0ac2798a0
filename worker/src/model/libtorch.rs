//! The only module that names LibTorch.
//!
//! burn's LibTorch bindings are deprecated upstream and end with burn 0.22, so whatever replaces them
//! replaces this file. Built without the `libtorch` feature, it answers that there is none.
#![allow(deprecated)]

#[cfg(feature = "libtorch")]
mod gradients;
#[cfg(feature = "libtorch")]
mod operators;

#[cfg(feature = "libtorch")]
use burn::backend::{Dispatch, DispatchDevice};
use burn::tensor::{Device, Tensor, module::BatchNormTrainOutput};

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

/// How a square kernel moves over a feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Pixels from one place to the next.
    pub stride: usize,
    /// Zeros around the map.
    pub padding: usize,
    /// Groups of channels that see only each other.
    pub groups: usize,
}

/// Whether tensors of a device, with automatic differentiation or without, are LibTorch's.
#[cfg(feature = "libtorch")]
pub fn is_ours(device: &Device) -> bool {
    let device = device.clone().without_autodiff();
    matches!(device.as_dispatch(), DispatchDevice::LibTorch(_))
}

/// Whether tensors of a device are LibTorch's.
#[cfg(not(feature = "libtorch"))]
pub fn is_ours(_: &Device) -> bool {
    false
}

/// A convolution without bias, by libtorch's own kernels both ways; `None` for tensors of another engine.
///
/// `[batch, channels, height, width]` with kernels `[outputs, channels / groups, height, width]`.
#[cfg(feature = "libtorch")]
pub fn convolution(input: &Tensor<4>, weight: &Tensor<4>, geometry: Geometry) -> Option<Tensor<4>> {
    is_ours(&input.device()).then(|| {
        let (input, weight) = (
            input.clone().into_dispatch(),
            weight.clone().into_dispatch(),
        );
        Tensor::from_dispatch(<Dispatch as operators::Operators>::convolve(
            input, weight, geometry,
        ))
    })
}

/// A convolution without bias, by libtorch's own kernels both ways; `None` for tensors of another engine.
#[cfg(not(feature = "libtorch"))]
pub fn convolution(_: &Tensor<4>, _: &Tensor<4>, _: Geometry) -> Option<Tensor<4>> {
    None
}

/// BatchNorm by the batch's own averages, with libtorch's own kernels; `None` for tensors of another engine.
///
/// `[batch, channels, ...]`; the averages are those of the batch, the variance the biased one.
#[cfg(feature = "libtorch")]
pub fn batch_norm_train<const D: usize>(
    input: &Tensor<D>,
    gamma: &Tensor<1>,
    beta: &Tensor<1>,
    epsilon: f64,
) -> Option<BatchNormTrainOutput<D>> {
    is_ours(&input.device()).then(|| {
        let (output, mean, variance) = <Dispatch as operators::Operators>::normalise(
            input.clone().into_dispatch(),
            gamma.clone().into_dispatch(),
            beta.clone().into_dispatch(),
            epsilon,
        );
        BatchNormTrainOutput {
            output: Tensor::from_dispatch(output),
            mean: Tensor::from_dispatch(mean),
            variance: Tensor::from_dispatch(variance),
        }
    })
}

/// BatchNorm by the batch's own averages, with libtorch's own kernels; `None` for tensors of another engine.
#[cfg(not(feature = "libtorch"))]
pub fn batch_norm_train<const D: usize>(
    _: &Tensor<D>,
    _: &Tensor<1>,
    _: &Tensor<1>,
    _: f64,
) -> Option<BatchNormTrainOutput<D>> {
    None
}

/// PReLU with a slope for each channel, by libtorch's own kernels both ways; `None` for tensors of another engine.
///
/// `[batch, channels, height, width]`; slopes `[channels]`.
#[cfg(feature = "libtorch")]
pub fn prelu(input: &Tensor<4>, slopes: &Tensor<1>) -> Option<Tensor<4>> {
    is_ours(&input.device()).then(|| {
        let (input, slopes) = (
            input.clone().into_dispatch(),
            slopes.clone().into_dispatch(),
        );
        Tensor::from_dispatch(<Dispatch as operators::Operators>::rectify(input, slopes))
    })
}

/// PReLU with a slope for each channel, by libtorch's own kernels both ways; `None` for tensors of another engine.
#[cfg(not(feature = "libtorch"))]
pub fn prelu(_: &Tensor<4>, _: &Tensor<1>) -> Option<Tensor<4>> {
    None
}

/// BatchNorm by the batch's own averages, perhaps a PReLU, and a convolution. What is between them is made again on the way
/// back rather than kept, which halves the memory of a residual unit. `None` for tensors of another engine.
#[cfg(feature = "libtorch")]
pub fn norm_and_convolution(
    input: &Tensor<4>,
    [gamma, beta]: [&Tensor<1>; 2],
    epsilon: f64,
    slopes: Option<&Tensor<1>>,
    weight: &Tensor<4>,
    geometry: Geometry,
) -> Option<BatchNormTrainOutput<4>> {
    use operators::Operators;
    is_ours(&input.device()).then(|| {
        let input = input.clone().into_dispatch();
        let (gamma, beta) = (gamma.clone().into_dispatch(), beta.clone().into_dispatch());
        let weight = weight.clone().into_dispatch();
        let (output, mean, variance) = match slopes {
            None => Dispatch::normalise_and_convolve(input, gamma, beta, weight, epsilon, geometry),
            Some(slopes) => {
                let slopes = slopes.clone().into_dispatch();
                Dispatch::normalise_rectify_and_convolve(
                    input, gamma, beta, slopes, weight, epsilon, geometry,
                )
            }
        };
        BatchNormTrainOutput {
            output: Tensor::from_dispatch(output),
            mean: Tensor::from_dispatch(mean),
            variance: Tensor::from_dispatch(variance),
        }
    })
}

/// BatchNorm, perhaps a PReLU, and a convolution; `None` for tensors of another engine.
#[cfg(not(feature = "libtorch"))]
pub fn norm_and_convolution(
    _: &Tensor<4>,
    _: [&Tensor<1>; 2],
    _: f64,
    _: Option<&Tensor<1>>,
    _: &Tensor<4>,
    _: Geometry,
) -> Option<BatchNormTrainOutput<4>> {
    None
}

/// Every `stride`-th row and column of `[batch, channels, height, width]`, from the first; `None` for tensors of another
/// engine.
#[cfg(feature = "libtorch")]
pub fn subsample(input: &Tensor<4>, stride: usize) -> Option<Tensor<4>> {
    is_ours(&input.device()).then(|| {
        let input = input.clone().into_dispatch();
        Tensor::from_dispatch(<Dispatch as operators::Operators>::subsample(input, stride))
    })
}

/// Every `stride`-th row and column; `None` for tensors of another engine.
#[cfg(not(feature = "libtorch"))]
pub fn subsample(_: &Tensor<4>, _: usize) -> Option<Tensor<4>> {
    None
}

/// The same images, the channels of a pixel beside each other in memory, an order that operators keep; images of another
/// engine as they are. No gradient passes.
#[cfg(feature = "libtorch")]
pub fn channels_last(images: Tensor<4>) -> Tensor<4> {
    if !is_ours(&images.device()) {
        return images;
    }
    let images = images.into_dispatch();
    Tensor::from_dispatch(<Dispatch as operators::Operators>::channels_last(images))
}

/// The images as they are.
#[cfg(not(feature = "libtorch"))]
pub fn channels_last(images: Tensor<4>) -> Tensor<4> {
    images
}

/// Whether a device is LibTorch's CPU, with automatic differentiation or without.
#[cfg(feature = "libtorch")]
pub fn is_cpu(device: &Device) -> bool {
    let device = device.clone().without_autodiff();
    matches!(
        device.as_dispatch(),
        DispatchDevice::LibTorch(burn_tch::LibTorchDevice::Cpu)
    )
}

/// Whether a device is LibTorch's CPU.
#[cfg(not(feature = "libtorch"))]
pub fn is_cpu(_: &Device) -> bool {
    false
}

/// Whether a device is one of LibTorch's CUDA devices, with automatic differentiation or without.
#[cfg(feature = "libtorch")]
pub fn is_cuda(device: &Device) -> bool {
    is_ours(device) && !is_cpu(device)
}

/// Whether a device is one of LibTorch's CUDA devices.
#[cfg(not(feature = "libtorch"))]
pub fn is_cuda(_: &Device) -> bool {
    false
}
