//! How large a synthetic set is.

use serde::{Deserialize, Serialize};

use crate::data::DataError;

/// Folds of the verification sets.
pub(super) const FOLDS: u32 = 10;
/// Videos of each person of the video set.
pub(super) const VIDEOS_PER_PERSON: u32 = 3;

/// What to generate: the same options give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticOptions {
    /// The number from which every face follows.
    pub seed: u64,
    /// People of the training set.
    pub identities: u32,
    /// Pictures of each of them.
    pub images_per_identity: u32,
    /// Pairs of the LFW-like set, half of them of the same person; a multiple of 20.
    pub lfw_pairs: u32,
    /// Pairs of the YTF-like set, half of them of the same person; a multiple of 20.
    pub ytf_pairs: u32,
    /// Frames of each video.
    pub frames_per_video: u32,
    /// Videos that show another person than their folder says; the error list names them.
    pub mislabelled_videos: u32,
}

impl Default for SyntheticOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            identities: 100,
            images_per_identity: 24,
            lfw_pairs: 240,
            ytf_pairs: 240,
            frames_per_video: 8,
            mislabelled_videos: 6,
        }
    }
}

impl SyntheticOptions {
    /// People of the YTF-like set in each fold.
    pub(super) fn video_people_per_fold(&self) -> u32 {
        // Three videos of a person make three pairs of the same person.
        (self.ytf_pairs / FOLDS / 2)
            .div_ceil(VIDEOS_PER_PERSON)
            .max(3)
    }

    /// Number of pictures in all.
    pub fn pictures(&self) -> u64 {
        let training = u64::from(self.identities) * u64::from(self.images_per_identity);
        let videos = u64::from(FOLDS * self.video_people_per_fold() * VIDEOS_PER_PERSON);
        training + 2 * u64::from(self.lfw_pairs) + videos * u64::from(self.frames_per_video)
    }

    pub(super) fn check(&self) -> Result<(), DataError> {
        let request = |problem: String| Err(DataError::Request(problem));
        let ranges = [
            ("identities", self.identities, 2, 1_000_000),
            ("images_per_identity", self.images_per_identity, 1, 10_000),
            ("lfw_pairs", self.lfw_pairs, 20, 100_000),
            ("ytf_pairs", self.ytf_pairs, 20, 100_000),
            ("frames_per_video", self.frames_per_video, 1, 10_000),
        ];
        for (name, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                return request(format!(
                    "{name} of a synthetic set is {value}; {low} to {high} are possible"
                ));
            }
        }
        for (name, value) in [("lfw_pairs", self.lfw_pairs), ("ytf_pairs", self.ytf_pairs)] {
            if !value.is_multiple_of(2 * FOLDS) {
                return request(format!(
                    "{name} of a synthetic set is {value}; ten folds of two kinds need a multiple of 20"
                ));
            }
        }
        let videos = FOLDS * self.video_people_per_fold();
        if self.mislabelled_videos > videos {
            return request(format!(
                "mislabelled_videos is {}; at most one a person, {videos} here",
                self.mislabelled_videos
            ));
        }
        Ok(())
    }
}
