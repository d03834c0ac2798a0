//! The pictures of a set's pairs.

use std::path::{Component, Path, PathBuf};

use super::{Measured, ReportError};
use crate::{
    data::{Image, VerificationImages, frames_in},
    plot::Picture,
    run::VerificationSet,
};

/// Frames of a video that a strip shows.
const STRIP: usize = 6;

/// Where the pictures of a set are.
pub(super) enum Faces {
    /// Image pairs, in the order of the scores.
    Images(Box<VerificationImages>),
    /// The folder of people, each with a folder a video.
    Videos(PathBuf),
}

impl Faces {
    /// Opens the set that an evaluation was made on.
    ///
    /// # Errors
    /// It can't be read any more, or has other pairs than it had.
    pub fn open(measured: &Measured) -> Result<Self, ReportError> {
        match &measured.set {
            VerificationSet::Ytf { frames, .. } => Ok(Self::Videos(frames.clone())),
            VerificationSet::Lfw { data, images } => {
                let images = VerificationImages::open(data, images.as_deref())?;
                let rows = &measured.scores.rows;
                let kinds = images.pairs.iter().map(|pair| pair.same);
                if !kinds.eq(rows.iter().map(|row| row.pair.same)) {
                    return Err(ReportError::Changed {
                        data: data.clone(),
                        reason: format!(
                            "it has other pairs than the {} that were evaluated",
                            rows.len()
                        ),
                    });
                }
                Ok(Self::Images(Box::new(images)))
            }
        }
    }

    /// The pictures of a pair as rows: two images in one, two videos as a strip each.
    ///
    /// # Errors
    /// One can't be read, with its name.
    pub fn of_pair(
        &self,
        measured: &Measured,
        pair: usize,
    ) -> Result<Vec<Vec<Picture>>, ReportError> {
        let row = &measured.scores.rows[pair];
        match self {
            Self::Images(images) => {
                let pair = &images.pairs[pair];
                let both = [pair.a, pair.b].map(|image| images.image(image).map(picture));
                let [a, b] = both;
                Ok(vec![vec![a?, b?]])
            }
            Self::Videos(folder) => [&row.a, &row.b]
                .into_iter()
                .map(|name| strip(measured, folder, name))
                .collect(),
        }
    }
}

/// Some frames of a video, spread evenly over it: the middle one of each of so many stretches.
fn strip(measured: &Measured, folder: &Path, name: &str) -> Result<Vec<Picture>, ReportError> {
    let changed = |reason: String| ReportError::Changed {
        data: measured.data().to_owned(),
        reason,
    };
    let is_plain = Path::new(name)
        .components()
        .all(|component| matches!(component, Component::Normal(_)));
    if !is_plain {
        return Err(changed(format!("{name} is no video's name")));
    }
    let folder = folder.join(name);
    let mut frames = frames_in(&folder)?;
    if frames.is_empty() {
        // A video in several shots has a folder for each.
        let shots = std::fs::read_dir(&folder).map_err(ReportError::io("list", &folder))?;
        let mut shots: Vec<PathBuf> = shots.flatten().map(|entry| entry.path()).collect();
        shots.sort();
        for shot in shots.iter().filter(|shot| shot.is_dir()) {
            frames.extend(frames_in(shot)?);
        }
    }
    if frames.is_empty() {
        return Err(changed(format!("video {name} has no frames any more")));
    }
    let shown = frames.len().min(STRIP);
    (0..shown)
        .map(|nth| {
            let frame = &frames[(2 * nth + 1) * frames.len() / (2 * shown)];
            Ok(picture(Image::open(frame)?))
        })
        .collect()
}

fn picture(image: Image) -> Picture {
    Picture {
        width: image.width,
        height: image.height,
        rgb: image.rgb,
    }
}
