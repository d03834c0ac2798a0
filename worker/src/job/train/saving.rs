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
    model::parameters,
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

    /// Tells of checkpoints that the writer has finished; one that failed fails only itself.
    pub(super) fn tell_saved(&mut self, session: &mut Session) -> Result<(), JobError> {
        let written = self.checkpoints.written();
        tell(session, written).map(drop)
    }

    fn snapshot(&self) -> Checkpoint {
        // Without this the last step's running averages would not be in the snapshot.
        let _ = self.trainer.network.embedder();
        let network = &self.trainer.network;
        let weights = parameters::snapshot(network);
        Checkpoint {
            manifest: Manifest {
                step: self.step,
                stage: self.recipe.stage,
                network: self.recipe.network.clone(),
                input: self.recipe.input.clone(),
                classes: network
                    .class_weights
                    .as_ref()
                    .map(|weights| weights.dims()[0]),
                skipped_batches: self.mishaps.skipped_batches(),
                figures: self.figures.clone(),
                files: BTreeMap::new(),
            },
            average: self
                .trainer
                .average
                .as_ref()
                .map(|average| average.snapshot(&weights)),
            optimiser: self.trainer.optimiser.snapshot(),
            weights,
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
