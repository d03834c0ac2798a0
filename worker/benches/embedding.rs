//! Images embedded in a second, beside PyTorch's eager mode with the same network and batch.
//!
//!     ./x bench embedding [ROUNDS] [BATCHES]
//!
//! The two take turns in one run; both use libtorch and as many threads as it takes by itself (`OMP_NUM_THREADS`).
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use facetui::config::Recipe;
use facetui_worker::model::{
    backbone::Backbone, device, inference::InferenceNetwork, initialise::initialise, parameters,
};

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

    let mut python =
        Command::new(std::env::var("FACETUI_BENCH_PYTHON").expect("./x bench sets it"))
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/embedding.py"))
            .args([batches, BATCH].map(|number| number.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python");
    let mut ask = python.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(python.stdout.take().expect("a pipe")).lines();
    let mut answer = || answers.next().expect("an answer").expect("text");
    println!(
        "PyTorch {} threads, IR-50, 112x96, batch {BATCH}, f32; folding took {folding:.2} s",
        answer()
    );

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let begun = Instant::now();
        for _ in 0..batches {
            network.embed(values.clone());
        }
        ours.push(images / begun.elapsed().as_secs_f64());
        ask.write_all(b"go\n").expect("a pipe");
        let seconds: f64 = answer().parse().expect("seconds");
        theirs.push(images / seconds);
        println!(
            "round {}: facetui {:.1}, PyTorch eager {:.1} images/s",
            round + 1,
            ours[round],
            theirs[round]
        );
    }
    drop(ask);
    python.wait().expect("its end");
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "median: facetui {ours:.1}, PyTorch eager {theirs:.1} images/s; ratio {:.2}",
        ours / theirs
    );
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
