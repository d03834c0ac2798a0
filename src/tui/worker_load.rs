//! What a run's own log tells of the machine that its worker is on, and of where its time goes.

use crate::run::{Curve, Point, Scalars};

use super::charts::STEP_TIME;

/// How busy the worker's machine was when it last told.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WorkerLoad {
    /// When, seconds after 1970.
    pub at: f64,
    /// The share of time in which its GPU worked, 0..1.
    pub gpu: Option<f64>,
    /// Bytes of the GPU's memory in use.
    pub gpu_memory: Option<f64>,
    /// What the GPU takes.
    pub watts: Option<f64>,
    /// How hot it is.
    pub celsius: Option<f64>,
    /// How many processors the worker keeps at work.
    pub cpu: Option<f64>,
    /// Bytes of memory that the worker has.
    pub memory: Option<f64>,
}

/// Where the time of some steps went.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeSplit {
    /// How many steps they are.
    pub steps: usize,
    /// What for, and the share of their time, 0..1.
    pub shares: Vec<(&'static str, f64)>,
}

/// Of so many of the newest steps the time is added up.
const NEWEST_STEPS: usize = 1_000;
/// The tag of the seconds that a validation took.
const EVALUATION: &str = "time/evaluation";

impl WorkerLoad {
    /// What a run last told; `None` where it tells nothing.
    pub fn of(scalars: &Scalars) -> Option<Self> {
        let mut at = None;
        let mut latest = |tag: &str| {
            let point = scalars.latest(&format!("device/{tag}"))?;
            at = Some(at.map_or(point.wall_time, |at: f64| at.max(point.wall_time)));
            Some(point.value)
        };
        let load = Self {
            at: 0.0,
            gpu: latest("gpu_utilisation"),
            gpu_memory: latest("gpu_memory_bytes"),
            watts: latest("gpu_power_watts"),
            celsius: latest("gpu_temperature"),
            cpu: latest("cpu_utilisation"),
            memory: latest("memory_bytes"),
        };
        Some(Self { at: at?, ..load })
    }
}

