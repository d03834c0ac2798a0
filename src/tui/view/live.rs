//! One run, live: where it stands, its curves, and what its worker printed.
//!
//! ```text
//!  margin-centre  ● running  ━━━━━━━━━━━━━───────── 62 %  620 of 1,000  3m12s to go
//!  epoch 3 · 41.2 images/s · flex · step-00000600                      pause sent…
//! ▌total loss ──────────── 12.31  margin ───────────────── 10.22
//!    40┤⠑⢄                           40┤⠑⢄
//!    20┤  ⠑⠢⠤⣀⡀                      20┤  ⠑⠢⠤⣀⡀
//! ```

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use crate::run::{JobKind, RunState};
use crate::tui::message::Target;
use crate::tui::model::{Model, SMOOTHINGS};
use crate::tui::snapshot::{Contents, Curves, RunDetails, RunSnapshot};
use crate::tui::theme::Role;
use crate::tui::widget::chart::{Chart, GUTTER, Scale, Unit};
use crate::tui::widget::gauge::bar;
use crate::tui::widget::text::{Pen, wrap};
use crate::tui::words;

use super::{ViewCache, figures, log, runs, summary};

/// A chart of the live view: which curves, in what unit.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartOf {
    /// What it shows.
    pub title: String,
    /// Label and tag of each curve.
    pub curves: Vec<(String, String)>,
    /// The unit.
    pub unit: Unit,
    /// Whether heights can be logarithmic.
    pub log: bool,
}

/// Draws the selected run.
pub fn draw(model: &Model, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let Some(run) = model.selected_run() else {
        let why = if model.runs.is_none() { "looking for runs…" } else { "No run to watch yet" };
        pen.empty(area, &[why, "n launches one from a recipe"]);
        return;
    };
    let inner = Rect {
        x: area.x + 1,
        width: area.width - 2,
        ..area
    };
    let used = draw_head(model, run, pen, inner);
    let body = Rect {
        y: area.y + used,
        height: area.height.saturating_sub(used),
        ..area
    };
    match &run.contents {
        Contents::Broken(_) => {}
        Contents::EventLog => draw_grid(model, run, cache, pen, body),
        Contents::Run(details) => draw_run(model, run, details, cache, pen, body),
    }
}

fn draw_run(model: &Model, run: &RunSnapshot, details: &RunDetails, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    if !model.shows_log(run) {
        draw_main(model, run, details, cache, pen, area);
        return;
    }
    let has_curves = model.curves_of(&run.path).is_some_and(|curves| curves.scalars.tags().next().is_some());
    let wanted = details.log.len() as u16 + 1;
    let most = if has_curves { area.height * 2 / 5 } else { area.height };
    let height = wanted.clamp(2, most.max(2)).min(area.height);
    let upper = Rect {
        height: area.height - height,
        ..area
    };
    if has_curves {
        draw_main(model, run, details, cache, pen, upper);
    }
    let lower = Rect {
        x: area.x + 1,
        width: area.width - 2,
        y: if has_curves { upper.bottom() } else { area.y },
        height,
    };
    log::draw(details, model.live.log_scroll, pen, lower);
}

fn draw_main(model: &Model, run: &RunSnapshot, details: &RunDetails, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    if details.status.kind == JobKind::Eval {
        let place = Rect {
            x: area.x + 1,
            width: area.width - 2,
            ..area
        };
        match details.results.last() {
            Some(evaluation) => figures::draw(evaluation, pen, place),
            None => draw_nothing(details, pen, area, "the figures will appear here"),
        }
        return;
    }
    match model.curves_of(&run.path) {
        Some(curves) if curves.scalars.tags().next().is_some() => draw_grid(model, run, cache, pen, area),
        _ => draw_nothing(details, pen, area, "the curves begin with the first step"),
    }
}

fn draw_nothing(details: &RunDetails, pen: &mut Pen, area: Rect, hope: &str) {
    let status = &details.status;
    let phase = status.phase.as_deref().unwrap_or("waiting for the worker");
    match status.state {
        RunState::Starting => pen.empty(area, &[&format!("starting: {phase}"), "", hope]),
        state if state.is_live() => pen.empty(area, &[phase_or(status.phase.as_deref(), "at work"), "", hope]),
        state => pen.empty(area, &[&format!("{} before its first step", words::state(state)), "", "l shows what the worker printed"]),
    }
}

