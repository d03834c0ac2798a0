//! What all the classes but the own one give, without keeping more than two matrices `[batch, rows]` at any time.
//!
//! Automatic differentiation would keep one for every operation between cosines and loss. So the gradient is worked out
//! here, by the softmax's own formula, outside of it.

use burn::tensor::{IndexingUpdateOp, Int, Tensor};

use super::lengths;

/// Below every score and every logit.
const NEVER: f64 = -1e30;

/// Rows of class weights against which a batch is compared, outside of automatic differentiation.
pub(super) struct Rows {
    /// `[rows, length]`, as they are trained.
    weights: Tensor<2>,
    /// 1 / length of each, `[1, rows]`, where cosines are asked for.
    inverse_lengths: Option<Tensor<2>>,
    /// Rows of each class.
    sub_centres: usize,
}

/// The scores of a batch at all rows; those of the own class are taken out.
pub(super) struct Scores {
    /// `[batch, rows]`, the own class' far below all others.
    others: Tensor<2>,
    /// The own class' row that counts, `[batch]`.
    pub own_rows: Tensor<1, Int>,
    /// Its score, `[batch]`.
    pub own: Tensor<1>,
    /// The best score of the others, `[batch]`.
    pub nearest: Tensor<1>,
}

/// A loss over classes, and how it changes with what it was made from.
pub(super) struct Derived {
    /// Mean over the batch, `[1]`.
    pub value: Tensor<1>,
    /// By the own class' score with its margin, `[batch]`.
    pub by_target: Tensor<1>,
    /// By the scores of the others, `[batch, rows]`.
    by_others: Tensor<2>,
}

impl Rows {
    pub(super) fn new(weights: Tensor<2>, sub_centres: usize, as_cosines: bool) -> Self {
        let inverse_lengths = as_cosines.then(|| lengths(weights.clone()).recip().transpose());
        Self {
            weights,
            inverse_lengths,
            sub_centres,
        }
    }

    /// Compares `embeddings` `[batch, length]`, of length 1 where cosines are asked for, with all rows.
    ///
    /// `labels` `[batch]` are places among the classes of the rows.
    pub(super) fn scores(&self, embeddings: &Tensor<2>, labels: Tensor<1, Int>) -> Scores {
        let products = embeddings.clone().matmul(self.weights.clone().transpose());
        let scores = self.by_length(products);
        let [batch, _] = scores.dims();
        let count = self.sub_centres;
        // The rows of the own class, [batch, sub_centres].
        let first = labels.mul_scalar(count as i64).unsqueeze_dim::<2>(1);
        let places = Tensor::<1, Int>::arange(0..count as i64, &scores.device());
        let rows = first.expand([batch, count]) + places.unsqueeze_dim::<2>(0);
        let own = scores.clone().gather(1, rows.clone());
        let best = own.clone().argmax(1);
        let never = own.zeros_like().add_scalar(NEVER);
        let others = scores.scatter(1, rows.clone(), never, IndexingUpdateOp::Assign);
        Scores {
            own_rows: rows.gather(1, best.clone()).squeeze_dim(1),
            own: own.gather(1, best).squeeze_dim(1),
            nearest: others.clone().max_dim(1).squeeze_dim(1),
            others,
        }
    }

    /// How a loss changes with the embeddings `[batch, length]` and with the rows `[rows, length]`, by the scores of the
    /// others.
    pub(super) fn gradients(
        &self,
        derived: Derived,
        embeddings: Tensor<2>,
    ) -> (Tensor<2>, Tensor<2>) {
        let by_products = self.by_length(derived.by_others);
        let by_embeddings = by_products.clone().matmul(self.weights.clone());
        let by_rows = by_products.transpose().matmul(embeddings);
        let Some(inverse_lengths) = &self.inverse_lengths else {
            return (by_embeddings, by_rows);
        };
        // A row's own direction doesn't change its cosines.
        let along = (by_rows.clone() * self.weights.clone()).sum_dim(1)
            * inverse_lengths.clone().transpose().powi_scalar(2);
        (by_embeddings, by_rows - self.weights.clone() * along)
    }

    fn by_length(&self, products: Tensor<2>) -> Tensor<2> {
        match &self.inverse_lengths {
            Some(inverse) => products * inverse.clone(),
            None => products,
        }
    }
}

impl Scores {
    /// Cross-entropy of `scale` times the scores, the own class' being `target` `[batch]`; of each class its best row.
    pub(super) fn cross_entropy(
        self,
        target: Tensor<1>,
        scale: f64,
        sub_centres: usize,
    ) -> Derived {
        let [batch, rows] = self.others.dims();
        let column = |values: Tensor<1>| values.unsqueeze_dim::<2>(1);
        // All powers are of what lies below the best, so that none overflows.
        let top = self.nearest.max_pair(target.clone());
        let own = (target.clone() - top.clone()).mul_scalar(scale).exp();
        let powers = |scores: Tensor<2>| {
            let below = scores - column(top.clone());
            below.mul_scalar(scale).exp()
        };
        let (powers, total) = if sub_centres == 1 {
            let powers = powers(self.others);
            (powers.clone(), powers.sum_dim(1))
        } else {
            let classes = rows / sub_centres;
            let shape = [batch, classes, sub_centres];
            let each = self.others.reshape(shape);
            let best = each.clone().max_dim(2);
            let powers = powers(best.clone().reshape([batch, classes]));
            let total = powers.clone().sum_dim(1);
            let winners = each.equal(best.expand(shape)).float();
            let powers = winners * powers.unsqueeze_dim::<3>(2);
            (powers.reshape([batch, rows]), total)
        };
        let total = total.squeeze_dim::<1>(1) + own.clone();
        let each = scale / batch as f64;
        let value = total.clone().log() + (top - target).mul_scalar(scale);
        Derived {
            value: value.mean(),
            by_target: (own / total.clone()).sub_scalar(1.0).mul_scalar(each),
            by_others: powers * column(total.recip().mul_scalar(each)),
        }
    }

    /// 2 − (target − the best score of the others), `target` `[batch]` being the own class'.
    pub(super) fn distance_to_nearest(self, target: &Tensor<1>) -> Derived {
        let [batch, _] = self.others.dims();
        let each = 1.0 / batch as f64;
        let place = self.others.clone().argmax(1);
        let share = place.clone().float().mul_scalar(0.0).add_scalar(each);
        let by_others = self.others.zeros_like();
        Derived {
            value: (self.nearest - target.clone()).add_scalar(2.0).mean(),
            by_target: target.zeros_like().sub_scalar(each),
            by_others: by_others.scatter(1, place, share, IndexingUpdateOp::Assign),
        }
    }
}
