//! ONNX models through ONNX Runtime: the only module that names `ort`.
//!
//! The library is looked for and loaded when the first model is opened, so that a worker without it does everything
//! else.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use facetui::{
    config::Crop,
    run::worker,
    untrusted::{visible, visible_path},
};
use ort::{
    environment::Environment,
    session::Session,
    value::{Outlet, TensorElementType, TensorRef, ValueType},
};
use thiserror::Error;

use super::backbone::input_size;

/// Images at once where the model takes any number.
pub const ONNX_BATCH: usize = 32;

/// A model that ONNX Runtime has loaded.
pub struct OnnxModel {
    path: PathBuf,
    session: Mutex<Session>,
    input: OnnxInput,
    output: String,
    /// Numbers in an embedding, where the model says it; else the first batch does.
    embedding: Option<usize>,
}

/// What a model takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnnxInput {
    /// The tensor's name.
    pub name: String,
    /// The tensor's shape as the model says it, −1 where it takes any.
    pub shape: Vec<i64>,
    /// The part of the face.
    pub crop: Crop,
    /// Whether the planes come first (`[batch, 3, height, width]`) or last.
    pub planes_first: bool,
    /// Images at once, where the model takes just so many.
    pub batch: Option<usize>,
}

/// Why a model can't be used.
#[derive(Debug, Error)]
pub enum OnnxError {
    /// The library isn't there.
    #[error(
        "ONNX models need ONNX Runtime, which isn't here: run `./x setup onnx`, or set ORT_DYLIB_PATH to libonnxruntime.so (1.17 or newer)"
    )]
    NoRuntime,
    /// The library is there and can't be used.
    #[error(
        "ONNX Runtime can't be used: {}; `./x setup onnx` brings one that can, ORT_DYLIB_PATH names another",
        visible(reason)
    )]
    Runtime {
        /// What it says.
        reason: String,
    },
    /// The library refuses the file.
    #[error(
        "{} isn't a model that ONNX Runtime reads: {}",
        visible_path(path),
        visible(reason)
    )]
    Model {
        /// The file.
        path: PathBuf,
        /// What the library says.
        reason: String,
    },
    /// An input or output isn't a face's or an embedding's.
    #[error(
        "{}, {what}: found {}, expected {expected}",
        visible_path(path),
        visible(found)
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// Which tensor.
        what: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
}

