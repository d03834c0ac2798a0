//! Files of weights, ours and PyTorch's, and what network they are of.
//!
//! A safetensors file of ours says so in its metadata, in a `.json` file of the same name, or in the `manifest.json` of
//! its checkpoint. Of other files the network is told by names and shapes; what those leave open is asked for.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
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
    parameters::{HostTensor, NamedTensors, WeightsError, read_safetensors},
    pytorch::{self, PytorchError, StateDict, StateValues},
};

/// The key of a safetensors file's metadata under which our description stands.
pub const DESCRIPTION: &str = "facetui";
/// What precedes the backbone's names in a checkpoint, which may hold class weights too.
const BACKBONE: &str = "backbone.";
/// The last feature map is so many pixels.
const FULL_AREA: usize = 49;
const REFERENCE_AREA: usize = 42;
/// BatchNorm's ε of the published experiment and of `arcface_torch`.
const EPSILON: f64 = 2e-5;
const ARCFACE_EPSILON: f64 = 1e-5;
/// The longest header of a safetensors file that is read: the format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;

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
    /// The description that goes with the weights makes no sense.
    #[error(
        "{}: the description of the weights makes no sense: {reason}",
        visible_path(path)
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

/// What a safetensors file is of, by its header alone, and what precedes the backbone's names in it.
///
/// # Errors
/// The header is broken, or the network can't be told.
pub fn describe_safetensors(
    path: &Path,
    bare: &BareWeights,
) -> Result<(Description, &'static str), DescribeError> {
    let unknown = |reason: String| DescribeError::Unknown {
        path: path.to_owned(),
        reason,
    };
    let (shapes, own) = header(path)?;
    let prefix = if shapes.keys().any(|name| name.starts_with(BACKBONE)) {
        BACKBONE
    } else {
        ""
    };
    let beside = [
        path.with_extension("json"),
        path.with_file_name("manifest.json"),
    ];
    let described = match own {
        Some(text) => Some((path.to_owned(), text)),
        None => beside
            .into_iter()
            .find_map(|file| fs::read_to_string(&file).ok().map(|text| (file, text))),
    };
    if let Some((place, text)) = described {
        let wrong = |reason: String| DescribeError::Description {
            path: place.clone(),
            reason,
        };
        let description: Description =
            serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if !is_depth(description.network.depth) {
            let depth = description.network.depth;
            return Err(wrong(format!("there is no network of depth {depth}")));
        }
        if *bare != BareWeights::default() {
            let reason =
                "these weights say themselves what they are of; leave --flatten and --epsilon out";
            return Err(unknown(reason.to_owned()));
        }
        return Ok((description, prefix));
    }
    let shape = |name: &str| shapes.get(&format!("{prefix}{name}")).map(Vec::as_slice);
    let tensors = Tensors {
        units: (0..)
            .map_while(|unit| shape(&format!("units.{unit}.second.convolution.weight")))
            .map(|shape| shape.first().copied().unwrap_or(0))
            .collect(),
        projection: shape("units.0.projection.convolution.weight").is_some(),
        dense: shape("output.dense.weight")
            .and_then(|shape| <[usize; 2]>::try_from(shape).ok())
            .ok_or_else(|| {
                unknown("it has no tensor output.dense.weight, as facetui's networks have; give weights that facetui wrote, a PyTorch state dict of arcface_torch, or an ONNX model".to_owned())
            })?,
    };
    let flatten = bare.flatten.ok_or_else(|| {
        unknown("it doesn't say how the last feature map is flattened; give --flatten hwc (facetui's own recipes) or --flatten chw".to_owned())
    })?;
    let epsilon = bare.batch_norm_epsilon.unwrap_or(EPSILON);
    let description = tensors
        .description(flatten, epsilon, ChannelOrder::Bgr, Scaling::default())
        .map_err(unknown)?;
    Ok((description, prefix))
}

/// Reads a safetensors file of our names.
///
/// # Errors
/// As [`describe_safetensors`], and where the tensors can't be read.
pub fn open_safetensors(
    path: &Path,
    bare: &BareWeights,
) -> Result<DescribedWeights, DescribeError> {
    let (description, prefix) = describe_safetensors(path, bare)?;
    Ok(DescribedWeights {
        description,
        tensors: read_safetensors(path)?,
        prefix,
    })
}

