//! The run directory: the whole interface between a worker and whoever watches or steers it.

mod command;
mod job;
mod machine;
mod status;

pub use command::Command;
pub use job::*;
pub use machine::nvidia_driver;
pub use status::{JobKind, RunState, Status};
