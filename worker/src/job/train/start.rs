//! The weights that a training starts from.

use std::path::Path;

use facetui::run::BareWeights;

use crate::{
    embed::model::ModelFile,
    job::JobError,
    model::{
        parameters::NamedTensors,
        weights::{BACKBONE, CLASS_WEIGHTS, Parts},
    },
};

/// The weights of a checkpoint or a file, by the names that training has; class weights among them, if there are any.
pub fn weights_of(path: &Path) -> Result<NamedTensors, JobError> {
    let bare = BareWeights::default();
    let weights = ModelFile::open(path, &bare)
        .and_then(|model| model.weights(&bare, Parts::WithClassWeights))
        .map_err(JobError::input)?;
    let prefix = weights.prefix;
    let named = weights.tensors.into_iter().map(|(name, tensor)| {
        let name = match name.strip_prefix(prefix) {
            Some(rest) if name != CLASS_WEIGHTS => format!("{BACKBONE}{rest}"),
            _ => name,
        };
        (name, tensor)
    });
    Ok(named.collect())
}
