//! The three networks of the detector: P-Net over whole pictures, R-Net and O-Net on what it proposes.
//!
//! Layers and names are those of facenet-pytorch 2.6.0, whose package ships the weights. Its dense layers take the
//! planes column by column, as the detector's first authors' program did.

use std::path::{Path, PathBuf};

use burn::tensor::{
    Device, Tensor, TensorData,
    activation::{prelu, softmax},
    module::{conv2d, linear, max_pool2d},
    ops::{ConvOptions, MaxPoolOptions},
};
use thiserror::Error;

use crate::model::pytorch::{self, PytorchError, StateDict, StateValues};

/// Why the detector has no weights.
#[derive(Debug, Error)]
pub enum DetectorError {
    /// A file of weights can't be read.
    #[error("{source}; `./x setup detector` fetches the detector's weights anew")]
    Weights {
        /// What is wrong with it.
        source: PytorchError,
    },
    /// A file holds other tensors than the network needs.
    #[error(
        "{}: the tensor {name} is not there with shape {expected:?}; `./x setup detector` fetches the detector's weights anew",
        path.display()
    )]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape that is needed.
        expected: Vec<usize>,
    },
}

/// What R-Net and O-Net say of crops, one entry a crop.
pub(super) struct Verdicts {
    /// How sure it is that this is a face, 0 to 1.
    pub scores: Vec<f32>,
    /// By how much to move each edge (left, top, right, bottom), in widths and heights of the box.
    pub shifts: Vec<[f32; 4]>,
    /// Where the landmarks are, x of all five and then y of all five, in widths and heights; O-Net alone says so.
    pub landmarks: Vec<[f32; 10]>,
}

/// What P-Net says of a picture, on a grid whose cells are two pixels apart and see twelve.
pub(super) struct Grid {
    /// Columns of the grid.
    pub columns: usize,
    /// How sure it is that there is a face, row after row.
    pub scores: Vec<f32>,
    /// By how much to move each edge: four planes of the grid's size.
    pub shifts: Vec<f32>,
}

/// P-Net: a fully convolutional network that proposes boxes.
pub(super) struct ProposalNet {
    convolutions: [Convolution; 3],
    score: Convolution,
    shift: Convolution,
}

impl ProposalNet {
    pub fn load(folder: &Path, device: &Device) -> Result<Self, DetectorError> {
        let weights = Weights::open(folder.join("pnet.pt"), device)?;
        Ok(Self {
            convolutions: [
                weights.convolution("conv1", Some("prelu1"), [10, 3, 3, 3])?,
                weights.convolution("conv2", Some("prelu2"), [16, 10, 3, 3])?,
                weights.convolution("conv3", Some("prelu3"), [32, 16, 3, 3])?,
            ],
            score: weights.convolution("conv4_1", None, [2, 32, 1, 1])?,
            shift: weights.convolution("conv4_2", None, [4, 32, 1, 1])?,
        })
    }

    /// `[1, 3, height, width]`, both at least 12.
    pub fn forward(&self, input: Tensor<4>) -> Grid {
        let [first, second, third] = &self.convolutions;
        let features = third.forward(second.forward(pooled(first.forward(input), 2)));
        let scores = softmax(self.score.forward(features.clone()), 1);
        let [_, _, rows, columns] = scores.dims();
        Grid {
            columns,
            scores: values(scores.slice([0..1, 1..2, 0..rows, 0..columns])),
            shifts: values(self.shift.forward(features)),
        }
    }
}

/// R-Net: refines boxes from crops of 24x24.
pub(super) struct RefinementNet {
    convolutions: [Convolution; 3],
    dense: Dense,
    score: Dense,
    shift: Dense,
}

impl RefinementNet {
    /// Width and height of its input.
    pub const SIDE: usize = 24;

    pub fn load(folder: &Path, device: &Device) -> Result<Self, DetectorError> {
        let weights = Weights::open(folder.join("rnet.pt"), device)?;
        Ok(Self {
            convolutions: [
                weights.convolution("conv1", Some("prelu1"), [28, 3, 3, 3])?,
                weights.convolution("conv2", Some("prelu2"), [48, 28, 3, 3])?,
                weights.convolution("conv3", Some("prelu3"), [64, 48, 2, 2])?,
            ],
            dense: weights.dense("dense4", Some("prelu4"), [128, 576])?,
            score: weights.dense("dense5_1", None, [2, 128])?,
            shift: weights.dense("dense5_2", None, [4, 128])?,
        })
    }

    /// `[crops, 3, 24, 24]`
    pub fn forward(&self, input: Tensor<4>) -> Verdicts {
        let [first, second, third] = &self.convolutions;
        let features = pooled(second.forward(pooled(first.forward(input), 3)), 3);
        let features = self.dense.forward(flat(third.forward(features)));
        Verdicts {
            scores: scores(self.score.forward(features.clone())),
            shifts: rows(self.shift.forward(features)),
            landmarks: Vec::new(),
        }
    }
}

/// O-Net: judges boxes from crops of 48x48, and finds the landmarks.
pub(super) struct OutputNet {
    convolutions: [Convolution; 4],
    dense: Dense,
    score: Dense,
    shift: Dense,
    landmarks: Dense,
}

impl OutputNet {
    /// Width and height of its input.
    pub const SIDE: usize = 48;