/// Reads a PyTorch state dict with the names of `arcface_torch`'s iresnet.
///
/// # Errors
/// The file can't be read, or its tensors are not those of an iresnet.
pub fn open_pytorch(path: &Path, bare: &BareWeights) -> Result<DescribedWeights, DescribeError> {
    of_iresnet(pytorch::read(path)?, bare).map_err(|reason| DescribeError::Unknown {
        path: path.to_owned(),
        reason,
    })
}

/// The tensors of an iresnet by our names, with what `arcface_torch` feeds it: RGB, (x/255 − 0.5)/0.5.
///
/// # Errors
/// Which tensor is missing or none of an iresnet's.
pub fn of_iresnet(found: StateDict, bare: &BareWeights) -> Result<DescribedWeights, String> {
    let renamed = Renamed::of(found)?;
    let tensors = Tensors {
        units: renamed.units,
        projection: renamed
            .tensors
            .contains_key("units.0.projection.convolution.weight"),
        dense: renamed.dense,
    };
    let flatten = bare.flatten.unwrap_or(Flatten::Chw);
    let epsilon = bare.batch_norm_epsilon.unwrap_or(ARCFACE_EPSILON);
    let description =
        tensors.description(flatten, epsilon, ChannelOrder::Rgb, Scaling::ARCFACE_TORCH)?;
    Ok(DescribedWeights {
        description,
        tensors: renamed.tensors,
        prefix: "",
    })
}

type Shapes = BTreeMap<String, Vec<usize>>;

/// Shapes by name, and our description if the metadata hold it.
fn header(path: &Path) -> Result<(Shapes, Option<String>), WeightsError> {
    let read = |source| WeightsError::Read {
        path: path.to_owned(),
        source,
    };
    let format = |reason: String| WeightsError::Format {
        path: path.to_owned(),
        reason,
    };
    let mut file = File::open(path).map_err(read)?;
    let length = file.metadata().map_err(read)?.len();
    let mut bytes = vec![0; 8];
    file.read_exact(&mut bytes)
        .map_err(|_| format("it is shorter than any".to_owned()))?;
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap_or_default());
    if header > LONGEST_HEADER.min(length) {
        return Err(format(format!("a header of {header} bytes")));
    }
    bytes.resize(8 + header as usize, 0);
    file.read_exact(&mut bytes[8..])
        .map_err(|_| format("its header is cut short".to_owned()))?;
    let Header { metadata, tensors } =
        serde_json::from_slice(&bytes[8..]).map_err(|error| format(error.to_string()))?;
    let end = tensors.values().map(|tensor| tensor.data_offsets[1]).max();
    let expected = end.and_then(|end| end.checked_add(8 + header));
    if expected != Some(length) {
        return Err(format(format!(
            "it is {length} bytes long, which isn't what its header promises"
        )));
    }
    let shapes = tensors
        .into_iter()
        .map(|(name, tensor)| (name, tensor.shape))
        .collect();
    Ok((shapes, metadata.and_then(|mut own| own.remove(DESCRIPTION))))
}

/// The JSON at a safetensors file's beginning. (The library reads it only together with the rest of the file.)
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    tensors: BTreeMap<String, HeaderTensor>,
}

#[derive(Deserialize)]
struct HeaderTensor {
    shape: Vec<usize>,
    /// Where its bytes begin and end, after the header.
    data_offsets: [u64; 2],
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
                // What only training asks for; nobody trains on with such a description.
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
        })
    }
}

/// A state dict of `arcface_torch`'s iresnet by our names.
struct Renamed {
    tensors: NamedTensors,
    units: Vec<usize>,
    dense: [usize; 2],
}

