//! Which order of feature maps in memory is faster on the device.

use std::time::Instant;

use facetui::{
    config::{MemoryFormat, Recipe},
    run::JournalEvent,
};

use super::trial::Trial;
use crate::{
    job::{JobError, session::Session},
    model::{device::NamedDevice, libtorch},
};

/// Enough for a step to be mostly convolutions, few enough not to hold up the start.
const IMAGES: usize = 8;
/// The head's part doesn't depend on the order.
const CLASSES: u32 = 4;
/// Steps of each order that are timed, after one that is not.
const ROUNDS: usize = 2;

/// Puts the faster order in the place of `auto`, in the recipe and in the run's own copy of it; so a run that is resumed
/// goes on with the order that it began with.
///
/// The pure-Rust engine knows one order, and `auto` stays.
pub(super) fn settle(
    session: &mut Session,
    recipe: &mut Recipe,
    device: &NamedDevice,
) -> Result<(), JobError> {
    if recipe.memory_format != MemoryFormat::Auto || !libtorch::is_ours(&device.device) {
        return Ok(());
    }
    let formats = [MemoryFormat::Contiguous, MemoryFormat::ChannelsLast];
    let mut trials = formats.map(|format| {
        let mut recipe = recipe.clone();
        recipe.memory_format = format;
        recipe.loss.sample_fraction = 1.0;
        recipe.optimiser.accumulation = 1;
        let mut trial = Trial::new(recipe, CLASSES, device, IMAGES);
        trial.step();
        (trial, f64::INFINITY)
    });
    for _ in 0..ROUNDS {
        for (trial, best) in &mut trials {
            let begun = Instant::now();
            trial.step();
            *best = best.min(begun.elapsed().as_secs_f64());
        }
    }
    let [contiguous, channels_last] = trials.map(|(_, seconds)| seconds);
    recipe.memory_format = if channels_last < contiguous {
        MemoryFormat::ChannelsLast
    } else {
        MemoryFormat::Contiguous
    };
    session.note(JournalEvent::Note {
        message: format!(
            "memory_format = {}, measured on {}: a step of {IMAGES} images takes {contiguous:.3} s contiguous, \
             {channels_last:.3} s channels-last",
            recipe.memory_format.name(),
            device.name
        ),
    })?;
    session
        .run
        .write_file("recipe.toml", recipe.as_run().to_toml().as_bytes())?;
    Ok(())
}
