//! Pictures and videos to aligned faces: detection, tracks, crops. Knows nothing of run directories.

mod area;
mod bounds;
mod detector;
pub mod finder;
pub mod frames;
mod networks;
pub mod output;
mod shots;
mod similarity;
pub mod tracks;
pub mod video;

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

impl Detection {
    /// The same face of a picture that begins further left and further up.
    fn moved(&self, right: f32, down: f32) -> Self {
        Self {
            bounds: Bounds {
                left: self.bounds.left + right,
                top: self.bounds.top + down,
                right: self.bounds.right + right,
                bottom: self.bounds.bottom + down,
            },
            score: self.score,
            landmarks: self.landmarks.map(|[x, y]| [x + right, y + down]),
        }
    }
}