impl OnnxModel {
    /// Loads a model; `crop` is for models that take any size.
    ///
    /// # Errors
    /// ONNX Runtime isn't there or refuses the file, or it takes something else than one batch of faces.
    pub fn open(path: &Path, crop: Option<Crop>) -> Result<Self, OnnxError> {
        let refuse = |error: &dyn std::fmt::Display| OnnxError::Model {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let environment = environment()?;
        let session = Session::builder(environment)
            .and_then(|mut builder| builder.commit_from_file(path))
            .map_err(|error| refuse(&error))?;
        let shape_error = |(what, found, expected): Problem| OnnxError::Shape {
            path: path.to_owned(),
            what,
            found,
            expected,
        };
        let input = input_of(session.inputs(), crop).map_err(shape_error)?;
        let (output, embedding) = output_of(session.outputs()).map_err(shape_error)?;
        Ok(Self {
            path: path.to_owned(),
            session: Mutex::new(session),
            input,
            output,
            embedding,
        })
    }

    /// What the model takes.
    pub fn input(&self) -> &OnnxInput {
        &self.input
    }

    /// Numbers in an embedding, where the model says it.
    pub fn embedding(&self) -> Option<usize> {
        self.embedding
    }

    /// Network input, images one after the other in the model's own layout, to raw embeddings one after the other.
    ///
    /// # Errors
    /// The library fails, or what comes out is no embedding of each image.
    pub fn embed(&self, mut values: Vec<f32>) -> Result<Vec<f32>, OnnxError> {
        let [height, width] = input_size(self.input.crop);
        let image = 3 * height * width;
        let images = values.len() / image;
        let step = self.input.batch.unwrap_or(images).max(1);
        // A model of a fixed batch gets black images to fill its last one.
        values.resize(images.next_multiple_of(step) * image, 0.0);
        let mut embeddings = Vec::new();
        for batch in values.chunks_exact(step * image) {
            self.embed_batch(batch, step, &mut embeddings)?;
        }
        let length = embeddings.len() / images.next_multiple_of(step).max(1);
        embeddings.truncate(images * length);
        Ok(embeddings)
    }

    fn embed_batch(
        &self,
        values: &[f32],
        images: usize,
        embeddings: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        let refuse = |error: &dyn std::fmt::Display| OnnxError::Model {
            path: self.path.clone(),
            reason: error.to_string(),
        };
        let [height, width] = input_size(self.input.crop);
        let shape = if self.input.planes_first {
            [images, 3, height, width]
        } else {
            [images, height, width, 3]
        };
        let mut session = self
            .session
            .lock()
            .map_err(|_| refuse(&"an earlier batch failed"))?;
        let input = TensorRef::from_array_view((shape, values)).map_err(|error| refuse(&error))?;
        let outputs = session
            .run(ort::inputs![self.input.name.as_str() => input])
            .map_err(|error| refuse(&error))?;
        let output = outputs
            .get(self.output.as_str())
            .ok_or_else(|| refuse(&"it gave no output"))?;
        let (shape, found) = output
            .try_extract_tensor::<f32>()
            .map_err(|error| refuse(&error))?;
        let first = shape.first().copied().unwrap_or(0);
        let length = found.len() / images;
        let fits = first == images as i64
            && found.len().is_multiple_of(images)
            && self.embedding.is_none_or(|expected| expected == length);
        if !fits || length == 0 {
            let length = self
                .embedding
                .map_or("length".to_owned(), |n| n.to_string());
            return Err(OnnxError::Shape {
                path: self.path.clone(),
                what: format!("output {}", visible(&self.output)),
                found: format!("{shape:?} for {images} images"),
                expected: format!("[{images}, {length}]"),
            });
        }
        embeddings.extend_from_slice(found);
        Ok(())
    }

    /// What the file says of its making: producer, graph, version, description.
    pub fn notes(&self) -> Vec<(&'static str, String)> {
        let Ok(session) = self.session.lock() else {
            return Vec::new();
        };
        let Ok(metadata) = session.metadata() else {
            return Vec::new();
        };
        let version = metadata.version().map(|version| version.to_string());
        [
            ("producer", metadata.producer()),
            ("graph", metadata.name()),
            ("version", version),
            ("description", metadata.description()),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .filter(|(_, value)| !value.trim().is_empty())
        .collect()
    }
}

/// Which tensor, what it is, what it should be.
type Problem = (String, String, String);

/// Loads the library once; what it said then is said again.
fn environment() -> Result<&'static Environment, OnnxError> {
    static ENVIRONMENT: OnceLock<Result<Environment, String>> = OnceLock::new();
    let path = match worker::onnx_runtime() {
        Ok(Some(path)) => path,
        Ok(None) => return Err(OnnxError::NoRuntime),
        Err(reason) => return Err(OnnxError::Runtime { reason }),
    };
    ENVIRONMENT
        .get_or_init(|| {
            let builder = ort::init_from(&path).map_err(|error| error.to_string())?;
            builder
                .with_telemetry(false)
                .build()
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|reason| OnnxError::Runtime {
            reason: reason.clone(),
        })
}

fn input_of(inputs: &[Outlet], crop: Option<Crop>) -> Result<OnnxInput, Problem> {
    const EXPECTED: &str = "one input of 32-bit floats, [batch, 3, 112, 112] or [batch, 3, 112, 96] (or with the planes last): an aligned face";
    let [input] = inputs else {
        let names: Vec<String> = inputs.iter().map(shown).collect();
        return Err(("inputs".to_owned(), names.join(", "), EXPECTED.to_owned()));
    };
    let wrong = || {
        let what = format!("input {}", visible(input.name()));
        (what, shown(input), EXPECTED.to_owned())
    };
    let ValueType::Tensor { ty, shape, .. } = input.dtype() else {
        return Err(wrong());
    };
    let shape: Vec<i64> = shape.to_vec();
    let &[batch, second, third, fourth] = shape.as_slice() else {
        return Err(wrong());
    };
    if *ty != TensorElementType::Float32 {
        return Err(wrong());
    }
    let (planes_first, height, width) = match (second, fourth) {
        (3, _) => (true, third, fourth),
        (_, 3) => (false, second, third),
        _ => return Err(wrong()),
    };
    let fits = |crop: Crop| {
        let sides = input_size(crop).map(|side| side as i64);
        [height, width]
            .into_iter()
            .zip(sides)
            .all(|(found, side)| found == side || found < 1)
    };
    let crop = match crop {
        Some(asked) if fits(asked) => asked,
        Some(asked) => {
            let what = format!("input {}", visible(input.name()));
            return Err((
                what,
                shown(input),
                format!("a crop of {asked}, as asked for"),
            ));
        }
        None => [Crop::Full, Crop::Reference]
            .into_iter()
            .find(|crop| fits(*crop))
            .ok_or_else(wrong)?,
    };
    Ok(OnnxInput {
        name: input.name().to_owned(),
        batch: usize::try_from(batch).ok().filter(|batch| *batch > 0),
        shape,
        crop,
        planes_first,
    })
}

/// The one output that can be an embedding for each image, and its length.
fn output_of(outputs: &[Outlet]) -> Result<(String, Option<usize>), Problem> {
    let embeddings: Vec<(&Outlet, Option<usize>)> = outputs
        .iter()
        .filter_map(|output| {
            let ValueType::Tensor {
                ty: TensorElementType::Float32,
                shape,
                ..
            } = output.dtype()
            else {
                return None;
            };
            // [batch, length], or with further axes of 1.
            let (length, rest) = shape.get(1..)?.split_first()?;
            let flat = rest.iter().all(|side| *side == 1);
            flat.then(|| {
                (
                    output,
                    usize::try_from(*length).ok().filter(|length| *length > 1),
                )
            })
        })
        .collect();
    if let [(output, length)] = embeddings.as_slice() {
        return Ok((output.name().to_owned(), *length));
    }
    let names: Vec<String> = outputs.iter().map(shown).collect();
    let expected = "one output of 32-bit floats, [batch, length]: an embedding for each face";
    Err(("outputs".to_owned(), names.join(", "), expected.to_owned()))
}

fn shown(outlet: &Outlet) -> String {
    let name = visible(outlet.name());
    match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            let sides: Vec<String> = shape
                .iter()
                .map(|side| match side {
                    ..=0 => "any".to_owned(),
                    side => side.to_string(),
                })
                .collect();
            format!("{name} {ty} [{}]", sides.join(", "))
        }
        other => format!("{name} {other}"),
    }
}
