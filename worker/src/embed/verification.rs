//! Verification sets, opened once and evaluated with one model after another.

use std::path::{Path, PathBuf};

use facetui::{
    config::DataConfig,
    data::{Image, VerificationImages, VideoSet},
    eval::{
        EvalError, Evaluation, Folds, Provenance, Rule, ScoredPair,
        corrected::{Corrected, ErrorList, NamedPair, correct},
        template::{Distance, Mirror, Pooling, distance, pool, unit},
        verify_in,
    },
    run::VerificationSet,
    untrusted::{visible, visible_path},
};

use super::{Between, EmbedError, Embedder};

/// A verification set with the rules for its figures.
pub struct ValidationSet {
    section: String,
    rule: Rule,
    mirror: Mirror,
    kind: Kind,
}

enum Kind {
    Images {
        images: VerificationImages,
        data: PathBuf,
    },
    Videos {
        videos: VideoSet,
        splits: PathBuf,
        errors: Option<ErrorList>,
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
        Self::of(section, &set, Rule::Reference, None)
    }

    /// Opens a set; `mirror` overrides what the rule does with mirror images.
    ///
    /// # Errors
    /// A file is missing or malformed, or videos are missing and that isn't allowed.
    pub fn of(
        section: &str,
        set: &VerificationSet,
        rule: Rule,
        mirror: Option<Mirror>,
    ) -> Result<Self, EmbedError> {
        let kind = match set {
            VerificationSet::Lfw { data, images } => Kind::Images {
                images: VerificationImages::open(data, images.as_deref())?,
                data: data.clone(),
            },
            VerificationSet::Ytf {
                splits,
                frames,
                errors,
                corrected,
                allow_missing,
            } => {
                let videos = VideoSet::open(splits, frames, None)?;
                if !allow_missing {
                    videos.check_complete(splits, frames)?;
                }
                let mut asked = vec![Corrected::None];
                let errors = match errors {
                    Some(path) => {
                        let text = std::fs::read_to_string(path).map_err(|error| {
                            EmbedError::Input(format!(
                                "can't read the error list {}: {error}",
                                path.display()
                            ))
                        })?;
                        Some(ErrorList::parse(&text))
                    }
                    None => None,
                };
                if *corrected != Corrected::None {
                    if errors.is_none() {
                        return Err(EmbedError::Input(
                            "corrected figures need an error list (--errors FILE)".to_owned(),
                        ));
                    }
                    asked.push(*corrected);
                }
                Kind::Videos {
                    videos,
                    splits: splits.clone(),
                    errors,
                    corrected: asked,
                }
            }
        };
        let mirror = mirror.unwrap_or(match rule {
            Rule::Insightface => Mirror::Sum,
            Rule::Reference | Rule::Exact => Mirror::None,
        });
        Ok(Self {
            section: section.to_owned(),
            rule,
            mirror,
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
            Kind::Images { images, .. } => images.images(),
            Kind::Videos { videos, .. } => {
                videos.videos.iter().map(|video| video.frames.len()).sum()
            }
        }
    }

    /// Embeds every image once and works out the figures: of the set, then of its correction if there is one.
    ///
    /// # Errors
    /// An image can't be read, an embedding is broken, or the pairs don't make folds.
    pub fn evaluate(
        &self,
        embedder: &Embedder,
        between: &mut Between<'_>,
    ) -> Result<Vec<Evaluation>, EmbedError> {
        match &self.kind {
            Kind::Images { images, data } => self
                .evaluate_images(embedder, between, images, data)
                .map(|one| vec![one]),
            Kind::Videos {
                videos,
                splits,
                errors,
                corrected,
            } => {
                let templates = self.templates(embedder, between, videos)?;
                let no_errors = ErrorList::default();
                let errors = errors.as_ref().unwrap_or(&no_errors);
                corrected
                    .iter()
                    .map(|mode| {
                        self.evaluate_videos(embedder, videos, splits, &templates, errors, *mode)
                    })
                    .collect()
            }
        }
    }

    fn evaluate_images(
        &self,
        embedder: &Embedder,
        between: &mut Between<'_>,
        images: &VerificationImages,
        data: &Path,
    ) -> Result<Evaluation, EmbedError> {
        let raw = embedder.embed(
            images.images(),
            |index| images.image(index),
            self.mirror,
            between,
        )?;
        let embeddings = raw
            .iter()
            .map(|raw| unit(raw))
            .collect::<Result<Vec<_>, _>>()
            .map_err(figures_of(data))?;
        let scored = images
            .pairs
            .iter()
            .map(|pair| {
                let distance = distance(self.distance(), &embeddings[pair.a], &embeddings[pair.b])?;
                Ok(ScoredPair {
                    distance,
                    same: pair.same,
                    fold: pair.fold,
                })
            })
            .collect::<Result<Vec<_>, EvalError>>()
            .map_err(figures_of(data))?;
        let figures = verify_in(Folds::OfRule, self.rule, &scored).map_err(figures_of(data))?;
        let set = set_name("LFW", 6000, data, images.pairs.len());
        let provenance = Provenance {
            pooling: None,
            corrected: None,
            ..self.provenance(embedder, data)
        };
        Ok(figures.into_evaluation(set, 0, 0, provenance))
    }

    /// The template of every video, none where it has no frames.
    fn templates(
        &self,
        embedder: &Embedder,
        between: &mut Between<'_>,
        videos: &VideoSet,
    ) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        let frames: Vec<&PathBuf> = videos
            .videos
            .iter()
            .flat_map(|video| &video.frames)
            .collect();
        let raw = embedder.embed(
            frames.len(),
            |index| Image::open(frames[index]),
            self.mirror,
            between,
        )?;
        let mut rest = raw.as_slice();
        videos
            .videos
            .iter()
            .map(|video| {
                let (own, others) = rest.split_at(video.frames.len());
                rest = others;
                if own.is_empty() {
                    return Ok(None);
                }
                pool(Pooling::UnitMean, own)
                    .map(Some)
                    .map_err(|source| EmbedError::Figures {
                        of: format!("video {}", visible(&video.name)),
                        source,
                    })
            })
            .collect()
    }

