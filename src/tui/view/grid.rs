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

use crate::run::{self, JobKind, QUANTILES};
use crate::tui::along::Along;
use crate::tui::charts::spreads::{self, Shading};
use crate::tui::charts::{self, ChartOf, columns};
use crate::tui::marks::{self, Mark};
use crate::tui::message::Target;
use crate::tui::model::{Model, SMOOTHINGS};
use crate::tui::snapshot::{Curves, RunSnapshot};
use crate::tui::theme::Role;
use crate::tui::widget::axis::AxisMark;
use crate::tui::widget::chart::{Around, Chart, GUTTER, Scale};
use crate::tui::widget::line::Line;
use crate::tui::widget::spread::{Shades, Spread};
use crate::tui::widget::text::Pen;
use crate::tui::words;
use crate::tui::worker_load::TimeSplit;

use super::{ChartKey, Plot, ViewCache, summary};

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
        grid.draw_chart(chart, None, cache, pen, place);
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
    let chosen = model.live.kept.chart.min(charts.len().saturating_sub(1));
    if let (true, Some(chart)) = (model.live.kept.zoomed, charts.get(chosen)) {
        cache.hit(area, Target::Chart(chosen));
        let listed = newest_marks(run, area.height);
        let mut facts = match model.live.cursor {
            Some(at) => grid.at_cursor(chart, cache, at),
            None => vec![extremes(curves, chart)],
        };
        facts.extend(about(curves, chart));
        let below = facts.len() + listed.len();
        let plot = Rect {
            height: area
                .height
                .saturating_sub(below as u16)
                .max(area.height / 2),
            ..area
        };
        grid.draw_chart(chart, Some(chosen), cache, pen, plot);
        let below = Rect {
            x: area.x + GUTTER,
            y: plot.bottom(),
            width: area.width - GUTTER,
            height: area.bottom() - plot.bottom(),
        };
        for (fact, y) in facts.iter().zip(below.y..below.bottom()) {
            pen.put(below.x, y, below.width, fact, Role::Quiet);
        }
        let used = (facts.len() as u16).min(below.height);
        let rest = Rect {
            y: below.y + used,
            height: below.height - used,
            ..below
        };
        list_marks(model, &listed, curves, pen, rest);
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
        cache.hit(place, Target::Chart(at));
        grid.draw_chart(chart, Some(at), cache, pen, place);
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
    run: &'a RunSnapshot,
    curves: &'a Curves,
    along: Along,
    window: (f64, f64),
    marks: Vec<AxisMark>,
}

impl<'a> Grid<'a> {
    fn of(model: &'a Model, run: &'a RunSnapshot, curves: &'a Curves) -> Self {
        let kept = &model.live.kept;
        let along = Along::of(curves, kept.along, kept.log_x);
        let span = charts::span(model).unwrap_or_else(|| along.span(&curves.scalars));
        let window = model.live.window.unwrap_or(span);
        let mut marks = marks::on_axis(run, curves, &along, model.theme);
        // What happened after the last point shares its cell; beyond a part that is zoomed into, nothing is shown.
        marks.retain(|mark| model.live.window.is_none() || mark.at <= window.1);
        Self {
            model,
            run,
            curves,
            along,
            window,
            marks,
        }
    }

