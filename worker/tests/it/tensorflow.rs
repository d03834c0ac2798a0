//! Checkpoints that TensorFlow wrote (`tests/golden/tensorflow/make.py`), and what is no such checkpoint.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use facetui::{
    config::{ChannelOrder, Crop, Flatten, Scaling, Shortcut},
    run::{BareWeights, JournalEvent, RunState, Work, masked_crc32c},
};
use facetui_worker::{
    embed::model::ModelFile,
    model::{
        input::to_planes,
        pytorch::StateValues,
        tensorflow::TensorflowCheckpoint,
        weights::{CLASS_WEIGHTS, DescribedWeights, Parts, open_tensorflow},
    },
};
use serde::Deserialize;
use tempfile::TempDir;

use crate::{
    models::{near, pictures},
    support::{Worker, engines, tiny_data, tiny_recipe, training_run},
};

#[derive(Deserialize)]
struct Expected {
    embeddings: Vec<Vec<f32>>,
    class_weights: Vec<Vec<f32>>,
    kinds: BTreeMap<String, Tensor>,
    many: Many,
}

#[derive(Deserialize)]
struct Tensor {
    shape: Vec<usize>,
    values: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct Many {
    first: String,
    last: String,
    count: usize,
}

fn golden(name: &str) -> PathBuf {
    Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/tensorflow"
    ))
    .join(name)
}

fn expected() -> Expected {
    serde_json::from_slice(&fs::read(golden("expected.json")).unwrap()).unwrap()
}

/// The files of a checkpoint in a folder of their own, unpacked.
fn unpacked(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(golden("")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        if !file.starts_with(&format!("{name}.")) {
            continue;
        }
        match file.strip_suffix(".gz") {
            Some(plain) => {
                let packed = fs::File::open(&path).unwrap();
                let mut out = fs::File::create(folder.path().join(plain)).unwrap();
                std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut out).unwrap();
            }
            None => {
                fs::copy(&path, folder.path().join(file)).unwrap();
            }
        }
    }
    let index = folder.path().join(format!("{name}.index"));
    (folder, index)
}

#[test]
fn every_type_and_shard_is_read_as_tensorflow_wrote_it() {
    let checkpoint = TensorflowCheckpoint::open(&golden("kinds.index")).unwrap();
    let kinds = expected().kinds;
    let names: Vec<&str> = checkpoint.shapes().map(|(name, _)| name).collect();
    assert_eq!(names.len(), kinds.len() + 1, "the text too: {names:?}");
    for (name, expected) in &kinds {
        let found = checkpoint.read(name).unwrap();
        assert_eq!(found.shape, expected.shape, "{name}");
        let infinity = |value: &Option<f64>| value.unwrap_or(f64::INFINITY);
        match found.values {
            StateValues::Floats(values) => {
                let wanted: Vec<f32> = expected.values.iter().map(|n| infinity(n) as f32).collect();
                assert_eq!(values, wanted, "{name}");
            }
            StateValues::Integers(values) => {
                let wanted: Vec<i64> = expected.values.iter().map(|n| infinity(n) as i64).collect();
                assert_eq!(values, wanted, "{name}");
                assert!(name.starts_with("int"));
            }
        }
    }
    let refused = |name: &str| checkpoint.read(name).unwrap_err().to_string();
    assert!(refused("text").contains("tensor text: it holds no numbers (type 7)"));
    assert!(refused("nothing").contains("tensor nothing: the checkpoint has none"));
}

#[test]
fn an_index_of_several_blocks_is_read_whole() {
    let (_folder, index) = unpacked("many");
    let checkpoint = TensorflowCheckpoint::open(&index).unwrap();
    let Many { first, last, count } = expected().many;
    let names: Vec<&str> = checkpoint.shapes().map(|(name, _)| name).collect();
    assert_eq!(
        (names.len(), names[0], names[count - 1]),
        (count, first.as_str(), last.as_str())
    );
    for place in [0, 1, 1499, count - 1] {
        let value = StateValues::Floats(vec![place as f32]);
        assert_eq!(checkpoint.read(names[place]).unwrap().values, value);
    }
}

#[test]
fn variables_in_parts_and_what_tensorflow_2_adds() {
    let parted = TensorflowCheckpoint::open(&golden("parted.index")).unwrap();
    let names: Vec<_> = parted.shapes().collect();
    assert_eq!(names, [("matrix", &[4, 2][..])]);
    let message = parted.read("matrix").unwrap_err().to_string();
    assert!(
        message.contains("tensor matrix: it is stored in parts"),
        "{message}"
    );

    let object = TensorflowCheckpoint::open(&golden("object.index")).unwrap();
    let weight = object.read("weight/.ATTRIBUTES/VARIABLE_VALUE").unwrap();
    assert_eq!(weight.values, StateValues::Floats(vec![1.0, 2.0]));
}