    fn evaluate_videos(
        &self,
        embedder: &Embedder,
        videos: &VideoSet,
        splits: &Path,
        templates: &[Option<Vec<f32>>],
        errors: &ErrorList,
        mode: Corrected,
    ) -> Result<Evaluation, EmbedError> {
        let present: Vec<_> = videos
            .pairs
            .iter()
            .filter(|pair| videos.is_present(pair))
            .collect();
        let named: Vec<NamedPair> = present
            .iter()
            .map(|pair| NamedPair {
                a: &videos.videos[pair.a].name,
                b: &videos.videos[pair.b].name,
                same: pair.same,
            })
            .collect();
        let selection = correct(&named, errors, mode);
        let mut scored = Vec::with_capacity(selection.kept.len());
        for index in &selection.kept {
            let pair = present[*index];
            let (Some(a), Some(b)) = (&templates[pair.a], &templates[pair.b]) else {
                continue;
            };
            scored.push(ScoredPair {
                distance: distance(self.distance(), a, b).map_err(figures_of(splits))?,
                same: pair.same,
                fold: Some(pair.fold),
            });
        }
        let folds = match mode {
            Corrected::Official => Folds::OfSet,
            Corrected::None | Corrected::Reference => Folds::OfRule,
        };
        let figures = verify_in(folds, self.rule, &scored).map_err(figures_of(splits))?;
        let mut set = set_name("YTF", 5000, splits, videos.pairs.len());
        if mode != Corrected::None {
            set.push_str("-corrected");
        }
        let provenance = Provenance {
            pooling: Some(Pooling::UnitMean.to_string()),
            corrected: Some(mode.to_string()),
            ..self.provenance(embedder, splits)
        };
        let missing = videos.pairs.len() - present.len();
        Ok(figures.into_evaluation(set, missing, selection.dropped, provenance))
    }

    fn distance(&self) -> Distance {
        match self.rule {
            Rule::Insightface => Distance::SquaredL2,
            Rule::Reference | Rule::Exact => Distance::Cosine,
        }
    }

    fn provenance(&self, embedder: &Embedder, data: &Path) -> Provenance {
        Provenance {
            model: embedder.model.clone(),
            step: embedder.step,
            data: data.display().to_string(),
            channels: Some(embedder.input.channels.to_string()),
            crop: Some(embedder.input.crop.to_string()),
            mirror: Some(self.mirror.to_string()),
            pooling: None,
            distance: self.distance().to_string(),
            corrected: None,
            device: Some(embedder.device.name.clone()),
        }
    }
}

/// Names the set that an error of its figures is about; for `map_err`.
fn figures_of(path: &Path) -> impl FnOnce(EvalError) -> EmbedError {
    let of = visible_path(path);
    move |source| EmbedError::Figures { of, source }
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
}