    /// The chart's lines: those of the run, then the first one of each run beside it.
    fn lines(&self, chart: &ChartOf, cache: &mut ViewCache) -> Vec<Line<'a>> {
        let beside: Vec<&Curves> = self.model.beside.values().collect();
        let smoothing = self.scale(chart).smoothing;
        let mut line = |label: &str, tags: &[String], curves: &'a Curves, along: Along| {
            let parts = tags.iter().map(|tag| curves.scalars.curve(tag));
            let parts: Vec<&run::Curve> = parts.collect::<Option<_>>()?;
            let of = (curves.path.as_path(), parts.as_slice());
            Line::of(label, of, along, smoothing, &mut cache.derived)
        };
        let mut lines = Vec::new();
        for (nth, (label, tags)) in chart.curves.iter().enumerate() {
            let alone = beside.is_empty() || nth > 0;
            let label = if alone { label } else { &self.run.name };
            lines.extend(line(label, tags, self.curves, self.along));
        }
        for curves in beside {
            let kept = &self.model.live.kept;
            let along = Along::of(curves, kept.along, kept.log_x);
            let runs = self.model.runs().iter();
            let mut name = runs
                .filter(|run| run.path == curves.path)
                .map(|run| &run.name);
            if let (Some((_, tags)), Some(name)) = (chart.curves.first(), name.next_back()) {
                lines.extend(line(name, tags, curves, along));
            }
        }
        lines
    }

    /// What is shaded behind a chart's curves.
    fn ground(&self, chart: &ChartOf, columns: u16) -> Option<Spread> {
        let ground = chart.ground.as_ref()?;
        let (percents, shades): (&[u8], _) = match ground.shading {
            Shading::Density => (&QUANTILES, Shades::Many),
            Shading::MostValues => (&[10, 90], Shades::One),
        };
        let quantile = |percent: &u8| {
            let tag = run::quantile_tag(&ground.histogram, *percent);
            let curve = self.curves.scalars.curve(&tag)?;
            Some((f64::from(*percent) / 100.0, curve))
        };
        let quantiles: Option<Vec<_>> = percents.iter().map(quantile).collect();
        let (along, window) = (self.along, self.window);
        Some(Spread::prepare(&quantiles?, along, window, columns, shades))
    }

    fn scale(&self, chart: &ChartOf) -> Scale {
        let live = &self.model.live;
        Scale {
            smoothing: SMOOTHINGS[live.kept.smoothing],
            log_y: live.kept.log_y && chart.log,
            ignore_outliers: live.kept.ignore_outliers,
            unit: chart.unit,
        }
    }

    /// Draws a chart; `number` is its place in the grid, where it can be chosen.
    fn draw_chart(
        &self,
        chart: &ChartOf,
        number: Option<usize>,
        cache: &mut ViewCache,
        pen: &mut Pen,
        area: Rect,
    ) {
        let live = &self.model.live;
        let scale = self.scale(chart);
        let columns = area.width.saturating_sub(GUTTER);
        let lines = self.lines(chart, cache);
        let points = lines.iter().map(Line::known).sum();
        let mut of = vec![self.curves];
        of.extend(self.model.beside.values());
        let key = ChartKey::of(
            &chart.title,
            columns,
            points,
            self.window,
            (scale, self.along),
        );
        let charset = pen.theme.charset;
        let ready = cache.chart(&of, key, || {
            let prepared = Chart::prepare(&lines, self.window, (columns, charset), scale);
            match self.ground(chart, columns) {
                Some(ground) => prepared.over(ground),
                None => prepared,
            }
        });
        let cursor = live.cursor.filter(|_| number.is_some());
        let values = cursor.map(|at| ready.values_at(&lines, at));
        let around = Around {
            title: &chart.title,
            focused: number == Some(live.kept.chart) && !live.kept.zoomed
                || (live.kept.zoomed && number.is_some()),
            nothing: match chart.title.as_str() {
                "validation" => "not validated yet",
                spreads::COSINE_TITLE => "[histograms] every = 100 in a recipe tells it",
                _ => "no values yet",
            },
            marks: &self.marks,
            cursor,
            values: values.as_deref().unwrap_or_default(),
        };
        ready.draw(area, pen, &around);
        if let Some(chart) = number {
            cache.plots.push(Plot {
                area: Chart::plot(area),
                chart,
                window: self.window,
            });
        }
    }

    /// What each curve of a chart is at a place, and how far from the first one.
    fn at_cursor(&self, chart: &ChartOf, cache: &mut ViewCache, at: f64) -> Vec<String> {
        let lines = self.lines(chart, cache);
        let first = lines.first().and_then(|line| line.value_at(at));
        let mut facts = vec![format!(
            "at {} {}:",
            self.along.by.name(),
            self.along.text(at)
        )];
        for (nth, line) in lines.iter().enumerate() {
            let value = line.value_at(at);
            let text =
                value.map_or_else(|| "nothing yet".to_owned(), |value| chart.unit.text(value));
            let difference = match (nth, first, value) {
                (1.., Some(first), Some(value)) => {
                    let sign = if value < first { "−" } else { "+" };
                    format!(" ({sign}{})", chart.unit.text((value - first).abs()))
                }
                _ => String::new(),
            };
            let label = if line.label.is_empty() {
                &chart.title
            } else {
                &line.label
            };
            facts.push(format!("  {label} {text}{difference}"));
        }
        // Few enough for one line stay in one.
        if facts.len() <= 4 {
            facts = vec![facts.join("")];
        }
        facts
    }
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

/// Lists marks, a line each: glyph, step, what happened, how long ago.
fn list_marks(model: &Model, marks: &[&Mark], curves: &Curves, pen: &mut Pen, area: Rect) {
    for (mark, y) in marks.iter().zip(area.y..area.bottom()) {
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

/// What a zoomed chart alone tells: what is shaded, or where the time goes.
fn about(curves: &Curves, chart: &ChartOf) -> Option<String> {
    match chart.ground.as_ref().map(|ground| ground.shading) {
        Some(Shading::Density) => {
            Some("shaded: where the values lie, darkest where most do".to_owned())
        }
        Some(Shading::MostValues) => Some(
            "shaded: all cosines to the own class but the least and the greatest tenth".to_owned(),
        ),
        None if chart.title == charts::STEP_TIME_TITLE => {
            let split = TimeSplit::of(&curves.scalars)?;
            let steps = words::count(split.steps as u64);
            Some(format!("the newest {steps} steps: {}", split.told()))
        }
        None => None,
    }
}

/// What the zoomed chart's curves reach, and where.
fn extremes(curves: &Curves, chart: &ChartOf) -> String {
    let mut parts = Vec::new();
    for (label, tags) in &chart.curves {
        let curve = tags.last().and_then(|tag| curves.scalars.curve(tag));
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
