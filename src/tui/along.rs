//! What lies along the charts' lower edge: steps, time or epochs, as they are or by powers of ten.
//!
//! A place on it is a number in the units that are drawn: of a logarithmic axis, the logarithm.

use serde::{Deserialize, Serialize};

use crate::run::{Curve, Point, Scalars, Stretch};

use super::marks::Mark;
use super::snapshot::Curves;
use super::words;

/// What lies along.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AlongBy {
    /// Steps.
    #[default]
    Step,
    /// The time since the run's first point.
    Time,
    /// Epochs, where the run logs them.
    Epoch,
}

/// The tag by which a run logs its epochs.
pub const EPOCH: &str = "train/epoch";

/// How points of a run are placed from left to right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Along {
    /// What lies along.
    pub by: AlongBy,
    /// Powers of ten are equally far apart.
    pub log: bool,
    /// When the first point was logged.
    start: f64,
    /// Steps of an epoch.
    epoch: f64,
}

impl AlongBy {
    /// The next of all.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Step => Self::Time,
            Self::Time => Self::Epoch,
            Self::Epoch => Self::Step,
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Time => "time",
            Self::Epoch => "epoch",
        }
    }
}

impl Along {
    /// Steps as they are.
    pub const STEPS: Self = Self {
        by: AlongBy::Step,
        log: false,
        start: 0.0,
        epoch: 1.0,
    };

    /// Places the points of a run; by step where it logs no epochs and these are wanted.
    pub fn of(curves: &Curves, by: AlongBy, log: bool) -> Self {
        let first = curves.scalars.curves().filter_map(Curve::first);
        let start = first.map(|point| point.wall_time).reduce(f64::min);
        let by = match (by, curves.epoch) {
            (AlongBy::Epoch, None) => AlongBy::Step,
            (by, _) => by,
        };
        Self {
            by,
            log,
            start: start.unwrap_or(0.0),
            epoch: curves.epoch.unwrap_or(1.0),
        }
    }

    /// Where a point lies.
    pub fn at(&self, point: &Point) -> f64 {
        self.place(point.step as f64, || point.wall_time)
    }

    /// Where a step lies that was made at a time; the time is asked for only where it lies along.
    pub fn place(&self, step: f64, time: impl Fn() -> f64) -> f64 {
        let (value, least) = match self.by {
            AlongBy::Step => (step, 1.0),
            AlongBy::Time => (time() - self.start, 1.0),
            AlongBy::Epoch => (step / self.epoch, 1.0 / self.epoch),
        };
        if self.log {
            value.max(least).log10()
        } else {
            value
        }
    }

    /// Where a mark lies; `None` before the first step.
    pub fn of_mark(&self, mark: &Mark, scalars: &Scalars) -> Option<f64> {
        let step = mark.place(scalars)?;
        Some(self.place(step as f64, || mark.entry.time))
    }

    /// From the first point of all curves to the last.
    pub fn span(&self, scalars: &Scalars) -> (f64, f64) {
        let ends = scalars
            .curves()
            .filter_map(|curve| Some((curve.first()?, curve.last()?)));
        let (mut left, mut right) = (f64::INFINITY, f64::NEG_INFINITY);
        for (first, last) in ends {
            left = left.min(self.at(&first));
            right = right.max(self.at(&last));
        }
        if left > right {
            return (0.0, 1.0);
        }
        let least = match self.by {
            _ if self.log => 0.1,
            // A run may be shorter than an epoch.
            AlongBy::Epoch => 1.0 / self.epoch,
            AlongBy::Step | AlongBy::Time => 1.0,
        };
        (left, right.max(left + least))
    }

    /// A place as people read it.
    pub fn text(&self, at: f64) -> String {
        let value = if self.log { 10_f64.powf(at) } else { at };
        match self.by {
            AlongBy::Step => words::count(value.round().max(0.0) as u64),
            AlongBy::Time => words::duration(value),
            AlongBy::Epoch if value < 10.0 => format!("{value:.2}"),
            AlongBy::Epoch => format!("{value:.1}"),
        }
    }
}

/// The steps of an epoch, by the first and the last time that another one began; only stretches in which one did are
/// unpacked, the first and the last of them.
pub(super) fn steps_of_epoch(scalars: &Scalars) -> Option<f64> {
    let curve = scalars.curve(EPOCH)?;
    let mut before = curve.first()?.value;
    let mut begun: Option<Begun> = None;
    let mut newest = None;
    for stretch in curve.stretches() {
        let end = stretch.outline().last.value;
        if end > before {
            if begun.is_none() {
                begun = begins(&stretch, before).into_iter().next();
            }
            newest = Some((stretch, before));
        }
        before = end;
    }
    let (first_step, first) = begun?;
    let (stretch, before) = newest?;
    let (last_step, last) = begins(&stretch, before).into_iter().last()?;
    if last > first {
        return Some((last_step - first_step) / (last - first));
    }
    // Only one began so far: the one before it has as many steps as came until then.
    (first > 0.0).then(|| first_step / first)
}

