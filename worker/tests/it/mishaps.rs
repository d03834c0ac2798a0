//! Runs whose numbers go wrong, that leave their device for hours, and what is kept and run at their ends.

use std::{
    fs,
    time::{Duration, Instant},
};

use facetui::run::{Command, Job, JournalEvent, RunDirectory, RunState, Work};
use facetui_worker::train::checkpoint::Manifest;

use crate::support::{
    Worker, newest_checkpoint, tiny_data, tiny_recipe, training_run, wait_for, with_keys,
};

/// A recipe under which the gradient's square overflows in some batches and not in others, and hardly learns.
fn overflowing_recipe(on_nan: &str) -> String {
    let recipe = tiny_recipe(
        "margin-centre",
        8,
        "[loss]\nscale = 4.5e18\nweight_decay = 0\ncentre_weight = 0\n",
    );
    let recipe = recipe.replace("learning_rate = 0.01", "learning_rate = 1e-25");
    with_keys(&recipe, &format!("on_nan = \"{on_nan}\""))
}

fn errors(run: &RunDirectory) -> Vec<String> {
    let entries = run.journal_tail().poll().unwrap();
    let messages = entries.into_iter().filter_map(|entry| match entry.what {
        JournalEvent::Error { message } => Some(message),
        _ => None,
    });
    messages.collect()
}

fn notes(run: &RunDirectory) -> String {
    let entries = run.journal_tail().poll().unwrap();
    let messages = entries.into_iter().filter_map(|entry| match entry.what {
        JournalEvent::Note { message } => Some(message),
        _ => None,
    });
    messages.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_run_goes_on_past_wrong_batches_and_resumes_exactly_all_the_same() {
    for (on_nan, words) in [("skip", "left out"), ("rewind", "going back to step")] {
        let folder = tempfile::tempdir().unwrap();
        tiny_data(folder.path());
        let recipe = overflowing_recipe(on_nan);
        let whole = training_run(folder.path(), "whole", "flex", &recipe);
        assert_eq!(
            Worker::start(&whole).wait(),
            Some(0),
            "{:?}",
            errors(&whole)
        );
        let told = errors(&whole);
        assert!(
            told.iter().any(|message| message.contains(words)),
            "{told:?}"
        );
        let manifest = Manifest::read(&newest_checkpoint(&whole)).unwrap();
        assert_eq!(manifest.step, 8);
        assert!(manifest.skipped_batches > 0);

        let killed = training_run(folder.path(), "killed", "flex", &recipe);
        let worker = Worker::start(&killed);
        wait_for(&killed, "checkpoint", |status| {
            status.last_checkpoint.is_some()
        });
        worker.kill();
        assert_eq!(
            Worker::start(&killed).wait(),
            Some(0),
            "{:?}",
            errors(&killed)
        );
        let weights = |run| fs::read(newest_checkpoint(run).join("weights.safetensors")).unwrap();
        assert!(weights(&killed) == weights(&whole), "{on_nan}");
    }
}

#[test]
fn a_wrong_batch_is_kept_with_its_images_and_the_run_stops() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let run = training_run(folder.path(), "run", "flex", &overflowing_recipe("stop"));
    assert_eq!(Worker::start(&run).wait(), Some(1));
    let status = run.status().unwrap();
    assert_eq!(status.state, RunState::Failed);
    let error = status.last_error.unwrap();
    assert!(
        error.contains("train/gradient_norm is inf") && error.contains("first seen in backbone."),
        "{error}"
    );
    let kept = run.path().join(format!("nan/step-{:08}", status.step));
    let batch: serde_json::Value =
        serde_json::from_slice(&fs::read(kept.join("batch.json")).unwrap()).unwrap();
    assert_eq!(batch["step"], status.step);
    let images = batch["images"].as_array().unwrap();
    assert_eq!(images.len(), 4);
    for image in images {
        let file = kept.join(image["file"].as_str().unwrap());
        let picture = facetui::data::Image::open(&file).unwrap();
        assert_eq!((picture.width, picture.height), (96, 112));
        assert!(
            image["name"].as_str().unwrap().contains("train.rec"),
            "{image}"
        );
        assert!(image["class"].as_u64().unwrap() < 3);
    }
}

