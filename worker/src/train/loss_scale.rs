//! Loss scaling for 16-bit numbers with a small range.
//!
//! The objective is multiplied before gradients are taken, so that small ones don't vanish, and the gradients are divided
//! after (Micikevicius et al. 2018). The factor rises until a gradient overflows; that step is left out.

use crate::model::parameters::HostTensor;

/// Where the factor starts, and what it is multiplied by after so many good steps: PyTorch's values.
const START: f64 = 65_536.0;
const RISE: f64 = 2.0;
const GOOD_STEPS: u32 = 2_000;
/// A gradient that overflows with a smaller factor than this is no fault of the factor.
const SMALLEST: f64 = 1.0;
/// Far from what 32 bits hold.
const LARGEST: f64 = 16_777_216.0;

/// What the objective is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossScale {
    factor: f64,
    /// Steps since it last changed.
    good_steps: u32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self {
            factor: START,
            good_steps: 0,
        }
    }
}

impl LossScale {
    /// The factor.
    pub fn factor(self) -> f64 {
        self.factor
    }

    /// After a step whose gradients were finite.
    pub fn rise(&mut self) {
        self.good_steps += 1;
        if self.good_steps >= GOOD_STEPS {
            self.factor = (self.factor * RISE).min(LARGEST);
            self.good_steps = 0;
        }
    }

    /// After gradients that were not; whether a smaller factor is left to try.
    pub fn fall(&mut self) -> bool {
        if self.factor <= SMALLEST {
            return false;
        }
        self.factor /= RISE;
        self.good_steps = 0;
        true
    }

    /// As a checkpoint holds it.
    pub fn to_tensor(self) -> HostTensor {
        HostTensor {
            shape: vec![2],
            // Powers of two and small whole numbers: exact in 32 bits.
            values: vec![self.factor as f32, self.good_steps as f32],
        }
    }

    /// From a checkpoint; what makes no sense is the start.
    pub fn from_tensor(tensor: &HostTensor) -> Self {
        match tensor.values[..] {
            [factor, good_steps] if f64::from(factor) >= SMALLEST && good_steps >= 0.0 => Self {
                factor: f64::from(factor).min(LARGEST),
                good_steps: (good_steps as u32).min(GOOD_STEPS - 1),
            },
            _ => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_falls_at_once_and_rises_after_many_good_steps() {
        let mut scale = LossScale::default();
        assert!(scale.fall());
        let halved = LossScale {
            factor: 32_768.0,
            good_steps: 0,
        };
        assert_eq!(scale, halved);
        for _ in 0..1_999 {
            scale.rise();
        }
        let waiting = LossScale {
            good_steps: 1_999,
            ..halved
        };
        assert_eq!(scale, waiting);
        let kept = LossScale::from_tensor(&scale.to_tensor());
        assert_eq!(kept, scale);
        scale.rise();
        assert_eq!(scale, LossScale::default());
    }

    #[test]
    fn the_smallest_factor_does_not_fall() {
        let mut scale = LossScale::default();
        let falls = std::iter::from_fn(|| scale.fall().then_some(())).count();
        assert_eq!((falls, scale.factor().to_bits()), (16, 1.0_f64.to_bits()));
    }

    #[test]
    fn nonsense_in_a_checkpoint_is_the_start() {
        for values in [vec![], vec![f32::NAN, 1.0], vec![0.0, 0.0], vec![2.0, -1.0]] {
            let tensor = HostTensor {
                shape: vec![values.len()],
                values,
            };
            assert_eq!(LossScale::from_tensor(&tensor), LossScale::default());
        }
    }
}