fn phase_or<'a>(phase: Option<&'a str>, other: &'a str) -> &'a str {
    phase.filter(|phase| !phase.is_empty()).unwrap_or(other)
}

/// Two lines about the run, more where it failed; returns the rows used.
fn draw_head(model: &Model, run: &RunSnapshot, pen: &mut Pen, area: Rect) -> u16 {
    let details = match &run.contents {
        Contents::Run(details) => details,
        Contents::EventLog => {
            pen.put_all(area.x, area.y, area.width, &[(&run.name, Role::Strong), ("  another program's event log", Role::Quiet)]);
            return 1;
        }
        Contents::Broken(why) => {
            pen.put_all(area.x, area.y, area.width, &[(&run.name, Role::Strong), ("  can't be read", Role::Bad)]);
            let lines = wrap(why, area.width.into());
            for (row, line) in lines.iter().enumerate().take(usize::from(area.height).saturating_sub(2)) {
                pen.put(area.x, area.y + 2 + row as u16, area.width, line, Role::Text);
            }
            return area.height;
        }
    };
    draw_progress(run, details, pen, area);
    let second = Rect { y: area.y + 1, height: 1, ..area };
    let right = right_of_head(model, run, pen);
    let taken: u16 = right.iter().map(|(text, _)| pen.width(text)).sum();
    let pieces: Vec<(&str, Role)> = right.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    pen.put_all(second.right() - taken.min(second.width), second.y, taken, &pieces);
    let room = second.width.saturating_sub(taken + 2);
    let status = &details.status;
    if let Some(error) = &status.last_error
        && matches!(status.state, RunState::Failed | RunState::Lost)
    {
        let lines = wrap(error, room.into());
        let rows = lines.len().min(4) as u16;
        for (row, line) in lines.iter().take(rows.into()).enumerate() {
            pen.put(second.x, second.y + row as u16, room, line, Role::Bad);
        }
        return 1 + rows;
    }
    pen.put(second.x, second.y, room, &facts(run, details).join(" · "), Role::Quiet);
    2
}

fn draw_progress(run: &RunSnapshot, details: &RunDetails, pen: &mut Pen, area: Rect) {
    let status = &details.status;
    let (role, glyph) = pen.theme.state(status.state);
    let word = words::state(status.state);
    let name_room = area.width / 3;
    let mut x = area.x;
    x += pen.put(x, area.y, name_room, &run.name, Role::Strong) + 2;
    x += pen.put_all(x, area.y, 12, &[(glyph, role), (" ", role), (word, role)]) + 2;
    let share = runs::share(status.step, status.steps);
    let mut end = format!(
        " {}  {} of {}",
        runs::whole_percent(share),
        words::count(status.step),
        words::count(status.steps)
    );
    if let Some(eta) = status.eta_seconds.filter(|_| run.is_live()) {
        end.push_str(&format!("  {} to go", words::duration(eta)));
    }
    let wide = pen.width(&end);
    let room = area.right().saturating_sub(x + wide);
    if room >= 4 {
        let (full, empty) = bar(share, room.into(), pen.theme);
        pen.put_all(x, area.y, room, &[(&full, role), (&empty, Role::Quiet)]);
    }
    pen.put_right(area.x, area.y, area.width, &end, Role::Text);
}

fn facts(run: &RunSnapshot, details: &RunDetails) -> Vec<String> {
    let status = &details.status;
    let mut facts = Vec::new();
    facts.extend(status.phase.clone().filter(|phase| !phase.is_empty()));
    if status.kind == JobKind::Train {
        facts.push(format!("epoch {}", status.epoch));
    }
    if let Some(speed) = status.images_per_second.filter(|_| run.is_live()) {
        facts.push(format!("{} images/s", words::rate(speed)));
    }
    facts.push(status.device.clone());
    if let Some(best) = &details.best {
        facts.push(format!("best {} on {}", words::percent(best.accuracy), best.set));
    }
    facts.extend(status.last_checkpoint.clone());
    facts
}

