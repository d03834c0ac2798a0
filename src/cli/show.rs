//! `facetui show`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Failure, figures,
    output::{duration, print, print_json},
};
use crate::{
    launch::find,
    run::host,
    untrusted::{visible, visible_path},
};

/// Show how one run stands
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui show margin-centre\n  facetui show runs/margin-centre --json | jq .state"
)]
pub(super) struct Show {
    /// The run's name, or the path of its folder
    run: PathBuf,
    /// Print the status document
    #[arg(long)]
    json: bool,
}

impl Show {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let run = find::run(runs_root, &self.run)?;
        let status = run.status()?;
        if self.json {
            return print_json(&status);
        }
        let phase = status
            .phase
            .as_ref()
            .map(|phase| format!(" ({})", visible(phase)))
            .unwrap_or_default();
        print(&format!(
            "{}: {}{phase}",
            visible(&status.name),
            status.state
        ))?;
        let field = |label: &str, value: &str| print(&format!("  {label:<24} {value}"));
        field("folder", &visible_path(run.path()))?;
        field(
            "step",
            &format!(
                "{} of {}, epoch {}",
                status.step, status.steps, status.epoch
            ),
        )?;
        let process = status
            .pid
            .map(|pid| format!(", process {pid}"))
            .unwrap_or_default();
        field(
            "device",
            &format!(
                "{} on {}{process}",
                visible(&status.device),
                visible(&status.host)
            ),
        )?;
        field("age", &duration(host::now() - status.started))?;
        if let Some(speed) = status.images_per_second {
            field("images per second", &format!("{speed:.1}"))?;
        }
        if let Some(eta) = status.eta_seconds {
            field("left", &duration(eta))?;
        }
        if let Some(error) = &status.last_error {
            field("error", &visible(error))?;
        }
        for (tag, value) in &status.scalars {
            field(&visible(tag), &format!("{value:.6}"))?;
        }
        for checkpoint in run.checkpoints()? {
            field("checkpoint", &visible(&checkpoint.name))?;
        }
        for row in run.results()?.rows {
            figures::print_line(&row.evaluation)?;
        }
        Ok(())
    }
}
