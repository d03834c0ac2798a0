//! The commands a run obeys.

use serde::{Deserialize, Serialize};

/// A command to a run, obeyed between two steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "command")]
pub enum Command {
    /// Stop stepping, keep the memory.
    Pause,
    /// Go on after a pause; `resume` says the same.
    #[serde(alias = "resume")]
    Unpause,
    /// Checkpoint and give the device back.
    Park,
    /// Checkpoint now.
    Checkpoint,
    /// Checkpoint and end.
    Stop {
        /// Only once the pass over the images is complete.
        #[serde(default)]
        after_epoch: bool,
    },
    /// Change a number while running.
    Set {
        /// `schedule.learning_rate`, `loss.centre_weight`, `loss.weight_decay`.
        key: String,
        /// Its new value.
        value: f64,
    },
}
