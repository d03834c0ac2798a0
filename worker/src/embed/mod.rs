//! Images to embeddings, and embeddings of verification sets to figures.

pub mod verification;

use facetui::{
    config::InputOptions,
    data::{DataError, Image, face_input, size_of},
    eval::template::with_mirror,
    run::Mirror,
};

use crate::{
    job::JobError,
    model::{backbone::Backbone, device::NamedDevice},
    train::trainer::to_input,
};

/// Images embedded at once.
const BATCH: usize = 32;

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
    /// Raw embeddings of `count` images, in order; `between` is called between batches.
    ///
    /// # Errors
    /// An image can't be read, or `between` fails.
    pub fn embed(
        &self,
        count: usize,
        image: impl Fn(usize) -> Result<Image, DataError>,
        mirror: Mirror,
        between: &mut dyn FnMut() -> Result<(), JobError>,
    ) -> Result<Vec<Vec<f32>>, JobError> {
        let mut embeddings = Vec::with_capacity(count);
        for first in (0..count).step_by(BATCH) {
            let images = (first..count.min(first + BATCH))
                .map(&image)
                .collect::<Result<Vec<_>, _>>()
                .map_err(JobError::input)?;
            let plain = self.forward(&images, false);
            if mirror == Mirror::None {
                embeddings.extend(plain);
            } else {
                for (image, mirrored) in plain.iter().zip(self.forward(&images, true)) {
                    let both = with_mirror(mirror, image, &mirrored).map_err(JobError::input)?;
                    embeddings.push(both);
                }
            }
            between()?;
        }
        Ok(embeddings)
    }

    fn forward(&self, images: &[Image], mirrored: bool) -> Vec<Vec<f32>> {
        let InputOptions { crop, channels, .. } = self.input;
        let (height, width) = size_of(crop);
        let bytes: Vec<u8> = images
            .iter()
            .flat_map(|image| face_input(image, crop, channels, mirrored))
            .collect();
        let output = self
            .backbone
            .forward(to_input(&bytes, height, width, &self.device.device));
        let [_, length] = output.dims();
        let values: Vec<f32> = output.into_data().iter().collect();
        values.chunks_exact(length).map(<[f32]>::to_vec).collect()
    }
}
