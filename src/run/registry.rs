//! The runs there are.

use std::collections::{HashMap, HashSet};
use std::fs::{self, DirEntry};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{Heartbeats, RunDirectory, RunError, Status, is_event_file};

/// A folder that is shown as a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// The folder's name, not to be trusted on a screen.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// What is in it.
    pub entry: RunEntry,
    /// When it began, seconds after 1970; for other folders, when it last changed.
    pub started: f64,
}

/// What a folder turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEntry {
    /// A run.
    Run(Box<Status>),
    /// A folder of TensorBoard event files that some other program wrote.
    EventLog,
    /// A run whose status can't be read: why.
    Broken(String),
}

/// Looks at runs again and again: what didn't change isn't read again.
#[derive(Debug, Default)]
pub struct Registry {
    statuses: HashMap<PathBuf, Known>,
    heartbeats: Heartbeats,
}

/// A status document as it was read.
#[derive(Debug)]
struct Known {
    stamp: Stamp,
    status: Status,
}

/// A file that is replaced whole is another one, mostly of another time.
type Stamp = (u64, u64, i64, i64);

/// Folders this deep below one that is opened are looked for.
const MOST_DEPTH: usize = 32;
/// So many folders are looked through at most.
const MOST_FOLDERS: usize = 100_000;

/// The runs in `root`, newest first; folders that have nothing of a run in them are left out.
///
/// A broken run is listed with its error and hides no other. Without a `root` there are no runs.
///
/// # Errors
/// When `root` is there and can't be listed.
pub fn list(root: &Path) -> Result<Vec<RunSummary>, RunError> {
    Registry::default().list(root)
}

impl Registry {
    /// As [`list`].
    ///
    /// # Errors
    /// When `root` is there and can't be listed.
    pub fn list(&mut self, root: &Path) -> Result<Vec<RunSummary>, RunError> {
        let entries = match fs::read_dir(root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RunError::io("list", root)(error)),
        };
        let mut runs = Vec::new();
        for entry in entries {
            let entry = entry.map_err(RunError::io("list", root))?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && is_folder(&entry) {
                runs.extend(self.look(&entry.path()));
            }
        }
        runs.sort_by(|a, b| {
            b.started
                .total_cmp(&a.started)
                .then_with(|| a.name.cmp(&b.name))
        });
        Ok(runs)
    }

    /// What one folder is; `None` where it has nothing of a run in it.
    pub fn look(&mut self, path: &Path) -> Option<RunSummary> {
        let run = match RunDirectory::open(path) {
            Ok(run) => run,
            Err(_) if holds_events(path) => return Some(summary(path, RunEntry::EventLog)),
            Err(error) => {
                let torn = path.join("inbox").is_dir() && path.join("checkpoints").is_dir();
                return torn.then(|| summary(path, RunEntry::Broken(error.to_string())));
            }
        };
        Some(match self.status(&run) {
            Ok(status) => RunSummary {
                name: run.name(),
                path: path.to_owned(),
                started: status.started,
                entry: RunEntry::Run(Box::new(status)),
            },
            Err(error) => summary(path, RunEntry::Broken(error.to_string())),
        })
    }

    fn status(&mut self, run: &RunDirectory) -> Result<Status, RunError> {
        let stamp = fs::metadata(run.status_path()).ok().map(|metadata| {
            let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
            (metadata.ino(), metadata.len(), seconds, nanoseconds)
        });
        let known = self.statuses.get(run.path());
        let known = known.filter(|known| Some(known.stamp) == stamp);
        let status = if let Some(known) = known {
            known.status.clone()
        } else {
            let status = run.read_status()?;
            if let Some(stamp) = stamp {
                let status = status.clone();
                let known = Known { stamp, status };
                self.statuses.insert(run.path().to_owned(), known);
            }
            status
        };
        run.judged(status, &mut self.heartbeats)
    }
}

/// The folders at and below `folder` that are runs or event logs, each with the name to show it by: `folder` by its own,
/// the others, as TensorBoard does, by their paths from there. Links are followed, once.
pub fn below(folder: &Path) -> Vec<(PathBuf, String)> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let own_name = absolute.file_name().unwrap_or_default();
    let mut found = Vec::new();
    let mut visited = HashSet::new();
    let mut waiting = vec![(folder.to_owned(), PathBuf::new(), 0)];
    while let Some((path, name, depth)) = waiting.pop() {
        let once = fs::canonicalize(&path).is_ok_and(|real| visited.insert(real));
        if !once || visited.len() > MOST_FOLDERS {
            continue;
        }
        let shown = || {
            let name = if depth == 0 {
                own_name
            } else {
                name.as_os_str()
            };
            (path.clone(), name.to_string_lossy().into_owned())
        };
        if RunDirectory::open(&path).is_ok() {
            // What lies in it is its own.
            found.push(shown());
            continue;
        }
        let mut is_log = false;
        for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
            if is_folder(&entry) {
                if depth < MOST_DEPTH && !entry.file_name().as_encoded_bytes().starts_with(b".") {
                    waiting.push((entry.path(), name.join(entry.file_name()), depth + 1));
                }
            } else {
                is_log |= is_event_file(&entry.path());
            }
        }
        if is_log {
            found.push(shown());
        }
    }
    found.sort();
    found
}

