//! What a model says of itself, and what was written of it: the worker's answers about a file.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::config::{ChannelOrder, Crop, NetworkOptions};

/// Everything that can be said of a model without images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The file or folder.
    pub path: PathBuf,
    /// `checkpoint`, `safetensors`, `PyTorch state dict`, `TensorFlow checkpoint` or `ONNX`.
    pub form: String,
    /// The network in words.
    pub architecture: String,
    /// The network as a recipe says it; `None` of ONNX models, whose graph is their own.
    pub network: Option<NetworkOptions>,
    /// Trained numbers, running averages apart; of ONNX models all constants. `None` where they can't be counted.
    pub parameters: Option<u64>,
    /// Numbers in an embedding; `None` where only the first image would tell.
    pub embedding: Option<usize>,
    /// What it takes.
    pub input: ModelInput,
    /// Where it comes from: what is known, by name.
    pub provenance: Vec<(String, String)>,
    /// Hash of its content, under which embeddings are kept.
    pub content: String,
}

/// What a model takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInput {
    /// Axes of the input tensor.
    pub shape: String,
    /// The part of an aligned face.
    pub crop: Crop,
    /// Order of the colour planes.
    pub channels: ChannelOrder,
    /// How a byte becomes a number.
    pub scaling: String,
    /// Whether planes and scaling are what is usual for such files, not what this one says.
    pub assumed: bool,
}

/// A model that was written into a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelWritten {
    /// The file.
    pub path: PathBuf,
    /// Its form.
    pub format: ModelFormat,
    /// Its length.
    pub bytes: u64,
    /// The network that it is of, in words.
    pub architecture: String,
    /// What whoever loads it should know.
    pub notes: Vec<String>,
}

/// A form that models are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelFormat {
    /// Our own names, with a description.
    Safetensors,
    /// A PyTorch state dict with the names of `arcface_torch`'s iresnet.
    Pytorch,
    /// A graph for ONNX Runtime.
    Onnx,
}

impl ModelFormat {
    /// The form that a file's name asks for.
    pub fn of(path: &Path) -> Option<Self> {
        Some(match path.extension()?.to_str()? {
            "safetensors" => Self::Safetensors,
            "pt" | "pth" => Self::Pytorch,
            "onnx" => Self::Onnx,
            _ => return None,
        })
    }
}

impl fmt::Display for ModelFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::Safetensors => "safetensors",
            Self::Pytorch => "pytorch",
            Self::Onnx => "onnx",
        })
    }
}

impl FromStr for ModelFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Safetensors, Self::Pytorch, Self::Onnx]
            .into_iter()
            .find(|format| format.to_string() == text)
            .ok_or_else(|| "give safetensors, pytorch or onnx".to_owned())
    }
}
