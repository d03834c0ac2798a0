//! Checkpoints of a training: handed over while it goes on, waited for at its end.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use facetui::run::JournalEvent;

use super::Training;
use crate::{
    job::{
        JobError,
        session::{Order, Session},
    },
    train::{
        checkpoint::{Checkpoint, CheckpointError, Manifest},
        checkpoint_writer::Written,
    },
};

/// How long to wait before a last checkpoint that could not be written is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(10);

impl Training {
    /// Hands a snapshot to the checkpoint writer.
    pub(super) fn save(&mut self, session: &mut Session) -> Result<(), JobError> {
        let snapshot = self.snapshot();
        self.checkpoints.submit(snapshot);
        self.tell_saved(session)
    }

    /// Saves until it has worked: without its last checkpoint an ended run would lose steps.
    ///
    /// While the disk refuses the run stays, says so, and tries again; an order to stop or park gives up.
    pub(super) fn save_for_good(&mut self, session: &mut Session) -> Result<(), JobError> {
        loop {
            self.save(session)?;
            let written = self.checkpoints.settle();
            let Some(error) = tell(session, written)? else {
                return Ok(());
            };
            session.status.phase = Some("can't save the last step; trying again".to_owned());
            session.tell_now()?;
            let begun = Instant::now();
            while begun.elapsed() < TRY_AGAIN {
                let gives_up = |order: &Order| matches!(order, Order::Park | Order::Stop { .. });
                if session.look()?.iter().any(gives_up) {
                    return Err(error.into());
                }
                session.tell()?;
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// Whether the validation at this step is one that the recipe saves as a new best; says so then.
    pub(super) fn is_new_best(&mut self, session: &mut Session) -> Result<bool, JobError> {
        let mut is_best = false;
        for (section, accuracy) in &self.figures {
            let best = self.best.entry(section.clone()).or_insert(0.0);
            let above = self.recipe.best.get(section);
            if *accuracy > *best && above.is_some_and(|above| accuracy > above) {
                is_best = true;
                session.note(JournalEvent::Note {
                    message: format!("{accuracy:.5} on {section} is a new best, and is saved"),
                })?;
            }
            *best = best.max(*accuracy);
        }
        Ok(is_best)
    }

    /// Tells of checkpoints that the writer has finished; one that failed fails only itself.
    pub(super) fn tell_saved(&mut self, session: &mut Session) -> Result<(), JobError> {
        let written = self.checkpoints.written();
        tell(session, written).map(drop)
    }

    fn snapshot(&self) -> Checkpoint {
        let state = self.trainer.snapshot();
        let sub_centres = self.recipe.loss.sub_centres.max(1);
        Checkpoint {
            manifest: Manifest {
                step: self.step,
                stage: self.recipe.stage,
                network: self.recipe.network.clone(),
                input: self.recipe.input.clone(),
                classes: self
                    .trainer
                    .class_shape()
                    .map(|[rows, _]| rows / sub_centres),
                skipped_batches: self.mishaps.skipped_batches(),
                figures: self.figures.clone(),
                files: BTreeMap::new(),
            },
            weights: state.weights,
            optimiser: state.optimiser,
            average: state.average,
        }
    }
}

/// Tells of finished checkpoints, and gives the last failure.
pub(super) fn tell(
    session: &mut Session,
    written: Vec<Written>,
) -> Result<Option<CheckpointError>, JobError> {
    let mut failed = None;
    for written in written {
        match written {
            Ok((name, step)) => {
                session.status.last_checkpoint = Some(name.clone());
                session.note(JournalEvent::Checkpoint { name, step })?;
                session.tell_now()?;
                failed = None;
            }
            Err(error) => {
                let message = error.to_string();
                session.status.last_error = Some(message.clone());
                session.note(JournalEvent::Error { message })?;
                failed = Some(error);
            }
        }
    }
    Ok(failed)
}
