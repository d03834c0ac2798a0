//! The grid of charts, all over the same steps; or one of them over the whole pane.
//!
//! ```text
//! ▌total loss ──────────── 12.31  margin ───────────────── 10.22
//!    40┤⠑⢄                           40┤⠑⢄
//!    20┤  ⠑⠢⠤⣀⡀                      20┤  ⠑⠢⠤⣀⡀
//!      1  ◆    ▲      Δ     620        1  ◆    ▲      Δ     620
//! ```
//!
//! Below the curves lie the marks of what happened; a zoomed chart lists the newest of them.

use ratatui::layout::Rect;

use crate::run::{self, JobKind};
use crate::tui::charts::{self, ChartOf, columns};
use crate::tui::marks::{self, Mark};
use crate::tui::message::Target;
use crate::tui::model::{Model, SMOOTHINGS};
use crate::tui::snapshot::{Curves, RunSnapshot};
use crate::tui::theme::Role;
use crate::tui::widget::axis::AxisMark;
use crate::tui::widget::chart::{Chart, GUTTER, Scale};
use crate::tui::widget::text::Pen;
use crate::tui::words;

use super::{ViewCache, summary};

/// The first charts of a run in one row: a glimpse for the list of runs.
pub fn draw_first(
    model: &Model,
    run: &RunSnapshot,
    cache: &mut ViewCache,
    pen: &mut Pen,
    area: Rect,
) {
    let Some(curves) = model.curves_of(&run.path) else {
        return;
    };
    let charts = charts::of_curves(curves, run.kind() == Some(JobKind::Train));
    let glimpse = ["total loss", "accuracy", "validation"];
    let mut shown: Vec<&ChartOf> = charts
        .iter()
        .filter(|chart| glimpse.contains(&chart.title.as_str()) && !chart.curves.is_empty())
        .collect();
    if shown.is_empty() {
        shown = charts
            .iter()
            .filter(|chart| !chart.curves.is_empty())
            .collect();
    }
    let grid = Grid::of(model, run, curves);
    let count = (columns(model.size) as u16).min(shown.len() as u16).max(1);
    let width = area.width / count;
    for (at, chart) in shown.into_iter().take(count.into()).enumerate() {
        let place = Rect {
            x: area.x + at as u16 * width,
            width: width - 2,
            ..area
        };
        grid.draw_chart(chart, false, cache, pen, place);
    }
}

/// Draws the grid, the chosen chart in sight; or, zoomed, that chart alone.
pub fn draw(model: &Model, run: &RunSnapshot, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let Some(curves) = model.curves_of(&run.path) else {
        pen.empty(area, &["reading the event log…"]);
        return;
    };
    let charts = charts::of_curves(curves, run.kind() == Some(JobKind::Train));
    let grid = Grid::of(model, run, curves);
    let chosen = model.live.chart.min(charts.len().saturating_sub(1));
    if let (true, Some(chart)) = (model.live.zoomed, charts.get(chosen)) {
        cache.hit(area, Target::Chart(chosen));
        let listed = newest_marks(run, area.height);
        let plot = Rect {
            height: area.height.saturating_sub(1 + listed.len() as u16),
            ..area
        };
        grid.draw_chart(chart, true, cache, pen, plot);
        let below = Rect {
            x: area.x + GUTTER,
            y: plot.bottom(),
            width: area.width - GUTTER,
            height: area.bottom() - plot.bottom(),
        };
        let facts = extremes(curves, chart);
        pen.put(below.x, below.y, below.width, &facts, Role::Quiet);
        list_marks(model, &listed, curves, pen, below);
        return;
    }
    let columns = columns(model.size);
    let rows = charts.len().div_ceil(columns);
    let fitting = usize::from(area.height / MIN_CHART).clamp(1, rows.max(1));
    let first_row = (chosen / columns).saturating_sub(fitting - 1);
    let hidden = charts.len().saturating_sub((first_row + fitting) * columns);
    for (at, chart) in charts
        .iter()
        .enumerate()
        .skip(first_row * columns)
        .take(fitting * columns)
    {
        let (row, column) = (at / columns - first_row, at % columns);
        let [left, right] = [column, column + 1].map(|c| usize::from(area.width) * c / columns);
        let [top, bottom] = [row, row + 1].map(|r| usize::from(area.height) * r / fitting);
        let place = Rect {
            x: area.x + left as u16,
            y: area.y + top as u16,
            width: (right - left - 1) as u16,
            height: (bottom - top) as u16,
        };
        grid.draw_chart(chart, at == chosen, cache, pen, place);
        cache.hit(place, Target::Chart(at));
    }
    if hidden > 0 || first_row > 0 {
        let arrow = if hidden > 0 { "↓" } else { "↑" };
        let more = format!(" {arrow} {} more ", hidden + first_row * columns);
        // Below the last column's charts, between the ends of their axis.
        let wide = pen.width(&more);
        let column = area.width / columns as u16;
        let x = area.right().saturating_sub(column.midpoint(wide).max(wide));
        pen.put(x, area.bottom() - 1, wide, &more, Role::Waiting);
    }
}

