//! The command palette: every action of the key table by its name.

use crate::tui::effect::Effect;
use crate::tui::keys::{Action, Bound};
use crate::tui::model::{Model, Overlay, View};

use super::{act, refusal, shifted};

/// A command of the palette.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its line of the table.
    pub bound: &'a Bound,
    /// Its name.
    pub name: String,
    /// The view that it leads to first; `None` where it holds here.
    pub leads_to: Option<View>,
    /// Why it can't be done now.
    pub refused: Option<String>,
}

/// The commands that contain all words of the line: those of the view in front first.
pub fn entries(model: &Model) -> Vec<Entry<'_>> {
    let Some(Overlay::Palette(palette)) = &model.overlay else {
        return Vec::new();
    };
    let text = palette.line.text().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let here = model.view.context();
    let mut entries: Vec<Entry> = Vec::new();
    for bound in model.keys.all() {
        let action = bound.binding.action;
        let holds = bound.binding.contexts.contains(&here);
        let elsewhere = || {
            bound
                .binding
                .contexts
                .iter()
                .find_map(|context| context.view())
        };
        if !bound.binding.is_free() || action == Action::OpenPalette {
            continue;
        }
        let leads_to = if holds { None } else { elsewhere() };
        if !holds && leads_to.is_none() {
            continue;
        }
        let name = action.name();
        let about = format!(
            "{} {}",
            name.replace('-', " "),
            bound.binding.help.to_lowercase()
        );
        if !words
            .iter()
            .all(|word| about.contains(word) || name.contains(word))
        {
            continue;
        }
        // An action with lines in several views is the one of the view in front.
        let known = entries
            .iter()
            .position(|entry| entry.bound.binding.action == action);
        match known {
            Some(at) if holds && entries[at].leads_to.is_some() => {
                entries.remove(at);
            }
            Some(_) => continue,
            None => {}
        }
        entries.push(Entry {
            bound,
            refused: holds.then(|| refusal(model, action)).flatten(),
            name,
            leads_to,
        });
    }
    let begins = |entry: &Entry| {
        words
            .first()
            .is_some_and(|word| entry.name.starts_with(word))
    };
    entries.sort_by_key(|entry| (!begins(entry), entry.leads_to.is_some()));
    entries
}

pub(super) fn moved(model: &mut Model, lines: isize) {
    let count = entries(model).len();
    if let Some(Overlay::Palette(palette)) = &mut model.overlay {
        palette.at = shifted(palette.at, lines, count);
    }
}

/// Does the chosen command, in the view where it holds.
pub(super) fn submit(model: &mut Model) -> Vec<Effect> {
    let at = match &model.overlay {
        Some(Overlay::Palette(palette)) => palette.at,
        _ => return Vec::new(),
    };
    let entries = entries(model);
    let chosen = entries
        .get(at)
        .map(|entry| (entry.bound.binding.action, entry.leads_to));
    model.overlay = None;
    let Some((action, leads_to)) = chosen else {
        return Vec::new();
    };
    if let Some(view) = leads_to {
        model.view = view;
    }
    act(model, action)
}
