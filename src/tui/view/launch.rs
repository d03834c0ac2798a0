//! The form that launches a run: its fields, and what is wrong with them.
//!
//! ```text
//!  Launch a run ─────────────────────────────────────
//!  ▌ recipe  assets/recipes/cpu-small.toml
//!    config  config.ini
//!    name    the new run's name; empty takes the recipe's
//!    device  auto
//!
//!  ✗ recipe.toml:3: steps: found -1, allowed: a whole number from 1
//! ```

use ratatui::layout::{Position, Rect};

use crate::tui::form::{Form, Outcome};
use crate::tui::line::TextLine;
use crate::tui::message::Target;

use crate::tui::theme::Role;
use crate::tui::widget::text::{Pen, wrap};

use super::ViewCache;

/// Draws the form; returns where the cursor belongs.
pub fn draw(form: &Form, cache: &mut ViewCache, pen: &mut Pen, area: Rect) -> Position {
    let inner = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2).min(120),
        height: area.height.saturating_sub(1),
    };
    pen.title(inner, form.kind.title(), Role::Accent);
    let mut cursor = Position::new(inner.x, inner.y);
    let (labels, hints) = (form.kind.labels(), form.kind.hints());
    for (nth, field) in form.fields.iter().enumerate() {
        let line = Rect {
            y: inner.y + 2 + nth as u16,
            height: 1,
            ..inner
        };
        if line.y >= inner.bottom() {
            break;
        }
        let column = draw_field(
            labels[nth],
            10,
            field,
            hints[nth],
            nth == form.at,
            pen,
            line,
        );
        if nth == form.at {
            cursor = Position::new(line.x + column, line.y);
        }
        cache.hit(line, Target::Field(nth));
    }
    let top = inner.y + 3 + form.fields.len() as u16;
    let rest = Rect {
        y: top.min(inner.bottom()),
        height: inner.bottom().saturating_sub(top),
        ..inner
    };
    if form.keys.is_empty() {
        draw_outcome(form, pen, rest);
        return cursor;
    }
    // What is wrong with a key stands right below all keys, and they leave it the room.
    let below = (rest.height / 4).clamp(2, 6).min(rest.height);
    let keys = Rect {
        height: rest.height - below,
        ..rest
    };
    draw_keys(form, cache, pen, keys, &mut cursor);
    let outcome = Rect {
        y: keys.bottom(),
        height: below,
        ..rest
    };
    draw_outcome(form, pen, outcome);
    cursor
}

/// A label and what is typed; returns the cell of the cursor in the line.
fn draw_field(
    label: &str,
    indent: u16,
    field: &TextLine,
    hint: &str,
    focused: bool,
    pen: &mut Pen,
    line: Rect,
) -> u16 {
    let (mark, role) = if focused {
        ("▌", Role::Accent)
    } else {
        (" ", Role::Quiet)
    };
    pen.put(line.x, line.y, 1, mark, Role::Accent);
    pen.put(line.x + 2, line.y, indent - 3, label, role);
    let room = line.width.saturating_sub(indent + 1);
    let (text, column) = field.shown(room);
    if text.is_empty() {
        pen.put(line.x + indent, line.y, room, hint, Role::Quiet);
    } else {
        pen.put(line.x + indent, line.y, room, &text, Role::Text);
    }
    indent + column
}

/// Cells before what is typed for a key.
const KEY: u16 = 34;

/// The recipe's keys around the chosen one: what differs from the default says so, and what from the recipe.
fn draw_keys(form: &Form, cache: &mut ViewCache, pen: &mut Pen, area: Rect, cursor: &mut Position) {
    if area.height < 2 {
        return;
    }
    pen.title(area, "the recipe's keys", Role::Strong);
    let rows = usize::from(area.height - 1);
    let chosen = form.at.checked_sub(form.fields.len());
    let first = chosen
        .unwrap_or(0)
        .saturating_sub(rows / 2)
        .min(form.keys.len().saturating_sub(rows));
    for (row, (nth, field)) in form
        .keys
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .enumerate()
    {
        let line = Rect {
            y: area.y + 1 + row as u16,
            height: 1,
            ..area
        };
        let typed = field.line.text();
        let changed = typed != field.given;
        let differs = field
            .default
            .as_deref()
            .is_some_and(|default| default != typed);
        let note = match (&field.default, changed) {
            (Some(default), _) if differs => format!(" default {default}"),
            (_, true) => format!(" recipe {}", field.given),
            _ => String::new(),
        };
        let wide = pen.width(&note).min(line.width / 3);
        let place = Rect {
            width: line.width - wide,
            ..line
        };
        let column = draw_field(
            &field.key,
            KEY,
            &field.line,
            "",
            chosen == Some(nth),
            pen,
            place,
        );
        let (mark, role) = match (changed, differs) {
            (true, _) => (pen.theme.pick("Δ", "*"), Role::Waiting),
            (false, true) => (pen.theme.pick("≠", "!"), Role::Accent),
            (false, false) => (" ", Role::Quiet),
        };
        pen.put(line.x + KEY - 2, line.y, 1, mark, role);
        pen.put_right(line.x, line.y, line.width, &note, Role::Quiet);
        if chosen == Some(nth) {
            *cursor = Position::new(line.x + column, line.y);
        }
        cache.hit(line, Target::Field(form.fields.len() + nth));
    }
}

fn draw_outcome(form: &Form, pen: &mut Pen, inner: Rect) {
    let top = inner.y;
    let (mark, role, lines) = match &form.outcome {
        Outcome::Unknown => (
            " ",
            Role::Quiet,
            vec!["Enter launches what is there; Tab and ↓ lead on.".to_owned()],
        ),
        Outcome::Good(summary) => (pen.theme.pick("✓", "+"), Role::Good, vec![summary.clone()]),
        Outcome::Launching => (" ", Role::Waiting, vec!["launching…".to_owned()]),
        Outcome::Wrong(errors) => (pen.theme.pick("✗", "x"), Role::Bad, errors.clone()),
    };
    let mut y = top;
    for line in lines {
        let mut mark = mark;
        for part in wrap(&line, inner.width.saturating_sub(2).into()) {
            if y >= inner.bottom() {
                return;
            }
            pen.put(inner.x, y, 1, mark, role);
            pen.put(inner.x + 2, y, inner.width - 2, &part, Role::Text);
            mark = " ";
            y += 1;
        }
    }
}
