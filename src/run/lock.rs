//! The lock that says whether a worker lives.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{RunError, host};

/// The exclusive hold of a run; given back when dropped and, whatever happens, when the process ends.
///
/// While it is held, a thread writes the time into the file every few seconds: hosts that can't ask the lock see from it
/// that the worker lives, however long one of its steps takes.
#[derive(Debug)]
pub struct RunLock {
    /// Dropped to end the beating.
    stop: Option<Sender<()>>,
    beating: Option<JoinHandle<()>>,
    /// Dropped last: this gives the lock back.
    _file: Arc<File>,
}

/// How long a worker insists: watchers touch the lock for an instant to see whether it is free.
const PATIENCE: Duration = Duration::from_millis(500);
/// The time between two heartbeats.
const BEAT: Duration = Duration::from_secs(5);

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
            .and_then(|()| beat(&file))
            .map_err(RunError::io("write", path))?;
        let file = Arc::new(file);
        let (stop, stopped) = channel();
        let beating = {
            let file = Arc::clone(&file);
            thread::spawn(move || {
                while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                    // A disk that refuses now may take the next one.
                    let _ = beat(&file);
                }
            })
        };
        Ok(Self {
            stop: Some(stop),
            beating: Some(beating),
            _file: file,
        })
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        drop(self.stop.take());
        // The thread ends at once and has nothing to tell.
        let _ = self.beating.take().map(JoinHandle::join);
    }
}

/// Writes who holds the lock, and when that was so: always as many bytes, so that no reader sees a half.
fn beat(file: &File) -> io::Result<()> {
    let text = format!("{:<10}\n{:<20.3}\n", std::process::id(), host::now());
    file.write_all_at(text.as_bytes(), 0)
}

/// When the holder of the lock at `path` last said that it lives, seconds after 1970; `None` where there was none.
pub fn heartbeat(path: &Path) -> Option<f64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().nth(1)?.trim().parse().ok()
}

/// Whether some process holds the lock at `path`.
///
/// # Errors
/// When the file is there and can't be opened or asked.
pub fn is_locked(path: &Path) -> Result<bool, RunError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
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
    file.take(64).read_to_string(&mut text).ok()?;
    text.lines().next()?.trim().parse().ok()
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
        assert!((host::now() - heartbeat(&path).unwrap()).abs() < 60.0);
        let begun = Instant::now();
        drop(lock);
        assert!(
            begun.elapsed() < BEAT,
            "giving it back waits for no heartbeat"
        );
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
