//! A small anti-aliased raster: layers painted by functions of place, edges softened over one pixel.

use crate::data::image::{FACE, Image};
use crate::data::random::mix;

/// Red, green and blue from 0 to 1.
pub(super) type Colour = [f32; 3];

const SIDE: usize = FACE as usize;

/// The picture while it is painted.
///
/// Every pixel knows its place on the face, in the coordinates of the five-point template: that is where
/// pose and alignment come in, once for all layers.
pub(super) struct Canvas {
    pixels: Vec<Colour>,
    places: Vec<[f32; 2]>,
    light: Vec<f32>,
}

impl Canvas {
    /// A black picture; `place` maps a pixel's centre to its place on the face.
    pub fn new(place: impl Fn(f32, f32) -> [f32; 2]) -> Self {
        let places = (0..SIDE * SIDE)
            .map(|at| place((at % SIDE) as f32, (at / SIDE) as f32))
            .collect();
        Self {
            pixels: vec![[0.0; 3]; SIDE * SIDE],
            places,
            light: vec![1.0; SIDE * SIDE],
        }
    }

    /// Sets how much light falls on every place.
    pub fn set_light(&mut self, light: impl Fn(f32, f32) -> f32) {
        for (value, [x, y]) in self.light.iter_mut().zip(&self.places) {
            *value = light(*x, *y);
        }
    }

    /// Paints everything that lies in `[left, top, right, bottom]` of the face, moved by `offset` (parallax):
    /// `paint` tells cover (0 to 1) and colour of a place, and the light of the place falls on it.
    pub fn layer(
        &mut self,
        offset: [f32; 2],
        bounds: [f32; 4],
        paint: impl Fn(f32, f32) -> (f32, Colour),
    ) {
        let [left, top, right, bottom] = bounds;
        // Pixel and place are at most some pixels apart.
        let slack = 9.0;
        let rows = span(top + offset[1] - slack, bottom + offset[1] + slack);
        let columns = span(left + offset[0] - slack, right + offset[0] + slack);
        for row in rows {
            for at in row * SIDE + columns.start..row * SIDE + columns.end {
                let (x, y) = (
                    self.places[at][0] - offset[0],
                    self.places[at][1] - offset[1],
                );
                if x < left || x > right || y < top || y > bottom {
                    continue;
                }
                let (cover, colour) = paint(x, y);
                if cover > 0.0 {
                    let light = self.light[at];
                    self.pixels[at] = blend(
                        self.pixels[at],
                        colour.map(|value| value * light),
                        cover.min(1.0),
                    );
                }
            }
        }
    }

    /// Fills every pixel by its place in the picture, without light.
    pub fn fill(&mut self, paint: impl Fn(f32, f32) -> Colour) {
        for (at, pixel) in self.pixels.iter_mut().enumerate() {
            *pixel = paint((at % SIDE) as f32, (at / SIDE) as f32);
        }
    }

    /// Blurs with three passes of a box, close to a Gaussian of deviation `radius` pixels.
    pub fn blur(&mut self, radius: f32) {
        if radius < 0.2 {
            return;
        }
        // A pass of weights (share, 1, share) has variance 2·share/(1 + 2·share).
        let variance = (radius * radius / 3.0).min(0.64);
        let share = variance / (2.0 - 2.0 * variance);
        for _ in 0..3 {
            for step in [1, SIDE] {
                let old = self.pixels.clone();
                for (at, pixel) in self.pixels.iter_mut().enumerate() {
                    let line = if step == 1 { at % SIDE } else { at / SIDE };
                    let before = if line == 0 { at } else { at - step };
                    let after = if line == SIDE - 1 { at } else { at + step };
                    for plane in 0..3 {
                        let sum = old[at][plane] + share * (old[before][plane] + old[after][plane]);
                        pixel[plane] = sum / (1.0 + 2.0 * share);
                    }
                }
            }
        }
    }

    /// The finished picture: `develop` is the camera's last change of each colour.
    pub fn finish(self, noise: f32, key: u64, develop: impl Fn(Colour) -> Colour) -> Image {
        let mut rgb = Vec::with_capacity(SIDE * SIDE * 3);
        for (at, pixel) in self.pixels.into_iter().enumerate() {
            let bits = mix(key ^ at as u64);
            for (plane, value) in develop(pixel).into_iter().enumerate() {
                let grain = f32::from((bits >> (16 * plane)) as u16) / 65_536.0 - 0.5;
                rgb.push(((value + grain * noise * 3.4).clamp(0.0, 1.0) * 255.0 + 0.5) as u8);
            }
        }
        Image {
            width: FACE,
            height: FACE,
            rgb,
        }
    }
}

fn span(low: f32, high: f32) -> std::ops::Range<usize> {
    let end = (high.ceil().max(0.0) as usize + 1).min(SIDE);
    (low.floor().max(0.0) as usize).min(end)..end
}

/// A colour part of the way from one to another.
pub(super) fn blend(from: Colour, to: Colour, share: f32) -> Colour {
    [0, 1, 2].map(|plane| from[plane] + (to[plane] - from[plane]) * share)
}

/// A colour made darker or lighter.
pub(super) fn scaled(colour: Colour, factor: f32) -> Colour {
    colour.map(|value| value * factor)
}

/// How much of a pixel a shape covers whose edge is `distance` pixels away (negative inside).
pub(super) fn cover(distance: f32) -> f32 {
    (0.5 - distance).clamp(0.0, 1.0)
}

/// As [`cover`], with an edge as soft as `softness` pixels.
pub(super) fn soft_cover(distance: f32, softness: f32) -> f32 {
    let share = (0.5 - distance / softness).clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

/// About the distance to an ellipse around the origin, negative inside.
pub(super) fn ellipse(x: f32, y: f32, radius_x: f32, radius_y: f32) -> f32 {
    let (u, v) = (x / radius_x, y / radius_y);
    let near = (u * u + v * v).sqrt();
    let steep = ((u / radius_x) * (u / radius_x) + (v / radius_y) * (v / radius_y)).sqrt();
    if steep < 1e-6 {
        -radius_x.min(radius_y)
    } else {
        near * (near - 1.0) / steep
    }
}

/// A hill of height 1 at 0 that ends at distance 1.
pub(super) fn hill(distance_squared: f32) -> f32 {
    let rest = (1.0 - distance_squared).max(0.0);
    rest * rest
}

/// Smooth noise from −1 to 1 with features as large as a unit.
pub(super) fn noise(x: f32, y: f32, key: u64) -> f32 {
    let (column, row) = (x.floor(), y.floor());
    let ease = |share: f32| share * share * (3.0 - 2.0 * share);
    let (across, down) = (ease(x - column), ease(y - row));
    let corner = |right: i64, below: i64| {
        let place = (column as i64 + right)
            .cast_unsigned()
            .wrapping_mul(0x9e37_79b9)
            ^ (row as i64 + below)
                .cast_unsigned()
                .wrapping_mul(0x85eb_ca6b_0000);
        f32::from((mix(key ^ place) >> 48) as u16) / 32_768.0 - 1.0
    };
    let upper = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * across;
    let lower = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * across;
    upper + (lower - upper) * down
}