/// The right end of the head's second line: a command on its way, and how the curves are shown.
fn right_of_head(model: &Model, run: &RunSnapshot, pen: &Pen) -> Vec<(String, Role)> {
    let mut pieces = Vec::new();
    if let Some(text) = summary::pending(model, run) {
        let mark = pen.theme.pick("◌ ", "~ ");
        pieces.push((format!("{mark}{text}"), Role::Waiting));
    }
    if model.live.smoothing > 0 {
        pieces.push((format!("  smooth {}", SMOOTHINGS[model.live.smoothing]), Role::Accent));
    }
    if model.live.log_y {
        pieces.push(("  log y".to_owned(), Role::Accent));
    }
    pieces
}

/// Columns of charts on a terminal of a size.
pub fn columns(size: (u16, u16)) -> usize {
    match size.0 {
        0..64 => 1,
        64..150 => 2,
        _ => 3,
    }
}

/// The charts of the selected run, in order.
pub fn charts(model: &Model) -> Vec<ChartOf> {
    let Some(run) = model.selected_run() else {
        return Vec::new();
    };
    match model.curves_of(&run.path) {
        Some(curves) => charts_of(curves, run.kind() == Some(JobKind::Train)),
        None => Vec::new(),
    }
}

fn charts_of(curves: &Curves, trains: bool) -> Vec<ChartOf> {
    let tags: BTreeSet<&str> = curves.scalars.tags().collect();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let mut charts = Vec::new();
    for known in KNOWN {
        let here: Vec<(String, String)> = known
            .curves
            .iter()
            .filter(|(_, tag)| tags.contains(tag))
            .map(|(label, tag)| ((*label).to_owned(), (*tag).to_owned()))
            .collect();
        taken.extend(known.curves.iter().map(|(_, tag)| *tag));
        taken.extend(known.instead);
        if !here.is_empty() || (trains && known.always) {
            charts.push(ChartOf {
                title: known.title.to_owned(),
                curves: here,
                unit: known.unit,
                log: known.log,
            });
        }
        if known.title == "accuracy" {
            charts.extend(validation(&tags, trains));
        }
    }
    let others = tags.iter().filter(|tag| !taken.contains(*tag) && set_of(tag).is_none());
    charts.extend(others.map(|tag| ChartOf {
        title: crate::untrusted::visible(tag),
        curves: vec![(String::new(), (*tag).to_owned())],
        unit: Unit::Plain,
        log: true,
    }));
    charts
}

fn validation(tags: &BTreeSet<&str>, trains: bool) -> Option<ChartOf> {
    let curves: Vec<(String, String)> = tags
        .iter()
        .filter_map(|tag| Some((crate::untrusted::visible(set_of(tag)?), (*tag).to_owned())))
        .collect();
    (trains || !curves.is_empty()).then(|| ChartOf {
        title: "validation".to_owned(),
        curves,
        unit: Unit::Percent,
        log: false,
    })
}

/// The set whose accuracy a tag holds.
fn set_of(tag: &str) -> Option<&str> {
    tag.strip_prefix("eval/")?.strip_suffix("/accuracy")
}

struct Known {
    title: &'static str,
    curves: &'static [(&'static str, &'static str)],
    /// Tags that say the same in other words and get no chart.
    instead: &'static [&'static str],
    unit: Unit,
    log: bool,
    /// Shown before there is a value.
    always: bool,
}

const KNOWN: &[Known] = &[
    known("total loss", &[("", "loss/total")], true),
    Known { instead: &["loss/margin_weighted"], ..known("margin", &[("", "loss/margin")], false) },
    Known { instead: &["loss/triplet_weighted"], ..known("triplet", &[("", "loss/triplet")], false) },
    Known { instead: &["loss/centre"], ..known("centre, weighted", &[("", "loss/centre_weighted")], false) },
    Known { instead: &["loss/weight_decay_weighted"], ..known("weight decay", &[("", "loss/weight_decay")], false) },
    Known {
        unit: Unit::Percent,
        log: false,
        ..known("accuracy", &[("plain", "train/accuracy"), ("margin", "train/accuracy_margin")], false)
    },
    known("learning rate", &[("", "train/learning_rate")], true),
    Known { log: false, ..known("images/s", &[("", "speed/images_per_second")], true) },
    known("gradient norm", &[("", "train/gradient_norm")], false),
];

const fn known(title: &'static str, curves: &'static [(&'static str, &'static str)], always: bool) -> Known {
    Known {
        title,
        curves,
        instead: &[],
        unit: Unit::Plain,
        log: true,
        always,
    }
}

