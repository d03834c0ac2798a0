//! What can go wrong with a run directory.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// What failed on which file of a run, and what to do about it.
#[derive(Debug, Error)]
pub enum RunError {
    /// The file system refused.
    #[error("{}: cannot {doing}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as a verb: `read`, `write`.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A document of the run can't be understood.
    #[error("{}: not a readable {what}: {reason}", path.display())]
    Malformed {
        /// The document.
        path: PathBuf,
        /// What it should have been.
        what: &'static str,
        /// Which field or line is wrong, and how.
        reason: String,
    },
    /// There is no run here.
    #[error("{}: not a run directory (no status.json or job.toml in it); `facetui runs` lists those there are", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// The name is taken.
    #[error("{}: a run of this name exists already; choose another with --name, or `facetui resume` it", path.display())]
    Exists {
        /// Its folder.
        path: PathBuf,
    },
    /// The name can't be a run's.
    #[error("run name \"{}\": {reason}", name.escape_debug())]
    Name {
        /// The name as asked for.
        name: String,
        /// What a name may be.
        reason: &'static str,
    },
    /// Others than the owner could give this run commands.
    #[error("{}: others may write here (mode {mode:03o}), so its commands can't be trusted; `chmod go-w` it first", path.display())]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A worker has the run already.
    #[error("{}: another worker has this run{}; stop that one first", path.display(), holder.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that wrote itself into the lock.
        holder: Option<u32>,
    },
    /// The worker's program is not there.
    #[error("facetui-worker is not at {}; build it (`./x build`) or set FACETUI_WORKER to where it is", path.display())]
    WorkerMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
}

impl RunError {
    /// Whether the disk, or its owner's share of it, is full: nothing is wrong with the run then.
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Io { source, .. } if matches!(
            source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        ))
    }

    /// Says what was being done to `path` when the system refused; for `map_err`.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            path,
            doing,
            source,
        }
    }

    /// Says that the document at `path` is not a `what`.
    pub(crate) fn malformed(path: &Path, what: &'static str, reason: &dyn fmt::Display) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            what,
            reason: reason.to_string(),
        }
    }
}
