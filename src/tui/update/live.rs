//! The live view's own controls: the axis, the cursor, the part that is zoomed into, the devices.

use crate::tui::along::AlongBy;
use crate::tui::charts;
use crate::tui::effect::Effect;
use crate::tui::keys::Action;
use crate::tui::message::{Gesture, Message};
use crate::tui::model::{Model, SMOOTHINGS, Tone};

use super::say;

/// A large step of the cursor, in small ones.
const FAR: f64 = 10.0;
/// How much smaller what is shown becomes by one step of zooming.
const ZOOM: f64 = 0.5;
/// How much of what is shown one step of panning goes.
const PAN: f64 = 0.25;
/// Of the whole, the smallest part that can be zoomed into.
const SMALLEST: f64 = 1e-6;
/// A drag over less of the window than this is a click with an unsteady hand.
const DRAG: f64 = 0.02;

pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Smooth => {
            model.live.kept.smoothing = (model.live.kept.smoothing + 1) % SMOOTHINGS.len();
        }
        Action::LogScale => model.live.kept.log_y = !model.live.kept.log_y,
        Action::WorkerLog => {
            let shown = model.selected_run().is_some_and(|run| model.shows_log(run));
            model.live.log = Some(!shown);
            model.live.log_scroll = 0;
        }
        Action::Along => turn_along(model),
        Action::LogAlong => {
            model.live.kept.log_x = !model.live.kept.log_x;
            forget_places(model);
        }
        Action::Outliers => model.live.kept.ignore_outliers = !model.live.kept.ignore_outliers,
        Action::CursorLeft => move_cursor(model, -1.0),
        Action::CursorRight => move_cursor(model, 1.0),
        Action::CursorFarLeft => move_cursor(model, -FAR),
        Action::CursorFarRight => move_cursor(model, FAR),
        Action::CursorOff => model.live.cursor = None,
        Action::ZoomIn => zoom(model, ZOOM, None),
        Action::ZoomOut => zoom(model, 1.0 / ZOOM, None),
        Action::PanLeft => pan(model, -PAN),
        Action::PanRight => pan(model, PAN),
        Action::WholeRange => model.live.window = None,
        Action::Devices => {
            model.live.devices = !model.live.devices;
            model.machine = None;
            return vec![Effect::WatchMachine(model.live.devices)];
        }
        _ => {}
    }
    Vec::new()
}

/// Turns to the next axis that the run's points have.
fn turn_along(model: &mut Model) {
    let curves = model
        .selected
        .as_deref()
        .and_then(|path| model.curves_of(path));
    let has_epochs = curves.is_some_and(|curves| curves.epoch.is_some());
    model.live.kept.along = model.live.kept.along.next();
    if model.live.kept.along == AlongBy::Epoch && !has_epochs {
        model.live.kept.along = AlongBy::Step;
        say(
            model,
            Tone::Refused,
            "by step again: this run logs no epochs".to_owned(),
        );
    }
    forget_places(model);
}

/// Places of another axis mean nothing on this one.
fn forget_places(model: &mut Model) {
    (model.live.window, model.live.cursor) = (None, None);
    model.live.pressed = None;
}

/// What the charts show from left to right.
fn window(model: &Model) -> Option<(f64, f64)> {
    model.live.window.or_else(|| charts::span(model))
}

/// Moves the cursor by `cells`; where there is none yet it comes at the right end, or at the left when going there.
fn move_cursor(model: &mut Model, cells: f64) {
    let Some((left, right)) = window(model) else {
        return;
    };
    let cell = (right - left) / f64::from(charts::plot_columns(model));
    let at = model.live.cursor.unwrap_or(right + cell);
    model.live.cursor = Some((at + cells * cell).clamp(left, right));
}

/// Shows `factor` as much as before, around `at`, the cursor, or from the right end on.
fn zoom(model: &mut Model, factor: f64, at: Option<f64>) {
    let (Some((left, right)), Some(span)) = (window(model), charts::span(model)) else {
        return;
    };
    let whole = span.1 - span.0;
    let centre = at.or(model.live.cursor).unwrap_or(right).clamp(left, right);
    let width = ((right - left) * factor).max(whole * SMALLEST);
    let share = (centre - left) / (right - left);
    let left = centre - width * share;
    show(model, (left, left + width), span);
}

/// Shows a part as far as it lies within all that there is; all of it is no part.
fn show(model: &mut Model, (left, right): (f64, f64), span: (f64, f64)) {
    let width = right - left;
    if width >= span.1 - span.0 {
        model.live.window = None;
        return;
    }
    let left = left.clamp(span.0, span.1 - width);
    model.live.window = Some((left, left + width));
}

fn pan(model: &mut Model, share: f64) {
    let (Some((left, right)), Some(span)) = (model.live.window, charts::span(model)) else {
        return;
    };
    let by = (right - left) * share;
    show(model, (left + by, right + by), span);
}

/// Takes in what the mouse did, or how busy the machine is.
pub(super) fn told(model: &mut Model, message: Message) {
    match message {
        Message::OnChart { chart, at, gesture } => mouse(model, chart, at, gesture),
        Message::Machine(load) if model.live.devices => model.machine = Some(load),
        _ => {}
    }
}

/// A press puts the cursor there, a drag shows what it goes over, the wheel zooms.
fn mouse(model: &mut Model, chart: usize, at: f64, gesture: Gesture) {
    if model.overlay.is_some() {
        return;
    }
    match gesture {
        Gesture::Press => {
            model.live.kept.chart = chart;
            model.live.cursor = Some(at);
            model.live.pressed = Some(at);
        }
        Gesture::Drag => model.live.cursor = Some(at),
        Gesture::Release => {
            let (Some(from), Some((left, right)), Some(span)) = (
                model.live.pressed.take(),
                window(model),
                charts::span(model),
            ) else {
                return;
            };
            let (low, high) = (from.min(at), from.max(at));
            if high - low > (right - left) * DRAG {
                show(model, (low, high), span);
            }
        }
        Gesture::Wheel(lines) => {
            let factor = if lines < 0 { ZOOM } else { 1.0 / ZOOM };
            zoom(model, factor, Some(at));
        }
    }
}
