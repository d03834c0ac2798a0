//! What the own class scores: the cosine of the angle to it, with the head's margin.
//!
//! The angle is never taken from its cosine, whose slope is infinite at θ = 0 and π: with a = ½‖ê − ŵ‖ = sin(θ/2) and
//! b = ½‖ê + ŵ‖ = cos(θ/2), cos θ = b² − a², sin θ = 2ab and θ = 2·atan2(a, b) keep their digits and their slopes at
//! both ends.

use std::f64::consts::PI;

use burn::tensor::Tensor;

use super::lengths;

/// Keeps AdaFace's divisor from 0, and its angles from 0 and π, as in the paper's code.
const ADAFACE_EPSILON: f64 = 1e-3;
/// Lengths beyond these say nothing about a face's quality; the paper's code cuts them off.
const ADAFACE_LENGTHS: [f64; 2] = [1e-3, 100.0];

/// AdaFace's running mean and deviation of lengths before the first batch, as in the paper's code.
pub(super) const START_LENGTHS: [f32; 2] = [20.0, 100.0];

/// Angles between the rows of two matrices, as sine and cosine of their halves, `[batch]` each.
#[derive(Debug, Clone)]
pub(super) struct Angles {
    half_sine: Tensor<1>,
    half_cosine: Tensor<1>,
}

impl Angles {
    /// Between unit rows, `[batch, length]` each.
    pub(super) fn between(left: Tensor<2>, right: Tensor<2>) -> Self {
        let half_chord = |chord: Tensor<2>| lengths(chord).squeeze_dim::<1>(1).mul_scalar(0.5);
        Self {
            half_sine: half_chord(left.clone() - right.clone()),
            half_cosine: half_chord(left + right),
        }
    }

    /// cos θ.
    pub(super) fn cosine(&self) -> Tensor<1> {
        self.half_cosine.clone().powi_scalar(2) - self.half_sine.clone().powi_scalar(2)
    }

    /// 1 − cos θ, with all its digits near θ = 0.
    pub(super) fn one_minus_cosine(&self) -> Tensor<1> {
        self.half_sine.clone().powi_scalar(2).mul_scalar(2.0)
    }

    fn sine(&self) -> Tensor<1> {
        (self.half_sine.clone() * self.half_cosine.clone()).mul_scalar(2.0)
    }

    fn angle(&self) -> Tensor<1> {
        let half = self.half_sine.clone().atan2(self.half_cosine.clone());
        half.mul_scalar(2.0)
    }

    /// cos(θ + m), and cos θ − m·sin m where θ > π − m, which keeps it falling (ArcFace, Deng et al. 2018).
    ///
    /// `margins` `[batch]`, in radians.
    pub(super) fn with_added(&self, margins: Tensor<1>) -> Tensor<1> {
        let cosine = self.cosine();
        let (margin_cosine, margin_sine) = (margins.clone().cos(), margins.clone().sin());
        let added = cosine.clone() * margin_cosine.clone() - self.sine() * margin_sine.clone();
        let too_far = cosine.clone().lower_equal(margin_cosine.neg());
        added.mask_where(too_far, cosine - margins * margin_sine)
    }

    /// The same margin, in radians, for all.
    pub(super) fn with_added_constant(&self, margin: f64) -> Tensor<1> {
        self.with_added(self.half_sine.zeros_like().add_scalar(margin))
    }

    /// cos(m1·θ + m2) − m3 (combined margin, Deng et al. 2018).
    ///
    /// With m1 = 1 it falls on beyond π as ArcFace's does; else by ψ(φ) = (−1)^k·cos φ − 2k, k = ⌊φ/π⌋ (SphereFace, Liu
    /// et al. 2017).
    pub(super) fn with_combined(&self, m1: f64, m2: f64, m3: f64) -> Tensor<1> {
        if (m1 - 1.0).abs() < f64::EPSILON {
            return self.with_added_constant(m2).sub_scalar(m3);
        }
        let angle = self.angle().mul_scalar(m1).add_scalar(m2);
        let turns = angle.clone().detach().div_scalar(PI).floor();
        let odd = turns.clone() - turns.clone().div_scalar(2.0).floor().mul_scalar(2.0);
        let sign = odd.mul_scalar(-2.0).add_scalar(1.0);
        (sign * angle.cos() - turns.mul_scalar(2.0)).sub_scalar(m3)
    }

    /// cos(θ − m·q) − m − m·q, where q in −1..1 tells how the embedding's length compares (AdaFace, Kim et al. 2022).
    ///
    /// `qualities` `[batch]`.
    pub(super) fn with_quality(&self, margin: f64, qualities: Tensor<1>) -> Tensor<1> {
        let shift = qualities.mul_scalar(margin);
        let angle = (self.angle() - shift.clone()).clamp(ADAFACE_EPSILON, PI - ADAFACE_EPSILON);
        angle.cos() - shift.add_scalar(margin)
    }
}

/// The running mean and deviation of the lengths, `[2]`, moved by those of a batch `[batch]`.
pub(super) fn moved_lengths(running: Tensor<1>, lengths: Tensor<1>, decay: f64) -> Tensor<1> {
    let lengths = cut_off(lengths);
    let mean = lengths.clone().mean();
    // Of the sample, as in the paper's code.
    let deviation = lengths.var(0).sqrt();
    running.mul_scalar(decay) + Tensor::cat(vec![mean, deviation], 0).mul_scalar(1.0 - decay)
}

/// How far each length `[batch]` lies from the running mean, in shares of 1/`concentration` deviations, cut at ±1.
pub(super) fn qualities(running: &Tensor<1>, lengths: Tensor<1>, concentration: f64) -> Tensor<1> {
    let mean = running.clone().narrow(0, 0, 1);
    let deviation = running.clone().narrow(0, 1, 1);
    ((cut_off(lengths) - mean) / deviation.add_scalar(ADAFACE_EPSILON))
        .mul_scalar(concentration)
        .clamp(-1.0, 1.0)
}

fn cut_off(lengths: Tensor<1>) -> Tensor<1> {
    lengths.clamp(ADAFACE_LENGTHS[0], ADAFACE_LENGTHS[1])
}
