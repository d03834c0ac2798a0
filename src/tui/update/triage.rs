//! Failing pairs and the error list: what is asked for, how one moves in them, and how videos are marked.

use std::sync::Arc;

use crate::eval::Evaluation;
use crate::eval::corrected::Note;
use crate::eval::failures::FailureKind;
use crate::report::Strip;
use crate::run::JobKind;
use crate::tui::effect::Effect;
use crate::tui::evidence;
use crate::tui::evidence::Figure;
use crate::tui::keys::Action;
use crate::tui::line::TextLine;
use crate::tui::message::Message;
use crate::tui::model::{Ask, Asked, Known, Model, Overlay, Tone, View};
use crate::tui::threshold::FigureOf;
use crate::tui::triage::{Change, Errors, FacesOf, Refigured};

use super::{say, shifted};

/// Other models that a pair is shown under, at most.
const MOST_PEERS: usize = 8;

/// The evaluations whose scores are kept: those of runs that only evaluate, newest run first.
pub fn figures(model: &Model) -> Vec<Figure> {
    let runs = model
        .runs()
        .iter()
        .filter(|run| run.kind() == Some(JobKind::Eval));
    let of_run = |run: &Arc<crate::tui::snapshot::RunSnapshot>| {
        let path = run.path.clone();
        let results = run.details().map_or(&[][..], |details| &details.results);
        let figures = results.iter().map(move |evaluation| Figure {
            of: FigureOf::of(path.clone(), evaluation),
            evaluation: evaluation.clone(),
        });
        figures.collect::<Vec<_>>()
    };
    runs.flat_map(of_run).collect()
}

/// The evaluation that is looked into.
pub fn figure(model: &Model) -> Option<Figure> {
    let of = model.triage.figure.as_ref()?;
    figures(model).into_iter().find(|figure| figure.of == *of)
}

/// Asks for what the view in front lacks.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    let figures = figures(model);
    let known = |of: &FigureOf| figures.iter().find(|figure| figure.of == *of);
    let chosen = model.triage.figure.clone();
    let figure = chosen
        .as_ref()
        .and_then(known)
        .or_else(|| {
            let lists = model.view == View::Errors;
            let mut whole = figures.iter().filter(|one| is_whole(&one.evaluation));
            whole.find(|one| lists && is_of_videos(&one.evaluation))
        })
        .or_else(|| known(model.evaluation.figure.as_ref()?))
        .or_else(|| figures.iter().find(|figure| is_whole(&figure.evaluation)))
        .or(figures.first())
        .cloned();
    let of = figure.as_ref().map(|figure| figure.of.clone());
    let turned = of != chosen;
    if turned {
        model.triage.turn_to(of);
    }
    if model.triage.errors.is_none() || turned {
        model.triage.errors.get_or_insert(Known::Reading);
        effects.push(Effect::Evidence(evidence::Request::Errors {
            change: None,
            figure: figure.clone().map(Box::new),
        }));
    }
    let Some(figure) = figure else {
        return effects;
    };
    if model.view == View::Failures && model.triage.failing.is_none() {
        model.triage.failing = Some(Known::Reading);
        let is_peer = |other: &&Figure| {
            other.evaluation.set == figure.evaluation.set && other.of != figure.of
        };
        let peers = figures.iter().filter(is_peer).take(MOST_PEERS);
        effects.push(Effect::Evidence(evidence::Request::Failing {
            peers: peers.cloned().collect(),
            figure: Box::new(figure.clone()),
        }));
    }
    if model.view == View::Errors && model.triage.suspects.is_none() {
        model.triage.suspects = Some(Known::Reading);
        effects.push(Effect::Evidence(evidence::Request::Suspects(Box::new(
            figure.clone(),
        ))));
    }
    if let Some(of) = faces_shown(model)
        && model.triage.faces_of(&of).is_none()
    {
        model.triage.keep_faces(of.clone(), Known::Reading);
        effects.push(Effect::Evidence(evidence::Request::Faces(
            of,
            Box::new(figure),
        )));
    }
    effects
}

fn is_whole(evaluation: &Evaluation) -> bool {
    let corrected = evaluation.provenance.corrected.as_deref();
    corrected.is_none_or(|mode| mode == "none")
}

/// Whose faces the view in front shows.
pub fn faces_shown(model: &Model) -> Option<FacesOf> {
    let triage = &model.triage;
    if model.view == View::Data {
        return super::data::person(model);
    }
    let figure = triage.figure.clone()?;
    match model.view {
        View::Failures => {
            let pair = triage.selected_pair()?.pair.pair;
            Some(FacesOf::Pair(figure, pair))
        }
        // A list can name videos that an evaluation of images knows nothing of.
        View::Errors if triage.is_of_images() => None,
        View::Errors => {
            let video = triage.selected_video()?.name.to_owned();
            Some(FacesOf::Video(figure, video))
        }
        _ => None,
    }
}

