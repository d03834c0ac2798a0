//! `facetui resume`

use std::path::PathBuf;

use clap::Args;

use super::{Failure, dashboard, output::print, train::Watching};
use crate::{
    config::DeviceChoice,
    launch::{self, Resumed, Started, find},
    untrusted::visible,
};

/// Go on with a run: paused, parked, stopped, failed or dead
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui resume margin-centre\n  facetui resume margin-centre --device cuda:1 --detach\n\n\
                        It goes on from the last checkpoint, or from the start where there is none."
)]
pub(super) struct Resume {
    /// The run's name, or the path of its folder
    run: PathBuf,
    /// Go on on another device
    #[arg(long)]
    device: Option<DeviceChoice>,
    #[command(flatten)]
    watching: Watching,
}

impl Resume {
    pub fn run(self, runs_root: PathBuf, look: &dashboard::Look) -> Result<(), Failure> {
        let run = find::run(&runs_root, &self.run)?;
        let name = visible(&run.name());
        match launch::resume(&run, self.device)? {
            Resumed::Finished => print(&format!("{name} is finished; there is nothing left to do")),
            Resumed::Running => print(&format!("{name} is running")),
            Resumed::Unpaused => print(&format!("{name} was paused and goes on")),
            Resumed::Started(worker) => {
                self.watching
                    .watch(runs_root, look, Started { run, worker })
            }
        }
    }
}
