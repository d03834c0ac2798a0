//! The dashboard, and `facetui open`

use std::{env, path::PathBuf};

use clap::{Args, ValueEnum};

use super::Failure;
use crate::{
    config::{ImageChoice, NotifyChoice, Settings},
    run::IndexHome,
    tui::{self, TuiError, TuiOptions},
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
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Dashboard")]
pub(super) struct Look {
    /// Draw with ASCII only; without it, wherever the locale isn't UTF-8
    #[arg(long, global = true)]
    ascii: bool,
    /// What the terminal is sent when a run finishes, fails or is lost
    #[arg(long, global = true, value_enum, value_name = "HOW")]
    notify: Option<NotifyBy>,
    /// How faces are shown: auto asks the terminal; inside tmux and screen, half-blocks
    #[arg(long, global = true, value_enum, value_name = "HOW")]
    images: Option<ImagesBy>,
    /// One's own list of mislabelled videos [default: ytf-errors.txt in the folder of runs]
    #[arg(long, global = true, value_name = "FILE")]
    error_list: Option<PathBuf>,
    /// Theme, keys, images, frame rate [default: facetui/settings.toml in the user's config folder]
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
}

impl Look {
    /// The settings file with what the command line says laid over it.
    fn settings(&self) -> Result<Settings, Failure> {
        let usual =
            home("XDG_CONFIG_HOME", ".config").map(|home| home.join("facetui/settings.toml"));
        let file = match &self.settings {
            Some(file) => Some(file.clone()),
            None => usual.filter(|file| file.exists()),
        };
        let mut settings = match file {
            Some(file) => {
                Settings::load(&file).map_err(|error| Failure::Input(error.to_string()))?
            }
            None => Settings::default(),
        };
        settings.ascii |= self.ascii;
        if let Some(by) = self.notify {
            settings.notify = by.into();
        }
        if let Some(by) = self.images {
            settings.images = by.into();
        }
        if let Some(list) = &self.error_list {
            settings.error_list = Some(list.clone());
        }
        Ok(settings)
    }
}

/// What [`Look::images`] can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ImagesBy {
    /// What the terminal says it can
    Auto,
    /// kitty's graphics protocol
    Kitty,
    /// DEC's sixels
    Sixel,
    /// iTerm2's inline images
    Iterm2,
    /// Two pixels a cell
    HalfBlocks,
    /// None: names and scores alone
    Off,
}

impl From<ImagesBy> for ImageChoice {
    fn from(by: ImagesBy) -> Self {
        match by {
            ImagesBy::Auto => Self::Auto,
            ImagesBy::Kitty => Self::Kitty,
            ImagesBy::Sixel => Self::Sixel,
            ImagesBy::Iterm2 => Self::Iterm2,
            ImagesBy::HalfBlocks => Self::HalfBlocks,
            ImagesBy::Off => Self::Off,
        }
    }
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

impl From<NotifyBy> for NotifyChoice {
    fn from(by: NotifyBy) -> Self {
        match by {
            NotifyBy::Off => Self::Off,
            NotifyBy::Bell => Self::Bell,
            NotifyBy::Osc9 => Self::Osc9,
        }
    }
}

impl Open {
    pub fn run(self, runs_root: PathBuf, readonly: bool, look: &Look) -> Result<(), Failure> {
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
    look: &Look,
    focus: Option<String>,
    extra: Vec<PathBuf>,
) -> Result<(), Failure> {
    let options = TuiOptions {
        runs_root,
        readonly,
        focus,
        extra,
        settings: look.settings()?,
        indexes: indexes(readonly),
        views: home("XDG_STATE_HOME", ".local/state").map(|home| home.join("facetui/views")),
    };
    tui::run(options).map_err(|error| match error {
        TuiError::NoTerminal | TuiError::Keys(_) => Failure::Input(error.to_string()),
        TuiError::Terminal(_) => Failure::Failed(error.to_string()),
    })
}

/// Where indexes of long event logs are kept: in the user's own runs, unless these are only to be looked at, and for all
/// other folders in the user's cache.
pub(super) fn indexes(readonly: bool) -> IndexHome {
    let cache = home("XDG_CACHE_HOME", ".cache");
    IndexHome {
        in_runs: !readonly,
        cache: cache.map(|cache| cache.join("facetui/curves")),
    }
}

/// One of the user's own folders: what a variable says, else a place in the home folder.
fn home(variable: &str, usual: &str) -> Option<PathBuf> {
    let set = |name| {
        let path = PathBuf::from(env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    set(variable).or_else(|| Some(set("HOME")?.join(usual)))
}
