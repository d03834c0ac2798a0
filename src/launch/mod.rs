//! Starting, steering and following jobs: what the commands and the dashboard both do with run directories.
//!
//! Everything is checked before anything is made: a recipe with its data ([`load`]), a device ([`devices`]), a model
//! ([`find`]). Then [`train`], [`evaluate`] and [`align`](align()) make a run directory and start its worker, [`resume`] starts one again,
//! [`order`] gives a command and waits for its acknowledgement, and a [`Follower`] tells what happens. [`Demo`] is a
//! sequence of such jobs. [`machine`] looks at what there is to run them on. Nothing here prints or draws.

mod align;
mod answer;
mod demo;
pub mod devices;
mod environment;
mod error;
mod evaluate;
pub mod find;
mod follow;
mod logind;
pub mod machine;
mod model;
mod order;
mod overlap;
mod readable;
mod resume;
mod start;
pub mod tools;
mod train;

pub use align::{AlignOrder, align};
pub use demo::{Demo, DemoOptions, DemoStage, NextStage};
pub use error::LaunchError;
pub use evaluate::{EvaluationOrder, evaluate};
pub use find::CheckpointChoice;
pub use follow::{Follower, Look};
pub use model::{Conversion, ModelChoice, convert_model, model_info};
pub use order::{Answer, SETTABLE, order};
pub use overlap::{OverlapOrder, overlap};
pub use resume::{Resumed, resume};
pub use start::{RunName, Started};
pub use train::{TrainingOrder, load, train};
