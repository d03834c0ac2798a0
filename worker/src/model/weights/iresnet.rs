//! PyTorch state dicts with the names of `arcface_torch`'s iresnet, read and written.

use std::{collections::BTreeMap, path::Path};

use facetui::{
    config::{ChannelOrder, Crop, Flatten, Scaling, Shortcut},
    run::BareWeights,
    untrusted::visible,
};

use super::{
    ARCFACE_EPSILON, DESCRIPTION, DescribeError, DescribedWeights, Description, Tensors,
    of_weights_that_say_it, rows_as_chw, transposed,
};
use crate::model::{
    backbone::{UnitPlan, feature_map, plan},
    parameters::{HostTensor, NamedTensors},
    pytorch::{self, StateDict, StateTensor, StateValues},
};

/// What a state dict that facetui wrote says of itself; `None` for those of others.
///
/// # Errors
/// The archive can't be read, or what it says makes no sense.
pub fn describe_pytorch(
    path: &Path,
    bare: &BareWeights,
) -> Result<Option<Description>, DescribeError> {
    let Some(text) = pytorch::note(path, DESCRIPTION)? else {
        return Ok(None);
    };
    let description = Description::read(&text, path)?;
    of_weights_that_say_it(bare).map_err(|reason| DescribeError::Unknown {
        path: path.to_owned(),
        reason,
    })?;
    Ok(Some(description))
}

/// Reads a PyTorch state dict with the names of `arcface_torch`'s iresnet.
///
/// # Errors
/// The file can't be read, or its tensors are not those of an iresnet.
pub fn open_pytorch(path: &Path, bare: &BareWeights) -> Result<DescribedWeights, DescribeError> {
    let own = describe_pytorch(path, bare)?;
    let mut weights =
        of_iresnet(pytorch::read(path)?, bare).map_err(|reason| DescribeError::Unknown {
            path: path.to_owned(),
            reason,
        })?;
    if let Some(own) = own {
        weights.description = own;
    }
    Ok(weights)
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
        theirs: renamed.theirs,
    })
}

/// A state dict of `arcface_torch`'s iresnet by our names.
struct Renamed {
    tensors: NamedTensors,
    units: Vec<usize>,
    dense: [usize; 2],
    theirs: BTreeMap<String, String>,
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
        let mut theirs = BTreeMap::new();
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
            theirs.insert(ours.clone(), name);
            tensors.insert(ours, tensor);
        }
        Ok(Self {
            tensors,
            units,
            dense: dense.ok_or("it has no tensor fc.weight, the last matrix of an iresnet")?,
            theirs,
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

/// Their layers of a residual unit, in their order, and ours.
const UNIT_LAYERS: [(&str, &str, Kind); 8] = [
    ("bn1", "norm", Kind::Norm),
    ("conv1", "first.convolution", Kind::Weight),
    ("bn2", "first.norm", Kind::Norm),
    ("prelu", "slope", Kind::Slope),
    ("conv2", "second.convolution", Kind::Weight),
    ("bn3", "second.norm", Kind::Norm),
    ("downsample.0", "projection.convolution", Kind::Weight),
    ("downsample.1", "projection.norm", Kind::Norm),
];
/// The same of what comes before the units, and after them.
const FIRST_LAYERS: [(&str, &str, Kind); 3] = [
    ("conv1", "stem.convolution", Kind::Weight),
    ("bn1", "stem.norm", Kind::Norm),
    ("prelu", "stem.slope", Kind::Slope),
];
const LAST_LAYERS: [(&str, &str, Kind); 3] = [
    ("bn2", "output.features_norm", Kind::Norm),
    ("fc", "output.dense", Kind::Dense),
    ("features", "output.norm", Kind::Norm),
];

/// What a layer's tensors are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Weight,
    Norm,
    Slope,
    Dense,
}

impl Kind {
    /// Their names and ours.
    fn parts(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Weight => &[("weight", "weight")],
            Self::Slope => &[("weight", "alpha")],
            Self::Dense => &[("weight", "weight"), ("bias", "bias")],
            Self::Norm => &[
                ("weight", "gamma"),
                ("bias", "beta"),
                ("running_mean", "running_mean"),
                ("running_var", "running_var"),
            ],
        }
    }
}

