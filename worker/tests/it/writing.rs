//! Models written in other forms: each computes what the first one does.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::{Device, Tensor, TensorData};
use facetui::{
    config::{
        ChannelOrder, Crop, Flatten, InputOptions, NetworkOptions, Scaling, Shortcut, WrongSize,
    },
    run::{BareWeights, ModelFormat, ModelWritten, Preprocessing},
};
use facetui_worker::{
    embed::{
        Engine,
        model::{ModelError, ModelFile},
        model_writer::{WriteOrder, write},
    },
    model::{
        backbone::{Backbone, input_size},
        device,
        initialise::initialise,
        parameters::{HostTensor, NamedTensors, replace, snapshot, to_safetensors},
        pytorch,
        weights::{BACKBONE, CLASS_WEIGHTS, DESCRIPTION, Description, Parts},
    },
};
use tempfile::TempDir;

use crate::{models::near, support::has_onnx_runtime};

/// A model of ours in a file, and what its network gives of two images.
struct Source {
    folder: TempDir,
    path: PathBuf,
    description: Description,
    input: Vec<f32>,
    expected: Vec<f32>,
}

impl Source {
    /// Depth 32 with numbers of which none is one that would hide a mistake, and class weights.
    fn new(shortcut: Shortcut, flatten: Flatten, crop: Crop, epsilon: f64) -> Self {
        let network = NetworkOptions {
            depth: 32,
            embedding: 24,
            shortcut,
            flatten,
            drop: 0.4,
            batch_norm_decay: 0.9,
            batch_norm_epsilon: epsilon,
            gamma_deviation: 0.1,
            prelu_start: 0.25,
            ..NetworkOptions::default()
        };
        let device = Device::flex();
        let backbone = initialise(Backbone::new(&network, crop, &device), 3, &network);
        let backbone = replace(backbone, |name, shape| {
            let role = name.rsplit('.').next().unwrap_or_default();
            let (low, step) = match role {
                "running_mean" | "beta" | "bias" => (-0.2, 0.05),
                "running_var" => (0.5, 0.1),
                _ => return None,
            };
            let values =
                (0..shape.iter().product()).map(|place: usize| low + step * (place % 9) as f32);
            Some(HostTensor {
                shape: shape.to_vec(),
                values: values.collect(),
            })
        });
        let [height, width] = input_size(crop);
        let input: Vec<f32> = (0..2 * 3 * height * width)
            .map(|place| ((place * 7919) % 255) as f32 / 128.0 - 1.0)
            .collect();
        let data = TensorData::new(input.clone(), [2, 3, height, width]);
        let expected = backbone.forward(Tensor::from_data(data, &device));
        let mut tensors: NamedTensors = snapshot(&backbone)
            .into_iter()
            .map(|(name, tensor)| (format!("{BACKBONE}{name}"), tensor))
            .collect();
        let class_weights = HostTensor {
            shape: vec![2, 24],
            values: vec![0.5; 48],
        };
        tensors.insert(CLASS_WEIGHTS.to_owned(), class_weights);
        let description = Description {
            network,
            input: InputOptions {
                crop,
                channels: ChannelOrder::Bgr,
                mirror: true,
                wrong_size: WrongSize::default(),
            },
            scaling: Scaling::default(),
            provenance: [("run".to_owned(), "net".to_owned())].into(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("source.safetensors");
        let note = (DESCRIPTION, serde_json::to_string(&description).unwrap());
        fs::write(&path, to_safetensors(&tensors, Some(note)).unwrap()).unwrap();
        Self {
            folder,
            path,
            description,
            input,
            expected: expected.into_data().iter().collect(),
        }
    }

    fn write(
        &self,
        name: &str,
        change: impl FnOnce(&mut WriteOrder),
    ) -> Result<(PathBuf, ModelWritten), ModelError> {
        let bare = BareWeights::default();
        let out = self.folder.path().join(name);
        let mut order = WriteOrder {
            format: ModelFormat::of(&out).unwrap(),
            out: out.clone(),
            channels: None,
            scaling: None,
            parts: Parts::Backbone,
        };
        change(&mut order);
        let written = write(&ModelFile::open(&self.path, &bare)?, &bare, &order)?;
        Ok((out, written))
    }

    /// Both images through a model that was written, as its own description asks for them.
    fn check(&self, path: &Path) {
        let bare = BareWeights::default();
        let model = ModelFile::open(path, &bare).unwrap();
        let flex = || device::open("flex".parse().unwrap());
        let embedder = model.load(&Preprocessing::default(), &bare, flex).unwrap();
        assert_eq!(embedder.input.crop, self.description.input.crop);
        let found = match &embedder.engine {
            Engine::Network(network) => network.embed(self.input.clone()),
            Engine::Onnx(network) => network.embed(self.input.clone()).unwrap(),
        };
        assert_eq!(found.len(), self.expected.len());
        for (found, expected) in found.chunks(24).zip(self.expected.chunks(24)) {
            near(found, expected, 1e-5);
        }
    }
}

fn sources() -> [Source; 2] {
    [
        Source::new(Shortcut::Subsample, Flatten::Hwc, Crop::Reference, 1e-3),
        Source::new(Shortcut::Projection, Flatten::Chw, Crop::Full, 1e-5),
    ]
}

#[test]
fn every_form_gives_the_same_embeddings_and_says_what_it_is() {
    let bare = BareWeights::default();
    for source in sources() {
        for name in ["out.safetensors", "out.pt", "out.onnx"] {
            let (out, written) = source.write(name, |_| ()).unwrap();
            assert_eq!(written.bytes, out.metadata().unwrap().len());
            if name.ends_with("onnx") && !has_onnx_runtime() {
                continue;
            }
            source.check(&out);
            let info = ModelFile::open(&out, &bare).unwrap().info(&bare).unwrap();
            let provenance: BTreeSet<&str> = info
                .provenance
                .iter()
                .map(|(key, _)| key.as_str())
                .collect();
            for key in ["run", "model", "content"] {
                assert!(provenance.contains(key), "{name}: {provenance:?}");
            }
            assert!(!info.input.assumed, "{name}");
            assert_eq!(info.input.channels, ChannelOrder::Bgr);
            assert_eq!(info.input.scaling, "(x-127.5)/128");
            assert_eq!(info.input.crop, source.description.input.crop);
            assert_eq!(info.embedding, Some(24));
            assert!(
                info.architecture.contains("L-ResNet-E-IR 32"),
                "{}",
                info.architecture
            );
        }
        // The same model is the same file.
        let bytes = |name: &str| {
            let (out, _) = source.write(name, |_| ()).unwrap();
            fs::read(out).unwrap()
        };
        for (one, other) in [
            ("a.pt", "b.pt"),
            ("a.onnx", "b.onnx"),
            ("a.safetensors", "b.safetensors"),
        ] {
            assert!(bytes(one) == bytes(other), "{one}");
        }
    }
}

#[test]
fn state_dicts_have_the_names_and_shapes_of_arcface_torch() {
    let [subsample, projection] = sources();
    for (source, columns) in [(&subsample, 128 * 42), (&projection, 128 * 49)] {
        let (out, written) = source.write("names.pt", |_| ()).unwrap();
        let state = pytorch::read(&out).unwrap();
        let shapes: Vec<(&str, &[usize])> = state
            .tensors
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice()))
            .collect();
        // 15 units of 4 BatchNorms or 3, 2 kernels and a slope; 4 of them with a projection.
        assert_eq!(shapes.len(), 7 + 15 * (3 * 5 + 3) + 4 * 6 + 5 + 2 + 5);
        assert_eq!(shapes[0], ("conv1.weight", &[16, 3, 3, 3][..]));
        assert_eq!(shapes[5], ("bn1.num_batches_tracked", &[][..]));
        for (name, shape) in [
            ("layer1.0.downsample.0.weight", &[16, 16, 1, 1][..]),
            ("layer2.0.bn1.weight", &[16]),
            ("layer3.5.prelu.weight", &[64]),
            ("layer4.2.conv2.weight", &[128, 128, 3, 3]),
            ("layer4.0.downsample.1.running_var", &[128]),
            ("bn2.bias", &[128]),
            ("fc.weight", &[24, columns]),
            ("features.running_mean", &[24]),
        ] {
            assert!(shapes.contains(&(name, shape)), "{name}: {shapes:?}");
        }
        assert!(
            written.notes[0].contains("end with 128 channels"),
            "{:?}",
            written.notes
        );
    }
}

