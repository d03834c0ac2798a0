//! The list of runs, and about the selected one what there is room for.
//!
//! ```text
//!   run            state       progress            ETA  img/s    best  device   age
//! ▌ margin-centre  ● running   ━━━━━━──── 62.0 %  3m12s   41.2  78.3 %  flex     5m
//!   triplet        ✓ finished  ━━━━━━━━━━ 100 %       –      –  81.0 %  flex     2h
//!   half-written   ✗ broken    status.json: not a readable status document: …
//!
//! margin-centre ──────────────────────────────────────────────────────────────────
//! step        620 of 1,000 · epoch 3             12s checkpoint step-00000600
//! ```

use ratatui::layout::Rect;

use crate::tui::message::Target;
use crate::tui::model::{Model, RunOrder};
use crate::tui::snapshot::{Contents, RunDetails, RunSnapshot};
use crate::tui::theme::Role;
use crate::tui::widget::gauge::bar;
use crate::tui::widget::text::Pen;
use crate::tui::words;

use super::{ViewCache, details};

/// Draws the list.
pub fn draw(model: &Model, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let Some(runs) = &model.runs else {
        pen.empty(area, &["looking for runs…"]);
        return;
    };
    if let Some(why) = &model.unreadable {
        pen.empty(area, &["the runs can't be listed", why]);
        return;
    }
    if runs.is_empty() {
        draw_empty(model, pen, area);
        return;
    }
    let listed = model.listed();
    if listed.is_empty() {
        let filter = crate::untrusted::visible(&model.list.filter);
        pen.empty(
            area,
            &[
                &format!("no run contains “{filter}”"),
                "/ Esc shows all again",
            ],
        );
        return;
    }
    let selected = model
        .selected_run()
        .filter(|_| model.selected_index().is_some());
    if let (true, Some(run)) = (model.list.zoomed, selected) {
        let whole = Rect {
            x: area.x + 1,
            width: area.width - 2,
            ..area
        };
        details::draw(model, run, cache, pen, whole);
        return;
    }
    let wanted = listed.len() as u16 + 2;
    let least = area.height.saturating_sub(details::height(area.height));
    let list = Rect {
        height: wanted.min(least.max(4)).min(area.height),
        ..area
    };
    draw_list(model, cache, pen, list);
    let rest = Rect {
        x: area.x + 1,
        y: list.bottom(),
        width: area.width - 2,
        height: area.height - list.height,
    };
    if let Some(run) = selected {
        details::draw(model, run, cache, pen, rest);
    }
}

fn draw_empty(model: &Model, pen: &mut Pen, area: Rect) {
    let place = format!(
        "No runs in {} yet",
        model.root.trim_end_matches('/').to_owned() + "/"
    );
    pen.empty(
        area,
        &[
            &place,
            "",
            "n  launches one from a recipe, here;",
            "in a shell, these do:",
            "",
            "   facetui demo",
            "   facetui train RECIPE.toml --config config.ini",
        ],
    );
}

fn draw_list(model: &Model, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let columns = Columns::of(area.width, model);
    columns.heads(pen, area);
    let place = &model.list;
    let mut how = Vec::new();
    if place.order != RunOrder::Age {
        how.push(format!("by {}", place.order.name()));
    }
    if !place.filter.is_empty() {
        how.push(format!("“{}”", crate::untrusted::visible(&place.filter)));
    }
    pen.put(
        area.x + 2,
        area.bottom() - 1,
        area.width / 2,
        &how.join(" · "),
        Role::Accent,
    );
    let rows = usize::from(area.height.saturating_sub(2)).max(1);
    let selected = model.selected_index().unwrap_or(0);
    let first = selected.saturating_sub(rows - 1);
    for (row, (index, run)) in model
        .listed()
        .into_iter()
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
        columns.row(model, run, pen, line);
        if model.compared.contains(&run.path) {
            pen.put(
                line.x + 1,
                line.y,
                1,
                pen.theme.pick("◈", "*"),
                Role::Accent,
            );
        }
        if index == selected {
            pen.select(line);
        }
        cache.hit(line, Target::Run(index));
    }
    let count = model.listed().len();
    let hidden = count.saturating_sub(first + rows);
    if hidden > 0 || first > 0 {
        let more = format!("{}–{} of {}", first + 1, count - hidden, count);
        pen.put_right(
            area.x,
            area.bottom() - 1,
            area.width - 1,
            &more,
            Role::Quiet,
        );
    }
}

/// How wide each column is; the rest of the line goes to the bar.
struct Columns {
    name: u16,
    bar: u16,
    device: u16,
    best: u16,
}

const STATE: u16 = 10;
const PERCENT: u16 = 5;
const ETA: u16 = 6;
const RATE: u16 = 6;
const AGE: u16 = 4;
/// Between two columns; half of it before a column that seldom fills its width.
const GAP: u16 = 2;

