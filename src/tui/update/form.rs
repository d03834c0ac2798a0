//! The launch form: typing, moving from field to field, and what comes of it.

use std::path::PathBuf;

use crate::tui::effect::Effect;
use crate::tui::form::{Form, Outcome};
use crate::tui::line::TextLine;
use crate::tui::message::KeyOf;
use crate::tui::model::{Model, Overlay, Tone, View};

use super::say;

/// Changes the field that characters go into, and where that changed it, the form is looked at anew.
pub(super) fn edit(model: &mut Model, change: impl FnOnce(&mut TextLine) -> bool) -> Vec<Effect> {
    let Some(Overlay::Launch(form)) = &mut model.overlay else {
        return Vec::new();
    };
    if form.outcome == Outcome::Launching || !form.line().is_some_and(change) {
        return Vec::new();
    }
    form.edit += 1;
    form.outcome = Outcome::Unknown;
    look(form)
}

/// Asks for a look at a form that has enough in it for one.
fn look(form: &Form) -> Vec<Effect> {
    if form
        .fields
        .first()
        .is_none_or(|first| first.text().trim().is_empty())
    {
        return Vec::new();
    }
    vec![Effect::Check {
        edit: form.edit,
        order: form.order(),
    }]
}

/// Goes `by` fields on, around the end; what is there so far is looked at.
pub(super) fn step(model: &mut Model, by: isize) -> Vec<Effect> {
    let Some(Overlay::Launch(form)) = &mut model.overlay else {
        return Vec::new();
    };
    let count = form.len().max(1) as isize;
    let at = (form.at as isize + by).rem_euclid(count) as usize;
    go(form, at)
}

/// Ten fields on or back, no further than to an end.
pub(super) fn paged(model: &mut Model, by: isize) -> Vec<Effect> {
    let Some(Overlay::Launch(form)) = &mut model.overlay else {
        return Vec::new();
    };
    let at = super::shifted(form.at, by * 10, form.len());
    go(form, at)
}

/// Goes to a field.
fn go(form: &mut Form, at: usize) -> Vec<Effect> {
    form.at = at;
    if form.outcome != Outcome::Unknown {
        return Vec::new();
    }
    look(form)
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
        let what = form.kind.labels()[0];
        form.outcome = Outcome::Wrong(vec![format!("the {what} is missing")]);
        return Vec::new();
    }
    form.outcome = Outcome::Launching;
    vec![Effect::Launch(form.order())]
}

pub(super) fn checked(
    model: &mut Model,
    edit: u64,
    keys: Option<Vec<KeyOf>>,
    result: Result<String, Vec<String>>,
) {
    if let Some(Overlay::Launch(form)) = &mut model.overlay
        && form.edit == edit
        && form.outcome == Outcome::Unknown
    {
        if let Some(keys) = keys {
            form.take_keys(keys);
        }
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
