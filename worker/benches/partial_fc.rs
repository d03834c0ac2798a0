//! Time and memory of a step with very many classes, of which a sample takes part.
//!
//!     ./x bench partial_fc [CLASSES] [FRACTION] [BATCH] [STEPS]
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used)]

use std::{path::Path, time::Instant};

use facetui::{config::Recipe, data::Batch};
use facetui_worker::{
    model::device,
    train::{auto_batch::peak_bytes, trainer::Trainer},
};

fn main() {
    let numbers: Vec<f64> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    let of = |place: usize, default: f64| numbers.get(place).copied().unwrap_or(default);
    let (classes, fraction) = (of(0, 1e6) as usize, of(1, 0.1));
    let (batch_size, steps) = (of(2, 64.0) as usize, of(3, 5.0) as u64);
    let text = format!(
        "steps = 1000\nbatch_size = {batch_size}\n[[datasets]]\nname = \"none\"\n[network]\ndepth = 32\n\
         [loss]\nsample_fraction = {fraction:?}\n"
    );
    let recipe = Recipe::parse(&text, Path::new("bench.toml")).expect("a sound recipe");
    let device = device::open("auto".parse().expect("a device's name")).expect("a device");
    let gigabytes = || peak_bytes().map_or(f64::NAN, |bytes| bytes as f64 / 1e9);
    println!(
        "{classes} classes x {}, a share of {fraction}, batch {batch_size}, depth 32, {}",
        recipe.network.embedding, device.name
    );
    let mut trainer = Trainer::new(&recipe, classes, &device.device);
    println!("  start values            peak {:5.2} GB", gigabytes());
    for step in 0..steps {
        let batch = Batch {
            step,
            epoch: 0,
            images: (0..batch_size * 112 * 96 * 3)
                .map(|place| ((place * 31 + step as usize) % 251) as u8)
                .collect(),
            height: 112,
            width: 96,
            labels: (0..batch_size as u64)
                .map(|image| ((image * 7919 + step * 104_729) % classes as u64) as u32)
                .collect(),
            indices: vec![0; batch_size],
            broken: Vec::new(),
            sets: Vec::new(),
        };
        let begun = Instant::now();
        let record = trainer.step(&recipe, step, &batch).expect("finite numbers");
        let loss = record.scalars.first().map_or(f64::NAN, |(_, value)| *value);
        println!(
            "  step {step:3} {:8.2} s      peak {:5.2} GB   loss/margin {loss:.3}",
            begun.elapsed().as_secs_f64(),
            gigabytes()
        );
    }
}
