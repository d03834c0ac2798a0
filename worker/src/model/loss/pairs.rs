//! Terms over pairs of a batch: triplets and HardNet's pairs.

use burn::tensor::{Int, Tensor};
use facetui::config::Mining;

use super::{SMALLEST_SQUARED_CHORD, unit};

/// Mean cosine between embeddings of different labels, `[1]`, without gradient; 0 where all labels are the same.
///
/// `embeddings` `[batch, length]`, not normalised; `labels` `[batch]`. Near 1 the embeddings have collapsed.
pub fn cosine_between(embeddings: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let embeddings = unit(embeddings.inner());
    let labels = labels.inner();
    let [batch, _] = embeddings.dims();
    let different = labels
        .clone()
        .unsqueeze_dim::<2>(1)
        .expand([batch, batch])
        .not_equal(labels.unsqueeze_dim::<2>(0).expand([batch, batch]))
        .float();
    let cosine = embeddings.clone().matmul(embeddings.transpose());
    (cosine * different.clone()).sum() / different.sum().clamp_min(1.0)
}

/// Triplet loss on unit embeddings with Euclidean distance, a scalar `[1]`.
///
/// `embeddings` `[batch, length]`, not normalised; `labels` `[batch]`. Batch-hard: for every anchor
/// max(0, d(farthest positive) − d(nearest negative) + margin), mean over anchors. Batch-all: the same over all
/// triplets, mean over those above 0 (Hermans, Beyer and Leibe 2017).
pub fn triplet(
    embeddings: Tensor<2>,
    labels: Tensor<1, Int>,
    margin: f64,
    mining: Mining,
) -> Tensor<1> {
    let embeddings = unit(embeddings);
    let [batch, _] = embeddings.dims();
    let distances = distances(&embeddings, &embeddings);
    let same = labels
        .clone()
        .unsqueeze_dim::<2>(1)
        .expand([batch, batch])
        .equal(labels.unsqueeze_dim::<2>(0).expand([batch, batch]));
    let itself = Tensor::<2, Int>::eye(batch, &distances.device()).bool();
    let positive = same.clone().bool_and(itself.bool_not());
    let negative = same.bool_not();
    match mining {
        Mining::BatchHard => {
            // No distance of unit vectors passes 2, so ∓4 never wins.
            let farthest = distances
                .clone()
                .mask_fill(positive.bool_not(), -4.0)
                .max_dim(1);
            let nearest = distances.mask_fill(negative.bool_not(), 4.0).min_dim(1);
            (farthest - nearest)
                .add_scalar(margin)
                .clamp_min(0.0)
                .mean()
        }
        Mining::BatchAll => {
            let anchor_positive = distances.clone().unsqueeze_dim::<3>(2);
            let anchor_negative = distances.unsqueeze_dim::<3>(1);
            let valid = positive
                .unsqueeze_dim::<3>(2)
                .expand([batch, batch, batch])
                .bool_and(negative.unsqueeze_dim::<3>(1).expand([batch, batch, batch]));
            let losses = (anchor_positive - anchor_negative)
                .add_scalar(margin)
                .clamp_min(0.0)
                .mask_fill(valid.bool_not(), 0.0);
            let active = losses
                .clone()
                .detach()
                .greater_elem(0.0)
                .float()
                .sum()
                .clamp_min(1.0);
            losses.sum() / active
        }
    }
}

/// HardNet's loss on unit embeddings with Euclidean distance, a scalar `[1]` (Mishchuk et al. 2017).
///
/// `anchors` and `positives` `[pairs, length]`, not normalised; row i of each is one person, no two rows are the same.
/// Mean over pairs of max(0, margin + d(pair) − d(nearest that doesn't match, of the anchor or of the positive)).
pub fn hardnet(anchors: Tensor<2>, positives: Tensor<2>, margin: f64) -> Tensor<1> {
    let distances = distances(&unit(anchors), &unit(positives));
    let [pairs, _] = distances.dims();
    let matching = Tensor::<2, Int>::eye(pairs, &distances.device()).bool();
    // No distance of unit vectors passes 2, so 4 never wins.
    let others = distances.clone().mask_fill(matching.clone(), 4.0);
    let nearest = others
        .clone()
        .min_dim(1)
        .squeeze_dim::<1>(1)
        .min_pair(others.min_dim(0).squeeze_dim::<1>(0));
    let own = distances
        .mask_fill(matching.bool_not(), 0.0)
        .sum_dim(1)
        .squeeze_dim::<1>(1);
    (own - nearest).add_scalar(margin).clamp_min(0.0).mean()
}

/// Euclidean distances of the rows of two matrices, `[left, right]`.
///
/// From the differences themselves: a product of the rows would lose the digits of small distances.
fn distances(left: &Tensor<2>, right: &Tensor<2>) -> Tensor<2> {
    let ([rows, length], [columns, _]) = (left.dims(), right.dims());
    let shape = [rows, columns, length];
    let left = left.clone().unsqueeze_dim::<3>(1).expand(shape);
    let right = right.clone().unsqueeze_dim::<3>(0).expand(shape);
    (left - right)
        .powi_scalar(2)
        .sum_dim(2)
        .squeeze_dim::<2>(2)
        .clamp_min(SMALLEST_SQUARED_CHORD)
        .sqrt()
}
