//! The command palette, over the view.
//!
//! ```text
//! ╭ commands ──────────────────────────────────────────────────────╮
//! │ pau_                                                           │
//! │ ▌ toggle-pause      p   Pause the run, or let it go on: …      │
//! │   smooth            e   Smooth the curves more: …       2 Live │
//! ╰────────────────────────────────────────────────────────────────╯
//! ```

use ratatui::layout::{Position, Rect};

use crate::tui::model::{Model, Palette};
use crate::tui::theme::Role;
use crate::tui::update::entries;
use crate::tui::widget::text::Pen;

use super::question::frame;

/// Draws it; where the cursor belongs.
pub fn draw(model: &Model, palette: &Palette, pen: &mut Pen, area: Rect) -> Position {
    let entries = entries(model);
    let place = Rect {
        x: area.x + 2,
        y: area.y,
        width: (area.width - 4).min(110),
        height: area.height.min(entries.len().max(1) as u16 + 3).min(24),
    };
    frame(pen, place);
    pen.put(place.x + 2, place.y, 12, " commands ", Role::Accent);
    let inner = Rect {
        x: place.x + 2,
        y: place.y + 1,
        width: place.width.saturating_sub(4),
        height: place.height.saturating_sub(2),
    };
    let (text, column) = palette.line.shown(inner.width);
    pen.put(inner.x, inner.y, inner.width, &text, Role::Strong);
    let rows = usize::from(inner.height.saturating_sub(1));
    if entries.is_empty() {
        pen.put(
            inner.x,
            inner.y + 1,
            inner.width,
            "no command contains this",
            Role::Quiet,
        );
    }
    let at = palette.at.min(entries.len().saturating_sub(1));
    let first = (at + 1).saturating_sub(rows);
    for (row, (index, entry)) in entries
        .iter()
        .enumerate()
        .skip(first)
        .take(rows)
        .enumerate()
    {
        let y = inner.y + 1 + row as u16;
        let chosen = index == at;
        let (mark, role) = if chosen {
            ("▌", Role::Accent)
        } else {
            (" ", Role::Strong)
        };
        pen.put(inner.x, y, 1, mark, Role::Accent);
        pen.put(inner.x + 2, y, 18, &entry.name, role);
        pen.put(inner.x + 21, y, 8, &entry.bound.name(), Role::Quiet);
        let leads_to = entry.leads_to.map(|view| format!(" in {}", view.name()));
        let leads_to = leads_to.unwrap_or_default();
        let wide = pen.width(&leads_to);
        let room = inner.width.saturating_sub(30 + wide);
        let (text, role) = match &entry.refused {
            Some(why) => (why.as_str(), Role::Quiet),
            None => (entry.bound.binding.help, Role::Text),
        };
        pen.put(inner.x + 30, y, room, text, role);
        pen.put_right(inner.x, y, inner.width, &leads_to, Role::Quiet);
    }
    Position::new(inner.x + column, inner.y)
}