/// The pictures as the reference feeds them: BGR, columns 8 to 104, (x − 127.5)/128.
fn reference_input() -> Vec<f32> {
    let bytes: Vec<u8> = pictures()
        .iter()
        .flat_map(|image| {
            image.rgb.chunks_exact(3 * 112).flat_map(|row| {
                let cropped = row[3 * 8..3 * 104].chunks_exact(3);
                cropped
                    .flat_map(|pixel| [pixel[2], pixel[1], pixel[0]])
                    .collect::<Vec<u8>>()
            })
        })
        .collect();
    let mut values = vec![0.0; bytes.len()];
    to_planes(&bytes, 112 * 96, Scaling::default(), &mut values);
    values
}

#[test]
fn a_checkpoint_of_the_reference_embeds_as_in_tensorflow() {
    let (_folder, index) = unpacked("narrow");
    let expected = expected();
    let bare = BareWeights::default();
    let model = ModelFile::open(&index, &bare).unwrap();
    let weights = model.weights(&bare, Parts::WithClassWeights).unwrap();
    let description = &weights.description;
    let network = &description.network;
    assert_eq!(
        (
            network.depth,
            network.embedding,
            network.shortcut,
            network.flatten
        ),
        (32, 64, Shortcut::Subsample, Flatten::Hwc)
    );
    assert_eq!(network.batch_norm_epsilon.to_bits(), 2e-5_f64.to_bits());
    assert_eq!(
        (
            description.input.crop,
            description.input.channels,
            description.scaling
        ),
        (Crop::Reference, ChannelOrder::Bgr, Scaling::default())
    );
    let provenance: Vec<_> = description
        .provenance
        .iter()
        .map(|(k, v)| format!("{k} {v}"))
        .collect();
    assert_eq!(
        provenance,
        ["classes 7", "global step 516000", "scope resnet_v1_32"]
    );

    let classes = &weights.tensors[CLASS_WEIGHTS];
    assert_eq!(classes.shape, [7, 64]);
    for (class, row) in classes.values.chunks(64).enumerate() {
        let wanted: Vec<f32> = expected
            .class_weights
            .iter()
            .map(|row| row[class])
            .collect();
        assert_eq!(row, wanted);
    }
    let backbone = open_tensorflow(&index, &bare, Parts::Backbone).unwrap();
    assert!(!backbone.tensors.contains_key(CLASS_WEIGHTS));

    for (engine, device) in engines() {
        let network = model.network(&backbone, Crop::Reference, &device).unwrap();
        let found = network.embed(reference_input());
        for (found, expected) in found.chunks(64).zip(&expected.embeddings) {
            near(found, expected, 1e-5);
        }
        eprintln!("{engine}: equal");
    }
    let info = model.info(&bare).unwrap();
    assert_eq!(info.form, "TensorFlow checkpoint");
    assert_eq!(info.network.as_ref(), Some(network));
    assert!(info.input.assumed);
    // 3x3 and 1x1 kernels, gammas and betas, slopes, the matrix with its bias: counted by hand from the layout.
    let units = |count: u64, before: u64, width: u64| {
        let unit = |before: u64| {
            2 * before + 9 * before * width + 2 * width + width + 9 * width * width + 2 * width
        };
        let projection = if before == width {
            0
        } else {
            before * width + 2 * width
        };
        unit(before) + projection + (count - 1) * unit(width)
    };
    let stages = units(3, 16, 16) + units(3, 16, 32) + units(6, 32, 64) + units(3, 64, 128);
    let parameters = 27 * 16 + 3 * 16 + stages + 2 * 128 + 128 * 42 * 64 + 64 + 2 * 64;
    assert_eq!(info.parameters, Some(parameters));
}

