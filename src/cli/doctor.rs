//! `facetui doctor`

use std::path::Path;

use clap::Args;

use super::{
    Failure,
    output::{print, print_json},
};
use crate::{
    launch::machine::{self, Machine, Missing},
    run::KEPT_EMBEDDINGS,
    untrusted::{visible, visible_path},
};

/// Say what this machine has, what is missing and how to get it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  facetui doctor\n  facetui doctor --json | jq .worker.devices")]
pub(super) struct Doctor {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let machine = machine::examine(runs_root);
        if self.json {
            print_json(&machine)
        } else {
            print_report(&machine)
        }
    }
}

fn print_report(machine: &Machine) -> Result<(), Failure> {
    let field = |label: &str, value: &str| print(&format!("{label:<14} {value}"));
    field("facetui", machine.version)?;
    let worker = &machine.worker;
    field(
        "worker",
        &worker
            .path
            .as_deref()
            .map_or("missing".to_owned(), visible_path),
    )?;
    if let Some(devices) = &worker.devices {
        let libtorch = &devices.libtorch;
        let build = match (libtorch.built, libtorch.cuda) {
            (false, _) => "not in this worker".to_owned(),
            (true, false) => "for the CPU".to_owned(),
            (true, true) => format!("with CUDA, sees {} CUDA devices", libtorch.cuda_devices),
        };
        let version = libtorch
            .version
            .as_deref()
            .map_or(String::new(), |version| format!("{}, ", visible(version)));
        field("libtorch", &format!("{version}{build}"))?;
        field("devices", &visible(&devices.devices.join(", ")))?;
    } else if let Some(error) = &worker.error {
        field("", &visible(error))?;
    }
    let driver = machine
        .nvidia
        .driver
        .as_deref()
        .map_or("no driver loaded".to_owned(), |version| {
            format!("driver {}", visible(version))
        });
    let library = if machine.nvidia.cuda_library {
        "libcuda is there"
    } else {
        "no libcuda"
    };
    field("NVIDIA", &format!("{driver}, {library}"))?;
    print_tools(machine)?;
    let terminal = &machine.terminal;
    let size = terminal
        .size
        .map_or("no size".to_owned(), |(columns, rows)| {
            format!("{columns}x{rows}")
        });
    let kind = terminal
        .kind
        .as_deref()
        .map_or("no TERM".to_owned(), visible);
    let locale = if terminal.utf8 { "UTF-8" } else { "not UTF-8" };
    let output = if terminal.is_terminal {
        ""
    } else {
        "; this output is no terminal"
    };
    field(
        "terminal",
        &format!(
            "{kind}, {size}, colours: {}, {locale}{output}",
            terminal.colours
        ),
    )?;
    let runs = &machine.runs;
    let free = runs.free_bytes.map_or("unknown".to_owned(), |free| {
        format!("{:.1} GB", free as f64 / 1e9)
    });
    field(
        "runs",
        &format!(
            "{} in {}, {free} free",
            runs.count,
            visible_path(&runs.path)
        ),
    )?;
    let kept = &runs.kept_embeddings;
    if kept.files > 0 {
        field(
            "embeddings",
            &format!(
                "{} files, {:.1} MB, kept for other evaluations in {}; they may be deleted",
                kept.files,
                kept.bytes as f64 / 1e6,
                visible_path(&runs.path.join(KEPT_EMBEDDINGS))
            ),
        )?;
    }
    let tell = |kind: &str, items: &[Missing]| {
        items
            .iter()
            .try_for_each(|item| print(&format!("{kind}: {}\n    {}", item.what, item.remedy)))
    };
    tell("warning", &machine.warnings)?;
    if machine.missing.is_empty() {
        return print("nothing is missing");
    }
    tell("missing", &machine.missing)
}

/// What some commands need and others don't.
fn print_tools(machine: &Machine) -> Result<(), Failure> {
    let tools = [
        (
            "ONNX Runtime",
            &machine.onnx_runtime,
            "only ONNX models need it: `./x setup onnx` fetches it",
        ),
        (
            "detector",
            &machine.detector,
            "`facetui data align` needs it: `./x setup detector` fetches it",
        ),
        (
            "ffmpeg",
            &machine.ffmpeg,
            "only videos need it; on Debian: apt-get install ffmpeg",
        ),
    ];
    for (name, path, remedy) in tools {
        let found = path
            .as_deref()
            .map_or_else(|| format!("not there ({remedy})"), visible_path);
        print(&format!("{name:<14} {found}"))?;
    }
    Ok(())
}
