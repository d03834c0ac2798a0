//! Embeddings that an earlier evaluation left: found by the content of model and set and by how one became the other.

use facetui::{
    eval::template::Mirror,
    run::{EmbeddedItem, Embeddings, Preprocessing, RunDirectory},
};

use super::model::ModelFile;

/// What embeddings are asked for.
pub struct Wanted {
    /// Names their file.
    pub key: String,
    model_content: String,
    set_content: String,
    mirror: Mirror,
    frames_per_video: Option<usize>,
}

impl Wanted {
    /// The embeddings of a set, by the hash of its content, from a model; `mirror` is what the rule or the order says.
    pub fn new(
        model: &ModelFile,
        set_content: String,
        mirror: Mirror,
        asked: &Preprocessing,
    ) -> Self {
        let Preprocessing {
            channels,
            crop,
            scaling,
            mirror: _,
            frames_per_video,
        } = model.resolved(asked);
        let scaling = scaling.map(|scaling| scaling.to_string());
        // Debug forms of small closed types: any change of one is another key, and no key is ever read back.
        let text = format!(
            "1 {} {set_content} {channels:?} {crop:?} {scaling:?} {mirror:?} {frames_per_video:?}",
            model.content
        );
        Self {
            key: blake3::hash(text.as_bytes()).to_hex().to_string(),
            model_content: model.content.clone(),
            set_content,
            mirror,
            frames_per_video,
        }
    }

    /// Notes in embeddings just made what they are of.
    pub fn sign(&self, embeddings: &mut Embeddings) {
        embeddings
            .origin
            .model_content
            .clone_from(&self.model_content);
        embeddings.origin.set_content.clone_from(&self.set_content);
    }

    /// The file of these embeddings if there is one; else why not, in words for the journal.
    ///
    /// `device` is a device that was asked for by name: embeddings of another are not taken then.
    ///
    /// # Errors
    /// There is no such file, or a reason why it isn't taken.
    pub fn find(
        &self,
        run: &RunDirectory,
        items: &[EmbeddedItem],
        device: Option<&str>,
    ) -> Result<Embeddings, Option<String>> {
        let path = run.embeddings_path(&self.key);
        if !path.exists() {
            return Err(None);
        }
        let kept = Embeddings::open(&path).map_err(|error| Some(error.to_string()))?;
        let origin = &kept.origin;
        let same = origin.model_content == self.model_content
            && origin.set_content == self.set_content
            && origin.mirror == self.mirror
            && origin.frames_per_video == self.frames_per_video
            && kept.items() == items;
        if !same {
            return Err(Some(format!(
                "{}: it holds other embeddings than its name says",
                path.display()
            )));
        }
        match device {
            Some(device) if device != origin.device => Err(Some(format!(
                "the embeddings of an earlier evaluation are from {}, and {device} is asked for",
                origin.device
            ))),
            _ => Ok(kept),
        }
    }
}
