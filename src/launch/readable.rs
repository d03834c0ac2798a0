//! Whether data can be read, asked before a run is made for them.

use crate::{
    config::{DataConfig, Recipe, WrongSize},
    data::{Combined, DataError, FACE, Image, VerificationImages, VideoSet},
    run::VerificationSet,
    untrusted::{visible, visible_path},
};

/// An image with the name that messages have for it.
type Named = (String, Image);

/// Opens every set that a recipe trains or validates on.
///
/// # Errors
/// The first that is not of its form, with the place, or whose first image the recipe can't cut a face out of.
pub fn check_training(recipe: &Recipe, config: &DataConfig) -> Result<(), DataError> {
    for set in Combined::open(recipe, config)?.sets() {
        // A broken image is the loader's to count.
        let first = set.images.read(0).ok();
        let first = first.map(|image| (set.images.name_of_image(0), image));
        check_size(recipe, &set.name, first)?;
    }
    for section in &recipe.validation {
        if let Some(set) = VerificationSet::of_section(section, config) {
            check_size(recipe, section, open_verification(&set)?)?;
        }
    }
    Ok(())
}

/// Opens a verification set.
///
/// # Errors
/// It is not of its form, or videos are missing and may not be.
pub fn check_verification(set: &VerificationSet) -> Result<(), DataError> {
    open_verification(set).map(drop)
}

/// Gives the set's first image, where it can be read.
fn open_verification(set: &VerificationSet) -> Result<Option<Named>, DataError> {
    match set {
        VerificationSet::Lfw { data, images } => {
            let set = VerificationImages::open(data, images.as_deref())?;
            let first = set.image(0).ok();
            Ok(first.map(|image| (visible(set.name(0)), image)))
        }
        VerificationSet::Ytf {
            splits,
            frames,
            errors,
            allow_missing,
            ..
        } => {
            let set = VideoSet::open(splits, frames, errors.as_deref())?;
            if !allow_missing {
                set.check_complete(splits, frames)?;
            }
            let path = set.videos.iter().find_map(|video| video.frames.first());
            Ok(path.and_then(|path| Some((visible_path(path), Image::open(path).ok()?))))
        }
    }
}

/// A set that begins with a small image is one of small images, from which nothing can be cut out. A small one among
/// others is the loader's to resize and to count.
fn check_size(recipe: &Recipe, section: &str, first: Option<Named>) -> Result<(), DataError> {
    let is_small = |image: &Image| image.width < FACE || image.height < FACE;
    match first {
        Some((name, image)) if recipe.input.wrong_size == WrongSize::Crop && is_small(&image) => {
            Err(DataError::Request(format!(
                "input.wrong_size in the recipe is \"crop\", and {name} in [{section}] is {}x{}, smaller than the \
                 {FACE}x{FACE} to be cut out; allowed for it: \"resize\"",
                image.width, image.height
            )))
        }
        _ => Ok(()),
    }
}
