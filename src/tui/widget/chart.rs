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

use crate::run;
use crate::tui::theme::Role;
use crate::tui::words;

use super::axis::{self, AxisMark};
use super::decimate::{column, m4, m4_of_curve};
use super::raster::Raster;
use super::smooth::debiased;
use super::text::Pen;

/// The unit of a chart's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// As they are.
    Plain,
    /// Shares of 0..1, shown as per cent.
    Percent,
}

/// One curve, thinned out and ready to draw.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Its name beside others.
    pub label: String,
    /// Smoothed, as far as asked for.
    points: Vec<(f64, f64)>,
    /// As logged; empty without smoothing.
    raw: Vec<(f64, f64)>,
    /// The newest value, as drawn.
    pub latest: Option<f64>,
}

/// How curves are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Weight of the past in the moving average; 0 draws what was logged.
    pub smoothing: f64,
    /// Powers of ten are equally far apart.
    pub log_y: bool,
    /// The unit of the values.
    pub unit: Unit,
}

/// A chart ready to draw.
#[derive(Debug, Clone)]
pub struct Chart {
    curves: Vec<Curve>,
    scale: Scale,
    x: (f64, f64),
    y: (f64, f64),
}

impl Chart {
    /// Prepares curves with their labels for a plot of `columns` cells: smooth first, thin out last.
    pub fn prepare<'a>(
        curves: impl Iterator<Item = (String, &'a run::Curve)>,
        x: (f64, f64),
        columns: u16,
        scale: Scale,
    ) -> Self {
        // Two dots a cell in braille; more dots than an ASCII plot has lose nothing there.
        let resolution = usize::from(columns) * 2;
        let curves: Vec<Curve> = curves
            .map(|(label, curve)| {
                let shown = |value| scale.shown(value);
                let logged = m4_of_curve(curve, shown, x.0, x.1, resolution);
                if scale.smoothing <= 0.0 {
                    return Curve {
                        label,
                        points: logged,
                        raw: Vec::new(),
                        latest: curve.last().map(|point| point.value),
                    };
                }
                let mut latest = None;
                let points = curve.points().map(|point| (point.step as f64, point.value));
                let smooth = debiased(points, scale.smoothing)
                    .inspect(|(_, y)| latest = Some(*y))
                    .map(|(x, y)| (x, shown(y)));
                Curve {
                    label,
                    points: m4(smooth, x.0, x.1, resolution),
                    raw: logged,
                    latest,
                }
            })
            .collect();
        let all = || {
            curves
                .iter()
                .flat_map(|curve| curve.points.iter().chain(&curve.raw))
        };
        let finite = || all().map(|(_, y)| *y).filter(|y| y.is_finite());
        let low = finite().fold(f64::INFINITY, f64::min);
        let high = finite().fold(f64::NEG_INFINITY, f64::max);
        let y = widen(low, high);
        Self {
            curves,
            scale,
            x,
            y,
        }
    }

    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.curves.iter().all(|curve| curve.points.is_empty())
    }

    /// Draws it with its title and `marks`, of which a later one covers those before it; without values it says
    /// `nothing`.
    pub fn draw(
        &self,
        area: Rect,
        pen: &mut Pen,
        title: &str,
        focused: bool,
        nothing: &str,
        marks: &[AxisMark],
    ) {
        if area.height == 0 || area.width < 8 {
            return;
        }
        self.draw_title(area, pen, title, focused);
        let axis_rows = u16::from(area.height >= 6);
        let plot_height = area.height.saturating_sub(1 + axis_rows);
        if plot_height == 0 {
            return;
        }
        if self.is_empty() {
            let row = area.y + 1 + plot_height / 2;
            pen.put(area.x + 2, row, area.width - 2, nothing, Role::Quiet);
            return;
        }
        let plot = Rect {
            x: area.x + GUTTER,
            y: area.y + 1,
            width: area.width - GUTTER,
            height: plot_height,
        };
        self.draw_ticks(area.x, plot, pen);
        self.draw_curves(plot, pen);
        if axis_rows == 1 {
            axis::draw(plot, self.x, pen, marks);
        }
    }

    fn draw_title(&self, area: Rect, pen: &mut Pen, title: &str, focused: bool) {
        let values = self.legend(pen);
        let wide: u16 = values.iter().map(|(text, _)| pen.width(text)).sum();
        let wide = wide.min(area.width.saturating_sub(4));
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
        if self.scale.log_y {
            used += pen.put(
                area.x + used,
                area.y,
                room.saturating_sub(used),
                " log",
                Role::Quiet,
            );
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

    /// The newest values, with label and dash pattern where there are several curves.
    fn legend(&self, pen: &Pen) -> Vec<(String, Role)> {
        let several = self.curves.len() > 1;
        let mut pieces = Vec::new();
        for (nth, curve) in self.curves.iter().enumerate() {
            let Some(latest) = curve.latest else { continue };
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
            pieces.push((self.scale.unit.text(latest), Role::Strong));
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

/// Cells left of a plot: labels and the wall.
pub const GUTTER: u16 = 7;

impl Unit {
    /// A value in this unit.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Plain => words::figure(value),
            Self::Percent => words::percent(value),
        }
    }
}

impl Scale {
    /// The height at which a value is drawn.
    fn shown(self, value: f64) -> f64 {
        match (self.log_y, self.unit) {
            (true, _) if value > 0.0 => value.log10(),
            (true, _) => f64::NAN,
            (false, Unit::Percent) => value * 100.0,
            (false, Unit::Plain) => value,
        }
    }

    /// Round numbers between `low` and `high`, about `most` of them, and how they are written.
    fn ticks(self, (low, high): (f64, f64), most: usize) -> Vec<(f64, String)> {
        if self.log_y {
            return self.log_ticks((low, high), most);
        }
        // One tick tells no scale: where round numbers are rare, finer ones are tried.
        let tries = [most, 2 * most, 4 * most].map(|most| round_ticks((low, high), most));
        let enough = tries.iter().position(|ticks| ticks.len() >= 2);
        let [coarse, finer, finest] = tries;
        match enough {
            Some(1) => finer,
            Some(2) => finest,
            _ => coarse,
        }
    }

    fn log_ticks(self, (low, high): (f64, f64), most: usize) -> Vec<(f64, String)> {
        let unit = if self.unit == Unit::Percent {
            100.0
        } else {
            1.0
        };
        let every = |digits: &[f64]| -> Vec<(f64, String)> {
            (low.floor() as i32..=high.ceil() as i32)
                .flat_map(|power| {
                    digits
                        .iter()
                        .map(move |digit| digit.log10() + f64::from(power))
                })
                .filter(|at| (low..=high).contains(at))
                .map(|at| (at, short_figure(10_f64.powf(at) * unit)))
                .collect()
        };
        let candidates = [every(&[1.0, 2.0, 5.0]), every(&[1.0])];
        let fitting = candidates.into_iter().find(|ticks| ticks.len() <= most + 1);
        match fitting {
            Some(ticks) if ticks.len() >= 2 => ticks,
            // Within one power of ten, or over very many: what the edges are is enough.
            _ => [low, high]
                .map(|at| (at, short_figure(10_f64.powf(at) * unit)))
                .into(),
        }
    }
}

/// Multiples of a round step between `low` and `high`, about `most`.
fn round_ticks((low, high): (f64, f64), most: usize) -> Vec<(f64, String)> {
    let step = round_up((high - low) / most as f64);
    let mut ticks = Vec::new();
    let mut at = (low / step).ceil();
    while at * step <= high + step * 1e-9 && ticks.len() <= 2 * most {
        ticks.push((at * step, tick_text(at * step, step)));
        at += 1.0;
    }
    ticks
}

/// The next of 1, 2, 5 × a power of ten.
pub fn round_up(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let digit = step / power;
    let round = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|round| digit <= round + 1e-9);
    round.unwrap_or(10.0) * power
}

fn tick_text(value: f64, step: f64) -> String {
    let value = if value.abs() < step * 1e-6 {
        0.0
    } else {
        value
    };
    let decimals = (-step.log10() + 1e-9).ceil().clamp(0.0, 9.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.len() < usize::from(GUTTER) {
        text
    } else {
        short_figure(value)
    }
}

/// A figure in at most six characters.
fn short_figure(value: f64) -> String {
    let text = words::figure(value);
    let text = if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    if text.len() < usize::from(GUTTER) {
        text
    } else {
        format!("{value:.0e}")
    }
}

/// A range with some room, and of some height where all values are the same.
fn widen(low: f64, high: f64) -> (f64, f64) {
    if low > high {
        return (0.0, 1.0);
    }
    let height = high - low;
    // Narrower than this, ticks would differ in digits that floating point does not have.
    let least = (low.abs().max(high.abs()) * 1e-6).max(1e-12);
    if height < least {
        let room = (low.abs() * 0.1).max(least);
        return (low - room, high + room);
    }
    let room = height * 0.04;
    // A curve of values above nothing should not seem to go below.
    let below = if low >= 0.0 && low < room {
        low
    } else {
        low - room
    };
    (below, high + room)
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::run::{Event, Scalars, What};
    use crate::tui::theme::{Background, Charset, Depth, Theme};

    const PLAIN: Scale = Scale {
        smoothing: 0.0,
        log_y: false,
        unit: Unit::Plain,
    };

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
        let curves = scalars.curves().map(|curve| ("a".to_owned(), curve));
        let chart = Chart::prepare(curves, (0.0, right), width - GUTTER, scale);
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
        chart.draw(area, &mut pen, "loss", true, "no values yet", &[]);
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
}
