//! How a byte of an image becomes a number of a network's input.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// (byte − mean) / divisor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// What becomes 0.
    pub mean: f32,
    /// So many steps above the mean become 1.
    pub divisor: f32,
}

impl Default for Scaling {
    /// (x − 127.5)/128, the reference experiment's and MXNet's.
    fn default() -> Self {
        Self {
            mean: 127.5,
            divisor: 128.0,
        }
    }
}

impl Scaling {
    /// (x/255 − 0.5)/0.5, `arcface_torch`'s.
    pub const ARCFACE_TORCH: Self = Self {
        mean: 127.5,
        divisor: 127.5,
    };

    /// The number of a byte.
    pub fn apply(self, byte: u8) -> f32 {
        (f32::from(byte) - self.mean) / self.divisor
    }
}

impl fmt::Display for Scaling {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(&format!("(x-{})/{}", self.mean, self.divisor))
    }
}

/// A text that is no scaling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("give the mean and the divisor of a byte, such as 127.5/128, which means (x-127.5)/128")]
pub struct UnknownScaling;

impl FromStr for Scaling {
    type Err = UnknownScaling;

    fn from_str(text: &str) -> Result<Self, UnknownScaling> {
        let plain = text
            .strip_prefix("(x-")
            .map_or(text.to_owned(), |rest| rest.replacen(')', "", 1));
        let (mean, divisor) = plain.split_once('/').ok_or(UnknownScaling)?;
        let number = |text: &str| text.trim().parse::<f32>().ok().filter(|n| n.is_finite());
        let mean = number(mean).ok_or(UnknownScaling)?;
        let divisor = number(divisor).filter(|divisor| *divisor > 0.0);
        Ok(Self {
            mean,
            divisor: divisor.ok_or(UnknownScaling)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaling_is_read_as_it_is_shown() {
        for scaling in [Scaling::default(), Scaling::ARCFACE_TORCH] {
            assert_eq!(scaling.to_string().parse(), Ok(scaling));
        }
        assert_eq!("127.5/128".parse(), Ok(Scaling::default()));
        assert_eq!(
            "0/1".parse::<Scaling>().unwrap().apply(7).to_bits(),
            7.0_f32.to_bits()
        );
        for wrong in ["", "127.5", "x/1", "1/0", "1/-2", "nan/1", "1/inf", "1/2/3"] {
            assert_eq!(wrong.parse::<Scaling>(), Err(UnknownScaling), "{wrong}");
        }
    }
}
