//! Suspects of an evaluation, from the embeddings that it keeps.

use super::{Measured, ReportError};
use crate::eval::{
    corrected::ErrorList,
    suspects::{self, Suspects, Video},
    template::Track,
};

/// Ranks the videos of an evaluation by how much they look mislabelled, listed or not.
///
/// # Errors
/// The embeddings are no longer kept, or the pairs are too few to judge by.
pub fn suspects(measured: &Measured, errors: &ErrorList) -> Result<Suspects, ReportError> {
    let embeddings = measured.embeddings()?;
    let pairs = measured.whole().named();
    let mut values = Vec::new();
    for (place, item) in embeddings.items().iter().enumerate() {
        // A video that was missing has no embeddings; one that is in no pair is a witness all the same.
        if item.count > 0 {
            values.push((item.name.as_str(), embeddings.frames(place)?));
        }
    }
    let videos: Vec<Video> = values
        .iter()
        .map(|(name, values)| Video {
            name,
            track: Track::of_flat(values, embeddings.length()),
        })
        .collect();
    Ok(suspects::suspects(&videos, &pairs, errors)?)
}
