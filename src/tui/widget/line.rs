//! The lines of a chart: from logged curves to the points that are drawn.

use std::borrow::Cow;
use std::path::Path;

use crate::run::{self, Extremes, Point};
use crate::tui::along::Along;

use super::decimate::Thinner;
use super::derive::Derived;
use super::scale::Scale;
use super::smooth::Average;

/// What a curve is drawn from.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// Its name beside others.
    pub label: String,
    /// The values: logged ones, or sums of several curves that are stacked.
    values: Cow<'a, run::Curve>,
    /// Their moving average as far as it is known, where one is drawn.
    smoothed: Option<run::Curve>,
    /// The logged curve; of a stack, its last part.
    own: &'a run::Curve,
    is_stack: bool,
    /// Where its points lie.
    pub along: Along,
}

/// A line thinned out and ready to draw.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// Its name beside others.
    pub label: String,
    /// Smoothed, as far as asked for.
    pub points: Vec<(f64, f64)>,
    /// As logged; empty without smoothing.
    pub raw: Vec<(f64, f64)>,
    /// The newest value, as drawn; of a stack, that of its last part.
    pub latest: Option<f64>,
}

impl<'a> Line<'a> {
    /// The line of a run's curves whose values are added up, smoothed by a weight; `None` without a curve.
    pub fn of(
        label: &str,
        (run, parts): (&Path, &[&'a run::Curve]),
        along: Along,
        smoothing: f64,
        derived: &mut Derived,
    ) -> Option<Self> {
        let own = *parts.last()?;
        let is_stack = parts.len() > 1;
        let values = if is_stack {
            Cow::Owned(derived.sum(run, parts))
        } else {
            Cow::Borrowed(own)
        };
        let smoothed = (smoothing > 0.0).then(|| derived.smoothed(run, parts, &values, smoothing));
        Some(Self {
            label: label.to_owned(),
            values,
            smoothed,
            own,
            is_stack,
            along,
        })
    }

    /// The points that it draws, as many as are known so far.
    pub fn known(&self) -> usize {
        self.values.len() + self.smoothed.as_ref().map_or(0, run::Curve::len)
    }

    /// The value at a place: that of the last point up to there.
    pub fn value_at(&self, at: f64) -> Option<f64> {
        let count = self.own.partition_point(|point| self.along.at(point) <= at);
        let point = self.own.point(count.checked_sub(1)?)?;
        Some(point.value)
    }

    /// Prepares it for so many columns of dots.
    pub(super) fn drawn(&self, x: (f64, f64), resolution: usize, scale: Scale) -> Drawn {
        let place = |step: u64, time: &dyn Fn() -> f64| self.along.place(step as f64, time);
        let shown = |value| scale.shown(value);
        let mut logged = Thinner::new(place, shown, x, resolution);
        logged.add_curve(&self.values, 0);
        let logged = logged.finish();
        let label = self.label.clone();
        let latest = self.own.last().map(|point| point.value);
        let Some(smoothed) = &self.smoothed else {
            return Drawn {
                label,
                points: logged,
                raw: Vec::new(),
                latest,
            };
        };
        let mut thinner = Thinner::new(place, shown, x, resolution);
        let from = self.begin_smoothing(x.0, scale.smoothing, &mut thinner);
        thinner.add_curve(smoothed, from);
        let is_whole = smoothed.len() == self.values.len();
        let newest = smoothed.last().filter(|_| is_whole && !self.is_stack);
        Drawn {
            label,
            points: thinner.finish(),
            raw: logged,
            latest: newest.map_or(latest, |point| Some(point.value)),
        }
    }

    /// Smooths the first points in a window, as what lies before it does not count; after some hundreds it makes no
    /// difference any more. The number of the first point that was not looked at.
    fn begin_smoothing(
        &self,
        left: f64,
        weight: f64,
        thinner: &mut Thinner<'_, impl Fn(u64, &dyn Fn() -> f64) -> f64, impl Fn(f64) -> f64>,
    ) -> usize {
        let first = self
            .values
            .partition_point(|point| self.along.at(point) < left);
        if first == 0 {
            return 0;
        }
        let mut average = Average::new(weight);
        let mut looked_at = 0;
        for point in self.values.points_from(first).take(MOST_BEGINNING) {
            if average.remaining < NEGLIGIBLE {
                break;
            }
            let value = average.next(point.value);
            thinner.add(&Point { value, ..point });
            looked_at += 1;
        }
        first + looked_at
    }
}

/// What lies before a window has lost its weight: less than a value's last digit in 32 bits.
const NEGLIGIBLE: f64 = 1e-8;
/// Where nearly all values are gaps, the others are not waited for.
const MOST_BEGINNING: usize = 16 * 1024;

/// How many values are drawn outside of a chart's heights.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outside {
    /// So many.
    pub count: usize,
    /// Whether each was counted.
    pub exact: bool,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            count: 0,
            exact: true,
        }
    }
}

/// So many stretches of a line are counted one value at a time; of more, so many of them evenly.
const COUNTED: usize = 32;

