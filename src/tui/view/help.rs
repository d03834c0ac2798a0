//! The help: the table of keys, by where they hold, and what the marks below the charts are.
//!
//! ```text
//!  In every view ───────────────────────────────────
//!    ↑ k        One up: a run, a chart, a row, a line.
//! ```

use ratatui::layout::{Position, Rect};

use crate::tui::keys::{Binding, Context, Keys};
use crate::tui::line::TextLine;
use crate::tui::marks::MarkKind;
use crate::tui::theme::Role;
use crate::tui::widget::text::{Pen, wrap};

/// What the help is searched for.
pub struct Searched<'a> {
    /// The text.
    pub text: &'a TextLine,
    /// Whether it is being typed.
    pub typing: bool,
}

/// Draws the help from line `scroll` on; in two columns where that shows all of it. Where the cursor belongs, if
/// something is typed.
pub fn draw(
    keys: &Keys,
    pen: &mut Pen,
    area: Rect,
    scroll: usize,
    searched: &Searched,
) -> Option<Position> {
    if !searched.typing && searched.text.text().is_empty() {
        draw_all(keys, pen, area, scroll);
        return None;
    }
    let label = "search ";
    let used = pen.put(area.x + 1, area.y, area.width - 2, label, Role::Accent);
    let (text, column) = searched.text.shown(area.width - 2 - used);
    pen.put(
        area.x + 1 + used,
        area.y,
        area.width - 2,
        &text,
        Role::Strong,
    );
    let wanted = searched.text.text().to_lowercase();
    let found = found(keys, &wanted, usize::from(area.width - 2));
    let below = Rect {
        y: area.y + 1,
        height: area.height - 1,
        ..area
    };
    if found.is_empty() {
        pen.put(
            below.x + 1,
            below.y,
            below.width,
            "no line contains this",
            Role::Quiet,
        );
    }
    let first = scroll.min(found.len().saturating_sub(usize::from(below.height)));
    draw_column(pen, below, &found[first..]);
    searched
        .typing
        .then(|| Position::new(area.x + 1 + used + column, area.y))
}

fn draw_all(keys: &Keys, pen: &mut Pen, area: Rect, scroll: usize) {
    let half = area.width / 2;
    let rows = usize::from(area.height);
    if area.width >= 150 {
        let lines = lines(keys, usize::from(half - 2));
        let middle = section_break(&lines);
        if middle <= rows && lines.len() - middle <= rows {
            draw_column(
                pen,
                Rect {
                    width: half,
                    ..area
                },
                &lines[..middle],
            );
            draw_column(
                pen,
                Rect {
                    x: area.x + half,
                    width: half,
                    ..area
                },
                &lines[middle + 1..],
            );
            return;
        }
    }
    let lines = lines(keys, usize::from(area.width - 2));
    if lines.len() <= rows {
        draw_column(pen, area, &lines);
        return;
    }
    let shown = rows - 1;
    let first = scroll.min(lines.len() - shown);
    draw_column(pen, area, &lines[first..first + shown]);
    let below = lines.len() - first - shown;
    let more = match (first, below) {
        (0, below) => format!("↓ {below} more lines"),
        (above, 0) => format!("↑ {above} more lines"),
        (above, below) => format!("↑ {above} and ↓ {below} more lines"),
    };
    pen.put(
        area.x + 3,
        area.bottom() - 1,
        area.width - 3,
        &more,
        Role::Waiting,
    );
}

fn draw_column(pen: &mut Pen, area: Rect, lines: &[Line]) {
    let (x, width) = (area.x + 1, area.width.saturating_sub(2));
    for (row, line) in lines.iter().enumerate().take(area.height.into()) {
        let y = area.y + row as u16;
        match line {
            Line::Blank => {}
            Line::Title(title) => {
                pen.title(
                    Rect {
                        x,
                        y,
                        width,
                        height: 1,
                    },
                    title,
                    Role::Accent,
                );
            }
            Line::Mark(kind) => {
                let (role, glyph) = kind.look(pen.theme);
                pen.put(x + 2, y, KEYS - 1, glyph, role);
                let room = width.saturating_sub(2 + KEYS);
                pen.put(x + 2 + KEYS, y, room, kind.meaning(), Role::Text);
            }
            Line::Key(keys, text) => {
                pen.put(x + 2, y, KEYS - 1, keys, Role::Strong);
                pen.put(
                    x + 2 + KEYS,
                    y,
                    width.saturating_sub(2 + KEYS),
                    text,
                    Role::Text,
                );
            }
        }
    }
}

