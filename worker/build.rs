//! Lets the worker find libtorch without an environment variable, and say which versions it was built with.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    println!("cargo::rerun-if-changed=../Cargo.lock");
    if let Some(version) = burn_version() {
        println!("cargo::rustc-env=FACETUI_BURN_VERSION={version}");
    }
    if env::var_os("CARGO_FEATURE_LIBTORCH").is_none() {
        return;
    }
    let Some(libtorch) = env::var_os("LIBTORCH").map(PathBuf::from) else {
        return;
    };
    if let Ok(version) = fs::read_to_string(libtorch.join("build-version")) {
        println!(
            "cargo::rustc-env=FACETUI_LIBTORCH_VERSION={}",
            version.trim()
        );
    }
    compile_operators(&libtorch);
    let lib = libtorch.join("lib");
    let lib = lib.canonicalize().unwrap_or(lib);
    // DT_RPATH rather than DT_RUNPATH: it holds for the libraries that libtorch itself loads, too.
    println!(
        "cargo::rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{}",
        lib.display()
    );
}

/// The version of burn that the workspace's lock file names.
fn burn_version() -> Option<String> {
    let lock = fs::read_to_string("../Cargo.lock").ok()?;
    let (_, package) = lock.split_once("name = \"burn\"\nversion = \"")?;
    Some(package.split_once('"')?.0.to_owned())
}

/// The gradients that the Rust bindings leave out.
fn compile_operators(libtorch: &Path) {
    const SOURCE: &str = "src/model/libtorch/operators.cpp";
    println!("cargo::rerun-if-changed={SOURCE}");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .warnings(false)
        .include(libtorch.join("include"))
        .file(SOURCE)
        .compile("facetui_operators");
}
