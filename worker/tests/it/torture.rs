//! Workers killed at random moments: while they start, step, validate, write a checkpoint or end.
//!
//! `scripts/torture` does the same two hundred times.

use std::{env, fs, path::Path, time::Duration};

use facetui::run::{RunDirectory, RunState};

use crate::support::{
    Worker, engines, newest_checkpoint, tiny_data, tiny_recipe, training_run, with_keys,
};

/// How many workers are killed in all.
fn kills() -> usize {
    let text = env::var("FACETUI_KILLS").unwrap_or_else(|_| "10".to_owned());
    text.parse().expect("FACETUI_KILLS is a number")
}

/// Numbers that look random; the same seed gives the same ones, so that a failure can be had again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn recipe(stage: &str) -> String {
    let recipe = tiny_recipe(stage, 12, "")
        .replace("validate_every = 0", "validate_every = 3")
        .replace("validation = []", "validation = [\"lfw\"]");
    with_keys(&recipe, "ema_decay = 0.9\nkeep_checkpoints = 1")
}

fn weights(run: &RunDirectory) -> Vec<Vec<u8>> {
    let folder = newest_checkpoint(run);
    ["weights", "optimiser", "average"]
        .map(|file| fs::read(folder.join(format!("{file}.safetensors"))).unwrap())
        .into()
}

/// Runs to the end however often it is killed on the way; returns how often that was.
fn run_killed(folder: &Path, name: &str, engine: &str, stage: &str, random: &mut Random) -> usize {
    let run = training_run(folder, name, engine, &recipe(stage));
    let mut killed = 0;
    loop {
        let worker = Worker::start(&run);
        // Longer the more often it was killed: a run that is never let live never ends.
        let patience = 500 + 500 * killed as u64;
        std::thread::sleep(Duration::from_millis(random.below(patience)));
        if worker.has_ended() {
            assert_eq!(worker.wait(), Some(0), "{:?}", run.log_tail(5));
            break;
        }
        worker.kill();
        killed += 1;
        let after = run.status().unwrap().state;
        // A worker that had not yet taken the run leaves it as it was: starting, for some seconds.
        assert!(
            matches!(
                after,
                RunState::Starting | RunState::Lost | RunState::Finished
            ),
            "after kill {killed}: {after}"
        );
    }
    assert_eq!(run.status().unwrap().state, RunState::Finished);
    killed
}

#[test]
fn runs_killed_at_random_moments_end_with_the_weights_of_runs_that_were_not() {
    let seed = env::var("FACETUI_SEED").map_or(7, |text| text.parse().unwrap());
    let (mut random, mut killed, wanted) = (Random(seed), 0, kills());
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let mut whole = Vec::new();
    for round in 0.. {
        let engines = engines();
        let (engine, _) = engines[round % engines.len()];
        let stage = ["margin-centre", "triplet"][round / engines.len() % 2];
        let key = format!("{stage}-{engine}");
        if !whole.iter().any(|(known, _)| *known == key) {
            let run = training_run(folder.path(), &key, engine, &recipe(stage));
            assert_eq!(Worker::start(&run).wait(), Some(0));
            whole.push((key.clone(), weights(&run)));
        }
        let name = format!("killed-{round}");
        killed += run_killed(folder.path(), &name, engine, stage, &mut random);
        let run = RunDirectory::open(&folder.path().join("runs").join(&name)).unwrap();
        let expected = whole.iter().find(|(known, _)| *known == key).unwrap();
        assert!(weights(&run) == expected.1, "{name} ({key}, seed {seed})");
        eprintln!("{killed} of {wanted} kills, {key}: the same weights");
        if killed >= wanted {
            return;
        }
    }
}
