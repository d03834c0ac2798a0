//! Weights of every form, and what network they are of.
//!
//! What facetui writes says so itself: in a safetensors file's metadata, in an entry of a PyTorch archive, in an ONNX
//! model's properties; beside a safetensors file a `.json` of the same name or a checkpoint's `manifest.json` may say
//! it. Of other files the network is told by names and shapes; what those leave open is asked for.

mod iresnet;
mod reference;
mod safetensors;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use facetui::{
    config::{
        Architecture, ChannelOrder, Crop, Flatten, InputOptions, NetworkOptions, Scaling, Shortcut,
        WrongSize,
    },
    run::BareWeights,
    untrusted::{visible, visible_path},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    backbone::{Layout, is_depth},
    parameters::{HostTensor, NamedTensors, WeightsError},
    pytorch::PytorchError,
    tensorflow::TensorflowError,
};

pub use iresnet::{describe_pytorch, of_iresnet, open_pytorch, to_iresnet};
pub use reference::{describe_tensorflow, open_tensorflow};
pub use safetensors::{describe_safetensors, open_safetensors};

/// The name under which our description stands in a file of another form.
pub const DESCRIPTION: &str = "facetui";
/// What precedes the backbone's names where there may be class weights too, as in a checkpoint.
pub const BACKBONE: &str = "backbone.";
/// The class weights, `[classes, embedding]`.
pub const CLASS_WEIGHTS: &str = "class_weights";
/// The last feature map is so many pixels.
const FULL_AREA: usize = 49;
const REFERENCE_AREA: usize = 42;
/// BatchNorm's ε of the published experiment and of `arcface_torch`.
const EPSILON: f64 = 2e-5;
pub(super) const ARCFACE_EPSILON: f64 = 1e-5;
/// The longest embedding that a description may promise.
const LONGEST_EMBEDDING: usize = 1 << 16;

/// What weights are of, and what the network's input is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The backbone.
    pub network: NetworkOptions,
    /// Its crop and order of planes.
    pub input: InputOptions,
    /// How a byte becomes a number.
    #[serde(default)]
    pub scaling: Scaling,
    /// Where the weights come from, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub provenance: BTreeMap<String, String>,
}

/// Weights with their description.
#[derive(Debug)]
pub struct DescribedWeights {
    /// What they are of.
    pub description: Description,
    /// Tensors by our names, behind `prefix`.
    pub tensors: NamedTensors,
    /// What precedes the backbone's names.
    pub prefix: &'static str,
    /// What the file itself calls a tensor, where it has other names.
    pub theirs: BTreeMap<String, String>,
}

/// Which tensors of a file are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// Those that embed.
    Backbone,
    /// Class weights too, where the file has any.
    WithClassWeights,
}

/// Why a file is no network's weights.
#[derive(Debug, Error)]
pub enum DescribeError {
    /// The file can't be read, or its tensors can't.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// PyTorch's file can't be read.
    #[error(transparent)]
    Pytorch(#[from] PytorchError),
    /// TensorFlow's files can't be read.
    #[error(transparent)]
    Tensorflow(#[from] TensorflowError),
    /// The description that goes with the weights makes no sense.
    #[error(
        "{}: the description of the weights makes no sense: {}",
        visible_path(path),
        visible(reason)
    )]
    Description {
        /// The file that holds it.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The tensors are not those of a network that is known.
    #[error("{}: {reason}", visible_path(path))]
    Unknown {
        /// The file.
        path: PathBuf,
        /// What is missing or strange, and what to do.
        reason: String,
    },
}

impl Description {
    /// Reads a description that `path` holds.
    ///
    /// # Errors
    /// It is no description, or one of no network that could be.
    pub fn read(text: &str, path: &Path) -> Result<Self, DescribeError> {
        let wrong = |reason: String| DescribeError::Description {
            path: path.to_owned(),
            reason,
        };
        let description: Self =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let network = &description.network;
        if !is_depth(network.depth) {
            return Err(wrong(format!(
                "there is no network of depth {}",
                network.depth
            )));
        }
        if !(1..=LONGEST_EMBEDDING).contains(&network.embedding) {
            let embedding = network.embedding;
            return Err(wrong(format!("embeddings of {embedding} numbers")));
        }
        Ok(description)
    }

