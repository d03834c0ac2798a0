//! Networks, losses, the optimiser and the devices they run on; knows nothing of runs.

pub mod backbone;
pub mod classes;
pub mod device;
pub mod embedding_network;
pub mod gradients;
pub mod inference;
pub mod initialise;
pub mod input;
pub mod layer;
pub mod libtorch;
pub mod loss;
pub mod network;
pub mod onnx;
pub mod onnx_export;
pub mod onnx_file;
pub mod optimiser;
pub mod parameters;
pub mod pytorch;
pub mod pytorch_writer;
pub mod tensorflow;
pub mod weights;
