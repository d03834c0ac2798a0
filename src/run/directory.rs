//! One run's directory: where each document lies, and who may do what with it.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::inbox::{self, Inbox};
use super::lock::{self, RunLock};
use super::{Command, Job, Journal, JournalTail, RunError, RunState, Status, host};
use crate::atomic::atomic_write;

/// The directory of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDirectory {
    path: PathBuf,
}

/// On another host the lock can't be asked: silence of so many seconds means that the worker is dead.
const HEARTBEAT_SECONDS: f64 = 30.0;
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
    /// # Errors
    /// When `status.json` is missing or half of it is.
    pub fn status(&self) -> Result<Status, RunError> {
        let mut status = self.read_status()?;
        if self.worker_lives(&status)? {
            return Ok(status);
        }
        // The worker may have finished between the two looks.
        status = self.read_status()?;
        if status.state.is_live() && !self.worker_lives(&status)? {
            status.state = RunState::Lost;
            status.last_error = Some(self.last_words());
            status.images_per_second = None;
            status.eta_seconds = None;
        }
        Ok(status)
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

    fn read_status(&self) -> Result<Status, RunError> {
        read_json(&self.status_path(), "status document")
    }

    /// Whether a state that needs a worker has one; states that need none count as well.
    fn worker_lives(&self, status: &Status) -> Result<bool, RunError> {
        if !status.state.is_live() {
            return Ok(true);
        }
        let silent_seconds = host::now() - status.heartbeat;
        if status.host != host::host_name() {
            return Ok(silent_seconds < HEARTBEAT_SECONDS);
        }
        if lock::is_locked(&self.lock_path())? {
            return Ok(true);
        }
        // Written by whoever starts the worker, which has not come so far as to take the lock.
        Ok(status.state == RunState::Starting
            && status.pid.is_none()
            && silent_seconds < START_SECONDS)
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

pub(super) fn read_json<T: serde::de::DeserializeOwned>(
    path: &Path,
    what: &'static str,
) -> Result<T, RunError> {
    let bytes = fs::read(path).map_err(RunError::io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| RunError::malformed(path, what, &error))
}

fn check_name(name: &str) -> Result<(), RunError> {
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
mod tests {
    use super::*;
    use crate::run::JobKind;

    fn run_with(state: RunState) -> (tempfile::TempDir, RunDirectory) {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "one").unwrap();
        let mut status = Status::starting("one", JobKind::Train, 100, "cpu");
        status.state = state;
        status.pid = Some(1);
        run.write_status(&status).unwrap();
        (root, run)
    }

    #[test]
    fn a_new_run_is_private_and_its_name_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let runs = root.path().join("deep/runs");
        let run = RunDirectory::create(&runs, "one").unwrap();
        let mode = fs::metadata(run.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(matches!(
            RunDirectory::create(&runs, "one"),
            Err(RunError::Exists { .. })
        ));
        assert_eq!(RunDirectory::free_name(&runs, "one"), "one-2");
        assert_eq!(RunDirectory::free_name(&runs, "two"), "two");
        assert!(matches!(
            RunDirectory::open(run.path()),
            Err(RunError::NotARun { .. })
        ));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let root = tempfile::tempdir().unwrap();
        for name in ["", ".", "..", "a/b", "-x", "a\u{1b}[2J", "a\nb"] {
            let error = RunDirectory::create(root.path(), name).unwrap_err();
            assert!(matches!(error, RunError::Name { .. }), "{name:?}");
            assert!(!error.to_string().contains('\u{1b}'));
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_lock_alone_says_whether_a_worker_lives() {
        let (_root, run) = run_with(RunState::Running);
        let lock = run.try_lock().unwrap();
        assert_eq!(run.status().unwrap().state, RunState::Running);
        drop(lock);
        fs::write(run.log_path(), "one\n\ntwo\nthree\nfour\n").unwrap();
        let status = run.status().unwrap();
        assert_eq!(status.state, RunState::Lost);
        assert_eq!(
            status.last_error.unwrap(),
            "the worker died; its last words: two | three | four"
        );
    }

    #[test]
    fn states_without_a_worker_are_believed() {
        for state in [
            RunState::Parked,
            RunState::Finished,
            RunState::Failed,
            RunState::Stopped,
        ] {
            let (_root, run) = run_with(state);
            assert_eq!(run.status().unwrap().state, state);
        }
    }

    #[test]
    fn a_run_about_to_start_is_given_time() {
        let (_root, run) = run_with(RunState::Starting);
        let mut status = Status::starting("one", JobKind::Train, 100, "cpu");
        run.write_status(&status).unwrap();
        assert_eq!(run.status().unwrap().state, RunState::Starting);
        status.heartbeat -= 60.0;
        run.write_status(&status).unwrap();
        assert_eq!(run.status().unwrap().state, RunState::Lost);
    }

    #[test]
    fn another_hosts_worker_is_judged_by_its_heartbeat() {
        let (_root, run) = run_with(RunState::Running);
        let mut status = run.read_status().unwrap();
        status.host = "elsewhere.invalid".to_owned();
        run.write_status(&status).unwrap();
        assert_eq!(run.status().unwrap().state, RunState::Running);
        status.heartbeat -= 31.0;
        run.write_status(&status).unwrap();
        assert_eq!(run.status().unwrap().state, RunState::Lost);
    }

    #[test]
    fn half_a_status_is_a_clear_error_and_no_panic() {
        let (_root, run) = run_with(RunState::Parked);
        let whole = fs::read(run.status_path()).unwrap();
        let end = whole.iter().rposition(|byte| *byte == b'}').unwrap();
        for cut in 0..end {
            fs::write(run.status_path(), &whole[..cut]).unwrap();
            let error = run.status().unwrap_err().to_string();
            assert!(error.contains("status.json: not a readable"), "{error}");
        }
        fs::write(run.status_path(), r#"{"name":"one"}"#).unwrap();
        let error = run.status().unwrap_err().to_string();
        assert!(error.contains("missing field `kind`"), "{error}");
    }

    #[test]
    fn a_scalar_that_is_not_a_number_can_be_written_and_read() {
        let (_root, run) = run_with(RunState::Failed);
        let mut status = run.read_status().unwrap();
        status.scalars.insert("loss/total".to_owned(), f64::NAN);
        status.scalars.insert("loss/margin".to_owned(), 0.5);
        run.write_status(&status).unwrap();
        let scalars = run.status().unwrap().scalars;
        assert!(scalars["loss/total"].is_nan());
        assert!((scalars["loss/margin"] - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_directory_that_others_may_write_takes_no_commands() {
        let (_root, run) = run_with(RunState::Running);
        run.send(&Command::Pause).unwrap();
        assert_eq!(run.take_commands().unwrap().commands, [Command::Pause]);
        fs::set_permissions(run.path(), fs::Permissions::from_mode(0o770)).unwrap();
        for error in [
            run.send(&Command::Pause).unwrap_err(),
            run.take_commands().unwrap_err(),
            run.try_lock().unwrap_err(),
        ] {
            assert!(error.to_string().contains("chmod go-w"), "{error}");
        }
        run.status().unwrap();
    }

    #[test]
    fn a_job_comes_back_from_its_file() {
        use crate::run::Work;
        let (_root, run) = run_with(RunState::Parked);
        let job = Job {
            device: crate::config::DeviceChoice::Auto,
            work: Work::Train { from: None },
        };
        run.save_job(&job).unwrap();
        assert_eq!(run.job().unwrap(), job);
        fs::write(run.job_path(), "device = 3").unwrap();
        let error = run.job().unwrap_err().to_string();
        assert!(error.contains("job.toml") && error.contains("line 1"));
    }
}
