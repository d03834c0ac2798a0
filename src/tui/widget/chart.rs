//! A chart: a title with the newest values, ticks that are round numbers, curves of dots.
//!
//! ```text
//! ▌total loss log ─────── 12.31
//!    40┤⠑⢄
//!    20┤  ⠑⠢⠤⣀⡀
//!     0┤      ⠈⠉⠉⠉⠒⠒⠤⠤⠤⠤
//!      0                  620
//! ```

use ratatui::layout::Rect;

use crate::tui::along::Along;
use crate::tui::theme::{Charset, Role};
use crate::tui::words;

use super::axis::{self, AxisMark};
use super::decimate::column;
use super::line::{Drawn, Line, Outside};
use super::raster::{Raster, dots_across};
use super::scale::widen;
use super::spread::Spread;
use super::text::Pen;

pub use super::scale::{GUTTER, Scale, Unit, round_up};

/// A chart ready to draw.
#[derive(Debug, Clone)]
pub struct Chart {
    curves: Vec<Drawn>,
    scale: Scale,
    along: Along,
    x: (f64, f64),
    y: (f64, f64),
    /// How many values lie outside of the heights.
    outside: Outside,
    /// What is shaded behind the curves.
    ground: Option<Spread>,
}

/// What is drawn around a chart's curves.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// What it is called.
    pub title: &'a str,
    /// Whether it is the chosen one.
    pub focused: bool,
    /// What it says without values.
    pub nothing: &'a str,
    /// What happened; a later mark covers those before it.
    pub marks: &'a [AxisMark],
    /// Where the cursor is.
    pub cursor: Option<f64>,
    /// The values there, a curve after the other.
    pub values: &'a [Option<f64>],
}

impl Chart {
    /// Prepares lines for a plot of `columns` cells of a charset that shows the window `x`: what lies in the window is
    /// smoothed first and thinned out last, to the very dots of the plot.
    pub fn prepare(
        lines: &[Line<'_>],
        x: (f64, f64),
        (columns, charset): (u16, Charset),
        scale: Scale,
    ) -> Self {
        let resolution = usize::from(columns) * dots_across(charset);
        let curves: Vec<Drawn> = lines
            .iter()
            .map(|line| line.drawn(x, resolution, scale))
            .collect();
        let all = || {
            curves
                .iter()
                .flat_map(|curve| curve.points.iter().chain(&curve.raw))
        };
        let mut finite: Vec<f64> = all().map(|(_, y)| *y).filter(|y| y.is_finite()).collect();
        let (mut low, mut high) = finite
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| {
                (low.min(*y), high.max(*y))
            });
        let mut outside = Outside::default();
        if scale.ignore_outliers
            && let Some(fences) = fences(&mut finite)
        {
            (low, high) = (low.max(fences.0), high.min(fences.1));
            for line in lines {
                outside.count(line, x, scale, (low, high));
            }
        }
        Self {
            along: lines.first().map_or(Along::STEPS, |line| line.along),
            curves,
            scale,
            x,
            y: widen(low, high),
            outside,
            ground: None,
        }
    }

