//! What can be said of a model without images.

use burn::tensor::Device;
use facetui::{
    config::ChannelOrder,
    run::{BareWeights, ModelInfo, ModelInput, Preprocessing},
};

use super::model::{Form, ModelError, ModelFile};
use crate::model::{
    backbone::input_size,
    onnx::OnnxModel,
    onnx_file,
    weights::{CLASS_WEIGHTS, Description, Parts},
};

impl ModelFile {
    /// Everything that can be said of the model.
    ///
    /// # Errors
    /// As [`ModelFile::load`], apart from the device.
    pub fn info(&self, bare: &BareWeights) -> Result<ModelInfo, ModelError> {
        if let Form::Onnx(own) = &self.form {
            return self.info_of_graph(own.as_deref());
        }
        let weights = self.weights(bare, Parts::Backbone)?;
        let description = &weights.description;
        let crop = description.input.crop;
        // Named tensors are checked by making the network of them.
        self.network(&weights, crop, &Device::flex())?;
        let trained = weights
            .tensors
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(weights.prefix)?, tensor)))
            .filter(|(name, _)| !name.contains("running_") && *name != CLASS_WEIGHTS)
            .map(|(_, tensor)| tensor.values.len() as u64)
            .sum();
        let [height, width] = input_size(crop);
        Ok(ModelInfo {
            path: self.path.clone(),
            form: self.form.name().to_owned(),
            architecture: description.architecture(),
            network: Some(description.network.clone()),
            parameters: Some(trained),
            embedding: Some(description.network.embedding),
            input: ModelInput {
                shape: format!("[any, 3, {height}, {width}]"),
                crop,
                channels: description.input.channels,
                scaling: description.scaling.to_string(),
                assumed: matches!(self.form, Form::Pytorch(None) | Form::Tensorflow(_)),
            },
            provenance: self.provenance(),
            content: self.content.clone(),
        })
    }

    /// The same of an ONNX model, with what it says of itself.
    fn info_of_graph(&self, own: Option<&Description>) -> Result<ModelInfo, ModelError> {
        let asked = self.resolved(&Preprocessing::default());
        let model = OnnxModel::open(&self.path, asked.crop)?;
        let mut provenance = self.provenance();
        let notes = model.notes().into_iter();
        provenance.extend(notes.map(|(key, value)| (key.to_owned(), value)));
        let input = model.input();
        let graph = onnx_file::summary(&self.path);
        let counted = graph.map_or_else(
            || "ONNX graph".to_owned(),
            |graph| format!("ONNX graph of {} nodes", graph.nodes),
        );
        let architecture = match own {
            Some(own) => format!("{}, as {counted}", own.architecture()),
            None => counted,
        };
        Ok(ModelInfo {
            path: self.path.clone(),
            form: self.form.name().to_owned(),
            architecture,
            network: None,
            parameters: graph.map(|graph| graph.parameters),
            embedding: model.embedding(),
            input: ModelInput {
                shape: format!("{:?}", input.shape).replace("-1", "any"),
                crop: input.crop,
                channels: asked.channels.unwrap_or(ChannelOrder::Bgr),
                scaling: asked.scaling.unwrap_or_default().to_string(),
                assumed: own.is_none(),
            },
            provenance,
            content: self.content.clone(),
        })
    }

    /// Where the model comes from, by name.
    pub fn provenance(&self) -> Vec<(String, String)> {
        let manifest = match &self.form {
            Form::Checkpoint(manifest) => manifest,
            Form::Safetensors(description)
            | Form::Tensorflow(description)
            | Form::Pytorch(Some(description))
            | Form::Onnx(Some(description)) => {
                return description.provenance.clone().into_iter().collect();
            }
            Form::Pytorch(None) | Form::Onnx(None) => return Vec::new(),
        };
        let mut provenance = vec![
            ("step".to_owned(), manifest.step.to_string()),
            ("run".to_owned(), self.name.clone()),
            ("stage".to_owned(), manifest.stage.name().to_owned()),
        ];
        if let Some(classes) = manifest.classes {
            provenance.push(("classes".to_owned(), classes.to_string()));
        }
        for (set, accuracy) in &manifest.figures {
            provenance.push((format!("accuracy on {set}"), format!("{accuracy:.5}")));
        }
        provenance
    }
}
