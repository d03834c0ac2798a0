//! Networks, losses, the optimiser and the devices they run on; knows nothing of runs.

pub mod backbone;
pub mod device;
pub mod initialise;
pub mod input;
pub mod layer;
pub mod libtorch;
pub mod loss;
pub mod network;
pub mod optimiser;
pub mod parameters;
pub mod pytorch;
