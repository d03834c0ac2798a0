//! Training: what one step does, how the rate falls, what a checkpoint holds.

pub mod auto_batch;
pub mod average;
pub mod checkpoint;
pub mod checkpoint_writer;
pub mod loss_scale;
mod objective;
pub mod schedule;
pub mod step_times;
pub mod trainer;
pub mod watch;
