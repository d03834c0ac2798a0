//! Embeddings of a set to scores, and scores to figures.

use std::path::Path;

use facetui::{
    eval::{
        EvalError, Evaluation, Folds, Provenance, ScoredPair,
        corrected::{Corrected, ErrorList, correct},
        scores::{NamedScore, NamedScores},
        template::{Pooling, Track, distance, unit},
        verify_in,
    },
    run::{EmbeddingOrigin, Embeddings, FigureOptions},
    untrusted::visible,
};

use super::EmbedError;

/// Two items of a set that a list pairs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub a: usize,
    pub b: usize,
    pub same: bool,
    pub fold: Option<u32>,
}

/// What the figures of a set are named and made by.
pub(super) struct Protocol<'a> {
    /// The set's name.
    pub set: String,
    /// Where it lies.
    pub data: &'a Path,
    /// All pairs of the list, also those of missing videos.
    pub pairs: &'a [Pair],
    /// The media of each item's frames, for videos.
    pub media: Option<&'a (dyn Fn(usize) -> Vec<u32> + Sync)>,
    /// How distances become figures.
    pub options: FigureOptions,
    /// Each correction that figures are asked for, [`Corrected::None`] among them.
    pub corrected: &'a [Corrected],
    /// The mislabelled videos.
    pub errors: &'a ErrorList,
}

/// The scores of a set with its figures, first of the whole set, then of its corrections.
#[derive(Debug)]
pub struct Verified {
    /// One row a pair that is there.
    pub scores: NamedScores,
    /// The figures.
    pub evaluations: Vec<Evaluation>,
}

impl Protocol<'_> {
    /// Pools the embeddings, measures all pairs and works out the figures.
    pub(super) fn verify(&self, embeddings: &Embeddings) -> Result<Verified, EmbedError> {
        let templates = self.templates(embeddings)?;
        let scores = self.scores(embeddings, &templates)?;
        let evaluations = self
            .corrected
            .iter()
            .map(|mode| self.evaluation(&scores, *mode, &embeddings.origin))
            .collect::<Result<_, _>>()?;
        Ok(Verified {
            scores,
            evaluations,
        })
    }

    /// The template of every item at unit length; none of a video that is missing.
    fn templates(&self, embeddings: &Embeddings) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        let length = embeddings.length();
        embeddings.map_items(|item, values| {
            if values.is_empty() {
                return Ok(None);
            }
            let template = match self.media {
                None => unit(values),
                Some(media) => self.pool(values, length, || media(item)),
            };
            template.map(Some).map_err(|source| EmbedError::Figures {
                of: visible(&embeddings.items()[item].name),
                source,
            })
        })
    }

    fn pool(
        &self,
        values: &[f32],
        length: usize,
        media: impl FnOnce() -> Vec<u32>,
    ) -> Result<Vec<f32>, EvalError> {
        let pooling = self.options.pooling;
        let template = if pooling == Pooling::Media {
            let frames: Vec<&[f32]> = values.chunks_exact(length).collect();
            Track::of_media(&frames, &media())?.template(pooling)?
        } else {
            Track::of_flat(values, length).template(pooling)?
        };
        // The distances of L2 are those of unit vectors, as the rules' thresholds are.
        unit(&template)
    }

    fn scores(
        &self,
        embeddings: &Embeddings,
        templates: &[Option<Vec<f32>>],
    ) -> Result<NamedScores, EmbedError> {
        let name = |item: usize| embeddings.items()[item].name.clone();
        let mut rows = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs {
            let (Some(a), Some(b)) = (&templates[pair.a], &templates[pair.b]) else {
                continue;
            };
            let distance = distance(self.options.distance(), a, b).map_err(self.wrong())?;
            rows.push(NamedScore {
                a: name(pair.a),
                b: name(pair.b),
                pair: ScoredPair {
                    distance,
                    same: pair.same,
                    fold: pair.fold,
                },
            });
        }
        Ok(NamedScores { rows })
    }

    fn evaluation(
        &self,
        scores: &NamedScores,
        mode: Corrected,
        origin: &EmbeddingOrigin,
    ) -> Result<Evaluation, EmbedError> {
        let selection = correct(&scores.named(), self.errors, mode);
        let kept: Vec<ScoredPair> = selection
            .kept
            .iter()
            .map(|row| scores.rows[*row].pair)
            .collect();
        let folds = match mode {
            Corrected::Official => Folds::OfSet,
            Corrected::None | Corrected::Reference => Folds::OfRule,
        };
        let figures = verify_in(folds, self.options.rule, &kept).map_err(self.wrong())?;
        let mut set = self.set.clone();
        if mode != Corrected::None {
            set.push_str("-corrected");
        }
        let videos = self.media.is_some();
        let provenance = Provenance {
            model: origin.model.clone(),
            step: origin.step,
            data: self.data.display().to_string(),
            channels: Some(origin.channels.to_string()),
            crop: Some(origin.crop.to_string()),
            scaling: Some(origin.scaling.clone()),
            mirror: Some(origin.mirror.to_string()),
            pooling: videos.then(|| self.options.pooling.to_string()),
            frames_per_video: origin.frames_per_video.filter(|_| videos),
            distance: self.options.distance().to_string(),
            corrected: videos.then(|| mode.to_string()),
            device: Some(origin.device.clone()),
        };
        let missing = self.pairs.len() - scores.rows.len();
        Ok(figures.into_evaluation(set, missing, selection.dropped, provenance))
    }

    /// Names the set that an error of its figures is about; for `map_err`.
    fn wrong(&self) -> impl FnOnce(EvalError) -> EmbedError {
        let of = facetui::untrusted::visible_path(self.data);
        move |source| EmbedError::Figures { of, source }
    }
}
