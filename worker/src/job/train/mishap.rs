//! What a training does when its numbers go wrong: keep the batch, then stop, leave it out, or go back.
//!
//! Nothing is remembered but how many batches were left out. It is in every checkpoint, so a run that is killed and
//! resumed comes to the same weights.

use std::{collections::BTreeMap, fs, path::PathBuf};

use facetui::{
    config::{ChannelOrder, OnNan, Recipe},
    data::{Batch, Combined, Image},
    run::{JournalEvent, RunDirectory, RunError},
};
use serde::Serialize;

use super::{Training, saving};
use crate::{
    job::{
        JobError,
        session::{Session, or_full},
    },
    model::{network::Network, parameters},
    train::{checkpoint, trainer::StepError},
};

/// How many batches in a row may be left out, and how often a run may go back to one checkpoint.
const MOST_IN_A_ROW: u64 = 10;

/// What is known of a training's mishaps.
pub(super) struct Mishaps {
    skipped_batches: u64,
    /// The step at which mishaps happened last, and how many there.
    at: Option<(u64, u64)>,
    /// BatchNorm's running averages before the step at hand, where a batch may be left out.
    averages: parameters::NamedTensors,
}

impl Mishaps {
    pub(super) fn new(skipped_batches: u64) -> Self {
        Self {
            skipped_batches,
            at: None,
            averages: BTreeMap::new(),
        }
    }

    /// How many batches were left out so far: batch `step + skipped_batches` is the step's.
    pub(super) fn skipped_batches(&self) -> u64 {
        self.skipped_batches
    }

    /// Remembers what a step changes even when it goes wrong.
    pub(super) fn before(&mut self, recipe: &Recipe, network: &Network) {
        if recipe.on_nan == OnNan::Skip {
            // Makes the averages of the step before final.
            let _ = network.embedder();
            self.averages = parameters::snapshot_of(network, |name| name.contains("running_"));
        }
    }

    /// Counts a mishap; whether there were too many at one place.
    fn too_many(&mut self, place: u64) -> bool {
        let count = match self.at {
            Some((at, count)) if at == place => count + 1,
            _ => 1,
        };
        self.at = Some((place, count));
        count > MOST_IN_A_ROW
    }
}

impl Training {
    /// Deals with a step that went wrong, as the recipe says; the loader has to start anew then.
    ///
    /// # Errors
    /// The run is to stop.
    pub(super) fn mishap(
        &mut self,
        session: &mut Session,
        batch: &Batch,
        error: StepError,
    ) -> Result<(), JobError> {
        let written = self.checkpoints.settle();
        saving::tell(session, written)?;
        let folder = or_full(keep(
            &session.run,
            batch,
            self.recipe.input.channels,
            &error,
            &self.images,
        ))?;
        let mut message = match folder {
            Some(folder) => format!("{error}; the batch is in {}", folder.display()),
            None => error.to_string(),
        };
        match self.recipe.on_nan {
            OnNan::Stop => Err(JobError::Step {
                source: error,
                message,
            }),
            OnNan::Skip => {
                if self.mishaps.too_many(self.step) {
                    return Err(JobError::Step {
                        source: error,
                        message,
                    });
                }
                let averages = std::mem::take(&mut self.mishaps.averages);
                self.trainer.network =
                    parameters::replace(self.trainer.network.clone(), |name, _| {
                        averages.get(name).cloned()
                    });
                self.mishaps.skipped_batches += 1;
                message.push_str("; it is left out");
                session.note(JournalEvent::Error { message })
            }
            OnNan::Rewind => self.rewind(session, batch, error, message),
        }
    }

    /// Goes back to the newest checkpoint, and on from there with the batches after this one.
    fn rewind(
        &mut self,
        session: &mut Session,
        batch: &Batch,
        error: StepError,
        message: String,
    ) -> Result<(), JobError> {
        let (checkpoint, broken) = checkpoint::newest(&session.run)?;
        for message in broken {
            session.note(JournalEvent::Error { message })?;
        }
        let Some(checkpoint) = checkpoint else {
            let message = format!("{message}; there is no checkpoint to go back to");
            return Err(JobError::Step {
                source: error,
                message,
            });
        };
        let step = checkpoint.manifest.step;
        if self.mishaps.too_many(step) {
            return Err(JobError::Step {
                source: error,
                message,
            });
        }
        session.note(JournalEvent::Error {
            message: format!("{message}; going back to step {step} and past this batch"),
        })?;
        checkpoint.restore(&mut self.trainer)?;
        self.best = checkpoint::best_figures(&session.run.checkpoints()?, step);
        self.mishaps.skipped_batches = batch.step + 1 - step;
        self.step = step;
        session.status.step = step;
        session.note(JournalEvent::Resumed { step })?;
        or_full(self.events.session_start(step + 1))?;
        Ok(())
    }
}

/// What `batch.json` of a kept batch says.
#[derive(Serialize)]
struct KeptBatch<'a> {
    component: &'a str,
    value: String,
    layer: Option<&'a str>,
    /// Steps done before it.
    step: u64,
    /// Its place in the order of batches.
    batch: u64,
    images: Vec<KeptImage>,
}

/// One image of a kept batch.
#[derive(Serialize)]
struct KeptImage {
    file: String,
    /// Its number among all training images.
    index: usize,
    name: String,
    class: u32,
    person: Option<String>,
}

/// Writes the batch into the run, as the network saw it; returns the folder.
fn keep(
    run: &RunDirectory,
    batch: &Batch,
    channels: ChannelOrder,
    error: &StepError,
    sets: &Combined,
) -> Result<PathBuf, RunError> {
    let StepError::NotFinite {
        component,
        value,
        step,
        layer,
    } = error;
    let name = format!("nan/step-{step:08}");
    let folder = run.path().join(&name);
    let refused = |source| RunError::Io {
        path: folder.clone(),
        doing: "write the batch into",
        source,
    };
    fs::create_dir_all(&folder).map_err(refused)?;
    let pixels = batch.height * batch.width * 3;
    let mut images = Vec::new();
    for (place, (bytes, index)) in batch
        .images
        .chunks_exact(pixels)
        .zip(&batch.indices)
        .enumerate()
    {
        let file = format!("{place:04}.png");
        let mut rgb = bytes.to_vec();
        if channels == ChannelOrder::Bgr {
            rgb.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
        }
        let image = Image {
            width: batch.width as u32,
            height: batch.height as u32,
            rgb,
        };
        let png = image
            .to_png()
            .map_err(|error| refused(std::io::Error::other(error)))?;
        run.write_file(&format!("{name}/{file}"), &png)?;
        let class = batch.labels[place];
        images.push(KeptImage {
            file,
            index: *index,
            name: sets.name_of_image(*index),
            class,
            person: sets.name_of_class(class).map(str::to_owned),
        });
    }
    let kept = KeptBatch {
        component,
        value: value.to_string(),
        layer: layer.as_deref(),
        step: *step,
        batch: batch.step,
        images,
    };
    let text =
        serde_json::to_vec_pretty(&kept).map_err(|error| refused(std::io::Error::other(error)))?;
    run.write_file(&format!("{name}/batch.json"), &text)?;
    Ok(folder)
}