impl TimeSplit {
    /// Of the newest steps that a run has logged; `None` where it doesn't tell the time of its steps.
    ///
    /// Where only each tenth step is timed it stands for the nine before it: an evaluation is logged each time.
    pub fn of(scalars: &Scalars) -> Option<Self> {
        let mut steps = 0;
        let mut after = u64::MAX;
        let mut seconds: Vec<(&'static str, f64)> = Vec::new();
        for (name, tags) in STEP_TIME {
            let spans = newest(tags.iter().find_map(|tag| scalars.curve(tag)));
            steps = steps.max(spans.iter().map(|span| span.steps).sum());
            after = after.min(spans.first().map_or(u64::MAX, Span::before));
            let all = spans.iter().map(|span| span.seconds * span.steps as f64);
            seconds.push((name, sum(all)));
        }
        let evaluations = scalars.curve(EVALUATION).map(|curve| {
            let from = curve.len().saturating_sub(NEWEST_STEPS);
            let inside = curve.points_from(from).filter(|point| point.step > after);
            sum(inside.map(|point| point.value))
        });
        seconds.push(("evaluation", evaluations.unwrap_or(0.0)));
        let whole: f64 = seconds.iter().map(|(_, seconds)| seconds).sum();
        let shares = seconds.into_iter();
        (steps > 0 && whole > 0.0).then(|| Self {
            steps,
            shares: shares
                .map(|(name, seconds)| (name, seconds / whole))
                .collect(),
        })
    }
}

impl TimeSplit {
    /// As people read it, within 80 columns: `data 3 · forward 31 · … · evaluation 4 %`.
    pub fn told(&self) -> String {
        let share = |(name, share): &(&str, f64)| format!("{name} {:.0}", share * 100.0);
        let shares: Vec<String> = self.shares.iter().map(share).collect();
        format!("{} %", shares.join(" · "))
    }
}

/// A step whose time is known, and those before it that it stands for.
#[derive(Debug, Clone, Copy)]
struct Span {
    step: u64,
    steps: usize,
    seconds: f64,
}

impl Span {
    /// The step before the first one that it stands for; 0 also where that is the first of all.
    fn before(&self) -> u64 {
        self.step.saturating_sub(self.steps as u64)
    }
}

/// The newest points of a curve, where there is one, each with the steps since the point before it.
fn newest(curve: Option<&Curve>) -> Vec<Span> {
    let Some(curve) = curve else {
        return Vec::new();
    };
    let from = curve.len().saturating_sub(NEWEST_STEPS);
    // One more than is told, for the distance to it.
    let points: Vec<Point> = curve.points_from(from.saturating_sub(1)).collect();
    let mut spans: Vec<Span> = points
        .windows(2)
        .map(|pair| Span {
            step: pair[1].step,
            steps: (pair[1].step.saturating_sub(pair[0].step)).max(1) as usize,
            seconds: pair[1].value,
        })
        .collect();
    // The very first has none before it, and stands for itself.
    if let (0, Some(first)) = (from, points.first()) {
        spans.insert(
            0,
            Span {
                step: first.step,
                steps: 1,
                seconds: first.value,
            },
        );
    }
    spans
}

/// The sum of what can be a time.
fn sum(seconds: impl Iterator<Item = f64>) -> f64 {
    let times = seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
    // The sum of nothing would be a zero below zero.
    times.fold(0.0, |sum, seconds| sum + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Event, What};

    fn add(scalars: &mut Scalars, step: u64, values: &[(&str, f64)]) {
        let values = values
            .iter()
            .map(|(tag, value)| ((*tag).to_owned(), *value));
        scalars.add(Event {
            wall_time: 100.0 + step as f64,
            step,
            what: What::Scalars(values.collect()),
        });
    }

    #[test]
    fn the_time_of_the_newest_steps_is_split() {
        let mut scalars = Scalars::default();
        assert_eq!(TimeSplit::of(&scalars), None);
        for step in 0..5_000 {
            // What was slow long ago is of no interest.
            let data = if step < 4_000 { 9.0 } else { 1.0 };
            add(
                &mut scalars,
                step,
                &[
                    ("time/data", data),
                    ("time/forward", 3.0),
                    ("time/backward", f64::NAN),
                ],
            );
        }
        add(&mut scalars, 100, &[("time/evaluation", 1e6)]);
        add(&mut scalars, 4_500, &[("time/evaluation", 1_000.0)]);
        let split = TimeSplit::of(&scalars).unwrap();
        assert_eq!(split.steps, 1_000);
        assert_eq!(
            split.told(),
            "data 20 · forward 60 · backward 0 · optimiser 0 · evaluation 20 %"
        );
    }

    #[test]
    fn a_timed_step_stands_for_those_before_it_that_are_not_timed() {
        // 200 steps of a second each, and two evaluations of 50 seconds: a third of the time, however often steps are
        // timed.
        for every in [1, 10, 20] {
            let mut scalars = Scalars::default();
            for step in (1..=200).filter(|step| *step == 1 || step % every == 0) {
                let step_time = [("time/forward", 0.4), ("time/backward", 0.6)];
                add(&mut scalars, step, &step_time);
                if step % 100 == 0 {
                    add(&mut scalars, step, &[("time/evaluation", 50.0)]);
                }
            }
            let split = TimeSplit::of(&scalars).unwrap();
            assert_eq!(split.steps, 200);
            assert_eq!(
                split.told(),
                "data 0 · forward 27 · backward 40 · optimiser 0 · evaluation 33 %"
            );
        }
    }

    #[test]
    fn what_the_worker_told_last_is_known_with_its_time() {
        let mut scalars = Scalars::default();
        add(&mut scalars, 1, &[("loss/total", 1.0)]);
        assert_eq!(WorkerLoad::of(&scalars), None);
        add(&mut scalars, 2, &[("device/cpu_utilisation", 1.5)]);
        add(&mut scalars, 9, &[("device/gpu_utilisation", 0.5)]);
        let load = WorkerLoad::of(&scalars).unwrap();
        let expected = WorkerLoad {
            at: 109.0,
            cpu: Some(1.5),
            gpu: Some(0.5),
            ..WorkerLoad::default()
        };
        assert_eq!(load, expected);
    }
}
