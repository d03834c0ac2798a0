//! The lock that says whether a worker lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::RunError;

/// The exclusive hold of a run; given back when dropped and, whatever happens, when the process ends.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// How long a worker insists: watchers touch the lock for an instant to see whether it is free.
const PATIENCE: Duration = Duration::from_millis(500);

impl RunLock {
    /// Takes the lock file at `path`, making it where there is none, and writes this process's id into it.
    ///
    /// # Errors
    /// [`RunError::Locked`] when another process has it.
    pub fn try_take(path: &Path) -> Result<Self, RunError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(RunError::io("open the lock", path))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(RunError::Locked {
                        path: path.to_owned(),
                        holder: holder(&mut file),
                    });
                }
                Err(TryLockError::Error(source)) => {
                    return Err(RunError::io("lock", path)(source));
                }
            }
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(RunError::io("write", path))?;
        Ok(Self { _file: file })
    }
}

/// Whether some process holds the lock at `path`.
///
/// # Errors
/// When the file is there and can't be opened or asked.
pub fn is_locked(path: &Path) -> Result<bool, RunError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(RunError::io("open the lock", path)(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(RunError::io("ask the lock", path)(source)),
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_refused_and_told_by_whom() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!is_locked(&path).unwrap());
        let lock = RunLock::try_take(&path).unwrap();
        assert!(is_locked(&path).unwrap());
        let error = RunLock::try_take(&path).unwrap_err().to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        drop(lock);
        assert!(!is_locked(&path).unwrap());
        RunLock::try_take(&path).unwrap();
    }

    #[test]
    fn a_watchers_look_does_not_refuse_a_worker() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        drop(RunLock::try_take(&path).unwrap());
        let probe = File::open(&path).unwrap();
        probe.lock_shared().unwrap();
        let releasing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            drop(probe);
        });
        RunLock::try_take(&path).unwrap();
        releasing.join().unwrap();
    }
}
