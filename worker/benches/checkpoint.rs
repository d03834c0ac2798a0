//! What a checkpoint costs a training: the steps after one, while it is written, beside plain steps.
//!
//!     ./x bench checkpoint [DEPTH] [BATCH] [ROUNDS]
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used)]

#[path = "../../benches/support/median.rs"]
mod median;

use std::{collections::BTreeMap, path::Path, time::Instant};

use facetui::{config::Recipe, data::Batch, run::RunDirectory};
use facetui_worker::{
    model::device,
    train::{
        checkpoint::{Checkpoint, Keep, Manifest},
        checkpoint_writer::CheckpointWriter,
        trainer::Trainer,
    },
};

use median::median;

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    let of = |place: usize, default| numbers.get(place).copied().unwrap_or(default);
    let (depth, batch_size, rounds) = (of(0, 50), of(1, 8), of(2, 5));
    let classes = 1000;
    let recipe = format!(
        "steps = 1000\nbatch_size = {batch_size}\n[[datasets]]\nname = \"none\"\n[network]\ndepth = {depth}\n"
    );
    let recipe = Recipe::parse(&recipe, Path::new("bench.toml")).expect("a sound recipe");
    let device = device::open("auto".parse().expect("a device's name")).expect("a device");
    let mut trainer = Trainer::new(&recipe, classes, &device.device);
    let batch = Batch {
        step: 0,
        epoch: 0,
        images: (0..batch_size * 112 * 96 * 3)
            .map(|place| (place % 251) as u8)
            .collect(),
        height: 112,
        width: 96,
        labels: (0..batch_size as u32).collect(),
        indices: vec![0; batch_size],
        broken: Vec::new(),
        sets: Vec::new(),
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = RunDirectory::create(folder.path(), "bench").expect("a run directory");
    let keep = Keep {
        newest: 1,
        every: 0,
    };
    let mut writer = CheckpointWriter::start(&run, keep).expect("a thread");
    let (mut plain, mut after, mut snapshots) = (Vec::new(), Vec::new(), Vec::new());
    let mut step = 0;
    let mut timed = |trainer: &mut Trainer| {
        let begun = Instant::now();
        trainer.step(&recipe, step, &batch).expect("finite numbers");
        step += 1;
        begun.elapsed().as_secs_f64()
    };
    timed(&mut trainer);
    for _ in 0..rounds {
        plain.push(timed(&mut trainer));
        plain.push(timed(&mut trainer));
        let begun = Instant::now();
        let state = trainer.snapshot();
        writer.submit(Checkpoint {
            manifest: Manifest {
                step: 0,
                stage: recipe.stage,
                network: recipe.network.clone(),
                input: recipe.input.clone(),
                classes: Some(classes),
                skipped_batches: 0,
                figures: BTreeMap::new(),
                files: BTreeMap::new(),
            },
            weights: state.weights,
            optimiser: state.optimiser,
            average: state.average,
        });
        snapshots.push(begun.elapsed().as_secs_f64());
        after.push(timed(&mut trainer));
        assert!(writer.settle().into_iter().all(|written| written.is_ok()));
    }
    let [plain, after, snapshot] = [plain, after, snapshots].map(median);
    println!(
        "depth {depth}, batch {batch_size}, {} ({rounds} rounds, medians)",
        device.name
    );
    println!("  plain step             {:8.1} ms", plain * 1e3);
    println!("  snapshot to the host   {:8.1} ms", snapshot * 1e3);
    println!("  step while it's written{:8.1} ms", after * 1e3);
    println!(
        "  snapshot and that step, of a plain one: {:.2}",
        (snapshot + after) / plain
    );
    println!(
        "  that step alone, of a plain one:        {:.2}",
        after / plain
    );
}