/// Whether an entry is a folder or leads to one.
fn is_folder(entry: &DirEntry) -> bool {
    entry
        .file_type()
        .is_ok_and(|kind| kind.is_dir() || (kind.is_symlink() && entry.path().is_dir()))
}

fn summary(path: &Path, entry: RunEntry) -> RunSummary {
    let changed = fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    RunSummary {
        name: absolute
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        path: path.to_owned(),
        entry,
        started: changed.map_or(0.0, |elapsed| elapsed.as_secs_f64()),
    }
}

fn holds_events(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|entries| entries.flatten().any(|e| is_event_file(&e.path())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{EventWriter, JobKind};

    #[test]
    fn runs_come_newest_first_and_a_broken_one_hides_no_other() {
        let root = tempfile::tempdir().unwrap();
        for (name, started) in [("old", 100.0), ("new", 9e12)] {
            let run = RunDirectory::create(root.path(), name).unwrap();
            let mut status = Status::starting(name, JobKind::Train, 10, "cpu");
            status.started = started;
            run.write_status(&status).unwrap();
        }
        let broken = RunDirectory::create(root.path(), "broken").unwrap();
        fs::write(broken.status_path(), "{").unwrap();
        RunDirectory::create(root.path(), "torn").unwrap();
        // As if it were one: hidden folders, kept embeddings among them, are no runs.
        let kept = root.path().join(crate::run::KEPT_EMBEDDINGS);
        fs::create_dir(&kept).unwrap();
        EventWriter::append(&kept).unwrap();
        fs::create_dir(root.path().join("others")).unwrap();
        EventWriter::append(&root.path().join("others")).unwrap();
        fs::create_dir(root.path().join("data")).unwrap();
        fs::write(root.path().join("notes.txt"), "").unwrap();

        let runs = list(root.path()).unwrap();
        let find = |name: &str| &runs.iter().find(|run| run.name == name).unwrap().entry;
        assert_eq!(runs.len(), 5);
        assert_eq!(runs[0].name, "new");
        assert_eq!(runs[4].name, "old");
        assert!(matches!(find("broken"), RunEntry::Broken(error) if error.contains("status.json")));
        assert!(matches!(find("torn"), RunEntry::Broken(_)));
        assert_eq!(*find("others"), RunEntry::EventLog);
        assert!(list(&root.path().join("nowhere")).unwrap().is_empty());
    }

    #[test]
    fn a_status_is_read_again_when_it_is_replaced() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(root.path(), "one").unwrap();
        let mut status = Status::starting("one", JobKind::Train, 10, "cpu");
        status.state = crate::run::RunState::Parked;
        let mut registry = Registry::default();
        for step in 0..50 {
            status.step = step;
            run.write_status(&status).unwrap();
            for _ in 0..2 {
                let seen = registry.list(root.path()).unwrap();
                let RunEntry::Run(seen) = &seen[0].entry else {
                    panic!("{seen:?}")
                };
                assert_eq!(seen.step, step);
            }
        }
        fs::remove_dir_all(run.path()).unwrap();
        assert!(registry.list(root.path()).unwrap().is_empty());
    }

    #[test]
    fn logs_are_found_at_any_depth_by_their_paths() {
        let root = tempfile::tempdir().unwrap();
        let top = root.path().join("exp");
        for folder in ["", "b/train", "b/train/deep/er", ".hidden"] {
            fs::create_dir_all(top.join(folder)).unwrap();
            fs::write(top.join(folder).join("events.out.tfevents.1.x"), "").unwrap();
        }
        let run = RunDirectory::create(&top, "run").unwrap();
        run.write_status(&Status::starting("run", JobKind::Train, 10, "cpu"))
            .unwrap();
        fs::create_dir(run.path().join("more")).unwrap();
        EventWriter::append(&run.path().join("more")).unwrap();
        std::os::unix::fs::symlink(&top, top.join("b/loop")).unwrap();
        let elsewhere = root.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        EventWriter::append(&elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, top.join("linked")).unwrap();
        let names: Vec<String> = below(&top).into_iter().map(|(_, name)| name).collect();
        assert_eq!(
            names,
            ["exp", "b/train", "b/train/deep/er", "linked", "run",]
        );
        assert!(below(&root.path().join("none")).is_empty());
    }
}
