//! What people write: `config.ini` (where data are) and recipes (how to train).

mod device;
mod recipe;

pub use device::{DeviceChoice, UnknownDevice};
pub use recipe::*;
