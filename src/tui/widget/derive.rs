//! Curves that are worked out from logged ones: sums and moving averages.
//!
//! They are kept from frame to frame and carried on by the points that came, and a frame takes in no more points than it
//! has time for: of a long run the curves grow over some frames, and keys are answered in between.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::run::{Curve, Point};

use super::smooth::Average;

/// The curves that were worked out so far.
#[derive(Debug)]
pub struct Derived {
    kept: HashMap<Key, Kept>,
    /// Points that may still be taken in before the next frame.
    allowance: usize,
    behind: bool,
}

/// Points that are taken in for one frame: about a millisecond's work.
const POINTS_A_FRAME: usize = 64 * 1024;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    run: PathBuf,
    tags: Vec<String>,
    /// Of the past in the moving average, as bits; `None` is the sum itself.
    weight: Option<u64>,
}

#[derive(Debug)]
struct Kept {
    curve: Curve,
    average: Average,
    /// Of each source, how many points were taken in, and the last of them.
    taken: Vec<(usize, Option<Point>)>,
}

impl Default for Derived {
    fn default() -> Self {
        Self {
            kept: HashMap::new(),
            allowance: POINTS_A_FRAME,
            behind: false,
        }
    }
}

impl Derived {
    /// Gives time for another frame.
    pub fn begin_frame(&mut self) {
        self.allowance = POINTS_A_FRAME;
        self.behind = false;
    }

    /// Whether points were left for the next frame.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Forgets the curves of all runs but some.
    pub fn retain(&mut self, is_shown: impl Fn(&Path) -> bool) {
        self.kept.retain(|key, _| is_shown(&key.run));
    }

    /// The sum of some curves of a run, at steps that all of them have.
    pub fn sum(&mut self, run: &Path, parts: &[&Curve]) -> Curve {
        let Self {
            kept,
            allowance,
            behind,
        } = self;
        let kept = Kept::of(kept, Key::of(run, parts, None), parts, 0.0);
        let Some((first, others)) = parts.split_first() else {
            return kept.curve.clone();
        };
        let mut taken: Vec<usize> = kept.taken.iter().map(|(count, _)| *count).collect();
        let mut others: Vec<_> = others
            .iter()
            .zip(&taken[1..])
            .map(|(curve, from)| curve.points_from(*from).peekable())
            .collect();
        'points: for mut point in first.points_from(taken[0]) {
            if *allowance == 0 {
                *behind = true;
                break;
            }
            *allowance -= 1;
            let mut is_common = true;
            for (other, taken) in others.iter_mut().zip(&mut taken[1..]) {
                while other.next_if(|next| next.step < point.step).is_some() {
                    *taken += 1;
                }
                match other.peek() {
                    Some(next) if next.step == point.step => point.value += next.value,
                    Some(_) => is_common = false,
                    // It may still come.
                    None => break 'points,
                }
            }
            taken[0] += 1;
            if is_common {
                kept.curve.push(shortened(point));
            }
        }
        kept.mark(parts, taken);
        kept.curve.clone()
    }

    /// The moving average of a curve that has the sum of some tags of a run; the same number of points where none are
    /// left for the next frame.
    pub fn smoothed(&mut self, run: &Path, parts: &[&Curve], curve: &Curve, weight: f64) -> Curve {
        let bits = Some(weight.to_bits());
        if self
            .kept
            .keys()
            .any(|key| key.weight.is_some() && key.weight != bits)
        {
            // One weight is looked at at a time.
            self.kept.retain(|key, _| key.weight.is_none());
        }
        let kept = Kept::of(&mut self.kept, Key::of(run, parts, bits), &[curve], weight);
        let from = kept.curve.len();
        let most = (curve.len() - from).min(self.allowance);
        for point in curve.points_from(from).take(most) {
            let value = kept.average.next(point.value);
            kept.curve.push(shortened(Point { value, ..point }));
        }
        self.allowance -= most;
        self.behind |= from + most < curve.len();
        kept.mark(&[curve], vec![from + most]);
        kept.curve.clone()
    }
}

impl Key {
    fn of(run: &Path, parts: &[&Curve], weight: Option<u64>) -> Self {
        Self {
            run: run.to_owned(),
            tags: parts.iter().map(|part| part.tag().to_owned()).collect(),
            weight,
        }
    }
}

impl Kept {
    /// What is known under a key; nothing, where a source is no longer what it was as far as it was taken in.
    fn of<'a>(
        all: &'a mut HashMap<Key, Self>,
        key: Key,
        sources: &[&Curve],
        weight: f64,
    ) -> &'a mut Self {
        let new = |sources: &[&Curve]| Self {
            curve: Curve::new("".into()),
            average: Average::new(weight),
            taken: vec![(0, None); sources.len()],
        };
        let kept = all.entry(key).or_insert_with(|| new(sources));
        let still = |(source, (count, last)): (&&Curve, &(usize, Option<Point>))| {
            source.len() >= *count && same(point_before(source, *count), *last)
        };
        if !sources.iter().zip(&kept.taken).all(still) {
            *kept = new(sources);
        }
        kept
    }

    fn mark(&mut self, sources: &[&Curve], taken: Vec<usize>) {
        let counted = sources.iter().zip(taken);
        self.taken = counted
            .map(|(source, count)| (count, point_before(source, count)))
            .collect();
    }
}

fn point_before(curve: &Curve, count: usize) -> Option<Point> {
    curve.point(count.checked_sub(1)?)
}

