//! `facetui demo`

use std::{
    io::{IsTerminal, stdin, stdout},
    path::PathBuf,
};

use clap::Args;

use super::{
    Failure, dashboard, follow,
    output::{Progress, print, print_columns, say},
};
use crate::{
    config::DeviceChoice,
    eval::table::Table,
    launch::{Demo as Sequence, DemoOptions, NextStage, devices},
    run::{RunState, worker},
    untrusted::{visible, visible_path},
};

/// Draw faces, train on them in two stages, evaluate, and watch
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui demo\n  facetui demo --headless --steps 40 --out /tmp/demo\n\n\
                        A demo that was broken off goes on where it was; a finished one opens at once."
)]
pub(super) struct Demo {
    /// Follow it in lines, without the dashboard
    #[arg(long)]
    headless: bool,
    /// Steps of the first stage, instead of the recipe's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    steps: Option<u64>,
    /// The folder for data and runs
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    out: PathBuf,
    /// auto, cpu, cuda:N or flex
    #[arg(long, default_value_t)]
    device: DeviceChoice,
    /// Started by the dashboard's own demo: leave its terminal
    #[arg(long, hide = true)]
    detached: bool,
}

impl Demo {
    pub fn run(self, look: &dashboard::Look) -> Result<(), Failure> {
        if self.detached {
            worker::own_session().map_err(|error| {
                Failure::Failed(format!("cannot leave the terminal's session: {error}"))
            })?;
        }
        let sequence = Sequence::new(DemoOptions {
            out: self.out.clone(),
            steps: self.steps,
            device: self.device,
        });
        devices::check(self.device)?;
        if self.headless {
            return self.follow(&sequence);
        }
        if !stdin().is_terminal() || !stdout().is_terminal() {
            let message = "the demo's dashboard needs a terminal; without one, `facetui demo --headless` does the same";
            return Err(Failure::Input(message.to_owned()));
        }
        sequence.start_detached()?;
        let first = Sequence::first_run().to_owned();
        dashboard::open(sequence.runs_root(), false, look, Some(first), Vec::new())?;
        print(&format!(
            "the demo goes on until it is done; its log: {}, `facetui demo --out {}` opens it again",
            visible_path(&self.out.join("demo.log")),
            visible_path(&self.out)
        ))
    }

    fn follow(&self, sequence: &Sequence) -> Result<(), Failure> {
        let _lock = sequence.lock()?;
        let drawing = Progress::new("drawing faces");
        let drawn = sequence.make_data(&|done, all| drawing.show(done, all));
        drawing.clear();
        if drawn? {
            let folder = self.out.join("data");
            say(&format!("faces are drawn into {}", visible_path(&folder)));
        }
        let runs_root = sequence.runs_root();
        while let NextStage::Follow(stage) = sequence.next_stage()? {
            let name = visible(&stage.run.name());
            let status = follow::follow(&runs_root, stage.run.clone(), stage.worker)?;
            if status.state == RunState::Parked {
                return print(&format!("{name} is parked; `facetui demo` goes on"));
            }
            follow::print_summary(&stage.run, &status)?;
        }
        let table = Table::with_published(&sequence.evaluations()?)?;
        let rows: Vec<Vec<String>> = table
            .texts()
            .iter()
            .map(|line| line.iter().map(|field| visible(field)).collect())
            .collect();
        print_columns(&rows)?;
        print(&format!(
            "`facetui --runs {}` opens the dashboard on these runs",
            visible_path(&runs_root)
        ))
    }
}