impl Renamed {
    fn of(found: StateDict) -> Result<Self, String> {
        let first = found
            .tensors
            .iter()
            .filter_map(|(name, _)| name.strip_suffix("conv1.weight"))
            .find(|prefix| !prefix.contains("layer"))
            .ok_or("it has no tensor conv1.weight, as arcface_torch's iresnets have; of PyTorch's networks only those are known, others can be given as ONNX models")?
            .to_owned();
        let mut stages: BTreeMap<usize, BTreeMap<usize, usize>> = BTreeMap::new();
        for (name, tensor) in &found.tensors {
            let unit = name.strip_prefix(&first).and_then(unit_of);
            if let Some((stage, unit, "conv2.weight")) = unit {
                let width = tensor.shape.first().copied().unwrap_or(0);
                stages.entry(stage).or_default().insert(unit, width);
            }
        }
        let units: Vec<usize> = stages
            .values()
            .flat_map(BTreeMap::values)
            .copied()
            .collect();
        let before = |stage: usize| {
            stages
                .range(..stage)
                .map(|(_, units)| units.len())
                .sum::<usize>()
        };
        let mut tensors = NamedTensors::new();
        let mut dense = None;
        for (name, tensor) in found.tensors {
            if name.ends_with("num_batches_tracked") {
                continue;
            }
            let plain = name.strip_prefix(&first).unwrap_or(&name);
            let ours = match unit_of(plain) {
                Some((stage, unit, part)) => {
                    unit_name(part).map(|part| format!("units.{}.{part}", before(stage) + unit))
                }
                None => outer_name(plain),
            };
            let ours = ours.ok_or_else(|| {
                let name = visible(&name);
                format!("the tensor {name} is none of an iresnet's; of PyTorch's networks only arcface_torch's iresnets are known, others can be given as ONNX models")
            })?;
            let StateValues::Floats(values) = tensor.values else {
                return Err(format!("the tensor {} holds integers", visible(&name)));
            };
            let mut tensor = HostTensor {
                shape: tensor.shape,
                values,
            };
            if ours == "output.dense.weight" {
                tensor = transposed(&tensor)
                    .ok_or_else(|| format!("the tensor {} is no matrix", visible(&name)))?;
                dense = Some([tensor.shape[0], tensor.shape[1]]);
            }
            tensors.insert(ours, tensor);
        }
        Ok(Self {
            tensors,
            units,
            dense: dense.ok_or("it has no tensor fc.weight, the last matrix of an iresnet")?,
        })
    }
}

/// The stage and unit of `layer2.0.conv1.weight`, and the rest of the name.
fn unit_of(name: &str) -> Option<(usize, usize, &str)> {
    let (stage, rest) = name.strip_prefix("layer")?.split_once('.')?;
    let (unit, part) = rest.split_once('.')?;
    let unit = unit.parse().ok().filter(|unit| *unit < 1000)?;
    Some((stage.parse().ok()?, unit, part))
}

fn unit_name(part: &str) -> Option<String> {
    let (layer, what) = part.rsplit_once('.')?;
    Some(match layer {
        "bn1" => format!("norm.{}", norm_name(what)?),
        "bn2" => format!("first.norm.{}", norm_name(what)?),
        "bn3" => format!("second.norm.{}", norm_name(what)?),
        "downsample.1" => format!("projection.norm.{}", norm_name(what)?),
        "conv1" if what == "weight" => "first.convolution.weight".to_owned(),
        "conv2" if what == "weight" => "second.convolution.weight".to_owned(),
        "downsample.0" if what == "weight" => "projection.convolution.weight".to_owned(),
        "prelu" if what == "weight" => "slope.alpha".to_owned(),
        _ => return None,
    })
}

fn outer_name(name: &str) -> Option<String> {
    let (layer, what) = name.rsplit_once('.')?;
    Some(match layer {
        "bn1" => format!("stem.norm.{}", norm_name(what)?),
        "bn2" => format!("output.features_norm.{}", norm_name(what)?),
        "features" => format!("output.norm.{}", norm_name(what)?),
        "conv1" if what == "weight" => "stem.convolution.weight".to_owned(),
        "prelu" if what == "weight" => "stem.slope.alpha".to_owned(),
        "fc" if what == "weight" || what == "bias" => format!("output.dense.{what}"),
        _ => return None,
    })
}

fn norm_name(what: &str) -> Option<&str> {
    Some(match what {
        "weight" => "gamma",
        "bias" => "beta",
        "running_mean" | "running_var" => what,
        _ => return None,
    })
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

impl Description {
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
