//! How the numbers of a network in training are held.

use serde::{Deserialize, Serialize};

/// The number format of a network's images and feature maps. Weights, losses and heads are in 32 bits always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of 32.
    Bf16,
    /// 16 bits with more digits and a small range, for which losses are scaled.
    F16,
}

impl Precision {
    /// Its name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }
}

/// The order in which the numbers of a feature map lie in memory; only speed and the last digits depend on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryFormat {
    /// Whichever is faster on the device, measured when a run starts.
    #[default]
    Auto,
    /// One channel after the other.
    Contiguous,
    /// The channels of a pixel beside each other.
    ChannelsLast,
}

impl MemoryFormat {
    /// Its name in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Contiguous => "contiguous",
            Self::ChannelsLast => "channels-last",
        }
    }
}
