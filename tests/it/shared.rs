//! Files that are too large or too private to commit: tests that use them say so here, and are skipped elsewhere.

use std::path::{Path, PathBuf};

/// A file or folder of the shared material; `None`, with a message, where it is absent.
///
/// It is looked for in `FACETUI_SHARED`, or beside the project.
pub fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("FACETUI_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}
