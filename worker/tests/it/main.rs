//! The worker's integration tests, one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod align;
mod evaluation;
mod golden;
mod heads;
mod mishaps;
mod models;
mod networks;
mod operators;
mod pytorch;
mod resume;
#[path = "../../../tests/it/shared.rs"]
mod shared;
mod steps;
mod support;
mod tensorflow;
mod torture;
mod writing;
