//! What becomes of the model when something happens: no clock, no file, no terminal, only the model and a list of
//! effects for the world.

mod ask;
mod command;
mod data;
mod export;
mod form;
mod live;
mod navigate;
mod news;
mod palette;
mod select;
mod threshold;
mod triage;

use crossterm::event::KeyEvent;

pub use command::refusal;
use navigate::{back, pointed, shifted, show, step, turn, view_of, wheeled, zoomed};
pub use palette::{Entry, entries};
use select::{compare, keep_view};
pub use triage::{faces_shown, figure, plays, strips};

use super::effect::Effect;
use super::keys::Action;
use super::line::TextLine;
use super::message::Message;
use super::model::{Model, Notice, Overlay, Palette, Tone, View};
use super::snapshot::RunSnapshot;
use super::view::summary;
use super::words;

/// Takes in one message; what it asks of the world is returned.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let quiet = matches!(message, Message::Tick(_));
    let mut effects = match message {
        Message::Key(event) => pressed(model, event),
        Message::Paste(text) => typed(model, |line| line.insert(&text)),
        Message::Pointed(target) => pointed(model, target),
        message @ (Message::OnChart { .. } | Message::Machine(_)) => {
            live::told(model, message);
            Vec::new()
        }
        Message::Wheel(lines) => wheeled(model, lines),
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
            } else if model.compared.contains(&curves.path) {
                model.beside.insert(curves.path.clone(), curves);
            }
            Vec::new()
        }
        Message::Scores { of, result } => {
            threshold::read(model, of, result);
            Vec::new()
        }
        message @ (Message::Failing { .. }
        | Message::Suspects { .. }
        | Message::Faces { .. }
        | Message::Errors { .. }
        | Message::NextFrame) => {
            triage::told(model, message);
            Vec::new()
        }
        message @ (Message::Sets { .. } | Message::SetChecked { .. }) => {
            data::told(model, message);
            Vec::new()
        }
        Message::Exported(result) => {
            tell(model, result);
            Vec::new()
        }
        Message::View(path, view) => {
            if model.selected.as_ref() == Some(&path) {
                model.live.kept = view;
                (model.live.window, model.live.cursor, model.live.pressed) = (None, None, None);
            }
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
            let named = |what: String| format!("{name}: {what}");
            tell(model, result.map(str::to_owned).map(named).map_err(named));
            vec![Effect::Look]
        }
        Message::Checked { edit, keys, result } => {
            form::checked(model, edit, keys, result);
            Vec::new()
        }
        Message::Compared {
            first,
            second,
            result,
        } => {
            model.comparison = Some((first, second, result.into()));
            Vec::new()
        }
        Message::Managed(result) => {
            tell(model, result);
            vec![Effect::Look]
        }
        Message::Launched(result) => form::launched(model, result),
        Message::Redraw => Vec::new(),
    };
    model.changed |= !quiet;
    if !quiet {
        effects.extend(lacking(model));
    }
    effects
}

/// Asks for what the view in front lacks.
fn lacking(model: &mut Model) -> Vec<Effect> {
    match model.view {
        View::Evaluation => {
            let scores = threshold::ask(model);
            scores
                .into_iter()
                .chain(threshold::compare(model))
                .collect()
        }
        View::Failures | View::Errors => triage::ask(model),
        View::Data => data::ask(model),
        View::Runs | View::Live => Vec::new(),
    }
}

fn pressed(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    let context = model.context();
    if let Some(action) = model.keys.action(context, event) {
        return act(model, action);
    }
    typed(model, |line| line.press(event))
}

/// Changes the line that characters go into, where there is one.
fn typed(model: &mut Model, change: impl FnOnce(&mut TextLine) -> bool) -> Vec<Effect> {
    match &mut model.overlay {
        Some(Overlay::Ask(ask)) => {
            change(&mut ask.line);
            ask::typed(model);
        }
        Some(Overlay::Palette(palette)) => {
            if change(&mut palette.line) {
                palette.at = 0;
            }
        }
        Some(Overlay::Help {
            search,
            scroll,
            typing: true,
        }) => {
            change(search);
            *scroll = 0;
        }
        _ => return form::edit(model, change),
    }
    Vec::new()
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(why) = refusal(model, action) {
        say(model, Tone::Refused, why);
        return Vec::new();
    }
    match action {
        Action::Quit => {
            let mut effects = Vec::from_iter(keep_view(model));
            effects.push(Effect::Quit);
            return effects;
        }
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Clear],
        Action::Help => {
            model.overlay = match model.overlay.take() {
                Some(Overlay::Help { .. }) => None,
                _ => Some(Overlay::Help {
                    scroll: 0,
                    search: TextLine::default(),
                    typing: false,
                }),
            };
        }
        Action::ShowRuns
        | Action::ShowLive
        | Action::Open
        | Action::ShowEvaluation
        | Action::ShowFailures
        | Action::ShowErrors
        | Action::ShowData => show(model, view_of(action)),
        Action::CheckSet | Action::ChooseConfig => return data::act(model, action),
        Action::FarLeft => data::turn(model, -100),
        Action::FarRight => data::turn(model, 100),
        Action::NextView => show(model, turn(model.view, 1)),
        Action::PreviousView => show(model, turn(model.view, View::ALL.len() - 1)),
        Action::Up
        | Action::Down
        | Action::Left
        | Action::Right
        | Action::PageUp
        | Action::PageDown
        | Action::First
        | Action::Last
        | Action::NextRun
        | Action::PreviousRun => return step(model, action),
        Action::Back => back(model),
        Action::Zoom => {
            let zoomed = zoomed(model);
            *zoomed = !*zoomed;
        }
        other => return hand_on(model, other),
    }
    Vec::new()
}

