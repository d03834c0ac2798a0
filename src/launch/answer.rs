//! Asking the worker's program something that it answers at once.

use std::{
    ffi::OsStr,
    io::Read,
    path::PathBuf,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::de::DeserializeOwned;

use super::LaunchError;
use crate::run::worker;

/// What the worker said.
pub(super) struct Answer {
    program: PathBuf,
    pub status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Answer {
    /// Starts the worker with these arguments and waits for its end.
    ///
    /// # Errors
    /// There is no worker, it can't be started, or it has not ended after `patience`.
    pub fn to<'a>(
        arguments: impl IntoIterator<Item = &'a OsStr>,
        patience: Duration,
    ) -> Result<Self, LaunchError> {
        let program = worker::binary()?;
        let broken = |reason: String| LaunchError::Worker {
            program: program.clone(),
            reason,
        };
        let mut child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| broken(error.to_string()))?;
        let begun = Instant::now();
        // The answer is short: it fits into the pipe whole, so that waiting for the end first is safe.
        let status = loop {
            match child
                .try_wait()
                .map_err(|error| broken(error.to_string()))?
            {
                Some(status) => break status,
                None if begun.elapsed() < patience => thread::sleep(Duration::from_millis(5)),
                None => {
                    // It is ours and does nothing but answer.
                    let _ = child.kill().and_then(|()| child.wait());
                    let seconds = patience.as_secs();
                    return Err(broken(format!("it gave no answer in {seconds} seconds")));
                }
            }
        };
        let read = |pipe: Option<&mut dyn Read>| {
            let mut bytes = Vec::new();
            // What can't be read is missing from the answer, which then tells.
            let _ = pipe.map(|pipe| pipe.read_to_end(&mut bytes));
            bytes
        };
        Ok(Self {
            stdout: read(child.stdout.as_mut().map(|pipe| pipe as &mut dyn Read)),
            stderr: read(child.stderr.as_mut().map(|pipe| pipe as &mut dyn Read)),
            program,
            status,
        })
    }

    /// The document that it printed.
    ///
    /// # Errors
    /// It printed something else.
    pub fn document<T: DeserializeOwned>(&self) -> Result<T, LaunchError> {
        serde_json::from_slice(&self.stdout).map_err(|error| LaunchError::Worker {
            program: self.program.clone(),
            reason: format!("its answer makes no sense ({error})"),
        })
    }

    /// The last line of its errors, or how it ended.
    pub fn words(&self) -> String {
        let words = String::from_utf8_lossy(&self.stderr);
        let last = words.lines().rfind(|line| !line.trim().is_empty());
        last.map_or_else(|| self.status.to_string(), str::to_owned)
    }

    /// That it doesn't run.
    pub fn failure(&self) -> LaunchError {
        LaunchError::Worker {
            program: self.program.clone(),
            reason: self.words(),
        }
    }
}
