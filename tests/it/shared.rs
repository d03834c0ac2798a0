//! Files that are too large or too private to commit: tests that use them say so here, and are skipped elsewhere.

use std::path::{Path, PathBuf};

/// A file or folder of the shared material; `None`, with a message, where it is absent.
///
/// It is looked for in `FACETUI_SHARED`, or beside the project.
pub fn shared(name: &str) -> Option<PathBuf> {
    let beside = || {
        // The worker's tests use this file too; its package lies within the project.
        let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let project = folders.find(|folder| folder.join("Cargo.lock").is_file());
        project.map(|project| project.join("../shared"))
    };
    let path = std::env::var_os("FACETUI_SHARED")
        .map(PathBuf::from)
        .or_else(beside)?
        .join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}