fn unit_name(part: &str) -> Option<String> {
    our_name(part, &UNIT_LAYERS)
}

fn outer_name(name: &str) -> Option<String> {
    our_name(name, &FIRST_LAYERS).or_else(|| our_name(name, &LAST_LAYERS))
}

fn our_name(name: &str, layers: &[(&str, &str, Kind)]) -> Option<String> {
    let (layer, part) = name.rsplit_once('.')?;
    let (_, ours, kind) = layers.iter().find(|(theirs, ..)| *theirs == layer)?;
    let (_, part) = kind.parts().iter().find(|(theirs, _)| *theirs == part)?;
    Some(format!("{ours}.{part}"))
}

/// Weights as a state dict that `arcface_torch`'s iresnet loads strictly.
#[derive(Debug)]
pub struct Iresnet {
    /// The state dict, in the module's own order.
    pub state: StateDict,
    /// What its tensors are of: the same function in that layout.
    pub description: Description,
    /// What it loads into.
    pub loads_into: String,
}

/// The same function in the layout of `arcface_torch`'s iresnet.
///
/// Its ε is 1e-5: what ours has more is added to the running variances. A shortcut that takes every second pixel is
/// there a 1x1 convolution with the identity as its kernel. The last matrix takes its features by channels.
///
/// # Errors
/// Which tensor is missing or has no place in an iresnet.
pub fn to_iresnet(weights: DescribedWeights) -> Result<Iresnet, String> {
    let DescribedWeights {
        mut description,
        mut tensors,
        prefix,
        ..
    } = weights;
    let network = &description.network;
    let layout = plan(network);
    tensors.retain(|name, _| name.starts_with(prefix));
    let mut writing = Writing {
        tensors,
        prefix,
        more_variance: network.batch_norm_epsilon - ARCFACE_EPSILON,
        written: StateDict::default(),
    };
    for layer in &FIRST_LAYERS {
        writing.layer("", "", layer)?;
    }
    let mut counts: Vec<usize> = Vec::new();
    for (place, unit) in layout.units.iter().enumerate() {
        if unit.stride != 1 || counts.is_empty() {
            counts.push(0);
        }
        let stage = counts.len();
        let number = counts.last_mut().ok_or("a network without units")?;
        let theirs = format!("layer{stage}.{number}.");
        *number += 1;
        writing.unit(&theirs, &format!("units.{place}."), unit)?;
    }
    if network.flatten == Flatten::Hwc {
        let name = format!("{prefix}output.dense.weight");
        if let Some(matrix) = writing.tensors.get_mut(&name) {
            *matrix = rows_as_chw(matrix, layout.output);
        }
    }
    for layer in &LAST_LAYERS {
        writing.layer("", "", layer)?;
    }
    if let Some(name) = writing.tensors.keys().next() {
        return Err(format!(
            "the tensor {} has no place in arcface_torch's iresnet; export to safetensors or ONNX",
            visible(name)
        ));
    }
    let loads_into = loads_into(&description, &counts, layout.output);
    description.network.shortcut = Shortcut::Projection;
    description.network.flatten = Flatten::Chw;
    description.network.batch_norm_epsilon = ARCFACE_EPSILON;
    Ok(Iresnet {
        state: writing.written,
        description,
        loads_into,
    })
}

/// A state dict in the making.
struct Writing {
    /// What has no place yet.
    tensors: NamedTensors,
    prefix: &'static str,
    /// What is added to running variances.
    more_variance: f64,
    written: StateDict,
}

impl Writing {
    fn unit(&mut self, theirs: &str, ours: &str, plan: &UnitPlan) -> Result<(), String> {
        for layer in &UNIT_LAYERS {
            if !layer.0.starts_with("downsample") || plan.project {
                self.layer(theirs, ours, layer)?;
            }
        }
        if plan.stride != 1 && !plan.project {
            self.subsample(theirs, plan.output);
        }
        Ok(())
    }

