//! All integration tests of `facetui`: one binary, one module a room.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod align;
mod cli;
mod config;
mod data;
mod data_commands;
mod data_sources;
mod eval;
mod evaluate;
mod evaluation;
mod loading;
mod models;
mod objective;
mod over_ssh;
mod pictures;
mod real;
mod rooms;
mod run;
mod run_documents;
mod sampling;
mod shared;
mod story;
mod support;
mod terminal;
mod tui;
