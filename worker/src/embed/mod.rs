//! Images to embeddings, and embeddings of verification sets to figures.

pub mod verification;

use std::ops::ControlFlow;

use facetui::{
    config::InputOptions,
    data::{DataError, Image, face_input, size_of},
    eval::{
        EvalError,
        template::{Mirror, with_mirror},
    },
};
use thiserror::Error;

use crate::model::{backbone::Backbone, device::NamedDevice, input::to_input};

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
    /// Whoever was called between batches wants an end.
    #[error("interrupted")]
    Interrupted,
}

/// Images embedded at once.
const BATCH: usize = 32;

/// Called after every batch with the number of its images; a break ends the embedding.
pub type Between<'a> = dyn FnMut(usize) -> ControlFlow<()> + 'a;

/// A model with all that decides what its embeddings are.
pub struct Embedder {
    /// The backbone, without automatic differentiation.
    pub backbone: Backbone,
    /// How an image becomes its input.
    pub input: InputOptions,
    /// The device it is on.
    pub device: NamedDevice,
    /// The name under which its figures are shown.
    pub model: String,
    /// The optimiser step it was taken at.
    pub step: Option<u64>,
}

impl Embedder {
    /// Raw embeddings of `count` images, in order; `between` is called after every batch.
    ///
    /// # Errors
    /// An image can't be read, or `between` wants an end.
    pub fn embed(
        &self,
        count: usize,
        image: impl Fn(usize) -> Result<Image, DataError>,
        mirror: Mirror,
        between: &mut Between<'_>,
    ) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut embeddings = Vec::with_capacity(count);
        for first in (0..count).step_by(BATCH) {
            let images = (first..count.min(first + BATCH))
                .map(&image)
                .collect::<Result<Vec<_>, _>>()?;
            let plain = self.forward(&images, false);
            if mirror == Mirror::None {
                embeddings.extend(plain);
            } else {
                for (image, mirrored) in plain.iter().zip(self.forward(&images, true)) {
                    let both = with_mirror(mirror, image, &mirrored).map_err(|source| {
                        EmbedError::Figures {
                            of: self.model.clone(),
                            source,
                        }
                    })?;
                    embeddings.push(both);
                }
            }
            if between(images.len()).is_break() {
                return Err(EmbedError::Interrupted);
            }
        }
        Ok(embeddings)
    }

    fn forward(&self, images: &[Image], mirrored: bool) -> Vec<Vec<f32>> {
        let (height, width) = size_of(self.input.crop);
        let bytes: Vec<u8> = images
            .iter()
            .flat_map(|image| face_input(image, &self.input, mirrored))
            .collect();
        let output = self
            .backbone
            .forward(to_input(&bytes, height, width, &self.device.device));
        let [_, length] = output.dims();
        let values: Vec<f32> = output.into_data().iter().collect();
        values.chunks_exact(length).map(<[f32]>::to_vec).collect()
    }
}
