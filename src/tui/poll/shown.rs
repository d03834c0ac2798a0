//! The one border over which strings from run directories come onto the screen: here they are made safe to show.

use crate::eval::Evaluation;
use crate::run::{Entry, JournalEvent, Status};
use crate::untrusted::visible;

/// A text with its control characters made visible.
pub fn text(text: &str) -> String {
    visible(text)
}

pub fn status(mut status: Status) -> Status {
    for text in [&mut status.name, &mut status.host, &mut status.device] {
        *text = visible(text);
    }
    let optional = [
        &mut status.phase,
        &mut status.last_checkpoint,
        &mut status.last_error,
    ];
    for text in optional {
        *text = text.as_deref().map(visible);
    }
    status
}

pub fn entry(mut entry: Entry) -> Entry {
    match &mut entry.what {
        JournalEvent::State { phase, .. } => *phase = phase.as_deref().map(visible),
        JournalEvent::Rejected { name, reason } => {
            *name = visible(name);
            *reason = visible(reason);
        }
        JournalEvent::Checkpoint { name, .. } => *name = visible(name),
        JournalEvent::Validation { set, .. } => *set = visible(set),
        JournalEvent::Error { message } | JournalEvent::Note { message } => {
            *message = visible(message);
        }
        JournalEvent::Lint { lint, message, .. } => {
            *lint = visible(lint);
            *message = visible(message);
        }
        // A command's key is compared with what was sent before it is shown.
        JournalEvent::Command { .. } | JournalEvent::Resumed { .. } => {}
    }
    entry
}

pub fn evaluation(mut evaluation: Evaluation) -> Evaluation {
    evaluation.set = visible(&evaluation.set);
    let made_by = &mut evaluation.provenance;
    for text in [&mut made_by.model, &mut made_by.data, &mut made_by.distance] {
        *text = visible(text);
    }
    let optional = [
        &mut made_by.channels,
        &mut made_by.crop,
        &mut made_by.mirror,
        &mut made_by.pooling,
        &mut made_by.corrected,
        &mut made_by.device,
    ];
    for text in optional {
        *text = text.as_deref().map(visible);
    }
    evaluation
}
