//! Draws the model: never a clock, never a file. The cache holds only what can be made again from model and size.
//!
//! ```text
//! facetui  1 Runs  2 Live  3 Evaluation  4 Pairs  5 Errors  6 Data  runs · 4 runs, 1 live     header
//!                                the view in front
//! Enter open  p pause  P park  c checkpoint  s stop            ? help  q quit              footer
//! ```

mod ask;
pub mod data;
pub mod details;
mod devices;
mod differences;
pub mod errors;
pub mod evaluation;
pub mod faces;
pub mod failures;
pub mod figures;
pub mod footer;
pub mod grid;
pub mod header;
pub mod help;
pub mod launch;
pub mod live;
pub mod log;
mod palette;
pub mod question;
pub mod runs;
pub mod summary;
pub mod threshold;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use super::along::{Along, AlongBy};
use super::message::Target;
use super::model::{Model, Overlay, View};
use super::picture::PictureCache;
use super::snapshot::Curves;
use super::widget::chart::{Chart, Scale};
use super::widget::derive::Derived;
use super::widget::text::Pen;

/// What can be made again from model and size: thinned curves, pictures made ready, and where clicks land.
#[derive(Default)]
pub struct ViewCache {
    of: Vec<(PathBuf, u64)>,
    charts: HashMap<ChartKey, Chart>,
    derived: Derived,
    hits: Vec<(Rect, Target)>,
    plots: Vec<Plot>,
    /// Pictures, and those that the last frame wanted.
    pub pictures: PictureCache,
}

/// What a chart is made by.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ChartKey {
    title: String,
    columns: u16,
    /// Points that are known so far.
    points: usize,
    smoothing: u64,
    log_y: bool,
    ignore_outliers: bool,
    along: (AlongBy, bool),
    window: (u64, u64),
}

impl ChartKey {
    fn of(
        title: &str,
        columns: u16,
        points: usize,
        window: (f64, f64),
        (scale, along): (Scale, Along),
    ) -> Self {
        Self {
            title: title.to_owned(),
            columns,
            points,
            smoothing: scale.smoothing.to_bits(),
            log_y: scale.log_y,
            ignore_outliers: scale.ignore_outliers,
            along: (along.by, along.log),
            window: (window.0.to_bits(), window.1.to_bits()),
        }
    }
}

/// Where a chart's curves lie on the screen, and which part of its axis they show.
#[derive(Debug)]
struct Plot {
    area: Rect,
    chart: usize,
    window: (f64, f64),
}

/// More charts than any screen shows at once.
const MOST_CHARTS: usize = 256;

impl ViewCache {
    /// What lies at a cell of the last frame.
    pub fn target(&self, x: u16, y: u16) -> Option<Target> {
        let at = Position { x, y };
        let hit = self.hits.iter().rev().find(|(area, _)| area.contains(at));
        hit.map(|(_, target)| target.clone())
    }

    /// Remembers what lies at `area` of this frame.
    pub fn hit(&mut self, area: Rect, target: Target) {
        self.hits.push((area, target));
    }

    /// Which chart lies at a cell of the last frame, and where on its axis that is.
    pub fn on_chart(&self, x: u16, y: u16) -> Option<(usize, f64)> {
        let at = Position { x, y };
        let plot = self.plots.iter().find(|plot| plot.area.contains(at))?;
        let cells = f64::from(plot.area.width.saturating_sub(1).max(1));
        let share = f64::from(x - plot.area.x) / cells;
        let (left, right) = plot.window;
        Some((plot.chart, left + (right - left) * share))
    }

    /// Whether there are points left that the next frame takes in.
    pub fn is_behind(&self) -> bool {
        self.derived.is_behind()
    }

    /// A chart of these curves, made only where these are new, or what it is made by.
    fn chart(&mut self, curves: &[&Curves], key: ChartKey, make: impl FnOnce() -> Chart) -> &Chart {
        let of = curves.iter().map(|curves| (&curves.path, curves.edition));
        let known = self.of.iter().map(|(path, edition)| (path, *edition));
        if !of.clone().eq(known) || self.charts.len() > MOST_CHARTS {
            self.charts.clear();
            self.of = of.map(|(path, edition)| (path.clone(), edition)).collect();
            let is_shown = |run: &Path| curves.iter().any(|curves| curves.path == run);
            self.derived.retain(is_shown);
        }
        self.charts.entry(key).or_insert_with(make)
    }
}

/// Draws one frame.
pub fn draw(model: &Model, cache: &mut ViewCache, frame: &mut Frame) {
    cache.derived.begin_frame();
    cache.hits.clear();
    cache.plots.clear();
    let area = frame.area();
    let mut pen = Pen {
        buffer: frame.buffer_mut(),
        theme: model.theme,
    };
    if area.width < 40 || area.height < 8 {
        pen.empty(area, &["facetui needs 40 × 8", "make the terminal larger"]);
        return;
    }
    let [top, body, bottom] = [
        Rect { height: 1, ..area },
        Rect {
            y: area.y + 1,
            height: area.height - 2,
            ..area
        },
        Rect {
            y: area.bottom() - 1,
            height: 1,
            ..area
        },
    ];
    header::draw(model, cache, &mut pen, top);
    let cursor = if let Some(Overlay::Ask(asked)) = &model.overlay {
        Some(ask::draw(&model.keys, asked, &mut pen, bottom))
    } else {
        footer::draw(model, &mut pen, bottom);
        None
    };
    match &model.overlay {
        Some(Overlay::Help {
            scroll,
            search,
            typing,
        }) => {
            let searched = help::Searched {
                text: search,
                typing: *typing,
            };
            if let Some(cursor) = help::draw(&model.keys, &mut pen, body, *scroll, &searched) {
                frame.set_cursor_position(cursor);
            }
            return;
        }
        Some(Overlay::Launch(form)) => {
            let cursor = launch::draw(form, cache, &mut pen, body);
            frame.set_cursor_position(cursor);
            return;
        }
        Some(Overlay::Question { .. } | Overlay::Ask(_) | Overlay::Palette(_)) | None => {}
    }
    match model.view {
        View::Runs => runs::draw(model, cache, &mut pen, body),
        View::Live => live::draw(model, cache, &mut pen, body),
        View::Evaluation => evaluation::draw(model, cache, &mut pen, body),
        View::Failures => failures::draw(model, cache, &mut pen, body),
        View::Errors => errors::draw(model, cache, &mut pen, body),
        View::Data => data::draw(model, cache, &mut pen, body),
    }
    if let Some(Overlay::Question { what, name, .. }) = &model.overlay {
        question::draw(&mut pen, body, *what, name);
    }
    let cursor = match &model.overlay {
        Some(Overlay::Palette(palette)) => Some(palette::draw(model, palette, &mut pen, body)),
        _ => cursor,
    };
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
}