#[test]
fn tensors_that_do_not_fit_are_named_as_in_the_file() {
    let (_folder, index) = unpacked("narrow");
    let bare = BareWeights::default();
    let model = ModelFile::open(&index, &bare).unwrap();
    let weights = model.weights(&bare, Parts::Backbone).unwrap();
    let refused = |weights: &DescribedWeights, crop| {
        let device = burn::tensor::Device::flex();
        model
            .network(weights, crop, &device)
            .unwrap_err()
            .to_string()
    };
    let message = refused(&weights, Crop::Full);
    for part in [
        "narrow.index",
        "backbone.output.dense.weight (resnet_v1_32/E_DenseLayer/W in the file)",
        "has shape [5376, 64], the network expects [6272, 64]",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let mut weights = weights;
    if let Some(tensor) = weights.tensors.get_mut("backbone.units.3.norm.beta") {
        tensor.values[5] = f32::NAN;
    }
    let message = refused(&weights, Crop::Reference);
    let name = "resnet_v1_32/block2/unit_1/bottleneck_v1/conv1_bn1/beta in the file) holds NaN";
    assert!(message.contains(name), "{message}");

    for (name, part) in [
        ("kinds", "it has no variable resnet_v1_50/conv1/W_conv2d"),
        ("object", "it has no variable resnet_v1_50/conv1/W_conv2d"),
    ] {
        let message = ModelFile::open(&golden(&format!("{name}.index")), &bare).unwrap_err();
        assert!(message.to_string().contains(part), "{message}");
    }
}

#[test]
fn files_that_are_missing_cut_or_damaged_are_told() {
    let (folder, index) = unpacked("kinds");
    let open = || TensorflowCheckpoint::open(&index).map_err(|error| error.to_string());
    let whole = fs::read(&index).unwrap();
    for length in 0..whole.len() {
        fs::write(&index, &whole[..length]).unwrap();
        assert!(open().is_err(), "cut at {length}");
    }
    fs::write(
        &index,
        "no index at all, but long enough that a footer would fit into it",
    )
    .unwrap();
    assert!(
        open()
            .unwrap_err()
            .contains("doesn't end as TensorFlow's indexes do")
    );
    fs::write(&index, &whole).unwrap();

    let shard = folder.path().join("kinds.data-00001-of-00002");
    let numbers = fs::read(&shard).unwrap();
    for length in 0..numbers.len() {
        fs::write(&shard, &numbers[..length]).unwrap();
        assert!(
            open().unwrap_err().contains("which is cut short"),
            "cut at {length}"
        );
    }
    let mut damaged = numbers.clone();
    damaged[13] ^= 1;
    fs::write(&shard, &damaged).unwrap();
    let message = open().unwrap().read("half").unwrap_err().to_string();
    assert!(
        message.contains("tensor half: its numbers have another checksum"),
        "{message}"
    );
    fs::remove_file(&shard).unwrap();
    assert!(open().unwrap_err().contains("kinds.data-00001-of-00002"));
}

/// A changed byte is an error or changes nothing that is read; behind a checksum that was made to fit it gives an error
/// or another checkpoint, never a panic.
#[test]
fn changed_bytes_never_panic() {
    let (_folder, index) = unpacked("kinds");
    let whole = fs::read(&index).unwrap();
    let read = || {
        let checkpoint = TensorflowCheckpoint::open(&index).ok()?;
        let names: Vec<_> = checkpoint
            .shapes()
            .map(|(name, _)| name.to_owned())
            .collect();
        Some(
            names
                .iter()
                .filter_map(|name| checkpoint.read(name).ok())
                .count(),
        )
    };
    let tensors = read();
    assert_eq!(tensors, Some(8), "all but the text");
    // The block of notes follows the block of entries; its place is the footer's first number, of two bytes.
    let notes = &whole[whole.len() - 48..];
    assert!(notes[0] >= 0x80 && notes[1] < 0x80);
    let length = usize::from(notes[0] & 0x7f) + 128 * usize::from(notes[1]) - 5;
    for place in 0..whole.len() {
        for change in [0x01, 0x02, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] ^= change;
            fs::write(&index, &bytes).unwrap();
            let found = read();
            assert!(
                found.is_none() || found == tensors,
                "byte {place} by {change:#x}"
            );
            if place < length {
                let sum = masked_crc32c(crc32c::crc32c(&bytes[..=length]));
                bytes[length + 1..length + 5].copy_from_slice(&sum.to_le_bytes());
                fs::write(&index, &bytes).unwrap();
                read();
            }
        }
    }
}

#[test]
fn a_training_starts_from_a_checkpoint_of_the_reference() {
    let (_checkpoint, index) = unpacked("narrow");
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let recipe =
        tiny_recipe("margin-centre", 1, "").replace("depth = 32", "depth = 32\nembedding = 64");
    let run = training_run(folder.path(), "from-tensorflow", "flex", &recipe);
    let mut job = run.job().unwrap();
    job.work = Work::Train {
        from: Some(index),
        auto_batch: false,
    };
    run.save_job(&job).unwrap();
    assert_eq!(Worker::start(&run).wait(), Some(0), "{:?}", run.log_tail(5));
    assert_eq!(run.status().unwrap().state, RunState::Finished);
    let told: Vec<String> = run
        .journal_tail()
        .poll()
        .unwrap()
        .into_iter()
        .filter_map(|entry| match entry.what {
            JournalEvent::Note { message } => Some(message),
            _ => None,
        })
        .collect();
    let wanted = "narrow.index; the class weights start afresh";
    assert!(told.iter().any(|note| note.contains(wanted)), "{told:?}");
}
