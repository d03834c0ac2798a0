//! Images to embeddings, and embeddings of verification sets to figures.

mod figures;
pub mod kept;
pub mod model;
mod model_info;
pub mod model_writer;
pub mod verification;

use std::{ops::ControlFlow, sync::mpsc, thread};

use facetui::{
    config::{ChannelOrder, Crop, InputOptions, Scaling, WrongSize},
    data::{DataError, Image, face_input, size_of},
    eval::{
        EvalError,
        template::{Mirror, with_mirror},
    },
    run::RunError,
    untrusted::visible,
};
use thiserror::Error;

use crate::model::{
    embedding_network::EmbeddingNetwork,
    input::to_planes,
    onnx::{ONNX_BATCH, OnnxError, OnnxModel},
};

/// Why a set has no figures.
#[derive(Debug, Error)]
pub enum EmbedError {
    /// An image or a list can't be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The embeddings or pairs don't give figures.
    #[error("{of}: {source}")]
    Figures {
        /// The set or video.
        of: String,
        /// What is wrong.
        source: EvalError,
    },
    /// What was asked for can't be evaluated.
    #[error("{0}")]
    Input(String),
    /// The model can't be used.
    #[error(transparent)]
    Model(#[from] model::ModelError),
    /// Embeddings can't be kept, or those that were are damaged.
    #[error(transparent)]
    Kept(#[from] RunError),
    /// Whoever was called between batches wants an end.
    #[error("interrupted")]
    Interrupted,
}

impl EmbedError {
    /// Whether kept embeddings can't be used, so that the images have to be embedded anew.
    pub fn is_of_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}

impl From<OnnxError> for EmbedError {
    fn from(error: OnnxError) -> Self {
        Self::Model(error.into())
    }
}

/// Images through a network at once.
const BATCH: usize = 32;
/// More threads than this don't load images any faster than a device takes them.
const MOST_THREADS: usize = 8;
/// Batches that each thread may have ready.
const READY: usize = 2;

/// Called after every batch with the number of its images; a break ends the embedding.
pub type Between<'a> = dyn FnMut(usize) -> ControlFlow<()> + 'a;

/// What computes.
pub enum Engine {
    /// One of our networks, on the device that it was made for.
    Network(Box<EmbeddingNetwork>),
    /// A model of anybody's.
    Onnx(Box<OnnxModel>),
}

/// How a face becomes a model's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Input {
    /// The part of the face.
    pub crop: Crop,
    /// Order of the colour planes.
    pub channels: ChannelOrder,
    /// What is done with images that aren't 112x112.
    pub wrong_size: WrongSize,
    /// How a byte becomes a number.
    pub scaling: Scaling,
}

/// A model with all that decides what its embeddings are.
pub struct Embedder {
    /// What computes.
    pub engine: Engine,
    /// How a face becomes its input.
    pub input: Input,
    /// The name of the device.
    pub device: String,
    /// Its name, as figures show it.
    pub model: String,
    /// The optimiser step it was taken at.
    pub step: Option<u64>,
}

/// Images to be embedded; they are loaded by several threads.
pub struct Images<'a> {
    /// How many there are.
    pub count: usize,
    /// One of them.
    pub image: &'a (dyn Fn(usize) -> Result<Image, DataError> + Sync),
    /// What one is called.
    pub name: &'a (dyn Fn(usize) -> String + Sync),
}

/// A batch as a model takes it, and its mirror images if those count too.
struct Batch {
    images: usize,
    plain: Vec<f32>,
    mirrored: Option<Vec<f32>>,
}

