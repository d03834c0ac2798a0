//! The run directory: the whole interface between a worker and whoever watches or steers it.

mod command;
mod contents;
mod directory;
mod embeddings;
mod error;
mod events;
pub mod host;
mod inbox;
mod job;
mod journal;
mod lock;
pub mod registry;
mod scalars;
mod status;
pub mod worker;

pub use command::Command;
pub use contents::{CheckpointEntry, EvaluationSource, ResultRow, Results};
pub use directory::RunDirectory;
pub use embeddings::{
    EmbeddedItem, EmbeddingOrigin, Embeddings, KEPT_EMBEDDINGS, kept_path, kept_size,
};
pub use error::RunError;
pub use events::{Event, EventTail, EventWriter, What, is_event_file};
pub use inbox::{Inbox, RejectedCommand};
pub use job::*;
pub use journal::{Entry, Journal, JournalEvent, JournalTail};
pub use lock::RunLock;
pub use registry::{RunEntry, RunSummary};
pub use scalars::{Point, Scalars};
pub use status::{JobKind, RunState, Status};
