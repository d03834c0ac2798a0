//! TensorFlow checkpoints with the variable names of the published experiment (margin-centre-face, InsightFace_TF).
//!
//! Below one scope, such as `resnet_v1_50/`, lies the network; beside it `arc_loss/embedding_weights`, the optimiser's
//! slots and `global_step`. Kernels are `[height, width, in, out]`, the last matrix takes its features by pixels.

use std::{collections::BTreeMap, path::Path};

use facetui::{
    config::{ChannelOrder, Flatten, Scaling},
    run::BareWeights,
    untrusted::visible,
};

use super::{
    BACKBONE, CLASS_WEIGHTS, DescribeError, DescribedWeights, Description, EPSILON, Parts, Tensors,
    transposed,
};
use crate::model::{
    parameters::{HostTensor, NamedTensors},
    pytorch::StateValues,
    tensorflow::TensorflowCheckpoint,
};

/// What the first convolution is called below the network's scope.
const FIRST: &str = "conv1/W_conv2d";
const THEIR_CLASS_WEIGHTS: &str = "arc_loss/embedding_weights";
const GLOBAL_STEP: &str = "global_step";
/// What optimisers and averages of TensorFlow keep beside a variable, below its name.
const SLOTS: [&str; 7] = [
    "Momentum",
    "Adam",
    "Adam_1",
    "RMSProp",
    "RMSProp_1",
    "Adagrad",
    "ExponentialMovingAverage",
];

/// What a checkpoint is of, by its index alone.
///
/// # Errors
/// The index can't be read, or its variables are not those of the reference.
pub fn describe_tensorflow(path: &Path, bare: &BareWeights) -> Result<Description, DescribeError> {
    Variables::of(path, &TensorflowCheckpoint::open(path)?)?.description(path, bare)
}

/// Reads the weights of a checkpoint of the reference; its class weights only where they are asked for.
///
/// # Errors
/// As [`describe_tensorflow`], and where numbers are missing or damaged.
pub fn open_tensorflow(
    path: &Path,
    bare: &BareWeights,
    parts: Parts,
) -> Result<DescribedWeights, DescribeError> {
    let checkpoint = TensorflowCheckpoint::open(path)?;
    let variables = Variables::of(path, &checkpoint)?;
    let description = variables.description(path, bare)?;
    let mut tensors = NamedTensors::new();
    let mut theirs = BTreeMap::new();
    for (ours, name) in variables.names {
        let tensor = floats(&checkpoint, path, &name)?;
        let tensor = if ours.ends_with("convolution.weight") {
            kernel_outward(&tensor).ok_or_else(|| wrong(path, &name, "is no kernel"))?
        } else {
            tensor
        };
        let ours = format!("{BACKBONE}{ours}");
        theirs.insert(ours.clone(), name);
        tensors.insert(ours, tensor);
    }
    if parts == Parts::WithClassWeights && checkpoint.shape(THEIR_CLASS_WEIGHTS).is_some() {
        let matrix = floats(&checkpoint, path, THEIR_CLASS_WEIGHTS)?;
        let rows =
            transposed(&matrix).ok_or_else(|| wrong(path, THEIR_CLASS_WEIGHTS, "is no matrix"))?;
        tensors.insert(CLASS_WEIGHTS.to_owned(), rows);
    }
    Ok(DescribedWeights {
        description,
        tensors,
        prefix: BACKBONE,
        theirs,
    })
}

/// The variables that are a network's.
struct Variables {
    /// Our names and theirs.
    names: BTreeMap<String, String>,
    shapes: Tensors,
    provenance: BTreeMap<String, String>,
}