fn same(a: Option<Point>, b: Option<Point>) -> bool {
    let bits = |point: Point| (point.step, point.wall_time.to_bits(), point.value.to_bits());
    a.map(bits) == b.map(bits)
}

/// A point whose value takes half the memory, where it fits: no picture has so many dots that it would differ.
fn shortened(point: Point) -> Point {
    let short = f64::from(point.value as f32);
    let fits = (short - point.value).abs() <= point.value.abs() * 1e-6;
    if fits {
        Point {
            value: short,
            ..point
        }
    } else {
        point
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::{Event, Scalars, What};

    fn logged(scalars: &mut Scalars, step: u64, tag: &str, value: f64) {
        log_at(scalars, 1.7e9 + step as f64, step, tag, value);
    }

    fn log_at(scalars: &mut Scalars, wall_time: f64, step: u64, tag: &str, value: f64) {
        scalars.add(Event {
            wall_time,
            step,
            what: What::Scalars(vec![(tag.to_owned(), value)]),
        });
    }

    fn values(curve: &Curve) -> Vec<(u64, f64)> {
        curve
            .points()
            .map(|point| (point.step, point.value))
            .collect()
    }

    fn close(a: &[(u64, f64)], b: &[(u64, f64)]) -> bool {
        a.len() == b.len()
            && a.iter().zip(b).all(|(a, b)| {
                let is_near = (a.1 - b.1).abs() <= b.1.abs() * 1e-6 + 1e-12;
                a.0 == b.0 && (is_near || (a.1.is_nan() && b.1.is_nan()))
            })
    }

    const RUN: &str = "runs/a";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// Points that come in pieces of any size, tags that lack steps, gaps, and runs that are wound back.
        #[test]
        fn carried_on_from_frame_to_frame_gives_what_all_at_once_gives(
            pieces in prop::collection::vec((0_u64..3_000, any::<u32>(), any::<bool>()), 1..6),
            weight in prop::sample::select(vec![0.6, 0.9, 0.99]), lack in 2_u64..5,
        ) {
            let mut scalars = Scalars::default();
            let mut derived = Derived::default();
            let (mut step, mut time) = (0, 1.7e9);
            for (count, salt, wound_back) in pieces {
                if wound_back {
                    step /= 2;
                    scalars.add(Event { wall_time: 0.0, step, what: What::SessionStart });
                }
                for _ in 0..count {
                    let wave = f64::from((step as u32).wrapping_mul(salt | 1) >> 16) / 65_536.0;
                    time += 0.25;
                    let value = if step % 91 == 5 { f64::NAN } else { wave };
                    log_at(&mut scalars, time, step, "a", value);
                    if step % lack != 0 {
                        log_at(&mut scalars, time, step, "b", 10.0 - wave / 3.0);
                    }
                    step += 1;
                }
                let (Some(a), Some(b)) = (scalars.curve("a"), scalars.curve("b")) else { continue };
                let run = Path::new(RUN);
                derived.begin_frame();
                let sum = derived.sum(run, &[a, b]);
                let smooth = derived.smoothed(run, &[a], a, weight);
                let smooth_sum = derived.smoothed(run, &[a, b], &sum, weight);
                prop_assert!(!derived.is_behind());
                let of_b: HashMap<u64, f64> = values(b).into_iter().collect();
                let all: Vec<(u64, f64)> = values(a)
                    .into_iter()
                    .filter_map(|(step, value)| Some((step, value + of_b.get(&step)?)))
                    .collect();
                prop_assert!(close(&values(&sum), &all));
                for (curve, source) in [(&smooth, values(a)), (&smooth_sum, values(&sum))] {
                    let mut average = Average::new(weight);
                    let expected: Vec<_> = source
                        .into_iter()
                        .map(|(step, value)| (step, average.next(value)))
                        .collect();
                    prop_assert!(close(&values(curve), &expected));
                }
            }
        }
    }

    #[test]
    fn a_long_curve_takes_some_frames_and_none_of_them_long() {
        let mut scalars = Scalars::default();
        let long = 3 * POINTS_A_FRAME as u64;
        (0..long).for_each(|step| logged(&mut scalars, step, "a", step as f64));
        let curve = scalars.curve("a").unwrap();
        let mut derived = Derived::default();
        let mut lengths = Vec::new();
        loop {
            derived.begin_frame();
            lengths.push(derived.smoothed(Path::new(RUN), &[curve], curve, 0.9).len());
            if !derived.is_behind() {
                break;
            }
        }
        assert_eq!(lengths, [1, 2, 3].map(|frame| frame * POINTS_A_FRAME));
        assert!(derived.kept.len() == 1);
        derived.smoothed(Path::new(RUN), &[curve], curve, 0.6);
        assert_eq!(derived.kept.len(), 1, "the other weight's is forgotten");
        derived.retain(|run| run != Path::new(RUN));
        assert!(derived.kept.is_empty());
    }

    #[test]
    fn values_that_need_their_digits_keep_them() {
        for value in [
            1e300,
            -1e300,
            1e-300,
            f64::NAN,
            f64::INFINITY,
            0.0,
            1.0 / 3.0,
        ] {
            let point = Point {
                step: 0,
                wall_time: 0.0,
                value,
            };
            let short = shortened(point).value;
            let is_same = (short - value).abs() <= value.abs() * 1e-6;
            assert!(is_same || short.to_bits() == value.to_bits(), "{value}");
        }
    }
}
