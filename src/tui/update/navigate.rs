//! Getting about: to another view, run, row, line or chart, by keys and by the mouse.

use crate::tui::effect::Effect;
use crate::tui::keys::Action;
use crate::tui::line::TextLine;
use crate::tui::message::Target;
use crate::tui::model::{Known, Model, Overlay, View};
use crate::tui::{charts, comparison};

use super::select::{select, select_by};
use super::{ask, data, form, palette, triage};

/// Goes on or back: by one, by a page, to an end.
pub(super) fn step(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Up => moved(model, -1),
        Action::Down => moved(model, 1),
        Action::Left => sideways(model, -1),
        Action::Right => sideways(model, 1),
        Action::PageUp => paged(model, -1),
        Action::PageDown => paged(model, 1),
        Action::First => moved(model, isize::MIN),
        Action::Last => moved(model, isize::MAX),
        Action::NextRun => select_by(model, 1),
        Action::PreviousRun => select_by(model, -1),
        _ => Vec::new(),
    }
}

/// Up or down by `lines`, as far as there is something.
fn moved(model: &mut Model, lines: isize) -> Vec<Effect> {
    if let Some(Overlay::Palette(_)) = &model.overlay {
        palette::moved(model, lines);
        return Vec::new();
    }
    if let Some(Overlay::Help { scroll, .. }) = &mut model.overlay {
        *scroll = scroll
            .saturating_add_signed(lines)
            .min(crate::tui::view::help::length());
        return Vec::new();
    }
    match model.view {
        View::Runs => return select_by(model, lines),
        View::Live => {
            let columns = if lines.unsigned_abs() == 1 && !model.live.kept.zoomed {
                charts::columns(model.size) as isize
            } else {
                1
            };
            choose_chart(model, lines.saturating_mul(columns));
        }
        View::Evaluation => {
            let (rows, _) = comparison::of(model).size();
            choose_row(model, shifted(model.evaluation.row, lines, rows));
        }
        View::Failures | View::Errors => triage::moved(model, lines),
        View::Data => data::moved(model, lines),
    }
    Vec::new()
}

fn sideways(model: &mut Model, by: isize) -> Vec<Effect> {
    match model.view {
        View::Live => choose_chart(model, by),
        View::Evaluation => {
            let (_, columns) = comparison::of(model).size();
            model.evaluation.column = shifted(model.evaluation.column, by, columns);
        }
        View::Failures => {
            model.triage.pairs.side = usize::from(by > 0);
        }
        View::Data => data::turn(model, by),
        View::Runs | View::Errors => {}
    }
    Vec::new()
}

fn paged(model: &mut Model, by: isize) -> Vec<Effect> {
    if let Some(Overlay::Launch(_)) = &model.overlay {
        return form::paged(model, by);
    }
    let page = (model.size.1 as isize - 6).max(1);
    if model.overlay.is_none() && model.view == View::Live {
        scroll_log(model, -by * (page / 2).max(1));
        return Vec::new();
    }
    if model.overlay.is_none() && model.view == View::Evaluation && model.evaluation.zoomed {
        scroll_differences(model, by * (page - 1).max(1));
        return Vec::new();
    }
    moved(model, by * page)
}

/// Scrolls the pairs in which two figures differ, no further than to the last.
fn scroll_differences(model: &mut Model, by: isize) {
    let count = match &model.comparison {
        Some((_, _, Known::Ready(differences))) => differences.pairs.len(),
        _ => 0,
    };
    model.evaluation.skipped = shifted(model.evaluation.skipped, by, count);
}

fn scroll_log(model: &mut Model, back: isize) {
    let lines = model
        .selected_run()
        .and_then(|run| run.details())
        .map_or(0, |details| details.log.len());
    model.live.log_scroll = model.live.log_scroll.saturating_add_signed(back).min(lines);
}

