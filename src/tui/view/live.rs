//! One run, live: where it stands, its curves, and what its worker printed.
//!
//! ```text
//!  margin-centre  ● running  ━━━━━━━━━━━━━───────── 62 %  620 of 1,000  3m12s to go
//!  epoch 3 · 41.2 images/s · flex · step-00000600                      pause sent…
//! ▌total loss ──────────── 12.31  margin ───────────────── 10.22
//!    40┤⠑⢄                           40┤⠑⢄
//!    20┤  ⠑⠢⠤⣀⡀                      20┤  ⠑⠢⠤⣀⡀
//! ```

use ratatui::layout::Rect;

use crate::run::{JobKind, RunState};
use crate::tui::along::AlongBy;
use crate::tui::charts;
use crate::tui::model::{Model, SMOOTHINGS};
use crate::tui::snapshot::{Contents, RunDetails, RunSnapshot};
use crate::tui::theme::Role;
use crate::tui::widget::gauge::bar;
use crate::tui::widget::text::{Pen, wrap};
use crate::tui::words;

use super::{ViewCache, devices, figures, grid, log, runs, summary};

/// Draws the selected run.
pub fn draw(model: &Model, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let Some(run) = model.selected_run() else {
        let why = if model.runs.is_none() {
            "looking for runs…"
        } else {
            "No run to watch yet"
        };
        pen.empty(area, &[why, "n launches one from a recipe"]);
        return;
    };
    let inner = Rect {
        x: area.x + 1,
        width: area.width - 2,
        ..area
    };
    let used = draw_head(model, run, pen, inner);
    let body = Rect {
        y: area.y + used,
        height: area.height.saturating_sub(used),
        ..area
    };
    let body = if model.live.devices {
        devices::draw(model, run, pen, body)
    } else {
        body
    };
    match &run.contents {
        Contents::Broken(_) => {}
        Contents::EventLog => grid::draw(model, run, cache, pen, body),
        Contents::Run(details) => draw_run(model, run, details, cache, pen, body),
    }
}

fn draw_run(
    model: &Model,
    run: &RunSnapshot,
    details: &RunDetails,
    cache: &mut ViewCache,
    pen: &mut Pen,
    area: Rect,
) {
    if !model.shows_log(run) {
        draw_main(model, run, details, cache, pen, area);
        return;
    }
    let has_curves = model
        .curves_of(&run.path)
        .is_some_and(|curves| curves.scalars.tags().next().is_some());
    let wanted = details.log.len() as u16 + 1;
    let most = if has_curves {
        area.height * 2 / 5
    } else {
        area.height
    };
    let height = wanted.clamp(2, most.max(2)).min(area.height);
    let upper = Rect {
        height: area.height - height,
        ..area
    };
    if has_curves {
        draw_main(model, run, details, cache, pen, upper);
    }
    let lower = Rect {
        x: area.x + 1,
        width: area.width - 2,
        y: if has_curves { upper.bottom() } else { area.y },
        height,
    };
    log::draw(details, model.live.log_scroll, pen, lower);
}

fn draw_main(
    model: &Model,
    run: &RunSnapshot,
    details: &RunDetails,
    cache: &mut ViewCache,
    pen: &mut Pen,
    area: Rect,
) {
    if details.status.kind == JobKind::Eval {
        let place = Rect {
            x: area.x + 1,
            width: area.width - 2,
            ..area
        };
        match details.results.last() {
            Some(evaluation) => figures::draw(evaluation, pen, place),
            None => draw_nothing(details, pen, area, "the figures will appear here"),
        }
        return;
    }
    match model.curves_of(&run.path) {
        Some(curves) if curves.scalars.tags().next().is_some() => {
            grid::draw(model, run, cache, pen, area);
        }
        _ => draw_nothing(details, pen, area, "the curves begin with the first step"),
    }
}

fn draw_nothing(details: &RunDetails, pen: &mut Pen, area: Rect, hope: &str) {
    let status = &details.status;
    let phase = status.phase.as_deref().unwrap_or("waiting for the worker");
    match status.state {
        RunState::Starting => pen.empty(area, &[&format!("starting: {phase}"), "", hope]),
        state if state.is_live() => pen.empty(
            area,
            &[phase_or(status.phase.as_deref(), "at work"), "", hope],
        ),
        state => pen.empty(
            area,
            &[
                &format!("{} before its first step", words::state(state)),
                "",
                "l shows what the worker printed",
            ],
        ),
    }
}

fn phase_or<'a>(phase: Option<&'a str>, other: &'a str) -> &'a str {
    phase.filter(|phase| !phase.is_empty()).unwrap_or(other)
}

