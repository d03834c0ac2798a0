//! One curve: packed blocks that never change, and the newest points.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::block::{BLOCK_POINTS, Block};
use super::{Extremes, Glance, Outline, Point};

/// The points of one tag, in the order logged. A clone shares all but the newest few.
#[derive(Debug, Clone)]
pub struct Curve {
    name: Arc<str>,
    /// Each of [`BLOCK_POINTS`] points, so that a point is found by its number.
    blocks: Arc<Vec<Block>>,
    /// The outlines of every [`GROUP`] blocks, so that a picture of all points need not look at each block.
    groups: Arc<Vec<Outline>>,
    /// Beside the blocks, so that a chart goes through them without touching each block.
    glances: Arc<Vec<Glance>>,
    newest: Vec<Point>,
    newest_outline: OnceLock<Outline>,
}

/// So many blocks have an outline together.
const GROUP: usize = 64;

/// Some parts of a curve, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Group<'a> {
    outline: Option<&'a Outline>,
    blocks: &'a [Block],
    glances: &'a [Glance],
    newest: Option<(&'a [Point], &'a Outline)>,
    start: usize,
}

/// A part of a curve.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    glance: Option<&'a Glance>,
    points: Source<'a>,
    start: usize,
}

#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    Packed(&'a Block),
    Newest(&'a [Point], &'a Outline),
}

impl Curve {
    /// A curve without points.
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            blocks: Arc::default(),
            groups: Arc::default(),
            glances: Arc::default(),
            newest: Vec::new(),
            newest_outline: OnceLock::new(),
        }
    }

    /// A curve as an index has it.
    pub(in crate::run) fn restored(name: &str, blocks: Vec<Block>, newest: Vec<Point>) -> Self {
        let groups = blocks.chunks_exact(GROUP).filter_map(outline_of).collect();
        let glances = blocks.iter().map(|block| Glance::from(&block.outline));
        let glances = glances.collect();
        Self {
            name: name.into(),
            blocks: Arc::new(blocks),
            groups: Arc::new(groups),
            glances: Arc::new(glances),
            newest,
            newest_outline: OnceLock::new(),
        }
    }

    /// Its tag, not to be trusted on a screen.
    pub fn tag(&self) -> &str {
        &self.name
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(in crate::run) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub(in crate::run) fn newest(&self) -> &[Point] {
        &self.newest
    }

    pub(crate) fn push(&mut self, point: Point) {
        self.newest.push(point);
        self.newest_outline.take();
        if self.newest.len() >= BLOCK_POINTS {
            self.pack();
        }
    }

    fn pack(&mut self) {
        if let Some(block) = Block::pack(&self.newest) {
            let blocks = Arc::make_mut(&mut self.blocks);
            Arc::make_mut(&mut self.glances).push(Glance::from(&block.outline));
            blocks.push(block);
            let (full, rest) = blocks.as_chunks::<GROUP>();
            if let (Some(group), []) = (full.last(), rest) {
                Arc::make_mut(&mut self.groups).extend(outline_of(group));
            }
        }
        self.newest.clear();
    }

    /// Drops the points from `step` on; whether there were any.
    pub(super) fn rewind(&mut self, step: u64) -> bool {
        let before = self.len();
        self.newest_outline.take();
        let undone = |block: &Block| block.outline.steps.1 >= step;
        if let Some(first) = self.blocks.iter().position(undone) {
            let later = self.points_from(first * BLOCK_POINTS);
            let kept: Vec<Point> = later.filter(|point| point.step < step).collect();
            Arc::make_mut(&mut self.blocks).truncate(first);
            Arc::make_mut(&mut self.glances).truncate(first);
            Arc::make_mut(&mut self.groups).truncate(first / GROUP);
            self.newest.clear();
            for point in kept {
                self.push(point);
            }
        } else {
            self.newest.retain(|point| point.step < step);
        }
        self.len() < before
    }

    /// How many points it has.
    pub fn len(&self) -> usize {
        self.blocks.len() * BLOCK_POINTS + self.newest.len()
    }

    /// Whether it has none: all were undone.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The point of a number, from 0 on.
    pub fn point(&self, at: usize) -> Option<Point> {
        match self.blocks.get(at / BLOCK_POINTS) {
            Some(block) => Some(block.cells().point(at % BLOCK_POINTS)),
            None => self
                .newest
                .get(at - self.blocks.len() * BLOCK_POINTS)
                .copied(),
        }
    }

    /// The first point.
    pub fn first(&self) -> Option<Point> {
        self.point(0)
    }

    /// The newest point.
    pub fn last(&self) -> Option<Point> {
        self.point(self.len().checked_sub(1)?)
    }

    /// How many points come before the first that does not hold, where none holds after one that doesn't.
    pub fn partition_point(&self, holds: impl Fn(&Point) -> bool) -> usize {
        let starts = |block: &Block| holds(&block.outline.first);
        let blocks = self.blocks.partition_point(starts);
        if blocks == self.blocks.len() && self.newest.first().is_some_and(&holds) {
            return blocks * BLOCK_POINTS + self.newest.partition_point(holds);
        }
        let Some(before) = blocks.checked_sub(1) else {
            return 0;
        };
        let (mut low, mut high) = (before * BLOCK_POINTS, blocks * BLOCK_POINTS);
        while low < high {
            let middle = low.midpoint(high);
            if self.point(middle).is_some_and(|point| holds(&point)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn newest_outline(&self) -> Option<&Outline> {
        let first = Outline::of(*self.newest.first()?);
        let all = || Outline::of_all(&self.newest).unwrap_or(first);
        Some(self.newest_outline.get_or_init(all))
    }

    /// Its ends, extremes and number of points, without looking at each.
    pub fn outline(&self) -> Option<Outline> {
        let groups = self.groups.iter().copied();
        let rest = self.groups().filter(|group| group.outline.is_none());
        let rest = rest.flat_map(|group| group.stretches());
        let rest = rest.map(|stretch| *stretch.outline());
        groups.chain(rest).reduce(Outline::then)
    }

    /// Its parts in order, in groups.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let count = self.blocks.len() / GROUP + 1;
        let newest = self.newest_outline();
        let newest = newest.map(|outline| (self.newest.as_slice(), outline));
        (0..count).map(move |at| {
            let rest = self.blocks.get(at * GROUP..).unwrap_or_default();
            Group {
                outline: self.groups.get(at),
                blocks: &rest[..rest.len().min(GROUP)],
                glances: self.glances.get(at * GROUP..).unwrap_or_default(),
                newest: newest.filter(|_| at + 1 == count),
                start: at * GROUP * BLOCK_POINTS,
            }
        })
    }

    /// Its parts in order, each with its outline.
    pub fn stretches(&self) -> impl Iterator<Item = Stretch<'_>> {
        self.groups().flat_map(|group| group.stretches())
    }

    /// Its points in order.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        self.points_from(0)
    }

    /// Its points from the one of a number on.
    pub fn points_from(&self, from: usize) -> impl Iterator<Item = Point> + '_ {
        let mut unpacked = Vec::new();
        let (mut at, mut block) = (0, from / BLOCK_POINTS);
        let mut skipped = from % BLOCK_POINTS;
        let packed = std::iter::from_fn(move || {
            if at == unpacked.len() {
                unpacked.clear();
                self.blocks.get(block)?.cells().unpack(&mut unpacked);
                (at, block) = (std::mem::take(&mut skipped), block + 1);
            }
            at += 1;
            unpacked.get(at - 1).copied()
        });
        let before = from.saturating_sub(self.blocks.len() * BLOCK_POINTS);
        packed.chain(self.newest.iter().copied().skip(before))
    }
}

