//! `facetui runs`

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::{
    Failure,
    output::{duration, print_columns, print_json, say},
};
use crate::{
    run::{RunEntry, RunSummary, Status, registry},
    untrusted::{visible, visible_path},
};

/// List the runs, newest first
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui runs\n  facetui runs --runs demo/runs --json | jq '.[].state'"
)]
pub(super) struct Runs {
    /// Print one JSON list
    #[arg(long)]
    json: bool,
}

impl Runs {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let runs = registry::list(runs_root)?;
        if self.json {
            return print_json(&runs.iter().map(document).collect::<Vec<_>>());
        }
        if runs.is_empty() {
            say(&format!(
                "no runs in {}; `facetui train` makes one, --runs DIR looks elsewhere",
                visible_path(runs_root)
            ));
            return Ok(());
        }
        let head = ["NAME", "KIND", "STATE", "STEP", "DEVICE", "LOSS", "LEFT"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(runs.iter().map(row));
        print_columns(&rows)
    }
}

/// The status document, or what is there instead of one.
fn document(run: &RunSummary) -> serde_json::Value {
    match &run.entry {
        RunEntry::Run(status) => json!(status),
        RunEntry::EventLog => {
            json!({"name": run.name, "kind": "events", "path": run.path.to_string_lossy()})
        }
        RunEntry::Broken(error) => json!({"name": run.name, "kind": "broken", "error": error}),
    }
}

fn row(run: &RunSummary) -> Vec<String> {
    let mut row = vec![visible(&run.name)];
    match &run.entry {
        RunEntry::Run(status) => row.extend(fields(status)),
        RunEntry::EventLog => row.push("events".to_owned()),
        RunEntry::Broken(error) => row.extend(["broken".to_owned(), visible(error)]),
    }
    row
}

fn fields(status: &Status) -> [String; 6] {
    let kind = match status.kind {
        crate::run::JobKind::Train => "train",
        crate::run::JobKind::Eval => "eval",
        crate::run::JobKind::Align => "align",
        crate::run::JobKind::Overlap => "overlap",
    };
    [
        kind.to_owned(),
        status.state.to_string(),
        format!("{}/{}", status.step, status.steps),
        visible(&status.device),
        status
            .scalars
            .get("loss/total")
            .map_or("-".to_owned(), |loss| format!("{loss:.3}")),
        status.eta_seconds.map_or("-".to_owned(), duration),
    ]
}
