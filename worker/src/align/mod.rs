//! Pictures and videos to aligned faces: detection, tracks, crops. Knows nothing of runs.

mod area;
mod bounds;
mod detector;
mod networks;
mod similarity;

pub use bounds::Bounds;
pub use detector::{Detector, DetectorOptions};
pub use networks::DetectorError;
pub use similarity::{Similarity, aligned};

/// Five points of a face, x and y in pixels: the eyes, the tip of the nose, the corners of the mouth; of each pair
/// the one further left in the picture first.
pub type Landmarks = [[f32; 2]; 5];

/// A face in a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// The box around it.
    pub bounds: Bounds,
    /// How sure the detector is, 0 to 1.
    pub score: f32,
    /// Where its landmarks are.
    pub landmarks: Landmarks,
}
