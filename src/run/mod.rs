//! The run directory: the whole interface between a worker and whoever watches or steers it.

mod align;
mod command;
mod contents;
mod curve_log;
mod directory;
mod embeddings;
mod error;
mod events;
mod heartbeats;
pub mod host;
mod inbox;
mod index;
mod job;
mod journal;
mod lock;
mod manage;
mod model_info;
pub mod registry;
mod scalars;
mod shared_people;
mod status;
pub mod worker;

pub use align::{AlignOptions, AlignReport, FaceChoice, FaceFormat};
pub use command::Command;
pub use contents::{CheckpointEntry, EvaluationSource, ResultRow, Results};
pub use curve_log::{CurveLog, News, PendingIndex};
pub use directory::RunDirectory;
pub use embeddings::{
    EmbeddedItem, EmbeddingOrigin, Embeddings, KEPT_EMBEDDINGS, kept_path, kept_size,
};
pub use error::RunError;
pub use events::{
    Event, EventTail, EventWriter, QUANTILES, What, is_event_file, masked_crc32c, quantile_of,
    quantile_tag,
};
pub use heartbeats::Heartbeats;
pub use inbox::{Inbox, RejectedCommand};
pub use index::IndexHome;
pub use job::*;
pub use journal::{Entry, Journal, JournalEvent, JournalTail};
pub use lock::RunLock;
pub use manage::ARCHIVE;
pub use model_info::{ModelFormat, ModelInfo, ModelInput, ModelWritten};
pub use registry::{Registry, RunEntry, RunSummary};
pub use scalars::{Curve, Extremes, Glance, Group, Outline, Point, Scalars, Stretch};
pub use shared_people::{NamedPersons, OverlapOptions, OverlapReport, OverlapSuggestion};
pub use status::{JobKind, RunState, Status};