#[test]
fn class_weights_and_preprocessing_are_written_where_asked_for() {
    let [source, _] = sources();
    let bare = BareWeights::default();
    let imported = |change: &dyn Fn(&mut WriteOrder)| {
        let (out, _) = source.write("imported.safetensors", change).unwrap();
        let model = ModelFile::open(&out, &bare).unwrap();
        (model.weights(&bare, Parts::WithClassWeights).unwrap(), out)
    };
    let (weights, _) = imported(&|_| ());
    assert_eq!(weights.prefix, "");
    assert!(!weights.tensors.contains_key(CLASS_WEIGHTS));
    let (weights, out) = imported(&|order| {
        order.parts = Parts::WithClassWeights;
        order.channels = Some(ChannelOrder::Rgb);
        order.scaling = Some(Scaling::ARCFACE_TORCH);
    });
    assert_eq!(weights.prefix, BACKBONE);
    assert_eq!(weights.tensors[CLASS_WEIGHTS].shape, [2, 24]);
    assert_eq!(weights.description.input.channels, ChannelOrder::Rgb);
    assert_eq!(weights.description.scaling, Scaling::ARCFACE_TORCH);
    source.check(&out);
}

#[test]
fn what_can_not_be_written_is_refused() {
    let [source, _] = sources();
    let bare = BareWeights::default();
    let nowhere = source.write("nowhere/out.onnx", |_| ()).unwrap_err();
    assert!(!nowhere.is_wrong_input());
    assert!(nowhere.to_string().contains("can't write"), "{nowhere}");

    let (onnx, _) = source.write("graph.onnx", |_| ()).unwrap();
    let (state, _) = source.write("state.pt", |_| ()).unwrap();
    let again = WriteOrder {
        out: source.folder.path().join("again.safetensors"),
        format: ModelFormat::Safetensors,
        channels: None,
        scaling: None,
        parts: Parts::Backbone,
    };
    let refused = write(&ModelFile::open(&onnx, &bare).unwrap(), &bare, &again).unwrap_err();
    assert!(refused.is_wrong_input());
    assert!(
        refused
            .to_string()
            .contains("is a program, not the weights"),
        "{refused}"
    );
    assert!(!again.out.exists());

    let said = BareWeights {
        flatten: Some(Flatten::Hwc),
        batch_norm_epsilon: None,
    };
    let refused = ModelFile::open(&state, &said).unwrap_err();
    assert!(refused.to_string().contains("say themselves"), "{refused}");
}
