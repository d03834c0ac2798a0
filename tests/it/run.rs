//! The run directory between processes, and against what other programs write.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use facetui::run::{
    EventTail, JobKind, QUANTILES, RunDirectory, RunError, RunState, Scalars, Status, quantile_of,
    quantile_tag,
};

const RUN_OF_CHILD: &str = "FACETUI_TEST_RUN_OF_CHILD";

/// Not a test by itself: the other process of the test below, which starts this binary again.
#[test]
#[ignore = "started by a_killed_worker_frees_its_run_at_once"]
fn child_that_holds_a_run() {
    let Some(path) = env::var_os(RUN_OF_CHILD) else {
        return;
    };
    let run = RunDirectory::open(&PathBuf::from(path)).unwrap();
    let _lock = run.try_lock().unwrap();
    println!("locked");
    std::thread::park();
}

#[test]
fn a_killed_worker_frees_its_run_at_once() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(root.path(), "one").unwrap();
    let mut status = Status::starting("one", JobKind::Train, 10, "cpu");
    status.state = RunState::Running;
    run.write_status(&status).unwrap();

    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture"])
        .arg("run::child_that_holds_a_run")
        .env(RUN_OF_CHILD, run.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("locked")));

    assert_eq!(run.status().unwrap().state, RunState::Running);
    let Err(RunError::Locked { holder, .. }) = run.try_lock() else {
        panic!("two processes hold one run")
    };
    assert_eq!(holder, Some(child.id()));

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(run.status().unwrap().state, RunState::Lost);
    run.try_lock().unwrap();
}

#[test]
fn event_files_of_other_writers_give_the_golden_values() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events");
    let values: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("values.json")).unwrap()).unwrap();
    for (writer, tags) in values.as_object().unwrap() {
        let mut scalars = Scalars::default();
        let mut tail = EventTail::open(&folder.join(writer)).unwrap();
        scalars.extend(tail.poll().unwrap());
        assert_eq!(tail.skipped_bytes(), 0);
        let expected: Vec<_> = tags
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let of_scalars = |tag: &&str| quantile_of(tag).is_none();
        let mut found: Vec<_> = scalars.tags().filter(of_scalars).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{writer}");
        for tag in expected {
            let points: Vec<_> = scalars
                .points(tag)
                .iter()
                .map(|point| serde_json::json!([point.step, point.value]))
                .collect();
            assert_eq!(serde_json::json!(points), tags[tag], "{writer} {tag}");
        }
    }
}

#[test]
fn histograms_have_the_golden_quantiles() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/quantiles");
    let values: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("values.json")).unwrap()).unwrap();
    assert_eq!(values["percents"], serde_json::json!(QUANTILES));
    let mut scalars = Scalars::default();
    scalars.extend(EventTail::open(&folder).unwrap().poll().unwrap());
    let histograms = values["histograms"].as_object().unwrap();
    assert_eq!(scalars.tags().count(), histograms.len() * QUANTILES.len());
    for (tag, steps) in histograms {
        for (nth, percent) in QUANTILES.into_iter().enumerate() {
            let points = scalars.points(&quantile_tag(tag, percent));
            let steps = steps.as_array().unwrap();
            assert_eq!(points.len(), steps.len());
            for (point, golden) in points.iter().zip(steps) {
                assert_eq!(golden[0], point.step);
                let expected = golden[1][nth].as_f64().unwrap();
                assert!(
                    (point.value - expected).abs() <= 1e-9 * expected.abs().max(1.0),
                    "{tag} {percent} % at {}: {} instead of {expected}",
                    point.step,
                    point.value
                );
            }
        }
    }
}
