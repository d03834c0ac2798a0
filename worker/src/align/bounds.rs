//! Boxes around faces, and which of several that overlap are kept.

use serde::{Deserialize, Serialize};

/// A box in pixels of a picture; it may reach beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Its left edge.
    pub left: f32,
    /// Its upper edge.
    pub top: f32,
    /// Its right edge.
    pub right: f32,
    /// Its lower edge.
    pub bottom: f32,
}

impl Bounds {
    /// Width in pixels.
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    /// Height in pixels.
    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    /// Area in square pixels.
    pub fn area(&self) -> f32 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    /// Its centre, x and y.
    pub fn centre(&self) -> [f32; 2] {
        [
            f32::midpoint(self.left, self.right),
            f32::midpoint(self.top, self.bottom),
        ]
    }

    /// What both cover, in square pixels.
    pub fn intersection(&self, other: &Self) -> f32 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        width.max(0.0) * height.max(0.0)
    }

    /// What both cover as a share of what either covers, 0 to 1.
    pub fn overlap(&self, other: &Self) -> f32 {
        let both = self.intersection(other);
        let either = self.area() + other.area() - both;
        if either > 0.0 { both / either } else { 0.0 }
    }

    /// The square around the same centre whose side is the longer of the two.
    pub(super) fn squared(&self) -> Self {
        let (width, height) = (self.width(), self.height());
        let side = width.max(height);
        let left = self.left + width * 0.5 - side * 0.5;
        let top = self.top + height * 0.5 - side * 0.5;
        Self {
            left,
            top,
            right: left + side,
            bottom: top + side,
        }
    }

    /// Each edge moved by a share of `width` or `height`.
    pub(super) fn shifted(&self, shifts: [f32; 4], width: f32, height: f32) -> Self {
        Self {
            left: self.left + shifts[0] * width,
            top: self.top + shifts[1] * height,
            right: self.right + shifts[2] * width,
            bottom: self.bottom + shifts[3] * height,
        }
    }

    /// The same, counting the last pixel in, as the detector's later stages do.
    pub(super) fn shifted_inclusive(&self, shifts: [f32; 4]) -> Self {
        self.shifted(shifts, self.width() + 1.0, self.height() + 1.0)
    }
}

/// How the overlap of two boxes is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// As a share of what either covers.
    Union,
    /// As a share of the smaller, counting last pixels in: the detector's last stage.
    Smaller,
}

/// The indices of the boxes that are kept, surest first: none overlaps a surer one by more than `limit`.
pub(super) fn suppress(
    boxes: &[Bounds],
    scores: &[f32],
    limit: f32,
    measure: Measure,
) -> Vec<usize> {
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let mut kept: Vec<usize> = Vec::new();
    for index in order {
        let of = |other: usize| match measure {
            Measure::Union => boxes[index].overlap(&boxes[other]),
            Measure::Smaller => inclusive_share(&boxes[index], &boxes[other]),
        };
        if kept.iter().all(|other| of(*other) <= limit) {
            kept.push(index);
        }
    }
    kept
}

fn inclusive_share(a: &Bounds, b: &Bounds) -> f32 {
    let grown = |bounds: &Bounds| Bounds {
        right: bounds.right + 1.0,
        bottom: bounds.bottom + 1.0,
        ..*bounds
    };
    let (a, b) = (grown(a), grown(b));
    a.intersection(&b) / a.area().min(b.area())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(left: f32, top: f32, right: f32, bottom: f32) -> Bounds {
        Bounds {
            left,
            top,
            right,
            bottom,
        }
    }

    #[test]
    fn of_boxes_that_overlap_the_surest_stays() {
        let boxes = [
            bounds(0.0, 0.0, 10.0, 10.0),
            bounds(1.0, 0.0, 11.0, 10.0),
            bounds(30.0, 0.0, 40.0, 10.0),
            bounds(2.0, 2.0, 6.0, 6.0),
        ];
        let scores = [0.8, 0.9, 0.7, 0.6];
        assert_eq!(suppress(&boxes, &scores, 0.5, Measure::Union), [1, 2, 3]);
        assert_eq!(suppress(&boxes, &scores, 0.5, Measure::Smaller), [1, 2]);
        assert_eq!(suppress(&[], &[], 0.5, Measure::Union), Vec::<usize>::new());
    }

    #[test]
    fn a_square_keeps_the_centre() {
        let square = bounds(10.0, 20.0, 20.0, 60.0).squared();
        assert_eq!(square, bounds(-5.0, 20.0, 35.0, 60.0));
        assert!((square.overlap(&square) - 1.0).abs() < 1e-6);
    }
}
