//! Training steps, beside PyTorch's eager mode with the same network, batch, loss and optimiser.
//!
//!     ./x bench training [ROUNDS] [STEPS] [f32|bf16|f16] [contiguous|channels-last]
//!
//! The two take turns in one run, each waiting while the other computes; both use libtorch and as many threads as it
//! takes by itself (`OMP_NUM_THREADS`). Batches lie in memory: no loader has a part in it.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used)]

#[path = "../../benches/support/median.rs"]
mod median;
#[path = "../../benches/support/python.rs"]
mod python;

use std::{path::Path, time::Instant};

use facetui::{config::Recipe, data::Batch};
use facetui_worker::{
    model::device,
    train::{auto_batch::peak_bytes, trainer::Trainer},
};

use median::median;
use python::Python;

const BATCH: usize = 32;
const CLASSES: usize = 1000;

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    let of = |place: usize, default| numbers.get(place).copied().unwrap_or(default);
    let (rounds, steps) = (of(0, 5), of(1, 2));
    let images = (steps * BATCH) as f64;

    let word = |known: &[&str]| std::env::args().find(|word| known.contains(&word.as_str()));
    let precision = word(&["f32", "bf16", "f16"]).unwrap_or_else(|| "f32".to_owned());
    // PyTorch's order of memory: its usual one unless told; ours is always channels-last.
    let order = word(&["contiguous", "channels-last"]).unwrap_or_else(|| "contiguous".to_owned());

    let numbers = [steps, BATCH, CLASSES].map(|number| number.to_string());
    let words = numbers
        .into_iter()
        .chain([precision.clone(), order.clone()]);
    let mut peer = Python::start("training.py", words).expect("PyTorch");
    println!(
        "PyTorch {} threads, IR-50, 112x96, batch {BATCH}, {CLASSES} classes, {precision}; PyTorch {order}",
        peer.name
    );
    let mut training = Training::start(&precision);
    training.steps(1);

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut peak_of_theirs = f64::NAN;
    for round in 1..=rounds {
        let begun = Instant::now();
        training.steps(steps);
        let own = images / begun.elapsed().as_secs_f64();
        let answer = peer.measure("go");
        let other = images / answer[0];
        peak_of_theirs = answer[1];
        println!("round {round}: facetui {own:.2}, PyTorch eager {other:.2} images/s");
        ours.push(own);
        theirs.push(other);
    }
    let ratios = ours.iter().zip(&theirs).map(|(own, other)| own / other);
    println!(
        "median: facetui {:.2}, PyTorch eager {:.2} images/s; ratio of the rounds {:.2}",
        median(ours.iter().copied()),
        median(theirs.iter().copied()),
        median(ratios)
    );
    let own = peak_bytes().map_or(f64::NAN, |bytes| bytes as f64 / 1e9);
    println!(
        "peak memory: facetui {own:.2}, PyTorch eager {peak_of_theirs:.2} GB; ratio {:.2}",
        own / peak_of_theirs
    );
}

/// Our side.
struct Training {
    recipe: Recipe,
    trainer: Trainer,
    batch: Batch,
    step: u64,
}

impl Training {
    fn start(precision: &str) -> Self {
        let recipe = format!(
            "steps = 1000\nbatch_size = {BATCH}\nprecision = \"{precision}\"\nmemory_format = \"channels-last\"\n[[datasets]]\nname = \"none\"\n[network]\ndepth = 50\n"
        );
        let recipe = Recipe::parse(&recipe, Path::new("bench.toml")).expect("a sound recipe");
        let device = device::open("cpu".parse().expect("a device's name")).expect("LibTorch");
        Self {
            trainer: Trainer::new(&recipe, CLASSES, &device.device),
            batch: Batch {
                step: 0,
                epoch: 0,
                images: (0..BATCH * 112 * 96 * 3)
                    .map(|place| (place * 7919 % 256) as u8)
                    .collect(),
                height: 112,
                width: 96,
                labels: (0..BATCH as u32).collect(),
                indices: vec![0; BATCH],
                broken: Vec::new(),
                sets: Vec::new(),
            },
            recipe,
            step: 0,
        }
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.trainer
                .step(&self.recipe, self.step, &self.batch)
                .expect("finite numbers");
            self.step += 1;
        }
    }
}
