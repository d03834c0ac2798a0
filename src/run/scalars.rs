//! A run's curves, gathered from its event log.

use std::collections::BTreeMap;

use super::{Event, What};

/// One value of one scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// The step it belongs to.
    pub step: u64,
    /// When it was logged, seconds after 1970.
    pub wall_time: f64,
    /// Its value; NaN where the run computed NaN.
    pub value: f64,
}

/// All curves of a run, by tag.
#[derive(Debug, Clone, Default)]
pub struct Scalars {
    curves: BTreeMap<String, Vec<Point>>,
    rewinds: Vec<u64>,
}

impl Scalars {
    /// Takes in one event; a session start drops the points that it undoes.
    pub fn add(&mut self, event: Event) {
        match event.what {
            What::Scalars(values) => {
                for (tag, value) in values {
                    self.curves.entry(tag).or_default().push(Point {
                        step: event.step,
                        wall_time: event.wall_time,
                        value,
                    });
                }
            }
            What::SessionStart => {
                let mut undone = false;
                for points in self.curves.values_mut() {
                    let before = points.len();
                    points.retain(|point| point.step < event.step);
                    undone |= points.len() < before;
                }
                self.curves.retain(|_, points| !points.is_empty());
                if undone {
                    self.rewinds.push(event.step);
                }
            }
        }
    }

    /// Takes in events in their order.
    pub fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.add(event);
        }
    }

    /// The tags, in order of the alphabet.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.curves.keys().map(String::as_str)
    }

    /// The points of a tag in the order logged; none where there is no such tag.
    pub fn points(&self, tag: &str) -> &[Point] {
        self.curves.get(tag).map_or(&[], Vec::as_slice)
    }

    /// The newest point of a tag.
    pub fn latest(&self, tag: &str) -> Option<Point> {
        self.points(tag).last().copied()
    }

    /// Steps to which the run was wound back, undoing points, in order of time.
    pub fn rewinds(&self) -> &[u64] {
        &self.rewinds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(step: u64, value: f64) -> Event {
        Event {
            wall_time: 0.0,
            step,
            what: What::Scalars(vec![("loss".to_owned(), value)]),
        }
    }

    fn start(step: u64) -> Event {
        Event {
            wall_time: 0.0,
            step,
            what: What::SessionStart,
        }
    }

    #[test]
    fn a_resumed_run_has_each_step_once() {
        let mut scalars = Scalars::default();
        scalars.extend([start(0)]);
        scalars.extend((0..55).map(|step| value(step, 1.0)));
        scalars.extend([start(50)]);
        scalars.extend((50..60).map(|step| value(step, 2.0)));
        let points = scalars.points("loss");
        assert!(points.iter().map(|point| point.step).eq(0..60));
        assert!((points[50].value - 2.0).abs() < 1e-12);
        assert_eq!(scalars.rewinds(), [50]);
        assert_eq!(scalars.latest("loss").unwrap().step, 59);
        assert_eq!(scalars.tags().collect::<Vec<_>>(), ["loss"]);
        assert!(scalars.points("none").is_empty());
    }
}
