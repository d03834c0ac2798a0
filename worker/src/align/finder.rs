//! The faces of a picture, from what the set says of them and from the detector, and the crops of them.

use facetui::{
    data::{FACE, FaceBox, FaceBoxes, FaceLandmarks, Image},
    run::FaceChoice,
};
use serde::{Deserialize, Serialize};

use super::{
    Bounds, Detection, Detector, Landmarks,
    similarity::{Similarity, aligned},
};

/// The detector looks at so many sizes of a box that the set has, around its centre.
const LOOK_AROUND: f32 = 2.0;
/// A face that is cut around a box without landmarks takes so much of it: about what aligned faces show.
const AROUND_BOX: f32 = 1.3;

/// How a face was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// By the detector.
    Detector,
    /// By landmarks that the set has.
    Landmarks,
    /// By a box that the set has, in which the detector found none.
    Box,
}

/// A face of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// How it was found.
    pub origin: Origin,
    /// The box around it.
    pub bounds: Bounds,
    /// How sure the detector is; 1 for what the set says.
    pub score: f32,
    /// Its landmarks, where they are known.
    pub landmarks: Option<Landmarks>,
}

/// Finds faces.
pub struct Finder {
    /// The detector, if any.
    pub detector: Option<Detector>,
    /// Boxes that the set has.
    pub boxes: FaceBoxes,
    /// Landmarks that the set has.
    pub landmarks: FaceLandmarks,
}

impl Finder {
    /// All faces of a picture of this name, largest first.
    pub fn faces(&self, name: &str, image: &Image) -> Vec<Face> {
        let known = self.landmarks.of(name);
        let mut faces: Vec<Face> = if !known.is_empty() {
            known.iter().map(Face::of_landmarks).collect()
        } else if let Some(face) = self.boxes.of(name) {
            vec![self.in_box(image, face)]
        } else {
            let found = self
                .detector
                .as_ref()
                .map(|detector| detector.detect(image));
            let found = found.into_iter().flatten();
            found.map(|face| Face::of_detection(&face)).collect()
        };
        faces.sort_by(|a, b| b.bounds.area().total_cmp(&a.bounds.area()));
        faces
    }

    /// The face that a box of the set means.
    fn in_box(&self, image: &Image, given: FaceBox) -> Face {
        let bounds = around(given.centre, given.size);
        let fallback = Face {
            origin: Origin::Box,
            bounds,
            score: 1.0,
            landmarks: None,
        };
        let Some(detector) = &self.detector else {
            return fallback;
        };
        let region = around(given.centre, given.size.map(|side| side * LOOK_AROUND));
        let Some((part, [left, top])) = cut(image, &region) else {
            return fallback;
        };
        detector
            .detect(&part)
            .iter()
            .map(|face| Face::of_detection(&face.moved(left, top)))
            .filter(|face| {
                let [x, y] = face.bounds.centre();
                (bounds.left..=bounds.right).contains(&x)
                    && (bounds.top..=bounds.bottom).contains(&y)
            })
            .max_by(|a, b| {
                let overlap = |face: &Face| face.bounds.overlap(&bounds);
                overlap(a).total_cmp(&overlap(b))
            })
            .unwrap_or(fallback)
    }
}

impl Face {
    fn of_detection(face: &Detection) -> Self {
        Self {
            origin: Origin::Detector,
            bounds: face.bounds,
            score: face.score,
            landmarks: Some(face.landmarks),
        }
    }

    fn of_landmarks(landmarks: &Landmarks) -> Self {
        let axis = |axis: usize| landmarks.iter().map(move |point| point[axis]);
        let edge = |values: &mut dyn Iterator<Item = f32>, of: fn(f32, f32) -> f32| {
            values.reduce(of).unwrap_or_default()
        };
        Self {
            origin: Origin::Landmarks,
            bounds: Bounds {
                left: edge(&mut axis(0), f32::min),
                top: edge(&mut axis(1), f32::min),
                right: edge(&mut axis(0), f32::max),
                bottom: edge(&mut axis(1), f32::max),
            },
            score: 1.0,
            landmarks: Some(*landmarks),
        }
    }

