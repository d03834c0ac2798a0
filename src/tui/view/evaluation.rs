//! The comparison table, and all about the chosen figure.
//!
//! ```text
//!   model                    rule       LFW           YTF           YTF-corrected
//!   published
//!   vgg-triplet/iter_426000  reference  99.47 ± 0.39  96.04 ± 0.95  97.20 ± 0.82
//!   this project
//! ▌ margin-centre @600       reference  not run       not run       not run
//!
//! margin-centre @600 on heldout_glint6.bin ────────────────────────────────────────
//! accuracy    78.33 % ± 2.10 over 10 folds, standard error 0.70
//! ```
//!
//! Below or beside the figure lies its movable threshold.

use ratatui::layout::Rect;

use crate::eval::table::{Cell, NOT_RUN, Origin, Row};
use crate::tui::comparison::{self, Comparison};
use crate::tui::message::Target;
use crate::tui::model::Model;
use crate::tui::theme::Role;
use crate::tui::widget::text::{Pen, wrap};
use crate::tui::words;

use super::{ViewCache, differences, figures, threshold};

/// Draws table and detail.
pub fn draw(model: &Model, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let comparison = comparison::of(model);
    let (rows, _) = comparison.size();
    let chosen = comparison.nearest(&model.evaluation);
    let own = comparison.evaluation(chosen.0, chosen.1).is_some();
    if model.evaluation.zoomed && own {
        let whole = Rect {
            x: area.x + 1,
            width: area.width - 2,
            ..area
        };
        draw_detail(model, &comparison, chosen, pen, whole);
        return;
    }
    let wanted = rows as u16 + 3;
    let below = figures::HEIGHT + threshold::HEIGHT + 1;
    let height = wanted.min(area.height.saturating_sub(below).max(6));
    let table = Rect { height, ..area };
    draw_table(model, &comparison, chosen, cache, pen, table);
    let detail = Rect {
        x: area.x + 1,
        y: area.y + height + 1,
        width: area.width - 2,
        height: area.height.saturating_sub(height + 1),
    };
    draw_detail(model, &comparison, chosen, pen, detail);
}

fn draw_table(
    model: &Model,
    comparison: &Comparison,
    chosen: (usize, usize),
    cache: &mut ViewCache,
    pen: &mut Pen,
    area: Rect,
) {
    let table = &comparison.table;
    let order = model.evaluation.order;
    let layout = Columns::of(comparison, chosen.1, area.width);
    let head = area.y;
    pen.put(area.x + 2, head, layout.name, "model", Role::Quiet);
    let mut x = area.x + 2 + layout.name + 2;
    pen.put(x, head, layout.rule, "rule", Role::Quiet);
    x += layout.rule + 1;
    for (at, column) in table
        .columns
        .iter()
        .enumerate()
        .skip(layout.first)
        .take(layout.count)
    {
        let role = if at == chosen.1 {
            Role::Accent
        } else {
            Role::Strong
        };
        let ordered = if order == Some(at) { "↓ " } else { "" };
        let used = pen.put(x, head, 2, ordered, Role::Accent);
        pen.put(x + used, head, layout.cell - used, &column.head, role);
        x += layout.cell + 2;
    }
    let lines = lines(comparison);
    let rows = usize::from(area.height.saturating_sub(1));
    let at = lines
        .iter()
        .position(|line| *line == Line::Row(chosen.0))
        .unwrap_or(0);
    // The line that tells what lies outside is the first group's; further down it takes a row of its own.
    let (first, told) = match (at + 1).saturating_sub(rows) {
        0 => (0, 0),
        _ => ((at + 2).saturating_sub(rows), 1),
    };
    let shown = rows - told.min(rows);
    for (nth, line) in lines.iter().skip(first).take(shown).enumerate() {
        let place = Rect {
            y: area.y + 1 + (told + nth) as u16,
            height: 1,
            ..area
        };
        match line {
            Line::Group(text) => {
                pen.put(place.x + 2, place.y, place.width - 2, text, Role::Quiet);
            }
            Line::Row(index) => {
                layout.row(comparison, *index, chosen, pen, place);
                let marked = model.evaluation.marked.as_ref();
                let is_marked = (0..table.columns.len()).any(|column| {
                    marked.is_some() && comparison.figure(*index, column).as_ref() == marked
                });
                if is_marked {
                    let mark = pen.theme.pick("◈", "*");
                    pen.put(place.x + 1, place.y, 1, mark, Role::Accent);
                }
                cache.hit(place, Target::Row(*index));
            }
        }
    }
    let above = first;
    let below = lines.len().saturating_sub(first + shown);
    let text = outside(
        (above, below),
        (
            layout.first,
            table.columns.len() - layout.first - layout.count,
        ),
        area.width,
    );
    pen.put_right(area.x, area.y + 1, area.width - 1, &text, Role::Waiting);
}

