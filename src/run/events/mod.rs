//! A run's scalars as TensorBoard event files, its own and anyone else's.
//!
//! `writer` makes them, `tail` follows them as they grow, `record` is their framing, `message` their contents.

mod message;
mod record;
mod tail;
mod writer;

pub use tail::{Event, EventTail, What, is_event_file};
pub use writer::EventWriter;
