//! Verification sets, opened once and evaluated with one model after another.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use facetui::{
    config::DataConfig,
    data::{Image, VerificationImages, VideoSet},
    eval::{
        Rule,
        corrected::{Corrected, ErrorList},
        template::Mirror,
    },
    run::{EmbeddedItem, EmbeddingOrigin, Embeddings, FigureOptions, VerificationSet},
    untrusted::visible_path,
};

use super::{
    Between, EmbedError, Embedder, Images,
    figures::{Pair, Protocol},
};

pub use super::figures::Verified;

/// A verification set with the options of its figures.
pub struct ValidationSet {
    section: String,
    options: FigureOptions,
    /// What is done with the mirror images.
    pub mirror: Mirror,
    frames_per_video: Option<usize>,
    data: PathBuf,
    pairs: Vec<Pair>,
    kind: Kind,
}

enum Kind {
    Images(VerificationImages),
    Videos {
        videos: VideoSet,
        errors: ErrorList,
        corrected: Vec<Corrected>,
    },
}

impl ValidationSet {
    /// Opens the set of a section of `config.ini`: `lfw` or `ytf`, for validation while training.
    ///
    /// # Errors
    /// The section is missing, or its files are.
    pub fn open(section: &str, config: &DataConfig) -> Result<Self, EmbedError> {
        let set = VerificationSet::of_section(section, config).ok_or_else(|| {
            EmbedError::Input(format!("config.ini has no section [{section}] that is on"))
        })?;
        Self::of(
            section,
            &set,
            FigureOptions::of_rule(Rule::Reference),
            None,
            None,
        )
    }

    /// Opens a set; `mirror` overrides what the rule does with mirror images, and of videos at most
    /// `frames_per_video` frames count.
    ///
    /// # Errors
    /// A file is missing or malformed, or videos are missing and that isn't allowed.
    pub fn of(
        section: &str,
        set: &VerificationSet,
        options: FigureOptions,
        mirror: Option<Mirror>,
        frames_per_video: Option<usize>,
    ) -> Result<Self, EmbedError> {
        let (data, pairs, kind) = match set {
            VerificationSet::Lfw { data, images } => {
                let images = VerificationImages::open(data, images.as_deref())?;
                let pairs = images.pairs.iter().map(|pair| Pair {
                    a: pair.a,
                    b: pair.b,
                    same: pair.same,
                    fold: pair.fold,
                });
                (data, pairs.collect(), Kind::Images(images))
            }
            VerificationSet::Ytf {
                splits,
                frames,
                errors,
                corrected,
                allow_missing,
            } => {
                let mut videos = VideoSet::open(splits, frames, None)?;
                if !allow_missing {
                    videos.check_complete(splits, frames)?;
                }
                if let Some(most) = frames_per_video {
                    videos.limit_frames(most);
                }
                let pairs = videos.pairs.iter().map(|pair| Pair {
                    a: pair.a,
                    b: pair.b,
                    same: pair.same,
                    fold: Some(pair.fold),
                });
                let pairs = pairs.collect();
                (
                    splits,
                    pairs,
                    videos_of(videos, errors.as_deref(), *corrected)?,
                )
            }
        };
        Ok(Self {
            section: section.to_owned(),
            options,
            mirror: mirror.unwrap_or(options.mirror()),
            frames_per_video,
            data: data.clone(),
            pairs,
            kind,
        })
    }

    /// The section of `config.ini`, or the protocol's name.
    pub fn section(&self) -> &str {
        &self.section
    }

    /// How many different images there are to embed.
    pub fn images(&self) -> usize {
        match &self.kind {
            Kind::Images(images) => images.images(),
            Kind::Videos { videos, .. } => {
                videos.videos.iter().map(|video| video.frames.len()).sum()
            }
        }
    }

    /// Names of the videos that are not there.
    pub fn missing(&self) -> &[String] {
        match &self.kind {
            Kind::Images(_) => &[],
            Kind::Videos { videos, .. } => &videos.missing,
        }
    }

    /// Images or videos, as their embeddings are kept.
    pub fn items(&self) -> Vec<EmbeddedItem> {
        match &self.kind {
            Kind::Images(images) => (0..images.images())
                .map(|image| EmbeddedItem {
                    name: images.name(image).to_owned(),
                    count: 1,
                })
                .collect(),
            Kind::Videos { videos, .. } => videos
                .videos
                .iter()
                .map(|video| EmbeddedItem {
                    name: video.name.clone(),
                    count: video.frames.len(),
                })
                .collect(),
        }
    }

    /// A hash of the images, whatever the pairs are.
    ///
    /// # Errors
    /// A file can't be looked at.
    pub fn content(&self) -> Result<String, EmbedError> {
        Ok(match &self.kind {
            Kind::Images(images) => images.content()?,
            Kind::Videos { videos, .. } => videos.content()?,
        })
    }

