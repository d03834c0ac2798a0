//! Lets a released program say which commit it was built from.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A program under development would be built anew with every commit.
    if env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    let Some(folder) = env::var_os("CARGO_MANIFEST_DIR") else {
        return;
    };
    let folder = Path::new(&folder);
    let real = folder.canonicalize().ok();
    // Inside somebody else's repository the commit would be theirs.
    let own = git(folder, &["rev-parse", "--show-toplevel"]);
    if own.is_none() || own.as_deref().map(Path::new) != real.as_deref() {
        return;
    }
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(folder, &["rev-parse", "--git-path", file]);
        if let Some(path) = path.filter(|path| folder.join(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    // Whether they differ from the commit is told, too.
    for sources in ["src", "worker", "assets", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={sources}");
    }
    if let Some(commit) = git(
        folder,
        &[
            "describe",
            "--always",
            "--dirty",
            "--abbrev=12",
            "--exclude=*",
        ],
    ) {
        println!("cargo::rustc-env=FACETUI_COMMIT={commit}");
    }
}

fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
