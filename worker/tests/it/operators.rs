//! LibTorch's own operators beside burn's on the pure-Rust engine: values, and gradients by every input.

use burn::tensor::{
    DType, Device, FloatDType, Gradients, Tensor, TensorData, activation,
    module::{batch_norm_train, conv2d},
    ops::ConvOptions,
};
use facetui_worker::model::{
    layer,
    libtorch::{self, Geometry},
};

/// Numbers around 0, none of them twice, the same on every engine.
fn numbers<const D: usize>(shape: [usize; D], seed: usize, device: &Device) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count)
        .map(|place| ((place * 7919 + seed * 104_729) % 10_007) as f32 / 5000.0 - 1.0)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn leaf<const D: usize>(shape: [usize; D], seed: usize, device: &Device) -> Tensor<D> {
    numbers(shape, seed, device).require_grad()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// The output, and the gradients of a weighted sum of it by each of the leaves.
type Results = Vec<Vec<f32>>;

fn backwards<const D: usize>(output: &Tensor<D>, leaves: &[&Lookup]) -> Results {
    let weights = numbers(output.dims(), 9, &output.device());
    let gradients = (output.clone().cast(FloatDType::F32) * weights)
        .sum()
        .backward();
    let mut results = vec![values(output.clone())];
    results.extend(leaves.iter().map(|gradient| gradient(&gradients)));
    results
}

/// What looks up the gradient of one leaf.
type Lookup<'a> = dyn Fn(&Gradients) -> Vec<f32> + 'a;

fn of<const D: usize>(leaf: &Tensor<D>) -> impl Fn(&Gradients) -> Vec<f32> + '_ {
    |gradients| {
        let gradient = leaf.grad(gradients).expect("a gradient");
        assert_eq!(gradient.dtype(), leaf.dtype());
        values(gradient)
    }
}

fn assert_near(what: &str, found: &Results, expected: &Results, share: f32) {
    assert_eq!(found.len(), expected.len());
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{what}, result {place}");
        let largest = expected
            .iter()
            .fold(0.0_f32, |most, value| most.max(value.abs()));
        assert!(largest > 1e-3, "{what}, result {place} would show nothing");
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() <= share * largest,
                "{what}, result {place}: {found}, expected {expected}"
            );
        }
    }
}

/// LibTorch's CPU and the pure-Rust engine, both with automatic differentiation.
fn engines() -> Option<(Device, Device)> {
    let libtorch = libtorch::cpu()?;
    Some((libtorch.autodiff(), Device::flex().autodiff()))
}

const SHAPE: [usize; 4] = [3, 4, 9, 8];

#[test]
fn convolutions_are_burns_in_values_and_gradients() {
    let Some((libtorch, flex)) = engines() else {
        return;
    };
    for (kernel, stride, groups) in [(3, 1, 1), (3, 2, 1), (1, 2, 1), (3, 1, 4)] {
        let geometry = Geometry {
            stride,
            padding: kernel / 2,
            groups,
        };
        let kernels = [8, SHAPE[1] / groups, kernel, kernel];
        let run = |device: &Device, forward: &dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<4>| {
            let (input, weight) = (leaf(SHAPE, 1, device), leaf(kernels, 2, device));
            let output = forward(input.clone(), weight.clone());
            backwards(&output, &[&of(&input), &of(&weight)])
        };
        let expected = run(&flex, &|input, weight| {
            let options = ConvOptions::new([stride; 2], [kernel / 2; 2], [1, 1], groups);
            conv2d(input, weight, None, options)
        });
        let what = format!("kernel {kernel}, stride {stride}, {groups} groups");
        let own = |input: Tensor<4>, weight: Tensor<4>| {
            libtorch::convolution(&input, &weight, geometry).expect("LibTorch's tensors")
        };
        assert_near(&what, &run(&libtorch, &own), &expected, 1e-5);
        // In half the digits, with weights that stay in 32 bits.
        let half = |input: Tensor<4>, weight: Tensor<4>| {
            let output = own(input.cast(FloatDType::BF16), weight);
            assert_eq!(output.dtype(), DType::BF16);
            output
        };
        assert_near(
            &format!("{what}, bf16"),
            &run(&libtorch, &half),
            &expected,
            0.03,
        );
    }
}