impl Outside {
    /// Counts those of a line in a window. Only stretches that have any are looked at, and of very many such stretches
    /// some, from which the rest is concluded.
    pub fn count(
        &mut self,
        line: &Line<'_>,
        (left, right): (f64, f64),
        scale: Scale,
        (low, high): (f64, f64),
    ) {
        let (low, high) = (scale.value(low), scale.value(high));
        let is_outside =
            |value: f64| (value < low && (value > 0.0 || !scale.log_y)) || value > high;
        let may_hold = |outline: &run::Outline| {
            let Extremes {
                lowest,
                highest,
                lowest_positive,
            } = outline.extremes();
            let is_seen =
                line.along.at(&outline.last) >= left && line.along.at(&outline.first) <= right;
            let ends = [lowest, highest, lowest_positive].into_iter();
            is_seen && ends.filter(|value| value.is_finite()).any(is_outside)
        };
        let groups = line.values.groups();
        let groups = groups.filter(|group| group.outline().is_none_or(may_hold));
        let stretches: Vec<run::Stretch> = groups
            .flat_map(|group| group.stretches())
            .filter(|stretch| may_hold(stretch.outline()))
            .collect();
        let every = stretches.len().div_ceil(COUNTED).max(1);
        let mut found = 0;
        let mut looked_at = 0;
        let mut points = Vec::new();
        for stretch in stretches.iter().step_by(every) {
            stretch.unpack(&mut points);
            looked_at += 1;
            found += points
                .iter()
                .filter(|point| is_outside(point.value))
                .filter(|point| (left..=right).contains(&line.along.at(point)))
                .count();
        }
        if every == 1 {
            self.count += found;
        } else {
            self.exact = false;
            self.count += rounded(found * stretches.len() / looked_at);
        }
    }
}

/// Two digits that count: more would claim what was not looked at.
fn rounded(count: usize) -> usize {
    let power = 10_usize.pow(count.checked_ilog10().unwrap_or(0).saturating_sub(1));
    (count + power / 2) / power * power
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Event, Scalars, What};
    use crate::tui::widget::scale::Unit;

    const RUN: &str = "runs/a";

    fn scalars(count: u64, values: impl Fn(u64) -> Vec<(&'static str, f64)>) -> Scalars {
        let mut scalars = Scalars::default();
        for step in 0..count {
            let named = |(tag, value): (&str, f64)| (tag.to_owned(), value);
            scalars.add(Event {
                wall_time: 1.7e9 + step as f64 / 3.0,
                step,
                what: What::Scalars(values(step).into_iter().map(named).collect()),
            });
        }
        scalars
    }

    fn line<'a>(parts: &[&'a run::Curve], smoothing: f64) -> Line<'a> {
        let mut derived = Derived::default();
        let of = (Path::new(RUN), parts);
        Line::of("", of, Along::STEPS, smoothing, &mut derived).unwrap()
    }

    fn scale(smoothing: f64) -> Scale {
        Scale {
            smoothing,
            log_y: false,
            ignore_outliers: false,
            unit: Unit::Plain,
        }
    }

    #[test]
    fn a_stack_adds_its_parts_at_the_same_steps() {
        let scalars = scalars(3_000, |step| {
            let b = (step % 2 == 0).then_some(("b", step as f64));
            [("a", 2.0)].into_iter().chain(b).collect()
        });
        let parts = ["a", "b"].map(|tag| scalars.curve(tag).unwrap());
        let stack = line(&parts, 0.0);
        let drawn = stack.drawn((1_000.0, 1_004.0), 80, scale(0.0));
        assert_eq!(
            drawn.points,
            [(1_000.0, 1_002.0), (1_002.0, 1_004.0), (1_004.0, 1_006.0)]
        );
        assert_eq!(drawn.latest, Some(2_998.0), "the last part's own value");
        assert_eq!(stack.value_at(1_003.5), Some(1_002.0));
        assert_eq!(stack.value_at(-1.0), None);
    }

    #[test]
    fn a_window_is_smoothed_as_if_nothing_were_before_it() {
        let ripple = |step: u64| (step * 7919 % 101) as f64 / 101.0 + 1e4 / (step + 1) as f64;
        let scalars = scalars(60_000, |step| vec![("a", ripple(step))]);
        let curve = scalars.curve("a").unwrap();
        for weight in [0.6, 0.9, 0.99] {
            let line = line(&[curve], weight);
            for window in [
                (0.0, 60_000.0),
                (7.0, 300.0),
                (20_000.5, 20_400.0),
                (5e3, 5e4),
            ] {
                let drawn = line.drawn(window, 120, scale(weight));
                let place = |step: u64, _: &dyn Fn() -> f64| step as f64;
                let mut thinner = Thinner::new(place, f64::from, window, 120);
                let mut average = Average::new(weight);
                for point in curve.points() {
                    if (window.0..=window.1).contains(&(point.step as f64)) {
                        let value = average.next(point.value);
                        thinner.add(&Point { value, ..point });
                    }
                }
                let naive = thinner.finish();
                assert_eq!(drawn.points.len(), naive.len());
                for (fast, naive) in drawn.points.iter().zip(naive) {
                    assert!((fast.0 - naive.0).abs() < 1e-9, "{fast:?} {naive:?}");
                    assert!((fast.1 - naive.1).abs() < naive.1.abs() * 1e-6);
                }
            }
        }
    }

    #[test]
    fn all_outliers_are_counted_and_very_many_are_estimated() {
        for (every, exact) in [(40_000, true), (10, false)] {
            let spike = |step: u64| {
                if step % every == 3 {
                    1e6
                } else {
                    (step % 7) as f64
                }
            };
            let scalars = scalars(400_000, |step| vec![("a", spike(step))]);
            let line = line(&[scalars.curve("a").unwrap()], 0.0);
            let mut outside = Outside::default();
            outside.count(&line, (0.0, 4e5), scale(0.0), (0.0, 7.0));
            assert_eq!(outside.exact, exact);
            let right = 400_000 / every;
            assert!(
                outside.count.abs_diff(right as usize) * 50 <= right as usize * usize::from(!exact)
            );
        }
        assert_eq!(rounded(12_345), 12_000);
        assert_eq!(rounded(7), 7);
    }
}
