//! What people write: `config.ini` (where data are) and recipes (how to train).

mod recipe;

pub use recipe::*;
