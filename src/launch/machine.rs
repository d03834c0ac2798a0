//! What this machine has for training and looking, and how to get what is missing.

use std::{
    env,
    io::IsTerminal,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    devices::{self, Devices},
    logind, tools,
};
use crate::run::{host, kept_size, registry, worker};

/// Everything that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// facetui's version.
    pub version: &'static str,
    /// The worker.
    pub worker: Worker,
    /// NVIDIA's part.
    pub nvidia: Nvidia,
    /// The ONNX Runtime library, where there is one.
    pub onnx_runtime: Option<PathBuf>,
    /// The folder with the face detector's weights, where there is one.
    pub detector: Option<PathBuf>,
    /// The program ffmpeg, where there is one.
    pub ffmpeg: Option<PathBuf>,
    /// The terminal.
    pub terminal: Terminal,
    /// Where runs go.
    pub runs: Runs,
    /// What is missing, most important first.
    pub missing: Vec<Missing>,
    /// What is there and will do harm.
    pub warnings: Vec<Missing>,
}

/// The worker, as it answers.
#[derive(Debug, Clone, Serialize)]
pub struct Worker {
    /// Its program, where there is one.
    pub path: Option<PathBuf>,
    /// What it says it has.
    pub devices: Option<Devices>,
    /// Why it doesn't answer.
    pub error: Option<String>,
}

/// NVIDIA's driver.
#[derive(Debug, Clone, Serialize)]
pub struct Nvidia {
    /// The version of the loaded driver.
    pub driver: Option<String>,
    /// Whether `libcuda.so.1` is there.
    pub cuda_library: bool,
}

/// The terminal, as the environment describes it.
#[derive(Debug, Clone, Serialize)]
pub struct Terminal {
    /// Whether standard output is one.
    pub is_terminal: bool,
    /// `TERM`.
    pub kind: Option<String>,
    /// Columns and rows.
    pub size: Option<(u16, u16)>,
    /// How many colours: `24-bit`, `256`, `16`, `none`.
    pub colours: &'static str,
    /// Whether the locale is UTF-8.
    pub utf8: bool,
}

/// Where runs go.
#[derive(Debug, Clone, Serialize)]
pub struct Runs {
    /// The folder.
    pub path: PathBuf,
    /// How many runs are in it.
    pub count: usize,
    /// Free bytes on its disk.
    pub free_bytes: Option<u64>,
    /// Embeddings that evaluations have left for others.
    pub kept_embeddings: KeptEmbeddings,
}

/// What evaluations have left in the folder of runs; it may be deleted at any time.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct KeptEmbeddings {
    /// How many files.
    pub files: usize,
    /// Their bytes in all.
    pub bytes: u64,
}

/// Something that is missing, or wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What.
    pub what: String,
    /// How to get it.
    pub remedy: String,
}

/// The smallest terminal the dashboard fits into.
const SMALLEST: (u16, u16) = (80, 24);
/// Below so many free bytes a training's checkpoints may not fit.
const LITTLE_DISK_BYTES: u64 = 2 << 30;

