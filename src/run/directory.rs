//! One run's directory: where each document lies, and who may do what with it.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::heartbeats::Heartbeats;
use super::inbox::{self, Inbox};
use super::lock::{self, RunLock};
use super::{Command, Job, Journal, JournalTail, RunError, RunState, Status, host};
use crate::atomic::atomic_write;

/// The directory of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDirectory {
    path: PathBuf,
}

/// So many seconds may pass between writing `starting` and the worker's taking the lock.
const START_SECONDS: f64 = 15.0;
/// How much of the log's end is looked at.
const LOG_TAIL_BYTES: u64 = 64 * 1024;
/// How many of a lost worker's last lines are told.
const LAST_WORDS: usize = 3;

impl RunDirectory {
    /// Makes `root/name` with its folders, readable for the owner alone.
    ///
    /// # Errors
    /// When the name is no plain file name, or taken.
    pub fn create(root: &Path, name: &str) -> Result<Self, RunError> {
        check_name(name)?;
        fs::create_dir_all(root).map_err(RunError::io("make", root))?;
        let path = root.join(name);
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        builder.create(&path).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                RunError::Exists { path: path.clone() }
            } else {
                RunError::io("make", &path)(error)
            }
        })?;
        for folder in ["inbox", "checkpoints", "results"] {
            let folder = path.join(folder);
            builder
                .create(&folder)
                .map_err(RunError::io("make", &folder))?;
        }
        Ok(Self { path })
    }

    /// A name for a new run in `root` that isn't taken: `base`, or `base-2`, `base-3`, …
    pub fn free_name(root: &Path, base: &str) -> String {
        let taken = |name: &str| fs::symlink_metadata(root.join(name)).is_ok();
        let mut name = base.to_owned();
        let mut number = 2;
        while taken(&name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        name
    }

    /// The run at `path`.
    ///
    /// # Errors
    /// When there is no run there.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let run = Self {
            path: path.to_owned(),
        };
        if !run.status_path().is_file() && !run.job_path().is_file() {
            return Err(RunError::NotARun { path: run.path });
        }
        Ok(run)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of runs that it lies in.
    pub fn root(&self) -> PathBuf {
        let absolute = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        absolute.parent().unwrap_or(&absolute).to_owned()
    }

    /// The run's name: the directory's last component, not to be trusted on a screen.
    pub fn name(&self) -> String {
        let absolute = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        absolute
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// What the run is doing, [`RunState::Lost`] with its last words when its worker died without a word.
    ///
    /// Of a run on another host this is judged by both clocks; who looks more than once knows better by [`Heartbeats`].
    ///
    /// # Errors
    /// When `status.json` is missing or half of it is.
    pub fn status(&self) -> Result<Status, RunError> {
        self.status_seen(&mut Heartbeats::default())
    }

    /// As [`RunDirectory::status`], by somebody who has looked before.
    ///
    /// # Errors
    /// When `status.json` is missing or half of it is.
    pub fn status_seen(&self, heartbeats: &mut Heartbeats) -> Result<Status, RunError> {
        let status = self.read_status()?;
        self.judged(status, heartbeats)
    }

    /// A status as read a moment ago, found lost where its worker is dead.
    pub(super) fn judged(
        &self,
        mut status: Status,
        heartbeats: &mut Heartbeats,
    ) -> Result<Status, RunError> {
        if self.worker_lives(&status, heartbeats)? {
            return Ok(status);
        }
        // The worker may have finished between the two looks.
        status = self.read_status()?;
        if !self.worker_lives(&status, heartbeats)? {
            status.state = RunState::Lost;
            status.last_error = Some(self.last_words());
            status.images_per_second = None;
            status.eta_seconds = None;
        }
        Ok(status)
    }

    /// Whether the heartbeat of a worker on another host moves within `patience`: then it lives, whatever the clocks
    /// of the two hosts say.
    ///
    /// # Errors
    /// When `status.json` can't be read.
    pub fn beats_within(&self, patience: Duration) -> Result<bool, RunError> {
        let heartbeat = || -> Result<f64, RunError> { Ok(self.last_beat(&self.read_status()?)) };
        let (begun, before) = (Instant::now(), heartbeat()?);
        while begun.elapsed() < patience {
            thread::sleep(Duration::from_millis(100).min(patience));
            if heartbeat()?.to_bits() != before.to_bits() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Replaces `status.json`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_status(&self, status: &Status) -> Result<(), RunError> {
        self.write_json("status.json", status)
    }

    /// Takes the run for this process; it is given back when the lock is dropped or the process ends.
    ///
    /// # Errors
    /// [`RunError::Locked`] when a worker has it, [`RunError::NotPrivate`] when others could give it commands.
    pub fn try_lock(&self) -> Result<RunLock, RunError> {
        self.check_private()?;
        RunLock::try_take(&self.lock_path())
    }

    /// Puts a command into the run's inbox; its acknowledgement comes in the journal.
    ///
    /// # Errors
    /// [`RunError::NotPrivate`] when others may write to the run.
    pub fn send(&self, command: &Command) -> Result<(), RunError> {
        self.check_private()?;
        let inbox = self.path.join("inbox");
        fs::create_dir_all(&inbox).map_err(RunError::io("make", &inbox))?;
        inbox::send(&inbox, command).map(drop)
    }

    /// Takes the commands that have come, oldest first; what is no command is moved to `inbox/rejected/`.
    ///
    /// # Errors
    /// When the inbox can't be read, or others may write to the run.
    pub fn take_commands(&self) -> Result<Inbox, RunError> {
        self.check_private()?;
        inbox::take(&self.path.join("inbox"))
    }

    /// The writing end of the journal: the worker's.
    ///
    /// # Errors
    /// When it can't be read or written.
    pub fn journal(&self) -> Result<Journal, RunError> {
        Journal::open(&self.journal_path())
    }

    /// The reading end of the journal, from its first entry.
    pub fn journal_tail(&self) -> JournalTail {
        JournalTail::new(self.journal_path())
    }

    /// The last `lines` lines of `worker.log`, oldest first, bytes that are no text replaced; empty without a log.
    pub fn log_tail(&self, lines: usize) -> Vec<String> {
        // A log that can't be read has nothing to tell; whoever asks is explaining something else.
        let bytes = read_end(&self.log_path(), LOG_TAIL_BYTES).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect()
    }

    /// What the run was asked to do.
    ///
    /// # Errors
    /// When `job.toml` is missing or can't be understood.
    pub fn job(&self) -> Result<Job, RunError> {
        let path = self.job_path();
        let text = fs::read_to_string(&path).map_err(RunError::io("read", &path))?;
        toml::from_str(&text).map_err(|error| RunError::malformed(&path, "job", &error))
    }

    /// Writes `job.toml`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn save_job(&self, job: &Job) -> Result<(), RunError> {
        let text = toml::to_string(job)
            .map_err(|error| RunError::malformed(&self.job_path(), "job", &error))?;
        self.write_file("job.toml", text.as_bytes())
    }

    /// Writes one of the run's documents whole: `recipe.toml`, `config.ini`, `environment.json`.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_file(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        let path = self.path.join(name);
        atomic_write(&path, bytes).map_err(RunError::io("write", &path))
    }

    /// Where the status document lies.
    pub fn status_path(&self) -> PathBuf {
        self.path.join("status.json")
    }

    /// Where the job lies.
    pub fn job_path(&self) -> PathBuf {
        self.path.join("job.toml")
    }

    /// Where the recipe lies, as it is run.
    pub fn recipe_path(&self) -> PathBuf {
        self.path.join("recipe.toml")
    }

    /// Where `config.ini` lies, as it is run.
    pub fn config_path(&self) -> PathBuf {
        self.path.join("config.ini")
    }

    /// Where the journal lies.
    pub fn journal_path(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Where the worker's stdout and stderr go.
    pub fn log_path(&self) -> PathBuf {
        self.path.join("worker.log")
    }

    /// Where the checkpoints lie.
    pub fn checkpoints_path(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// Refuses a directory that others than its owner may write to: permissions are the access control.
    ///
    /// # Errors
    /// [`RunError::NotPrivate`].
    pub fn check_private(&self) -> Result<(), RunError> {
        for path in [self.path.clone(), self.path.join("inbox")] {
            let mode = match fs::metadata(&path) {
                Ok(metadata) => metadata.permissions().mode() & 0o777,
                Err(error) if error.kind() == io::ErrorKind::NotFound && path != self.path => {
                    continue;
                }
                Err(error) => return Err(RunError::io("look at", &path)(error)),
            };
            if mode & 0o022 != 0 {
                return Err(RunError::NotPrivate { path, mode });
            }
        }
        Ok(())
    }

    pub(super) fn read_status(&self) -> Result<Status, RunError> {
        read_json(&self.status_path(), "status document")
    }

    /// Whether a state that needs a worker has one; states that need none count as well.
    fn worker_lives(&self, status: &Status, heartbeats: &mut Heartbeats) -> Result<bool, RunError> {
        if !status.state.is_live() {
            return Ok(true);
        }
        if status.host != host::host_name() {
            return Ok(heartbeats.lives(&self.path, self.last_beat(status)));
        }
        match lock::is_locked(&self.lock_path()) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            // Somebody else's run, which may be looked at but not asked.
            Err(RunError::Io { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                return Ok(heartbeats.lives(&self.path, self.last_beat(status)));
            }
            Err(error) => return Err(error),
        }
        // Written by whoever starts the worker, which has not come so far as to take the lock.
        Ok(status.state == RunState::Starting && status.pid.is_none() && asked_lately(status))
    }

    /// The newest sign of life, in the status document or in the lock file.
    fn last_beat(&self, status: &Status) -> f64 {
        let of_lock = lock::heartbeat(&self.lock_path());
        of_lock.map_or(status.heartbeat, |beat| beat.max(status.heartbeat))
    }

    fn last_words(&self) -> String {
        let words: Vec<String> = self
            .log_tail(40)
            .into_iter()
            .filter(|line| !line.trim().is_empty())
            .collect();
        if words.is_empty() {
            return "the worker died without a word".to_owned();
        }
        let last = &words[words.len().saturating_sub(LAST_WORDS)..];
        format!("the worker died; its last words: {}", last.join(" | "))
    }

    fn lock_path(&self) -> PathBuf {
        self.path.join("lock")
    }

    pub(super) fn write_json(
        &self,
        name: &str,
        document: &impl serde::Serialize,
    ) -> Result<(), RunError> {
        let mut text = serde_json::to_vec_pretty(document)
            .map_err(|error| RunError::malformed(&self.path.join(name), "document", &error))?;
        text.push(b'\n');
        self.write_file(name, &text)
    }
}

/// Whether a worker was asked for so lately that it may still be on its way. The clock since boot decides: the other
/// one may have been set meanwhile.
fn asked_lately(status: &Status) -> bool {
    let silent_seconds = match (status.asked_at_uptime, host::uptime()) {
        (Some(asked), Some(now)) => now - asked,
        _ => host::now() - status.heartbeat,
    };
    (0.0..START_SECONDS).contains(&silent_seconds)
}

pub(super) fn read_json<T: serde::de::DeserializeOwned>(
    path: &Path,
    what: &'static str,
) -> Result<T, RunError> {
    let bytes = fs::read(path).map_err(RunError::io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| RunError::malformed(path, what, &error))
}

pub(super) fn check_name(name: &str) -> Result<(), RunError> {
    let refuse = |reason| {
        Err(RunError::Name {
            name: name.to_owned(),
            reason,
        })
    };
    if name.is_empty() || name.len() > 128 {
        return refuse("1 to 128 bytes are allowed");
    }
    if name.starts_with(['.', '-']) {
        return refuse("a dot or a dash can't come first");
    }
    if name.contains('/') || name.chars().any(char::is_control) {
        return refuse("slashes and control characters are not allowed");
    }
    Ok(())
}

fn read_end(path: &Path, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most_bytes)))?;
    let mut bytes = Vec::new();
    file.take(most_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
