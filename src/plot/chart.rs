//! What verification comes to, as charts: ROC with FAR by tens, DET, and how distances are spread.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::PlotError;
use super::axis::Axis;
use super::style::{
    COLOURS, GRID, INK, LABEL_SIZE, failed, load_font, plain, png_of, svg_of, text, title,
};
use crate::eval::ranking::RocPoint;
use crate::untrusted::visible;

/// A chart with what it shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Chart {
    /// True accept rate over false accept rate, the latter by tens.
    Roc {
        /// What stands above it.
        title: String,
        /// One line a model.
        lines: Vec<RocLine>,
    },
    /// False reject rate over false accept rate, both spread as normal quantiles.
    Det {
        /// What stands above it.
        title: String,
        /// One line a model.
        lines: Vec<RocLine>,
    },
    /// How the distances of pairs of one and of two people are spread.
    Distances(DistanceHistogram),
}

/// One model's curve.
#[derive(Debug, Clone, PartialEq)]
pub struct RocLine {
    /// What the legend says.
    pub name: String,
    /// The corners of its ROC curve, from (0, 0) to (1, 1).
    pub points: Vec<RocPoint>,
    /// How many pairs of two people made it: no rate below one of them can be told.
    pub negatives: usize,
}

/// Distances of both kinds of pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct DistanceHistogram {
    /// What stands above it.
    pub title: String,
    /// The kind of distance: `cosine`.
    pub unit: String,
    /// Distances of pairs of one person.
    pub positive: Vec<f64>,
    /// Distances of pairs of two people.
    pub negative: Vec<f64>,
    /// The mean threshold.
    pub threshold: f64,
}

const SIZE: (u32, u32) = (900, 560);
const BINS: usize = 60;

impl Chart {
    /// The chart as the bytes of a PNG file.
    ///
    /// # Errors
    /// When there is nothing to draw, or the drawing library fails.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        self.check()?;
        png_of(SIZE, |area| self.draw(area))
    }

    /// The chart as the text of an SVG file.
    ///
    /// # Errors
    /// When there is nothing to draw, or the drawing library fails.
    pub fn svg(&self) -> Result<String, PlotError> {
        self.check()?;
        svg_of(SIZE, |area| self.draw(area))
    }

    fn check(&self) -> Result<(), PlotError> {
        let nothing = |reason: &str| {
            Err(PlotError::Nothing {
                reason: reason.to_owned(),
            })
        };
        match self {
            Self::Roc { lines, .. } | Self::Det { lines, .. } => {
                if lines
                    .iter()
                    .all(|line| line.points.len() < 2 || line.negatives == 0)
                {
                    return nothing("no pairs of both kinds");
                }
            }
            Self::Distances(histogram) => {
                let mut all = histogram
                    .positive
                    .iter()
                    .chain(&histogram.negative)
                    .peekable();
                if all.peek().is_none() || !all.all(|distance| distance.is_finite()) {
                    return nothing("no distances, or some that are no numbers");
                }
            }
        }
        Ok(())
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>) -> Result<(), PlotError> {
        load_font();
        area.fill(&WHITE).map_err(failed)?;
        match self {
            Self::Roc {
                title: words,
                lines,
            } => roc(&title(area, words)?, lines),
            Self::Det {
                title: words,
                lines,
            } => det(&title(area, words)?, lines),
            Self::Distances(histogram) => distances(&title(area, &histogram.title)?, histogram),
        }?;
        area.present().map_err(failed)
    }
}

/// The lowest rate that the most negatives of all lines can tell.
fn lowest_rate(lines: &[RocLine]) -> f64 {
    let most = lines.iter().map(|line| line.negatives).max().unwrap_or(1);
    1.0 / most.max(2) as f64
}

fn roc<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    lines: &[RocLine],
) -> Result<(), PlotError> {
    let rates = Axis::logarithmic(lowest_rate(lines));
    let lowest = lines
        .iter()
        .filter_map(|line| stairs(line).first().map(|point| point.1))
        .fold(1.0, f64::min);
    // A curve near the top is looked at closely.
    let bottom = [0.98, 0.95, 0.9, 0.8, 0.5]
        .into_iter()
        .find(|bottom| lowest > bottom + 0.01);
    let accepts = Axis::linear(bottom.unwrap_or(0.0), 1.0);
    let marks = (rates.marks(), accepts.marks());
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .x_label_area_size(46)
        .y_label_area_size(76)
        .build_cartesian_2d(rates, accepts)
        .map_err(failed)?;
    plain(&mut chart.configure_mesh())
        .x_labels(marks.0)
        .y_labels(marks.1)
        .x_desc("false accept rate")
        .y_desc("true accept rate")
        .x_label_formatter(&|rate| rate_text(*rate))
        .y_label_formatter(&|rate| short(*rate))
        .draw()
        .map_err(failed)?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        draw_line(&mut chart, line, stairs(line), *colour)?;
    }
    legend(&mut chart, SeriesLabelPosition::LowerRight)
}

