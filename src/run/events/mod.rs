//! A run's scalars as TensorBoard event files, its own and anyone else's.
//!
//! `writer` makes them, `tail` follows them as they grow, `record` is their framing, `message` their contents, `histogram` how values become counts, and
//! `plain` the short way through the commonest of these.

mod histogram;
mod message;
mod plain;
mod record;
mod tail;
mod writer;

pub use record::masked_crc32c;
pub use tail::{Event, EventTail, What, is_event_file};
pub(in crate::run) use tail::{Listener, Place, Progress, event_files};
pub use writer::EventWriter;
