//! The threshold of the selected figure: its scores are asked for once, and the control is moved over them.

use std::sync::Arc;

use crate::tui::comparison;
use crate::tui::effect::Effect;
use crate::tui::evidence;
use crate::tui::keys::Action;
use crate::tui::model::{Known, Model};
use crate::tui::snapshot::RunSnapshot;
use crate::tui::threshold::{FigureOf, LARGE, Scored};

/// Notes which figure is selected, and asks for its scores where they aren't known.
///
/// Scores that were missing are looked for again when their figure is selected anew: they may have come since.
pub(super) fn ask(model: &mut Model) -> Option<Effect> {
    let comparison = comparison::of(model);
    let place = comparison.nearest(&model.evaluation);
    let figure = comparison.figure(place.0, place.1);
    let selected_anew = figure != model.evaluation.figure;
    if selected_anew {
        model.evaluation.figure.clone_from(&figure);
        model.evaluation.nudge = 0;
    }
    let of = figure?;
    match model.scores.get(&of) {
        Some(Known::Reading | Known::Ready(_)) => return None,
        Some(Known::Missing(_)) if !selected_anew => return None,
        // What was said of them stays until the answer comes.
        Some(Known::Missing(_)) => {}
        None => {
            model.scores.insert(of.clone(), Known::Reading);
        }
    }
    let evaluation = Box::new(comparison.evaluation(place.0, place.1)?.clone());
    Some(Effect::ReadScores { of, evaluation })
}

/// Asks how the selected figure differs from the marked one, where that isn't known.
pub(super) fn compare(model: &mut Model) -> Option<Effect> {
    let (first, second) = (
        model.evaluation.marked.clone()?,
        model.evaluation.figure.clone()?,
    );
    let known = model
        .comparison
        .as_ref()
        .is_some_and(|(a, b, _)| (a, b) == (&first, &second));
    if known || first == second {
        return None;
    }
    let figures = super::triage::figures(model);
    let find = |of: &FigureOf| figures.iter().find(|figure| figure.of == *of).cloned();
    let both = [find(&first)?, find(&second)?];
    model.comparison = Some((first, second, Known::Reading));
    Some(Effect::Evidence(evidence::Request::Compare(Box::new(both))))
}

/// Takes in an answer.
pub(super) fn read(model: &mut Model, of: FigureOf, result: Result<Arc<Scored>, String>) {
    model.scores.insert(of, result.into());
}

/// Moves the control, orders the table, marks a figure.
pub(super) fn act(model: &mut Model, action: Action) {
    let place = &mut model.evaluation;
    match action {
        Action::ThresholdDown => nudge(model, -1),
        Action::ThresholdUp => nudge(model, 1),
        Action::ThresholdFarDown => nudge(model, -LARGE),
        Action::ThresholdFarUp => nudge(model, LARGE),
        Action::ThresholdMean => place.nudge = 0,
        Action::Roc => {
            place.roc = !place.roc;
            // Beside or below a table it has too few rows for a curve, but on large screens.
            place.zoomed |= place.roc && (model.size.0 < 150 || model.size.1 < 40);
        }
        Action::Order => {
            place.order = match place.order {
                Some(_) => None,
                None => Some(place.column),
            };
        }
        Action::MarkRow => {
            place.marked = match &place.marked {
                Some(marked) if Some(marked) == place.figure.as_ref() => None,
                _ => place.figure.clone(),
            };
            place.skipped = 0;
            model.comparison = None;
        }
        _ => {}
    }
}

/// Moves the control, as far as there are distances.
fn nudge(model: &mut Model, by: i64) {
    if let Some(scored) = model.scored() {
        model.evaluation.nudge = scored.within(model.evaluation.nudge + by);
    }
}

/// Forgets the scores of runs whose figures may be others by now, and of runs that are gone.
pub(super) fn forget(model: &mut Model, before: &[Arc<RunSnapshot>]) {
    let runs = model.runs.as_deref().unwrap_or_default();
    let readable = |runs: &[Arc<RunSnapshot>], of: &FigureOf| {
        let run = runs.iter().find(|run| run.path == of.run)?.clone();
        run.details().is_some().then_some(run)
    };
    let alike = |before: &RunSnapshot, now: &RunSnapshot| {
        before.state() == now.state()
            && before.details().map(|details| &details.results)
                == now.details().map(|details| &details.results)
    };
    model
        .scores
        .retain(|of, _| match (readable(before, of), readable(runs, of)) {
            (Some(before), Some(now)) => alike(&before, &now),
            _ => false,
        });
}
