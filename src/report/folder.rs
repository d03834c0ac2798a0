//! Folders that appear when they are complete.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::ReportError;
use crate::atomic::atomic_write;

/// A folder that is filled under a hidden name beside its own, and takes its own when it is finished.
pub(super) struct NewFolder {
    hidden: PathBuf,
    target: PathBuf,
    finished: bool,
}

impl NewFolder {
    /// Begins a folder that replaces what is at `target`: nothing, an empty folder, or one whose every entry
    /// `is_ours` knows (`what` names those in the refusal).
    ///
    /// # Errors
    /// Something else is there, or the disk refuses.
    pub fn begin(
        target: &Path,
        what: &'static str,
        is_ours: fn(&str) -> bool,
    ) -> Result<Self, ReportError> {
        let target = std::path::absolute(target).map_err(ReportError::io("find", target))?;
        match fs::read_dir(&target) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.map_err(ReportError::io("list", &target))?;
                    if !entry.file_name().to_str().is_some_and(is_ours) {
                        return Err(ReportError::Occupied { path: target, what });
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(ReportError::io("list", &target)(error)),
        }
        let parent = target.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(ReportError::io("make", parent))?;
        let hidden = hidden(&target, "new");
        remove(&hidden)?;
        fs::create_dir(&hidden).map_err(ReportError::io("make", &hidden))?;
        Ok(Self {
            hidden,
            target,
            finished: false,
        })
    }

    /// Writes a file of the folder; folders in its name are made.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ReportError> {
        let path = self.hidden.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(ReportError::io("make", folder))?;
        }
        atomic_write(&path, bytes).map_err(ReportError::io("write", &path))
    }

    /// Gives the folder its own name; what had it goes.
    ///
    /// # Errors
    /// The disk refuses; the old folder is there then.
    pub fn finish(mut self) -> Result<(), ReportError> {
        let old = hidden(&self.target, "old");
        remove(&old)?;
        let had_one = match fs::rename(&self.target, &old) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(ReportError::io("replace", &self.target)(error)),
        };
        if let Err(error) = fs::rename(&self.hidden, &self.target) {
            if had_one {
                // The first error is the one worth telling.
                let _ = fs::rename(&old, &self.target);
            }
            return Err(ReportError::io("make", &self.target)(error));
        }
        self.finished = true;
        remove(&old)
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.finished {
            // The reason why it isn't finished is told already.
            let _ = fs::remove_dir_all(&self.hidden);
        }
    }
}

fn hidden(target: &Path, word: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{word}-{}", std::process::id()))
}

fn remove(folder: &Path) -> Result<(), ReportError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(ReportError::io("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

/// A name as a part of a file name: letters and digits of any script, `.`, `-` and `_` stay, a slash becomes `-`,
/// everything else `_`, and it is short.
pub(super) fn plain(name: &str) -> String {
    let letters = name.chars().map(|letter| match letter {
        '.' | '-' | '_' => letter,
        '/' => '-',
        _ if letter.is_alphanumeric() => letter,
        _ => '_',
    });
    let mut plain = String::new();
    for letter in letters {
        // The longest file name that all usual file systems take has 255 bytes, and two names stand in one.
        if plain.len() + letter.len_utf8() > 80 {
            break;
        }
        plain.push(letter);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_replaces_its_own_kind_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("deep/out");
        let is_ours = |name: &str| name == "a.txt" || name == "b";
        let make = |text: &[u8]| {
            let folder = NewFolder::begin(&target, "test files", is_ours)?;
            folder.write("a.txt", text)?;
            folder.write("b/c.txt", text)?;
            folder.finish()
        };
        make(b"1").unwrap();
        make(b"2").unwrap();
        assert_eq!(fs::read(target.join("b/c.txt")).unwrap(), b"2");
        fs::write(target.join("mine.doc"), "x").unwrap();
        assert!(matches!(make(b"3"), Err(ReportError::Occupied { .. })));
        assert_eq!(fs::read(target.join("a.txt")).unwrap(), b"2");
        drop(NewFolder::begin(&root.path().join("other"), "", is_ours).unwrap());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn names_become_parts_of_file_names() {
        assert_eq!(plain("Alma_Powell/2"), "Alma_Powell-2");
        assert_eq!(plain("../x\u{1b}[2J y"), "..-x__2J_y");
        assert_eq!(plain("王小明"), "王小明");
        assert!(plain(&"王".repeat(200)).len() <= 80);
    }
}
