//! Draws curves in panels, one above the other.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::smooth::{pieces, smoothed, thinned};
use super::style::{
    COLOURS, GRID, HEAD_SIZE, LABEL_SIZE, TITLE_HEIGHT, failed, load_font, plain, png_of, svg_of,
    text, title,
};
use super::{Curve, CurveOptions, MAX_PIXELS, PlotError};
use crate::untrusted::visible;

/// Curves of one unit on one pair of axes.
struct Panel<'a> {
    name: &'a str,
    curves: Vec<&'a Curve>,
}

pub(super) fn png(curves: &[Curve], options: &CurveOptions) -> Result<Vec<u8>, PlotError> {
    let panels = panels_of(curves)?;
    let (width, height) = size_of(&panels, options)?;
    png_of((width, height), |area| draw(area, &panels, options))
}

pub(super) fn svg(curves: &[Curve], options: &CurveOptions) -> Result<String, PlotError> {
    let panels = panels_of(curves)?;
    let size = size_of(&panels, options)?;
    svg_of(size, |area| draw(area, &panels, options))
}

/// Losses share a panel; other curves share one when the last part of their tags is the same (`eval/…/accuracy`).
fn panels_of(curves: &[Curve]) -> Result<Vec<Panel<'_>>, PlotError> {
    let mut panels: Vec<Panel> = Vec::new();
    for curve in curves {
        if pieces(&curve.points).next().is_none() {
            continue;
        }
        let name = if curve.tag.starts_with("loss/") {
            "loss"
        } else {
            curve.tag.rsplit('/').next().unwrap_or_default()
        };
        if let Some(panel) = panels.iter_mut().find(|panel| panel.name == name) {
            panel.curves.push(curve);
        } else {
            panels.push(Panel {
                name,
                curves: vec![curve],
            });
        }
    }
    if panels.is_empty() {
        return Err(PlotError::Nothing {
            reason: "no finite value was logged for what was chosen".to_owned(),
        });
    }
    Ok(panels)
}

fn size_of(panels: &[Panel], options: &CurveOptions) -> Result<(u32, u32), PlotError> {
    let (width, panel_height) = (options.width, options.panel_height);
    let panel_count = u32::try_from(panels.len()).unwrap_or(u32::MAX);
    let height = panel_height
        .saturating_mul(panel_count)
        .saturating_add(TITLE_HEIGHT);
    if width < 200 || panel_height < 120 || width > MAX_PIXELS || height > MAX_PIXELS {
        return Err(PlotError::Size { width, height });
    }
    Ok((width, height))
}

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    panels: &[Panel],
    options: &CurveOptions,
) -> Result<(), PlotError> {
    load_font();
    area.fill(&WHITE).map_err(failed)?;
    let rest = title(area, &options.title)?;
    for (part, panel) in rest.split_evenly((panels.len(), 1)).iter().zip(panels) {
        draw_panel(part, panel, options)?;
    }
    area.present().map_err(failed)
}

fn draw_panel<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    panel: &Panel,
    options: &CurveOptions,
) -> Result<(), PlotError> {
    let scale = Scale::of(panel);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(visible(panel.name), text(HEAD_SIZE))
        .x_label_area_size(34)
        .y_label_area_size(72)
        .build_cartesian_2d(scale.steps.clone(), scale.values.clone())
        .map_err(failed)?;
    plain(&mut chart.configure_mesh())
        .x_labels(10)
        .y_labels(7)
        .x_desc("step")
        .x_label_formatter(&|step| short_step(*step))
        .y_label_formatter(&|value| short_value(*value * scale.factor))
        .draw()
        .map_err(failed)?;
    let columns = options.width as usize;
    for (curve, colour) in panel.curves.iter().zip(COLOURS.iter().cycle()) {
        let smooth = smoothed(&curve.points, options.smoothing);
        let is_smoothed = options.smoothing > 0.0;
        let mut lines = vec![(&smooth, ShapeStyle::from(colour).stroke_width(2))];
        if is_smoothed {
            lines.insert(0, (&curve.points, ShapeStyle::from(&colour.mix(0.25))));
        }
        for (points, style) in lines {
            for piece in pieces(points) {
                let places: Vec<_> = thinned(piece, columns)
                    .iter()
                    .map(|point| (point.step as f64, point.value / scale.factor))
                    .collect();
                // A lone value between gaps makes no line, and must be seen.
                if let &[place] = places.as_slice() {
                    chart
                        .draw_series([Circle::new(place, 3, style.filled())])
                        .map_err(failed)?;
                }
                chart
                    .draw_series(LineSeries::new(places, style))
                    .map_err(failed)?;
            }
        }
        chart
            .draw_series(LineSeries::new([], colour.stroke_width(2)))
            .map_err(failed)?
            .label(visible(&curve.name()))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(scale.free_corner(panel))
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .label_font(text(LABEL_SIZE))
        .draw()
        .map_err(failed)
}

/// The axes of a panel.
struct Scale {
    steps: Range<f64>,
    /// In units of `factor`.
    values: Range<f64>,
    /// What values are divided by, so that the axis' arithmetic stays far from the ends of f64.
    factor: f64,
}

impl Scale {
    fn of(panel: &Panel) -> Self {
        let finite = || {
            let points = panel.curves.iter().flat_map(|curve| &curve.points);
            points.filter(|point| point.value.is_finite())
        };
        let largest = finite().map(|p| p.value.abs()).fold(0.0, f64::max);
        let factor = if (1e-100..1e100).contains(&largest) || largest == 0.0 {
            1.0
        } else {
            largest.max(f64::MIN_POSITIVE)
        };
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            })
        };
        let (first, last) = range(&mut finite().map(|point| point.step as f64));
        let (low, high) = range(&mut finite().map(|point| point.value / factor));
        let margin = if high > low {
            (high - low) * 0.05
        } else {
            (high.abs() * 0.1).max(1e-3)
        };
        Self {
            steps: first..if last > first { last } else { first + 1.0 },
            values: low - margin..high + margin,
            factor,
        }
    }

    /// Where the legend hides least: on the right, away from where most curves end.
    fn free_corner(&self, panel: &Panel) -> SeriesLabelPosition {
        let middle = f64::midpoint(self.values.start, self.values.end);
        let ends = panel.curves.iter().filter_map(|curve| {
            let last = pieces(&curve.points).last()?.last()?;
            Some(last.value / self.factor > middle)
        });
        let (high, low): (Vec<bool>, Vec<bool>) = ends.partition(|is_high| *is_high);
        if high.len() > low.len() {
            SeriesLabelPosition::LowerRight
        } else {
            SeriesLabelPosition::UpperRight
        }
    }
}

fn short_step(step: f64) -> String {
    match step {
        _ if step >= 1e6 => format!("{}M", trimmed(step / 1e6)),
        _ if step >= 1e4 => format!("{}k", trimmed(step / 1e3)),
        _ => trimmed(step),
    }
}

fn short_value(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-3..1e5).contains(&size) {
        trimmed(value)
    } else {
        format!("{value:.1e}")
    }
}

/// Up to four places after the point, without the zeros at its end.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_on_axes_are_short() {
        assert_eq!(short_step(1500.0), "1500");
        assert_eq!(short_step(258_000.0), "258k");
        assert_eq!(short_step(1_250_000.0), "1.25M");
        assert_eq!(short_value(0.5), "0.5");
        assert_eq!(short_value(-0.000_000_01), "-1.0e-8");
        assert_eq!(short_value(-0.0), "0");
    }
}