    /// Embeds every image once, however many pairs it is in.
    ///
    /// # Errors
    /// An image can't be read, an embedding is broken, or `between` wants an end.
    pub fn embed(
        &self,
        embedder: &Embedder,
        between: &mut Between<'_>,
    ) -> Result<Embeddings, EmbedError> {
        let (values, length) = match &self.kind {
            Kind::Images(images) => embedder.embed(
                &Images {
                    count: images.images(),
                    image: &|place| images.image(place),
                    name: &|place| {
                        format!("image {} of {}", images.name(place), self.data.display())
                    },
                },
                self.mirror,
                between,
            ),
            Kind::Videos { videos, .. } => {
                let frames: Vec<&PathBuf> = videos
                    .videos
                    .iter()
                    .flat_map(|video| &video.frames)
                    .collect();
                embedder.embed(
                    &Images {
                        count: frames.len(),
                        image: &|place| Image::open(frames[place]),
                        name: &|place| frames[place].display().to_string(),
                    },
                    self.mirror,
                    between,
                )
            }
        }?;
        let origin = EmbeddingOrigin {
            model: embedder.model.clone(),
            step: embedder.step,
            model_content: String::new(),
            set: self.data.display().to_string(),
            set_content: String::new(),
            channels: embedder.input.channels,
            crop: embedder.input.crop,
            scaling: embedder.input.scaling.to_string(),
            mirror: self.mirror,
            frames_per_video: self.frames_per_video,
            device: embedder.device.clone(),
        };
        if length == 0 {
            return Err(EmbedError::Input(format!(
                "{} has no images",
                visible_path(&self.data)
            )));
        }
        Ok(Embeddings::new(origin, length, self.items(), values)?)
    }

    /// The scores and figures of embeddings of this set.
    ///
    /// # Errors
    /// Kept embeddings are damaged, one is broken, or the pairs don't make folds.
    pub fn verify(&self, embeddings: &Embeddings) -> Result<Verified, EmbedError> {
        let protocol = |set, errors, corrected, media| Protocol {
            set,
            data: &self.data,
            pairs: &self.pairs,
            media,
            options: self.options,
            corrected,
            errors,
        };
        let count = self.pairs.len();
        match &self.kind {
            Kind::Images(_) => {
                let set = set_name("LFW", 6000, &self.data, count);
                protocol(set, &ErrorList::default(), &[Corrected::None], None).verify(embeddings)
            }
            Kind::Videos {
                videos,
                errors,
                corrected,
                ..
            } => {
                let set = set_name("YTF", 5000, &self.data, count);
                let media = |video: usize| media_of(&videos.videos[video].frames);
                protocol(set, errors, corrected, Some(&media)).verify(embeddings)
            }
        }
    }

    /// Embeds and verifies, keeping nothing: for validation while training.
    ///
    /// # Errors
    /// As [`ValidationSet::embed`] and [`ValidationSet::verify`].
    pub fn evaluate(
        &self,
        embedder: &Embedder,
        between: &mut Between<'_>,
    ) -> Result<Verified, EmbedError> {
        self.verify(&self.embed(embedder, between)?)
    }
}

fn videos_of(
    videos: VideoSet,
    errors: Option<&Path>,
    corrected: Corrected,
) -> Result<Kind, EmbedError> {
    let mut asked = vec![Corrected::None];
    if corrected != Corrected::None {
        if errors.is_none() {
            return Err(EmbedError::Input(
                "corrected figures need an error list (--errors FILE)".to_owned(),
            ));
        }
        asked.push(corrected);
    }
    let errors = match errors {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                EmbedError::Input(format!(
                    "can't read the error list {}: {error}",
                    visible_path(path)
                ))
            })?;
            ErrorList::parse(&text)
        }
        None => ErrorList::default(),
    };
    Ok(Kind::Videos {
        videos,
        errors,
        corrected: asked,
    })
}

/// The medium of each frame: frames in one folder are of one. A video whose folder has no folders is one medium.
fn media_of(frames: &[PathBuf]) -> Vec<u32> {
    let mut folders = HashMap::new();
    frames
        .iter()
        .map(|frame| {
            let next = folders.len() as u32;
            *folders.entry(frame.parent()).or_insert(next)
        })
        .collect()
}

/// The published set's name for a file that is called so and has that set's number of pairs; else the file's name,
/// or its folder's where the file is called just `splits`, so that figures on different sets never share a column.
fn set_name(published: &str, published_pairs: usize, path: &Path, pairs: usize) -> String {
    let name = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    let file = path.file_name().map(name).unwrap_or_default();
    let is_published = file.to_lowercase().starts_with(&published.to_lowercase());
    if pairs == published_pairs && is_published {
        return published.to_owned();
    }
    match path.parent().and_then(Path::file_name) {
        Some(folder) if file.starts_with("splits") => name(folder),
        _ => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_set_of_the_published_size_and_name_takes_the_published_column() {
        let name = |path: &str, pairs| set_name("LFW", 6000, Path::new(path), pairs);
        assert_eq!(name("/data/lfw.bin", 6000), "LFW");
        assert_eq!(name("/data/lfw.bin", 600), "lfw.bin");
        assert_eq!(name("/data/cfp_fp.bin", 6000), "cfp_fp.bin");
        assert_eq!(name("/data/ytf_like/splits.txt", 240), "ytf_like");
    }

    #[test]
    fn frames_of_one_folder_are_one_medium() {
        let media = |frames: &[&str]| {
            let frames: Vec<PathBuf> = frames.iter().map(PathBuf::from).collect();
            media_of(&frames)
        };
        assert_eq!(media(&["A/1/1.jpg", "A/1/2.jpg"]), [0, 0]);
        assert_eq!(
            media(&["A/1/x/1.jpg", "A/1/y/1.jpg", "A/1/x/2.jpg"]),
            [0, 1, 0]
        );
    }
}
