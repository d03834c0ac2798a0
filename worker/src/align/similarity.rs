//! Faces turned, moved and scaled to where recognition expects them.

use facetui::data::{FACE, Image};

use super::Landmarks;

/// Where the landmarks of an aligned face lie on 112x112: those that the published training sets were made with.
const TARGET: Landmarks = [
    [38.2946, 51.6963],
    [73.5318, 51.5014],
    [56.0252, 71.7366],
    [41.5493, 92.3655],
    [70.7299, 92.2041],
];

/// Turning, scaling and moving: (x, y) to (a·x − b·y + c, b·x + a·y + d).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    /// Scale times the cosine of the angle.
    pub a: f64,
    /// Scale times the sine of the angle.
    pub b: f64,
    /// Move to the right, in pixels.
    pub c: f64,
    /// Move down, in pixels.
    pub d: f64,
}

impl Similarity {
    /// The similarity that takes `from` closest to `to` by the sum of squared distances (Umeyama 1991 without
    /// mirroring; in the plane its solution is a quotient). `None` where all points of `from` are one.
    pub fn fit(from: &[[f64; 2]], to: &[[f64; 2]]) -> Option<Self> {
        let mean = |points: &[[f64; 2]]| {
            let count = points.len() as f64;
            [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / count)
        };
        let (from_mean, to_mean) = (mean(from), mean(to));
        let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
        for (from, to) in from.iter().zip(to) {
            let [x, y] = [from[0] - from_mean[0], from[1] - from_mean[1]];
            let [u, v] = [to[0] - to_mean[0], to[1] - to_mean[1]];
            along += x * u + y * v;
            across += x * v - y * u;
            spread += x * x + y * y;
        }
        let (a, b) = (along / spread, across / spread);
        // All in one place, or so far away that nothing finite comes out.
        if !(spread > 0.0 && a.hypot(b) > 0.0 && a.hypot(b).is_finite()) {
            return None;
        }
        Some(Self {
            a,
            b,
            c: to_mean[0] - a * from_mean[0] + b * from_mean[1],
            d: to_mean[1] - b * from_mean[0] - a * from_mean[1],
        })
    }

    /// Where the inverse takes a point.
    fn back(&self, x: f64, y: f64) -> [f64; 2] {
        let square = self.a * self.a + self.b * self.b;
        let (x, y) = (x - self.c, y - self.d);
        [
            (self.a * x + self.b * y) / square,
            (self.a * y - self.b * x) / square,
        ]
    }

    /// The 112x112 face that the similarity takes from a picture: bilinear, black where the picture ends.
    pub fn face(&self, image: &Image) -> Image {
        let mut rgb = Vec::with_capacity(3 * (FACE * FACE) as usize);
        for y in 0..FACE {
            for x in 0..FACE {
                let [from_x, from_y] = self.back(f64::from(x), f64::from(y));
                rgb.extend(bilinear(image, from_x as f32, from_y as f32));
            }
        }
        Image {
            width: FACE,
            height: FACE,
            rgb,
        }
    }
}

/// The aligned face of five landmarks, with `margin` of its side more of the picture on every side; `None` where the
/// landmarks are all in one place.
pub fn aligned(image: &Image, landmarks: &Landmarks, margin: f32) -> Option<Image> {
    let points = landmarks.map(|point| point.map(f64::from));
    let (middle, shrink) = (f64::from(FACE) / 2.0, 1.0 / (1.0 + 2.0 * f64::from(margin)));
    let target =
        TARGET.map(|point| point.map(|place| middle + (f64::from(place) - middle) * shrink));
    Some(Similarity::fit(&points, &target)?.face(image))
}

/// The colour at a place between pixel centres; beyond the picture everything is black.
fn bilinear(image: &Image, x: f32, y: f32) -> [u8; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (right_share, lower_share) = (x - left, y - top);
    let mut colour = [0.0_f32; 3];
    for (down, row_share) in [(0, 1.0 - lower_share), (1, lower_share)] {
        for (across, column_share) in [(0, 1.0 - right_share), (1, right_share)] {
            let (column, row) = (left as i64 + across, top as i64 + down);
            let (Ok(column), Ok(row)) = (u32::try_from(column), u32::try_from(row)) else {
                continue;
            };
            if column >= image.width || row >= image.height {
                continue;
            }
            let at = 3 * (row as usize * image.width as usize + column as usize);
            for (sum, value) in colour.iter_mut().zip(&image.rgb[at..at + 3]) {
                *sum += row_share * column_share * f32::from(*value);
            }
        }
    }
    colour.map(|value| value.round() as u8)
}
