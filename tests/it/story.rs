//! Whole stories with the real worker: a demo that is watched, steered, left and found again, and workers that die.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use facetui::data::synthetic::{self, SyntheticOptions};
use facetui::run::{RunDirectory, RunState, Status};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Workshop, real_worker};
use crate::terminal::{Dashboard, Session, facetui};

/// Everything takes its time on a busy machine; nothing waits for this where all is well.
const PATIENCE: Duration = Duration::from_mins(4);

/// A run, watched through its directory as any other program would.
struct Watched<'a> {
    workshop: &'a Workshop,
    run: RunDirectory,
}

impl<'a> Watched<'a> {
    fn open(workshop: &'a Workshop, path: &Path) -> Self {
        let run = RunDirectory::open(path).unwrap();
        Self { workshop, run }
    }

    fn status(&self) -> Status {
        self.run.status().unwrap()
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&Status) -> bool) -> Status {
        let begun = Instant::now();
        loop {
            let status = self.status();
            if holds(&status) {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "not {what}: {status:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn wait_for_state(&self, state: RunState) -> Status {
        self.wait_until(&state.to_string(), |status| status.state == state)
    }

    /// That its worker lives and makes steps.
    fn assert_goes_on(&self) {
        let pid = self.worker();
        assert!(self.workshop.lives(pid), "the worker has gone");
        let before = self.status().step;
        self.wait_until("making steps", |status| status.step > before);
        assert_eq!(self.worker(), pid, "another worker");
    }

    fn worker(&self) -> Pid {
        let pid = self.status().pid.unwrap();
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
    }

    /// Ends the worker by a signal, and waits until it has gone.
    fn kill_worker(&self, signal: Signal) {
        let pid = self.worker();
        assert!(self.workshop.lives(pid));
        kill_process(pid, signal).unwrap();
        self.wait_for_death(pid);
    }

    fn wait_for_death(&self, pid: Pid) {
        let begun = Instant::now();
        while self.workshop.lives(pid) {
            assert!(begun.elapsed() < PATIENCE, "the worker lives on");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Starts `facetui` in a terminal, with the workshop's worker.
fn in_terminal(workshop: &Workshop, arguments: &[&str]) -> Dashboard {
    let mut command = facetui(arguments);
    command.env("FACETUI_WORKER", workshop.worker());
    command.cwd(workshop.path());
    Dashboard::start(command, Session::OfTheTerminal, PATIENCE)
}

#[test]
fn a_demo_is_watched_paused_left_found_again_parked_and_resumed() {
    let Some(worker) = real_worker() else { return };
    let workshop = Workshop::new(worker);
    let out = workshop.path().join("demo");
    let (out_text, runs) = (out.to_str().unwrap(), out.join("runs"));
    let runs_text = runs.to_str().unwrap();

    let arguments = [
        "demo", "--device", "flex", "--steps", "400", "--out", out_text,
    ];
    let mut dashboard = in_terminal(&workshop, &arguments);
    dashboard.wait_for("margin-centre");
    dashboard.wait_for("● running");
    let run = Watched::open(&workshop, &runs.join("margin-centre"));
    dashboard.type_keys("1\r");
    dashboard.wait_for("total loss");
    run.assert_goes_on();

    dashboard.type_keys("p");
    dashboard.wait_for("◐ paused");
    let paused_at = run.wait_for_state(RunState::Paused).step;
    dashboard.type_keys("p");
    dashboard.wait_for("● running");
    run.wait_for_state(RunState::Running);
    run.wait_until("beyond the pause", |status| status.step > paused_at);

    dashboard.type_keys("q");
    let (_, code) = dashboard.wait_for_end();
    assert_eq!(code, 0);
    dashboard.assert_restored();
    dashboard.wait_for("the demo goes on");
    run.assert_goes_on();

    let mut dashboard = in_terminal(&workshop, &["--runs", runs_text]);
    dashboard.wait_for("margin-centre");
    dashboard.wait_for("● running");
    dashboard.hang_up();
    dashboard.wait_for_end();
    run.assert_goes_on();

    let steer = |arguments: &[&str]| workshop.run(&[arguments, &["--runs", runs_text]].concat());
    let worker = run.worker();
    steer(&["park", "margin-centre"]).done();
    let parked = run.wait_for_state(RunState::Parked);
    run.wait_for_death(worker);
    assert!(parked.last_checkpoint.is_some());
    // The sequence ends with a parked run and starts no other.
    let begun = Instant::now();
    while !workshop.processes().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "the demo's sequence goes on");
        thread::sleep(Duration::from_millis(50));
    }

    steer(&["resume", "margin-centre", "--detach"]).done();
    let resumed = run.wait_until("running beyond the parked step", |status| {
        status.state == RunState::Running && status.step > parked.step
    });
    assert_ne!(resumed.pid, parked.pid);

    run.kill_worker(Signal::KILL);
    run.wait_for_state(RunState::Lost);
    let shown = steer(&["show", "margin-centre", "--json"]).done().json();
    assert_eq!(shown["state"], "lost");
    assert_eq!(shown["name"], "margin-centre");
    assert!(workshop.processes().is_empty());
}

/// A recipe and drawn faces that are quick to train on.
fn small_training(workshop: &Workshop, ytf_pairs: u32) {
    let options = SyntheticOptions {
        identities: 4,
        images_per_identity: 4,
        lfw_pairs: 20,
        ytf_pairs,
        frames_per_video: 1,
        mislabelled_videos: 1,
        ..SyntheticOptions::default()
    };
    synthetic::generate(&options, &workshop.path().join("data")).unwrap();
    let recipe = "steps = 100000\nbatch_size = 4\nvalidate_every = 0\ncheckpoint_every = 0\nvalidation = []\n\
                  [[datasets]]\nname = \"synthetic\"\n[network]\ndepth = 32\n[schedule]\nwarmup_steps = 2\n";
    fs::write(workshop.path().join("small.toml"), recipe).unwrap();
}

#[test]
fn a_crashed_worker_shows_its_last_words_and_leaves_the_terminal_whole() {
    let Some(worker) = real_worker() else { return };
    let workshop = Workshop::new(worker);
    small_training(&workshop, 20);
    let recipe = workshop.path().join("small.toml");
    let arguments = [
        "train",
        recipe.to_str().unwrap(),
        "--config",
        "data/config.ini",
        "--device",
        "flex",
    ];
    let mut dashboard = in_terminal(&workshop, &arguments);
    dashboard.wait_for("● running");
    let run = Watched::open(&workshop, &workshop.path().join("runs/small"));
    run.assert_goes_on();
    // What an engine prints before it takes its process down.
    let words = "terminate called: the engine is out of memory";
    let mut log = OpenOptions::new()
        .append(true)
        .open(run.run.log_path())
        .unwrap();
    writeln!(log, "{words}").unwrap();
    run.kill_worker(Signal::ABORT);

    dashboard.wait_for("lost");
    dashboard.wait_for(words);
    assert!(dashboard.screen().alternate_screen());
    dashboard.type_keys("?");
    dashboard.wait_for("runs go on without it");
    dashboard.type_keys("q");
    let (_, code) = dashboard.wait_for_end();
    assert_eq!(code, 0);
    dashboard.assert_restored();
    let status = run.status();
    assert_eq!(status.state, RunState::Lost);
    assert!(status.last_error.unwrap().contains(words));
}

#[test]
fn a_run_is_launched_left_found_evaluated_and_its_errors_triaged_from_the_screen() {
    let Some(worker) = real_worker() else { return };
    let workshop = Workshop::new(worker);
    // Enough pairs for ten folds whatever the error list takes out.
    small_training(&workshop, 60);
    let mut dashboard = in_terminal(&workshop, &[]);
    dashboard.wait_for("No runs in");
    dashboard.type_keys("n");
    dashboard.wait_for("Launch a run");
    // Ctrl-U empties a field, Tab leads on.
    dashboard.type_keys("small.toml\t\u{15}data/config.ini");
    dashboard.wait_for("100,000 steps of 4 images");
    dashboard.type_keys("\t\t\u{15}flex\r");
    dashboard.wait_for("● running");
    let run = Watched::open(&workshop, &workshop.path().join("runs/small"));
    run.assert_goes_on();
    dashboard.type_keys("p");
    dashboard.wait_for("◐ paused");
    let worker = run.worker();
    dashboard.hang_up();
    dashboard.wait_for_end();

    let mut dashboard = in_terminal(&workshop, &[]);
    dashboard.wait_for("◐ paused");
    assert_eq!(run.worker(), worker, "it is the same worker");
    dashboard.type_keys("p");
    dashboard.wait_for("● running");
    run.assert_goes_on();
    dashboard.type_keys("P");
    dashboard.wait_for("○ parked");

    dashboard.type_keys("3n");
    dashboard.wait_for("Evaluate a model");
    dashboard.type_keys("\t\u{15}data/config.ini\t\u{15}ytf\t\t\u{15}flex\r");
    dashboard.wait_for("✓ finished");
    dashboard.type_keys("4");
    dashboard.wait_for("told wrong");
    dashboard.wait_for("corrected");
    dashboard.type_keys("m");
    dashboard.wait_for("what is wrong with");
    dashboard.type_keys("shows another\r");
    // The figure without the listed videos follows, beside the one before.
    dashboard.wait_for("before");
    let list = workshop.path().join("runs/ytf-errors.txt");
    let notes = fs::read_to_string(workshop.path().join("runs/ytf-errors.txt.toml")).unwrap();
    assert!(notes.contains("shows another"), "{notes}");
    let marked = fs::read_to_string(&list).unwrap().lines().count();
    let own = fs::read_to_string(workshop.path().join("data/synthetic-ytf/error.txt")).unwrap();
    assert_eq!(marked, own.lines().count() + 1);
    dashboard.type_keys("u");
    dashboard.wait_for("undone: ");
    dashboard.type_keys("5");
    dashboard.wait_for("ytf-errors.txt");
    dashboard.wait_for(&format!("{} listed", own.lines().count()));
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end().1, 0);
    dashboard.assert_restored();
}

/// `scripts/torture` does it a hundred times.
#[test]
fn a_lost_terminal_ends_the_dashboard_and_not_the_worker() {
    let Some(worker) = real_worker() else { return };
    let workshop = Workshop::new(worker);
    small_training(&workshop, 20);
    workshop
        .run(&[
            "train",
            "small.toml",
            "--config",
            "data/config.ini",
            "--device",
            "flex",
            "--detach",
        ])
        .done();
    let run = Watched::open(&workshop, &workshop.path().join("runs/small"));
    run.wait_for_state(RunState::Running);
    let pid = run.worker();
    let times = std::env::var("FACETUI_HANGUPS").map_or(3, |text| text.parse().unwrap());
    for time in 0..times {
        let mut dashboard = in_terminal(&workshop, &[]);
        dashboard.wait_for("● running");
        dashboard.hang_up();
        let (took, _) = dashboard.wait_for_end();
        assert!(took < Duration::from_secs(1), "{time}: {took:?}");
        assert_eq!(run.worker(), pid);
    }
    run.assert_goes_on();
}
