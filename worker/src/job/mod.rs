//! Jobs: each reads its run directory, does the work there, obeys the inbox.

mod align;
mod eval;
mod hook;
mod hours;
mod overlap;
mod session;
mod train;

use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::ExitCode,
    sync::Mutex,
};

use facetui::{
    config::Recipe,
    run::{RunDirectory, RunError, RunState, Status, Work},
};
use thiserror::Error;

use crate::{
    embed::EmbedError,
    model::device::DeviceError,
    train::{checkpoint::CheckpointError, trainer::StepError},
};
use session::Session;

/// Why a job ended without doing what it was asked.
#[derive(Debug, Error)]
pub enum JobError {
    /// The input is wrong: a path, a recipe, a set, a device.
    #[error("{0}")]
    Input(String),
    /// The run directory can't be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A checkpoint can't be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The numbers went wrong.
    #[error("{message}")]
    Step {
        /// What went wrong.
        source: StepError,
        /// The same, with what was kept of it.
        message: String,
    },
    /// The engine gave up.
    #[error("{0}")]
    Engine(String),
}

impl JobError {
    /// Wrong input, told by whoever found it; for `map_err`.
    #[expect(clippy::needless_pass_by_value, reason = "`map_err` passes by value")]
    fn input(error: impl ToString) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<EmbedError> for JobError {
    fn from(error: EmbedError) -> Self {
        Self::input(error)
    }
}

impl From<DeviceError> for JobError {
    fn from(error: DeviceError) -> Self {
        Self::input(error)
    }
}

/// Does the job of a run directory: the worker's whole life.
///
/// The exit code is 0 when the run is finished, parked or stopped, 1 when it failed, 2 when its input is wrong;
/// the run directory tells the rest.
pub fn run(path: &Path) -> ExitCode {
    // First thing: no terminal, and no signal from one, reaches the worker.
    if let Err(error) = facetui::run::worker::own_session() {
        say(&format!("can't leave the terminal's session: {error}"));
    }
    remember_panics();
    let (run, lock) = match RunDirectory::open(path).and_then(|run| {
        let lock = run.try_lock()?;
        Ok((run, lock))
    }) {
        Ok(held) => held,
        // Without the lock another worker may be at work: nothing is written to the directory.
        Err(error) => {
            say(&error.to_string());
            return ExitCode::from(2);
        }
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| work(&run)))
        .unwrap_or_else(|_| Err(JobError::Engine(engine_failure(&run))));
    let outcome = outcome.and_then(|then| match then {
        Then::End => Ok(()),
        Then::Again => Err(JobError::Engine(format!(
            "can't start anew to wait for the end of the hours: {}; `facetui resume` does",
            hours::start_again(run.path())
        ))),
    });
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            tell_failure(&run, &error);
            ExitCode::from(if matches!(error, JobError::Input(_)) {
                2
            } else {
                1
            })
        }
    };
    hook::ended(&run);
    drop(lock);
    code
}

/// What follows a job.
enum Then {
    /// The worker's end.
    End,
    /// A new worker, in this one's place.
    Again,
}

fn work(run: &RunDirectory) -> Result<Then, JobError> {
    let job = run.job()?;
    let mut session = Session::begin(run.clone(), job.work.kind(), job.device)?;
    match job.work {
        Work::Train { from, auto_batch } => {
            train::train(&mut session, job.device, from.as_deref(), auto_batch)
        }
        Work::Eval {
            model,
            set,
            figures,
            preprocessing,
            weights,
        } => {
            let order = eval::Order {
                device: job.device,
                model,
                set,
                figures,
                preprocessing,
                weights,
            };
            eval::evaluate(&mut session, &order).map(|()| Then::End)
        }
        Work::Align { source, options } => {
            align::align(&mut session, job.device, &source, options).map(|()| Then::End)
        }
        Work::Overlap {
            a,
            b,
            model,
            preprocessing,
            weights,
            options,
        } => {
            let order = overlap::Order {
                device: job.device,
                a,
                b,
                model,
                preprocessing,
                weights,
                options,
            };
            overlap::search(&mut session, &order).map(|()| Then::End)
        }
    }
}

