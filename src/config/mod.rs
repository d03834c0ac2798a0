//! What people write: `config.ini` (where data are), recipes (how to train) and settings (how the dashboard looks).
//!
//! A file is judged as a whole: every mistake is told at once, with its place, its key, what was found and what is
//! allowed. Nothing here reads data.

mod computation;
mod data;
mod device;
mod error;
mod ini;
mod network_file;
mod objective;
mod objective_file;
mod optimisation;
mod optimisation_file;
mod park_window;
mod persons;
mod reader;
mod recipe;
mod recipe_file;
mod scaling;
mod settings;
mod tree;

pub use computation::*;
pub use data::{DataConfig, PairsConfig, TrainingSet, YtfConfig};
pub use device::{DeviceChoice, UnknownDevice};
pub use error::{ConfigError, ConfigErrors, Place};
pub use objective::*;
pub use optimisation::*;
pub use park_window::ParkWindow;
pub use persons::PersonsSource;
pub use recipe::*;
pub use scaling::{Scaling, UnknownScaling};
pub use settings::*;
