//! What becomes of the model when something happens: no clock, no file, no terminal, only the model and a list of
//! effects for the world.

mod command;
mod form;
mod news;
mod threshold;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub use command::refusal;

use super::effect::Effect;
use super::keys::{self, Action, Context};
use super::message::{Message, Target};
use super::model::{Form, Model, Notice, Overlay, SMOOTHINGS, Tone, View};
use super::threshold::LARGE;
use super::{charts, comparison, words};

/// Takes in one message; what it asks of the world is returned.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let quiet = matches!(message, Message::Tick(_));
    let mut effects = match message {
        Message::Key(event) => pressed(model, event),
        Message::Paste(text) => {
            form::insert(model, &text);
            Vec::new()
        }
        Message::Pointed(target) => pointed(model, target),
        Message::Wheel(lines) => match (&mut model.overlay, model.view) {
            (Some(Overlay::Help { scroll }), _) => {
                *scroll = scroll.saturating_add_signed(lines);
                Vec::new()
            }
            (Some(_), _) => Vec::new(),
            (None, View::Live) => {
                scroll_log(model, -lines);
                Vec::new()
            }
            (None, _) => moved(model, lines.signum()),
        },
        Message::Resized(width, height) => {
            model.size = (width, height);
            Vec::new()
        }
        Message::Tick(now) => {
            news::tick(model, now);
            Vec::new()
        }
        Message::Runs(runs) => news::runs(model, runs),
        Message::RunsUnreadable(why) => {
            model.unreadable = Some(why);
            model.runs.get_or_insert_default();
            Vec::new()
        }
        Message::Curves(curves) => {
            if model.selected.as_ref() == Some(&curves.path) {
                model.curves = Some(curves);
            }
            Vec::new()
        }
        Message::Scores { of, result } => {
            threshold::read(model, of, result);
            Vec::new()
        }
        Message::Sent {
            path,
            command,
            result,
        } => {
            news::sent(model, &path, &command, result);
            Vec::new()
        }
        Message::Resumed { name, result } => {
            match result {
                Ok(what) => say(model, Tone::Done, format!("{name}: {what}")),
                Err(error) => say(model, Tone::Failed, format!("{name}: {error}")),
            }
            vec![Effect::Look]
        }
        Message::Checked { edit, result } => {
            form::checked(model, edit, result);
            Vec::new()
        }
        Message::Launched(result) => form::launched(model, result),
        Message::Redraw => Vec::new(),
    };
    model.changed |= !quiet;
    if !quiet && model.view == View::Evaluation {
        effects.extend(threshold::ask(model));
    }
    effects
}

fn pressed(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    let context = model.context();
    if let Some(action) = keys::action(context, event) {
        return act(model, action);
    }
    let typed = event.modifiers - KeyModifiers::SHIFT;
    if context == Context::Form && typed.is_empty() {
        match event.code {
            KeyCode::Char(character) => form::insert(model, character.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => form::erase(model),
            _ => {}
        }
    }
    Vec::new()
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(why) = refusal(model, action) {
        say(model, Tone::Refused, why);
        return Vec::new();
    }
    match action {
        Action::Quit => return vec![Effect::Quit],
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Clear],
        Action::Help => {
            model.overlay = match model.overlay.take() {
                Some(Overlay::Help { .. }) => None,
                _ => Some(Overlay::Help { scroll: 0 }),
            };
        }
        Action::ShowRuns => show(model, View::Runs),
        Action::ShowLive | Action::Open => show(model, View::Live),
        Action::ShowEvaluation => show(model, View::Evaluation),
        Action::NextView => show(model, turn(model.view, 1)),
        Action::PreviousView => show(model, turn(model.view, 2)),
        Action::Up => return moved(model, -1),
        Action::Down => return moved(model, 1),
        Action::Left => return sideways(model, -1),
        Action::Right => return sideways(model, 1),
        Action::PageUp => return paged(model, -1),
        Action::PageDown => return paged(model, 1),
        Action::First => return moved(model, isize::MIN),
        Action::Last => return moved(model, isize::MAX),
        Action::NextRun => return select_by(model, 1),
        Action::PreviousRun => return select_by(model, -1),
        Action::Back => back(model),
        Action::Zoom => model.live.zoomed = !model.live.zoomed,
        Action::Smooth => model.live.smoothing = (model.live.smoothing + 1) % SMOOTHINGS.len(),
        Action::LogScale => model.live.log_y = !model.live.log_y,
        Action::WorkerLog => {
            let shown = model.selected_run().is_some_and(|run| model.shows_log(run));
            model.live.log = Some(!shown);
            model.live.log_scroll = 0;
        }
        Action::ThresholdDown => threshold::nudge(model, -1),
        Action::ThresholdUp => threshold::nudge(model, 1),
        Action::ThresholdFarDown => threshold::nudge(model, -LARGE),
        Action::ThresholdFarUp => threshold::nudge(model, LARGE),
        Action::ThresholdMean => model.evaluation.nudge = 0,
        Action::TogglePause
        | Action::Park
        | Action::Resume
        | Action::Checkpoint
        | Action::Stop
        | Action::Launch
        | Action::Yes
        | Action::No => return command::act(model, action),
        Action::NextField => return form::step(model, 1),
        Action::PreviousField => return form::step(model, Form::LABELS.len() - 1),
        Action::ClearField => form::clear(model),
        Action::Submit => return form::submit(model),
    }
    Vec::new()
}

