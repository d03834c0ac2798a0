//! The run directory: the whole interface between a worker and whoever watches or steers it.

mod command;
mod job;
mod status;

pub use command::Command;
pub use job::*;
pub use status::{JobKind, RunState, Status};
