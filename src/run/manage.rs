//! What is done with a run as a whole: another name, a note, out of sight.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::directory::check_name;
use super::{RunDirectory, RunError};

/// The folder of archived runs in a folder of runs; no run has such a name.
pub const ARCHIVE: &str = ".archive";
const NOTE: &str = "note.txt";
/// A note is a line on a screen, not a report.
const LONGEST_NOTE: u64 = 4096;

impl RunDirectory {
    /// Gives a run another name; its directory lies elsewhere then.
    ///
    /// # Errors
    /// A worker has it, the name is taken or can't be one, or the disk refuses.
    pub fn rename(&self, name: &str) -> Result<Self, RunError> {
        check_name(name)?;
        self.moved_to(self.root().join(name))
    }

    /// Puts a run out of sight, into [`ARCHIVE`]; nothing of it is lost.
    ///
    /// # Errors
    /// A worker has it, or the disk refuses.
    pub fn archive(&self) -> Result<Self, RunError> {
        let archive = self.root().join(ARCHIVE);
        fs::create_dir_all(&archive).map_err(RunError::io("make", &archive))?;
        let name = Self::free_name(&archive, &self.name());
        self.moved_to(archive.join(name))
    }

    fn moved_to(&self, path: PathBuf) -> Result<Self, RunError> {
        self.check_private()?;
        // Held until the directory has moved: no worker can begin meanwhile.
        let _lock = self.try_lock()?;
        if fs::symlink_metadata(&path).is_ok() {
            return Err(RunError::Exists { path });
        }
        fs::rename(self.path(), &path).map_err(RunError::io("rename", self.path()))?;
        let moved = Self::open(&path)?;
        if let Ok(mut status) = moved.status() {
            status.name = moved.name();
            moved.write_status(&status)?;
        }
        Ok(moved)
    }

    /// What a person noted of the run; not to be trusted on a screen.
    pub fn note(&self) -> Option<String> {
        let path = self.path().join(NOTE);
        let length = fs::metadata(&path).ok()?.len();
        let text = (length <= LONGEST_NOTE).then(|| fs::read_to_string(&path).ok())??;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Notes something of the run, in place of what was noted; an empty note is none.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_note(&self, text: &str) -> Result<(), RunError> {
        let text = text.trim();
        if text.is_empty() {
            let path = self.path().join(NOTE);
            return match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(RunError::io("remove", &path)(error))
                }
                _ => Ok(()),
            };
        }
        let mut end = text.len().min(LONGEST_NOTE as usize - 1);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.write_file(NOTE, format!("{}\n", &text[..end]).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{JobKind, RunState, Status, registry};

    fn run(root: &std::path::Path, name: &str) -> RunDirectory {
        let run = RunDirectory::create(root, name).unwrap();
        let mut status = Status::starting(name, JobKind::Train, 100, "flex");
        status.state = RunState::Finished;
        run.write_status(&status).unwrap();
        run
    }

    #[test]
    fn a_run_takes_another_name_unless_it_is_taken_or_a_worker_has_it() {
        let root = tempfile::tempdir().unwrap();
        let one = run(root.path(), "one");
        run(root.path(), "two");
        assert!(matches!(one.rename("two"), Err(RunError::Exists { .. })));
        assert!(matches!(one.rename("../x"), Err(RunError::Name { .. })));
        let lock = one.try_lock().unwrap();
        assert!(matches!(one.rename("three"), Err(RunError::Locked { .. })));
        drop(lock);
        let three = one.rename("three").unwrap();
        assert_eq!(three.status().unwrap().name, "three");
        assert!(!one.path().exists());
    }

    #[test]
    fn an_archived_run_is_listed_no_more_and_is_whole() {
        let root = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            run(root.path(), "one").archive().unwrap();
        }
        assert_eq!(registry::list(root.path()).unwrap(), []);
        let archived = registry::list(&root.path().join(ARCHIVE)).unwrap();
        assert_eq!(archived.len(), 2);
    }

    #[test]
    fn a_note_is_kept_changed_and_taken_away() {
        let root = tempfile::tempdir().unwrap();
        let run = run(root.path(), "one");
        assert_eq!(run.note(), None);
        run.write_note(" warm-up twice as long ").unwrap();
        assert_eq!(run.note().as_deref(), Some("warm-up twice as long"));
        run.write_note(&"ü".repeat(5_000)).unwrap();
        assert!(run.note().unwrap().len() < 4_096);
        run.write_note("").unwrap();
        run.write_note("").unwrap();
        assert_eq!(run.note(), None);
    }
}
