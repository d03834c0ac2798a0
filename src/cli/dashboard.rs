//! The dashboard, and `facetui open`

use std::{env, path::PathBuf};

use clap::{Args, ValueEnum};

use super::Failure;
use crate::{
    run::IndexHome,
    tui::{self, Notify, TuiError, TuiOptions},
};

/// Open the dashboard on run folders, or on any TensorBoard log folders
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui open runs/margin-centre\n  facetui open ~/logs/experiment-3 ~/logs/experiment-4"
)]
pub(super) struct Open {
    /// The folders
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
}

/// How the dashboard shows itself, wherever one opens.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Dashboard")]
pub(super) struct Look {
    /// Draw with ASCII only; without it, wherever the locale isn't UTF-8
    #[arg(long, global = true)]
    ascii: bool,
    /// What the terminal is sent when a run finishes, fails or is lost
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "HOW",
        default_value = "off"
    )]
    notify: NotifyBy,
}

/// What [`Look::notify`] can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum NotifyBy {
    /// Nothing
    Off,
    /// A bell
    Bell,
    /// A desktop notification (OSC 9: iTerm2, kitty, WezTerm and others); inside tmux and screen, a bell
    Osc9,
}

impl From<NotifyBy> for Notify {
    fn from(by: NotifyBy) -> Self {
        match by {
            NotifyBy::Off => Self::Off,
            NotifyBy::Bell => Self::Bell,
            NotifyBy::Osc9 => Self::Osc9,
        }
    }
}

impl Open {
    pub fn run(self, runs_root: PathBuf, readonly: bool, look: Look) -> Result<(), Failure> {
        if let Some(missing) = self.folders.iter().find(|folder| !folder.is_dir()) {
            return Err(Failure::Input(format!(
                "{}: there is no such folder; give folders of runs or of TensorBoard logs",
                missing.display()
            )));
        }
        open(runs_root, readonly, look, None, self.folders)
    }
}

/// Opens the dashboard; `focus` is the name of the run to show first.
pub(super) fn open(
    runs_root: PathBuf,
    readonly: bool,
    look: Look,
    focus: Option<String>,
    extra: Vec<PathBuf>,
) -> Result<(), Failure> {
    let options = TuiOptions {
        runs_root,
        readonly,
        focus,
        extra,
        ascii: look.ascii,
        notify: look.notify.into(),
        indexes: indexes(readonly),
    };
    tui::run(options).map_err(|error| match error {
        TuiError::NoTerminal => Failure::Input(error.to_string()),
        TuiError::Terminal(_) => Failure::Failed(error.to_string()),
    })
}

/// Where indexes of long event logs are kept: in the user's own runs, unless these are only to be looked at, and for all
/// other folders in the user's cache.
pub(super) fn indexes(readonly: bool) -> IndexHome {
    let set = |name| {
        let path = PathBuf::from(env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    IndexHome {
        in_runs: !readonly,
        cache: cache.map(|cache| cache.join("facetui/curves")),
    }
}
