//! A run's scalars as TensorBoard event files, its own and anyone else's.
//!
//! `writer` makes them, `tail` follows them as they grow, `record` is their framing, `message` their contents, and `plain`
//! the short way through the commonest of these. `histogram` is how values become counts, `quantiles` how counts become
//! curves.

mod histogram;
mod message;
mod plain;
mod quantiles;
mod record;
mod tail;
mod writer;

pub use quantiles::{QUANTILES, quantile_of, quantile_tag};
pub use record::masked_crc32c;
pub use tail::{Event, EventTail, What, is_event_file};
pub(in crate::run) use tail::{Listener, Place, Progress, event_files};
pub use writer::EventWriter;
