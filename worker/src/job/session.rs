//! A worker's end of its run directory: it tells what it does, and obeys.

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use facetui::{
    config::DeviceChoice,
    run::{
        Command, JobKind, Journal, JournalEvent, RunDirectory, RunError, RunState, Status, host,
    },
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::JobError;
use crate::embed::{Between, EmbedError};

/// How often the status document is replaced while nothing but numbers changes.
const STATUS_INTERVAL: Duration = Duration::from_millis(500);
/// How often a paused worker looks into its inbox.
const PAUSE_INTERVAL: Duration = Duration::from_millis(50);

/// A worker's end of its run directory.
pub struct Session {
    /// The directory.
    pub run: RunDirectory,
    /// What is told of the run; written by [`Session::tell`].
    pub status: Status,
    journal: Journal,
    asked_to_park: Arc<AtomicBool>,
    orders: Vec<Order>,
    /// The state and phase that a pause ends in.
    before_pause: Option<(RunState, Option<String>)>,
    told: Instant,
    speed: Speed,
}

/// What the inbox and the signals ask of a job, between two steps.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Checkpoint, then go on.
    Checkpoint,
    /// Checkpoint, then end, resumable.
    Park,
    /// Checkpoint, then end, now or once the epoch is complete.
    Stop {
        /// Only once the epoch is complete.
        after_epoch: bool,
    },
    /// Change a number.
    Set {
        /// Its key in the recipe.
        key: String,
        /// Its new value.
        value: f64,
    },
}

impl Session {
    /// Takes over a run's documents; the state becomes `starting`.
    pub fn begin(run: RunDirectory, kind: JobKind, device: DeviceChoice) -> Result<Self, JobError> {
        let journal = run.journal()?;
        let name = run.name();
        let fresh = || Status::starting(&name, kind, 0, &device.to_string());
        // A status that can't be read is made anew: it is only what the worker says of itself.
        let mut status = run.status().unwrap_or_else(|_| fresh());
        let pid = std::process::id();
        status.state = RunState::Starting;
        status.phase = None;
        status.pid = Some(pid);
        status.pid_start = host::process_start(pid);
        status.host = host::host_name();
        status.last_error = None;
        status.images_per_second = None;
        status.eta_seconds = None;
        let mut session = Self {
            run,
            status,
            journal,
            asked_to_park: park_on_signals()?,
            orders: Vec::new(),
            before_pause: None,
            told: Instant::now(),
            speed: Speed::default(),
        };
        session.enter(RunState::Starting, Some("reading the job"))?;
        Ok(session)
    }

    /// Changes the state, or the phase of one, and tells so at once.
    pub fn enter(&mut self, state: RunState, phase: Option<&str>) -> Result<(), JobError> {
        self.status.state = state;
        self.status.phase = phase.map(str::to_owned);
        self.note(JournalEvent::State {
            state,
            phase: self.status.phase.clone(),
        })?;
        self.tell_now()
    }

    /// Adds a line to the journal; on a full disk the worker's log has to do.
    pub fn note(&mut self, what: JournalEvent) -> Result<(), JobError> {
        or_full(self.journal.append(what))?;
        Ok(())
    }

    /// Replaces the status document if the last one is old enough.
    pub fn tell(&mut self) -> Result<(), JobError> {
        if self.told.elapsed() >= STATUS_INTERVAL {
            self.tell_now()?;
        }
        Ok(())
    }

    /// Replaces the status document.
    pub fn tell_now(&mut self) -> Result<(), JobError> {
        self.status.heartbeat = host::now();
        self.told = Instant::now();
        or_full(self.run.write_status(&self.status))?;
        Ok(())
    }

    /// Holds the run still in the state `paused`, as its own doing; [`Command::Unpause`] ends that too.
    pub fn pause(&mut self, phase: Option<&str>) -> Result<(), JobError> {
        self.before_pause = Some((self.status.state, self.status.phase.clone()));
        self.speed = Speed::default();
        self.status.images_per_second = None;
        self.status.eta_seconds = None;
        self.enter(RunState::Paused, phase)
    }

    /// Goes on after a pause.
    pub fn unpause(&mut self) -> Result<(), JobError> {
        let (state, phase) = self
            .before_pause
            .take()
            .unwrap_or((RunState::Running, None));
        self.enter(state, phase.as_deref())
    }

    /// Counts steps and images done since the last call, and works out speed and time left.
    pub fn count(&mut self, steps: u64, images: usize) {
        self.status.step += steps;
        self.speed.add(steps, images);
        self.status.images_per_second = self.speed.images_per_second();
        let left = self.status.steps.saturating_sub(self.status.step);
        self.status.eta_seconds = self.speed.steps_per_second().map(|rate| left as f64 / rate);
    }

    /// Takes what has been asked since the last call, waiting out a pause; acknowledges everything.
    pub fn obey(&mut self) -> Result<Vec<Order>, JobError> {
        self.collect()?;
        Ok(std::mem::take(&mut self.orders))
    }