/// Chooses a row of the table; where it has no figure in the chosen column, its first one, so that one's own sets come
/// into sight beside those of the published rows.
fn choose_row(model: &mut Model, row: usize) {
    model.evaluation.row = row;
    let comparison = comparison::of(model);
    let (row, column) = comparison.nearest(&model.evaluation);
    let is_run = |column: &usize| comparison.table.cell(row, *column).is_some();
    if !is_run(&column) {
        let first = (0..comparison.size().1).find(is_run);
        model.evaluation.column = first.unwrap_or(column);
    }
}

fn choose_chart(model: &mut Model, by: isize) {
    let count = charts::of(model).len();
    model.live.kept.chart = shifted(model.live.kept.chart, by, count);
}

pub(super) fn shifted(at: usize, by: isize, length: usize) -> usize {
    at.saturating_add_signed(by).min(length.saturating_sub(1))
}

/// Turns the wheel: the help, the worker's output, or the list at hand.
pub(super) fn wheeled(model: &mut Model, lines: isize) -> Vec<Effect> {
    match (&mut model.overlay, model.view) {
        (Some(Overlay::Help { scroll, .. }), _) => {
            *scroll = scroll.saturating_add_signed(lines);
        }
        (Some(_), _) => {}
        (None, View::Live) => scroll_log(model, -lines),
        (None, _) => return moved(model, lines.signum()),
    }
    Vec::new()
}

pub(super) fn pointed(model: &mut Model, target: Target) -> Vec<Effect> {
    match (target, &mut model.overlay) {
        (Target::Field(field), Some(Overlay::Launch(form))) => form.at = field,
        (Target::View(view), None | Some(Overlay::Help { .. })) => show(model, view),
        (Target::Run(index), None) => {
            if model.selected_index() == Some(index) {
                show(model, View::Live);
            } else {
                return select(model, index);
            }
        }
        (Target::Chart(chart), None) => {
            if model.live.kept.chart == chart {
                model.live.kept.zoomed = !model.live.kept.zoomed;
            }
            model.live.kept.chart = chart;
        }
        (Target::Row(row), None) => choose_row(model, row),
        (Target::Line(line), None) if model.view == View::Failures => {
            model.triage.pairs.row = line;
        }
        (Target::Line(line), None) if model.view == View::Data => {
            data::moved(model, line as isize - model.data.row as isize);
        }
        (Target::Line(line), None) => model.triage.list.row = line,
        (Target::Side(side), None) => model.triage.pairs.side = side,
        _ => {}
    }
    Vec::new()
}

/// The view that an action leads to.
pub(super) fn view_of(action: Action) -> View {
    match action {
        Action::ShowLive | Action::Open => View::Live,
        Action::ShowEvaluation => View::Evaluation,
        Action::ShowFailures => View::Failures,
        Action::ShowErrors => View::Errors,
        Action::ShowData => View::Data,
        _ => View::Runs,
    }
}

pub(super) fn show(model: &mut Model, view: View) {
    model.overlay = None;
    model.view = view;
}

pub(super) fn turn(view: View, by: usize) -> View {
    let round = View::ALL;
    let at = round.iter().position(|other| *other == view).unwrap_or(0);
    round[(at + by) % round.len()]
}

/// Whether what is chosen in the view has the whole pane.
pub(super) fn zoomed(model: &mut Model) -> &mut bool {
    match model.view {
        View::Failures | View::Errors | View::Data => &mut model.triage.zoomed,
        View::Runs => &mut model.list.zoomed,
        View::Live => &mut model.live.kept.zoomed,
        View::Evaluation => &mut model.evaluation.zoomed,
    }
}

pub(super) fn back(model: &mut Model) {
    match model.overlay.take() {
        Some(Overlay::Ask(ask)) => return ask::cancelled(model, &ask.about),
        Some(Overlay::Help { typing: true, .. }) => {
            model.overlay = Some(Overlay::Help {
                scroll: 0,
                search: TextLine::default(),
                typing: false,
            });
            return;
        }
        Some(_) => return,
        None => {}
    }
    if *zoomed(model) {
        *zoomed(model) = false;
    } else if model.view == View::Runs {
        model.list.filter.clear();
    } else {
        model.view = View::Runs;
    }
}