    /// The chart with shades behind its curves; its heights take these in too.
    #[must_use]
    pub fn over(mut self, ground: Spread) -> Self {
        if let Some((low, high)) = ground.heights().filter(|_| !self.scale.ignore_outliers) {
            let y = widen(low, high);
            self.y = (self.y.0.min(y.0), self.y.1.max(y.1));
        }
        self.ground = Some(ground);
        self
    }

    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.curves.iter().all(|curve| curve.points.is_empty())
    }

    /// The values at a place as they are drawn, a curve after the other; smoothed ones to a column.
    pub fn values_at(&self, lines: &[Line<'_>], at: f64) -> Vec<Option<f64>> {
        if self.scale.smoothing <= 0.0 {
            return lines.iter().map(|line| line.value_at(at)).collect();
        }
        let value = |curve: &Drawn| {
            let before = curve.points.iter().take_while(|(x, _)| *x <= at);
            before.last().map(|(_, y)| self.scale.value(*y))
        };
        self.curves.iter().map(value).collect()
    }

    /// Where the curves themselves are drawn within an area.
    pub fn plot(area: Rect) -> Rect {
        let axis_rows = u16::from(area.height >= 6);
        Rect {
            x: area.x + GUTTER,
            y: area.y + 1,
            width: area.width.saturating_sub(GUTTER),
            height: area.height.saturating_sub(1 + axis_rows),
        }
    }

    /// Draws it.
    pub fn draw(&self, area: Rect, pen: &mut Pen, around: &Around) {
        if area.height == 0 || area.width < 8 {
            return;
        }
        self.draw_title(area, pen, around);
        let plot = Self::plot(area);
        if plot.height == 0 {
            return;
        }
        if self.is_empty() {
            let row = area.y + 1 + plot.height / 2;
            pen.put(area.x + 2, row, area.width - 2, around.nothing, Role::Quiet);
            return;
        }
        self.draw_ticks(area.x, plot, pen);
        if let Some(ground) = &self.ground {
            ground.draw(plot, self.y, pen);
        }
        self.draw_curves(plot, pen);
        if let Some(at) = around.cursor {
            self.draw_cursor(at, plot, pen);
        }
        if area.height >= 6 {
            axis::draw(plot, self.x, |at| self.along.text(at), pen, around.marks);
        }
    }

    /// A line from top to bottom; the curves' dots stay in sight.
    fn draw_cursor(&self, at: f64, plot: Rect, pen: &mut Pen) {
        if !(self.x.0..=self.x.1).contains(&at) {
            return;
        }
        let cell = column(at, self.x.0, self.x.1, plot.width.into()) as u16;
        let line = pen.theme.pick("│", "|");
        for y in plot.y..plot.bottom() {
            let is_empty = pen
                .buffer
                .cell((plot.x + cell, y))
                .is_some_and(|cell| cell.symbol() == " ");
            if is_empty {
                pen.put(plot.x + cell, y, 1, line, Role::Accent);
            }
        }
    }

    fn draw_title(&self, area: Rect, pen: &mut Pen, around: &Around) {
        let Around { title, focused, .. } = *around;
        let values = self.legend(pen, around);
        let wide: u16 = values.iter().map(|(text, _)| pen.width(text)).sum();
        // Of a long legend and a title both are cut, neither away.
        let room = area.width.saturating_sub(pen.width(title) + 3);
        let wide = wide.min(room.max(area.width / 2));
        let (mark, role) = if focused {
            ("▌", Role::Accent)
        } else {
            (" ", Role::Strong)
        };
        let room = area.width.saturating_sub(wide + 1);
        let mut used = pen.put(area.x, area.y, 1, mark, Role::Accent);
        used += pen.put(
            area.x + used,
            area.y,
            room.saturating_sub(used),
            title,
            role,
        );
        let log = if self.scale.log_y { " log" } else { "" };
        let outside = match self.outside {
            Outside { count: 0, .. } => String::new(),
            Outside { count, exact } => {
                let about = if exact { "" } else { "about " };
                format!(" {about}{} outside", words::count(count as u64))
            }
        };
        for (text, role) in [(log, Role::Quiet), (outside.as_str(), Role::Waiting)] {
            used += pen.put(area.x + used, area.y, room.saturating_sub(used), text, role);
        }
        if used + 2 < room {
            pen.rule(area.x + used + 1, area.y, room - used - 1);
        }
        let pieces: Vec<(&str, Role)> = values
            .iter()
            .map(|(text, role)| (text.as_str(), *role))
            .collect();
        pen.put_all(area.x + area.width - wide, area.y, wide, &pieces);
    }

    /// The newest values, or those at the cursor, with label and dash pattern where there are several curves.
    fn legend(&self, pen: &Pen, around: &Around) -> Vec<(String, Role)> {
        let several = self.curves.len() > 1;
        let mut pieces = Vec::new();
        for (nth, curve) in self.curves.iter().enumerate() {
            let value = match around.cursor {
                Some(_) => around.values.get(nth).copied().flatten(),
                None => curve.latest,
            };
            let Some(value) = value else { continue };
            if !pieces.is_empty() {
                pieces.push(("  ".to_owned(), Role::Quiet));
            }
            if several {
                let line = match nth % 2 {
                    0 => pen.theme.pick("━", "--"),
                    _ => pen.theme.pick("╍", "- -"),
                };
                pieces.push((line.to_owned(), Role::Curve(nth)));
                let label = if curve.label.is_empty() {
                    " ".to_owned()
                } else {
                    format!(" {} ", curve.label)
                };
                pieces.push((label, Role::Quiet));
            }
            pieces.push((self.scale.unit.text(value), Role::Strong));
        }
        pieces
    }

    fn draw_ticks(&self, x: u16, plot: Rect, pen: &mut Pen) {
        let wall = pen.theme.pick("│", "|");
        for row in 0..plot.height {
            pen.put(plot.x - 1, plot.y + row, 1, wall, Role::Quiet);
        }
        let rows = usize::from(plot.height);
        let most = (rows / 2).clamp(2, 6);
        let mut taken = None;
        for (at, text) in self.scale.ticks(self.y, most) {
            let row = plot.bottom() - 1 - column(at, self.y.0, self.y.1, rows) as u16;
            if taken == Some(row) {
                continue;
            }
            taken = Some(row);
            pen.put_right(x, row, GUTTER - 1, &text, Role::Quiet);
            pen.put(plot.x - 1, row, 1, "┤", Role::Quiet);
        }
    }

    fn draw_curves(&self, plot: Rect, pen: &mut Pen) {
        let (width, height) = (plot.width.into(), plot.height.into());
        let mut raster = Raster::new(width, height, pen.theme.charset);
        for curve in &self.curves {
            raster.curve(curve.raw.iter().copied(), self.x, self.y, 0);
        }
        let mut roles = vec![Role::Raw];
        for (nth, curve) in self.curves.iter().enumerate().rev() {
            let mut own = Raster::new(width, height, pen.theme.charset);
            own.curve(curve.points.iter().copied(), self.x, self.y, nth as u8 + 1);
            if nth % 2 == 1 {
                own.dash();
            }
            raster.overlay(&own);
        }
        roles.extend((0..self.curves.len()).map(Role::Curve));
        raster.paint(plot, pen.buffer, pen.theme, &roles);
    }
}

