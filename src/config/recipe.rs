//! The recipe: how to train, as a TOML file.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    LossOptions, MemoryFormat, OptimiserOptions, ParkWindow, Precision, ScheduleOptions, Stage,
    TripletOptions,
};

/// Everything that decides what a training run computes, apart from where its data lie (that is `config.ini`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Which objective is trained.
    pub stage: Stage,
    /// Optimiser steps in all.
    pub steps: u64,
    /// The number from which every random choice of the run follows.
    pub seed: u64,
    /// Images in a step.
    pub batch_size: usize,
    /// The number format of the network's feature maps.
    pub precision: Precision,
    /// Their order in memory.
    pub memory_format: MemoryFormat,
    /// Validate every so many steps; 0 validates only at the end.
    pub validate_every: u64,
    /// Save every so many steps; 0 saves only at the end.
    pub checkpoint_every: u64,
    /// How many of the newest periodic checkpoints stay on disk.
    pub keep_checkpoints: usize,
    /// Checkpoints at a multiple of so many steps stay for good; 0 keeps none for that.
    pub keep_every: u64,
    /// Stop after this many images in a run could not be read.
    pub max_broken_images: u64,
    /// How much of the averaged weights stays at a step (EMA); 0 keeps no average.
    pub ema_decay: f64,
    /// What to do when a loss or a gradient is not finite.
    pub on_nan: OnNan,
    /// The hours of each day in which the run gives its device to others.
    pub park_between: Option<ParkWindow>,
    /// A shell command that the worker runs when the run has finished or failed.
    pub on_finish: Option<String>,
    /// Sections of `config.ini` to validate on: `lfw`, `ytf`, or any other with a verification set.
    pub validation: Vec<String>,
    /// A list of classes of the training sets that are one person, or to be left out; the file that `data overlap` writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<PathBuf>,
    /// By section: a validation better than all before it and better than this is saved at once.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub best: BTreeMap<String, f64>,
    /// Training sets, by their section in `config.ini`.
    pub datasets: Vec<DatasetChoice>,
    /// How an image becomes network input.
    pub input: InputOptions,
    /// How images are varied while training, beyond the mirror.
    pub augment: AugmentOptions,
    /// The backbone.
    pub network: NetworkOptions,
    /// The head over the classes, with the terms that go with it; the triplet stage reads the weight decay alone.
    pub loss: LossOptions,
    /// The terms over pairs; read only by the stages that draw people.
    pub triplet: TripletOptions,
    /// How a gradient becomes a change.
    pub optimiser: OptimiserOptions,
    /// Learning rate over time.
    pub schedule: ScheduleOptions,
    /// Which distributions go into the event log.
    pub histograms: HistogramOptions,
}

/// Which distributions go into the event log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistogramOptions {
    /// Of cos θ_y and of the embeddings' lengths, every so many steps; 0: never.
    pub every: u64,
    /// With them, of each layer's weights and gradients.
    pub layers: bool,
}

/// What to do when a loss or a gradient is not finite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnNan {
    /// Fail, with the batch kept.
    Stop,
    /// Leave the batch out and make the step with the next one.
    Skip,
    /// Go back to the last checkpoint, and on from there with the batches after this one.
    Rewind,
}

/// One training set and its share of the batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetChoice {
    /// The section of `config.ini` that says where it lies.
    pub name: String,
    /// Relative share of the drawn images; −1 means by size: the number of images, or of people where `balanced`.
    pub weight: f64,
    /// Draw every person of the set equally often, instead of every image.
    pub balanced: bool,
}

/// How a 112x112 face becomes network input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputOptions {
    /// Height x width after the centre crop.
    pub crop: Crop,
    /// Order of the colour planes that the network sees.
    pub channels: ChannelOrder,
    /// Mirror every second image at random while training.
    pub mirror: bool,
    /// What is done with an image that isn't 112x112.
    #[serde(default)]
    pub wrong_size: WrongSize,
}

/// How an image that isn't 112x112 becomes so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WrongSize {
    /// The middle 112x112 pixels are cut out. A set whose first image is smaller is refused; a small one among others
    /// is resized.
    Crop,
    /// It is scaled, keeping its proportions, until both sides are at least 112, and the middle is cut out.
    #[default]
    Resize,
}

