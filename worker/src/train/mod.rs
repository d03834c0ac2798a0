//! Training: what one step does, how the rate falls, what a checkpoint holds.

pub mod auto_batch;
pub mod average;
pub mod checkpoint;
pub mod checkpoint_writer;
mod objective;
pub mod schedule;
pub mod trainer;
pub mod watch;