/// The strips that the view in front shows, where they are here.
pub fn strips(model: &Model) -> Option<&Arc<Vec<Strip>>> {
    match model.triage.faces_of(&faces_shown(model)?)? {
        Known::Ready(strips) => Some(strips),
        Known::Reading | Known::Missing(_) => None,
    }
}

/// Whether tracks are being played: then frames come by themselves.
pub fn plays(model: &Model) -> bool {
    let moving = |strips: &Arc<Vec<Strip>>| strips.iter().any(|strip| strip.frames.len() > 1);
    model.triage.player.playing && strips(model).is_some_and(moving)
}

/// Goes `by` frames on, around the end of the longer track.
fn frame(model: &mut Model, by: isize) {
    let longest = strips(model)
        .and_then(|strips| strips.iter().map(|strip| strip.frames.len()).max())
        .unwrap_or(0);
    if longest > 0 {
        let at = model.triage.player.frame as isize + by;
        model.triage.player.frame = at.rem_euclid(longest as isize) as usize;
    }
}

pub(super) fn moved(model: &mut Model, lines: isize) {
    let before = faces_shown(model);
    let triage = &mut model.triage;
    if model.view == View::Failures {
        let count = triage.lines().len();
        triage.pairs.row = shifted(triage.pairs.row.min(count.saturating_sub(1)), lines, count);
    } else {
        let count = triage.videos().len();
        triage.list.row = shifted(triage.list.row.min(count.saturating_sub(1)), lines, count);
    }
    if faces_shown(model) != before {
        model.triage.player.frame = 0;
    }
}

/// Why a video can't be marked or taken off now.
pub fn refusal(model: &Model, action: Action) -> Option<String> {
    let triage = &model.triage;
    match action {
        Action::MarkError | Action::Unlist | Action::AddVideo | Action::UndoMark => {}
        Action::Play | Action::FrameOn | Action::FrameBack => {
            let moving = strips(model)
                .is_some_and(|strips| strips.iter().any(|strip| strip.frames.len() > 1));
            return (!moving).then(|| "there is no track to play".to_owned());
        }
        _ => return None,
    }
    if let Some(Known::Missing(why)) = &triage.errors {
        return Some(why.clone());
    }
    if triage.errors().is_none() {
        return Some("the error list isn't read yet".to_owned());
    }
    match action {
        Action::UndoMark if triage.undo.is_empty() => {
            Some("nothing was changed here yet".to_owned())
        }
        Action::MarkError => match triage.failing() {
            None => Some("there is no failing pair to mark".to_owned()),
            Some(failing) if !failing.videos => {
                Some("error lists name videos, and this set is of images".to_owned())
            }
            Some(_) if triage.selected_pair().is_none() => {
                Some("there is no failing pair to mark".to_owned())
            }
            Some(_) => None,
        },
        Action::Unlist => match triage.selected_video() {
            None => Some("there is no video to take off".to_owned()),
            Some(line) if line.note.is_none() => Some(format!("{} isn't listed", line.name)),
            Some(_) => None,
        },
        _ => None,
    }
}

pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Play => model.triage.player.playing = !model.triage.player.playing,
        Action::FrameOn | Action::FrameBack => {
            model.triage.player.playing = false;
            frame(model, if action == Action::FrameOn { 1 } else { -1 });
        }
        Action::Order => {
            let order = model.triage.pairs.order.next();
            model.triage.pairs.order = order;
            model.triage.pairs.row = 0;
        }
        Action::Narrow => narrow(model),
        Action::MarkError => ask_reason(model),
        Action::Unlist => {
            let video = model
                .triage
                .selected_video()
                .map(|line| line.name.to_owned());
            return video.map_or_else(Vec::new, |video| {
                change(model, Change { video, note: None })
            });
        }
        Action::UndoMark => {
            let Some(undone) = model.triage.undo.pop() else {
                return Vec::new();
            };
            say(model, Tone::Done, format!("undone: {}", undone.video));
            return errors(model, undone);
        }
        Action::AddVideo => {
            model.overlay = Some(Overlay::Ask(Ask {
                about: Asked::Video,
                line: TextLine::default(),
            }));
        }
        Action::ExportList => {
            model.overlay = Some(Overlay::Ask(Ask {
                about: Asked::ExportErrors,
                line: TextLine::new("ytf-errors.csv"),
            }));
        }
        Action::NextFigure | Action::PreviousFigure => {
            turn(model, if action == Action::NextFigure { 1 } else { -1 });
        }
        _ => {}
    }
    Vec::new()
}