/// The step at which an epoch began, and its number.
type Begun = (f64, f64);

/// Where epochs begin in a stretch that follows a value.
fn begins(stretch: &Stretch, mut before: f64) -> Vec<Begun> {
    let mut points = Vec::new();
    stretch.unpack(&mut points);
    let mut begun = Vec::new();
    for point in points {
        if point.value > before {
            begun.push((point.step as f64, point.value));
        }
        before = point.value;
    }
    begun
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::run::{Event, What};

    fn scalars(epoch_steps: u64) -> Scalars {
        let mut scalars = Scalars::default();
        for step in 1..=100_u64 {
            let mut values = vec![("loss/total".to_owned(), 1.0)];
            if let Some(epoch) = step.checked_div(epoch_steps) {
                values.push((EPOCH.to_owned(), epoch as f64));
            }
            scalars.add(Event {
                wall_time: 1_000.0 + step as f64 * 2.0,
                step,
                what: What::Scalars(values),
            });
        }
        scalars
    }

    fn curves(scalars: Scalars) -> Curves {
        Curves::new("runs/a".into(), Arc::new(scalars), 1)
    }

    #[test]
    fn points_lie_at_their_step_time_or_epoch() {
        let curves = curves(scalars(25));
        let point = Point {
            step: 50,
            wall_time: 1_100.0,
            value: 0.0,
        };
        for (by, log, at, text) in [
            (AlongBy::Step, false, 50.0, "50"),
            (AlongBy::Time, false, 98.0, "1m38s"),
            (AlongBy::Epoch, false, 2.0, "2.00"),
            (AlongBy::Step, true, 50_f64.log10(), "50"),
        ] {
            let along = Along::of(&curves, by, log);
            assert!(
                (along.at(&point) - at).abs() < 1e-9,
                "{by:?}: {}",
                along.at(&point)
            );
            assert_eq!(along.text(at), text);
        }
        let (left, right) = Along::of(&curves, AlongBy::Time, false).span(&curves.scalars);
        assert!(left.abs() < 1e-9 && (right - 198.0).abs() < 1e-9);
    }

    #[test]
    fn the_length_of_an_epoch_is_found_over_many_stretches() {
        let mut scalars = Scalars::default();
        for step in 1..=50_000_u64 {
            scalars.add(Event {
                wall_time: step as f64,
                step,
                what: What::Scalars(vec![(EPOCH.to_owned(), (step / 700) as f64)]),
            });
        }
        assert_eq!(steps_of_epoch(&scalars), Some(700.0));
    }

    #[test]
    fn epochs_that_are_logged_in_parts_have_a_length_too() {
        let mut scalars = Scalars::default();
        for step in 1..=5_000_u64 {
            scalars.add(Event {
                wall_time: step as f64,
                step,
                what: What::Scalars(vec![(EPOCH.to_owned(), step as f64 / 700.0)]),
            });
        }
        let steps = steps_of_epoch(&scalars).unwrap();
        assert!((steps - 700.0).abs() < 1e-6, "{steps}");
    }

    #[test]
    fn less_than_an_epoch_takes_the_whole_width() {
        let mut scalars = Scalars::default();
        for step in 1..=100_u64 {
            scalars.add(Event {
                wall_time: step as f64,
                step,
                what: What::Scalars(vec![(EPOCH.to_owned(), step as f64 / 700.0)]),
            });
        }
        let curves = curves(scalars);
        let along = Along::of(&curves, AlongBy::Epoch, false);
        let (left, right) = along.span(&curves.scalars);
        assert_eq!([left, right].map(|at| along.text(at)), ["0.00", "0.14"]);
    }

    #[test]
    fn without_logged_epochs_there_are_steps() {
        let by = |scalars| Along::of(&curves(scalars), AlongBy::Epoch, false).by;
        assert_eq!(by(scalars(0)), AlongBy::Step);
        assert_eq!(by(scalars(25)), AlongBy::Epoch);
        let nothing = curves(Scalars::default());
        let along = Along::of(&nothing, AlongBy::Time, true);
        assert_eq!(along.span(&nothing.scalars), (0.0, 1.0));
    }
}