    /// A 1x1 convolution and its BatchNorm that change nothing but take every second pixel.
    fn subsample(&mut self, theirs: &str, channels: usize) {
        let mut kernel = vec![0.0; channels * channels];
        for value in kernel.iter_mut().step_by(channels + 1) {
            *value = 1.0;
        }
        self.push(
            format!("{theirs}downsample.0.weight"),
            vec![channels, channels, 1, 1],
            kernel,
        );
        let variance = 1.0 - ARCFACE_EPSILON as f32;
        for (part, value) in [
            ("weight", 1.0),
            ("bias", 0.0),
            ("running_mean", 0.0),
            ("running_var", variance),
        ] {
            let values = vec![value; channels];
            self.push(
                format!("{theirs}downsample.1.{part}"),
                vec![channels],
                values,
            );
        }
        self.count(&format!("{theirs}downsample.1"));
    }

    fn layer(
        &mut self,
        theirs: &str,
        ours: &str,
        (their_layer, our_layer, kind): &(&str, &str, Kind),
    ) -> Result<(), String> {
        for (their_part, our_part) in kind.parts() {
            let name = format!("{}{ours}{our_layer}.{our_part}", self.prefix);
            let mut tensor = self
                .tensors
                .remove(&name)
                .ok_or_else(|| format!("the weights lack the tensor {name}"))?;
            match (kind, *our_part) {
                (Kind::Norm, "running_var") => {
                    for value in &mut tensor.values {
                        *value = (f64::from(*value) + self.more_variance) as f32;
                    }
                }
                (Kind::Dense, "weight") => {
                    tensor = transposed(&tensor)
                        .ok_or_else(|| format!("the tensor {name} is no matrix"))?;
                }
                _ => {}
            }
            self.push(
                format!("{theirs}{their_layer}.{their_part}"),
                tensor.shape,
                tensor.values,
            );
        }
        if *kind == Kind::Norm {
            self.count(&format!("{theirs}{their_layer}"));
        }
        Ok(())
    }

    /// PyTorch counts a BatchNorm's batches, for averages of another kind.
    fn count(&mut self, layer: &str) {
        let tensor = StateTensor {
            shape: Vec::new(),
            values: StateValues::Integers(vec![0]),
        };
        let name = format!("{layer}.num_batches_tracked");
        self.written.tensors.push((name, tensor));
    }

    fn push(&mut self, name: String, shape: Vec<usize>, values: Vec<f32>) {
        let values = StateValues::Floats(values);
        self.written
            .tensors
            .push((name, StateTensor { shape, values }));
    }
}

/// What of `arcface_torch` a state dict loads into.
fn loads_into(description: &Description, counts: &[usize], last: usize) -> String {
    const KNOWN: [(&[usize], &str); 5] = [
        (&[2, 2, 2, 2], "iresnet18"),
        (&[3, 4, 6, 3], "iresnet34"),
        (&[3, 4, 14, 3], "iresnet50"),
        (&[3, 13, 30, 3], "iresnet100"),
        (&[6, 26, 60, 6], "iresnet200"),
    ];
    if last != 512 {
        return format!(
            "an iresnet whose stages end with {last} channels; arcface_torch's own have 512"
        );
    }
    let known = KNOWN.iter().find(|(known, _)| *known == counts);
    let (function, layers) = match known {
        Some((_, name)) => ((*name).to_owned(), String::new()),
        None => ("IResNet".to_owned(), format!("IBasicBlock, {counts:?}")),
    };
    let embedding = match description.network.embedding {
        512 => String::new(),
        other => format!("num_features={other}"),
    };
    let arguments: Vec<String> = [layers, embedding]
        .into_iter()
        .filter(|argument| !argument.is_empty())
        .collect();
    let scale = match description.input.crop {
        Crop::Full => String::new(),
        Crop::Reference => {
            let [height, width] = feature_map(Crop::Reference);
            format!(" once IResNet.fc_scale is {height} * {width}")
        }
    };
    format!(
        "arcface_torch's {function}({}){scale}",
        arguments.join(", ")
    )
}