/// Leaves the failure in the run's documents, as far as the disk allows.
fn tell_failure(run: &RunDirectory, error: &JobError) {
    let message = error.to_string();
    let told = run
        .journal()
        .and_then(|mut journal| {
            journal.append(facetui::run::JournalEvent::Error {
                message: message.clone(),
            })
        })
        .and_then(|_| run.status())
        .and_then(|status| {
            run.write_status(&Status {
                state: RunState::Failed,
                phase: None,
                images_per_second: None,
                eta_seconds: None,
                heartbeat: facetui::run::host::now(),
                last_error: Some(message),
                ..status
            })
        });
    if let Err(error) = told {
        say(&format!(
            "and that can't be told in the run directory: {error}"
        ));
    }
}

static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Keeps a panic's message: libtorch's exceptions arrive as panics and the run has to say what they said.
fn remember_panics() {
    std::panic::set_hook(Box::new(|information| {
        let message = information
            .payload_as_str()
            .unwrap_or("the engine gave no reason")
            .to_owned();
        let place = information
            .location()
            .map(|location| format!(" (at {}:{})", location.file(), location.line()))
            .unwrap_or_default();
        say(&format!("{message}{place}"));
        if let Ok(mut last) = LAST_PANIC.lock() {
            *last = Some(first_words(&message).to_owned());
        }
    }));
}

/// What an engine says, without the C++ backtrace that libtorch adds, and without what the bindings put before it: they
/// panic with the debug form of an error, whose line ends are written out.
fn first_words(message: &str) -> &str {
    const BEFORE: &str = "called `Result::unwrap()` on an `Err` value: Torch(\"";
    let message = message.strip_prefix(BEFORE).unwrap_or(message);
    let ends = ["\n", "\\n"];
    let end = ends.iter().filter_map(|end| message.find(end)).min();
    &message[..end.unwrap_or(message.len())]
}

/// Whether an engine's message says that memory ran out.
fn is_out_of_memory(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "out of memory",
        "can't allocate memory",
        "not enough memory",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// What the engine said at its end, with what to try where it was the memory.
fn engine_failure(run: &RunDirectory) -> String {
    let message = last_panic();
    if !is_out_of_memory(&message) {
        return message;
    }
    let batch = Recipe::load(&run.recipe_path()).map_or_else(
        |_| String::new(),
        |recipe| format!(" with batch_size = {}", recipe.batch_size),
    );
    format!(
        "the device's memory ran out{batch}: {message}; try a smaller batch_size (--set batch_size=…), --auto-batch, \
         which finds the largest that fits, or a device that others don't use"
    )
}

fn last_panic() -> String {
    let message = LAST_PANIC.lock().ok().and_then(|mut last| last.take());
    format!(
        "the engine failed: {}; worker.log has more",
        message.unwrap_or_else(|| "it gave no reason".to_owned())
    )
}

/// Writes a line to the worker's log, which is its stderr.
pub(crate) fn say(line: &str) {
    // `eprintln` would panic where the disk is full, and a line less is no reason to end a run.
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_engine_s_failure_its_reason_is_told() {
        let panic = r#"called `Result::unwrap()` on an `Err` value: Torch("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 1101004800 bytes. Error code 12 (Cannot allocate memory)\nframe #0: <unknown function> + 0x9ec5e\n")"#;
        let told = first_words(panic);
        assert!(told.starts_with("[enforce fail at alloc_cpu.cpp:124]"));
        assert!(told.ends_with("(Cannot allocate memory)"), "{told}");
        assert!(is_out_of_memory(told));
        let own =
            "a convolution's gradient: CUDA out of memory. Tried to allocate 2 GiB\nback\ntrace";
        assert_eq!(
            first_words(own),
            "a convolution's gradient: CUDA out of memory. Tried to allocate 2 GiB"
        );
        assert_eq!(first_words("index out of bounds"), "index out of bounds");
    }
}
