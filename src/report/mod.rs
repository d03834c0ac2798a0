//! What evaluations are looked into with: failing pairs as pictures, suspects, comparisons, and the report folder.
//!
//! A [`Measured`] is one evaluation of a run together with the scores that its figures are of. From it follow
//! [`failures`], [`suspects`], [`compare`] and [`report`]; nothing here needs the model again, starts a job, or prints.

mod compare;
mod error;
mod faces;
mod failures;
mod folder;
mod html;
mod measured;
mod suspects;
mod whole;

pub use compare::{ComparedRun, RunComparison, compare};
pub use error::ReportError;
pub use faces::{Faces, Frame, Strip};
pub use failures::{WrittenFailures, failures, write_failures};
pub use measured::Measured;
pub use suspects::suspects;
pub use whole::{Report, evaluations, report};
