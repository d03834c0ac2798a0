//! The detector and the transform against facenet-pytorch and scikit-image (`tests/golden/faces/make.py`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use facetui::data::Image;
use facetui_worker::align::{Detection, Detector, DetectorOptions, Similarity, aligned};
use serde::Deserialize;

use crate::support::{detector_weights, engines, shared};

fn golden(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/faces")).join(name)
}

#[derive(Deserialize)]
struct Golden {
    scenes: BTreeMap<String, BTreeMap<u32, Vec<Face>>>,
    transforms: Vec<Transform>,
}

#[derive(Deserialize)]
struct Face {
    #[serde(rename = "box")]
    bounds: [f32; 4],
    score: f32,
    landmarks: [[f32; 2]; 5],
}

#[derive(Deserialize)]
struct Transform {
    scene: String,
    landmarks: [[f32; 2]; 5],
    matrix: [[f64; 3]; 2],
    face: String,
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&std::fs::read_to_string(golden(name)).unwrap()).unwrap()
}

fn detector(weights: &Path, device: &burn::tensor::Device, min_face: u32) -> Detector {
    let options = DetectorOptions {
        min_face,
        threshold: 0.7,
    };
    Detector::load(weights, device, options).unwrap()
}

/// The largest difference of any edge or landmark, in pixels; the faces must be as many, in the same order.
fn difference(name: &str, found: &[Detection], expected: &[Face]) -> f32 {
    assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
    let mut largest = 0.0_f32;
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found.score - expected.score).abs() < 1e-3,
            "{name}: score {} instead of {}",
            found.score,
            expected.score
        );
        let bounds = found.bounds;
        let edges = [bounds.left, bounds.top, bounds.right, bounds.bottom];
        let edges = edges.iter().zip(&expected.bounds);
        let points = found.landmarks.as_flattened().iter();
        for (found, expected) in edges.chain(points.zip(expected.landmarks.as_flattened())) {
            largest = largest.max((found - expected).abs());
        }
    }
    largest
}

#[test]
fn faces_are_found_where_facenet_pytorch_finds_them() {
    let Some(weights) = detector_weights() else {
        return;
    };
    let golden_values: Golden = read("expected.json");
    assert_eq!(golden_values.scenes.len(), 4);
    for (engine, device) in engines() {
        for (name, sizes) in &golden_values.scenes {
            let image = Image::open(&golden(name)).unwrap();
            for (min_face, expected) in sizes {
                let found = detector(&weights, &device, *min_face).detect(&image);
                let difference = difference(name, &found, expected);
                println!("{engine} {name} {min_face}: {difference} px");
                assert!(difference < 0.05, "{engine} {name}: {difference} px off");
            }
        }
    }
}

/// The same on photographs, which are not in the project.
#[test]
fn faces_of_photographs_are_found_where_facenet_pytorch_finds_them() {
    let (Some(weights), Some(folder)) = (detector_weights(), shared("data/video")) else {
        return;
    };
    const SURE: f32 = 0.95;
    let mut pictures: BTreeMap<String, Vec<Face>> = read("pictures.json");
    for faces in pictures.values_mut() {
        faces.retain(|face| face.score > SURE);
    }
    for (engine, device) in engines() {
        let detector = detector(&weights, &device, 20);
        for (name, expected) in &pictures {
            let image = Image::open(&folder.join(name)).unwrap();
            let mut found = detector.detect(&image);
            // JPEG decoders differ by a level of grey here and there, which moves the score of what is hardly a face.
            found.retain(|face| face.score > SURE);
            let difference = difference(name, &found, expected);
            println!("{engine} {name}: {difference} px");
            assert!(difference < 0.5, "{engine} {name}: {difference} px off");
        }
    }
}

#[test]
fn transforms_and_faces_are_those_of_scikit_image() {
    let golden_values: Golden = read("expected.json");
    assert!(!golden_values.transforms.is_empty());
    for case in &golden_values.transforms {
        let image = Image::open(&golden(&case.scene)).unwrap();
        let [[a, minus_b, c], [b, also_a, d]] = case.matrix;
        assert!((a - also_a).abs() < 1e-9 && (b + minus_b).abs() < 1e-9);
        let expected = Similarity { a, b, c, d }.face(&image);
        let found = aligned(&image, &case.landmarks, 0.0).unwrap();
        let face = Image::open(&golden(&case.face)).unwrap();
        for other in [&expected, &face] {
            let largest = found
                .rgb
                .iter()
                .zip(&other.rgb)
                .map(|(a, b)| a.abs_diff(*b));
            let largest = largest.max().unwrap();
            assert!(largest <= 1, "{}: {largest} levels off", case.face);
        }
    }
}

#[test]
fn weights_that_are_not_the_detectors_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let load = || {
        let device = burn::tensor::Device::flex();
        let options = DetectorOptions {
            min_face: 20,
            threshold: 0.7,
        };
        Detector::load(folder.path(), &device, options)
            .err()
            .unwrap()
    };
    let message = load().to_string();
    assert!(
        message.contains("pnet.pt") && message.contains("./x setup detector"),
        "{message}"
    );
    let other = golden("../pytorch/plain.pt");
    std::fs::copy(other, folder.path().join("pnet.pt")).unwrap();
    let message = load().to_string();
    assert!(
        message.contains("pnet.pt: the tensor conv1.weight"),
        "{message}"
    );
}
