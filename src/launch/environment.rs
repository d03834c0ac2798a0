//! `environment.json`: what programs, machine and working folder a run was made with, for whoever asks a year later.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::devices::Devices;
use crate::run::{RunDirectory, RunError, host};

/// The document; its fields are those of the run's newest start.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Environment {
    facetui: String,
    /// The commit that facetui was built from, where it was built from one.
    facetui_commit: Option<String>,
    worker: Option<Devices>,
    host: String,
    system: String,
    kernel: String,
    architecture: String,
    processor: Option<String>,
    cores: usize,
    nvidia_driver: Option<String>,
    nvidia_gpus: Vec<String>,
    /// Seconds after 1970.
    started: f64,
    folder: WorkingFolder,
    /// The starts before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    earlier: Vec<Environment>,
}

/// The folder that the command was given in: where recipes are kept, often under version control.
#[derive(Debug, Default, Serialize, Deserialize)]
struct WorkingFolder {
    path: PathBuf,
    git_commit: Option<String>,
    /// Whether tracked files differ from that commit; `null` where git was too slow to tell.
    git_changed: Option<bool>,
}

/// `git status` of a huge tree on a slow disk is given up after this.
const PATIENCE: Duration = Duration::from_secs(2);

/// Writes the document for a start of `run` with a worker that answered `worker`; what an older one says is kept.
///
/// # Errors
/// The disk refuses.
pub(super) fn record(run: &RunDirectory, worker: &Devices) -> Result<(), RunError> {
    const NAME: &str = "environment.json";
    let path = run.path().join(NAME);
    let before = fs::read(&path).ok();
    let before: Option<Environment> = before.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut environment = now(worker);
    if let Some(mut before) = before {
        environment.earlier = std::mem::take(&mut before.earlier);
        environment.earlier.push(before);
    }
    let mut text = serde_json::to_vec_pretty(&environment)
        .map_err(|error| RunError::malformed(&path, "document", &error))?;
    text.push(b'\n');
    run.write_file(NAME, &text)
}

fn now(worker: &Devices) -> Environment {
    let path = env::current_dir().unwrap_or_default();
    let git_commit = git(&path, &["rev-parse", "HEAD"]);
    Environment {
        facetui: env!("CARGO_PKG_VERSION").to_owned(),
        facetui_commit: option_env!("FACETUI_COMMIT").map(str::to_owned),
        worker: Some(worker.clone()),
        host: host::host_name(),
        system: env::consts::OS.to_owned(),
        kernel: host::kernel(),
        architecture: env::consts::ARCH.to_owned(),
        processor: host::processor(),
        cores: thread::available_parallelism().map_or(0, usize::from),
        nvidia_driver: host::nvidia_driver(),
        nvidia_gpus: host::nvidia_gpus(),
        started: host::now(),
        folder: WorkingFolder {
            git_changed: git_commit.as_ref().and_then(|_| {
                let arguments = ["status", "--porcelain", "--untracked-files=no"];
                git(&path, &arguments).map(|changes| !changes.is_empty())
            }),
            git_commit,
            path,
        },
        earlier: Vec::new(),
    }
}

/// What git says in a folder, without the last newline; `None` where there is no git, no commit or no answer in time.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut child = Command::new("git")
        // The folder may be anyone's: nothing that its configuration names is started.
        .args([
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let output = child.stdout.take()?;
    let reader = thread::spawn(move || std::io::read_to_string(output));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().ok()? {
            Some(status) => break status,
            None if begun.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(2)),
            None => {
                // It only reads.
                let _ = child.kill().and_then(|()| child.wait());
                return None;
            }
        }
    };
    let text = reader.join().ok()?.ok()?;
    status.success().then(|| text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{launch::devices::LibTorch, run::RunDirectory};

    fn worker(version: &str) -> Devices {
        Devices {
            version: version.to_owned(),
            burn: Some("1.2.3".to_owned()),
            libtorch: LibTorch {
                built: true,
                version: Some("4.5.6".to_owned()),
                cuda: false,
                cuda_devices: 0,
            },
            devices: vec!["cpu".to_owned()],
        }
    }

    #[test]
    fn each_start_is_recorded_and_the_newest_comes_first() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "one").unwrap();
        let read = || -> serde_json::Value {
            let bytes = fs::read(run.path().join("environment.json")).unwrap();
            serde_json::from_slice(&bytes).unwrap()
        };
        for version in ["1", "2", "3"] {
            record(&run, &worker(version)).unwrap();
        }
        let document = read();
        assert_eq!(document["worker"]["version"], "3");
        assert_eq!(document["worker"]["burn"], "1.2.3");
        assert_eq!(document["worker"]["libtorch"]["version"], "4.5.6");
        assert_eq!(document["earlier"][0]["worker"]["version"], "1");
        assert_eq!(document["earlier"][1]["worker"]["version"], "2");
        assert_eq!(document["host"], host::host_name());
        assert!(document["cores"].as_u64().unwrap() > 0);
        fs::write(run.path().join("environment.json"), "{").unwrap();
        record(&run, &worker("4")).unwrap();
        assert_eq!(read()["worker"]["version"], "4");
    }

    #[test]
    fn a_folder_under_version_control_is_known_by_its_commit() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(git(folder.path(), &["rev-parse", "HEAD"]), None);
        let make = |arguments: &[&str]| {
            let identity = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"];
            let status = Command::new("git")
                .args(identity)
                .args(arguments)
                .current_dir(folder.path())
                .stdout(Stdio::null())
                .status();
            status.is_ok_and(|status| status.success())
        };
        if !make(&["init", "-q"]) {
            // Without git nothing can be known, as the first look found.
            return;
        }
        fs::write(folder.path().join("recipe.toml"), "steps = 1\n").unwrap();
        assert!(make(&["add", "recipe.toml"]) && make(&["commit", "-q", "-m", "one"]));
        assert_eq!(
            git(folder.path(), &["rev-parse", "HEAD"]).unwrap().len(),
            40
        );
        let changes = ["status", "--porcelain", "--untracked-files=no"];
        assert_eq!(git(folder.path(), &changes).unwrap(), "");
        fs::write(folder.path().join("recipe.toml"), "steps = 2\n").unwrap();
        assert!(!git(folder.path(), &changes).unwrap().is_empty());
    }
}