/// The blank line between sections that is nearest to the middle.
fn section_break(lines: &[Line]) -> usize {
    let blanks = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| matches!(line, Line::Blank));
    let nearest = blanks
        .map(|(at, _)| at)
        .min_by_key(|at| at.abs_diff(lines.len() / 2));
    nearest.unwrap_or(0)
}

/// More lines than the help ever has: how far scrolling can go.
pub fn length() -> usize {
    lines(&Keys::default(), 40).len()
}

/// Cells for the keys of a line.
const KEYS: u16 = 16;

enum Line {
    Blank,
    Title(&'static str),
    Key(String, String),
    Mark(MarkKind),
}

fn lines(keys: &Keys, width: usize) -> Vec<Line> {
    let room = width.saturating_sub(usize::from(KEYS) + 2);
    let mut lines = Vec::new();
    for (title, holds) in SECTIONS {
        if !lines.is_empty() {
            lines.push(Line::Blank);
        }
        lines.push(Line::Title(title));
        for bound in keys
            .all()
            .iter()
            .filter(|bound| section(bound.binding) == *holds)
        {
            let mut names = bound.names();
            for text in wrap(bound.binding.help, room) {
                lines.push(Line::Key(std::mem::take(&mut names), text));
            }
        }
    }
    lines.push(Line::Blank);
    lines.push(Line::Title("Marks below the charts"));
    lines.extend(MarkKind::ALL.map(Line::Mark));
    lines
}

/// The lines of what has a text in its name, its keys or its sentence.
fn found(keys: &Keys, wanted: &str, width: usize) -> Vec<Line> {
    let room = width.saturating_sub(usize::from(KEYS) + 2);
    let has = |text: &str| text.to_lowercase().contains(wanted);
    let mut lines = Vec::new();
    for bound in keys.all() {
        let mut names = bound.names();
        let binding = bound.binding;
        if has(&names) || has(binding.help) || has(&binding.action.name()) {
            for text in wrap(binding.help, room) {
                lines.push(Line::Key(std::mem::take(&mut names), text));
            }
        }
    }
    let marks = MarkKind::ALL.into_iter();
    lines.extend(marks.filter(|kind| has(kind.meaning())).map(Line::Mark));
    lines
}

#[derive(PartialEq, Eq)]
enum Section {
    Everywhere,
    Run,
    Live,
    Evaluation,
    Faces,
    Data,
    Sideways,
    Runs,
    Question,
    Form,
}

const SECTIONS: &[(&str, Section)] = &[
    ("In every view", Section::Everywhere),
    ("With a run, in the list and live", Section::Run),
    ("In the list of runs", Section::Runs),
    ("In the live view", Section::Live),
    ("In the evaluations", Section::Evaluation),
    ("In the failing pairs and the error list", Section::Faces),
    ("In the data", Section::Data),
    ("In several views", Section::Sideways),
    ("When launching a run or typing a line", Section::Form),
    ("When asked", Section::Question),
];

fn section(binding: &Binding) -> Section {
    match binding.contexts {
        [Context::Runs] => Section::Runs,
        [Context::Live] => Section::Live,
        [Context::Form | Context::Palette]
        | [Context::Form, Context::Ask, ..]
        | [Context::Ask, ..] => Section::Form,
        [Context::Data] => Section::Data,
        [Context::Failures | Context::Errors] | [Context::Failures, Context::Errors, ..] => {
            Section::Faces
        }
        [Context::Question] => Section::Question,
        [Context::Runs, Context::Live] => Section::Run,
        [Context::Evaluation] => Section::Evaluation,
        [Context::Live, Context::Evaluation, Context::Failures, ..]
        | [Context::Runs, Context::Failures, ..] => Section::Sideways,
        _ => Section::Everywhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::model::View;

    #[test]
    fn every_section_and_every_view_has_its_keys() {
        let keys = Keys::default();
        for (title, holds) in SECTIONS {
            let count = keys
                .all()
                .iter()
                .filter(|bound| section(bound.binding) == *holds);
            assert!(count.count() > 0, "{title}");
        }
        for view in View::ALL {
            let own = keys
                .of(view.context())
                .filter(|bound| !bound.binding.label.is_empty());
            assert!(own.count() > 3, "{view:?}");
        }
    }
}
