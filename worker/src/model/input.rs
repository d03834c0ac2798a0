//! Bytes of faces as network input.

use burn::tensor::{DType, Device, FloatDType, Int, Tensor, TensorData};
use facetui::config::{MemoryFormat, Precision, Scaling};

use super::libtorch;

/// Bytes `[n, height, width, 3]` to network input `[n, 3, height, width]`, (x − 127.5) / 128.
pub fn to_input(bytes: &[u8], height: usize, width: usize, device: &Device) -> Tensor<4> {
    let size = [height, width];
    if libtorch::is_cuda(device) {
        scaled_there(bytes, size, device)
    } else {
        scaled_here(bytes, size, device)
    }
}

/// Sends the bytes, a quarter of the numbers that they become.
fn scaled_there(bytes: &[u8], [height, width]: [usize; 2], device: &Device) -> Tensor<4> {
    let Scaling { mean, divisor } = Scaling::default();
    let count = bytes.len() / (height * width * 3);
    let pixels = TensorData::new(bytes.to_vec(), [count, height, width, 3]);
    let pixels = Tensor::<4, Int>::from_data(pixels, (device, DType::U8));
    // By way of a row the planes come to lie one after the other.
    let planes = pixels.permute([0, 3, 1, 2]).reshape([bytes.len()]);
    planes
        .reshape([count, 3, height, width])
        .float()
        .sub_scalar(mean)
        .div_scalar(divisor)
}

/// On a CPU that takes a quarter of the time of the other way.
fn scaled_here(bytes: &[u8], [height, width]: [usize; 2], device: &Device) -> Tensor<4> {
    let count = bytes.len() / (height * width * 3);
    let mut values = vec![0.0_f32; bytes.len()];
    to_planes(bytes, height * width, Scaling::default(), &mut values);
    let images = TensorData::new(values, [count, 3, height, width]);
    Tensor::from_data(images, device)
}

/// Images in a number format and an order in memory, which the operators of a network then keep.
pub fn in_format(images: Tensor<4>, precision: Precision, order: MemoryFormat) -> Tensor<4> {
    let images = images.cast(match precision {
        Precision::F32 => FloatDType::F32,
        Precision::Bf16 => FloatDType::BF16,
        Precision::F16 => FloatDType::F16,
    });
    match order {
        MemoryFormat::Auto => in_liked_order(images),
        MemoryFormat::Contiguous => images,
        MemoryFormat::ChannelsLast => libtorch::channels_last(images),
    }
}

/// The same images, on LibTorch's CPU with the channels of a pixel beside each other: its convolutions then need not
/// rearrange what they get.
pub fn in_liked_order(images: Tensor<4>) -> Tensor<4> {
    if libtorch::is_cpu(&images.device()) {
        libtorch::channels_last(images)
    } else {
        images
    }
}

/// Bytes of faces, three a pixel, to their planes, `area` pixels each, scaled; `values` is as long as `bytes`.
pub fn to_planes(bytes: &[u8], area: usize, scaling: Scaling, values: &mut [f32]) {
    for (image, planes) in bytes
        .chunks_exact(area * 3)
        .zip(values.chunks_exact_mut(area * 3))
    {
        for (position, pixel) in image.chunks_exact(3).enumerate() {
            for (channel, value) in pixel.iter().enumerate() {
                planes[channel * area + position] = scaling.apply(*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_the_same_numbers_here_and_on_the_device() {
        let size = [4, 3];
        let bytes: Vec<u8> = (0..2 * 4 * 3 * 3).map(|place| (place * 37) as u8).collect();
        for device in [Some(Device::flex()), libtorch::cpu()]
            .into_iter()
            .flatten()
        {
            for device in [device.clone(), device.autodiff()] {
                let numbers = |images: Tensor<4>| -> Vec<f32> {
                    assert_eq!(images.dims(), [2, 3, 4, 3]);
                    images.into_data().iter::<f32>().collect()
                };
                let here = numbers(scaled_here(&bytes, size, &device));
                assert_eq!(here, numbers(scaled_there(&bytes, size, &device)));
                assert!((here[0] + 127.5 / 128.0).abs() < 1e-6);
            }
        }
    }
}