/// The least rows a chart is readable in.
const MIN_CHART: u16 = 6;

/// What all charts of a run share.
struct Grid<'a> {
    model: &'a Model,
    curves: &'a Curves,
    marks: Vec<AxisMark>,
}

impl<'a> Grid<'a> {
    fn of(model: &'a Model, run: &RunSnapshot, curves: &'a Curves) -> Self {
        Self {
            model,
            curves,
            marks: marks::on_axis(run, curves, model.theme),
        }
    }

    fn draw_chart(
        &self,
        chart: &ChartOf,
        focused: bool,
        cache: &mut ViewCache,
        pen: &mut Pen,
        area: Rect,
    ) {
        let live = &self.model.live;
        let scale = Scale {
            smoothing: SMOOTHINGS[live.smoothing],
            log_y: live.log_y && chart.log,
            unit: chart.unit,
        };
        let columns = area.width.saturating_sub(GUTTER);
        let ready = cache.chart(self.curves, &chart.title, columns, scale, || {
            let data = chart.curves.iter().filter_map(|(label, tag)| {
                let curve = self.curves.scalars.curve(tag)?;
                Some((label.clone(), curve))
            });
            Chart::prepare(data, steps(self.curves), columns, scale)
        });
        let nothing = match chart.title.as_str() {
            "validation" => "not validated yet",
            _ => "no values yet",
        };
        ready.draw(area, pen, &chart.title, focused, nothing, &self.marks);
    }
}

/// The steps that all charts of a run span: so they lie above each other.
fn steps(curves: &Curves) -> (f64, f64) {
    let ends = || {
        let all = curves.scalars.curves();
        all.filter_map(|curve| Some((curve.first()?.step, curve.last()?.step)))
    };
    let first = ends().map(|(first, _)| first).min().unwrap_or(0);
    let last = ends().map(|(_, last)| last).max().unwrap_or(1);
    (first as f64, last.max(first + 1) as f64)
}

/// The newest marks that there is room for below a zoomed chart, oldest first.
fn newest_marks(run: &RunSnapshot, height: u16) -> Vec<&Mark> {
    let Some(details) = run.details() else {
        return Vec::new();
    };
    let all = details.marks.iter();
    let room = usize::from(height / 5).min(10);
    let hidden = all.len().saturating_sub(room);
    all.skip(hidden).collect()
}

/// Lists marks in the lines below the first of `area`: glyph, step, what happened, how long ago.
fn list_marks(model: &Model, marks: &[&Mark], curves: &Curves, pen: &mut Pen, area: Rect) {
    for (mark, y) in marks.iter().zip(area.y + 1..area.bottom()) {
        let (role, glyph) = mark.kind.look(pen.theme);
        pen.put(area.x, y, 1, glyph, role);
        let step = mark.place(&curves.scalars).map(words::count);
        pen.put_right(area.x + 2, y, 9, &step.unwrap_or_default(), Role::Quiet);
        let age = words::age(model.now - mark.entry.time);
        pen.put_right(area.x + 12, y, 4, &age, Role::Quiet);
        let room = area.width.saturating_sub(18);
        let text = summary::entry(&mark.entry);
        pen.put(area.x + 18, y, room, &text, Role::Text);
    }
}

/// What the zoomed chart's curves reach, and where.
fn extremes(curves: &Curves, chart: &ChartOf) -> String {
    let mut parts = Vec::new();
    for (label, tag) in &chart.curves {
        let curve = curves.scalars.curve(tag);
        let Some(outline) = curve.and_then(run::Curve::outline) else {
            continue;
        };
        let (lowest, highest) = (outline.lowest, outline.highest);
        if outline.gaps == outline.count {
            continue;
        }
        let name = if label.is_empty() {
            String::new()
        } else {
            format!("{label}: ")
        };
        let text = format!(
            "{name}lowest {} at {}, highest {} at {}, {} values",
            chart.unit.text(lowest.value),
            words::count(lowest.step),
            chart.unit.text(highest.value),
            words::count(highest.step),
            words::count(outline.count as u64)
        );
        parts.push(text);
        if outline.gaps > 0 {
            parts.push(format!("{} not finite", words::count(outline.gaps as u64)));
        }
    }
    parts.join(" · ")
}
