//! The runs there are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{RunDirectory, RunError, Status, is_event_file};

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

/// The runs in `root`, newest first; folders that have nothing of a run in them are left out.
///
/// A broken run is listed with its error and hides no other. Without a `root` there are no runs.
///
/// # Errors
/// When `root` is there and can't be listed.
pub fn list(root: &Path) -> Result<Vec<RunSummary>, RunError> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(RunError::io("list", root)(error)),
    };
    let mut runs = Vec::new();
    for entry in entries {
        let path = entry.map_err(RunError::io("list", root))?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.is_dir() {
            runs.extend(look(&path));
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
pub fn look(path: &Path) -> Option<RunSummary> {
    let run = match RunDirectory::open(path) {
        Ok(run) => run,
        Err(_) if holds_events(path) => return Some(summary(path, RunEntry::EventLog)),
        Err(error) => {
            let torn = path.join("inbox").is_dir() && path.join("checkpoints").is_dir();
            return torn.then(|| summary(path, RunEntry::Broken(error.to_string())));
        }
    };
    Some(match run.status() {
        Ok(status) => RunSummary {
            started: status.started,
            ..summary(path, RunEntry::Run(Box::new(status)))
        },
        Err(error) => summary(path, RunEntry::Broken(error.to_string())),
    })
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
}