impl Variables {
    fn of(path: &Path, checkpoint: &TensorflowCheckpoint) -> Result<Self, DescribeError> {
        let scope = checkpoint
            .shapes()
            .filter_map(|(name, _)| name.strip_suffix(FIRST))
            .find(|scope| !scope.contains("block") && (scope.is_empty() || scope.ends_with('/')))
            .ok_or_else(|| unknown(path, "it has no variable resnet_v1_50/conv1/W_conv2d, of whatever depth; of TensorFlow's checkpoints only those of margin-centre-face and InsightFace_TF are known".to_owned()))?;
        let variables: Vec<(&str, &str, &[usize])> = checkpoint
            .shapes()
            .filter_map(|(name, shape)| Some((name, name.strip_prefix(scope)?, shape)))
            .filter(|(name, plain, _)| !is_of_training(name) && !is_of_training(plain))
            .collect();
        let mut stages: BTreeMap<usize, BTreeMap<usize, usize>> = BTreeMap::new();
        for (_, plain, shape) in &variables {
            if let Some((stage, unit, "conv2/W_conv2d")) = unit_of(plain) {
                let width = shape.last().copied().unwrap_or(0);
                stages.entry(stage).or_default().insert(unit, width);
            }
        }
        let before = |stage: usize| {
            let earlier = stages.range(..stage);
            earlier.map(|(_, units)| units.len()).sum::<usize>()
        };
        let mut names = BTreeMap::new();
        let mut dense = None;
        for (name, plain, shape) in variables {
            let ours = match unit_of(plain) {
                Some((stage, unit, part)) => {
                    unit_name(part).map(|part| format!("units.{}.{part}", before(stage) + unit - 1))
                }
                None => outer_name(plain),
            };
            let ours = ours.ok_or_else(|| {
                wrong(path, name, "is none of the reference's L-ResNet-E-IR; squeeze-and-excitation and other networks aren't known in this form")
            })?;
            if ours == "output.dense.weight" {
                dense = shape.try_into().ok();
            }
            if let Some(other) = names.insert(ours, name.to_owned()) {
                let reason = format!("is the same as {}", visible(&other));
                return Err(wrong(path, name, &reason));
            }
        }
        let dense = dense.ok_or_else(|| {
            let name = format!("{scope}E_DenseLayer/W");
            wrong(path, &name, "is missing or no matrix, the network's last")
        })?;
        let mut provenance = BTreeMap::new();
        let scope = scope.trim_end_matches('/');
        if !scope.is_empty() {
            provenance.insert("scope".to_owned(), scope.to_owned());
        }
        if let Some([_, classes]) = checkpoint.shape(THEIR_CLASS_WEIGHTS) {
            provenance.insert("classes".to_owned(), classes.to_string());
        }
        if checkpoint.shape(GLOBAL_STEP).is_some()
            && let StateValues::Integers(steps) = checkpoint.read(GLOBAL_STEP)?.values
            && let [step] = steps[..]
        {
            provenance.insert("global step".to_owned(), step.to_string());
        }
        Ok(Self {
            shapes: Tensors {
                units: stages
                    .values()
                    .flat_map(BTreeMap::values)
                    .copied()
                    .collect(),
                projection: names.contains_key("units.0.projection.convolution.weight"),
                dense,
            },
            names,
            provenance,
        })
    }

    /// What the reference feeds its networks: BGR, (x − 127.5)/128.
    fn description(&self, path: &Path, bare: &BareWeights) -> Result<Description, DescribeError> {
        let flatten = bare.flatten.unwrap_or(Flatten::Hwc);
        let epsilon = bare.batch_norm_epsilon.unwrap_or(EPSILON);
        let description = self
            .shapes
            .description(flatten, epsilon, ChannelOrder::Bgr, Scaling::default())
            .map_err(|reason| unknown(path, reason))?;
        Ok(Description {
            provenance: self.provenance.clone(),
            ..description
        })
    }
}

/// Whether a variable is needed for training only.
fn is_of_training(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    SLOTS.contains(&last)
        || name == THEIR_CLASS_WEIGHTS
        || name == GLOBAL_STEP
        || matches!(last, "beta1_power" | "beta2_power")
}

/// The stage and unit, from 1, of `block3/unit_12/bottleneck_v1/conv1/W_conv2d`, and the rest of the name.
fn unit_of(name: &str) -> Option<(usize, usize, &str)> {
    let (stage, rest) = name.strip_prefix("block")?.split_once('/')?;
    let (unit, rest) = rest.strip_prefix("unit_")?.split_once('/')?;
    let (_, part) = rest.split_once('/')?;
    let number = |text: &str| text.parse().ok().filter(|unit| (1..1000).contains(unit));
    Some((number(stage)?, number(unit)?, part))
}

fn unit_name(part: &str) -> Option<String> {
    let (layer, role) = part.rsplit_once('/')?;
    Some(match layer {
        "conv1_bn1" => format!("norm.{}", norm_name(role)?),
        "conv1_bn2" => format!("first.norm.{}", norm_name(role)?),
        "conv2_bn/BatchNorm" => format!("second.norm.{}", norm_name(role)?),
        "shortcut_bn/BatchNorm" => format!("projection.norm.{}", norm_name(role)?),
        "conv1" if role == "W_conv2d" => "first.convolution.weight".to_owned(),
        "conv2" if role == "W_conv2d" => "second.convolution.weight".to_owned(),
        "shortcut_conv" if role == "W_conv2d" => "projection.convolution.weight".to_owned(),
        // TensorLayer numbers these layers as it likes.
        _ if role == "alphas" => "slope.alpha".to_owned(),
        _ => return None,
    })
}