/// Two lines about the run, more where it fails or seems to; returns the rows used.
fn draw_head(model: &Model, run: &RunSnapshot, pen: &mut Pen, area: Rect) -> u16 {
    let details = match &run.contents {
        Contents::Run(details) => details,
        Contents::EventLog => {
            pen.put_all(
                area.x,
                area.y,
                area.width,
                &[
                    (&run.name, Role::Strong),
                    ("  another program's event log", Role::Quiet),
                ],
            );
            return 1;
        }
        Contents::Broken(why) => {
            pen.put_all(
                area.x,
                area.y,
                area.width,
                &[(&run.name, Role::Strong), ("  can't be read", Role::Bad)],
            );
            let lines = wrap(why, area.width.into());
            for (row, line) in lines
                .iter()
                .enumerate()
                .take(usize::from(area.height).saturating_sub(2))
            {
                pen.put(
                    area.x,
                    area.y + 2 + row as u16,
                    area.width,
                    line,
                    Role::Text,
                );
            }
            return area.height;
        }
    };
    draw_progress(run, details, pen, area);
    let second = Rect {
        y: area.y + 1,
        height: 1,
        ..area
    };
    let right = right_of_head(model, run, pen);
    let taken: u16 = right.iter().map(|(text, _)| pen.width(text)).sum();
    let pieces: Vec<(&str, Role)> = right
        .iter()
        .map(|(text, role)| (text.as_str(), *role))
        .collect();
    pen.put_all(
        second.right() - taken.min(second.width),
        second.y,
        taken,
        &pieces,
    );
    let room = second.width.saturating_sub(taken + 2);
    let status = &details.status;
    if let Some(error) = &status.last_error
        && matches!(status.state, RunState::Failed | RunState::Lost)
    {
        let lines = wrap(error, room.into());
        let rows = lines.len().min(4) as u16;
        for (row, line) in lines.iter().take(rows.into()).enumerate() {
            pen.put(second.x, second.y + row as u16, room, line, Role::Bad);
        }
        return 1 + rows;
    }
    pen.put(
        second.x,
        second.y,
        room,
        &facts(run, details).join(" · "),
        Role::Quiet,
    );
    // Of a run that has ended it is history: the marks tell.
    let Some(lint) = summary::last_lint(details).filter(|_| run.is_live()) else {
        return 2;
    };
    let pieces = [("! ", Role::Waiting), (lint.as_str(), Role::Waiting)];
    pen.put_all(area.x, area.y + 2, area.width, &pieces);
    3
}

fn draw_progress(run: &RunSnapshot, details: &RunDetails, pen: &mut Pen, area: Rect) {
    let status = &details.status;
    let (role, glyph) = pen.theme.state(status.state);
    let word = words::state(status.state);
    let name_room = area.width / 3;
    let mut x = area.x;
    x += pen.put(x, area.y, name_room, &run.name, Role::Strong) + 2;
    x += pen.put_all(x, area.y, 12, &[(glyph, role), (" ", role), (word, role)]) + 2;
    let share = runs::share(status.step, status.steps);
    let eta = status.eta_seconds.filter(|_| run.is_running());
    let eta = eta.map(|eta| format!("  {} to go", words::duration(eta)));
    let end = format!(
        " {}  {} of {}{}",
        runs::whole_percent(share),
        words::count(status.step),
        words::count(status.steps),
        eta.unwrap_or_default()
    );
    let wide = pen.width(&end);
    let room = area.right().saturating_sub(x + wide);
    if room >= 4 {
        let (full, empty) = bar(share, room.into(), pen.theme);
        pen.put_all(x, area.y, room, &[(&full, role), (&empty, Role::Quiet)]);
    }
    pen.put_right(area.x, area.y, area.width, &end, Role::Text);
}

fn facts(run: &RunSnapshot, details: &RunDetails) -> Vec<String> {
    let status = &details.status;
    let mut facts = Vec::new();
    facts.extend(status.phase.clone().filter(|phase| !phase.is_empty()));
    if status.kind == JobKind::Train {
        facts.push(format!("epoch {}", status.epoch));
    }
    if let Some(speed) = status.images_per_second.filter(|_| run.is_running()) {
        facts.push(format!("{} images/s", words::rate(speed)));
    }
    facts.push(status.device.clone());
    if let Some(best) = details.best.first() {
        facts.push(format!(
            "best {} on {}",
            words::percent(best.accuracy),
            best.set
        ));
    }
    facts.extend(status.last_checkpoint.clone());
    facts
}

/// The right end of the head's second line: a command on its way, and how the curves are shown.
fn right_of_head(model: &Model, run: &RunSnapshot, pen: &Pen) -> Vec<(String, Role)> {
    let mut pieces = Vec::new();
    if let Some(text) = summary::pending(model, run) {
        let mark = pen.theme.pick("◌ ", "~ ");
        pieces.push((format!("{mark}{text}"), Role::Waiting));
    }
    if model.live.kept.smoothing > 0 {
        pieces.push((
            format!("  smooth {}", SMOOTHINGS[model.live.kept.smoothing]),
            Role::Accent,
        ));
    }
    let live = &model.live;
    for (holds, text) in [
        (live.kept.log_y, "  log y"),
        (live.kept.log_x, "  log x"),
        (live.kept.ignore_outliers, "  outliers ignored"),
        (live.kept.along == AlongBy::Time, "  by time"),
        (live.kept.along == AlongBy::Epoch, "  by epoch"),
        (live.window.is_some(), "  part"),
    ] {
        if holds {
            pieces.push((text.to_owned(), Role::Accent));
        }
    }
    if let (Some(at), Some(along)) = (live.cursor, charts::along(model)) {
        pieces.push((format!("  at {}", along.text(at)), Role::Accent));
    }
    if !model.beside.is_empty() {
        let text = format!("  beside {}", model.beside.len());
        pieces.push((text, Role::Accent));
    }
    pieces
}
