//! Verification figures: pure functions on distances and embeddings.

mod bootstrap;
pub mod compare;
pub mod corrected;
mod error;
pub mod error_list;
pub mod failures;
mod figures;
mod folds;
pub mod listing;
pub mod operating;
pub mod ranking;
mod rules;
pub mod scores;
pub mod suspects;
pub mod table;
pub mod template;
mod verification;

pub use error::EvalError;
pub use figures::*;
pub use verification::{
    Figures, Folds, Judged, ScoredPair, Verdict, Verification, verify, verify_in,
};
