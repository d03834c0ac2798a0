//! The terms of a head over classes.

use burn::tensor::{Gradients, IndexingUpdateOp, Int, Tensor};
use facetui::config::Head;

use super::{
    lengths,
    margin::{Angles, START_LENGTHS, moved_lengths, qualities},
    others::Rows,
};

/// What a head looks at.
pub struct ClassInput {
    /// `[batch, length]`, not normalised.
    pub embeddings: Tensor<2>,
    /// The centres of the classes that take part, `[classes · sub_centres, length]`, not normalised, class by class;
    /// without automatic differentiation.
    pub class_weights: Tensor<2>,
    /// Places among these classes, `[batch]`; without automatic differentiation.
    pub labels: Tensor<1, Int>,
    /// Centres of each class.
    pub sub_centres: usize,
    /// AdaFace's running mean and deviation of the embeddings' lengths, `[2]`, `None` before the first batch; without
    /// automatic differentiation.
    pub running_lengths: Option<Tensor<1>>,
}

/// The terms of a batch, each a scalar `[1]`, and what else is worth knowing of it.
pub struct ClassTerms {
    /// The head's own term, mean over the batch.
    pub margin: Tensor<1>,
    /// The centre term, unweighted, of heads that have a margin.
    pub centre: Option<Tensor<1>>,
    /// MagFace's term that makes lengths grow, unweighted.
    pub magnitude: Option<Tensor<1>>,
    /// Share of rows whose own class has the best score, `[1]`, without gradient.
    pub accuracy: Tensor<1>,
    /// The same with the margin applied to the own class.
    pub accuracy_margin: Tensor<1>,
    /// cos θ_y, `[batch]`, without gradient.
    pub cosine_own: Tensor<1>,
    /// The largest cosine to a centre of another class, `[batch]`, without gradient, where there are cosines and others.
    pub cosine_nearest: Option<Tensor<1>>,
    /// AdaFace's running lengths after this batch.
    pub running_lengths: Option<Tensor<1>>,
    /// How they change with the class weights.
    pub class_gradient: ClassGradient,
}

/// How the terms change with the class weights.
pub struct ClassGradient {
    /// The weights of the own classes, `[batch, length]`: a leaf of automatic differentiation.
    own: Tensor<2>,
    /// The rows that they are.
    own_rows: Tensor<1, Int>,
    /// How the head's own term changes with each row where it is another's, `[rows, length]`.
    by_others: Tensor<2>,
}

impl ClassTerms {
    /// The terms of a head.
    ///
    /// With s the scale, cos θ_j the cosine between an embedding and class j, and t what the head's margin makes of
    /// cos θ_y: margin = mean −log softmax(s·t at y, s·cos θ_j elsewhere), and for the margin loss mean 2 − (cos θ_y −
    /// max cos θ_j); centre = s·(1 − mean cos θ_y) ("Improved face recognition for video", 2018); magnitude = mean
    /// a/u_a² + 1/a, a the embedding's length within its bounds (MagFace, Meng et al. 2021). The formulas of t are with
    /// each head's name in [`Head`].
    pub fn new(head: Head, input: ClassInput) -> Self {
        let ClassInput {
            embeddings,
            class_weights,
            labels,
            sub_centres,
            running_lengths,
        } = input;
        let as_cosines = head != Head::Softmax;
        let lengths = lengths(embeddings.clone());
        let units = embeddings.clone() / lengths.clone();
        let lengths = lengths.squeeze_dim::<1>(1);
        let compared = if as_cosines {
            units.clone()
        } else {
            embeddings
        };

        let has_others = class_weights.dims()[0] > sub_centres;
        let rows = Rows::new(class_weights.clone(), sub_centres, as_cosines);
        let scores = rows.scores(&compared.clone().inner(), labels);
        let own_rows = scores.own_rows.clone();
        let own = class_weights.select(0, own_rows.clone());
        let own = Tensor::from_inner(own).require_grad();
        let angles = Angles::between(units, super::unit(own.clone()));
        let cosine = angles.cosine();

        let Target {
            score: target,
            magnitude,
            running_lengths,
        } = match head {
            Head::Softmax => {
                let product = compared.clone() * own.clone();
                Target::of(product.sum_dim(1).squeeze_dim::<1>(1))
            }
            _ => Target::new(head, &angles, &lengths, running_lengths),
        };

        let nearest = scores.nearest.clone();
        let share = |own: Tensor<1>| own.greater(nearest.clone()).float().mean();
        let accuracy = share(scores.own.clone());
        let accuracy_margin = share(target.clone().inner());
        let scale = scale_of(head);
        let derived = if head == Head::MarginLoss {
            scores.distance_to_nearest(&target.clone().inner())
        } else {
            scores.cross_entropy(target.clone().inner(), scale, sub_centres)
        };
        let (value, by_target) = (derived.value.clone(), derived.by_target.clone());
        let (by_embeddings, by_others) = rows.gradients(derived, compared.clone().inner());
        let slope = (target * Tensor::from_inner(by_target)).sum()
            + (compared * Tensor::from_inner(by_embeddings)).sum();
        Self {
            margin: with_value(slope, value),
            centre: head
                .has_margin()
                .then(|| angles.one_minus_cosine().mean().mul_scalar(scale)),
            magnitude,
            accuracy,
            accuracy_margin,
            cosine_own: cosine.inner(),
            cosine_nearest: (as_cosines && has_others).then_some(nearest),
            running_lengths,
            class_gradient: ClassGradient {
                own,
                own_rows,
                by_others,
            },
        }
    }
}

