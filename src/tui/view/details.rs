//! About the selected run of the list: facts at the left, its journal at the right, curves where there is room.
//!
//! ```text
//! margin-centre  the centre term alone ─────────────────────────────────────────
//! step        620 of 1,000 · epoch 3            12s  checkpoint step-00000600
//! speed       41.2 images/s · 3m12s to go       15s  78.3 % ± 2.1 on LFW at step 600
//! ```

use ratatui::layout::Rect;

use crate::run::{JobKind, RunState};
use crate::tui::model::Model;
use crate::tui::snapshot::{Contents, RunDetails, RunSnapshot};
use crate::tui::theme::Role;
use crate::tui::widget::text::{Pen, wrap};
use crate::tui::words;

use super::{ViewCache, grid, summary};

/// The rows this pane would like of a body `height` rows tall.
pub fn height(body: u16) -> u16 {
    match body {
        0..14 => 0,
        14..34 => 9,
        _ => 26,
    }
}

/// Draws what there is room for.
pub fn draw(model: &Model, run: &RunSnapshot, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    if area.height < 3 {
        return;
    }
    let note = run.details().and_then(|details| details.note.as_deref());
    draw_title(&run.name, note, pen, area);
    if let Some(text) = summary::pending(model, run) {
        pen.put_right(
            area.x,
            area.y,
            area.width,
            &format!(" {text}"),
            Role::Waiting,
        );
    }
    let body = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    match &run.contents {
        Contents::Run(details) => draw_run(model, run, details, cache, pen, body),
        Contents::EventLog => {
            pen.put(
                body.x,
                body.y,
                body.width,
                "An event log that another program wrote: its curves can be watched.",
                Role::Text,
            );
            draw_curves(model, run, cache, pen, below(body, 2));
        }
        Contents::Broken(why) => {
            let rows = body.height.into();
            for (row, line) in wrap(why, body.width.into()).iter().take(rows).enumerate() {
                pen.put(body.x, body.y + row as u16, body.width, line, Role::Text);
            }
        }
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
    let facts = facts(run, details);
    let left = (area.width * 52 / 100).min(72);
    let rows = if model.list.zoomed {
        area.height / 2
    } else {
        7.min(area.height)
    };
    let mut y = area.y;
    for (label, text, role) in &facts {
        if y >= area.y + rows {
            break;
        }
        pen.put(area.x, y, 11, label, Role::Quiet);
        let room = if *role == Role::Bad { area.width } else { left };
        let room = usize::from(room.saturating_sub(13));
        let lines = match role {
            Role::Bad => wrap(text, room),
            _ => vec![text.clone()],
        };
        for line in lines.iter().take(3) {
            if y < area.y + rows {
                pen.put(area.x + 12, y, room as u16, line, *role);
                y += 1;
            }
        }
    }
    let wordy = facts.iter().any(|(_, _, role)| *role == Role::Bad);
    if !wordy {
        let journal = Rect {
            x: area.x + left + 1,
            width: area.width - left - 1,
            height: rows,
            ..area
        };
        draw_journal(model, details, pen, journal);
    }
    draw_curves(model, run, cache, pen, below(area, rows + 1));
}

/// The run's name, what a person noted of it, and a rule.
fn draw_title(name: &str, note: Option<&str>, pen: &mut Pen, area: Rect) {
    let mut pieces = vec![(name, Role::Strong)];
    if let Some(note) = note {
        pieces.extend([("  ", Role::Text), (note, Role::Text)]);
    }
    let used = pen.put_all(area.x, area.y, area.width, &pieces);
    let gap = (used + 1).min(area.width);
    pen.rule(area.x + gap, area.y, area.width - gap);
}

fn below(area: Rect, rows: u16) -> Rect {
    Rect {
        y: area.y + rows.min(area.height),
        height: area.height.saturating_sub(rows),
        ..area
    }
}

fn draw_curves(model: &Model, run: &RunSnapshot, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    if area.height >= 6 && model.curves_of(&run.path).is_some() {
        grid::draw_first(model, run, cache, pen, area);
    }
}

fn draw_journal(model: &Model, details: &RunDetails, pen: &mut Pen, area: Rect) {
    let newest = details.journal.iter().rev().take(area.height.into());
    for (row, entry) in newest.enumerate() {
        let y = area.y + row as u16;
        pen.put_right(
            area.x,
            y,
            4,
            &words::age(model.now - entry.time),
            Role::Quiet,
        );
        pen.put(
            area.x + 6,
            y,
            area.width.saturating_sub(6),
            &summary::entry(entry),
            Role::Text,
        );
    }
}

type Fact = (&'static str, String, Role);

fn facts(run: &RunSnapshot, details: &RunDetails) -> Vec<Fact> {
    let status = &details.status;
    let mut facts: Vec<Fact> = Vec::new();
    let mut add = |label, text: String| facts.push((label, text, Role::Text));
    if let Some(phase) = &status.phase {
        add("phase", phase.clone());
    }
    let done = format!(
        "{} of {}",
        words::count(status.step),
        words::count(status.steps)
    );
    let epoch = (status.kind == JobKind::Train).then(|| format!(" · epoch {}", status.epoch));
    add("step", format!("{done}{}", epoch.unwrap_or_default()));
    if let Some(speed) = status.images_per_second.filter(|_| run.is_running()) {
        let eta = status
            .eta_seconds
            .map(|eta| format!(" · {} to go", words::duration(eta)));
        add(
            "speed",
            format!("{} images/s{}", words::rate(speed), eta.unwrap_or_default()),
        );
    }
    if let Some(loss) = status.scalars.get("loss/total") {
        add("total loss", words::figure(*loss));
    }
    for (nth, best) in details.best.iter().enumerate() {
        let accuracy = words::percent(best.accuracy);
        add(
            if nth == 0 { "best" } else { "" },
            format!("{accuracy} ± {:.1} on {}", best.std * 100.0, best.set),
        );
    }
    if let Some(lint) = summary::last_lint(details) {
        facts.push(("look", lint, Role::Waiting));
    }
    let mut add = |label, text: String| facts.push((label, text, Role::Text));
    if let Some(checkpoint) = &status.last_checkpoint {
        add("checkpoint", checkpoint.clone());
    }
    let pid = status
        .pid
        .filter(|_| run.is_live())
        .map(|pid| format!(" · process {pid}"));
    add(
        "device",
        format!(
            "{} on {}{}",
            status.device,
            status.host,
            pid.unwrap_or_default()
        ),
    );
    if let Some(error) = &status.last_error
        && matches!(status.state, RunState::Failed | RunState::Lost)
    {
        facts.insert(0, ("error", error.clone(), Role::Bad));
    }
    facts
}
