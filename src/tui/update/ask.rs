//! A line that is typed: what it is for, and what becomes of it.

use std::path::{Path, PathBuf};

use crate::tui::effect::{Effect, Manage};
use crate::tui::evidence;
use crate::tui::line::TextLine;
use crate::tui::model::{Ask, Asked, Model, Overlay, Tone, View};

use super::{data, export, say, triage};

/// Asks what the lines of the view in front must contain.
pub(super) fn filter(model: &mut Model) {
    let before = filter_of(model).clone();
    model.overlay = Some(Overlay::Ask(Ask {
        about: Asked::Filter,
        line: TextLine::new(&before),
    }));
}

fn filter_of(model: &mut Model) -> &mut String {
    match model.view {
        View::Runs => &mut model.list.filter,
        View::Errors => &mut model.triage.list.filter,
        _ => &mut model.triage.pairs.filter,
    }
}

/// Takes in what was typed so far: a filter holds at once.
pub(super) fn typed(model: &mut Model) {
    let Some(Overlay::Ask(ask)) = &model.overlay else {
        return;
    };
    if ask.about == Asked::Filter {
        let text = ask.line.text().to_owned();
        *filter_of(model) = text;
        model.triage.pairs.row = 0;
        model.triage.list.row = 0;
    }
}

/// A filter that is left holds no longer.
pub(super) fn cancelled(model: &mut Model, about: &Asked) {
    if *about == Asked::Filter {
        filter_of(model).clear();
    }
}

/// Does what the line is for.
pub(super) fn submit(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Ask(Ask { about, line })) = model.overlay.take() else {
        return Vec::new();
    };
    let text = line.text().trim();
    match about {
        Asked::Filter => Vec::new(),
        Asked::Reason { video } => triage::list(model, &video, text),
        Asked::Note { path } => vec![Effect::Manage(path, Manage::Note(text.to_owned()))],
        // Of all others nothing typed is nothing asked for.
        _ if text.is_empty() => {
            say(model, Tone::Refused, "nothing was typed".to_owned());
            Vec::new()
        }
        Asked::Video => {
            let video = text.to_owned();
            model.overlay = Some(Overlay::Ask(Ask {
                about: Asked::Reason { video },
                line: TextLine::default(),
            }));
            Vec::new()
        }
        Asked::ExportErrors => vec![Effect::Evidence(evidence::Request::Export(PathBuf::from(
            text,
        )))],
        Asked::ExportChart => export::chart(model, Path::new(text)),
        Asked::ExportView => export::view(model, Path::new(text)),
        Asked::Config => {
            data::choose(model, PathBuf::from(text));
            Vec::new()
        }
        Asked::Rename { path } => vec![Effect::Manage(path, Manage::Rename(text.to_owned()))],
    }
}