/// The first charts of a run in one row: a glimpse for the list of runs.
pub fn draw_first(model: &Model, run: &RunSnapshot, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let Some(curves) = model.curves_of(&run.path) else {
        return;
    };
    let charts = charts_of(curves, run.kind() == Some(JobKind::Train));
    let glimpse = ["total loss", "accuracy", "validation"];
    let mut shown: Vec<&ChartOf> = charts
        .iter()
        .filter(|chart| glimpse.contains(&chart.title.as_str()) && !chart.curves.is_empty())
        .collect();
    if shown.is_empty() {
        shown = charts.iter().filter(|chart| !chart.curves.is_empty()).collect();
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

fn draw_grid(model: &Model, run: &RunSnapshot, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let Some(curves) = model.curves_of(&run.path) else {
        pen.empty(area, &["reading the event log…"]);
        return;
    };
    let charts = charts_of(curves, run.kind() == Some(JobKind::Train));
    let chosen = model.live.chart.min(charts.len().saturating_sub(1));
    if let (true, Some(chart)) = (model.live.zoomed, charts.get(chosen)) {
        cache.hit(area, Target::Chart(chosen));
        let plot = Rect { height: area.height.saturating_sub(1), ..area };
        draw_chart(model, curves, chart, true, cache, pen, plot);
        let facts = extremes(curves, chart);
        pen.put(area.x + GUTTER, area.bottom() - 1, area.width - GUTTER, &facts, Role::Quiet);
        return;
    }
    let columns = columns(model.size);
    let rows = charts.len().div_ceil(columns);
    let fitting = usize::from(area.height / MIN_CHART).clamp(1, rows.max(1));
    let first_row = (chosen / columns).saturating_sub(fitting - 1);
    let hidden = charts.len().saturating_sub((first_row + fitting) * columns);
    for (at, chart) in charts.iter().enumerate().skip(first_row * columns).take(fitting * columns) {
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
        pen.put_right(area.x, area.bottom() - 1, area.width, &more, Role::Waiting);
    }
}

/// The least rows a chart is readable in.
const MIN_CHART: u16 = 6;

fn draw_chart(model: &Model, curves: &Curves, chart: &ChartOf, focused: bool, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
    let scale = Scale {
        smoothing: SMOOTHINGS[model.live.smoothing],
        log_y: model.live.log_y && chart.log,
        unit: chart.unit,
    };
    let columns = area.width.saturating_sub(GUTTER);
    let ready = cache.chart(curves, &chart.title, columns, scale, || {
        let data = chart.curves.iter().map(|(label, tag)| {
            let points = curves.scalars.points(tag);
            (label.clone(), points.iter().map(|point| (point.step as f64, point.value)).collect())
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
    let ends = || curves.scalars.tags().filter_map(|tag| {
        let points = curves.scalars.points(tag);
        Some((points.first()?.step, points.last()?.step))
    });
    let first = ends().map(|(first, _)| first).min().unwrap_or(0);
    let last = ends().map(|(_, last)| last).max().unwrap_or(1);
    (first as f64, last.max(first + 1) as f64)
}

/// What the zoomed chart's curves reach, and where.
fn extremes(curves: &Curves, chart: &ChartOf) -> String {
    let mut parts = Vec::new();
    for (label, tag) in &chart.curves {
        let points = curves.scalars.points(tag);
        let finite = || points.iter().filter(|point| point.value.is_finite());
        let lowest = finite().min_by(|a, b| a.value.total_cmp(&b.value));
        let highest = finite().max_by(|a, b| a.value.total_cmp(&b.value));
        let (Some(lowest), Some(highest)) = (lowest, highest) else {
            continue;
        };
        let name = if label.is_empty() { String::new() } else { format!("{label}: ") };
        let mut text = format!(
            "{name}lowest {} at {}, highest {} at {}, {} values",
            chart.unit.text(lowest.value),
            words::count(lowest.step),
            chart.unit.text(highest.value),
            words::count(highest.step),
            words::count(points.len() as u64)
        );
        let broken = points.len() - finite().count();
        if broken > 0 {
            text.push_str(&format!(", {} not finite", words::count(broken as u64)));
        }
        parts.push(text);
    }
    parts.join(" · ")
}
