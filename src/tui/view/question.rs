//! The question before a run is stopped or put away, over the view.
//!
//! ```text
//! ┌─────────────────────────────────────────┐
//! │ Stop margin-centre?                     │
//! │ It takes a checkpoint first and can be  │
//! │ resumed.                  y yes   n no  │
//! └─────────────────────────────────────────┘
//! ```

use ratatui::layout::Rect;

use crate::tui::model::Asking;
use crate::tui::theme::{Charset, Role};
use crate::tui::widget::text::Pen;

/// Draws the question in the middle of `area`.
pub fn draw(pen: &mut Pen, area: Rect, what: Asking, name: &str) {
    let (question, consequence) = match what {
        Asking::Stop => (
            format!("Stop {name}?"),
            "It takes a checkpoint, ends, and can be resumed.",
        ),
        Asking::Archive => (
            format!("Put {name} out of sight?"),
            "It moves to .archive in the folder of runs, whole.",
        ),
    };
    let lines = [
        (question.as_str(), Role::Strong),
        (consequence, Role::Text),
        ("", Role::Text),
        ("y yes    n no", Role::Accent),
    ];
    let widest = lines
        .iter()
        .map(|(text, _)| pen.width(text))
        .max()
        .unwrap_or(0);
    let width = (widest + 6).min(area.width);
    let height = (lines.len() as u16 + 2).min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    frame(pen, place);
    for (row, (text, role)) in lines
        .iter()
        .enumerate()
        .take(usize::from(height).saturating_sub(2))
    {
        pen.put(
            place.x + 3,
            place.y + 1 + row as u16,
            width - 6,
            text,
            *role,
        );
    }
}

/// An empty box with a border.
pub fn frame(pen: &mut Pen, area: Rect) {
    let [across, down, corners] = match pen.theme.charset {
        Charset::Unicode => ["─", "│", "╭╮╰╯"],
        Charset::Ascii => ["-", "|", "++++"],
    };
    let corner: Vec<char> = corners.chars().collect();
    let style = pen.theme.style(Role::Accent);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let Some(cell) = pen.buffer.cell_mut((x, y)) else {
                continue;
            };
            cell.reset();
            let (left, right) = (x == area.left(), x + 1 == area.right());
            let (top, bottom) = (y == area.top(), y + 1 == area.bottom());
            match (top, bottom, left, right) {
                (true, _, true, _) => cell.set_char(corner[0]),
                (true, _, _, true) => cell.set_char(corner[1]),
                (_, true, true, _) => cell.set_char(corner[2]),
                (_, true, _, true) => cell.set_char(corner[3]),
                (true, ..) | (_, true, ..) => cell.set_symbol(across),
                (_, _, true, _) | (_, _, _, true) => cell.set_symbol(down),
                _ => continue,
            };
            cell.set_style(style);
        }
    }
}
