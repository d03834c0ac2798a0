//! Lets the worker find libtorch without an environment variable.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    if env::var_os("CARGO_FEATURE_LIBTORCH").is_none() {
        return;
    }
    let Some(libtorch) = env::var_os("LIBTORCH").map(PathBuf::from) else {
        return;
    };
    let lib = libtorch.join("lib");
    let lib = lib.canonicalize().unwrap_or(lib);
    // DT_RPATH rather than DT_RUNPATH: it holds for the libraries that libtorch itself loads, too.
    println!(
        "cargo::rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{}",
        lib.display()
    );
}
