//! Models of other programs, against the embeddings that those programs give.

use std::{collections::BTreeMap, path::PathBuf};

use facetui::{
    config::{ChannelOrder, Crop, Flatten, NetworkOptions, Scaling, Shortcut},
    data::Image,
    eval::template::Mirror,
    run::{BareWeights, Preprocessing},
};
use facetui_worker::{
    embed::{Embedder, Images, kept::Wanted, model::ModelFile},
    model::{
        device,
        inference::InferenceNetwork,
        input::to_planes,
        pytorch::{StateDict, StateTensor, StateValues},
        weights::of_iresnet,
    },
};

use crate::support::{engines, has_onnx_runtime};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// The two pictures of the golden files: a formula, and the same with x and y exchanged.
pub fn pictures() -> [Image; 2] {
    let of = |pixel: &dyn Fn(u32, u32) -> [u32; 3]| Image {
        width: 112,
        height: 112,
        rgb: (0..112 * 112)
            .flat_map(|place| pixel(place % 112, place / 112).map(|value| (value % 256) as u8))
            .collect(),
    };
    let formula = |x: u32, y: u32| [2 * x, 2 * y, 7 * x + 3 * y];
    [of(&formula), of(&|x, y| formula(y, x))]
}

fn embed(embedder: &Embedder, images: &[Image]) -> Vec<Vec<f32>> {
    let images = Images {
        count: images.len(),
        image: &|place| Ok(images[place].clone()),
        name: &|place| place.to_string(),
    };
    let found = embedder.embed(&images, Mirror::None, &mut |_| {
        std::ops::ControlFlow::Continue(())
    });
    let (values, length) = found.unwrap();
    values.chunks(length).map(<[f32]>::to_vec).collect()
}

fn load(model: &str, asked: &Preprocessing) -> Embedder {
    let bare = BareWeights::default();
    let model = ModelFile::open(&golden(model), &bare).unwrap();
    model
        .load(asked, &bare, || panic!("an ONNX model needs no device"))
        .unwrap()
}

pub fn near(found: &[f32], expected: &[f32], room: f32) {
    assert_eq!(found.len(), expected.len());
    let size = expected
        .iter()
        .map(|value| value * value)
        .sum::<f32>()
        .sqrt();
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= room * size,
            "{found} {expected} of {size}"
        );
    }
}

#[test]
fn onnx_models_give_the_embeddings_that_onnx_runtime_gives() {
    if !has_onnx_runtime() {
        return;
    }
    let text = std::fs::read(golden("onnx/expected.json")).unwrap();
    let expected: BTreeMap<String, Vec<Vec<f32>>> = serde_json::from_slice(&text).unwrap();
    let from_zero = Preprocessing {
        channels: Some(ChannelOrder::Rgb),
        scaling: Some("0/255".parse().unwrap()),
        ..Preprocessing::default()
    };
    for (model, golden, asked) in [
        ("any", "any", Preprocessing::default()),
        ("one", "any", Preprocessing::default()),
        ("four", "any", Preprocessing::default()),
        ("narrow", "narrow", Preprocessing::default()),
        ("planes_last", "planes_last", from_zero),
    ] {
        let embedder = load(&format!("onnx/{model}.onnx"), &asked);
        // Five batches and a part of one, where four are taken at once.
        let many: Vec<Image> = (0..23).map(|place| pictures()[place % 2].clone()).collect();
        let found = embed(&embedder, &many);
        assert_eq!(found.len(), 23, "{model}");
        for (place, found) in found.iter().enumerate() {
            near(found, &expected[golden][place % 2], 1e-5);
        }
    }
}

