//! Images embedded in a second, beside PyTorch's eager mode with the same network and batch, and beside ONNX Runtime with
//! the model that is written for it.
//!
//!     ./x bench embedding [ROUNDS] [BATCHES]
//!
//! They take turns in one run, each with as many threads as it takes by itself (`OMP_NUM_THREADS`).
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used)]

#[path = "../../benches/support/median.rs"]
mod median;
#[path = "../../benches/support/python.rs"]
mod python;

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path, time::Instant};

use facetui::config::{Recipe, Scaling};
use facetui_worker::model::{
    backbone::Backbone, device, inference::InferenceNetwork, initialise::initialise, onnx_export,
    parameters, weights::Description,
};

use median::median;
use python::Python;

const BATCH: usize = 32;

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    let of = |place: usize, default| numbers.get(place).copied().unwrap_or(default);
    let (rounds, batches) = (of(0, 5), of(1, 3));
    let images = (batches * BATCH) as f64;

    let recipe = "steps = 1\n[[datasets]]\nname = \"none\"\n[network]\ndepth = 50\n";
    let recipe = Recipe::parse(recipe, Path::new("bench.toml")).expect("a sound recipe");
    let (options, crop) = (&recipe.network, recipe.input.crop);
    let device = device::open("cpu".parse().expect("a device's name")).expect("LibTorch");
    let backbone = initialise(Backbone::new(options, crop, &device.device), 1, options);
    let begun = Instant::now();
    let network = InferenceNetwork::new(
        &parameters::snapshot(&backbone),
        "",
        options,
        crop,
        &device.device,
    )
    .expect("sound weights");
    let folding = begun.elapsed().as_secs_f64();
    let values: Vec<f32> = (0..BATCH * 3 * 112 * 96)
        .map(|place| (place % 255) as f32 / 127.5 - 1.0)
        .collect();
    network.embed(values.clone());

    let folder = tempfile::tempdir().expect("a folder");
    let model = folder.path().join("ir-50.onnx");
    let description = Description {
        network: options.clone(),
        input: recipe.input.clone(),
        scaling: Scaling::default(),
        provenance: BTreeMap::new(),
    };
    let bytes = onnx_export::to_onnx(&network, &description).expect("a model");
    fs::write(&model, bytes).expect("a file");

    let mut peers = [None, Some(model)].map(|model| {
        let numbers = [batches, BATCH].map(|number| OsString::from(number.to_string()));
        let words = numbers.into_iter().chain(model.map(OsString::from));
        Python::start("embedding.py", words).expect("PyTorch and ONNX Runtime")
    });
    println!("IR-50, 112x96, batch {BATCH}, f32; folding took {folding:.2} s");
    let mut ours = Vec::new();
    let mut theirs = [Vec::new(), Vec::new()];
    for round in 1..=rounds {
        let begun = Instant::now();
        for _ in 0..batches {
            network.embed(values.clone());
        }
        ours.push(images / begun.elapsed().as_secs_f64());
        for (peer, theirs) in peers.iter_mut().zip(&mut theirs) {
            theirs.push(images / peer.measure("go")[0]);
        }
        let [pytorch, onnx] = [0, 1].map(|peer: usize| theirs[peer][round - 1]);
        println!(
            "round {round}: facetui {:.1}, PyTorch {pytorch:.1}, ONNX Runtime {onnx:.1} images/s",
            ours[round - 1]
        );
    }
    for (peer, theirs) in peers.iter().zip(theirs) {
        let ratios = ours.iter().zip(&theirs).map(|(own, other)| own / other);
        let ratio = median(ratios);
        println!(
            "median: facetui {:.1}, {} {:.1} images/s; ratio of the rounds {ratio:.2}",
            median(ours.clone()),
            peer.name,
            median(theirs.clone()),
        );
    }
}
