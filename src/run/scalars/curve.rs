//! One curve: packed blocks that never change, and the newest points.

use std::sync::Arc;

use super::block::{BLOCK_POINTS, Block};
use super::{Outline, Point};

/// The points of one tag, in the order logged. A clone shares all but the newest few.
#[derive(Debug, Clone)]
pub struct Curve {
    name: Arc<str>,
    blocks: Arc<Vec<Block>>,
    newest: Vec<Point>,
    /// Points in the blocks.
    packed: usize,
}

/// A part of a curve.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    outline: Outline,
    points: Source<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    Packed(&'a Block),
    Newest(&'a [Point]),
}

impl Curve {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            blocks: Arc::default(),
            newest: Vec::new(),
            packed: 0,
        }
    }

    /// A curve as an index has it.
    pub(in crate::run) fn restored(name: &str, blocks: Vec<Block>, newest: Vec<Point>) -> Self {
        Self {
            name: name.into(),
            packed: blocks.iter().map(|block| block.outline.count).sum(),
            blocks: Arc::new(blocks),
            newest,
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

    pub(super) fn push(&mut self, point: Point) {
        self.newest.push(point);
        if self.newest.len() >= BLOCK_POINTS {
            self.pack();
        }
    }

    fn pack(&mut self) {
        if let Some(block) = Block::pack(&self.newest) {
            self.packed += block.outline.count;
            Arc::make_mut(&mut self.blocks).push(block);
        }
        self.newest.clear();
    }

    /// Drops the points from `step` on; whether there were any.
    pub(super) fn rewind(&mut self, step: u64) -> bool {
        let before = self.len();
        self.newest.retain(|point| point.step < step);
        if self
            .blocks
            .iter()
            .any(|block| block.outline.steps.1 >= step)
        {
            let mut kept = Vec::with_capacity(self.blocks.len());
            let mut points = Vec::new();
            for block in self.blocks.iter() {
                let (lowest, highest) = block.outline.steps;
                if highest < step {
                    kept.push(block.clone());
                } else if lowest < step {
                    points.clear();
                    block.unpack(&mut points);
                    points.retain(|point| point.step < step);
                    kept.extend(Block::pack(&points));
                }
            }
            self.packed = kept.iter().map(|block| block.outline.count).sum();
            self.blocks = Arc::new(kept);
        }
        self.len() < before
    }

    /// How many points it has.
    pub fn len(&self) -> usize {
        self.packed + self.newest.len()
    }

    /// Whether it has none: all were undone.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first point.
    pub fn first(&self) -> Option<Point> {
        let newest = || self.newest.first().copied();
        let packed = self.blocks.first().map(|block| block.outline.first);
        packed.or_else(newest)
    }

    /// The newest point.
    pub fn last(&self) -> Option<Point> {
        let packed = || self.blocks.last().map(|block| block.outline.last);
        self.newest.last().copied().or_else(packed)
    }

    /// Its newest points in order: at least `count` where it has so many.
    pub fn newest_points(&self, count: usize) -> Vec<Point> {
        let lacking = count.saturating_sub(self.newest.len());
        let whole = self
            .blocks
            .len()
            .saturating_sub(lacking.div_ceil(BLOCK_POINTS));
        let mut points = Vec::new();
        for block in &self.blocks[whole..] {
            block.unpack(&mut points);
        }
        points.extend_from_slice(&self.newest);
        points
    }

    /// Its ends, extremes and number of points, without looking at each.
    pub fn outline(&self) -> Option<Outline> {
        let outlines = self.stretches().map(|stretch| stretch.outline);
        outlines.reduce(Outline::then)
    }

    /// Its parts in order, each with its outline.
    pub fn stretches(&self) -> impl Iterator<Item = Stretch<'_>> {
        let newest = Outline::of_all(self.newest.iter().copied()).map(|outline| Stretch {
            outline,
            points: Source::Newest(&self.newest),
        });
        let packed = self.blocks.iter().map(|block| Stretch {
            outline: block.outline,
            points: Source::Packed(block),
        });
        packed.chain(newest)
    }

    /// Its points in order.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        let mut unpacked = Vec::new();
        let (mut at, mut block) = (0, 0);
        let packed = std::iter::from_fn(move || {
            if at == unpacked.len() {
                unpacked.clear();
                self.blocks.get(block)?.unpack(&mut unpacked);
                (at, block) = (0, block + 1);
            }
            at += 1;
            unpacked.get(at - 1).copied()
        });
        packed.chain(self.newest.iter().copied())
    }
}

impl Stretch<'_> {
    /// Its ends and extremes.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Puts its points into `points`, in place of what was there.
    pub fn unpack(&self, points: &mut Vec<Point>) {
        points.clear();
        match self.points {
            Source::Packed(block) => block.unpack(points),
            Source::Newest(newest) => points.extend_from_slice(newest),
        }
    }
}
