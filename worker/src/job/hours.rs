//! The hours in which a run leaves its device to others: before them it parks, over them it waits.
//!
//! A process that has used a GPU holds some of its memory until it ends. So a run that parks for hours replaces its
//! process by a new one, which opens no device before the hours are over.

use std::{os::unix::process::CommandExt, path::Path, process::Command, time::Duration};

use facetui::{
    config::ParkWindow,
    run::{JournalEvent, RunState},
};

use super::{
    JobError,
    session::{Order, Session},
};

/// How often a waiting worker looks at the clock and into its inbox.
const INTERVAL: Duration = Duration::from_millis(200);

/// What waiting came to.
pub enum Waited {
    /// The run may use its device.
    GoOn {
        /// Somebody said so within the hours.
        in_spite_of_hours: bool,
    },
    /// Somebody parked or stopped it; the state says which.
    Ended,
}

/// Waits until the hours are over, or somebody lets the run go on or ends it.
pub fn wait(session: &mut Session, window: Option<ParkWindow>) -> Result<Waited, JobError> {
    let Some(window) = window.filter(|window| window.is_now()) else {
        return Ok(Waited::GoOn {
            in_spite_of_hours: false,
        });
    };
    session.note(JournalEvent::Note {
        message: format!(
            "park_between = \"{window}\": waiting until {}, without a device; `facetui unpause` starts at once",
            window.end()
        ),
    })?;
    session.pause(Some(&format!("parked until {}", window.end())))?;
    loop {
        for order in session.look()? {
            let end = match order {
                Order::Park => RunState::Parked,
                Order::Stop { .. } => RunState::Stopped,
                // There is nothing to save yet, and numbers are set where steps are made.
                Order::Checkpoint | Order::Set { .. } => continue,
            };
            session.enter(end, None)?;
            return Ok(Waited::Ended);
        }
        if session.status.state != RunState::Paused {
            return Ok(Waited::GoOn {
                in_spite_of_hours: true,
            });
        }
        if !window.is_now() {
            session.unpause()?;
            return Ok(Waited::GoOn {
                in_spite_of_hours: false,
            });
        }
        session.tell()?;
        std::thread::sleep(INTERVAL);
    }
}

/// Whether the hours have begun for a running run; one let go on in spite of them runs until the next time.
pub fn begin(window: Option<ParkWindow>, in_spite_of_hours: &mut bool) -> bool {
    let now = window.is_some_and(ParkWindow::is_now);
    *in_spite_of_hours &= now;
    now && !*in_spite_of_hours
}

/// Replaces this process by a new worker on the same run; returns only where the system refuses.
pub fn start_again(run: &Path) -> std::io::Error {
    Command::new("/proc/self/exe").arg("run").arg(run).exec()
}
