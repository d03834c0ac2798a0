//! The pictures of a set's pairs.

use std::path::{Component, Path, PathBuf};

use super::{Measured, ReportError};
use crate::{
    data::{Image, VerificationImages, frames_of, spread_evenly},
    eval::template::Track,
    plot::Picture,
    run::{Embeddings, VerificationSet},
};

/// Frames of a video that a strip on a sheet shows.
const STRIP: usize = 6;

/// Where the pictures of a set are.
pub enum Faces {
    /// Image pairs, in the order of the scores.
    Images(Box<VerificationImages>),
    /// The folder of people, each with a folder a video.
    Videos(PathBuf),
}

/// One side of a pair: a single image, or frames of a video in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// The image's or video's name.
    pub name: String,
    /// The frames shown, spread evenly over the video.
    pub frames: Vec<Frame>,
    /// How many frames the video has.
    pub total: usize,
}

/// A frame of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its picture.
    pub picture: Picture,
    /// Its number in the video, from 1.
    pub number: usize,
    /// Whether it agrees with its track ([`Track::kept_frames`]); `None` where its embedding isn't kept.
    pub agrees: Option<bool>,
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
    pub(super) fn of_pair(
        &self,
        measured: &Measured,
        pair: usize,
    ) -> Result<Vec<Vec<Picture>>, ReportError> {
        let pictures = |strip: Strip| strip.frames.into_iter().map(|frame| frame.picture);
        let [a, b] = self.strips(measured, pair, STRIP, None)?;
        Ok(match self {
            Self::Images(_) => vec![pictures(a).chain(pictures(b)).collect()],
            Self::Videos(_) => vec![pictures(a).collect(), pictures(b).collect()],
        })
    }

    /// Both sides of a pair, at most `most` frames of a video each; with embeddings, which frames agree.
    ///
    /// # Errors
    /// One can't be read, with its name.
    pub fn strips(
        &self,
        measured: &Measured,
        pair: usize,
        most: usize,
        embeddings: Option<&Embeddings>,
    ) -> Result<[Strip; 2], ReportError> {
        let row = &measured.scores.rows[pair];
        let [a, b] = match self {
            Self::Images(images) => {
                let pair = &images.pairs[pair];
                [(pair.a, &row.a), (pair.b, &row.b)].map(|(image, name)| {
                    Ok::<_, ReportError>(Strip {
                        name: name.clone(),
                        frames: vec![Frame {
                            picture: picture(images.image(image)?),
                            number: 1,
                            agrees: None,
                        }],
                        total: 1,
                    })
                })
            }
            Self::Videos(_) => {
                [&row.a, &row.b].map(|name| self.strip(measured, name, most, embeddings))
            }
        };
        Ok([a?, b?])
    }

    /// A video by its name, at most `most` frames of it; with embeddings, which frames agree.
    ///
    /// # Errors
    /// The set is of images, or a frame can't be read.
    pub fn strip(
        &self,
        measured: &Measured,
        name: &str,
        most: usize,
        embeddings: Option<&Embeddings>,
    ) -> Result<Strip, ReportError> {
        let changed = |reason: String| ReportError::Changed {
            data: measured.data().to_owned(),
            reason,
        };
        let Self::Videos(folder) = self else {
            return Err(changed(format!("{name} is no video of this set")));
        };
        let is_plain = Path::new(name)
            .components()
            .all(|component| matches!(component, Component::Normal(_)));
        if !is_plain {
            return Err(changed(format!("{name} is no video's name")));
        }
        let paths = frames_of(&folder.join(name))?;
        if paths.is_empty() {
            return Err(changed(format!("video {name} has no frames any more")));
        }
        // Embeddings that can't be read leave the frames without a verdict, not without a picture.
        let agree = embeddings.and_then(|embeddings| agreement(embeddings, name, paths.len()));
        let frames = spread_evenly(paths.len(), most).into_iter().map(|place| {
            Ok(Frame {
                picture: picture(Image::open(&paths[place])?),
                number: place + 1,
                agrees: agree.as_ref().and_then(|agree| agree[place]),
            })
        });
        Ok(Strip {
            name: name.to_owned(),
            frames: frames.collect::<Result<_, ReportError>>()?,
            total: paths.len(),
        })
    }
}

/// Which of a video's `count` frames agree with their track; `None` for those that weren't embedded.
fn agreement(embeddings: &Embeddings, name: &str, count: usize) -> Option<Vec<Option<bool>>> {
    let item = embeddings.item(name)?;
    let values = embeddings.frames(item).ok()?;
    let kept = Track::of_flat(&values, embeddings.length())
        .kept_frames()
        .ok()?;
    let most = embeddings.origin.frames_per_video.unwrap_or(count);
    let embedded = spread_evenly(count, most);
    if embedded.len() != kept.len() {
        return None;
    }
    let mut agree = vec![None; count];
    for (place, kept) in embedded.into_iter().zip(kept) {
        agree[place] = Some(kept);
    }
    Some(agree)
}

fn picture(image: Image) -> Picture {
    Picture {
        width: image.width,
        height: image.height,
        rgb: image.rgb,
    }
}