fn pointed(model: &mut Model, target: Target) -> Vec<Effect> {
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
            if model.live.chart == chart {
                model.live.zoomed = !model.live.zoomed;
            }
            model.live.chart = chart;
        }
        (Target::Row(row), None) => model.evaluation.row = row,
        _ => {}
    }
    Vec::new()
}

fn show(model: &mut Model, view: View) {
    model.overlay = None;
    model.view = view;
}

fn turn(view: View, by: usize) -> View {
    const ROUND: [View; 3] = [View::Runs, View::Live, View::Evaluation];
    let at = ROUND.iter().position(|other| *other == view).unwrap_or(0);
    ROUND[(at + by) % ROUND.len()]
}

fn back(model: &mut Model) {
    if model.overlay.take().is_some() {
        return;
    }
    if model.view == View::Live && model.live.zoomed {
        model.live.zoomed = false;
    } else {
        model.view = View::Runs;
    }
}

/// Up or down by `lines`, as far as there is something.
fn moved(model: &mut Model, lines: isize) -> Vec<Effect> {
    if let Some(Overlay::Help { scroll }) = &mut model.overlay {
        *scroll = scroll
            .saturating_add_signed(lines)
            .min(super::view::help::length());
        return Vec::new();
    }
    match model.view {
        View::Runs => return select_by(model, lines),
        View::Live => {
            let columns = if lines.unsigned_abs() == 1 && !model.live.zoomed {
                charts::columns(model.size) as isize
            } else {
                1
            };
            choose_chart(model, lines.saturating_mul(columns));
        }
        View::Evaluation => {
            let (rows, _) = comparison::of(model).size();
            model.evaluation.row = shifted(model.evaluation.row, lines, rows);
        }
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
        View::Runs => {}
    }
    Vec::new()
}

fn paged(model: &mut Model, by: isize) -> Vec<Effect> {
    let page = (model.size.1 as isize - 6).max(1);
    if model.overlay.is_none() && model.view == View::Live {
        scroll_log(model, -by * (page / 2).max(1));
        return Vec::new();
    }
    moved(model, by * page)
}

fn scroll_log(model: &mut Model, back: isize) {
    let lines = model
        .selected_run()
        .and_then(|run| run.details())
        .map_or(0, |details| details.log.len());
    model.live.log_scroll = model.live.log_scroll.saturating_add_signed(back).min(lines);
}

fn choose_chart(model: &mut Model, by: isize) {
    let count = charts::of(model).len();
    model.live.chart = shifted(model.live.chart, by, count);
}

fn select_by(model: &mut Model, lines: isize) -> Vec<Effect> {
    let at = model.selected_index().unwrap_or(0);
    select(model, shifted(at, lines, model.runs().len()))
}

/// Selects the run at `index` of the list; its curves are followed from now on.
fn select(model: &mut Model, index: usize) -> Vec<Effect> {
    let Some(run) = model.runs().get(index) else {
        return Vec::new();
    };
    let path = run.path.clone();
    if model.selected.as_ref() == Some(&path) {
        return Vec::new();
    }
    model.selected = Some(path.clone());
    model.curves = None;
    model.live.log = None;
    model.live.log_scroll = 0;
    vec![Effect::Watch(Some(path))]
}

fn shifted(at: usize, by: isize, length: usize) -> usize {
    at.saturating_add_signed(by).min(length.saturating_sub(1))
}

fn say(model: &mut Model, tone: Tone, text: String) {
    model.notice = Some(Notice {
        text,
        tone,
        at: model.now,
    });
}

/// What the ages and waits on the screen read like: when this changes, so does the screen.
fn clock_face(model: &Model) -> Vec<String> {
    let ages = model
        .runs()
        .iter()
        .map(|run| words::age(model.now - run.started));
    let waits = model
        .pending
        .values()
        .map(|pending| words::age(model.now - pending.sent));
    ages.chain(waits).collect()
}

#[cfg(test)]
mod tests;
