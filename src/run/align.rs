//! What an alignment is asked to do, and the report it leaves.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{RunDirectory, RunError, directory::read_json};

/// What an alignment is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlignOptions {
    /// The folder of faces to make.
    pub out: PathBuf,
    /// The folder that an image list's paths are relative to, if not its own.
    pub images: Option<PathBuf>,
    /// The folder with the detector's weights; without one only landmarks that are given are used.
    pub detector: Option<PathBuf>,
    /// A table of landmarks: `path,x1,y1,…,x5,y5`.
    pub landmarks: Option<PathBuf>,
    /// Which faces of a picture.
    pub faces: FaceChoice,
    /// The shorter side of the smallest face, in pixels.
    pub min_face: u32,
    /// The least score of a face, 0 to 1.
    pub threshold: f32,
    /// How much more of the picture on every side, as a share of the side.
    pub margin: f32,
    /// How faces are written.
    pub format: FaceFormat,
    /// Whether the pictures of each folder are frames of a video.
    pub tracks: bool,
    /// Tracks of fewer faces are dropped.
    pub min_track: u32,
}

/// Which faces of a picture are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaceChoice {
    /// The largest.
    Largest,
    /// The one nearest to the picture's centre.
    Centre,
    /// All of them.
    All,
}

/// How faces are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaceFormat {
    /// JPEG of quality 95.
    Jpg,
    /// PNG.
    Png,
}

impl FaceFormat {
    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Jpg => "jpg",
            Self::Png => "png",
        }
    }
}

/// What came of an alignment: `results/align.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AlignReport {
    /// Where the pictures were.
    pub source: PathBuf,
    /// Where the faces are.
    pub out: PathBuf,
    /// Pictures and frames looked at, broken ones included.
    pub images: u64,
    /// Faces written.
    pub faces: u64,
    /// Of those, by landmarks that the set has.
    pub from_landmarks: u64,
    /// Of those, cut around a box that the set has, because no landmarks were found in it.
    pub from_box: u64,
    /// Pictures and frames without a face: `results/no_face.txt`.
    pub no_face: u64,
    /// Pictures and videos that can't be read: `results/broken.txt`.
    pub broken: u64,
    /// Videos and frame sequences.
    pub videos: u64,
    /// Tracks of faces in them.
    pub tracks: u64,
    /// Tracks dropped because they were short.
    pub short_tracks: u64,
    /// Seconds of work, over all sessions.
    pub seconds: f64,
}

impl RunDirectory {
    /// What came of an alignment so far.
    ///
    /// # Errors
    /// There is none, or it can't be read.
    pub fn align_report(&self) -> Result<AlignReport, RunError> {
        read_json(
            &self.path().join("results").join(AlignReport::FILE),
            "report",
        )
    }

    /// Replaces the report of an alignment.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn save_align_report(&self, report: &AlignReport) -> Result<(), RunError> {
        let folder = self.path().join("results");
        std::fs::create_dir_all(&folder).map_err(RunError::io("make", &folder))?;
        self.write_json(&format!("results/{}", AlignReport::FILE), report)
    }
}

impl AlignReport {
    /// Its file in `results/`.
    pub(super) const FILE: &str = "align.json";
}
