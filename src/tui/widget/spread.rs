//! How the values of a histogram spread, over time: shades behind the curves of a chart.
//!
//! ```text
//! ░░▒▒▓▓▒▒
//! ▒▒▓▓██▓▓
//! ░░░░▒▒▒░
//! ```

use ratatui::layout::Rect;

use crate::run;
use crate::tui::along::Along;
use crate::tui::theme::Role;

use super::text::Pen;

/// Where shares of the values lie, for each column of cells that has any.
#[derive(Debug, Clone)]
pub struct Spread {
    /// Shares of 0..1, rising.
    shares: Vec<f64>,
    /// Of each column, the values below which these shares lie.
    columns: Vec<Option<Vec<f64>>>,
    /// Shades beyond the lightest.
    shades: usize,
}

/// How dark it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shades {
    /// Darker where more values lie.
    Many,
    /// All alike.
    One,
}

impl Spread {
    /// Prepares the quantiles of a histogram (shares of 0..1, rising, and their curves) for a plot of `columns` cells
    /// that shows a window. Between two histograms the quantiles go straight from one to the next, as curves do.
    pub fn prepare(
        quantiles: &[(f64, &run::Curve)],
        along: Along,
        (left, right): (f64, f64),
        columns: u16,
        shades: Shades,
    ) -> Self {
        let mut spread = Self {
            shares: quantiles.iter().map(|(share, _)| *share).collect(),
            columns: vec![None; columns.into()],
            shades: match shades {
                Shades::Many => LEVELS - 1,
                Shades::One => 0,
            },
        };
        let mut curves: Vec<_> = quantiles.iter().map(|(_, curve)| curve.points()).collect();
        let mut before: Option<(f64, Vec<f64>)> = None;
        let width = (right - left) / f64::from(columns.max(1));
        let centre = |column: usize| left + width * (column as f64 + 0.5);
        loop {
            let points: Vec<run::Point> = curves.iter_mut().map_while(Iterator::next).collect();
            let Some(first) = points.first().filter(|_| points.len() == quantiles.len()) else {
                return spread;
            };
            let at = along.at(first);
            let values: Vec<f64> = points.iter().map(|point| point.value).collect();
            let cell = |at: f64| ((at - left) / width).floor();
            let own = cell(at);
            if (0.0..f64::from(columns)).contains(&own) {
                spread.columns[own as usize] = Some(values.clone());
            }
            if let Some((from, old)) = before {
                let first = cell(from).max(-1.0) + 1.0;
                let last = own.min(f64::from(columns)) - 1.0;
                if first <= last {
                    for column in first as usize..=last as usize {
                        let share = ((centre(column) - from) / (at - from)).clamp(0.0, 1.0);
                        let between = old.iter().zip(&values);
                        let between = between.map(|(old, new)| old + (new - old) * share);
                        spread.columns[column] = Some(between.collect());
                    }
                }
            }
            if at > right {
                return spread;
            }
            before = Some((at, values));
        }
    }

    /// The lowest and the highest value, where there is any.
    pub fn heights(&self) -> Option<(f64, f64)> {
        let ends = self.columns.iter().flatten().filter_map(|values| {
            let (low, high) = (*values.first()?, *values.last()?);
            (low.is_finite() && high.is_finite()).then_some((low, high))
        });
        ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }

    /// Shades the cells of a plot whose heights are `low` to `high`: in each column the densest is the darkest.
    pub fn draw(&self, plot: Rect, (low, high): (f64, f64), pen: &mut Pen) {
        let rows = usize::from(plot.height);
        let height = (high - low) / rows as f64;
        let glyphs = pen.theme.pick(["░", "▒", "▓", "█"], [",", "o", "%", "@"]);
        for (values, x) in self.columns.iter().zip(plot.x..plot.right()) {
            let Some(values) = values else { continue };
            let below = |value: f64| share_below(&self.shares, values, value);
            let masses: Vec<f64> = (0..rows)
                .map(|row| {
                    let bottom = low + height * (rows - 1 - row) as f64;
                    // The ends belong to somebody.
                    let bottom_share = if row + 1 == rows { 0.0 } else { below(bottom) };
                    let top_share = if row == 0 {
                        1.0
                    } else {
                        below(bottom + height)
                    };
                    top_share - bottom_share
                })
                .collect();
            let most = masses.iter().copied().fold(0.0, f64::max);
            for (mass, y) in masses.iter().zip(plot.y..) {
                if *mass > most * FAINT {
                    let level = (mass / most * LEVELS as f64).ceil() as usize;
                    let level = level.saturating_sub(1).min(self.shades);
                    pen.put(x, y, 1, glyphs[level], Role::Raw);
                }
            }
        }
    }
}

/// How many shades there are.
const LEVELS: usize = 4;
/// Less than this part of the densest cell is left blank.
const FAINT: f64 = 0.02;