    /// Embeds while listening between batches: a pause holds at once, other orders wait for [`Session::obey`].
    ///
    /// Where the images are the job's steps they are counted, and an order to park or stop ends the work, which
    /// then gives `None`.
    pub fn listening<T>(
        &mut self,
        images_are_steps: bool,
        work: impl FnOnce(&mut Between<'_>) -> Result<T, EmbedError>,
    ) -> Result<Option<T>, JobError> {
        let mut failure = None;
        let outcome = work(&mut |images| {
            if images_are_steps {
                self.count(images as u64, images);
            }
            let listened = self.collect().and_then(|()| self.tell());
            let ends = |order: &Order| matches!(order, Order::Park | Order::Stop { .. });
            if let Err(error) = listened {
                failure = Some(error);
                ControlFlow::Break(())
            } else if images_are_steps && self.orders.iter().any(ends) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        match (failure, outcome) {
            (Some(failure), _) => Err(failure),
            (None, Err(EmbedError::Interrupted)) => Ok(None),
            (None, outcome) => Ok(Some(outcome?)),
        }
    }

    /// What has been asked since the last call, without waiting out a pause.
    pub fn look(&mut self) -> Result<Vec<Order>, JobError> {
        self.read_inbox()?;
        Ok(std::mem::take(&mut self.orders))
    }

    /// Reads the inbox and the signals into `orders`, waiting out a pause.
    fn collect(&mut self) -> Result<(), JobError> {
        loop {
            self.read_inbox()?;
            if self.status.state != RunState::Paused || !self.orders.is_empty() {
                return Ok(());
            }
            self.tell()?;
            std::thread::sleep(PAUSE_INTERVAL);
        }
    }

    /// Reads the inbox and the signals into `orders`, and acknowledges everything.
    fn read_inbox(&mut self) -> Result<(), JobError> {
        let inbox = self.run.take_commands()?;
        for rejected in inbox.rejected {
            self.note(JournalEvent::Rejected {
                name: rejected.name,
                reason: rejected.reason,
            })?;
        }
        for command in inbox.commands {
            self.note(JournalEvent::Command {
                command: command.clone(),
                step: self.status.step,
            })?;
            match command {
                Command::Pause if self.status.state != RunState::Paused => self.pause(None)?,
                Command::Unpause if self.status.state == RunState::Paused => self.unpause()?,
                Command::Pause | Command::Unpause => {}
                Command::Checkpoint => self.orders.push(Order::Checkpoint),
                Command::Park => self.orders.push(Order::Park),
                Command::Stop { after_epoch } => self.orders.push(Order::Stop { after_epoch }),
                Command::Set { key, value } => self.orders.push(Order::Set { key, value }),
            }
        }
        if self.asked_to_park.swap(false, Ordering::Relaxed) {
            self.note(JournalEvent::Note {
                message: "parking: a signal asks the worker to end".to_owned(),
            })?;
            self.orders.push(Order::Park);
        }
        Ok(())
    }
}

/// What a document's writing gave, or nothing where the disk is full: that is told in the worker's log, and no reason
/// to lose a run.
pub fn or_full<T>(written: Result<T, RunError>) -> Result<Option<T>, RunError> {
    match written {
        Ok(written) => Ok(Some(written)),
        Err(error) if error.is_full_disk() => {
            super::say(&format!("{error}; the run goes on"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// SIGTERM and SIGINT ask for a park, a second SIGINT ends at once, SIGHUP changes nothing.
fn park_on_signals() -> Result<Arc<AtomicBool>, JobError> {
    let refuse =
        |error: std::io::Error| JobError::Engine(format!("can't watch for signals: {error}"));
    let park = Arc::new(AtomicBool::new(false));
    let interrupted = Arc::new(AtomicBool::new(false));
    // In this order: the first SIGINT finds `interrupted` unset.
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&interrupted))
        .map_err(refuse)?;
    signal_hook::flag::register(SIGINT, interrupted).map_err(refuse)?;
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&park)).map_err(refuse)?;
    }
    signal_hook::flag::register(SIGHUP, Arc::new(AtomicBool::new(false))).map_err(refuse)?;
    Ok(park)
}

/// Images and steps a second over the last few seconds.
#[derive(Default)]
struct Speed {
    /// When some steps ended, how many, and their images; the oldest first.
    done: VecDeque<(Instant, u64, usize)>,
}

impl Speed {
    const WINDOW: Duration = Duration::from_secs(10);

    fn add(&mut self, steps: u64, images: usize) {
        let now = Instant::now();
        self.done.push_back((now, steps, images));
        while self.done.len() > 2
            && self
                .done
                .front()
                .is_some_and(|(time, ..)| now - *time > Self::WINDOW)
        {
            self.done.pop_front();
        }
    }

    /// `total` of all but the oldest entry, whose work lies before the window, in a second.
    fn rate(&self, total: impl Fn(&(Instant, u64, usize)) -> f64) -> Option<f64> {
        let seconds = (self.done.back()?.0 - self.done.front()?.0).as_secs_f64();
        let total: f64 = self.done.iter().skip(1).map(total).sum();
        (seconds > 0.0).then(|| total / seconds)
    }

    fn images_per_second(&self) -> Option<f64> {
        self.rate(|(_, _, images)| *images as f64)
    }

    fn steps_per_second(&self) -> Option<f64> {
        self.rate(|(_, steps, _)| *steps as f64)
    }
}