/// Beyond these a value is far out: three times the middle half's width from either end of it (Tukey, Exploratory Data
/// Analysis, 1977). `None` where the middle half has no width.
fn fences(values: &mut [f64]) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let quartile = |part: usize| values.get(values.len() * part / 4).copied();
    let (first, third) = (quartile(1)?, quartile(3)?);
    let width = third - first;
    (width > 0.0).then_some((first - 3.0 * width, third + 3.0 * width))
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use std::path::Path;

    use super::*;
    use crate::run::{self, Event, Scalars, What};
    use crate::tui::theme::{Background, Depth, Theme};
    use crate::tui::widget::derive::Derived;
    use crate::tui::widget::smooth::Average;

    const PLAIN: Scale = Scale {
        smoothing: 0.0,
        log_y: false,
        ignore_outliers: false,
        unit: Unit::Plain,
    };

    fn lines<'a>(curves: impl Iterator<Item = &'a run::Curve>, smoothing: f64) -> Vec<Line<'a>> {
        let mut derived = Derived::default();
        let mut line = |curve| {
            let of: (_, &[_]) = (Path::new("runs/a"), &[curve]);
            Line::of("a", of, Along::STEPS, smoothing, &mut derived)
        };
        curves.filter_map(&mut line).collect()
    }

    fn drawn(
        values: &[f64],
        scale: Scale,
        charset: Charset,
        (width, height): (u16, u16),
    ) -> String {
        let mut scalars = Scalars::default();
        for (step, value) in (0..).zip(values) {
            scalars.add(Event {
                wall_time: 0.0,
                step,
                what: What::Scalars(vec![("a".to_owned(), *value)]),
            });
        }
        let right = values.len().saturating_sub(1).max(1) as f64;
        let lines = lines(scalars.curves(), scale.smoothing);
        let chart = Chart::prepare(&lines, (0.0, right), (width - GUTTER, charset), scale);
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let depth = Depth::Monochrome;
        let mut pen = Pen {
            buffer: &mut buffer,
            theme: Theme {
                depth,
                charset,
                background: Background::Dark,
            },
        };
        let cursor = (values.len() == 77).then_some(50.0);
        let values = cursor
            .map(|at| chart.values_at(&lines, at))
            .unwrap_or_default();
        let around = Around {
            title: "loss",
            focused: true,
            nothing: "no values yet",
            marks: &[],
            cursor,
            values: &values,
        };
        chart.draw(area, &mut pen, &around);
        let rows: Vec<String> = (0..height)
            .map(|y| {
                let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
                row.trim_end().to_owned()
            })
            .collect();
        rows.join("\n")
    }

    #[test]
    fn a_falling_curve() {
        let values: Vec<f64> = (0..50)
            .map(|at| 40.0 / (1.0 + f64::from(at) * 0.2))
            .collect();
        insta::assert_snapshot!(drawn(&values, PLAIN, Charset::Unicode, (34, 8)));
        insta::assert_snapshot!(drawn(&values, PLAIN, Charset::Ascii, (34, 8)));
        let log = Scale {
            log_y: true,
            ..PLAIN
        };
        insta::assert_snapshot!(drawn(&values, log, Charset::Unicode, (34, 8)));
    }

    /// What a chart draws of its curves.
    fn dots(chart: &Chart, plot: Rect, charset: Charset) -> Buffer {
        let mut buffer = Buffer::empty(plot);
        let theme = Theme {
            depth: Depth::True,
            charset,
            background: Background::Dark,
        };
        let mut pen = Pen {
            buffer: &mut buffer,
            theme,
        };
        chart.draw_curves(plot, &mut pen);
        buffer
    }

    #[test]
    fn a_chart_is_drawn_as_if_no_point_was_left_out() {
        // Slow waves under a ripple, and a spike of one point.
        let wave = |step: u64| 1.1 + (step as f64 / 3e3).sin() + (step * 7919 % 101) as f64 / 101.0;
        let value = |step: u64| if step == 7_777 { 9.0 } else { wave(step) };
        let mut scalars = Scalars::default();
        for step in 0..20_000 {
            scalars.add(Event {
                wall_time: 0.0,
                step,
                what: What::Scalars(vec![("a".to_owned(), value(step))]),
            });
        }
        let plot = Rect::new(0, 0, 71, 13);
        for (charset, smoothing, log_y) in [
            (Charset::Unicode, 0.0, false),
            (Charset::Unicode, 0.9, false),
            (Charset::Ascii, 0.0, false),
            (Charset::Ascii, 0.9, true),
            (Charset::Ascii, 0.0, true),
        ] {
            let scale = Scale {
                smoothing,
                log_y,
                ..PLAIN
            };
            let lines = lines(scalars.curves(), smoothing);
            let x = (0.0, 19_999.0);
            let chart = Chart::prepare(&lines, x, (plot.width, charset), scale);
            let seen = |step: u64, value: f64| (step as f64, scale.shown(value));
            let raw: Vec<_> = (0..20_000).map(|step| seen(step, value(step))).collect();
            let mut average = Average::new(smoothing);
            let points: Vec<_> = (0..20_000)
                .map(|step| seen(step, average.next(value(step))))
                .collect();
            let heights = raw.iter().map(|(_, y)| *y);
            let (low, high) = heights.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| {
                (low.min(y), high.max(y))
            });
            assert_eq!(chart.y, widen(low, high));
            let mut whole = chart.clone();
            assert!(whole.curves[0].points.len() <= 4 * 142);
            whole.curves[0].points = points;
            whole.curves[0].raw = if smoothing > 0.0 { raw } else { Vec::new() };
            let (some, all) = (dots(&chart, plot, charset), dots(&whole, plot, charset));
            assert_eq!(some, all, "smoothed by {smoothing}, log {log_y}");
        }
    }

    #[test]
    fn any_values_and_sizes_draw() {
        let nasty: [&[f64]; 7] = [
            &[],
            &[f64::NAN],
            &[0.0],
            &[1e-300, 1e300],
            &[f64::INFINITY, 1.0, f64::NEG_INFINITY],
            &[-1e-9, -1e-9],
            &[f64::MAX, f64::MIN],
        ];
        for values in nasty {
            for size in [(8, 1), (9, 2), (20, 5), (60, 20)] {
                for log_y in [false, true] {
                    for unit in [Unit::Plain, Unit::Percent] {
                        let scale = Scale {
                            smoothing: 0.9,
                            log_y,
                            ignore_outliers: false,
                            unit,
                        };
                        drawn(values, scale, Charset::Unicode, size);
                    }
                }
            }
        }
    }

    #[test]
    fn ticks_are_round_numbers() {
        let texts = |range| -> Vec<String> {
            PLAIN
                .ticks(range, 4)
                .into_iter()
                .map(|(_, text)| text)
                .collect()
        };
        assert_eq!(texts((0.0, 41.0)), ["0", "20", "40"]);
        assert_eq!(texts((0.61, 0.79)), ["0.65", "0.70", "0.75"]);
        assert_eq!(texts((1e-4, 1e-3)), ["0.0005", "0.0010"]);
        assert_eq!(texts((0.0, 3e6)), ["0", "1e6", "2e6", "3e6"]);
    }

    #[test]
    fn the_cursor_tells_the_value_where_it_is() {
        let values: Vec<f64> = (0..77).map(f64::from).collect();
        let text = drawn(&values, PLAIN, Charset::Ascii, (34, 8));
        assert!(text.lines().next().unwrap().ends_with(" 50.00"), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn outliers_are_counted_and_stretch_nothing() {
        let mut values: Vec<f64> = (0..4_000).map(|at| f64::from(at % 10)).collect();
        values[1_234] = 1e9;
        values[3_999] = -1e9;
        let ignoring = Scale {
            ignore_outliers: true,
            ..PLAIN
        };
        let text = drawn(&values, ignoring, Charset::Unicode, (40, 8));
        assert!(text.contains("2 outside"), "{text}");
        let heights = text.lines().skip(1).collect::<String>();
        assert!(!heights.contains("e9"), "{text}");
        assert!(drawn(&values, PLAIN, Charset::Unicode, (40, 8)).contains("1e9"));
    }
}
