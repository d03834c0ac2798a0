//! What a training does when it is asked to, between two steps.

use facetui::run::JournalEvent;

use super::{End, Training};
use crate::{
    job::{
        JobError, hours,
        session::{Order, Session, or_full},
    },
    train::schedule::set_learning_rate,
};

impl Training {
    /// Obeys the inbox, the signals and the clock; gives an end where one of them asks for it.
    pub(super) fn obey(&mut self, session: &mut Session) -> Result<Option<End>, JobError> {
        let mut end = None;
        for order in session.obey()? {
            match order {
                Order::Checkpoint => self.save(session)?,
                Order::Park => end = end.or(Some(End::Parked)),
                Order::Stop { after_epoch: false } => end = Some(End::Stopped),
                Order::Stop { after_epoch: true } => self.stop_after_epoch = true,
                Order::Set { key, value } => self.set(session, &key, value)?,
            }
        }
        if end.is_none() && hours::begin(self.recipe.park_between, &mut self.in_spite_of_hours) {
            end = Some(End::ParkedForHours);
        }
        Ok(end)
    }

    /// Changes a number of the recipe from this step on, in the run's own copy too.
    fn set(&mut self, session: &mut Session, key: &str, value: f64) -> Result<(), JobError> {
        if value < 0.0 {
            return session.note(JournalEvent::Error {
                message: format!("set {key} = {value}: it can't be negative"),
            });
        }
        match key {
            "schedule.learning_rate" => {
                set_learning_rate(&mut self.recipe.schedule, self.step, value);
            }
            "loss.centre_weight" if self.recipe.loss.head.has_margin() => {
                self.recipe.loss.centre_weight = value;
            }
            "loss.weight_decay" => self.recipe.loss.weight_decay = value,
            "triplet.weight" => self.recipe.triplet.weight = value,
            "loss.centre_weight" => {
                return session.note(JournalEvent::Error {
                    message: format!(
                        "set {key} = {value}: the run's head has no margin, and so no centre term"
                    ),
                });
            }
            _ => {
                return session.note(JournalEvent::Error {
                    message: format!(
                        "set {}: a running run can change schedule.learning_rate, loss.centre_weight, loss.weight_decay and triplet.weight",
                        facetui::untrusted::visible(key)
                    ),
                });
            }
        }
        or_full(
            session
                .run
                .write_file("recipe.toml", self.recipe.as_run().to_toml().as_bytes()),
        )?;
        Ok(())
    }
}
