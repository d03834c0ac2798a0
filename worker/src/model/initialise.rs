//! Start values of a network, the same on every engine.
//!
//! They are drawn on the host, each tensor from a stream of its own named by (seed, tensor name), so that
//! neither the device nor the order in which layers are made can change them.

use burn::module::Module;
use facetui::config::{Initialisation, NetworkOptions};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, Normal, Uniform};

use super::{
    network::CLASS_WEIGHTS,
    parameters::{HostTensor, replace},
};

/// Gives every parameter its start value.
///
/// Convolutions, the dense layer and the class weights: as [`Initialisation`] says; gammas N(1, `gamma_deviation`);
/// PReLU slopes `prelu_start`; betas, biases and running means 0, running variances 1.
#[must_use]
pub fn initialise<M: Module>(module: M, seed: u64, options: &NetworkOptions) -> M {
    replace(module, |name, shape| {
        let count = shape.iter().product();
        let role = name.rsplit('.').next().unwrap_or(name);
        let values = match role {
            "gamma" => normal(seed, name, 1.0, options.gamma_deviation, count),
            "alpha" => vec![options.prelu_start as f32; count],
            "running_var" => vec![1.0; count],
            "weight" | CLASS_WEIGHTS => weights(seed, name, shape, options.initialisation),
            _ => vec![0.0; count],
        };
        Some(HostTensor {
            shape: shape.to_vec(),
            values,
        })
    })
}

/// The start values of class weights `[rows, length]`.
pub fn class_weights(seed: u64, shape: [usize; 2], options: &NetworkOptions) -> Vec<f32> {
    weights(seed, CLASS_WEIGHTS, &shape, options.initialisation)
}

fn weights(seed: u64, name: &str, shape: &[usize], initialisation: Initialisation) -> Vec<f32> {
    let count = shape.iter().product();
    match initialisation {
        Initialisation::Xavier => normal(seed, name, 0.0, xavier_deviation(shape), count),
        Initialisation::ArcfaceTorch if name == CLASS_WEIGHTS => {
            normal(seed, name, 0.0, 0.01, count)
        }
        Initialisation::ArcfaceTorch if shape.len() > 2 => normal(seed, name, 0.0, 0.1, count),
        // A matrix [in, out]. PyTorch draws its bias too, which the BatchNorm after it takes away again.
        Initialisation::ArcfaceTorch => {
            let bound = 1.0 / (shape.first().copied().unwrap_or(1).max(1) as f32).sqrt();
            match Uniform::new(-bound, bound) {
                Ok(uniform) => drawn(seed, name, uniform, count),
                Err(_) => vec![0.0; count],
            }
        }
    }
}

/// √(2 / (fan in + fan out)) of a kernel `[out, in, height, width]` or a matrix (Glorot and Bengio 2010).
fn xavier_deviation(shape: &[usize]) -> f64 {
    let area: usize = shape.iter().skip(2).product();
    let fans: usize = shape.iter().take(2).sum::<usize>() * area;
    (2.0 / fans.max(1) as f64).sqrt()
}

fn normal(seed: u64, name: &str, mean: f64, deviation: f64, count: usize) -> Vec<f32> {
    let Ok(normal) = Normal::new(mean as f32, deviation as f32) else {
        return vec![mean as f32; count];
    };
    drawn(seed, name, normal, count)
}

fn drawn(seed: u64, name: &str, distribution: impl Distribution<f32>, count: usize) -> Vec<f32> {
    let stream = u64::from(crc32c::crc32c(name.as_bytes()));
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    distribution
        .sample_iter(&mut generator)
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_is_a_function_of_seed_and_name() {
        let draw = |seed, name| normal(seed, name, 0.0, 1.0, 5);
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
    }

    #[test]
    fn normal_draws_have_the_asked_mean_and_deviation() {
        let values = normal(7, "weights", 1.0, 0.5, 100_000);
        let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / 1e5;
        let variance = values
            .iter()
            .map(|v| (f64::from(*v) - mean).powi(2))
            .sum::<f64>()
            / 1e5;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert!((variance.sqrt() - 0.5).abs() < 0.01, "{variance}");
    }
}
