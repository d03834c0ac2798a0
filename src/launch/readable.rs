//! Whether data can be read, asked before a run is made for them.

use crate::{
    config::{DataConfig, Recipe},
    data::{Combined, DataError, VerificationImages, VideoSet},
    run::VerificationSet,
};

/// Opens every set that a recipe trains or validates on.
///
/// # Errors
/// The first that is not of its form, with the place.
pub fn check_training(recipe: &Recipe, config: &DataConfig) -> Result<(), DataError> {
    Combined::open(recipe, config)?;
    recipe
        .validation
        .iter()
        .filter_map(|section| VerificationSet::of_section(section, config))
        .try_for_each(|set| check_verification(&set))
}

/// Opens a verification set.
///
/// # Errors
/// It is not of its form, or videos are missing and may not be.
pub fn check_verification(set: &VerificationSet) -> Result<(), DataError> {
    match set {
        VerificationSet::Lfw { data, images } => {
            VerificationImages::open(data, images.as_deref()).map(drop)
        }
        VerificationSet::Ytf {
            splits,
            frames,
            errors,
            allow_missing,
            ..
        } => {
            let videos = VideoSet::open(splits, frames, errors.as_deref())?;
            if *allow_missing {
                return Ok(());
            }
            videos.check_complete(splits, frames)
        }
    }
}
