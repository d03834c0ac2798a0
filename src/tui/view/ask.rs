//! The line that is typed, in the place of the footer.
//!
//! ```text
//! what is wrong with Alma_Powell/2: shows another woman_          Enter do it  Esc cancel
//! ```

use ratatui::layout::{Position, Rect};

use crate::tui::keys::{Context, Keys};
use crate::tui::model::Ask;
use crate::tui::theme::Role;
use crate::tui::widget::text::Pen;

/// Draws it; where the cursor belongs.
pub fn draw(keys: &Keys, ask: &Ask, pen: &mut Pen, area: Rect) -> Position {
    let labelled = keys
        .of(Context::Ask)
        .filter(|bound| !bound.binding.label.is_empty());
    let hints: Vec<String> = labelled
        .filter(|bound| bound.binding.label != "clear")
        .map(|bound| format!("{} {}", bound.name(), bound.binding.label))
        .collect();
    let hints = hints.join("  ");
    let wide = pen.width(&hints);
    let prompt = ask.about.prompt();
    let used = pen.put(area.x + 1, area.y, area.width / 2, &prompt, Role::Accent);
    let x = area.x + used + 2;
    let room = area.right().saturating_sub(x + wide + 3).max(1);
    let (text, column) = ask.line.shown(room);
    pen.put(x, area.y, room, &text, Role::Strong);
    pen.put_right(area.x, area.y, area.width - 1, &hints, Role::Quiet);
    Position::new(x + column, area.y)
}