    /// The network in words.
    pub fn architecture(&self) -> String {
        let network = &self.network;
        let shortcut = match network.shortcut {
            Shortcut::Subsample => "subsampling",
            Shortcut::Projection => "projection",
        };
        let flatten = match network.flatten {
            Flatten::Chw => "chw",
            Flatten::Hwc => "hwc",
        };
        let epsilon = network.batch_norm_epsilon;
        if network.architecture == Architecture::MobileFaceNet {
            return format!("MobileFaceNet, BatchNorm ε {epsilon:e}");
        }
        let excitation = if network.squeeze_excitation {
            "SE-"
        } else {
            ""
        };
        format!(
            "{excitation}L-ResNet-E-IR {}, {shortcut} shortcuts, flattened {flatten}, BatchNorm ε {epsilon:e}",
            network.depth
        )
    }
}

impl DescribedWeights {
    /// A complaint about a tensor with the name that it has in the file.
    pub fn in_their_words(&self, mut error: WeightsError) -> WeightsError {
        if let WeightsError::Shape { name, .. }
        | WeightsError::Missing { name, .. }
        | WeightsError::NotFinite { name, .. } = &mut error
            && let Some(theirs) = self.theirs.get(name)
        {
            *name = format!("{name} ({} in the file)", visible(theirs));
        }
        error
    }
}

/// Options for bare weights make no sense where the weights say it.
fn of_weights_that_say_it(bare: &BareWeights) -> Result<(), String> {
    if *bare == BareWeights::default() {
        return Ok(());
    }
    Err(
        "these weights say themselves what they are of; leave --flatten and --epsilon out"
            .to_owned(),
    )
}

/// What shapes tell of a network.
struct Tensors {
    /// Output channels of each residual unit.
    units: Vec<usize>,
    /// Whether the first unit's shortcut is a convolution.
    projection: bool,
    /// Features and embedding.
    dense: [usize; 2],
}

impl Tensors {
    fn description(
        &self,
        flatten: Flatten,
        batch_norm_epsilon: f64,
        channels: ChannelOrder,
        scaling: Scaling,
    ) -> Result<Description, String> {
        let mut widths = Vec::new();
        let mut counts = Vec::new();
        for width in &self.units {
            if widths.last() == Some(width) {
                if let Some(count) = counts.last_mut() {
                    *count += 1;
                }
            } else {
                widths.push(*width);
                counts.push(1_usize);
            }
        }
        let layout = counts
            .clone()
            .try_into()
            .ok()
            .zip(widths.clone().try_into().ok());
        let depth = layout.and_then(|(units, widths)| Layout { units, widths }.depth());
        let depth = depth.ok_or_else(|| {
            format!("its stages have {counts:?} residual units of {widths:?} channels, which no network here has")
        })?;
        let [features, embedding] = self.dense;
        let last = widths.last().copied().unwrap_or(0).max(1);
        let crop = match features / last {
            FULL_AREA if features.is_multiple_of(last) => Crop::Full,
            REFERENCE_AREA if features.is_multiple_of(last) => Crop::Reference,
            _ => {
                let [full, reference] = [FULL_AREA, REFERENCE_AREA].map(|area| area * last);
                return Err(format!(
                    "its last matrix takes {features} features, where a network for 112x112 takes {full} and one for 112x96 {reference}"
                ));
            }
        };
        Ok(Description {
            network: NetworkOptions {
                depth,
                embedding,
                shortcut: if self.projection {
                    Shortcut::Projection
                } else {
                    Shortcut::Subsample
                },
                flatten,
                // What only training asks for; a recipe says it then.
                drop: 0.0,
                batch_norm_decay: 0.9,
                batch_norm_epsilon,
                gamma_deviation: 0.0,
                prelu_start: 0.25,
                ..NetworkOptions::default()
            },
            input: InputOptions {
                crop,
                channels,
                mirror: false,
                wrong_size: WrongSize::default(),
            },
            scaling,
            provenance: BTreeMap::new(),
        })
    }
}

/// A matrix `[rows, columns]` as `[columns, rows]`; `None` for other shapes.
fn transposed(tensor: &HostTensor) -> Option<HostTensor> {
    let [rows, columns] = tensor.shape[..].try_into().ok()?;
    let values = (0..columns)
        .flat_map(|column| (0..rows).map(move |row| tensor.values[row * columns + column]))
        .collect();
    Some(HostTensor {
        shape: vec![columns, rows],
        values,
    })
}

/// The rows of a matrix `[height · width · channels, columns]` in the order channels, height, width.
pub(super) fn rows_as_chw(matrix: &HostTensor, channels: usize) -> HostTensor {
    let columns = matrix.shape.last().copied().unwrap_or(0).max(1);
    let area = matrix.values.len() / columns / channels.max(1);
    let rows: Vec<&[f32]> = matrix.values.chunks_exact(columns).collect();
    let places =
        (0..channels).flat_map(|channel| (0..area).map(move |place| place * channels + channel));
    HostTensor {
        shape: matrix.shape.clone(),
        values: places.flat_map(|row| rows[row]).copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_from_pixels_to_planes() {
        // Two pixels of three channels: row 10·pixel + channel, two columns each.
        let values = [0, 1, 2, 10, 11, 12].map(|row| [row as f32, row as f32 + 0.5]);
        let matrix = HostTensor {
            shape: vec![6, 2],
            values: values.concat(),
        };
        let rows = [0, 10, 1, 11, 2, 12].map(|row| [row as f32, row as f32 + 0.5]);
        let expected = HostTensor {
            shape: vec![6, 2],
            values: rows.concat(),
        };
        assert_eq!(rows_as_chw(&matrix, 3), expected);
    }

    #[test]
    fn descriptions_of_networks_that_can_not_be_are_refused() {
        let tensors = Tensors {
            units: [[16; 3].as_slice(), &[32; 3], &[64; 6], &[128; 3]].concat(),
            projection: false,
            dense: [128 * 42, 64],
        };
        let good = tensors
            .description(Flatten::Hwc, EPSILON, ChannelOrder::Bgr, Scaling::default())
            .unwrap();
        let place = Path::new("weights.json");
        let read = |change: &dyn Fn(&mut Description)| {
            let mut changed = good.clone();
            change(&mut changed);
            Description::read(&serde_json::to_string(&changed).unwrap(), place)
        };
        assert_eq!(read(&|_| ()).unwrap(), good);
        let refused = |change: &dyn Fn(&mut Description)| read(change).unwrap_err().to_string();
        let message = refused(&|changed| changed.network.depth = 33);
        assert!(
            message.contains("weights.json") && message.contains("depth 33"),
            "{message}"
        );
        assert!(refused(&|changed| changed.network.embedding = 0).contains("0 numbers"));
        assert!(refused(&|changed| changed.network.embedding = 1 << 40).contains("numbers"));
        assert!(Description::read("{}", place).is_err());
    }
}
