//! How fast training images are loaded: our loader, a bare loop over the same JPEG decoder, and PyTorch's DataLoader.
//!
//! `./x bench loading [RECORDS]` draws faces, packs them as JPEG into a record file (or takes the given folder with
//! `train.rec` and `train.idx`) and measures all three in turn, several times over, so that what else the machine does
//! falls on all of them. Each takes images out of the same file in shuffled order, with two threads or worker processes.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at what fails"
)]

#[path = "support/median.rs"]
mod median;
#[path = "support/python.rs"]
mod python;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use facetui::config::{AugmentOptions, ChannelOrder, Crop, WrongSize};
use facetui::data::recordio::RecordWriter;
use facetui::data::synthetic::face;
use facetui::data::{
    BatchOrder, Combined, CombinedSet, Image, Loader, LoaderOptions, TrainingImages,
};
use rayon::prelude::*;

use median::median;
use python::Python;

const PEOPLE: u64 = 64;
const IMAGES_OF_EACH: u64 = 64;
/// Without colours at half size, as our encoder writes, this makes files as long as those of real sets: 6 kB.
const QUALITY: u8 = 90;
const THREADS: usize = 2;
const BATCH: usize = 128;
/// Images that one measurement takes.
const IMAGES: usize = 96 * BATCH;
/// Batches before that, so that what is prepared ahead of the consumer weighs neither for nor against anybody.
const BEFORE: usize = 8;
const ROUNDS: usize = 9;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    // `cargo bench` adds an argument of its own.
    let given = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let records = given.map_or_else(|| draw(folder.path()), PathBuf::from);
    let set = CombinedSet {
        name: "faces".to_owned(),
        images: TrainingImages::open_records(&records).unwrap(),
        weight: -1.0,
        balanced: false,
    };
    let files = jpegs(&set.images);
    let bytes: usize = files.iter().map(Vec::len).sum();
    println!(
        "{} JPEG of {} bytes on average; {IMAGES} images a measurement, batches of {BATCH}, {THREADS} threads; load {}",
        files.len(),
        bytes / files.len(),
        std::fs::read_to_string("/proc/loadavg")
            .unwrap_or_default()
            .trim()
    );
    let sets = Arc::new(Combined::new(vec![set], None).unwrap());
    let files_of_set = ["train.rec", "train.idx"].map(|name| records.join(name).into_os_string());
    let numbers = [BATCH, THREADS, IMAGES, BEFORE].map(|number| number.to_string().into());
    let words = files_of_set.into_iter().chain(numbers);
    let mut python = Python::start("loading.py", words);
    if let Some(python) = &python {
        println!("PyTorch's side: {}", python.name);
    }

    let mut speeds: [Vec<f64>; 3] = Default::default();
    for round in 0..=ROUNDS {
        let measured = [
            Some(loader(&sets, round)),
            Some(bare(&files)),
            python
                .as_mut()
                .map(|python| IMAGES as f64 / python.measure("go")[0]),
        ];
        // The first round only warms up.
        if round == 0 {
            continue;
        }
        for (speeds, speed) in speeds.iter_mut().zip(measured) {
            speeds.extend(speed);
        }
    }
    let [ours, bare, python] = &speeds;
    println!("images a second, median of {ROUNDS} (lowest to highest):");
    for (name, speeds) in [
        (
            "our loader: read, decode, crop, mirror, order planes, batch",
            ours,
        ),
        (
            "bare loop: decode alone, the same decoder, from memory",
            bare,
        ),
        ("PyTorch DataLoader, OpenCV decode: the same work", python),
    ] {
        match speeds.as_slice() {
            [] => println!("  {name:60} not measured"),
            _ => println!(
                "  {name:60} {:7.0}  ({:.0} to {:.0})",
                median(speeds.iter().copied()),
                speeds.iter().copied().fold(f64::INFINITY, f64::min),
                speeds.iter().copied().fold(0.0, f64::max)
            ),
        }
    }
    for (name, other, wanted) in [("the bare loop", bare, 0.9), ("PyTorch", python, 1.5)] {
        if !other.is_empty() {
            let ratios = ours.iter().zip(other).map(|(ours, other)| ours / other);
            println!(
                "our loader is {:.2} times {name}, by the median of each round's ratio (wanted: at least {wanted})",
                median(ratios)
            );
        }
    }
}

fn draw(folder: &Path) -> PathBuf {
    let faces: Vec<Vec<u8>> = (0..PEOPLE * IMAGES_OF_EACH)
        .into_par_iter()
        .map(|number| {
            face(1, number / IMAGES_OF_EACH, number % IMAGES_OF_EACH)
                .to_jpeg(QUALITY)
                .unwrap()
        })
        .collect();
    let mut writer = RecordWriter::new(Vec::new());
    for (key, face) in faces.iter().enumerate() {
        let label = key as u64 / IMAGES_OF_EACH;
        writer.write_image(key as u64, label as f32, face).unwrap();
    }
    std::fs::write(folder.join("train.rec"), writer.finish().unwrap().0).unwrap();
    folder.to_owned()
}

/// The image files out of the records.
fn jpegs(set: &TrainingImages) -> Vec<Vec<u8>> {
    (0..set.len())
        .map(|index| {
            let mut bytes = Vec::new();
            let start = set.read_bytes(index, &mut bytes).unwrap();
            bytes.split_off(start)
        })
        .collect()
}

/// Images a second of our loader, in the midst of its work.
fn loader(sets: &Arc<Combined>, round: usize) -> f64 {
    let options = LoaderOptions {
        crop: Crop::Reference,
        channels: ChannelOrder::Bgr,
        mirror: true,
        wrong_size: WrongSize::Resize,
        augment: AugmentOptions::default(),
        batch_size: BATCH,
        seed: round as u64,
        threads: THREADS,
        queue: 4,
        max_broken: 0,
        order: BatchOrder::Images,
    };
    let mut loader = Loader::start(Arc::clone(sets), options, 0).unwrap();
    let mut take = |batches: usize| {
        for _ in 0..batches {
            let batch = loader.next().unwrap();
            assert_eq!(batch.images.len(), BATCH * 112 * 96 * 3);
            loader.give_back(batch);
        }
    };
    take(BEFORE);
    let begun = Instant::now();
    take(IMAGES / BATCH);
    IMAGES as f64 / begun.elapsed().as_secs_f64()
}

/// Images a second of threads that do nothing but decode.
fn bare(files: &[Vec<u8>]) -> f64 {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut image = Image::default();
                loop {
                    let start = next.fetch_add(BATCH, Ordering::Relaxed);
                    if start >= IMAGES {
                        break;
                    }
                    for number in start..start + BATCH {
                        image
                            .decode_again(&files[number % files.len()], "")
                            .unwrap();
                    }
                }
            });
        }
    });
    IMAGES as f64 / begun.elapsed().as_secs_f64()
}
