//! Starting programs that outlive whoever starts them: workers, and sequences of them.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{RunDirectory, RunError};

/// The worker's program: `FACETUI_WORKER`, or `facetui-worker` beside this program.
///
/// # Errors
/// [`RunError::WorkerMissing`] with the place looked at.
pub fn binary() -> Result<PathBuf, RunError> {
    let path = match env::var_os("FACETUI_WORKER") {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => {
            // Followed, so that a link to facetui in a folder on the search path finds the worker beside the real one.
            let own = env::current_exe()
                .and_then(fs::canonicalize)
                .map_err(RunError::io("find", Path::new("facetui's own program")))?;
            own.with_file_name("facetui-worker")
        }
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(RunError::WorkerMissing { path })
    }
}

/// ONNX Runtime's library, which the worker loads for ONNX models: `ORT_DYLIB_PATH`, else where `./x setup onnx` puts
/// it beside the worker's program or in the project that built it; `None` where there is none.
///
/// # Errors
/// `ORT_DYLIB_PATH` names no file.
pub fn onnx_runtime() -> Result<Option<PathBuf>, String> {
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        return if path.is_file() {
            Ok(Some(path))
        } else {
            Err(format!(
                "ORT_DYLIB_PATH names {}, where no file is",
                path.display()
            ))
        };
    }
    let program = binary().or_else(|_| env::current_exe());
    let Some(program) = program.ok().and_then(|path| fs::canonicalize(path).ok()) else {
        return Ok(None);
    };
    // Only folders of whoever installed or built the program: a library is code.
    let beside = program.parent();
    let built = program
        .ancestors()
        .find(|folder| folder.file_name().is_some_and(|name| name == "target"));
    Ok([beside, built.and_then(Path::parent)]
        .into_iter()
        .flatten()
        .map(|folder| folder.join(ONNX_RUNTIME))
        .find(|path| path.is_file()))
}

/// Where `./x setup onnx` puts the library.
const ONNX_RUNTIME: &str = "onnxruntime/lib/libonnxruntime.so";

/// Starts a worker on a run; it lives in a session of its own and writes to `worker.log`.
///
/// The child is returned so that its end can be waited for; dropping it changes nothing for the worker.
///
/// # Errors
/// When there is no worker, or the system can't start it.
pub fn start(run: &RunDirectory) -> Result<Child, RunError> {
    let program = binary()?;
    // The worker may be started from anywhere, and the run's path may be relative.
    let folder = std::path::absolute(run.path()).map_err(RunError::io("find", run.path()))?;
    start_detached(
        &program,
        [OsStr::new("run"), folder.as_os_str()],
        &run.log_path(),
    )
}

/// Starts a program with nothing to read, its output appended to `log`.
///
/// The program makes itself a session by calling [`own_session`] first thing: this library forbids the unsafe code
/// that would do it between fork and exec.
///
/// # Errors
/// When the log can't be opened or the program can't be started.
pub fn start_detached<'a>(
    program: &Path,
    arguments: impl IntoIterator<Item = &'a OsStr>,
    log: &Path,
) -> Result<Child, RunError> {
    let output = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(log)
        .map_err(RunError::io("open", log))?;
    let errors = output.try_clone().map_err(RunError::io("open", log))?;
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(RunError::io("start", program))
}

/// Leaves the session of whoever started this process: no terminal, and no signal from one, reaches it any more.
///
/// A process that leads its group (one started by a shell as a job) can't and needn't: that is no error.
///
/// # Errors
/// When the system refuses otherwise.
pub fn own_session() -> io::Result<()> {
    match rustix::process::setsid() {
        Ok(_) | Err(rustix::io::Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_goes_to_the_log_after_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("worker.log");
        fs::write(&log, "before\n").unwrap();
        let arguments = ["-c", "cat; echo out; echo err >&2; exit 3"].map(OsStr::new);
        let mut child = start_detached(Path::new("/bin/sh"), arguments, &log).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(3));
        assert_eq!(fs::read_to_string(&log).unwrap(), "before\nout\nerr\n");
        let error = start_detached(&folder.path().join("none"), [], &log).unwrap_err();
        assert!(error.to_string().contains("cannot start"), "{error}");
    }
}