fn det<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    lines: &[RocLine],
) -> Result<(), PlotError> {
    let lowest = lowest_rate(lines);
    let axis = || Axis::probit(lowest / 2.0, 0.5);
    let marks = axis().marks();
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .x_label_area_size(46)
        .y_label_area_size(76)
        .build_cartesian_2d(axis(), axis())
        .map_err(failed)?;
    plain(&mut chart.configure_mesh())
        .x_labels(marks)
        .y_labels(marks)
        .x_desc("false accept rate")
        .y_desc("false reject rate")
        .x_label_formatter(&|rate| rate_text(*rate))
        .y_label_formatter(&|rate| rate_text(*rate))
        .draw()
        .map_err(failed)?;
    // Where both rates are equal.
    let ends = [(lowest / 2.0, lowest / 2.0), (0.5, 0.5)];
    chart
        .draw_series(LineSeries::new(ends, GRID.stroke_width(2)))
        .map_err(failed)?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let errors = stairs(line)
            .into_iter()
            .map(|(far, tar)| (far, 1.0 - tar))
            .filter(|(far, frr)| *far <= 0.5 && *frr <= 0.5)
            .collect();
        draw_line(&mut chart, line, errors, *colour)?;
    }
    legend(&mut chart, SeriesLabelPosition::UpperRight)
}

/// A ROC curve as stairs: up at each rate, then on to the next. It begins at the rate of one false accept.
fn stairs(line: &RocLine) -> Vec<(f64, f64)> {
    let lowest = 1.0 / line.negatives.max(1) as f64;
    let mut places: Vec<(f64, f64)> = Vec::with_capacity(2 * line.points.len());
    for point in &line.points {
        let far = point.far.max(lowest);
        match places.last_mut() {
            Some(last) if last.0 >= far => last.1 = point.tar,
            Some(&mut (_, tar)) => {
                places.extend([(far, tar), (far, point.tar)]);
            }
            None => places.push((far, point.tar)),
        }
    }
    places
}

type Plane<'a, B> = ChartContext<'a, B, Cartesian2d<Axis, Axis>>;

fn draw_line<'a, B: DrawingBackend + 'a>(
    chart: &mut Plane<'a, B>,
    line: &RocLine,
    places: Vec<(f64, f64)>,
    colour: RGBColor,
) -> Result<(), PlotError> {
    chart
        .draw_series(LineSeries::new(places, colour.stroke_width(2)))
        .map_err(failed)?
        .label(visible(&line.name))
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    Ok(())
}

fn legend<'a, B: DrawingBackend + 'a>(
    chart: &mut Plane<'a, B>,
    position: SeriesLabelPosition,
) -> Result<(), PlotError> {
    chart
        .configure_series_labels()
        .position(position)
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .label_font(text(LABEL_SIZE))
        .draw()
        .map_err(failed)
}

