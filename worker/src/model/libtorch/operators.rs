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

    /// [`Operators::normalise`] and then a convolution; its output, mean and variance. What is between the two is made
    /// again on the way back rather than kept.
    fn normalise_and_convolve(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
        geometry: Geometry,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// The same with a PReLU before the convolution.
    fn normalise_rectify_and_convolve(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
        geometry: Geometry,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

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

    fn normalise_and_convolve(
        input: TchTensor,
        gamma: TchTensor,
        beta: TchTensor,
        weight: TchTensor,
        epsilon: f64,
        geometry: Geometry,
    ) -> (TchTensor, TchTensor, TchTensor) {
        let (normed, mean, variance) = Self::normalise(input, gamma, beta, epsilon);
        (Self::convolve(normed, weight, geometry), mean, variance)
    }

    fn normalise_rectify_and_convolve(
        input: TchTensor,
        gamma: TchTensor,
        beta: TchTensor,
        slopes: TchTensor,
        weight: TchTensor,
        epsilon: f64,
        geometry: Geometry,
    ) -> (TchTensor, TchTensor, TchTensor) {
        let (normed, mean, variance) = Self::normalise(input, gamma, beta, epsilon);
        let rectified = Self::rectify(normed, slopes);
        (Self::convolve(rectified, weight, geometry), mean, variance)
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

    fn normalise_and_convolve(
        input: Tracked<C>,
        gamma: Tracked<C>,
        beta: Tracked<C>,
        weight: Tracked<C>,
        epsilon: f64,
        geometry: Geometry,
    ) -> (Tracked<C>, Tracked<C>, Tracked<C>) {
        let nodes = [input.node(), gamma.node(), beta.node(), weight.node()];
        let [input, gamma, beta, weight] =
            [input, gamma, beta, weight].map(<Tracked<C>>::into_primitive);
        let (output, averages, between) =
            between(input, gamma, beta, None, &weight, epsilon, geometry);
        let operation = NormaliseAndConvolve.prepare::<C>(nodes);
        let output = match operation.compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish(between, output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        };
        let [mean, variance] = averages.map(<Tracked<C>>::new);
        (output, mean, variance)
    }

    fn normalise_rectify_and_convolve(
        input: Tracked<C>,
        gamma: Tracked<C>,
        beta: Tracked<C>,
        slopes: Tracked<C>,
        weight: Tracked<C>,
        epsilon: f64,
        geometry: Geometry,
    ) -> (Tracked<C>, Tracked<C>, Tracked<C>) {
        let nodes = [
            input.node(),
            gamma.node(),
            beta.node(),
            weight.node(),
            slopes.node(),
        ];
        let [input, gamma, beta, weight, slopes] =
            [input, gamma, beta, weight, slopes].map(<Tracked<C>>::into_primitive);
        let (output, averages, between) = between(
            input,
            gamma,
            beta,
            Some(&slopes),
            &weight,
            epsilon,
            geometry,
        );
        let operation = NormaliseRectifyAndConvolve.prepare::<C>(nodes);
        let output = match operation.compute_bound().stateful() {
            OpsKind::Tracked(operation) => operation.finish(between, output),
            OpsKind::UnTracked(operation) => operation.finish(output),
        };
        let [mean, variance] = averages.map(<Tracked<C>>::new);
        (output, mean, variance)
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

/// The output again, with the averages found before; rounding may differ in the last bit.
fn batch_norm_again(
    input: &Tensor,
    gamma: &Tensor,
    beta: &Tensor,
    [mean, inverse_deviation]: [&Tensor; 2],
    epsilon: f64,
) -> Tensor {
    let (mean, variance) = (Some(mean), variance(inverse_deviation, epsilon));
    let (output, ..) = input.native_batch_norm(
        Some(gamma),
        Some(beta),
        mean,
        Some(&variance),
        false,
        0.0,
        epsilon,
    );
    output
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

/// What a BatchNorm, perhaps a PReLU, and a convolution after them keep for the way back: none of what is between them.
#[derive(Debug, Clone)]
struct Between {
    input: TchTensor,
    gamma: TchTensor,
    beta: TchTensor,
    mean: TchTensor,
    /// 1/√(variance + ε).
    inverse: TchTensor,
    epsilon: f64,
    /// As they were used.
    slopes: Option<TchTensor>,
    /// As it was used.
    weight: TchTensor,
    geometry: Geometry,
}

/// The convolution's output; BatchNorm's mean and variance; what is kept.
fn between(
    input: TchTensor,
    gamma: TchTensor,
    beta: TchTensor,
    slopes: Option<&TchTensor>,
    weight: &TchTensor,
    epsilon: f64,
    geometry: Geometry,
) -> (TchTensor, [TchTensor; 2], Between) {
    let (normed, mean, inverse) = batch_norm(&input.tensor, &gamma.tensor, &beta.tensor, epsilon);
    let slopes = slopes.map(|slopes| per_channel(&slopes.tensor, &input.tensor));
    let rectified = match &slopes {
        Some(slopes) => normed.internal_prelu_kernel(slopes),
        None => normed,
    };
    let weight = weight.tensor.to_kind(input.tensor.kind());
    let output = convolution(&rectified, &weight, geometry);
    let variance = TchTensor::new(variance(&inverse, epsilon));
    let mean = TchTensor::new(mean);
    let between = Between {
        input,
        gamma,
        beta,
        mean: mean.clone(),
        inverse: TchTensor::new(inverse),
        epsilon,
        slopes: slopes.map(TchTensor::new),
        weight: TchTensor::new(weight),
        geometry,
    };
    (TchTensor::new(output), [mean, variance], between)
}

impl Between {
    /// Gradients of input, gammas, betas and kernels, and those of the slopes where there are any.
    fn gradients(self, gradient: TchTensor) -> ([TchTensor; 4], Option<TchTensor>) {
        let (input, gamma) = (&self.input.tensor, &self.gamma.tensor);
        let normed = batch_norm_again(
            input,
            gamma,
            &self.beta.tensor,
            [&self.mean.tensor, &self.inverse.tensor],
            self.epsilon,
        );
        let rectified = match &self.slopes {
            Some(slopes) => normed.internal_prelu_kernel(&slopes.tensor),
            None => normed.shallow_clone(),
        };
        let (of_rectified, of_weight) = gradients::convolution(
            &gradient.tensor,
            &rectified,
            &self.weight.tensor,
            self.geometry,
            true,
        );
        drop((gradient, rectified));
        let of_rectified = of_rectified.expect("asked for");
        let (of_normed, of_slopes) = match &self.slopes {
            Some(slopes) => {
                let (of_normed, of_slopes) =
                    prelu_gradients(&of_rectified, &normed, &slopes.tensor);
                (of_normed.tensor, Some(of_slopes))
            }
            None => (of_rectified, None),
        };
        drop(normed);
        let [of_input, of_gamma, of_beta] = gradients::batch_norm(
            &of_normed,
            input,
            gamma,
            &self.mean.tensor,
            &self.inverse.tensor,
            self.epsilon,
        );
        let of_weight = of_weight.to_kind(Kind::Float);
        let all = [of_input, of_gamma, of_beta, of_weight].map(TchTensor::new);
        (all, of_slopes)
    }
}

#[derive(Debug)]
struct NormaliseAndConvolve;

impl Backward<LibTorch, 4> for NormaliseAndConvolve {
    type State = Between;

    fn backward(
        self,
        ops: Ops<Self::State, 4>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = gradients.consume::<LibTorch>(&ops.node);
        let (all, _) = ops.state.gradients(gradient);
        for (node, gradient) in ops.parents.into_iter().zip(all) {
            if let Some(node) = node {
                gradients.register::<LibTorch>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct NormaliseRectifyAndConvolve;

impl Backward<LibTorch, 5> for NormaliseRectifyAndConvolve {
    type State = Between;

    fn backward(
        self,
        ops: Ops<Self::State, 5>,
        gradients: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let gradient = gradients.consume::<LibTorch>(&ops.node);
        let (all, of_slopes) = ops.state.gradients(gradient);
        for (node, gradient) in ops
            .parents
            .into_iter()
            .zip(all.into_iter().chain(of_slopes))
        {
            if let Some(node) = node {
                gradients.register::<LibTorch>(node.id, gradient);
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
