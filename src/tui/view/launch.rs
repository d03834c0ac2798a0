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

use crate::tui::message::Target;
use crate::tui::model::{Form, Outcome};
use crate::tui::theme::Role;
use crate::tui::widget::text::{Pen, wrap};

use super::ViewCache;

/// Draws the form; returns where the cursor belongs.
pub fn draw(form: &Form, cache: &mut ViewCache, pen: &mut Pen, area: Rect) -> Position {
    let inner = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2).min(110),
        height: area.height.saturating_sub(1),
    };
    pen.title(inner, "Launch a run", Role::Accent);
    let mut cursor = Position::new(inner.x, inner.y);
    for (nth, label) in Form::LABELS.iter().enumerate() {
        let y = inner.y + 2 + nth as u16;
        if y >= inner.bottom() {
            break;
        }
        let focused = nth == form.at;
        let (mark, role) = if focused {
            ("▌", Role::Accent)
        } else {
            (" ", Role::Quiet)
        };
        pen.put(inner.x, y, 1, mark, Role::Accent);
        pen.put(inner.x + 2, y, 8, label, role);
        let x = inner.x + 10;
        let room = inner.right().saturating_sub(x + 1);
        let (text, column) = form.fields[nth].shown(room);
        if text.is_empty() {
            pen.put(x, y, room, Form::HINTS[nth], Role::Quiet);
        } else {
            pen.put(x, y, room, &text, Role::Text);
        }
        if focused {
            cursor = Position::new(x + column, y);
        }
        let hit = Rect {
            x: inner.x,
            y,
            width: inner.width,
            height: 1,
        };
        cache.hit(hit, Target::Field(nth));
    }
    draw_outcome(form, pen, inner);
    cursor
}

fn draw_outcome(form: &Form, pen: &mut Pen, inner: Rect) {
    let top = inner.y + 3 + Form::LABELS.len() as u16;
    let (mark, role, lines) = match &form.outcome {
        Outcome::Unknown => (
            " ",
            Role::Quiet,
            vec!["Tab checks what is there, Enter launches it.".to_owned()],
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
