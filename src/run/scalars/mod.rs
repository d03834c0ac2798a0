//! A run's curves, gathered from its event log.
//!
//! Ten million points are not rare, and a screen that shows them must neither copy them with every update nor look at
//! each one to draw it: points are packed into blocks (`block`) that never change and know their outline, and a
//! [`Curve`] shares them with its clones.

mod block;
mod curve;
mod outline;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Event, What};

pub(in crate::run) use block::{BLOCK_POINTS, Block, LEAVES, Layout, Leaves, Steps};
pub use curve::{Curve, Group, Stretch};
pub use outline::{Extremes, Glance, Outline};

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

/// All curves of a run, by tag. A clone takes microseconds, however long they are.
#[derive(Debug, Clone, Default)]
pub struct Scalars {
    /// In the order of their first points.
    curves: Vec<Curve>,
    places: BTreeMap<Arc<str>, usize>,
    rewinds: Vec<u64>,
    /// The curve that followed each one the last time: logs go round their tags in one order.
    followers: Vec<usize>,
    /// The curve that had the last point.
    last: usize,
}

impl Scalars {
    /// Takes in one event; a session start drops the points that it undoes.
    pub fn add(&mut self, event: Event) {
        match event.what {
            What::Scalars(values) => {
                for (tag, value) in values {
                    self.push(
                        tag.as_bytes(),
                        Point {
                            step: event.step,
                            wall_time: event.wall_time,
                            value,
                        },
                    );
                }
            }
            What::SessionStart => self.rewind(event.step),
        }
    }

    /// Takes in events in their order.
    pub fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.add(event);
        }
    }

    /// Takes in one point.
    pub(in crate::run) fn push(&mut self, tag: &[u8], point: Point) {
        let expected = self.followers.get(self.last).copied().unwrap_or(0);
        let place = match self.curves.get(expected) {
            Some(curve) if curve.tag().as_bytes() == tag => expected,
            _ => self.place_of(tag),
        };
        if let Some(follower) = self.followers.get_mut(self.last) {
            *follower = place;
        }
        self.last = place;
        if let Some(curve) = self.curves.get_mut(place) {
            curve.push(point);
        }
    }

    fn place_of(&mut self, tag: &[u8]) -> usize {
        let tag = String::from_utf8_lossy(tag);
        if let Some(place) = self.places.get(tag.as_ref()) {
            return *place;
        }
        self.insert(Curve::new(tag.into()))
    }

    fn insert(&mut self, curve: Curve) -> usize {
        let place = self.curves.len();
        self.places.insert(Arc::clone(curve.name()), place);
        self.curves.push(curve);
        self.followers.push(place);
        place
    }

    /// Drops the points from `step` on, of all curves.
    pub(in crate::run) fn rewind(&mut self, step: u64) {
        let mut undone = false;
        for curve in &mut self.curves {
            undone |= curve.rewind(step);
        }
        if undone {
            self.rewinds.push(step);
        }
    }

    /// Curves as an index has them.
    pub(in crate::run) fn restored(curves: Vec<Curve>, rewinds: Vec<u64>) -> Self {
        let mut scalars = Self {
            rewinds,
            ..Self::default()
        };
        for curve in curves {
            scalars.insert(curve);
        }
        scalars
    }

    /// The tags that have points, in order of the alphabet; not to be trusted on a screen.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.curves().map(Curve::tag)
    }

    /// The curves that have points, in the order of their tags.
    pub fn curves(&self) -> impl Iterator<Item = &Curve> {
        let curves = self
            .places
            .values()
            .filter_map(|place| self.curves.get(*place));
        curves.filter(|curve| !curve.is_empty())
    }

    /// The curve of a tag, where it has points.
    pub fn curve(&self, tag: &str) -> Option<&Curve> {
        let curve = self.curves.get(*self.places.get(tag)?)?;
        (!curve.is_empty()).then_some(curve)
    }

    /// The points of a tag in the order logged, as a copy; none where there is no such tag.
    pub fn points(&self, tag: &str) -> Vec<Point> {
        self.curve(tag)
            .map(|curve| curve.points().collect())
            .unwrap_or_default()
    }

    /// The newest point of a tag.
    pub fn latest(&self, tag: &str) -> Option<Point> {
        self.curve(tag)?.last()
    }

    /// Steps to which the run was wound back, undoing points, in order of time.
    pub fn rewinds(&self) -> &[u64] {
        &self.rewinds
    }
}

#[cfg(test)]
fn point(step: u64, wall_time: f64, value: f64) -> Point {
    Point {
        step,
        wall_time,
        value,
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

    #[test]
    fn long_curves_rewind_to_any_step() {
        let long = 5 * BLOCK_POINTS as u64 + 7;
        let mut whole = Scalars::default();
        whole.extend((0..long).map(|step| value(step, step as f64)));
        for step in [0, 1, 1023, 1024, 1025, 3000, 5 * 1024, long - 1, long] {
            let mut scalars = whole.clone();
            scalars.add(start(step));
            scalars.extend((step..step + 2000).map(|step| value(step, -1.0)));
            let points = scalars.points("loss");
            assert!(
                points.iter().map(|point| point.step).eq(0..step + 2000),
                "{step}"
            );
            let undone = points.iter().filter(|point| point.value < 0.0).count();
            assert_eq!(undone, 2000, "{step}");
            let curve = scalars.curve("loss").unwrap();
            assert_eq!(curve.len() as u64, step + 2000);
            assert_eq!(curve.last(), points.last().copied());
            assert_eq!(curve.outline(), Outline::of_all(&points));
        }
        assert_eq!(
            whole.points("loss").len() as u64,
            long,
            "the clones were rewound, not this"
        );
    }

    #[test]
    fn a_tag_whose_points_were_all_undone_is_gone_until_it_has_some_again() {
        let mut scalars = Scalars::default();
        scalars.extend([value(5, 1.0), start(3)]);
        assert_eq!(scalars.tags().count(), 0);
        assert!(scalars.curve("loss").is_none());
        scalars.add(value(4, 2.0));
        assert_eq!(scalars.points("loss").len(), 1);
    }

    #[test]
    fn tags_that_come_in_any_order_find_their_curves() {
        let mut scalars = Scalars::default();
        let mut state = 1_u64;
        let mut counts = [0_usize; 7];
        for step in 0..5000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let tag = (state >> 40) as usize % 7;
            counts[tag] += 1;
            scalars.push(&[b'a' + tag as u8, 0xff], point(step, 0.0, tag as f64));
        }
        for (tag, count) in counts.into_iter().enumerate() {
            let name = format!("{}\u{fffd}", char::from(b'a' + tag as u8));
            let points = scalars.points(&name);
            assert_eq!(points.len(), count);
            assert!(
                points
                    .iter()
                    .all(|point| point.value.to_bits() == (tag as f64).to_bits())
            );
        }
    }
}