    pub fn load(folder: &Path, device: &Device) -> Result<Self, DetectorError> {
        let weights = Weights::open(folder.join("onet.pt"), device)?;
        Ok(Self {
            convolutions: [
                weights.convolution("conv1", Some("prelu1"), [32, 3, 3, 3])?,
                weights.convolution("conv2", Some("prelu2"), [64, 32, 3, 3])?,
                weights.convolution("conv3", Some("prelu3"), [64, 64, 3, 3])?,
                weights.convolution("conv4", Some("prelu4"), [128, 64, 2, 2])?,
            ],
            dense: weights.dense("dense5", Some("prelu5"), [256, 1152])?,
            score: weights.dense("dense6_1", None, [2, 256])?,
            shift: weights.dense("dense6_2", None, [4, 256])?,
            landmarks: weights.dense("dense6_3", None, [10, 256])?,
        })
    }

    /// `[crops, 3, 48, 48]`
    pub fn forward(&self, input: Tensor<4>) -> Verdicts {
        let [first, second, third, fourth] = &self.convolutions;
        let features = pooled(second.forward(pooled(first.forward(input), 3)), 3);
        let features = fourth.forward(pooled(third.forward(features), 2));
        let features = self.dense.forward(flat(features));
        Verdicts {
            scores: scores(self.score.forward(features.clone())),
            shifts: rows(self.shift.forward(features.clone())),
            landmarks: rows(self.landmarks.forward(features)),
        }
    }
}

/// A convolution without padding, with a bias and perhaps a PReLU.
struct Convolution {
    weight: Tensor<4>,
    bias: Tensor<1>,
    slope: Option<Tensor<1>>,
}

impl Convolution {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        let output = conv2d(input, self.weight.clone(), Some(self.bias.clone()), options);
        match &self.slope {
            Some(slope) => prelu(output, slope.clone()),
            None => output,
        }
    }
}

/// A dense layer with a bias and perhaps a PReLU; its weight is `[inputs, outputs]`.
struct Dense {
    weight: Tensor<2>,
    bias: Tensor<1>,
    slope: Option<Tensor<1>>,
}

impl Dense {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let output = linear(input, self.weight.clone(), Some(self.bias.clone()));
        match &self.slope {
            Some(slope) => prelu(output, slope.clone()),
            None => output,
        }
    }
}

/// Largest of every `side`x`side`, two apart; what is left at the edges makes a row and column of its own.
fn pooled(input: Tensor<4>, side: usize) -> Tensor<4> {
    let mut options = MaxPoolOptions::new([side, side]).with_stride([2, 2]);
    options.ceil_mode = true;
    max_pool2d(input, options)
}

/// `[crops, planes, rows, columns]` to `[crops, columns · rows · planes]`
fn flat(features: Tensor<4>) -> Tensor<2> {
    let [crops, planes, rows, columns] = features.dims();
    features
        .permute([0, 3, 2, 1])
        .reshape([crops, columns * rows * planes])
}

fn scores(logits: Tensor<2>) -> Vec<f32> {
    let pairs: Vec<[f32; 2]> = rows(softmax(logits, 1));
    pairs.into_iter().map(|[_, face]| face).collect()
}

fn rows<const N: usize>(tensor: Tensor<2>) -> Vec<[f32; N]> {
    values(tensor).as_chunks().0.to_vec()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

/// The tensors of a file, on their way to a device.
struct Weights<'a> {
    path: PathBuf,
    tensors: StateDict,
    device: &'a Device,
}

impl<'a> Weights<'a> {
    fn open(path: PathBuf, device: &'a Device) -> Result<Self, DetectorError> {
        let tensors = pytorch::read(&path).map_err(|source| DetectorError::Weights { source })?;
        Ok(Self {
            path,
            tensors,
            device,
        })
    }

    fn tensor<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
    ) -> Result<Tensor<D>, DetectorError> {
        match self.tensors.get(name) {
            Some(tensor) if tensor.shape == shape => match &tensor.values {
                StateValues::Floats(values) => Ok(Tensor::from_data(
                    TensorData::new(values.clone(), shape),
                    self.device,
                )),
                StateValues::Integers(_) => Err(self.lacks(name, &shape)),
            },
            _ => Err(self.lacks(name, &shape)),
        }
    }

    fn lacks(&self, name: &str, expected: &[usize]) -> DetectorError {
        DetectorError::Tensor {
            path: self.path.clone(),
            name: name.to_owned(),
            expected: expected.to_vec(),
        }
    }

    fn convolution(
        &self,
        name: &str,
        slope: Option<&str>,
        shape: [usize; 4],
    ) -> Result<Convolution, DetectorError> {
        Ok(Convolution {
            weight: self.tensor(&format!("{name}.weight"), shape)?,
            bias: self.tensor(&format!("{name}.bias"), [shape[0]])?,
            slope: self.slope(slope, shape[0])?,
        })
    }

    fn dense(
        &self,
        name: &str,
        slope: Option<&str>,
        shape: [usize; 2],
    ) -> Result<Dense, DetectorError> {
        Ok(Dense {
            weight: self
                .tensor::<2>(&format!("{name}.weight"), shape)?
                .transpose(),
            bias: self.tensor(&format!("{name}.bias"), [shape[0]])?,
            slope: self.slope(slope, shape[0])?,
        })
    }

    fn slope(&self, name: Option<&str>, count: usize) -> Result<Option<Tensor<1>>, DetectorError> {
        name.map(|name| self.tensor(&format!("{name}.weight"), [count]))
            .transpose()
    }
}