impl Embedder {
    /// Raw embeddings of all images, one after the other, each as many numbers as the second value says; threads load
    /// images while the device computes, and `between` is called after every batch.
    ///
    /// # Errors
    /// An image can't be read, an embedding is broken, the model fails, or `between` wants an end.
    pub fn embed(
        &self,
        images: &Images<'_>,
        mirror: Mirror,
        between: &mut Between<'_>,
    ) -> Result<(Vec<f32>, usize), EmbedError> {
        let size = match &self.engine {
            Engine::Network(_) => BATCH,
            Engine::Onnx(model) => model.input().batch.unwrap_or(ONNX_BATCH),
        };
        let batches = images.count.div_ceil(size);
        let threads = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MOST_THREADS)
            .min(batches.max(1));
        thread::scope(|scope| {
            // Thread t makes batches t, t + threads, …: they come in order, and no thread runs far ahead.
            let mut ready = Vec::new();
            for thread in 0..threads {
                let (sender, receiver) = mpsc::sync_channel(READY);
                scope.spawn(move || {
                    for batch in (thread..batches).step_by(threads) {
                        let range = batch * size..images.count.min((batch + 1) * size);
                        let made = self.load(images, range, mirror);
                        let failed = made.is_err();
                        // Nobody waits for it any more when the work has ended early.
                        if sender.send(made).is_err() || failed {
                            return;
                        }
                    }
                });
                ready.push(receiver);
            }
            let mut embeddings = Vec::new();
            let mut length = 0;
            for batch in 0..batches {
                let made = ready[batch % threads].recv();
                let lost = |_| EmbedError::Input("a thread that loads images ended".to_owned());
                let made = made.map_err(lost)??;
                let first = batch * size;
                let count = made.images;
                let found = self.forward(made, mirror)?;
                length = found.len() / count;
                check(&found, length, first, images)?;
                if embeddings.is_empty() {
                    embeddings.reserve_exact(length * images.count);
                }
                embeddings.extend_from_slice(&found);
                if between(count).is_break() {
                    return Err(EmbedError::Interrupted);
                }
            }
            Ok((embeddings, length))
        })
    }

    fn load(
        &self,
        images: &Images<'_>,
        range: std::ops::Range<usize>,
        mirror: Mirror,
    ) -> Result<Batch, DataError> {
        let count = range.len();
        let faces = range.map(images.image).collect::<Result<Vec<_>, _>>()?;
        Ok(Batch {
            images: count,
            plain: self.values(&faces, false),
            mirrored: (mirror != Mirror::None).then(|| self.values(&faces, true)),
        })
    }

    /// Faces as numbers, in the layout that the model takes.
    fn values(&self, faces: &[Image], mirrored: bool) -> Vec<f32> {
        let Input {
            crop,
            channels,
            wrong_size,
            scaling,
        } = self.input;
        let options = InputOptions {
            crop,
            channels,
            mirror: false,
            wrong_size,
        };
        let (height, width) = size_of(crop);
        let planes_first = match &self.engine {
            Engine::Network(_) => true,
            Engine::Onnx(model) => model.input().planes_first,
        };
        let size = height * width * 3;
        let mut values = vec![0.0; faces.len() * size];
        for (face, values) in faces.iter().zip(values.chunks_exact_mut(size)) {
            let bytes = face_input(face, &options, mirrored);
            if planes_first {
                to_planes(&bytes, height * width, scaling, values);
            } else {
                for (value, byte) in values.iter_mut().zip(bytes) {
                    *value = scaling.apply(byte);
                }
            }
        }
        values
    }

    /// The embeddings of a batch, those of the mirror images brought in.
    fn forward(&self, batch: Batch, mirror: Mirror) -> Result<Vec<f32>, EmbedError> {
        let compute = |values| match &self.engine {
            Engine::Network(network) => Ok(network.embed(values)),
            Engine::Onnx(model) => model.embed(values),
        };
        let plain = compute(batch.plain)?;
        let Some(mirrored) = batch.mirrored else {
            return Ok(plain);
        };
        let mirrored = compute(mirrored)?;
        let length = (plain.len() / batch.images).max(1);
        let mut both = Vec::with_capacity(2 * plain.len());
        for (plain, mirrored) in plain.chunks(length).zip(mirrored.chunks(length)) {
            let joined =
                with_mirror(mirror, plain, mirrored).map_err(|source| EmbedError::Figures {
                    of: self.model.clone(),
                    source,
                })?;
            both.extend(joined);
        }
        Ok(both)
    }
}

/// Refuses embeddings that no distance can be taken of, and names the image.
fn check(
    embeddings: &[f32],
    length: usize,
    first: usize,
    images: &Images<'_>,
) -> Result<(), EmbedError> {
    for (place, embedding) in embeddings.chunks(length.max(1)).enumerate() {
        let broken = embedding.iter().find(|value| !value.is_finite());
        if let Some(value) = broken {
            let name = visible(&(images.name)(first + place));
            return Err(EmbedError::Input(format!(
                "the model's embedding of {name} holds {value}: the model is broken, or its input is scaled wrongly (--scaling, --channels, --crop)"
            )));
        }
    }
    Ok(())
}
