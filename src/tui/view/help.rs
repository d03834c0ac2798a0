//! The help: the table of keys, by where they hold.
//!
//! ```text
//!  In every view ───────────────────────────────────
//!    ↑ k        One up: a run, a chart, a row, a line.
//! ```

use ratatui::layout::Rect;

use crate::tui::keys::{Binding, Context, TABLE};
use crate::tui::theme::Role;
use crate::tui::widget::text::{Pen, wrap};

/// Draws the help from line `scroll` on.
pub fn draw(pen: &mut Pen, area: Rect, scroll: usize) {
    let columns = if area.width >= 150 { 2 } else { 1 };
    let width = area.width / columns - 2;
    let lines = lines(width.into());
    let rows = usize::from(area.height);
    let shown = rows * usize::from(columns);
    let first = scroll.min(lines.len().saturating_sub(shown));
    for (at, line) in lines.iter().skip(first).take(shown).enumerate() {
        let x = area.x + 1 + (at / rows) as u16 * (width + 2);
        let y = area.y + (at % rows) as u16;
        match line {
            Line::Blank => {}
            Line::Title(title) => {
                pen.title(Rect { x, y, width, height: 1 }, title, Role::Accent);
            }
            Line::Key(keys, text) => {
                pen.put(x + 2, y, KEYS - 1, keys, Role::Strong);
                pen.put(x + 2 + KEYS, y, width.saturating_sub(2 + KEYS), text, Role::Text);
            }
        }
    }
    if first + shown < lines.len() {
        let more = format!(" ↓ {} more lines ", lines.len() - first - shown);
        let y = area.bottom() - 1;
        pen.put_right(area.x, y, area.width - 1, &more, Role::Waiting);
    }
}

/// More lines than the help ever has: how far scrolling can go.
pub fn length() -> usize {
    lines(40).len()
}

/// Cells for the keys of a line.
const KEYS: u16 = 16;

enum Line {
    Blank,
    Title(&'static str),
    Key(String, String),
}

fn lines(width: usize) -> Vec<Line> {
    let room = width.saturating_sub(usize::from(KEYS) + 2);
    let mut lines = Vec::new();
    for (title, holds) in SECTIONS {
        if !lines.is_empty() {
            lines.push(Line::Blank);
        }
        lines.push(Line::Title(title));
        for binding in TABLE.iter().filter(|binding| section(binding) == *holds) {
            let mut keys = binding.names();
            for text in wrap(binding.help, room) {
                lines.push(Line::Key(std::mem::take(&mut keys), text));
            }
        }
    }
    lines
}

#[derive(PartialEq, Eq)]
enum Section {
    Everywhere,
    Run,
    Live,
    Evaluation,
    Runs,
    Question,
    Form,
}

const SECTIONS: &[(&str, Section)] = &[
    ("In every view", Section::Everywhere),
    ("With a run, in the list and live", Section::Run),
    ("In the list of runs", Section::Runs),
    ("In the live view", Section::Live),
    ("In the live view and the evaluations", Section::Evaluation),
    ("When launching a run", Section::Form),
    ("When asked", Section::Question),
];

fn section(binding: &Binding) -> Section {
    match binding.contexts {
        [Context::Runs] => Section::Runs,
        [Context::Live] => Section::Live,
        [Context::Form] => Section::Form,
        [Context::Question] => Section::Question,
        [Context::Runs, Context::Live] => Section::Run,
        [Context::Live, Context::Evaluation] => Section::Evaluation,
        _ => Section::Everywhere,
    }
}