fn distances<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    histogram: &DistanceHistogram,
) -> Result<(), PlotError> {
    let all = || {
        histogram
            .positive
            .iter()
            .chain(&histogram.negative)
            .copied()
    };
    let low = all().fold(f64::INFINITY, f64::min).min(histogram.threshold);
    let high = all()
        .fold(f64::NEG_INFINITY, f64::max)
        .max(histogram.threshold);
    let (low, high) = if high > low {
        (low, high)
    } else {
        (low - 0.5, low + 0.5)
    };
    let width = (high - low) / BINS as f64;
    let share = |distances: &[f64]| {
        let mut bins = vec![0.0; BINS];
        for distance in distances {
            let bin = ((distance - low) / width) as usize;
            bins[bin.min(BINS - 1)] += 100.0 / distances.len() as f64;
        }
        bins
    };
    let kinds = [
        ("one person", share(&histogram.positive), COLOURS[0]),
        ("two people", share(&histogram.negative), COLOURS[1]),
    ];
    let highest = kinds.iter().flat_map(|(_, bins, _)| bins.iter().copied());
    // Above the bars is room for the legend.
    let highest = highest.fold(0.0, f64::max) * 1.25;
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .x_label_area_size(46)
        .y_label_area_size(76)
        .build_cartesian_2d(low..high, 0.0..highest)
        .map_err(failed)?;
    plain(&mut chart.configure_mesh())
        .x_labels(10)
        .y_labels(7)
        .x_desc(format!("distance ({})", visible(&histogram.unit)))
        .y_desc("% of the pairs of a kind")
        .x_label_formatter(&|distance| short(*distance))
        .y_label_formatter(&|share| short(*share))
        .draw()
        .map_err(failed)?;
    for (name, bins, colour) in kinds {
        // One outline a kind: bars beside each other would overlap by a pixel, and show it.
        let mut outline = vec![(low, 0.0)];
        for (bin, share) in bins.iter().enumerate() {
            let left = low + bin as f64 * width;
            outline.extend([(left, *share), (left + width, *share)]);
        }
        outline.push((low + BINS as f64 * width, 0.0));
        chart
            .draw_series([Polygon::new(outline, colour.mix(0.45))])
            .map_err(failed)?
            .label(name)
            .legend(move |(x, y)| {
                Rectangle::new([(x, y - 6), (x + 18, y + 6)], colour.mix(0.45).filled())
            });
    }
    let line = [(histogram.threshold, 0.0), (histogram.threshold, highest)];
    chart
        .draw_series(DashedLineSeries::new(line, 6, 4, INK.stroke_width(2)))
        .map_err(failed)?
        .label(format!("mean threshold {}", short(histogram.threshold)))
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], INK.stroke_width(2)));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .label_font(text(LABEL_SIZE))
        .draw()
        .map_err(failed)
}

/// A rate as people write it: `10 %`, `0.1 %`, `1e-5`.
fn rate_text(rate: f64) -> String {
    if rate < 9.9e-5 {
        format!("{rate:.0e}")
    } else {
        format!("{} %", short(rate * 100.0))
    }
}

/// Up to four places after the point, without the zeros at its end.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{ScoredPair, ranking::Ranking};

    fn line(name: &str, shift: f64) -> RocLine {
        let pairs: Vec<ScoredPair> = (0..600_u32)
            .map(|i| ScoredPair {
                distance: f64::from(i * 7919 % 601) / 601.0 + if i % 2 == 0 { 0.0 } else { shift },
                same: i % 2 == 0,
                fold: None,
            })
            .collect();
        RocLine {
            name: name.to_owned(),
            points: Ranking::new(&pairs).roc().collect(),
            negatives: 300,
        }
    }

    fn all(lines: Vec<RocLine>) -> [Chart; 2] {
        let title = "LFW <x> \u{1b}[2J".to_owned();
        [
            Chart::Roc {
                title: title.clone(),
                lines: lines.clone(),
            },
            Chart::Det { title, lines },
        ]
    }

    #[test]
    fn charts_are_drawn_as_both_formats() {
        for chart in all(vec![
            line("a <b>", 0.4),
            line("c", 0.7),
            line("perfect", 2.0),
        ]) {
            let picture = image::load_from_memory(&chart.png().unwrap()).unwrap();
            assert_eq!((picture.width(), picture.height()), SIZE);
            let svg = chart.svg().unwrap();
            assert!(svg.starts_with("<svg") && svg.contains("&lt;b&gt;"));
            assert!(!svg.contains('\u{1b}'));
        }
    }

    #[test]
    fn odd_distances_are_drawn_or_refused_and_never_panic() {
        let draw = |positive: &[f64], negative: &[f64], threshold| {
            Chart::Distances(DistanceHistogram {
                title: String::new(),
                unit: "cosine".to_owned(),
                positive: positive.to_vec(),
                negative: negative.to_vec(),
                threshold,
            })
            .svg()
        };
        draw(&[0.1, 0.2], &[0.5], 0.3).unwrap();
        draw(&[0.1], &[], 0.1).unwrap();
        draw(&[1e9, -1e9], &[0.0], 0.1).unwrap();
        assert!(matches!(
            draw(&[], &[], 0.1),
            Err(PlotError::Nothing { .. })
        ));
        assert!(draw(&[f64::NAN], &[0.0], 0.1).is_err());
        for chart in all(vec![]) {
            assert!(matches!(chart.png(), Err(PlotError::Nothing { .. })));
        }
    }

    #[test]
    fn a_curve_begins_at_one_false_accept_and_goes_in_stairs() {
        let point = |far, tar| RocPoint { far, tar };
        let line = RocLine {
            name: String::new(),
            points: vec![
                point(0.0, 0.0),
                point(0.0, 0.5),
                point(0.5, 0.5),
                point(1.0, 1.0),
            ],
            negatives: 2,
        };
        assert_eq!(stairs(&line), [(0.5, 0.5), (1.0, 0.5), (1.0, 1.0)]);
    }
}
