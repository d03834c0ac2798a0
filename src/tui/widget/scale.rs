//! The heights of a chart: units, powers of ten, and ticks that are round numbers.

use crate::tui::words;

/// The unit of a chart's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// As they are.
    Plain,
    /// Shares of 0..1, shown as per cent.
    Percent,
    /// Bytes, shown as gibibytes.
    Gibibytes,
}

/// How curves are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Weight of the past in the moving average; 0 draws what was logged.
    pub smoothing: f64,
    /// Powers of ten are equally far apart.
    pub log_y: bool,
    /// Values far from all others don't stretch the heights; how many there are is told.
    pub ignore_outliers: bool,
    /// The unit of the values.
    pub unit: Unit,
}

/// Cells left of a plot: labels and the wall.
pub const GUTTER: u16 = 7;

impl Unit {
    /// A value in this unit.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Plain => words::figure(value),
            Self::Percent => words::percent(value),
            Self::Gibibytes => words::figure(value * self.factor()),
        }
    }

    /// By what a value is multiplied to be shown.
    fn factor(self) -> f64 {
        match self {
            Self::Plain => 1.0,
            Self::Percent => 100.0,
            Self::Gibibytes => 1.0 / (1_u64 << 30) as f64,
        }
    }
}

impl Scale {
    /// The height at which a value is drawn.
    pub(super) fn shown(self, value: f64) -> f64 {
        if !self.log_y {
            value * self.unit.factor()
        } else if value > 0.0 {
            value.log10()
        } else {
            f64::NAN
        }
    }

    /// The value that is drawn at a height.
    pub(super) fn value(self, shown: f64) -> f64 {
        if self.log_y {
            10_f64.powf(shown)
        } else {
            shown / self.unit.factor()
        }
    }

    /// Round numbers between `low` and `high`, about `most` of them, and how they are written.
    pub(super) fn ticks(self, (low, high): (f64, f64), most: usize) -> Vec<(f64, String)> {
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
        let unit = self.unit.factor();
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
pub(super) fn widen(low: f64, high: f64) -> (f64, f64) {
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
