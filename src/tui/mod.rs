//! The dashboard: watches run directories, draws them, and puts commands into their inboxes.
//!
//! The Elm shape. [`model`] is all that the screen depends on, [`message`] all that can happen, [`update`] what
//! then becomes of the model (no clock, no file, no terminal), [`effect`] what it asks the world for, and
//! [`runtime`] the one place that carries that out. [`view`] draws the model, one file a pane, from what [`widget`]
//! offers; [`keys`] is the one table from which dispatch, the footer and the help are made. [`snapshot`] is what the
//! screen knows of a run; [`poll`] makes snapshots on a thread of its own and speaks up only when something changed.
//! [`terminal`] takes the terminal and gives it back, whatever happens.

pub mod along;
mod catalogue;
pub mod charts;
pub mod comparison;
pub mod effect;
pub mod evidence;
pub mod export;
#[cfg(test)]
mod fixtures;
pub mod form;
mod graphics;
pub mod keys;
pub mod line;
pub mod machine;
pub mod marks;
pub mod message;
pub mod model;
mod notify;
mod orders;
pub mod picture;
mod poll;
pub mod run_view;
mod runtime;
#[cfg(test)]
mod screens;
pub mod sets;
pub mod snapshot;
mod terminal;
pub mod theme;
pub mod threshold;
pub mod triage;
pub mod update;
pub mod view;
pub mod widget;
mod words;
pub mod worker_load;

pub use runtime::{TuiError, TuiOptions, run};
