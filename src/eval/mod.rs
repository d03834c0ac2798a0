//! Verification figures: pure functions on distances and embeddings.

pub mod corrected;
mod error;
mod figures;
mod folds;
pub mod ranking;
mod rules;
pub mod scores;
pub mod table;
pub mod template;

pub use error::EvalError;
pub use figures::*;
pub use rules::{Figures, Folds, ScoredPair, verify, verify_in};