impl Columns {
    fn of(width: u16, model: &Model) -> Self {
        let (device, best) = match width {
            0..110 => (6, 6),
            110..150 => (8, 18),
            150..190 => (10, 28),
            _ => (10, 46),
        };
        let fixed = 2
            + GAP
            + STATE
            + GAP
            + 1
            + PERCENT
            + 1
            + ETA
            + 1
            + RATE
            + GAP
            + best
            + GAP
            + device
            + 1
            + AGE
            + 1;
        let longest = model
            .runs()
            .iter()
            .map(|run| run.name.chars().count())
            .max();
        let longest = (longest.unwrap_or(0) as u16).max(12);
        let room = width.saturating_sub(fixed);
        let name = longest.min(room.saturating_sub(6)).max(8);
        Self {
            name,
            bar: room.saturating_sub(name).min(60),
            device,
            best,
        }
    }

    fn heads(&self, pen: &mut Pen, area: Rect) {
        let mut x = area.x + 2;
        let y = area.y;
        let progress = self.bar + 1 + PERCENT;
        for (text, width) in [("run", self.name), ("state", STATE), ("progress", progress)] {
            pen.put(x, y, width, text, Role::Quiet);
            x += width + GAP;
        }
        x -= GAP;
        for (text, gap, width) in [
            ("ETA", 1, ETA),
            ("img/s", 1, RATE),
            ("best", GAP, self.best),
        ] {
            pen.put_right(x + gap, y, width, text, Role::Quiet);
            x += gap + width;
        }
        pen.put(x + GAP, y, self.device, "device", Role::Quiet);
        pen.put_right(x + GAP + self.device + 1, y, AGE, "age", Role::Quiet);
    }

    fn row(&self, model: &Model, run: &RunSnapshot, pen: &mut Pen, line: Rect) {
        let (mut x, y) = (line.x + 2, line.y);
        pen.put(x, y, self.name, &run.name, Role::Text);
        x += self.name + 2;
        match &run.contents {
            Contents::Broken(why) => {
                let mark = pen.theme.pick("✗ broken", "x broken");
                pen.put(x, y, STATE, mark, Role::Bad);
                x += STATE + 2;
                pen.put(x, y, line.right().saturating_sub(x + 1), why, Role::Quiet);
            }
            Contents::EventLog => {
                let mark = pen.theme.pick("∿ log", "~ log");
                pen.put_styled(x, y, STATE, mark, pen.theme.style(Role::Quiet));
                x += STATE + 2;
                let about = "another program's event log";
                pen.put(x, y, line.right().saturating_sub(x + 1), about, Role::Quiet);
            }
            Contents::Run(details) => self.run(model, run, details, pen, (x, y)),
        }
    }

    fn run(
        &self,
        model: &Model,
        run: &RunSnapshot,
        details: &RunDetails,
        pen: &mut Pen,
        (mut x, y): (u16, u16),
    ) {
        let status = &details.status;
        let (role, glyph) = pen.theme.state(status.state);
        let word = words::state(status.state);
        pen.put_all(x, y, STATE, &[(glyph, role), (" ", role), (word, role)]);
        x += STATE + 2;

        let share = share(status.step, status.steps);
        let (full, empty) = bar(share, self.bar.into(), pen.theme);
        pen.put_all(x, y, self.bar, &[(&full, role), (&empty, Role::Quiet)]);
        x += self.bar + 1;
        pen.put_right(x, y, PERCENT, &whole_percent(share), Role::Text);
        x += PERCENT;

        let nothing = || "–".to_owned();
        let eta = status
            .eta_seconds
            .filter(|_| run.is_running())
            .map(words::duration);
        let rate = status
            .images_per_second
            .filter(|_| run.is_running())
            .map(words::rate);
        let best = self.best_of(details);
        for (text, gap, width) in [(eta, 1, ETA), (rate, 1, RATE), (best, GAP, self.best)] {
            pen.put_right(x + gap, y, width, &text.unwrap_or_else(nothing), Role::Text);
            x += gap + width;
        }
        pen.put(x + GAP, y, self.device, &status.device, Role::Text);
        let age = words::age(model.now - run.started);
        pen.put_right(x + GAP + self.device + 1, y, AGE, &age, Role::Quiet);
    }
}

impl Columns {
    /// The best figure on the first set, with the set's name and then those of other sets where there is room.
    fn best_of(&self, details: &RunDetails) -> Option<String> {
        let mut text = words::percent(details.best.first()?.accuracy);
        if self.best <= 10 {
            return Some(text);
        }
        for (nth, best) in details.best.iter().enumerate() {
            let longer = match nth {
                0 => format!("{text} {}", best.set),
                _ => format!("{text} · {} {}", words::percent(best.accuracy), best.set),
            };
            if nth > 0 && longer.chars().count() > usize::from(self.best) {
                break;
            }
            text = longer;
        }
        Some(text)
    }
}

/// The share of steps done, 0..1.
pub fn share(step: u64, steps: u64) -> f64 {
    if steps == 0 {
        0.0
    } else {
        step as f64 / steps as f64
    }
}

/// `62 %`, cut down: only a finished run has 100.
pub fn whole_percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).floor())
}