/// How images are varied while training; the default is not at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentOptions {
    /// The crop moves by up to so many pixels each way; beyond the image its edge is repeated.
    pub crop_jitter: u32,
    /// Brightness is multiplied by a number from 1 − this to 1 + this.
    pub brightness: f64,
    /// Share of the images that are blurred, 0..1.
    pub blur_probability: f64,
    /// Standard deviation of the strongest blur, in pixels; the weakest has 0.1.
    pub blur_sigma: f64,
}

/// The part of an aligned 112x112 face that the network sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Crop {
    /// All rows, columns 8..104: the reference experiment's input.
    #[serde(rename = "112x96")]
    Reference,
    /// The whole image.
    #[serde(rename = "112x112")]
    Full,
}

impl fmt::Display for Crop {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::Reference => "112x96",
            Self::Full => "112x112",
        })
    }
}

/// Order of an image's colour planes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

impl fmt::Display for ChannelOrder {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.pad(match self {
            Self::Rgb => "rgb",
            Self::Bgr => "bgr",
        })
    }
}

/// The backbone's shape and start values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkOptions {
    /// The family.
    #[serde(default)]
    pub architecture: Architecture,
    /// L-ResNet-E-IR's depth by its usual name: 32, 50, 100 or 152.
    pub depth: u32,
    /// Length of an embedding.
    pub embedding: usize,
    /// The shortcut of a stage's first unit.
    pub shortcut: Shortcut,
    /// Whether each unit weighs its channels (Hu et al. 2018), and has an activation after the sum.
    #[serde(default)]
    pub squeeze_excitation: bool,
    /// Order in which the last feature map is flattened.
    pub flatten: Flatten,
    /// Share of features *dropped* before the embedding layer while training, 0..1.
    pub drop: f64,
    /// Decay of BatchNorm's running averages (0.9 keeps nine tenths).
    pub batch_norm_decay: f64,
    /// BatchNorm's ε.
    pub batch_norm_epsilon: f64,
    /// How kernels, matrices and class weights are drawn at the start.
    #[serde(default)]
    pub initialisation: Initialisation,
    /// Standard deviation of the start values of BatchNorm's gammas, around 1.
    pub gamma_deviation: f64,
    /// Whether the last BatchNorm's gammas keep their start values.
    #[serde(default = "yes")]
    pub frozen_output_gamma: bool,
    /// Start value of the PReLU slopes.
    pub prelu_start: f64,
}

fn yes() -> bool {
    true
}

/// The published experiment's backbone.
impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            architecture: Architecture::LResNet,
            depth: 50,
            embedding: 512,
            shortcut: Shortcut::Subsample,
            squeeze_excitation: false,
            flatten: Flatten::Hwc,
            drop: 0.6,
            batch_norm_decay: 0.9,
            batch_norm_epsilon: 2e-5,
            initialisation: Initialisation::Xavier,
            gamma_deviation: 0.002,
            frozen_output_gamma: true,
            prelu_start: 0.0,
        }
    }
}

/// A family of backbones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// L-ResNet-E-IR: residual units, output "E".
    #[default]
    LResNet,
    /// MobileFaceNet (Chen et al. 2018): inverted residual units, a million parameters.
    MobileFaceNet,
}

/// How kernels, matrices and class weights are drawn at the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialisation {
    /// Normal, of variance 2 / (fan in + fan out): the published experiment.
    #[default]
    Xavier,
    /// Kernels N(0, 0.1²), the embedding's matrix uniform within 1/√fan in, class weights N(0, 0.01²): arcface_torch.
    ArcfaceTorch,
}

/// The shortcut of a stage's first unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shortcut {
    /// Where the width stays the same, take every second pixel (the reference experiment).
    Subsample,
    /// A 1x1 convolution with BatchNorm in every stage (InsightFace's layout).
    Projection,
}

/// Order in which the last feature map `[channels, height, width]` becomes a vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flatten {
    /// Channels outermost (PyTorch, MXNet).
    Chw,
    /// Channels innermost (TensorFlow).
    Hwc,
}

/// The name that a run directory gives to its copy of the merge list.
pub const MERGE_COPY: &str = "overlap.csv";

impl Recipe {
    /// The recipe as a run directory holds it: the merge list is the copy beside it.
    #[must_use]
    pub fn as_run(&self) -> Self {
        Self {
            merge: self.merge.as_ref().map(|_| MERGE_COPY.into()),
            ..self.clone()
        }
    }
}
