//! How each run was looked at, kept from one sitting to the next in a file a run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::atomic::atomic_write;

use super::along::AlongBy;
use super::model::SMOOTHINGS;

/// How a run is looked at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct RunView {
    /// The chosen chart.
    pub chart: usize,
    /// Whether it has the whole pane.
    pub zoomed: bool,
    /// Which of [`SMOOTHINGS`] holds.
    pub smoothing: usize,
    /// Whether losses and rates have logarithmic heights.
    pub log_y: bool,
    /// What lies along the charts' lower edge.
    pub along: AlongBy,
    /// Whether powers of ten are equally far apart along it.
    pub log_x: bool,
    /// Whether values far from all others stretch no chart.
    pub ignore_outliers: bool,
}

/// What is kept of a run in `folder`; nothing where that can't be read.
pub fn load(folder: &Path, run: &Path) -> Option<RunView> {
    let text = std::fs::read(file(folder, run)?).ok()?;
    let view: RunView = serde_json::from_slice(&text).ok()?;
    Some(RunView {
        // The file may be from a version that had more.
        smoothing: view.smoothing % SMOOTHINGS.len(),
        ..view
    })
}

/// Keeps how a run is looked at in `folder`.
///
/// # Errors
/// When the disk refuses.
pub fn save(folder: &Path, run: &Path, view: &RunView) -> std::io::Result<()> {
    let Some(path) = file(folder, run) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)?;
    atomic_write(&path, &serde_json::to_vec(view)?)
}

/// A name of its own for each run, whatever folder one comes from.
fn file(folder: &Path, run: &Path) -> Option<PathBuf> {
    let run = std::path::absolute(run).ok()?;
    let name = blake3::hash(run.as_os_str().as_encoded_bytes()).to_hex();
    Some(folder.join(format!("{}.json", &name[..32])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_found_again_and_a_torn_or_newer_one_harms_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Path::new("/runs/a"), Path::new("/runs/b"));
        let view = RunView {
            chart: 3,
            smoothing: 2,
            log_y: true,
            ..RunView::default()
        };
        assert_eq!(load(folder.path(), one), None);
        save(folder.path(), one, &view).unwrap();
        assert_eq!(load(folder.path(), one), Some(view));
        assert_eq!(load(folder.path(), other), None);
        let path = file(folder.path(), one).unwrap();
        std::fs::write(&path, "{\"chart\": 5, \"of the future\": 1}").unwrap();
        assert_eq!(load(folder.path(), one).unwrap().chart, 5);
        std::fs::write(&path, "{").unwrap();
        assert_eq!(load(folder.path(), one), None);
    }
}