impl ClassGradient {
    /// How an objective changes with the class weights, `[rows, length]`; `margin_weight` is that of the head's own term
    /// in it, and `gradients` are those of the whole objective.
    pub fn by_rows(self, gradients: &mut Gradients, margin_weight: f64) -> Tensor<2> {
        let by_rows = self.by_others.mul_scalar(margin_weight);
        match self.own.grad_remove(gradients) {
            Some(own) => by_rows.select_assign(0, self.own_rows, own, IndexingUpdateOp::Add),
            None => by_rows,
        }
    }
}

/// What a head makes of the own class' score.
struct Target {
    /// `[batch]`.
    score: Tensor<1>,
    magnitude: Option<Tensor<1>>,
    running_lengths: Option<Tensor<1>>,
}

impl Target {
    fn of(score: Tensor<1>) -> Self {
        Self {
            score,
            magnitude: None,
            running_lengths: None,
        }
    }

    /// The score of heads whose scores are cosines.
    fn new(
        head: Head,
        angles: &Angles,
        lengths: &Tensor<1>,
        running_lengths: Option<Tensor<1>>,
    ) -> Self {
        match head {
            Head::Arcface {
                margin,
                straight_through,
                ..
            } => {
                let target = angles.with_added_constant(margin);
                Self::of(passed_by(straight_through, &angles.cosine(), target))
            }
            Head::Combined {
                m1,
                m2,
                m3,
                straight_through,
                ..
            } => {
                let target = angles.with_combined(m1, m2, m3);
                Self::of(passed_by(straight_through, &angles.cosine(), target))
            }
            Head::Cosface { margin, .. } => Self::of(angles.cosine().sub_scalar(margin)),
            Head::Softmax | Head::NormalisedSoftmax { .. } | Head::MarginLoss => {
                Self::of(angles.cosine())
            }
            Head::Adaface {
                margin,
                concentration,
                norm_decay,
                ..
            } => {
                let batch = lengths.clone().inner();
                let running = running_lengths
                    .unwrap_or_else(|| Tensor::from_floats(START_LENGTHS, &batch.device()));
                let running = moved_lengths(running, batch.clone(), norm_decay);
                let qualities = qualities(&running, batch, concentration);
                Self {
                    score: angles.with_quality(margin, Tensor::from_inner(qualities)),
                    magnitude: None,
                    running_lengths: Some(running),
                }
            }
            Head::Magface {
                lower_norm,
                upper_norm,
                lower_margin,
                upper_margin,
                ..
            } => {
                let within = lengths.clone().clamp(lower_norm, upper_norm);
                let rise = (upper_margin - lower_margin) / (upper_norm - lower_norm);
                let growth =
                    within.clone().div_scalar(upper_norm * upper_norm) + within.clone().recip();
                let margins = within.sub_scalar(lower_norm).mul_scalar(rise);
                Self {
                    score: angles.with_added(margins.add_scalar(lower_margin)),
                    magnitude: Some(growth.mean()),
                    running_lengths: None,
                }
            }
        }
    }
}

/// The factor s of a head's logits; 1 where it has none.
fn scale_of(head: Head) -> f64 {
    match head {
        Head::Arcface { scale, .. }
        | Head::Cosface { scale, .. }
        | Head::Combined { scale, .. }
        | Head::NormalisedSoftmax { scale }
        | Head::Adaface { scale, .. }
        | Head::Magface { scale, .. } => scale,
        Head::Softmax | Head::MarginLoss => 1.0,
    }
}

/// The target as it is, or with the gradient of the cosine.
fn passed_by(straight_through: bool, cosine: &Tensor<1>, target: Tensor<1>) -> Tensor<1> {
    if straight_through {
        cosine.clone() + (target - cosine.clone()).detach()
    } else {
        target
    }
}

/// A scalar with the gradient of `slope` and the value `value`.
fn with_value(slope: Tensor<1>, value: Tensor<1>) -> Tensor<1> {
    // The slope's own value goes away to the last bit.
    slope.clone() - slope.detach() + Tensor::from_inner(value)
}
