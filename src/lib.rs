//! facetui: a terminal dashboard for face-recognition experiments.
//!
//! The tour: [`config`] is what people write (config.ini, recipes); [`data`] turns what lies on disk into
//! batches of bytes; [`eval`] turns distances into figures; [`run`] is the directory through which a worker
//! and its watchers speak, [`launch`] what starts and steers such runs; [`report`] looks into evaluations; [`tui`] is
//! the screen, [`plot`] the pictures, [`cli`] the commands.
//! Tensors live in another package, `facetui-worker`, which uses this library and which this library only
//! ever starts as a process. `ARCHITECTURE.md` is the map.

pub mod atomic;
pub mod cli;
pub mod config;
pub mod data;
pub mod eval;
pub mod launch;
pub mod plot;
pub mod report;
pub mod run;
pub mod tui;
pub mod untrusted;
