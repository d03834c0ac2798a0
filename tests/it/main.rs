//! All integration tests of `facetui`: one binary, one module a room.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod cli;
mod config;
mod data;
mod eval;
mod evaluation;
mod real;
mod rooms;
mod run;
mod shared;
mod story;
mod support;
mod terminal;
mod tui;