#[test]
fn checkpoints_of_certain_steps_stay() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let recipe = with_keys(
        &tiny_recipe("margin-centre", 10, ""),
        "keep_checkpoints = 1\nkeep_every = 4",
    );
    let run = training_run(folder.path(), "run", "flex", &recipe);
    // What a worker that was killed in the middle of a checkpoint leaves.
    let torn = run.checkpoints_path().join(".writing-step-00000002");
    fs::create_dir_all(&torn).unwrap();
    assert_eq!(Worker::start(&run).wait(), Some(0));
    let steps: Vec<u64> = run
        .checkpoints()
        .unwrap()
        .iter()
        .map(|entry| entry.step)
        .collect();
    assert_eq!(steps, [4, 8, 10]);
    assert!(!torn.exists());
}

/// The local time in so many minutes, as a recipe writes it.
fn local_time(minutes: i64) -> String {
    let seconds = facetui::run::host::now() as i64 + minutes * 60;
    let output = std::process::Command::new("date")
        .args(["-d", &format!("@{seconds}"), "+%H:%M"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_run_waits_out_the_hours_of_others_unless_it_is_let_go_on() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let hours = format!("{}-{}", local_time(-60), local_time(120));
    let recipe = with_keys(
        &tiny_recipe("margin-centre", 4, ""),
        &format!("park_between = \"{hours}\""),
    );
    let run = training_run(folder.path(), "run", "flex", &recipe);
    let worker = Worker::start(&run);
    let waiting = wait_for(&run, "wait", |status| status.state == RunState::Paused);
    assert_eq!(
        waiting.phase.unwrap(),
        format!("parked until {}", &hours[6..])
    );
    assert_eq!(waiting.step, 0);
    run.send(&Command::Park).unwrap();
    assert_eq!(worker.wait(), Some(0));
    assert_eq!(run.status().unwrap().state, RunState::Parked);

    let worker = Worker::start(&run);
    wait_for(&run, "wait", |status| status.state == RunState::Paused);
    run.send(&Command::Unpause).unwrap();
    assert_eq!(worker.wait(), Some(0));
    assert_eq!(run.status().unwrap().state, RunState::Finished);
}

#[test]
fn the_command_of_the_end_knows_how_the_run_ended() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    let command = "on_finish = 'echo \"$FACETUI_NAME $FACETUI_STATE $FACETUI_STEP $FACETUI_ERROR\" > \"$FACETUI_RUN/told\"'";
    for (name, rate, expected) in [
        ("good", "0.01", "good finished 2"),
        ("bad", "1e30", "bad failed 1 loss/"),
    ] {
        let recipe = tiny_recipe("margin-centre", 2, "")
            .replace("learning_rate = 0.01", &format!("learning_rate = {rate}"));
        let run = training_run(folder.path(), name, "flex", &with_keys(&recipe, command));
        Worker::start(&run).wait();
        let told = run.path().join("told");
        let begun = Instant::now();
        let text = loop {
            let text = fs::read_to_string(&told).unwrap_or_default();
            if !text.is_empty() || begun.elapsed() > Duration::from_secs(20) {
                break text;
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn the_largest_batch_that_fits_is_the_whole_set_where_that_is_small() {
    let folder = tempfile::tempdir().unwrap();
    tiny_data(folder.path());
    for (stage, expected) in [("margin-centre", 15), ("triplet", 6)] {
        let run = training_run(folder.path(), stage, "flex", &tiny_recipe(stage, 1, ""));
        let job = run.job().unwrap();
        run.save_job(&Job {
            work: Work::Train {
                from: None,
                auto_batch: true,
            },
            ..job
        })
        .unwrap();
        assert_eq!(Worker::start(&run).wait(), Some(0), "{:?}", errors(&run));
        assert!(
            notes(&run).contains(&format!("batch_size = {expected} instead of 4")),
            "{}",
            notes(&run)
        );
        let recipe = facetui::config::Recipe::load(&run.recipe_path()).unwrap();
        assert_eq!(recipe.batch_size, expected);
    }
}