    /// The 112x112 face, with `margin` of its side more of the picture on every side; `None` where its landmarks are
    /// all in one place.
    pub fn crop(&self, image: &Image, margin: f32) -> Option<Image> {
        if let Some(landmarks) = &self.landmarks {
            return aligned(image, landmarks, margin);
        }
        let side = self.bounds.width().max(self.bounds.height()) * AROUND_BOX;
        let square = around(self.bounds.centre(), [side * (1.0 + 2.0 * margin); 2]);
        let scale = f64::from(FACE) / f64::from(square.width());
        Some(
            Similarity {
                a: scale,
                b: 0.0,
                c: -scale * f64::from(square.left),
                d: -scale * f64::from(square.top),
            }
            .face(image),
        )
    }
}

/// Which of the faces of a picture are wanted, largest first.
pub fn chosen(faces: Vec<Face>, image: &Image, choice: FaceChoice) -> Vec<Face> {
    let middle = [image.width as f32 / 2.0, image.height as f32 / 2.0];
    let distance = |face: &Face| {
        let [x, y] = face.bounds.centre();
        (x - middle[0]).hypot(y - middle[1])
    };
    let mut faces = faces.into_iter();
    match choice {
        FaceChoice::All => faces.collect(),
        FaceChoice::Largest => faces.next().into_iter().collect(),
        FaceChoice::Centre => faces
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
            .into_iter()
            .collect(),
    }
}

fn around([x, y]: [f32; 2], [width, height]: [f32; 2]) -> Bounds {
    Bounds {
        left: x - width / 2.0,
        top: y - height / 2.0,
        right: x + width / 2.0,
        bottom: y + height / 2.0,
    }
}

/// The part of a picture that a box covers, and where its corner lies; `None` where it covers nothing.
fn cut(image: &Image, bounds: &Bounds) -> Option<(Image, [f32; 2])> {
    let inside = |edge: f32, most: u32| (edge.max(0.0) as u32).min(most);
    let (left, right) = (
        inside(bounds.left, image.width),
        inside(bounds.right.ceil(), image.width),
    );
    let (top, bottom) = (
        inside(bounds.top, image.height),
        inside(bounds.bottom.ceil(), image.height),
    );
    if left >= right || top >= bottom {
        return None;
    }
    let pitch = 3 * image.width as usize;
    let rgb = image
        .rgb
        .chunks_exact(pitch)
        .take(bottom as usize)
        .skip(top as usize)
        .flat_map(|line| &line[3 * left as usize..3 * right as usize])
        .copied()
        .collect();
    let part = Image {
        width: right - left,
        height: bottom - top,
        rgb,
    };
    Some((part, [left as f32, top as f32]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Image {
        let rgb =
            (0..200 * 150_u32).flat_map(|pixel| [(pixel % 200) as u8, (pixel / 200) as u8, 0]);
        Image {
            width: 200,
            height: 150,
            rgb: rgb.collect(),
        }
    }

    #[test]
    fn a_face_without_landmarks_is_cut_around_its_box() {
        let face = Face {
            origin: Origin::Box,
            bounds: around([100.0, 70.0], [40.0, 50.0]),
            score: 1.0,
            landmarks: None,
        };
        let crop = face.crop(&ramp(), 0.0).unwrap();
        // 65 pixels around the centre become 112: the first is at 67.5 and 37.5, the middle at the centre.
        assert!(crop.rgb[0].abs_diff(68) <= 1 && crop.rgb[1].abs_diff(38) <= 1);
        let middle = 3 * (56 * 112 + 56);
        assert_eq!(crop.rgb[middle..middle + 2], [100, 70]);
    }

    #[test]
    fn a_part_of_a_picture_ends_where_the_picture_does() {
        let (part, corner) = cut(&ramp(), &around([0.0, 149.0], [20.0, 20.0])).unwrap();
        assert_eq!((part.width, part.height, corner), (10, 11, [0.0, 139.0]));
        assert_eq!(part.rgb[..3], [0, 139, 0]);
        assert!(cut(&ramp(), &around([-50.0, 10.0], [20.0, 20.0])).is_none());
    }
}
