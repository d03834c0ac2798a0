//! Training that is interrupted in any way ends with the very weights of training that isn't.

use std::{collections::BTreeMap, fs};

use facetui::run::{Command, EventTail, JournalEvent, RunDirectory, RunState, Scalars};

use crate::support::{
    Worker, engines, newest_checkpoint, tiny_data, tiny_recipe, training_run, wait_for, with_keys,
};

/// Every loss of every step, by tag, as a chart would show it.
fn losses(run: &RunDirectory) -> BTreeMap<String, Vec<(u64, f64)>> {
    let mut scalars = Scalars::default();
    scalars.extend(EventTail::open(run.path()).unwrap().poll().unwrap());
    let tags: Vec<String> = scalars
        .tags()
        .filter(|tag| {
            ["speed/", "time/", "device/"]
                .iter()
                .all(|kind| !tag.starts_with(kind))
        })
        .map(str::to_owned)
        .collect();
    tags.into_iter()
        .map(|tag| {
            let points = scalars.points(&tag);
            let values = points
                .iter()
                .map(|point| (point.step, point.value))
                .collect();
            (tag, values)
        })
        .collect()
}

#[test]
fn a_killed_run_resumes_to_the_same_weights_byte_for_byte() {
    for (engine, _) in engines() {
        for (stage, more) in [
            ("margin-centre", ""),
            ("triplet", ""),
            // What remembers something besides the weights: AdaFace's running lengths, both moments of AdamW, a sample
            // of the classes, and parts of a batch that follow each other.
            (
                "margin-centre",
                "[loss]\nhead = \"adaface\"\nsub_centres = 2\nsample_fraction = 0.7\n[optimiser]\nkind = \"adamw\"\n\
                 accumulation = 2\n",
            ),
            (
                "joint",
                "hardnet_weight = 1.0\n[loss]\nhead = \"magface\"\n[optimiser]\nclip_norm = 5.0\ndecay = \"optimiser\"\n",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            tiny_data(folder.path());
            let mut recipe = with_keys(&tiny_recipe(stage, 7, more), "ema_decay = 0.9");
            if engine == "cpu" && stage == "joint" {
                // The factor of the loss is remembered, too.
                recipe = with_keys(&recipe, "precision = \"f16\"");
            }
            let whole = training_run(folder.path(), "whole", engine, &recipe);
            assert_eq!(Worker::start(&whole).wait(), Some(0));

            let killed = training_run(folder.path(), "killed", engine, &recipe);
            let worker = Worker::start(&killed);
            wait_for(&killed, "checkpoint", |status| {
                status.last_checkpoint.is_some()
            });
            worker.kill();
            assert_eq!(killed.status().unwrap().state, RunState::Lost);
            let worker = Worker::start(&killed);
            assert_eq!(worker.wait(), Some(0), "{:?}", killed.log_tail(5));
            assert_eq!(killed.status().unwrap().state, RunState::Finished);

            let what = format!("{stage} {more:?} on {engine}");
            assert_eq!(losses(&killed), losses(&whole), "{what}");
            for file in
                ["weights", "optimiser", "average"].map(|file| format!("{file}.safetensors"))
            {
                let of = |run| fs::read(newest_checkpoint(run).join(&file)).unwrap();
                assert!(of(&killed) == of(&whole), "{what}: {file} differs");
            }
        }
    }
}

#[test]
fn a_validation_changes_nothing_of_the_training() {
    for (engine, _) in engines() {
        let folder = tempfile::tempdir().unwrap();
        tiny_data(folder.path());
        let never = with_keys(&tiny_recipe("margin-centre", 4, ""), "ema_decay = 0.9");
        let often = never
            .replace("validate_every = 0", "validate_every = 2")
            .replace("validation = []", "validation = [\"lfw\"]");
        assert_ne!(never, often);
        let [never, often] = [("never", never), ("often", often)].map(|(name, recipe)| {
            let run = training_run(folder.path(), name, engine, &recipe);
            assert_eq!(Worker::start(&run).wait(), Some(0), "{:?}", run.log_tail(5));
            run
        });
        for file in ["weights", "optimiser", "average"] {
            let of = |run| fs::read(newest_checkpoint(run).join(format!("{file}.safetensors")));
            let [never, often] = [of(&never), of(&often)].map(Result::unwrap);
            assert!(never == often, "{file} on {engine}");
        }
    }
}

#[test]
fn a_validation_that_is_the_best_so_far_is_saved_at_once() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let recipe = tiny_recipe("margin-centre", 6, "[best]\nlfw = 0.2\n")
        .replace("checkpoint_every = 2", "checkpoint_every = 0")
        .replace("validate_every = 0", "validate_every = 1")
        .replace("validation = []", "validation = [\"lfw\"]");
    let recipe = with_keys(&recipe, "keep_checkpoints = 100");
    let run = training_run(folder.path(), "run", "flex", &recipe);
    assert_eq!(Worker::start(&run).wait(), Some(0), "{:?}", run.log_tail(5));
    let mut best = 0.2;
    let mut expected = Vec::new();
    for entry in run.journal_tail().poll().unwrap() {
        if let JournalEvent::Validation { step, accuracy, .. } = entry.what
            && accuracy > best
        {
            best = accuracy;
            expected.push(step);
        }
    }
    assert!(!expected.is_empty(), "nothing was above 0.2");
    if expected.last() != Some(&6) {
        // The end of a run is always saved.
        expected.push(6);
    }
    let saved: Vec<u64> = run
        .checkpoints()
        .unwrap()
        .iter()
        .map(|entry| entry.step)
        .collect();
    assert_eq!(saved, expected);
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_it_taken() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let run = training_run(
        folder.path(),
        "run",
        "flex",
        &tiny_recipe("margin-centre", 4, ""),
    );
    assert_eq!(Worker::start(&run).wait(), Some(0));
    let newest = newest_checkpoint(&run).join("weights.safetensors");
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    assert_eq!(Worker::start(&run).wait(), Some(0));
    let journal = run.journal_tail().poll().unwrap();
    assert!(journal.iter().any(|entry| matches!(&entry.what,
        JournalEvent::Error { message } if message.contains("weights.safetensors is damaged"))));
    assert!(
        journal
            .iter()
            .any(|entry| entry.what == JournalEvent::Resumed { step: 2 })
    );
    assert_eq!(run.status().unwrap().step, 4);
}