fn outline_of(blocks: &[Block]) -> Option<Outline> {
    let outlines = blocks.iter().map(|block| block.outline);
    outlines.reduce(Outline::then)
}

impl<'a> Group<'a> {
    /// Its outline; the newest group has none yet.
    pub fn outline(&self) -> Option<&'a Outline> {
        self.outline
    }

    /// The number of its first point.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Its parts in order, each with its outline.
    pub fn stretches(&self) -> impl Iterator<Item = Stretch<'a>> + use<'a> {
        let Self {
            start,
            newest,
            glances,
            ..
        } = *self;
        let behind = start + self.blocks.len() * BLOCK_POINTS;
        let newest = newest.map(|(points, outline)| Stretch {
            glance: None,
            points: Source::Newest(points, outline),
            start: behind,
        });
        let packed = self
            .blocks
            .iter()
            .enumerate()
            .map(move |(at, block)| Stretch {
                glance: glances.get(at),
                points: Source::Packed(block),
                start: start + at * BLOCK_POINTS,
            });
        packed.chain(newest)
    }
}

impl<'a> Stretch<'a> {
    /// Its ends and extremes.
    pub fn outline(&self) -> &'a Outline {
        match self.points {
            Source::Packed(block) => &block.outline,
            Source::Newest(_, outline) => outline,
        }
    }

    /// The outline in short; the newest stretch has none.
    pub fn glance(&self) -> Option<&'a Glance> {
        self.glance
    }

    /// How many points it has.
    pub fn count(&self) -> usize {
        match self.points {
            Source::Packed(_) => BLOCK_POINTS,
            Source::Newest(newest, _) => newest.len(),
        }
    }

    /// The step of one of its points, counted from its first one.
    pub fn step(&self, at: usize) -> u64 {
        match self.points {
            Source::Packed(block) => block.cells().step(at),
            Source::Newest(..) => self.point(at).step,
        }
    }

    /// The time of one of its points.
    pub fn time(&self, at: usize) -> f64 {
        match self.points {
            Source::Packed(block) => block.cells().time(at),
            Source::Newest(..) => self.point(at).wall_time,
        }
    }

    /// The value of one of its points.
    pub fn value(&self, at: usize) -> f64 {
        match self.points {
            Source::Packed(block) => block.cells().value(at),
            Source::Newest(..) => self.point(at).value,
        }
    }

    /// The number of its first point.
    pub fn start(&self) -> usize {
        self.start
    }

    /// One of its points, counted from its first one.
    pub fn point(&self, at: usize) -> Point {
        match self.points {
            Source::Packed(block) => block.cells().point(at),
            Source::Newest(newest, outline) => newest.get(at).copied().unwrap_or(outline.last),
        }
    }

    /// Widens extremes by those of some of its points.
    pub fn widen(&self, part: Range<usize>, extremes: &mut Extremes) {
        match self.points {
            Source::Packed(block) => block.cells().widen(part, extremes),
            Source::Newest(newest, _) => {
                let points = newest.get(part).unwrap_or_default();
                extremes.widen(&Extremes::of(points.iter().map(|point| point.value)));
            }
        }
    }

    /// Puts its points into `points`, in place of what was there.
    pub fn unpack(&self, points: &mut Vec<Point>) {
        points.clear();
        match self.points {
            Source::Packed(block) => block.cells().unpack(points),
            Source::Newest(newest, _) => points.extend_from_slice(newest),
        }
    }
}
