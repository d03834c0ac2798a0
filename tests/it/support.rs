//! The real worker, and a folder whose processes end with the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The real worker; `None`, with a message, where it wasn't built.
///
/// It is `FACETUI_WORKER`, or lies beside the program under test: `cargo test --workspace` builds it there.
pub fn real_worker() -> Option<PathBuf> {
    let path = match std::env::var_os("FACETUI_WORKER") {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => Path::new(env!("CARGO_BIN_EXE_facetui")).with_file_name("facetui-worker"),
    };
    if path.is_file() {
        return Some(path);
    }
    eprintln!(
        "skipped: there is no worker at {}; `cargo test --workspace` builds it",
        path.display()
    );
    None
}

/// A folder to work in with the real worker. Whatever process still works in it when the test ends is ended too.
pub struct Workshop {
    folder: TempDir,
    worker: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

/// A worker takes every core: two at once are several times slower than one after the other.
static TURN: Mutex<()> = Mutex::new(());

impl Workshop {
    pub fn new(worker: PathBuf) -> Self {
        // A test that failed is no reason for the next one not to begin.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            folder: tempfile::tempdir().unwrap(),
            worker,
            _turn: turn,
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn worker(&self) -> &Path {
        &self.worker
    }

    /// Runs `facetui` to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        let output = Command::new(env!("CARGO_BIN_EXE_facetui"))
            .args(arguments)
            .current_dir(self.path())
            .env("FACETUI_WORKER", &self.worker)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Outcome::of(output)
    }

    /// The processes that have a path in this folder on their command line; a dead one has none any more.
    pub fn processes(&self) -> Vec<Pid> {
        let folder = self.path().to_str().unwrap();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let line = fs::read(entry.path().join("cmdline")).ok()?;
                let names_folder = String::from_utf8_lossy(&line).contains(folder);
                names_folder.then(|| Pid::from_raw(pid)).flatten()
            })
            .collect()
    }

    /// Whether this process of the folder lives.
    pub fn lives(&self, pid: Pid) -> bool {
        self.processes().contains(&pid)
    }

    fn end_all(&self) {
        let begun = Instant::now();
        loop {
            let left = self.processes();
            if left.is_empty() || begun.elapsed() > Duration::from_secs(10) {
                return;
            }
            for pid in left {
                // It may have ended by itself in the meantime.
                let _ = kill_process(pid, Signal::KILL);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        self.end_all();
    }
}

/// What a command came to.
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Of a program that has ended.
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// That it did what it was asked.
    #[track_caller]
    pub fn done(self) -> Self {
        self.ended(0)
    }

    /// That it ended with this code.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self
    }

    /// The one document it printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}
