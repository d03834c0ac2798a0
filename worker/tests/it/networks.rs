//! Networks against what PyTorch's own layers give with the same weights (`golden/networks/make.py`).

use std::collections::BTreeMap;

use burn::tensor::Device;
use facetui::config::{Architecture, Crop, NetworkOptions, Shortcut};
use facetui_worker::model::{
    backbone::{Backbone, input_size},
    embedding_network::EmbeddingNetwork,
    parameters::{HostTensor, NamedTensors, names_and_shapes},
};

use crate::support::engines;

#[test]
fn networks_give_the_embeddings_that_pytorch_gives() {
    let path = format!(
        "{}/tests/golden/networks/expected.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).unwrap();
    let expected: BTreeMap<String, Vec<Vec<f32>>> = serde_json::from_str(&text).unwrap();
    assert_eq!(expected.len(), 4);
    let mobile = NetworkOptions {
        architecture: Architecture::MobileFaceNet,
        embedding: 128,
        ..NetworkOptions::default()
    };
    let excited = NetworkOptions {
        depth: 32,
        shortcut: Shortcut::Projection,
        squeeze_excitation: true,
        ..NetworkOptions::default()
    };
    for (name, options) in [("mobile 128", mobile), ("se 32", excited)] {
        for crop in [Crop::Full, Crop::Reference] {
            for (engine, device) in engines() {
                let weights = weights(&options, crop);
                let network = EmbeddingNetwork::new(&weights, "", &options, crop, &device).unwrap();
                let found = network.embed(pictures(crop));
                let expected = expected[&format!("{name} {crop}")].concat();
                assert_eq!(found.len(), expected.len());
                let size = expected.iter().map(|v| v * v).sum::<f32>().sqrt();
                for (found, expected) in found.iter().zip(&expected) {
                    assert!(
                        (found - expected).abs() < 1e-5 * size,
                        "{name} {crop} on {engine}: {found}, expected {expected} of {size}"
                    );
                }
            }
        }
    }
}

/// The weights of `networks/make.py`, by its formula.
fn weights(options: &NetworkOptions, crop: Crop) -> NamedTensors {
    names_and_shapes(&Backbone::new(options, crop, &Device::flex()))
        .into_iter()
        .map(|(name, shape)| {
            let count: usize = shape.iter().product();
            let values = (0..count)
                .map(|place| weight(&name, place, &shape))
                .collect();
            (name, HostTensor { shape, values })
        })
        .collect()
}

fn weight(name: &str, place: usize, shape: &[usize]) -> f32 {
    let hash = name.bytes().fold(2_166_136_261_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    });
    let number = (place as u64 * 2_654_435_761 + u64::from(hash)) % (1 << 32);
    let u = number as f64 / f64::from(1_u32 << 31) / 2.0;
    let value = match name.rsplit('.').next().unwrap() {
        "running_var" => 0.7 + 0.6 * u,
        "bias" | "beta" | "running_mean" => 0.2 * (u - 0.5),
        "alpha" => 0.1 + 0.2 * u,
        "gamma" => 0.8 + 0.4 * u,
        _ => {
            let fan: usize = if shape.len() == 2 {
                shape[0]
            } else {
                shape[1..].iter().product()
            };
            2.0 * (u - 0.5) * (3.0 / fan as f64).sqrt()
        }
    };
    value as f32
}

/// The two pictures of `networks/make.py`, as network input.
fn pictures(crop: Crop) -> Vec<f32> {
    let [height, width] = input_size(crop);
    let mut values = Vec::new();
    for exchanged in [false, true] {
        for plane in 0..3 {
            for row in 0..height {
                for column in 0..width {
                    let (x, y) = if exchanged {
                        (row, column)
                    } else {
                        (column, row)
                    };
                    let value = [2 * x, 2 * y, 7 * x + 3 * y][plane] % 256;
                    values.push((value as f32 - 127.5) / 128.0);
                }
            }
        }
    }
    values
}
