//! Whether workers on other hosts live, by their heartbeats.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::host;

/// What is known of the heartbeats of runs on other hosts, whose locks can't be asked.
///
/// Two hosts' clocks may differ, and any clock may be set. So a heartbeat that was seen to move means life, and one that
/// didn't move for half a minute by the clock of this process means death. Only before either was seen are the hosts'
/// clocks compared, and a heartbeat from the future then counts as life: a run that is thought to live is left alone.
#[derive(Debug, Default)]
pub struct Heartbeats {
    seen: HashMap<PathBuf, Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    heartbeat: f64,
    since: Instant,
    moved: bool,
}

/// Silence of so long means that the worker is dead.
pub(super) const SILENCE: Duration = Duration::from_secs(30);

impl Heartbeats {
    /// Whether the worker of the run at `path`, whose newest heartbeat is given, lives.
    pub(super) fn lives(&mut self, path: &Path, heartbeat: f64) -> bool {
        self.lives_at(path, heartbeat, host::now(), Instant::now())
    }

    fn lives_at(&mut self, path: &Path, heartbeat: f64, clock: f64, now: Instant) -> bool {
        let fresh = |moved| Seen {
            heartbeat,
            since: now,
            moved,
        };
        if !self.seen.contains_key(path) {
            self.seen.insert(path.to_owned(), fresh(false));
        }
        let Some(seen) = self.seen.get_mut(path) else {
            return false;
        };
        if seen.heartbeat.to_bits() != heartbeat.to_bits() {
            *seen = fresh(true);
        }
        if now.duration_since(seen.since) >= SILENCE {
            return false;
        }
        seen.moved || clock - heartbeat < SILENCE.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks every second for two minutes, while the worker beats every 5 s until it dies after a minute.
    fn watch(worker_clock: f64, our_clock: impl Fn(u64) -> f64) -> Vec<bool> {
        let mut heartbeats = Heartbeats::default();
        let begun = Instant::now();
        (0..120)
            .map(|second| {
                let beat = worker_clock + (second.min(60) / 5 * 5) as f64;
                let now = begun + Duration::from_secs(second);
                heartbeats.lives_at(Path::new("run"), beat, our_clock(second), now)
            })
            .collect()
    }

    #[test]
    fn clocks_that_agree() {
        let seen = watch(1e9, |second| 1e9 + second as f64);
        assert!(seen[..90].iter().all(|lives| *lives));
        assert!(seen[90..].iter().all(|lives| !lives));
    }

    #[test]
    fn a_clock_set_back_or_forth_changes_nothing() {
        for jump in [-7200.0, 7200.0] {
            let clock = |second: u64| 1e9 + second as f64 + if second < 10 { 0.0 } else { jump };
            let seen = watch(1e9, clock);
            assert!(seen[..90].iter().all(|lives| *lives), "{jump}");
            assert!(seen[90..].iter().all(|lives| !lives), "{jump}");
        }
    }

    #[test]
    fn clocks_that_differ_mislead_for_seconds_only() {
        // Ours is an hour ahead: it looks dead until it is seen to beat.
        let seen = watch(1e9, |second| 1e9 + 3600.0 + second as f64);
        assert!(seen[5..90].iter().all(|lives| *lives) && !seen[90]);
        // Ours is an hour behind, and the worker is dead: it looks alive for half a minute, not for an hour.
        let mut heartbeats = Heartbeats::default();
        let begun = Instant::now();
        let mut at = |second| {
            let now = begun + Duration::from_secs(second);
            heartbeats.lives_at(Path::new("run"), 1e9 + 3600.0, 1e9 + second as f64, now)
        };
        assert!(at(0) && at(29) && !at(30) && !at(31));
    }
}