#[test]
fn an_iresnet_gives_the_embeddings_that_pytorch_gives() {
    #[derive(serde::Deserialize)]
    struct Expected {
        embeddings: Vec<Vec<f32>>,
    }
    let text = std::fs::read(golden("iresnet/expected.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&text).unwrap();
    let described = of_iresnet(iresnet(""), &BareWeights::default()).unwrap();
    let network = &described.description.network;
    let asked: NetworkOptions = NetworkOptions {
        depth: 18,
        embedding: 512,
        shortcut: Shortcut::Projection,
        flatten: Flatten::Chw,
        batch_norm_epsilon: 1e-5,
        ..network.clone()
    };
    assert_eq!(*network, asked);
    let input = &described.description.input;
    assert_eq!(
        (input.crop, input.channels),
        (Crop::Full, ChannelOrder::Rgb)
    );
    assert_eq!(described.description.scaling, Scaling::ARCFACE_TORCH);
    let mut values = vec![0.0; 2 * 3 * 112 * 112];
    let bytes: Vec<u8> = pictures().into_iter().flat_map(|image| image.rgb).collect();
    to_planes(&bytes, 112 * 112, Scaling::ARCFACE_TORCH, &mut values);
    for (engine, device) in engines() {
        let network =
            InferenceNetwork::new(&described.tensors, "", network, input.crop, &device).unwrap();
        let found = network.embed(values.clone());
        for (found, expected) in found.chunks(512).zip(&expected.embeddings) {
            near(found, expected, 1e-5);
        }
        eprintln!("{engine}: equal");
    }
}

/// The state dict of `iresnet/make.py`, by its formula.
fn iresnet(prefix: &str) -> StateDict {
    let mut tensors = Vec::new();
    let mut add = |name: &str, shape: &[usize]| {
        let values = (0..shape.iter().product())
            .map(|place| weight(name, place, shape))
            .collect();
        tensors.push((
            format!("{prefix}{name}"),
            StateTensor {
                shape: shape.to_vec(),
                values: StateValues::Floats(values),
            },
        ));
    };
    let norm = |add: &mut dyn FnMut(&str, &[usize]), name: &str, width: usize| {
        for part in ["weight", "bias", "running_mean", "running_var"] {
            add(&format!("{name}.{part}"), &[width]);
        }
    };
    add("conv1.weight", &[64, 3, 3, 3]);
    norm(&mut add, "bn1", 64);
    add("prelu.weight", &[64]);
    let mut before = 64;
    for (stage, width) in (1..).zip([64, 128, 256, 512]) {
        for unit in 0..2 {
            let name = format!("layer{stage}.{unit}");
            norm(&mut add, &format!("{name}.bn1"), before);
            add(&format!("{name}.conv1.weight"), &[width, before, 3, 3]);
            norm(&mut add, &format!("{name}.bn2"), width);
            add(&format!("{name}.prelu.weight"), &[width]);
            add(&format!("{name}.conv2.weight"), &[width, width, 3, 3]);
            norm(&mut add, &format!("{name}.bn3"), width);
            if unit == 0 {
                add(
                    &format!("{name}.downsample.0.weight"),
                    &[width, before, 1, 1],
                );
                norm(&mut add, &format!("{name}.downsample.1"), width);
            }
            before = width;
        }
    }
    norm(&mut add, "bn2", 512);
    add("fc.weight", &[512, 512 * 49]);
    add("fc.bias", &[512]);
    norm(&mut add, "features", 512);
    tensors.push((
        format!("{prefix}features.num_batches_tracked"),
        StateTensor {
            shape: Vec::new(),
            values: StateValues::Integers(vec![0]),
        },
    ));
    StateDict { tensors }
}

fn weight(name: &str, place: usize, shape: &[usize]) -> f32 {
    let hash = name.bytes().fold(2_166_136_261_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    });
    let mixed = (place as u64 * 2_654_435_761 + u64::from(hash)) % (1 << 32);
    let u = mixed as f64 / f64::from(2.0_f32.powi(32));
    let value = match name.rsplit('.').next() {
        Some("running_var") => 0.7 + 0.6 * u,
        Some("bias" | "running_mean") => 0.2 * (u - 0.5),
        _ if name.contains("prelu") => 0.1 + 0.2 * u,
        _ if shape.len() == 1 => 0.8 + 0.4 * u,
        _ => {
            let fan = shape[1..].iter().product::<usize>() as f64;
            2.0 * (u - 0.5) * (3.0 / fan).sqrt()
        }
    };
    value as f32
}

#[test]
fn state_dicts_of_other_networks_are_refused_by_their_tensors() {
    let bare = BareWeights::default();
    let refused = |change: &dyn Fn(&mut StateDict)| {
        let mut state = iresnet("");
        change(&mut state);
        of_iresnet(state, &bare).unwrap_err()
    };
    // As a whole program saves it, behind a wrapper's name.
    assert!(of_iresnet(iresnet("module."), &bare).is_ok());
    let reason = refused(&|state| state.tensors.retain(|(name, _)| name != "conv1.weight"));
    assert!(reason.contains("no tensor conv1.weight"), "{reason}");
    let reason = refused(&|state| state.tensors.retain(|(name, _)| name != "fc.weight"));
    assert!(reason.contains("no tensor fc.weight"), "{reason}");
    let reason = refused(&|state| {
        state.tensors[0].0 = "layer1.0.se.fc.weight".to_owned();
        let stem = state.tensors[8].clone();
        state.tensors.push(("conv1.weight".to_owned(), stem.1));
    });
    assert!(reason.contains("layer1.0.se.fc.weight is none"), "{reason}");
    let reason = refused(&|state| {
        state
            .tensors
            .retain(|(name, _)| !name.starts_with("layer3.1."));
    });
    assert!(reason.contains("[2, 2, 1, 2] residual units"), "{reason}");
}

#[test]
fn whatever_decides_embeddings_is_in_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::copy(golden("onnx/any.onnx"), &path).unwrap();
    let bare = BareWeights::default();
    let key = |set: &str, mirror, asked: &Preprocessing| {
        let model = ModelFile::open(&path, &bare).unwrap();
        Wanted::new(&model, set.to_owned(), mirror, asked).key
    };
    let plain = Preprocessing::default();
    let first = key("set", Mirror::None, &plain);
    let usual = Preprocessing {
        channels: Some(ChannelOrder::Bgr),
        scaling: Some(Scaling::default()),
        ..plain.clone()
    };
    assert_eq!(key("set", Mirror::None, &usual), first, "said or not");

    let mut keys = vec![
        first,
        key("other", Mirror::None, &plain),
        key("set", Mirror::Sum, &plain),
        key("set", Mirror::Concat, &plain),
    ];
    let changes: [&dyn Fn(&mut Preprocessing); 5] = [
        &|asked| asked.channels = Some(ChannelOrder::Rgb),
        &|asked| asked.crop = Some(Crop::Reference),
        &|asked| asked.scaling = Some(Scaling::ARCFACE_TORCH),
        &|asked| asked.frames_per_video = Some(3),
        &|asked| asked.frames_per_video = Some(4),
    ];
    for change in changes {
        let mut asked = plain.clone();
        change(&mut asked);
        keys.push(key("set", Mirror::None, &asked));
    }
    std::fs::write(folder.path().join("model.onnx.data"), "beside it").unwrap();
    keys.push(key("set", Mirror::None, &plain));
    std::fs::copy(golden("onnx/one.onnx"), &path).unwrap();
    keys.push(key("set", Mirror::None, &plain));
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count, "each change is another key");
}

#[test]
fn a_device_is_opened_only_for_networks() {
    if has_onnx_runtime() {
        assert_eq!(
            load("onnx/any.onnx", &Preprocessing::default()).device,
            "ONNX Runtime (CPU)"
        );
    }
    assert!(device::open("flex".parse().unwrap()).is_ok());
}