/// Hands an action on to where its view or its run is at home.
fn hand_on(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Smooth
        | Action::LogScale
        | Action::WorkerLog
        | Action::Along
        | Action::LogAlong
        | Action::Outliers
        | Action::CursorLeft
        | Action::CursorRight
        | Action::CursorFarLeft
        | Action::CursorFarRight
        | Action::CursorOff
        | Action::ZoomIn
        | Action::ZoomOut
        | Action::PanLeft
        | Action::PanRight
        | Action::WholeRange
        | Action::Devices => return live::act(model, action),
        Action::Compare => return compare(model),
        Action::ExportChart | Action::ExportView | Action::Copy => {
            return export::act(model, action);
        }
        Action::Order if model.view == View::Runs => model.list.order = model.list.order.next(),
        Action::Order if model.view == View::Evaluation => threshold::act(model, action),
        Action::Roc
        | Action::MarkRow
        | Action::ThresholdDown
        | Action::ThresholdUp
        | Action::ThresholdFarDown
        | Action::ThresholdFarUp
        | Action::ThresholdMean => threshold::act(model, action),
        Action::TogglePause
        | Action::Park
        | Action::Resume
        | Action::Checkpoint
        | Action::Stop
        | Action::Launch
        | Action::FineTune
        | Action::Evaluate
        | Action::Rename
        | Action::Note
        | Action::Archive
        | Action::Yes
        | Action::No => return command::act(model, action),
        Action::Play
        | Action::FrameOn
        | Action::FrameBack
        | Action::MarkError
        | Action::UndoMark
        | Action::Unlist
        | Action::AddVideo
        | Action::ExportList
        | Action::Order
        | Action::Narrow
        | Action::NextFigure
        | Action::PreviousFigure => return triage::act(model, action),
        Action::SwitchMouse => return switch_mouse(model),
        Action::SwitchTheme => model.theme.background = model.theme.background.other(),
        Action::Filter
        | Action::OpenPalette
        | Action::NextField
        | Action::PreviousField
        | Action::ClearField
        | Action::Submit => return type_into(model, action),
        _ => {}
    }
    Vec::new()
}

/// Leaves the mouse to the terminal, or takes it again.
fn switch_mouse(model: &mut Model) -> Vec<Effect> {
    model.mouse = !model.mouse;
    let text = if model.mouse {
        "the mouse points at charts, rows and views"
    } else {
        "the terminal selects text with the mouse"
    };
    say(model, Tone::Done, text.to_owned());
    vec![Effect::Mouse(model.mouse)]
}

/// Opens, changes and takes lines that are typed.
fn type_into(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Filter => match &mut model.overlay {
            Some(Overlay::Help { typing, .. }) => *typing = true,
            _ => ask::filter(model),
        },
        Action::OpenPalette => model.overlay = Some(Overlay::Palette(Palette::default())),
        Action::NextField => return form::step(model, 1),
        Action::PreviousField => return form::step(model, -1),
        Action::ClearField => {
            return typed(model, |line| {
                line.clear();
                true
            });
        }
        Action::Submit => {
            return match &mut model.overlay {
                Some(Overlay::Ask(_)) => ask::submit(model),
                Some(Overlay::Palette(_)) => palette::submit(model),
                Some(Overlay::Help { typing, .. }) => {
                    *typing = false;
                    Vec::new()
                }
                _ => form::submit(model),
            };
        }
        _ => {}
    }
    Vec::new()
}

/// Says what was done, or why it could not be.
fn tell(model: &mut Model, result: Result<String, String>) {
    let (tone, text) = match result {
        Ok(what) => (Tone::Done, what),
        Err(why) => (Tone::Failed, why),
    };
    say(model, tone, text);
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
    let waits = model.runs().iter();
    let waits = waits.filter_map(|run| summary::pending(model, run));
    let chosen = model.selected_run().and_then(RunSnapshot::details);
    let entries = chosen.into_iter().flat_map(|details| {
        let marks = details.marks.iter().map(|mark| &mark.entry);
        details.journal.iter().chain(marks)
    });
    let entries = entries.map(|entry| words::age(model.now - entry.time));
    ages.chain(waits).chain(entries).collect()
}

#[cfg(test)]
mod tests;
