//! What a model says of itself: the worker's answer about a file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::{ChannelOrder, Crop};

/// Everything that can be said of a model without images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The file or folder.
    pub path: PathBuf,
    /// `checkpoint`, `safetensors`, `PyTorch state dict` or `ONNX`.
    pub form: String,
    /// The network in words.
    pub architecture: String,
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