/// How many lines and sets lie outside of what is shown: `↑ 3 ↓ 2 lines · 1 more set →`.
fn outside((above, below): (usize, usize), (left, right): (usize, usize), width: u16) -> String {
    let word = match above + below {
        _ if width < 60 => "",
        1 => " line",
        _ => " lines",
    };
    let lines = match (above, below) {
        (0, 0) => String::new(),
        (0, below) => format!("↓ {below}{word}"),
        (above, 0) => format!("↑ {above}{word}"),
        (above, below) => format!("↑ {above} ↓ {below}{word}"),
    };
    let plural = |count: usize| if count == 1 { "set" } else { "sets" };
    let sets = match (left, right) {
        (0, 0) => String::new(),
        (0, right) => format!("{right} more {} →", plural(right)),
        (left, 0) => format!("← {left} more {}", plural(left)),
        (left, right) => format!("← {left} and {right} more sets →"),
    };
    let parts = [&*lines, &*sets];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

#[derive(PartialEq, Eq)]
enum Line {
    Group(&'static str),
    Row(usize),
}

fn lines(comparison: &Comparison) -> Vec<Line> {
    let (rows, _) = comparison.size();
    let published = comparison.published();
    let mut lines = vec![Line::Group("published")];
    lines.extend((0..published).map(Line::Row));
    if rows == published {
        lines.push(Line::Group(
            "no figures of your own yet: a validation or `facetui eval` adds a row",
        ));
    } else {
        lines.push(Line::Group("this project"));
        lines.extend((published..rows).map(Line::Row));
    }
    lines
}

struct Columns {
    name: u16,
    rule: u16,
    /// Decimals of a figure.
    decimals: usize,
    cell: u16,
    first: usize,
    count: usize,
}

impl Columns {
    /// As many sets as fit, the chosen one among them.
    fn of(comparison: &Comparison, chosen: usize, width: u16) -> Self {
        let table = &comparison.table;
        // `99.47 ± 0.39` where it is narrow; else all digits that the published table has: `99.467 ± 0.386`.
        let (rule, decimals, least) = if width < 100 { (9, 2, 13) } else { (12, 3, 14) };
        let longest = table.rows.iter().map(|row| name(row).chars().count()).max();
        let name = (longest.unwrap_or(0) as u16).clamp(8, (width * 29 / 100).max(8));
        let heads = table
            .columns
            .iter()
            .map(|column| column.head.chars().count())
            .max();
        let room = width.saturating_sub(2 + name + 2 + rule + 1);
        let all = table.columns.len().max(1) as u16;
        let most = (room / all).saturating_sub(2).clamp(least, 32);
        let cell = (heads.unwrap_or(0) as u16).clamp(least, most);
        let count = usize::from(((room + 2) / (cell + 2)).max(1)).min(table.columns.len());
        Self {
            name,
            rule,
            decimals,
            cell,
            first: (chosen + 1).saturating_sub(count),
            count,
        }
    }

    fn row(
        &self,
        comparison: &Comparison,
        index: usize,
        chosen: (usize, usize),
        pen: &mut Pen,
        place: Rect,
    ) {
        let row = &comparison.table.rows[index];
        let mut x = place.x + 2;
        // Where the name is cut, the step stays.
        let step = step(row);
        let model = self.name.saturating_sub(step.len() as u16);
        let used = pen.put(x, place.y, model, &row.model, Role::Text);
        pen.put(x + used, place.y, self.name - used, &step, Role::Text);
        x += self.name + 2;
        let rule = row.cells.values().next().map(|cell| cell.rule.to_string());
        pen.put(
            x,
            place.y,
            self.rule,
            &rule.unwrap_or_default(),
            Role::Quiet,
        );
        x += self.rule + 1;
        let mut mark = None;
        for column in (0..comparison.table.columns.len())
            .skip(self.first)
            .take(self.count)
        {
            match comparison.table.cell(index, column) {
                Some(cell) => pen.put(
                    x,
                    place.y,
                    self.cell,
                    &figure(cell, self.decimals),
                    Role::Text,
                ),
                None => pen.put(x, place.y, self.cell, NOT_RUN, Role::Quiet),
            };
            if (index, column) == chosen {
                mark = Some(Rect {
                    x: x.saturating_sub(1),
                    width: self.cell + 1,
                    ..place
                });
            }
            x += self.cell + 2;
        }
        if index == chosen.0 {
            pen.select(Rect {
                width: self.name + 3,
                ..place
            });
            if let Some(mark) = mark {
                pen.highlight(mark, pen.theme.selected());
            }
        }
    }
}

fn name(row: &Row) -> String {
    format!("{}{}", row.model, step(row))
}

fn step(row: &Row) -> String {
    row.step.map(|step| format!(" @{step}")).unwrap_or_default()
}

/// Mean ± deviation in per cent.
fn figure(cell: &Cell, decimals: usize) -> String {
    let [mean, std] = [cell.mean, cell.std].map(|share| share * 100.0);
    format!("{mean:.decimals$} ± {std:.decimals$}")
}

fn draw_detail(
    model: &Model,
    comparison: &Comparison,
    (row, column): (usize, usize),
    pen: &mut Pen,
    area: Rect,
) {
    if area.height < 2 {
        return;
    }
    if let Some(evaluation) = comparison.evaluation(row, column) {
        let rows = if model.evaluation.zoomed {
            area.height.saturating_sub(figures::HEIGHT + 1)
        } else {
            threshold::HEIGHT.min(area.height / 2)
        };
        let [left, right] = threshold::beside(area, rows);
        let marked = model.evaluation.marked.as_ref();
        if marked.is_some() && marked != model.evaluation.figure.as_ref() {
            differences::draw(model, pen, area);
            return;
        }
        figures::draw(evaluation, pen, left);
        threshold::draw(model, pen, right);
        return;
    }
    let (Some(line), Some(set)) = (
        comparison.table.rows.get(row),
        comparison.table.columns.get(column),
    ) else {
        return;
    };
    pen.title(
        area,
        &format!("{} on {}", name(line), set.head),
        Role::Strong,
    );
    let mut y = area.y + 1;
    let room = area.width.saturating_sub(12);
    let mut fact = |label: &str, text: &str| {
        let mut label = label;
        for line in wrap(text, room.into()) {
            if y < area.bottom() {
                pen.put(area.x, y, 11, label, Role::Quiet);
                pen.put(area.x + 12, y, room, &line, Role::Text);
            }
            label = "";
            y += 1;
        }
    };
    match comparison.table.cell(row, column) {
        Some(cell) => {
            let accuracy = format!("{} % over 10 folds, rule {}", figure(cell, 3), cell.rule);
            fact("accuracy", &accuracy);
            fact(
                "pairs",
                &format!("{} in the set's list", words::count(set.pairs as u64)),
            );
            if let Some(image) = &line.image {
                fact("input", image);
            }
        }
        None => fact("", "not run: this model has no figure on this set"),
    }
    if let Origin::Published { source } = &line.origin {
        fact("published", source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_outside_of_the_table_is_told() {
        for (lines, sets, width, expected) in [
            ((0, 0), (0, 0), 80, ""),
            ((0, 0), (0, 1), 80, "1 more set →"),
            ((0, 4), (0, 3), 80, "↓ 4 lines · 3 more sets →"),
            ((1, 0), (2, 0), 80, "↑ 1 line · ← 2 more sets"),
            ((2, 3), (1, 2), 80, "↑ 2 ↓ 3 lines · ← 1 and 2 more sets →"),
            ((2, 3), (0, 5), 40, "↑ 2 ↓ 3 · 5 more sets →"),
        ] {
            assert_eq!(outside(lines, sets, width), expected);
        }
    }
}
