//! What the worker printed: for a run that ended badly, its last words.
//!
//! ```text
//!  last words ──────────────────────────────── worker.log
//!  thread 'main' panicked at worker/src/train/step.rs:81
//! ```

use ratatui::layout::Rect;

use crate::run::RunState;
use crate::tui::snapshot::RunDetails;
use crate::tui::theme::Role;
use crate::tui::widget::text::Pen;

/// Draws the newest lines, or those `scroll` lines before them.
pub fn draw(details: &RunDetails, scroll: usize, pen: &mut Pen, area: Rect) {
    if area.height < 2 {
        return;
    }
    let ended_badly = matches!(details.status.state, RunState::Failed | RunState::Lost);
    let title = if ended_badly {
        "last words"
    } else {
        "worker's output"
    };
    pen.title(
        area,
        title,
        if ended_badly { Role::Bad } else { Role::Strong },
    );
    let rows = usize::from(area.height - 1);
    let lines = &details.log;
    let end = lines
        .len()
        .saturating_sub(scroll)
        .max(rows.min(lines.len()));
    let start = end.saturating_sub(rows);
    let mark = if end < lines.len() {
        format!(" {} lines below ", lines.len() - end)
    } else {
        " worker.log ".to_owned()
    };
    pen.put_right(area.x, area.y, area.width, &mark, Role::Quiet);
    if lines.is_empty() {
        pen.put(
            area.x,
            area.y + 1,
            area.width,
            "it has printed nothing",
            Role::Quiet,
        );
    }
    for (row, line) in lines[start..end].iter().enumerate() {
        pen.put(
            area.x,
            area.y + 1 + row as u16,
            area.width,
            line,
            Role::Text,
        );
    }
}
