//! The grid of charts, all over the same steps; or one of them over the whole pane.
//!
//! ```text
//! ▌total loss ──────────── 12.31  margin ───────────────── 10.22
//!    40┤⠑⢄                           40┤⠑⢄
//!    20┤  ⠑⠢⠤⣀⡀                      20┤  ⠑⠢⠤⣀⡀
//!      1                    620        1                    620
//! ```

use ratatui::layout::Rect;

use crate::run::{self, JobKind};
use crate::tui::charts::{self, ChartOf, columns};
use crate::tui::message::Target;
use crate::tui::model::{Model, SMOOTHINGS};
use crate::tui::snapshot::{Curves, RunSnapshot};
use crate::tui::theme::Role;
use crate::tui::widget::chart::{Chart, GUTTER, Scale};
use crate::tui::widget::text::Pen;
use crate::tui::words;

use super::ViewCache;

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
    let count = (columns(model.size) as u16).min(shown.len() as u16).max(1);
    let width = area.width / count;
    for (at, chart) in shown.into_iter().take(count.into()).enumerate() {
        let place = Rect {
            x: area.x + at as u16 * width,
            width: width - 2,
            ..area
        };
        draw_chart(model, curves, chart, false, cache, pen, place);
    }
}

/// Draws the grid, the chosen chart in sight; or, zoomed, that chart alone.
pub fn draw(model: &Model, run: &RunSnapshot, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let Some(curves) = model.curves_of(&run.path) else {
        pen.empty(area, &["reading the event log…"]);
        return;
    };
    let charts = charts::of_curves(curves, run.kind() == Some(JobKind::Train));
    let chosen = model.live.chart.min(charts.len().saturating_sub(1));
    if let (true, Some(chart)) = (model.live.zoomed, charts.get(chosen)) {
        cache.hit(area, Target::Chart(chosen));
        let plot = Rect {
            height: area.height.saturating_sub(1),
            ..area
        };
        draw_chart(model, curves, chart, true, cache, pen, plot);
        let facts = extremes(curves, chart);
        pen.put(
            area.x + GUTTER,
            area.bottom() - 1,
            area.width - GUTTER,
            &facts,
            Role::Quiet,
        );
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
        draw_chart(model, curves, chart, at == chosen, cache, pen, place);
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

fn draw_chart(
    model: &Model,
    curves: &Curves,
    chart: &ChartOf,
    focused: bool,
    cache: &mut ViewCache,
    pen: &mut Pen,
    area: Rect,
) {
    let scale = Scale {
        smoothing: SMOOTHINGS[model.live.smoothing],
        log_y: model.live.log_y && chart.log,
        unit: chart.unit,
    };
    let columns = area.width.saturating_sub(GUTTER);
    let ready = cache.chart(curves, &chart.title, columns, scale, || {
        let data = chart.curves.iter().filter_map(|(label, tag)| {
            let curve = curves.scalars.curve(tag)?;
            Some((label.clone(), curve))
        });
        Chart::prepare(data, steps(curves), columns, scale)
    });
    let nothing = match chart.title.as_str() {
        "validation" => "not validated yet",
        _ => "no values yet",
    };
    ready.draw(area, pen, &chart.title, focused, nothing);
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
