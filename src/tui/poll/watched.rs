//! A run whose curves are followed.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::run::{CurveLog, IndexHome};
use crate::tui::snapshot::Curves;

/// Of a long log, what was read is shown after this time at the latest.
const CURVES_TURN: Duration = Duration::from_millis(100);

/// The run whose curves are followed.
pub(super) struct Watched {
    /// Its folder.
    pub path: PathBuf,
    log: Option<CurveLog>,
    edition: u64,
    /// Whether there is more to read at once.
    pub more: bool,
    /// Whether the screen may not have the curves as they are.
    untold: bool,
}

impl Watched {
    /// A run of which nothing was read yet.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            log: None,
            edition: 0,
            more: true,
            untold: true,
        }
    }

    /// The screen may have forgotten its curves.
    pub fn tell_again(&mut self) {
        self.untold = true;
    }

    /// Reads what is new; the curves, where any of them are.
    pub fn look(&mut self, indexes: &IndexHome) -> Option<Curves> {
        if self.log.is_none() {
            self.log = CurveLog::open(&self.path, indexes).ok();
        }
        let Some(log) = &mut self.log else {
            self.more = false;
            return None;
        };
        let begun = Instant::now();
        let mut changed = self.edition == 0;
        self.more = true;
        while self.more && begun.elapsed() < CURVES_TURN {
            // A log that can't be read now may be next time; what was read before stays on the screen.
            let news = log.read().ok();
            changed |= news.is_some_and(|news| news.changed);
            self.more = news.is_some_and(|news| news.more);
        }
        if !self.more
            && let Some(index) = log.pending_index()
        {
            // Nobody waits for it; without it the next dashboard reads the log itself.
            thread::spawn(move || index.write());
        }
        if !changed && !std::mem::take(&mut self.untold) {
            return None;
        }
        self.untold = false;
        self.edition += 1;
        let scalars = Arc::new(log.scalars().clone());
        Some(Curves::new(self.path.clone(), scalars, self.edition))
    }
}
