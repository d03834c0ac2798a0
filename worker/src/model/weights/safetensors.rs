//! Safetensors files of our names.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::Path,
};

use facetui::{
    config::{ChannelOrder, Scaling},
    run::BareWeights,
};
use serde::Deserialize;

use super::{
    BACKBONE, DESCRIPTION, DescribeError, DescribedWeights, Description, EPSILON, Tensors,
    of_weights_that_say_it,
};
use crate::model::parameters::{WeightsError, read_safetensors};

/// The longest header of a safetensors file that is read: the format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;

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
        let description = Description::read(&text, &place)?;
        of_weights_that_say_it(bare).map_err(unknown)?;
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
                unknown("it has no tensor output.dense.weight, as facetui's networks have; give weights that facetui wrote, a PyTorch state dict of arcface_torch, a TensorFlow checkpoint of the reference or an ONNX model".to_owned())
            })?,
    };
    let flatten = bare.flatten.ok_or_else(|| {
        unknown("it doesn't say how the last feature map is flattened; give --flatten hwc (facetui's own recipes) or --flatten chw, or `facetui model import` it so once".to_owned())
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
        theirs: BTreeMap::new(),
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
