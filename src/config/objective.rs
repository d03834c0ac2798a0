//! What a training makes small: the head over the classes, the terms over pairs, and their weights.

use serde::{Deserialize, Serialize};

/// The objective of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A head over the classes, with centre term and weight decay; batches of single images.
    MarginCentre,
    /// Terms over pairs alone, on batches of P people with K images each: the fine-tune of a trained backbone.
    Triplet,
    /// Both at once, on the same batches of people.
    Joint,
}

impl Stage {
    /// Whether the run trains class weights.
    pub fn has_classes(self) -> bool {
        matches!(self, Self::MarginCentre | Self::Joint)
    }

    /// Whether batches hold P people with K images each.
    pub fn draws_people(self) -> bool {
        matches!(self, Self::Triplet | Self::Joint)
    }

    /// Its name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::MarginCentre => "margin-centre",
            Self::Triplet => "triplet",
            Self::Joint => "joint",
        }
    }
}

/// The head over the classes, with its constants; θ_y is the angle between an embedding and its class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "head", rename_all = "kebab-case")]
pub enum Head {
    /// cos(θ_y + margin) (ArcFace, Deng et al. 2018).
    Arcface {
        /// The scale s of the logits.
        scale: f64,
        /// The margin m, in radians.
        margin: f64,
        /// Whether the gradient passes by the margin, as if the own logit were cos θ_y (arcface_torch).
        straight_through: bool,
    },
    /// cos θ_y − margin (CosFace, Wang et al. 2018).
    Cosface {
        /// The scale s of the logits.
        scale: f64,
        /// The margin m, as a cosine.
        margin: f64,
    },
    /// cos(m1·θ_y + m2) − m3 (combined margin, Deng et al. 2018).
    Combined {
        /// The scale s of the logits.
        scale: f64,
        /// What the angle is multiplied by.
        m1: f64,
        /// What is added to it, in radians.
        m2: f64,
        /// What is taken from its cosine.
        m3: f64,
        /// As in ArcFace.
        straight_through: bool,
    },
    /// Cross-entropy of plain products, nothing normalised, no bias.
    Softmax,
    /// Cross-entropy of scaled cosines, without a margin (NormFace, Wang et al. 2017).
    NormalisedSoftmax {
        /// The scale s of the logits.
        scale: f64,
    },
    /// Margins that follow the embedding's length, compared with those of the batches (AdaFace, Kim et al. 2022).
    Adaface {
        /// The scale s of the logits.
        scale: f64,
        /// The margin m.
        margin: f64,
        /// The paper's h: how far a length one deviation from the mean moves the margin.
        concentration: f64,
        /// Decay of the running mean and deviation of the lengths (0.99 keeps all but a hundredth).
        norm_decay: f64,
    },
    /// A margin that grows with the embedding's length, and a term that makes lengths grow (MagFace, Meng et al. 2021).
    Magface {
        /// The scale s of the logits.
        scale: f64,
        /// Lengths are taken to be at least this, l_a.
        lower_norm: f64,
        /// And at most this, u_a.
        upper_norm: f64,
        /// The margin at the lower length, l_m, in radians.
        lower_margin: f64,
        /// The margin at the upper length, u_m, in radians.
        upper_margin: f64,
        /// Weight λ_g of the term that makes lengths grow.
        norm_weight: f64,
    },
    /// 2 − (cos θ_y − max cos θ_j), j over the other classes: the experiment's margin loss.
    MarginLoss,
}

impl Head {
    /// Whether it has a margin and a scale, which the centre term wants.
    pub fn has_margin(self) -> bool {
        !matches!(
            self,
            Self::Softmax | Self::NormalisedSoftmax { .. } | Self::MarginLoss
        )
    }
}

/// The head, the terms that go with it, and their weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossOptions {
    /// The head over the classes.
    #[serde(flatten)]
    pub head: Head,
    /// Weight of the head's own term in the total.
    pub head_weight: f64,
    /// Centres of each class, of which the nearest counts (Deng et al. 2020).
    pub sub_centres: usize,
    /// Share of the classes that take part in a step, above 0; 1 is all (partial FC, An et al. 2021).
    pub sample_fraction: f64,
    /// The weight β of the centre term.
    pub centre_weight: f64,
    /// The factor α of α·Σw²/2, or of the optimiser's own decay.
    pub weight_decay: f64,
}

/// Constants of the terms over pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TripletOptions {
    /// How much farther the other person must be, in Euclidean distance of unit embeddings.
    pub margin: f64,
    /// Weight of the triplet term in the total.
    pub weight: f64,
    /// K: images of each person in a batch; the batch holds batch_size / K people.
    pub images_per_class: usize,
    /// Which triplets of a batch count.
    pub mining: Mining,
    /// Weight of the HardNet term in the total (Mishchuk et al. 2017); it wants two images of each person.
    pub hardnet_weight: f64,
    /// The HardNet term's margin.
    pub hardnet_margin: f64,
}

/// Which triplets of a batch count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mining {
    /// For every anchor its farthest positive and nearest negative.
    BatchHard,
    /// All triplets, averaged over those with a loss above zero.
    BatchAll,
}
