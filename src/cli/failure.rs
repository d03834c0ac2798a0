//! How a command ends when it doesn't do what it was asked.

use std::{io, process::ExitCode};

use super::output::say;
use crate::{
    config::ConfigErrors, data::DataError, eval::EvalError, launch::LaunchError,
    report::ReportError, run::RunError,
};

/// Why a command ends early, and with which exit code.
#[derive(Debug)]
pub(super) enum Failure {
    /// It ran and failed: 1.
    Failed(String),
    /// What it was given is wrong: 2.
    Input(String),
    /// Ctrl-C: 130. What there was to say has been said.
    Interrupted,
    /// Nobody reads the output any more, which is no failure: 0.
    OutputClosed,
}

impl Failure {
    /// Says it on stderr and gives the exit code.
    pub fn told(self) -> ExitCode {
        let (code, message) = match self {
            Self::Failed(message) => (1, message),
            Self::Input(message) => (2, message),
            Self::Interrupted => (130, String::new()),
            Self::OutputClosed => (0, String::new()),
        };
        for line in message.lines() {
            say(line);
        }
        ExitCode::from(code)
    }
}

impl From<LaunchError> for Failure {
    fn from(error: LaunchError) -> Self {
        if error.is_wrong_input() {
            Self::Input(error.to_string())
        } else {
            Self::Failed(error.to_string())
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        LaunchError::from(error).into()
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Input(errors.to_string())
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<EvalError> for Failure {
    fn from(error: EvalError) -> Self {
        match error {
            EvalError::Write { .. } => Self::Failed(error.to_string()),
            _ => Self::Input(error.to_string()),
        }
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Run(error) => error.into(),
            _ if error.is_wrong_input() => Self::Input(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Only writing to stdout makes bare I/O errors here; everything else names its file.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::Failed(format!("cannot write to standard output: {error}"))
        }
    }
}
