//! Folders that appear whole or not at all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::DataError;

/// A folder that gets its name when it is complete, and vanishes when it never is.
pub(super) struct NewFolder {
    path: PathBuf,
    finished: bool,
}

impl NewFolder {
    /// Makes a hidden folder beside where `folder` will be; `what` is part of its name.
    ///
    /// What killed processes left behind under such names is removed.
    pub fn create(folder: &Path, what: &str) -> Result<Self, DataError> {
        let parent = folder
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let name = folder
            .file_name()
            .ok_or_else(|| DataError::unsuitable(folder, "is not the name of a folder"))?;
        fs::create_dir_all(parent).map_err(|error| DataError::write(parent, error))?;
        let prefix = format!(".{}.{what}-", name.to_string_lossy());
        remove_abandoned(parent, &prefix);
        let path = parent.join(format!("{prefix}{}", std::process::id()));
        fs::create_dir(&path).map_err(|error| DataError::write(&path, error))?;
        Ok(Self {
            path,
            finished: false,
        })
    }

    /// The folder as long as it is hidden.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the folder its name, which must be free or an empty folder.
    pub fn finish(mut self, folder: &Path) -> Result<(), DataError> {
        self.sync(folder)?;
        fs::rename(&self.path, folder).map_err(|error| DataError::write(folder, error))?;
        self.finished = true;
        Ok(())
    }

    /// Gives the folder the name of one that is there, which is removed.
    pub fn replace(self, folder: &Path) -> Result<(), DataError> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        self.sync(folder)?;
        // The two change places in one step; the old one then lies under the hidden name, and goes with `self`.
        match renameat_with(CWD, &self.path, CWD, folder, RenameFlags::EXCHANGE) {
            // Some file systems, networks' above all, can't do that.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                let old = self.path.with_extension("old");
                let failed = |error| DataError::write(folder, error);
                fs::rename(folder, &old).map_err(failed)?;
                self.finish(folder)?;
                fs::remove_dir_all(&old).map_err(|error| DataError::write(&old, error))
            }
            outcome => outcome.map_err(|error| DataError::write(folder, error.into())),
        }
    }

    fn sync(&self, folder: &Path) -> Result<(), DataError> {
        let failed = |error| DataError::write(folder, error);
        let handle = File::open(&self.path).map_err(failed)?;
        rustix::fs::syncfs(&handle).map_err(|error| failed(error.into()))
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        if !self.finished {
            // The reason why it is not finished is told already.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Removes what killed processes left behind.
fn remove_abandoned(parent: &Path, prefix: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name
            .strip_prefix(prefix)
            .and_then(|number| number.parse().ok());
        if let Some(process) = process.and_then(rustix::process::Pid::from_raw)
            && rustix::process::test_kill_process(process) == Err(rustix::io::Errno::SRCH)
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_folder_appears_whole_replaces_another_or_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("set");
        drop(NewFolder::create(&folder, "pack").unwrap());
        assert!(names(place.path()).is_empty());

        for text in ["old", "new"] {
            let new = NewFolder::create(&folder, "pack").unwrap();
            fs::write(new.path().join("file"), text).unwrap();
            if text == "old" {
                new.finish(&folder).unwrap();
            } else {
                new.replace(&folder).unwrap();
            }
            assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), text);
            assert_eq!(names(place.path()), ["set"]);
        }
    }
}
