//! The view of the data: which file's sets, which set, whose faces, and checks.

use std::path::PathBuf;
use std::sync::Arc;

use crate::run::JobKind;
use crate::tui::catalogue;
use crate::tui::effect::Effect;
use crate::tui::keys::Action;
use crate::tui::line::TextLine;
use crate::tui::message::Message;
use crate::tui::model::{Ask, Asked, Known, Model, Overlay, Tone};
use crate::tui::snapshot::RunSnapshot;
use crate::tui::triage::FacesOf;

use super::{say, shifted};

/// Asks for what the view lacks.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    if model.data.config.is_none() {
        // The data of the run that one looks at, else of the newest training; before there is any, those of the folder
        // one is in.
        let trains = |run: &&RunSnapshot| run.kind() == Some(JobKind::Train);
        let newest = model.runs().iter().map(Arc::as_ref).find(trains);
        let run = model.selected_run().filter(trains).or(newest);
        let config = run.map_or_else(
            || PathBuf::from("config.ini"),
            |run| run.path.join("config.ini"),
        );
        model.data.config = Some(config);
    }
    if let (None, Some(config)) = (&model.data.sets, model.data.config.clone()) {
        model.data.sets = Some(Known::Reading);
        let runs = model.runs().iter();
        let overlaps = runs.filter(|run| run.kind() == Some(JobKind::Overlap));
        effects.push(Effect::Catalogue(catalogue::Request::Sets {
            config,
            overlaps: overlaps.map(|run| run.path.clone()).collect(),
        }));
    }
    if let Some(of) = person(model)
        && model.triage.faces_of(&of).is_none()
    {
        model.triage.keep_faces(of.clone(), Known::Reading);
        effects.push(Effect::Catalogue(catalogue::Request::Faces(of)));
    }
    effects
}

/// Takes in an answer; one about another file came too late.
pub(super) fn told(model: &mut Model, message: Message) {
    match message {
        Message::Sets {
            config,
            result,
            overlaps,
        } if model.data.config.as_ref() == Some(&config) => {
            model.data.sets = Some(result.into());
            model.data.overlaps = overlaps;
        }
        Message::SetChecked { name, result } => {
            model.data.checks.insert(name, result.into());
        }
        _ => {}
    }
}

/// Whose faces are shown.
pub(super) fn person(model: &Model) -> Option<FacesOf> {
    let set = model.data.selected()?;
    let people = u32::try_from(set.people?).ok()?;
    (!set.sizes.is_empty() && people > 0)
        .then(|| FacesOf::Person(set.name.clone(), model.data.class.min(people - 1)))
}

pub(super) fn moved(model: &mut Model, lines: isize) {
    let sets = model.data.sets.as_ref().and_then(Known::ready);
    let count = sets.map_or(0, |sets| sets.sets.len());
    let row = shifted(model.data.row, lines, count);
    if row != model.data.row {
        model.data.row = row;
        model.data.class = 0;
        model.triage.player.frame = 0;
    }
}

/// Shows the person `by` places on.
pub(super) fn turn(model: &mut Model, by: isize) {
    let people = model
        .data
        .selected()
        .and_then(|set| set.people)
        .unwrap_or(0);
    let at = shifted(model.data.class as usize, by, people as usize);
    model.data.class = u32::try_from(at).unwrap_or(u32::MAX);
    model.triage.player.frame = 0;
}

pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::ChooseConfig => {
            let now = model
                .data
                .config
                .as_ref()
                .map(|path| path.display().to_string());
            model.overlay = Some(Overlay::Ask(Ask {
                about: Asked::Config,
                line: TextLine::new(&now.unwrap_or_default()),
            }));
        }
        Action::CheckSet => {
            let Some(name) = model.data.selected().map(|set| set.name.clone()) else {
                say(model, Tone::Refused, "no set is selected".to_owned());
                return Vec::new();
            };
            if matches!(model.data.checks.get(&name), Some(Known::Reading)) {
                return Vec::new();
            }
            model.data.checks.insert(name.clone(), Known::Reading);
            return vec![Effect::Catalogue(catalogue::Request::Check(name))];
        }
        _ => {}
    }
    Vec::new()
}

/// Shows the sets of another file.
pub(super) fn choose(model: &mut Model, path: PathBuf) {
    model.data = crate::tui::sets::DataPlace {
        config: Some(path),
        ..crate::tui::sets::DataPlace::default()
    };
    // A section of the other file may have the same name.
    model
        .triage
        .faces
        .retain(|(of, _)| !matches!(of, FacesOf::Person(..)));
}