fn narrow(model: &mut Model) {
    if model.view == View::Failures {
        let pairs = &mut model.triage.pairs;
        pairs.kind = match pairs.kind {
            None => Some(FailureKind::FalseReject),
            Some(FailureKind::FalseReject) => Some(FailureKind::FalseAccept),
            Some(FailureKind::FalseAccept) => None,
        };
        pairs.row = 0;
    } else {
        let list = &mut model.triage.list;
        list.shown = list.shown.next();
        list.row = 0;
    }
}

/// Asks why the chosen side's video, or the selected video, is mislabelled.
fn ask_reason(model: &mut Model) {
    let triage = &model.triage;
    let video = if model.view == View::Failures {
        let side = triage.pairs.side;
        triage.selected_pair().map(|failed| match side {
            0 => failed.pair.a.clone(),
            _ => failed.pair.b.clone(),
        })
    } else {
        triage.selected_video().map(|line| line.name.to_owned())
    };
    let Some(video) = video else { return };
    let before = triage.note(&video).and_then(|note| note.reason.clone());
    let line = TextLine::new(&before.unwrap_or_default());
    model.overlay = Some(Overlay::Ask(Ask {
        about: Asked::Reason { video },
        line,
    }));
}

/// Lists a video with a reason.
pub(super) fn list(model: &mut Model, video: &str, reason: &str) -> Vec<Effect> {
    let note = Note {
        reason: (!reason.is_empty()).then(|| reason.to_owned()),
        ..Note::default()
    };
    change(
        model,
        Change {
            video: video.to_owned(),
            note: Some(note),
        },
    )
}

/// Changes the list, and remembers how it was.
fn change(model: &mut Model, change: Change) -> Vec<Effect> {
    let before = Change {
        video: change.video.clone(),
        note: model.triage.note(&change.video).cloned(),
    };
    model.triage.undo.push(before);
    errors(model, change)
}

fn errors(model: &mut Model, change: Change) -> Vec<Effect> {
    model.triage.before = model.triage.refigured.clone();
    vec![Effect::Evidence(evidence::Request::Errors {
        change: Some(change),
        figure: figure(model).map(Box::new),
    })]
}

/// Turns to the evaluation `by` places on, around the end; the error list has use for those of videos only.
fn turn(model: &mut Model, by: isize) {
    let mut figures = figures(model);
    let chosen = model.triage.figure.clone();
    let is_chosen = |figure: &Figure| Some(&figure.of) == chosen.as_ref();
    if model.view == View::Errors {
        figures.retain(|figure| is_chosen(figure) || is_of_videos(&figure.evaluation));
    }
    let at = figures.iter().position(is_chosen).unwrap_or(0) as isize;
    let at = (at + by).rem_euclid(figures.len().max(1) as isize);
    match figures.get(at as usize).filter(|next| !is_chosen(next)) {
        Some(next) => {
            model.triage.turn_to(Some(next.of.clone()));
            // The figures that the list leaves are others too.
            model.triage.errors = None;
        }
        None => say(
            model,
            Tone::Refused,
            "there is no other evaluation to turn to".to_owned(),
        ),
    }
}

fn is_of_videos(evaluation: &Evaluation) -> bool {
    evaluation.provenance.pooling.is_some()
}

/// Takes in an answer; one about another evaluation came too late.
pub(super) fn told(model: &mut Model, message: Message) {
    match message {
        Message::Failing { of, result } if model.triage.figure.as_ref() == Some(&of) => {
            model.triage.failing = Some(result.into());
        }
        Message::Suspects { of, result } if model.triage.figure.as_ref() == Some(&of) => {
            model.triage.suspects = Some(result.into());
        }
        Message::Faces { of, result } => model.triage.keep_faces(of, result.into()),
        Message::Errors { result, refigured } => listed(model, result, refigured),
        Message::NextFrame => frame(model, 1),
        _ => {}
    }
}

/// Takes in the list as it is now.
fn listed(model: &mut Model, result: Result<Arc<Errors>, String>, refigured: Option<Refigured>) {
    if let Err(why) = &result {
        // A change that failed leaves what was known.
        if model.triage.errors().is_some() {
            say(model, Tone::Failed, why.clone());
            model.triage.undo.pop();
            return;
        }
    }
    model.triage.errors = Some(result.into());
    let of_this = refigured.filter(|one| Some(&one.of) == model.triage.figure.as_ref());
    if of_this.is_some() {
        model.triage.refigured = of_this;
    }
}