fn outer_name(name: &str) -> Option<String> {
    let (layer, role) = name.rsplit_once('/')?;
    Some(match layer {
        "bn0" => format!("stem.norm.{}", norm_name(role)?),
        "E_BN1" => format!("output.features_norm.{}", norm_name(role)?),
        "E_BN2" => format!("output.norm.{}", norm_name(role)?),
        "conv1" if role == "W_conv2d" => "stem.convolution.weight".to_owned(),
        "E_DenseLayer" if role == "W" => "output.dense.weight".to_owned(),
        "E_DenseLayer" if role == "b" => "output.dense.bias".to_owned(),
        _ if role == "alphas" => "stem.slope.alpha".to_owned(),
        _ => return None,
    })
}

fn norm_name(role: &str) -> Option<&str> {
    Some(match role {
        "gamma" | "beta" => role,
        "moving_mean" => "running_mean",
        "moving_variance" => "running_var",
        _ => return None,
    })
}

fn floats(
    checkpoint: &TensorflowCheckpoint,
    path: &Path,
    name: &str,
) -> Result<HostTensor, DescribeError> {
    let tensor = checkpoint.read(name)?;
    let StateValues::Floats(values) = tensor.values else {
        return Err(wrong(path, name, "holds integers"));
    };
    Ok(HostTensor {
        shape: tensor.shape,
        values,
    })
}

/// A kernel `[height, width, in, out]` as `[out, in, height, width]`; `None` for other shapes.
fn kernel_outward(kernel: &HostTensor) -> Option<HostTensor> {
    let [height, width, input, output] = kernel.shape[..].try_into().ok()?;
    let area = height * width;
    let values = (0..output)
        .flat_map(|out| (0..input).map(move |channel| (out, channel)))
        .flat_map(|(out, channel)| {
            (0..area).map(move |place| kernel.values[(place * input + channel) * output + out])
        })
        .collect();
    Some(HostTensor {
        shape: vec![output, input, height, width],
        values,
    })
}

fn wrong(path: &Path, name: &str, reason: &str) -> DescribeError {
    unknown(path, format!("the variable {} {reason}", visible(name)))
}

fn unknown(path: &Path, reason: String) -> DescribeError {
    let path = path.to_owned();
    DescribeError::Unknown { path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_reference_have_ours() {
        for (theirs, ours) in [
            ("conv1/W_conv2d", "stem.convolution.weight"),
            ("bn0/moving_variance", "stem.norm.running_var"),
            ("prelu0/alphas", "stem.slope.alpha"),
            ("E_BN1/beta", "output.features_norm.beta"),
            ("E_DenseLayer/b", "output.dense.bias"),
            ("E_BN2/gamma", "output.norm.gamma"),
        ] {
            assert_eq!(outer_name(theirs).as_deref(), Some(ours));
        }
        assert_eq!(outer_name("conv1/b_conv2d"), None);
        for (theirs, ours) in [
            ("conv1_bn1/gamma", "norm.gamma"),
            ("conv1/W_conv2d", "first.convolution.weight"),
            ("conv1_bn2/moving_mean", "first.norm.running_mean"),
            ("prelu_layer_7/alphas", "slope.alpha"),
            ("conv2_bn/BatchNorm/beta", "second.norm.beta"),
            ("shortcut_conv/W_conv2d", "projection.convolution.weight"),
            ("shortcut_bn/BatchNorm/gamma", "projection.norm.gamma"),
        ] {
            let name = format!("block3/unit_12/bottleneck_v1/{theirs}");
            let (stage, unit, part) = unit_of(&name).unwrap();
            assert_eq!((stage, unit), (3, 12));
            assert_eq!(unit_name(part).as_deref(), Some(ours));
        }
        assert_eq!(unit_name("excitation_1/W"), None);
        for name in [
            "block0/unit_1/a/b",
            "block1/unit_0/a/b",
            "block1/unit_1/a",
            "bn0/beta",
        ] {
            assert_eq!(unit_of(name), None, "{name}");
        }
    }

    #[test]
    fn kernels_are_turned_outward() {
        // [1, 2, 2, 3]: the value tells column, input and output.
        let mut values = Vec::new();
        for column in 0..2 {
            for input in 0..2 {
                values.extend((0..3).map(|output| (100 * column + 10 * input + output) as f32));
            }
        }
        let kernel = HostTensor {
            shape: vec![1, 2, 2, 3],
            values,
        };
        let turned = kernel_outward(&kernel).unwrap();
        assert_eq!(turned.shape, [3, 2, 1, 2]);
        let expected = [0, 100, 10, 110, 1, 101, 11, 111, 2, 102, 12, 112];
        assert_eq!(turned.values, expected.map(|value| value as f32));
    }
}
