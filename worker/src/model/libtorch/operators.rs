//! Convolution, BatchNorm and PReLU as LibTorch's own operators, forwards and backwards.
//!
//! burn derives the gradients of its LibTorch tensors from primitives, which takes twice the time of libtorch's own
//! kernels. These three are nearly all of a residual network; everything else stays burn's.
//!
//! All three compute in the number format of their input: kernels and slopes are converted to it, and their gradients
//! back, so weights stay in 32 bits under mixed precision. BatchNorm's averages are in 32 bits always.

use burn::backend::{Autodiff, Backend, LibTorch, backend_extension, tensor::FloatTensor};
use burn_autodiff::{
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, OpsKind, unary},
};
use burn_tch::TchTensor;
use tch::{Kind, Tensor};

use super::{Geometry, gradients};

/// What a network needs beyond burn's own operators.
#[backend_extension(LibTorch, Autodiff)]
pub(super) trait Operators: Backend {
    /// `[batch, channels, height, width]` with kernels `[outputs, channels / groups, height, width]`.
    fn convolve(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self>;

    /// The output, and the batch's mean and biased variance by channel; the last two carry no gradient.
    fn normalise(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// PReLU with one slope for each channel.
    fn rectify(input: FloatTensor<Self>, slopes: FloatTensor<Self>) -> FloatTensor<Self>;

    /// PReLU and then a convolution. What is between them is made again on the way back rather than kept.
    fn rectify_and_convolve(
        input: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        geometry: Geometry,
    ) -> FloatTensor<Self>;

    /// Every `stride`-th row and column.
    fn subsample(input: FloatTensor<Self>, stride: usize) -> FloatTensor<Self>;

    /// The same numbers, the channels of a pixel beside each other in memory; carries no gradient.
    fn channels_last(input: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl Operators for LibTorch {
    fn convolve(input: TchTensor, weight: TchTensor, geometry: Geometry) -> TchTensor {
        let weight = weight.tensor.to_kind(input.tensor.kind());
        TchTensor::new(convolution(&input.tensor, &weight, geometry))
    }

    fn normalise(
        input: TchTensor,
        gamma: TchTensor,
        beta: TchTensor,
        epsilon: f64,
    ) -> (TchTensor, TchTensor, TchTensor) {
        let (output, mean, inverse) =
            batch_norm(&input.tensor, &gamma.tensor, &beta.tensor, epsilon);
        let variance = variance(&inverse, epsilon);
        (
            TchTensor::new(output),
            TchTensor::new(mean),
            TchTensor::new(variance),
        )
    }

    fn rectify(input: TchTensor, slopes: TchTensor) -> TchTensor {
        let slopes = per_channel(&slopes.tensor, &input.tensor);
        TchTensor::new(input.tensor.internal_prelu_kernel(&slopes))
    }

    fn rectify_and_convolve(
        input: TchTensor,
        slopes: TchTensor,
        weight: TchTensor,
        geometry: Geometry,
    ) -> TchTensor {
        Self::convolve(Self::rectify(input, slopes), weight, geometry)
    }

    fn subsample(input: TchTensor, stride: usize) -> TchTensor {
        TchTensor::from_existing(every(&input.tensor, stride), input.storage)
    }

    fn channels_last(input: TchTensor) -> TchTensor {
        let by_pixel = input.tensor.permute([0, 2, 3, 1]).contiguous();
        TchTensor::from_existing(by_pixel.permute([0, 3, 1, 2]), input.storage)
    }
}

/// A tensor whose operators are recorded.
type Tracked<C> = FloatTensor<Autodiff<LibTorch, C>>;

impl<C: CheckpointStrategy> Operators for Autodiff<LibTorch, C> {
    fn convolve(input: Tracked<C>, weight: Tracked<C>, geometry: Geometry) -> Tracked<C> {
        let ((input, input_node), (weight, weight_node)) =
            (input.into_parts(), weight.into_parts());
        let weight = weight.tensor.to_kind(input.tensor.kind());
        let output = TchTensor::new(convolution(&input.tensor, &weight, geometry));
        let operation = Convolve.prepare::<C>([input_node, weight_node]);
        match operation.compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                let weight = TchTensor::new(weight);
                operation.finish((input, weight, geometry), output)
            }
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn normalise(
        input: Tracked<C>,
        gamma: Tracked<C>,
        beta: Tracked<C>,
        epsilon: f64,
    ) -> (Tracked<C>, Tracked<C>, Tracked<C>) {
        let nodes = [input.node(), gamma.node(), beta.node()];
        let [input, gamma, beta] = [input, gamma, beta].map(<Tracked<C>>::into_primitive);
        let (output, mean, inverse) =
            batch_norm(&input.tensor, &gamma.tensor, &beta.tensor, epsilon);
        let variance = TchTensor::new(variance(&inverse, epsilon));
        let (output, mean) = (TchTensor::new(output), TchTensor::new(mean));
        let output = match Normalise.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                let inverse = TchTensor::new(inverse);
                operation.finish((input, gamma, mean.clone(), inverse, epsilon), output)
            }
            OpsKind::UnTracked(operation) => operation.finish(output),
        };
        (output, <Tracked<C>>::new(mean), <Tracked<C>>::new(variance))
    }

    fn rectify(input: Tracked<C>, slopes: Tracked<C>) -> Tracked<C> {
        let nodes = [input.node(), slopes.node()];
        let [input, slopes] = [input, slopes].map(<Tracked<C>>::into_primitive);
        let slopes = per_channel(&slopes.tensor, &input.tensor);
        let output = TchTensor::new(input.tensor.internal_prelu_kernel(&slopes));
        match Rectify.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                operation.finish((input, TchTensor::new(slopes)), output)
            }
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn rectify_and_convolve(
        input: Tracked<C>,
        slopes: Tracked<C>,
        weight: Tracked<C>,
        geometry: Geometry,
    ) -> Tracked<C> {
        let nodes = [input.node(), slopes.node(), weight.node()];
        let [input, slopes, weight] = [input, slopes, weight].map(<Tracked<C>>::into_primitive);
        let slopes = per_channel(&slopes.tensor, &input.tensor);
        let weight = weight.tensor.to_kind(input.tensor.kind());
        let rectified = input.tensor.internal_prelu_kernel(&slopes);
        let output = TchTensor::new(convolution(&rectified, &weight, geometry));
        let operation = RectifyAndConvolve.prepare::<C>(nodes);
        match operation.compute_bound().stateful() {
            OpsKind::Tracked(operation) => {
                let (slopes, weight) = (TchTensor::new(slopes), TchTensor::new(weight));
                operation.finish((input, slopes, weight, geometry), output)
            }
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn subsample(input: Tracked<C>, stride: usize) -> Tracked<C> {
        let (input, node) = input.into_parts();
        let output = LibTorch::subsample(input.clone(), stride);
        match Subsample.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish((input, stride), output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        }
    }

    fn channels_last(input: Tracked<C>) -> Tracked<C> {
        <Tracked<C>>::new(LibTorch::channels_last(input.into_primitive()))
    }
}

fn every(input: &Tensor, stride: usize) -> Tensor {
    let stride = stride as i64;
    input
        .slice(2, None, None, stride)
        .slice(3, None, None, stride)
}

fn convolution(input: &Tensor, weight: &Tensor, geometry: Geometry) -> Tensor {
    let Geometry {
        stride,
        padding,
        groups,
    } = geometry;
    input.conv2d(
        weight,
        None::<&Tensor>,
        [stride as i64; 2],
        [padding as i64; 2],
        [1, 1],
        groups as i64,
    )
}

/// Output, mean and 1/√(variance + ε).
fn batch_norm(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    epsilon: f64,
) -> (Tensor, Tensor, Tensor) {
    let none = None::<&Tensor>;
    input.native_batch_norm(Some(gamma), Some(beta), none, none, true, 0.0, epsilon)
}

fn variance(inverse_deviation: &Tensor, epsilon: f64) -> Tensor {
    // Rounding may bring the variance of a constant channel below 0.
    (inverse_deviation.pow_tensor_scalar(-2) - epsilon).clamp_min(0.0)
}

/// Slopes as `[1, channels, 1, 1]`, in the number format of the input.
fn per_channel(slopes: &Tensor, input: &Tensor) -> Tensor {
    slopes.to_kind(input.kind()).view([1, -1, 1, 1])
}

#[derive(Debug)]
struct Convolve;

impl Backward<LibTorch, 2> for Convolve {
    /// Input, kernels, geometry.
    type State = (TchTensor, TchTensor, Geometry);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [input_node, weight_node] = ops.parents;
        let gradient = gradients.consume::<LibTorch>(&ops.node);
        let (input, weight, geometry) = ops.state;
        let (of_input, of_weight) = gradients::convolution(
            &gradient.tensor,
            &input.tensor,
            &weight.tensor,
            geometry,
            input_node.is_some(),
        );
        if let Some((node, gradient)) = input_node.zip(of_input) {
            gradients.register::<LibTorch>(node.id, TchTensor::new(gradient));
        }
        if let Some(node) = weight_node {
            let of_weight = of_weight.to_kind(Kind::Float);
            gradients.register::<LibTorch>(node.id, TchTensor::new(of_weight));
        }
    }
}

#[derive(Debug)]
struct Normalise;

impl Backward<LibTorch, 3> for Normalise {
    /// Input, gammas, mean, 1/√(variance + ε), ε.
    type State = (TchTensor, TchTensor, TchTensor, TchTensor, f64);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = gradients.consume::<LibTorch>(&ops.node);
        let (input, gamma, mean, inverse, epsilon) = ops.state;
        let all = gradients::batch_norm(
            &gradient.tensor,
            &input.tensor,
            &gamma.tensor,
            &mean.tensor,
            &inverse.tensor,
            epsilon,
        );
        for (node, gradient) in ops.parents.into_iter().zip(all) {
            if let Some(node) = node {
                gradients.register::<LibTorch>(node.id, TchTensor::new(gradient));
            }
        }
    }
}

#[derive(Debug)]
struct Rectify;

impl Backward<LibTorch, 2> for Rectify {
    /// Input, slopes as they were used.
    type State = (TchTensor, TchTensor);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [input_node, slopes_node] = ops.parents;
        let gradient = gradients.consume::<LibTorch>(&ops.node);
        let (input, slopes) = ops.state;
        let (of_input, of_slopes) =
            prelu_gradients(&gradient.tensor, &input.tensor, &slopes.tensor);
        if let Some(node) = input_node {
            gradients.register::<LibTorch>(node.id, of_input);
        }
        if let Some(node) = slopes_node {
            gradients.register::<LibTorch>(node.id, of_slopes);
        }
    }
}

#[derive(Debug)]
struct RectifyAndConvolve;

impl Backward<LibTorch, 3> for RectifyAndConvolve {
    /// Input, slopes and kernels as they were used, geometry.
    type State = (TchTensor, TchTensor, TchTensor, Geometry);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [input_node, slopes_node, weight_node] = ops.parents;
        let gradient = gradients.consume::<LibTorch>(&ops.node);
        let (input, slopes, weight, geometry) = ops.state;
        let rectified = input.tensor.internal_prelu_kernel(&slopes.tensor);
        let (of_rectified, of_weight) = gradients::convolution(
            &gradient.tensor,
            &rectified,
            &weight.tensor,
            geometry,
            input_node.is_some() || slopes_node.is_some(),
        );
        drop((gradient, rectified));
        if let Some(node) = weight_node {
            let of_weight = of_weight.to_kind(Kind::Float);
            gradients.register::<LibTorch>(node.id, TchTensor::new(of_weight));
        }
        if let Some(of_rectified) = of_rectified {
            let (of_input, of_slopes) =
                prelu_gradients(&of_rectified, &input.tensor, &slopes.tensor);
            if let Some(node) = input_node {
                gradients.register::<LibTorch>(node.id, of_input);
            }
            if let Some(node) = slopes_node {
                gradients.register::<LibTorch>(node.id, of_slopes);
            }
        }
    }
}

/// Gradients of PReLU's input, and of its slopes as `[channels]` in 32 bits.
fn prelu_gradients(gradient: &Tensor, input: &Tensor, slopes: &Tensor) -> (TchTensor, TchTensor) {
    let (of_input, of_slopes) = input.internal_prelu_kernel_backward(gradient, slopes);
    let of_slopes = of_slopes.sum_dim_intlist(&[0_i64, 2, 3][..], false, Kind::Float);
    (TchTensor::new(of_input), TchTensor::new(of_slopes))
}

#[derive(Debug)]
struct Subsample;

impl Backward<LibTorch, 1> for Subsample {
    /// Input, stride.
    type State = (TchTensor, usize);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let (input, stride) = ops.state;
        unary::<LibTorch, _>(ops.parents, ops.node, gradients, |gradient| {
            let all = input.tensor.zeros_like();
            every(&all, stride).copy_(&gradient.tensor);
            TchTensor::new(all)
        });
    }
}
