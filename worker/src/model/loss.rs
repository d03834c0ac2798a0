//! The objectives: additive angular margin, centre, triplet; with gradients that stay finite.

use burn::tensor::{Int, Tensor, activation::log_softmax};
use facetui::config::Mining;

/// Keeps square roots away from 0, where their slope is infinite. In units of a squared chord.
const SMALLEST_SQUARED_CHORD: f64 = 1e-20;

/// The margin and centre terms of a batch, each a scalar `[1]`.
pub struct MarginCentre {
    /// The angular margin loss, mean over the batch.
    pub margin: Tensor<1>,
    /// The centre loss, unweighted.
    pub centre: Tensor<1>,
    /// Share of rows whose own class has the largest cosine, `[1]`, without gradient.
    pub accuracy: Tensor<1>,
    /// The same with the margin applied to the own class.
    pub accuracy_margin: Tensor<1>,
}

/// Additive angular margin loss and angular centre loss.
///
/// `embeddings` `[batch, length]`, `class_weights` `[classes, length]`, neither normalised; `labels` `[batch]`.
/// margin = mean −log softmax(s·cos(θ_y + m) at y, s·cos θ_j elsewhere), and s·(cos θ_y − m·sin m) at y where
/// θ_y > π − m; centre = s·(1 − mean cos θ_y). (ArcFace, Deng et al. 2018; "Improved face recognition for
/// video", 2018.)
///
/// The angle to the own class is never taken from its cosine, whose slope is infinite at θ = 0 and π: with
/// a = ½‖ê − ŵ‖ = sin(θ/2) and b = ½‖ê + ŵ‖ = cos(θ/2), cos θ = b² − a² and sin θ = 2ab keep their digits and
/// their slopes at both ends.
pub fn margin_centre(
    embeddings: Tensor<2>,
    class_weights: Tensor<2>,
    labels: Tensor<1, Int>,
    scale: f64,
    margin: f64,
) -> MarginCentre {
    let embeddings = unit(embeddings);
    let class_weights = unit(class_weights);
    let [batch, _] = embeddings.dims();
    let [classes, _] = class_weights.dims();

    let own = class_weights.clone().select(0, labels.clone());
    let half_sine = half_chord(embeddings.clone() - own.clone());
    let half_cosine = half_chord(embeddings.clone() + own);
    let cosine_own = half_cosine.clone().powi_scalar(2) - half_sine.clone().powi_scalar(2);
    let sine_own = (half_sine.clone() * half_cosine).mul_scalar(2.0);

    let with_margin =
        cosine_own.clone().mul_scalar(margin.cos()) - sine_own.mul_scalar(margin.sin());
    let past = cosine_own.clone().sub_scalar(margin * margin.sin());
    let too_far = cosine_own
        .clone()
        .lower_equal_elem((std::f64::consts::PI - margin).cos());
    let target = with_margin.mask_where(too_far, past);

    let cosine = embeddings.matmul(class_weights.transpose());
    let own_class = labels.clone().one_hot::<2>(classes).bool();
    let accuracy = accuracy(cosine.clone(), labels.clone());
    let logits = cosine.mask_where(
        own_class,
        target.unsqueeze_dim::<2>(1).expand([batch, classes]),
    );
    let accuracy_margin = self::accuracy(logits.clone(), labels.clone());

    let log_probabilities = log_softmax(logits.mul_scalar(scale), 1);
    let margin_loss = log_probabilities
        .gather(1, labels.unsqueeze_dim::<2>(1))
        .mean()
        .neg();
    let centre_loss = half_sine.powi_scalar(2).mean().mul_scalar(2.0 * scale);
    MarginCentre {
        margin: margin_loss,
        centre: centre_loss,
        accuracy,
        accuracy_margin,
    }
}

/// Share of rows whose own class has the largest score, without gradient.
fn accuracy(scores: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    scores
        .inner()
        .argmax(1)
        .squeeze_dim::<1>(1)
        .equal(labels.inner())
        .float()
        .mean()
}

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

/// Rows of length 1.
pub fn unit(rows: Tensor<2>) -> Tensor<2> {
    let length = rows
        .clone()
        .powi_scalar(2)
        .sum_dim(1)
        .clamp_min(SMALLEST_SQUARED_CHORD)
        .sqrt();
    rows / length
}

/// Half the length of each row, `[rows]`.
fn half_chord(difference: Tensor<2>) -> Tensor<1> {
    difference
        .powi_scalar(2)
        .sum_dim(1)
        .squeeze_dim::<1>(1)
        .clamp_min(SMALLEST_SQUARED_CHORD)
        .sqrt()
        .mul_scalar(0.5)
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
    let [batch, length] = embeddings.dims();
    let rows = embeddings
        .clone()
        .unsqueeze_dim::<3>(1)
        .expand([batch, batch, length]);
    let columns = embeddings
        .unsqueeze_dim::<3>(0)
        .expand([batch, batch, length]);
    let distances = (rows - columns)
        .powi_scalar(2)
        .sum_dim(2)
        .squeeze_dim::<2>(2)
        .clamp_min(SMALLEST_SQUARED_CHORD)
        .sqrt();
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
