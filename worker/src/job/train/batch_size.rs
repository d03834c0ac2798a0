//! Finding the largest batch whose step fits into the device's memory.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use facetui::{config::Recipe, data::Combined, run::JournalEvent};

use super::trial::Trial;
use crate::{
    job::{JobError, is_out_of_memory, session::Session},
    model::device::NamedDevice,
    train::auto_batch::{StepMemory, available_bytes, forget_peak, largest, peak_bytes},
};

/// Room left for what a step doesn't show: validation, checkpoints, fragments.
const USED_SHARE: f64 = 0.9;

/// Puts the largest batch that fits into the recipe, and into the run's own copy of it.
///
/// On CUDA batches are tried until one doesn't fit; elsewhere the memory of two small ones is measured and drawn out
/// to what the machine has left, since a host that runs out of memory kills instead of refusing.
pub(super) fn fit(
    session: &mut Session,
    recipe: &mut Recipe,
    images: &Combined,
    device: &NamedDevice,
) -> Result<(), JobError> {
    let parts = recipe.optimiser.accumulation;
    let (unit, most) = if recipe.stage.draws_people() {
        let each = recipe.triplet.images_per_class;
        (each * parts, images.classes() as usize * each)
    } else {
        (parts, images.len())
    };
    let found = if device.name.starts_with("cuda") {
        largest(unit, most, |count| tried(recipe, images, device, count))?
            .map(|count| (count as f64 * USED_SHARE) as usize)
    } else {
        Some(measured(recipe, images, device, unit)?.min(most))
    };
    let smallest = 2 * unit;
    let found = found.map_or(0, |count| count / unit * unit);
    if found < smallest {
        return Err(JobError::Input(format!(
            "not even a batch of {smallest} images fits into the memory of {}; use a smaller network",
            device.name
        )));
    }
    session.note(JournalEvent::Note {
        message: format!(
            "batch_size = {found} instead of {}: the largest that fits into the memory of {}; the learning rate is as it was",
            recipe.batch_size, device.name
        ),
    })?;
    recipe.batch_size = found;
    session
        .run
        .write_file("recipe.toml", recipe.as_run().to_toml().as_bytes())?;
    Ok(())
}

/// Whether two steps with so many images go through; the second has the optimiser's state besides.
fn tried(
    recipe: &Recipe,
    images: &Combined,
    device: &NamedDevice,
    count: usize,
) -> Result<bool, JobError> {
    let outcome = catch_unwind(AssertUnwindSafe(|| steps(recipe, images, device, count)));
    match outcome {
        Ok(()) => Ok(true),
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or_default();
            if is_out_of_memory(message) {
                Ok(false)
            } else {
                resume_unwind(panic)
            }
        }
    }
}

/// The most images for which memory is left, from the memory of two small batches.
fn measured(
    recipe: &Recipe,
    images: &Combined,
    device: &NamedDevice,
    unit: usize,
) -> Result<usize, JobError> {
    let unknown = || {
        JobError::Input(
            "this system doesn't tell how much memory it has; give batch_size in the recipe"
                .to_owned(),
        )
    };
    let small = 4_usize.next_multiple_of(unit).max(2 * unit);
    let before = available_bytes().ok_or_else(unknown)?;
    forget_peak();
    // Counted from here for both: the allocator keeps what the smaller batch gave back.
    let begun = peak_bytes().ok_or_else(unknown)?;
    let held = |count: usize| {
        forget_peak();
        steps(recipe, images, device, count);
        Some((count, peak_bytes()?.saturating_sub(begun)))
    };
    // The first steps of a process also make threads and tables, once.
    held(small).ok_or_else(unknown)?;
    let first = held(small).ok_or_else(unknown)?;
    let second = held(4 * small).ok_or_else(unknown)?;
    let memory = StepMemory::through(first, second);
    Ok(memory.most((before as f64 * USED_SHARE) as u64))
}

/// Two steps of so many images.
fn steps(recipe: &Recipe, images: &Combined, device: &NamedDevice, count: usize) {
    let mut trial = Trial::new(recipe.clone(), images.classes(), device, count);
    trial.step();
    trial.step();
}
