//! What a training tells of its images: which could not be read, and how many were of another size.

use facetui::{
    config::{Recipe, WrongSize},
    data::{BrokenImage, Loader, SetCount},
    run::JournalEvent,
};

use crate::job::{JobError, session::Session};

/// Tells which images could not be read.
pub(super) fn tell_broken(session: &mut Session, broken: &[BrokenImage]) -> Result<(), JobError> {
    for image in broken {
        session.note(JournalEvent::Error {
            message: format!(
                "{} can't be read and is replaced by another image",
                image.problem
            ),
        })?;
    }
    Ok(())
}

/// Tells of training sets with images that aren't 112x112: once at the first, and how many there were at the end.
#[derive(Default)]
pub(super) struct WrongSizes {
    told: Vec<usize>,
}

impl WrongSizes {
    pub(super) fn tell(
        &mut self,
        session: &mut Session,
        recipe: &Recipe,
        loader: &Loader,
    ) -> Result<(), JobError> {
        for (set, count) in loader.counts().iter().enumerate() {
            if count.wrong_size > 0 && !self.told.contains(&set) {
                self.told.push(set);
                note_wrong_sizes(session, recipe, set, count)?;
            }
        }
        Ok(())
    }

    pub(super) fn tell_all(
        &self,
        session: &mut Session,
        recipe: &Recipe,
        loader: &Loader,
    ) -> Result<(), JobError> {
        for set in &self.told {
            note_wrong_sizes(session, recipe, *set, &loader.counts()[*set])?;
        }
        Ok(())
    }
}

fn note_wrong_sizes(
    session: &mut Session,
    recipe: &Recipe,
    set: usize,
    count: &SetCount,
) -> Result<(), JobError> {
    let done = match recipe.input.wrong_size {
        WrongSize::Crop => "cropped to their middle, smaller ones resized",
        WrongSize::Resize => "resized",
    };
    session.note(JournalEvent::Note {
        message: format!(
            "[{}]: {} of the {} images taken so far are not 112x112; they are {done} (input.wrong_size in the recipe)",
            facetui::untrusted::visible(&recipe.datasets[set].name),
            count.wrong_size,
            count.images
        ),
    })
}