/// Looks at everything; nothing that is missing stops it.
pub fn examine(runs_root: &Path) -> Machine {
    let (devices, error) = match devices::ask() {
        Ok(devices) => (Some(devices), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let mut machine = Machine {
        version: env!("CARGO_PKG_VERSION"),
        worker: Worker {
            path: worker::binary().ok(),
            devices,
            error,
        },
        nvidia: Nvidia {
            driver: host::nvidia_driver(),
            cuda_library: devices::cuda_library(),
        },
        // A path that is set and wrong is none: the worker says so when it is needed.
        onnx_runtime: worker::onnx_runtime().ok().flatten(),
        detector: tools::detector(),
        ffmpeg: tools::ffmpeg(),
        terminal: terminal(),
        runs: Runs {
            path: runs_root.to_owned(),
            count: registry::list(runs_root).map_or(0, |runs| runs.len()),
            free_bytes: free_bytes(runs_root),
            kept_embeddings: kept_size(runs_root)
                .map(|(files, bytes)| KeptEmbeddings { files, bytes })
                .unwrap_or_default(),
        },
        missing: Vec::new(),
        warnings: warnings(Path::new("/")),
    };
    machine.missing = missing(&machine);
    machine
}

/// What of a system whose files lie below `root` will do harm.
fn warnings(root: &Path) -> Vec<Missing> {
    let ends = logind::ends_processes_of(&host::user_name(), root);
    let warning = ends.then(|| Missing {
        what: "systemd ends all your processes, running workers too, when you log out (KillUserProcesses=yes)".to_owned(),
        remedy: "start them with `systemd-run --user --scope facetui …` after `loginctl enable-linger`, or have \
                 KillUserProcesses=no set in /etc/systemd/logind.conf"
            .to_owned(),
    });
    warning.into_iter().collect()
}

fn missing(machine: &Machine) -> Vec<Missing> {
    let mut list = Vec::new();
    let mut add = |what: &str, remedy: &str| {
        list.push(Missing {
            what: what.to_owned(),
            remedy: remedy.to_owned(),
        });
    };
    match (&machine.worker.path, &machine.worker.devices) {
        (None, _) => add(
            "the worker, facetui-worker",
            "build it with `./x build`, or set FACETUI_WORKER to where it is",
        ),
        (Some(_), None) => add(
            "a worker that runs",
            "if libtorch was moved or removed, `./x setup libtorch` and `./x build` bring it back",
        ),
        (_, Some(devices)) => {
            let libtorch = &devices.libtorch;
            if !libtorch.built {
                add(
                    "LibTorch (flex, the pure-Rust engine, trains slowly)",
                    "`./x build` sets it up",
                );
            } else if machine.nvidia.driver.is_some() && !libtorch.cuda {
                add(
                    "a libtorch with CUDA",
                    "`./x setup libtorch cuda`, then `./x build`",
                );
            } else if machine.nvidia.driver.is_some() && libtorch.cuda_devices == 0 {
                add(
                    "a CUDA device that libtorch sees",
                    "look at CUDA_VISIBLE_DEVICES, and whether the driver is new enough for this libtorch",
                );
            }
        }
    }
    let terminal = &machine.terminal;
    if let Some(size) = terminal.size
        && (size.0 < SMALLEST.0 || size.1 < SMALLEST.1)
    {
        add(
            "room in the terminal",
            "make it 80 columns by 24 rows or larger",
        );
    }
    if terminal.is_terminal && !terminal.utf8 {
        add("a UTF-8 locale", "set LC_ALL=C.UTF-8");
    }
    if machine
        .runs
        .free_bytes
        .is_some_and(|free| free < LITTLE_DISK_BYTES)
    {
        add(
            "disk space",
            "free some, or keep runs elsewhere with --runs DIR",
        );
    }
    list
}

fn terminal() -> Terminal {
    let stdout = std::io::stdout();
    let kind = env::var("TERM").ok().filter(|kind| !kind.is_empty());
    let named = kind.as_deref().unwrap_or("dumb");
    let true_colour =
        env::var("COLORTERM").is_ok_and(|value| ["truecolor", "24bit"].contains(&value.as_str()));
    let colours =
        if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) || named == "dumb" {
            "none"
        } else if true_colour || named.ends_with("-direct") {
            "24-bit"
        } else if named.contains("256color") {
            "256"
        } else {
            "16"
        };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| env::var(name).ok())
        .find(|value| !value.is_empty())
        .unwrap_or_default()
        .to_lowercase();
    Terminal {
        is_terminal: stdout.is_terminal(),
        kind,
        size: rustix::termios::tcgetwinsize(&stdout)
            .ok()
            .map(|size| (size.ws_col, size.ws_row))
            .filter(|size| size.0 > 0),
        colours,
        utf8: locale.contains("utf-8") || locale.contains("utf8"),
    }
}

/// Free bytes where a folder is or would be made.
fn free_bytes(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    let there = folder.ancestors().find(|ancestor| ancestor.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    Some(disk.f_bavail * disk.f_frsize)
}