#[test]
fn batch_norm_is_burns_in_values_averages_and_gradients() {
    let Some((libtorch, flex)) = engines() else {
        return;
    };
    let run = |device: &Device, own: bool| {
        let input = leaf(SHAPE, 1, device);
        let (gamma, beta) = (leaf([SHAPE[1]], 2, device), leaf([SHAPE[1]], 3, device));
        let result = if own {
            libtorch::batch_norm_train(&input, &gamma, &beta, 1e-3).expect("LibTorch's tensors")
        } else {
            batch_norm_train(input.clone(), gamma.clone(), beta.clone(), 1e-3)
        };
        let leaves: [&Lookup; 3] = [&of(&input), &of(&gamma), &of(&beta)];
        let mut results = backwards(&result.output, &leaves);
        results.extend([values(result.mean), values(result.variance)]);
        results
    };
    assert_near("BatchNorm", &run(&libtorch, true), &run(&flex, false), 2e-5);
}

#[test]
fn prelu_is_burns_in_values_and_gradients() {
    let Some((libtorch, flex)) = engines() else {
        return;
    };
    let run = |device: &Device, own: bool| {
        let (input, slopes) = (leaf(SHAPE, 1, device), leaf([SHAPE[1]], 2, device));
        let output = if own {
            libtorch::prelu(&input, &slopes).expect("LibTorch's tensors")
        } else {
            activation::prelu(input.clone(), slopes.clone())
        };
        backwards(&output, &[&of(&input), &of(&slopes)])
    };
    assert_near("PReLU", &run(&libtorch, true), &run(&flex, false), 1e-5);
}

#[test]
fn batch_norm_prelu_and_convolution_in_one_are_burns_one_after_the_other() {
    let Some((libtorch, flex)) = engines() else {
        return;
    };
    let geometry = Geometry {
        stride: 2,
        padding: 1,
        groups: 1,
    };
    let epsilon = 1e-3;
    let run = |device: &Device, own: bool, rectified: bool, precision: FloatDType| {
        let (input, slopes) = (leaf(SHAPE, 1, device), leaf([SHAPE[1]], 2, device));
        let (gamma, beta) = (leaf([SHAPE[1]], 4, device), leaf([SHAPE[1]], 5, device));
        let weight = leaf([5, SHAPE[1], 3, 3], 3, device);
        let result = if own {
            libtorch::norm_and_convolution(
                &input.clone().cast(precision),
                [&gamma, &beta],
                epsilon,
                rectified.then_some(&slopes),
                &weight,
                geometry,
            )
            .expect("LibTorch's tensors")
        } else {
            let mut result = batch_norm_train(input.clone(), gamma.clone(), beta.clone(), epsilon);
            if rectified {
                result.output = activation::prelu(result.output, slopes.clone());
            }
            let options = ConvOptions::new([2, 2], [1, 1], [1, 1], 1);
            result.output = conv2d(result.output, weight.clone(), None, options);
            result
        };
        let all: [&Lookup; 5] = [
            &of(&input),
            &of(&gamma),
            &of(&beta),
            &of(&weight),
            &of(&slopes),
        ];
        let leaves = if rectified { &all[..] } else { &all[..4] };
        let mut results = backwards(&result.output, leaves);
        results.extend([values(result.mean), values(result.variance)]);
        results
    };
    for rectified in [false, true] {
        let expected = run(&flex, false, rectified, FloatDType::F32);
        for (precision, share) in [(FloatDType::F32, 2e-5), (FloatDType::BF16, 0.04)] {
            let found = run(&libtorch, true, rectified, precision);
            let what = format!("rectified: {rectified}, {precision:?}");
            assert_near(&what, &found, &expected, share);
        }
    }
}

#[test]
fn subsampling_is_the_same_in_any_order_of_memory() {
    let Some((libtorch, flex)) = engines() else {
        return;
    };
    let run = |device: &Device, last: bool| {
        let input = leaf(SHAPE, 1, device);
        // A convolution by ones keeps the order of its input in memory, as a network does.
        let ones = Tensor::ones([SHAPE[1], 1, 1, 1], device);
        let images = if last {
            libtorch::channels_last(input.clone().detach())
        } else {
            input.clone()
        };
        let geometry = Geometry {
            stride: 1,
            padding: 0,
            groups: SHAPE[1],
        };
        let images = libtorch::convolution(&images, &ones, geometry).unwrap_or(images);
        let output = layer::subsample(images, 2);
        if last {
            vec![values(output)]
        } else {
            backwards(&output, &[&of(&input)])
        }
    };
    let expected = run(&flex, false);
    assert_near("planes", &run(&libtorch, false), &expected, 1e-6);
    assert_near(
        "pixels",
        &run(&libtorch, true),
        &vec![expected[0].clone()],
        1e-6,
    );
}
