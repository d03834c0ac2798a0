//! The objectives: heads over classes and terms over pairs, with gradients that stay finite.
//!
//! `head` puts together what the classes give: `margin` says what the own class scores, `others` what all the other
//! classes do. `pairs` compares the embeddings of a batch with each other.

mod head;
mod margin;
mod others;
mod pairs;

pub use head::{ClassGradient, ClassInput, ClassTerms};
pub use pairs::{cosine_between, hardnet, triplet};

use burn::tensor::Tensor;

/// Keeps square roots away from 0, where their slope is infinite. In units of a squared chord.
const SMALLEST_SQUARED_CHORD: f64 = 1e-20;

/// The length of each row, `[rows, 1]`.
pub fn lengths(rows: Tensor<2>) -> Tensor<2> {
    rows.powi_scalar(2)
        .sum_dim(1)
        .clamp_min(SMALLEST_SQUARED_CHORD)
        .sqrt()
}

/// Rows of length 1.
pub fn unit(rows: Tensor<2>) -> Tensor<2> {
    let lengths = lengths(rows.clone());
    rows / lengths
}
