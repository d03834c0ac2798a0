//! The worker's integration tests, one binary.

mod golden;
mod support;
