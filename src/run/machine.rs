//! The machine a run lives on.

use std::fs;

/// The version of the loaded NVIDIA driver, or nothing where none is loaded.
pub fn nvidia_driver() -> Option<String> {
    let text = fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    let line = text.lines().next()?;
    // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug ..."
    let version = line
        .split_whitespace()
        .find(|word| word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit()));
    Some(version.unwrap_or("of unknown version").to_owned())
}