/// The share of values below `value`, between quantiles as if values lay evenly.
fn share_below(shares: &[f64], values: &[f64], value: f64) -> f64 {
    let above = values.partition_point(|quantile| *quantile < value);
    match (above.checked_sub(1), above) {
        (None, _) => 0.0,
        (Some(_), above) if above == values.len() => 1.0,
        (Some(under), above) => {
            let part = (value - values[under]) / (values[above] - values[under]);
            shares[under] + (shares[above] - shares[under]) * part
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::run::{Event, Scalars, What};
    use crate::tui::theme::{Background, Charset, Depth, Theme};

    /// Histograms at some steps, whose quantiles are these.
    fn scalars(told: &[(u64, [f64; 3])]) -> Scalars {
        let mut scalars = Scalars::default();
        for (step, values) in told {
            let tags = ["low", "middle", "high"].map(str::to_owned);
            scalars.add(Event {
                wall_time: 0.0,
                step: *step,
                what: What::Scalars(tags.into_iter().zip(*values).collect()),
            });
        }
        scalars
    }

    fn spread(scalars: &Scalars, window: (f64, f64), columns: u16, shades: Shades) -> Spread {
        let quantile = |(share, tag)| (share, scalars.curve(tag).unwrap());
        let quantiles = [(0.0, "low"), (0.5, "middle"), (1.0, "high")].map(quantile);
        Spread::prepare(&quantiles, Along::STEPS, window, columns, shades)
    }

    fn drawn(
        spread: &Spread,
        y: (f64, f64),
        (width, height): (u16, u16),
        charset: Charset,
    ) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let depth = Depth::Monochrome;
        let theme = Theme {
            depth,
            charset,
            background: Background::Dark,
        };
        let mut pen = Pen {
            buffer: &mut buffer,
            theme,
        };
        spread.draw(area, y, &mut pen);
        let row = |y| {
            (0..width)
                .map(|x| buffer[(x, y)].symbol())
                .collect::<String>()
        };
        (0..height).map(row).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_densest_cell_of_each_column_is_the_darkest() {
        // Half of the values lie in the lowest quarter of the heights.
        let scalars = scalars(&[(0, [0.0, 1.0, 4.0]), (3, [0.0, 1.0, 4.0])]);
        let spread = spread(&scalars, (0.0, 4.0), 4, Shades::Many);
        assert_eq!(spread.heights(), Some((0.0, 4.0)));
        assert_eq!(
            drawn(&spread, (0.0, 4.0), (4, 4), Charset::Unicode),
            "▒▒▒▒\n▒▒▒▒\n▒▒▒▒\n████"
        );
        assert_eq!(
            drawn(&spread, (0.0, 4.0), (4, 4), Charset::Ascii),
            "oooo\noooo\noooo\n@@@@"
        );
    }

    #[test]
    fn between_two_histograms_it_goes_straight_and_beyond_the_last_there_is_nothing() {
        let scalars = scalars(&[(0, [0.0, 0.5, 1.0]), (4, [4.0, 4.5, 5.0])]);
        let spread = spread(&scalars, (0.0, 8.0), 8, Shades::One);
        let picture = drawn(&spread, (0.0, 5.0), (8, 5), Charset::Unicode);
        let lowest: Vec<Option<f64>> = spread
            .columns
            .iter()
            .map(|column| column.as_ref().map(|values| values[0]))
            .collect();
        assert_eq!(
            lowest,
            [
                Some(0.0),
                Some(1.5),
                Some(2.5),
                Some(3.5),
                Some(4.0),
                None,
                None,
                None
            ],
            "{picture}"
        );
        assert!(!picture.contains('▒') && picture.contains('░'), "{picture}");
    }

    #[test]
    fn a_window_between_two_histograms_is_shaded_all_over() {
        let scalars = scalars(&[(0, [0.0, 1.0, 2.0]), (1_000_000, [0.0, 1.0, 2.0])]);
        let spread = spread(&scalars, (500.0, 600.0), 3, Shades::One);
        assert_eq!(drawn(&spread, (0.0, 2.0), (3, 1), Charset::Ascii), ",,,");
    }

    #[test]
    fn any_values_and_windows_draw() {
        let nasty = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            f64::MAX,
            -1e-300,
        ];
        for one in nasty {
            for other in nasty {
                let scalars = scalars(&[(0, [one, other, one]), (0, [0.0; 3]), (9, [other; 3])]);
                for window in [(0.0, 9.0), (3.0, 3.0), (one, other)] {
                    for columns in [0, 1, 5] {
                        let spread = spread(&scalars, window, columns, Shades::Many);
                        drawn(&spread, (one, other), (columns, 3), Charset::Unicode);
                        drawn(&spread, (0.0, 1.0), (columns, 0), Charset::Unicode);
                    }
                }
            }
        }
    }
}
