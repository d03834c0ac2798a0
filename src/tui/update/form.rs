//! The launch form: typing, moving from field to field, and what comes of it.

use std::path::PathBuf;

use crate::tui::effect::Effect;
use crate::tui::line::TextLine;
use crate::tui::model::{Form, Model, Outcome, Overlay, Tone, View};

use super::say;

/// Changes the field that characters go into, and where that changed it, nothing is known of the form any more.
pub(super) fn edit(model: &mut Model, change: impl FnOnce(&mut TextLine) -> bool) {
    if let Some(Overlay::Launch(form)) = &mut model.overlay
        && form.outcome != Outcome::Launching
        && change(&mut form.fields[form.at])
    {
        form.edit += 1;
        form.outcome = Outcome::Unknown;
    }
}

/// Goes `by` fields on, around the end; what is there so far is looked at.
pub(super) fn step(model: &mut Model, by: usize) -> Vec<Effect> {
    let Some(Overlay::Launch(form)) = &mut model.overlay else {
        return Vec::new();
    };
    form.at = (form.at + by) % Form::LABELS.len();
    if form.outcome != Outcome::Unknown || form.fields[0].text().trim().is_empty() {
        return Vec::new();
    }
    vec![Effect::Check {
        edit: form.edit,
        order: form.order(),
    }]
}

pub(super) fn submit(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Launch(form)) = &mut model.overlay else {
        return Vec::new();
    };
    if form.outcome == Outcome::Launching {
        return Vec::new();
    }
    if form.fields[0].text().trim().is_empty() {
        form.at = 0;
        form.outcome = Outcome::Wrong(vec!["the recipe's path is missing".to_owned()]);
        return Vec::new();
    }
    form.outcome = Outcome::Launching;
    vec![Effect::Launch(form.order())]
}

pub(super) fn checked(model: &mut Model, edit: u64, result: Result<String, Vec<String>>) {
    if let Some(Overlay::Launch(form)) = &mut model.overlay
        && form.edit == edit
        && form.outcome == Outcome::Unknown
    {
        form.outcome = match result {
            Ok(summary) => Outcome::Good(summary),
            Err(errors) => Outcome::Wrong(errors),
        };
    }
}

pub(super) fn launched(model: &mut Model, result: Result<PathBuf, Vec<String>>) -> Vec<Effect> {
    match (result, &mut model.overlay) {
        (Ok(path), overlay) => {
            if matches!(overlay, Some(Overlay::Launch(_))) {
                *overlay = None;
                model.view = View::Live;
                model.focus = path.file_name().map(crate::untrusted::visible_os);
            }
            say(model, Tone::Done, "launched".to_owned());
            vec![Effect::Look]
        }
        (Err(errors), Some(Overlay::Launch(form))) => {
            form.outcome = Outcome::Wrong(errors);
            Vec::new()
        }
        (Err(errors), _) => {
            say(
                model,
                Tone::Failed,
                format!("not launched: {}", errors.join("; ")),
            );
            Vec::new()
        }
    }
}
