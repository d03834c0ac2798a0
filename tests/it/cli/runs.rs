//! Runs started, followed, steered and resumed by commands.

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use facetui::run::RunState;

use super::{Place, QUICK_WORKER};

#[test]
fn train_makes_a_directory_starts_the_worker_and_sums_up() {
    let place = Place::with_worker(QUICK_WORKER).with_input();
    let outcome = place.run(&["train", "r.toml", "--set", "network.depth=32", "--headless"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome.stdout.starts_with("r: finished at step 10 of 10"),
        "{}",
        outcome.stdout
    );
    let again = place.run(&["train", "r.toml", "--detach"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (0, "r-2 started: runs/r-2\n"),
        "{}",
        again.stderr
    );
    assert_eq!(place.names("runs"), ["r", "r-2"]);

    let run = place.path().join("runs/r");
    assert_eq!(
        fs::metadata(&run).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let recipe = facetui::config::Recipe::load(&run.join("recipe.toml")).unwrap();
    assert_eq!((recipe.network.depth, recipe.steps), (32, 10));
    let config = facetui::config::DataConfig::load(&run.join("config.ini")).unwrap();
    assert!(
        config.check_paths(&recipe).is_ok(),
        "paths must not depend on the working folder"
    );
    assert!(run.join("environment.json").is_file());

    let shown = place.run(&["show", "r", "--json"]).json();
    assert_eq!(shown["state"], "finished");
    assert_eq!(place.run(&["show", "runs/r/", "--json"]).json()["step"], 10);
    let listed = place.run(&["runs", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(place.run(&["runs"]).stdout.contains("finished"));
}

#[test]
fn a_worker_that_dies_is_a_failure_with_its_last_words() {
    let place = Place::with_running("echo libtorch exploded >&2; exit 134").with_input();
    let outcome = place.run(&["train", "r.toml", "--headless"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("libtorch exploded"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("worker.log"), "{}", outcome.stderr);
}

#[test]
fn resume_goes_on_where_there_is_something_to_go_on_with() {
    let place = Place::with_worker(QUICK_WORKER);
    place.leave_run("done", RunState::Finished);
    let outcome = place.run(&["resume", "done"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout.contains("is finished"), "{}", outcome.stdout);

    for state in [
        RunState::Parked,
        RunState::Stopped,
        RunState::Failed,
        RunState::Running,
    ] {
        let name = format!("run-{state}");
        // `running` without anybody who holds the lock: the worker died.
        let run = place.leave_run(&name, state);
        let outcome = place.run(&["resume", &name, "--headless"]);
        assert_eq!(outcome.code, 0, "{state}: {}", outcome.stderr);
        assert_eq!(run.status().unwrap().state, RunState::Finished, "{state}");
    }

    let run = place.leave_run("alive", RunState::Running);
    let _lock = run.try_lock().unwrap();
    assert_eq!(place.run(&["resume", "alive"]).stdout, "alive is running\n");
    place.refuses(&["resume", "nobody"], &["nobody", "facetui runs"]);
    place.leave_run("parked", RunState::Parked);
    place.refuses(
        &["resume", "parked", "--device", "cuda:3"],
        &["device cuda:3 isn't there"],
    );
}

#[test]
fn a_lost_run_is_shown_as_lost() {
    let place = Place::bare();
    place.leave_run("gone", RunState::Running);
    assert_eq!(
        place.run(&["show", "gone", "--json"]).json()["state"],
        "lost"
    );
    assert_eq!(place.run(&["runs", "--json"]).json()[0]["state"], "lost");
}

#[test]
fn commands_go_to_runs_that_can_obey_them() {
    let place = Place::bare();
    place.leave_run("done", RunState::Finished);
    for verb in ["pause", "unpause", "park", "checkpoint", "stop"] {
        let outcome = place.run(&[verb, "done"]);
        assert_eq!(outcome.code, 1, "{verb}");
        assert!(
            outcome.stderr.contains("done is finished"),
            "{verb}: {}",
            outcome.stderr
        );
        place.refuses(&[verb, "nobody"], &["nobody"]);
    }
    place.refuses(&["set", "done", "schedule.learning_rate"], &["key=value"]);
    place.refuses(
        &["set", "done", "schedule.learning_rate=fast"],
        &["fast", "a number"],
    );
    place.refuses(&["set", "done", "schedule.learning_rate=-1"], &["-1"]);
    place.refuses(&["set", "done", "schedule.learning_rate=nan"], &["NaN"]);
    place.refuses(&["set", "done", "seed=2"], &["schedule.learning_rate"]);
}

#[test]
fn a_command_waits_for_its_acknowledgement() {
    let place = Place::bare();
    let run = place.leave_run("alive", RunState::Running);
    let _lock = run.try_lock().unwrap();
    let mut child = place
        .command(&["pause", "alive"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut journal = run.journal().unwrap();
    let command = loop {
        if let Some(command) = run.take_commands().unwrap().commands.pop() {
            break command;
        }
    };
    journal
        .append(facetui::run::JournalEvent::Command { command, step: 41 })
        .unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut said).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(said, "alive paused, after step 41\n");
}

#[test]
fn ctrl_c_leaves_the_run_alone_and_says_how_to_park_it() {
    let place = Place::with_running("echo started; exec sleep 2").with_input();
    let child = place
        .command(&["train", "r.toml", "--headless"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = place.path().join("runs/r/worker.log");
    let begun = std::time::Instant::now();
    while !fs::read_to_string(&log).is_ok_and(|text| text.contains("started")) {
        assert!(begun.elapsed().as_secs() < 60, "the worker never starts");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // Until it listens for the signal, after it has begun to follow.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("facetui park r --runs runs"), "{said}");
}