#[test]
fn commands_pause_park_stop_and_change_the_rate() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let run = training_run(
        folder.path(),
        "run",
        "flex",
        &tiny_recipe("margin-centre", 10_000, ""),
    );
    let worker = Worker::start(&run);
    wait_for(&run, "first step", |status| {
        status.state == RunState::Running
    });

    run.send(&Command::Pause).unwrap();
    let paused = wait_for(&run, "pause", |status| status.state == RunState::Paused);
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(
        run.status().unwrap().step,
        paused.step,
        "a paused run makes no steps"
    );
    let (key, value) = ("schedule.learning_rate".to_owned(), 0.125);
    run.send(&Command::Set { key, value }).unwrap();
    run.send(&Command::Unpause).unwrap();
    wait_for(&run, "new rate", |status| {
        status.scalars.get("train/learning_rate") == Some(&0.125)
    });
    let recipe = fs::read_to_string(run.recipe_path()).unwrap();
    assert!(recipe.contains("learning_rate = 0.125"), "{recipe}");

    run.send(&Command::Park).unwrap();
    assert_eq!(worker.wait(), Some(0));
    let parked = run.status().unwrap();
    assert_eq!(parked.state, RunState::Parked);
    let checkpoint = run.checkpoints().unwrap().pop().unwrap();
    assert_eq!(checkpoint.step, parked.step);

    let worker = Worker::start(&run);
    wait_for(&run, "steps after the park", |status| {
        status.step > parked.step
    });
    worker.signal("HUP");
    worker.signal("TERM");
    assert_eq!(worker.wait(), Some(0));
    assert_eq!(run.status().unwrap().state, RunState::Parked);

    let worker = Worker::start(&run);
    run.send(&Command::Stop { after_epoch: false }).unwrap();
    assert_eq!(worker.wait(), Some(0));
    assert_eq!(run.status().unwrap().state, RunState::Stopped);
}

#[test]
fn two_workers_can_not_have_one_run() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let run = training_run(
        folder.path(),
        "run",
        "flex",
        &tiny_recipe("margin-centre", 10_000, ""),
    );
    let _first = Worker::start(&run);
    wait_for(&run, "first step", |status| {
        status.state == RunState::Running
    });
    assert_eq!(Worker::start(&run).wait(), Some(2));
    assert!(
        run.log_tail(5)
            .join("\n")
            .contains("another worker has this run")
    );
    assert_eq!(run.status().unwrap().state, RunState::Running);
}

#[test]
fn wrong_input_fails_the_run_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let run = training_run(
        folder.path(),
        "run",
        "flex",
        &tiny_recipe("margin-centre", 4, ""),
    );
    fs::remove_file(folder.path().join("train/train.rec")).unwrap();
    assert_eq!(Worker::start(&run).wait(), Some(2));
    let status = run.status().unwrap();
    assert_eq!(status.state, RunState::Failed);
    assert!(status.last_error.unwrap().contains("train.rec"));
}

#[test]
fn an_exploding_loss_fails_the_run_and_names_the_component() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let recipe = tiny_recipe("margin-centre", 50, "")
        .replace("learning_rate = 0.01", "learning_rate = 1e30");
    let run = training_run(folder.path(), "run", "flex", &recipe);
    assert_eq!(Worker::start(&run).wait(), Some(1));
    let status = run.status().unwrap();
    assert_eq!(status.state, RunState::Failed);
    let error = status.last_error.unwrap();
    assert!(
        error.contains("loss/") || error.contains("gradient_norm"),
        "{error}"
    );
}
