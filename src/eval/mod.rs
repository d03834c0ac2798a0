//! Verification figures: pure functions on distances and embeddings.

mod figures;

pub use figures::*;
