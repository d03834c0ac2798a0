//! Programs and weights of others that some jobs need.

use std::{
    env,
    path::{Path, PathBuf},
};

/// Where the detector's weights lie under a project's folder.
pub const DETECTOR: &str = "models/mtcnn";

/// The folder with the face detector's weights: `FACETUI_MTCNN`, or `models/mtcnn` here or where this program was built.
pub fn detector() -> Option<PathBuf> {
    let complete = |folder: &PathBuf| {
        ["pnet.pt", "rnet.pt", "onet.pt"]
            .iter()
            .all(|file| folder.join(file).is_file())
    };
    if let Some(folder) = env::var_os("FACETUI_MTCNN").filter(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(folder)).filter(complete);
    }
    // `target/release/facetui` is three levels below the project.
    let program = env::current_exe().ok();
    let project = program
        .as_deref()
        .and_then(|program| program.ancestors().nth(3));
    [Some(Path::new("")), project]
        .into_iter()
        .flatten()
        .map(|folder| folder.join(DETECTOR))
        .find(complete)
}

/// The program ffmpeg, as `PATH` finds it.
pub fn ffmpeg() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join("ffmpeg"))
        .find(|program| program.is_file())
}
