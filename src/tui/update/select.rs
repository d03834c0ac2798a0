//! Which run is selected, and which others are drawn beside it.

use crate::tui::effect::Effect;
use crate::tui::model::{Model, Tone};

use super::{say, shifted};

pub(super) fn select_by(model: &mut Model, lines: isize) -> Vec<Effect> {
    let count = model.listed().len();
    let at = match model.selected_index() {
        Some(at) => shifted(at, lines, count),
        None => 0,
    };
    select(model, at)
}

/// Selects the run at `index` of the list; its curves are followed from now on.
pub(super) fn select(model: &mut Model, index: usize) -> Vec<Effect> {
    let Some(path) = model.listed().get(index).map(|run| run.path.clone()) else {
        return Vec::new();
    };
    if model.selected.as_ref() == Some(&path) {
        return Vec::new();
    }
    let mut effects = Vec::from_iter(keep_view(model));
    model.selected = Some(path.clone());
    // What was beside it may be it now; a run is not compared with itself.
    model.curves = model.beside.remove(&path);
    model.live.log = None;
    model.live.log_scroll = 0;
    (model.live.window, model.live.cursor) = (None, None);
    effects.extend([Effect::LoadView(path), watch(model)]);
    effects
}

/// What is to be followed now.
fn watch(model: &Model) -> Effect {
    let others = model.compared.iter();
    Effect::Watch {
        run: model.selected.clone(),
        beside: others
            .filter(|path| model.selected.as_ref() != Some(path))
            .cloned()
            .collect(),
    }
}

/// Compares the selected run with whatever is selected from now on, or no longer.
pub(super) fn compare(model: &mut Model) -> Vec<Effect> {
    let Some(path) = model.selected.clone() else {
        return Vec::new();
    };
    if !model.compared.remove(&path) {
        if model.compared.len() >= MOST_COMPARED {
            let text =
                format!("{MOST_COMPARED} runs are compared already: more can't be told apart");
            say(model, Tone::Refused, text);
            return Vec::new();
        }
        model.compared.insert(path);
    }
    let compared = &model.compared;
    model.beside.retain(|path, _| compared.contains(path));
    vec![watch(model)]
}

/// More curves than these can't be told apart.
const MOST_COMPARED: usize = 4;

/// Keeps how the selected run is looked at.
pub(super) fn keep_view(model: &Model) -> Option<Effect> {
    let run = model.selected.clone()?;
    Some(Effect::SaveView(run, model.live.kept.clone()))
}
