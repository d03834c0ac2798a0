//! The dashboard in a real pseudo-terminal, on run directories written by hand.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use facetui::eval::scores::{NamedScore, NamedScores};
use facetui::eval::{Provenance, Rule, ScoredPair, verify};
use facetui::run::{
    Command, EvaluationSource, EventWriter, JobKind, JournalEvent, RunDirectory, RunLock, RunState,
    Status,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::terminal::{Dashboard, PATIENCE, Session};

/// A training as its worker would leave it at step 50, with the lock that says that the worker lives.
pub fn live_run(root: &Path, name: &str) -> (RunDirectory, RunLock) {
    let run = RunDirectory::create(root, name).unwrap();
    let mut status = Status::starting(name, JobKind::Train, 100, "flex");
    status.state = RunState::Running;
    status.phase = None;
    status.step = 50;
    status.images_per_second = Some(41.2);
    status.eta_seconds = Some(73.0);
    run.write_status(&status).unwrap();
    let mut events = EventWriter::append(run.path()).unwrap();
    for step in 1..=50_u32 {
        let loss = 40.0 / f64::from(step).sqrt();
        let values = [("loss/total", loss), ("train/learning_rate", 0.001)];
        events.scalars(u64::from(step), values).unwrap();
    }
    events.flush().unwrap();
    let mut journal = run.journal().unwrap();
    journal
        .append(JournalEvent::Checkpoint {
            name: "step-00000050".to_owned(),
            step: 50,
        })
        .unwrap();
    let lock = run.try_lock().unwrap();
    (run, lock)
}

#[test]
fn it_lists_opens_commands_and_leaves_the_terminal_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let (run, _lock) = live_run(root.path(), "night");
    let broken = RunDirectory::create(root.path(), "torn").unwrap();
    fs::write(broken.status_path(), "{").unwrap();
    let mut dashboard = Dashboard::open(root.path(), &[]);
    dashboard.wait_for("● running");
    dashboard.wait_for("✗ broken");
    assert!(dashboard.screen().alternate_screen());

    // The newest run is selected first; the broken folder was changed last.
    let selected = |name: &'static str| {
        move |screen: &vt100::Screen| {
            let contents = screen.contents();
            contents
                .lines()
                .any(|line| line.starts_with('▌') && line.contains(name))
        }
    };
    if !selected("night")(dashboard.screen()) {
        dashboard.type_keys("j");
    }
    dashboard.wait_until("night selected", selected("night"));
    dashboard.type_keys("\r");
    dashboard.wait_for("total loss");
    dashboard.wait_for("5.657");

    dashboard.type_keys("p");
    dashboard.wait_for("pause sent");
    let begun = Instant::now();
    let commands = loop {
        let inbox = run.take_commands().unwrap();
        if !inbox.commands.is_empty() || begun.elapsed() > PATIENCE {
            break inbox.commands;
        }
        thread::sleep(Duration::from_millis(10));
    };
    assert_eq!(commands, [Command::Pause]);
    let mut status = run.status().unwrap();
    status.state = RunState::Paused;
    run.write_status(&status).unwrap();
    let command = Command::Pause;
    let obeyed = JournalEvent::Command { command, step: 51 };
    run.journal().unwrap().append(obeyed).unwrap();
    dashboard.wait_for("night: paused at step 51");
    dashboard.wait_for("◐ paused");

    dashboard.type_keys("?");
    dashboard.wait_for("runs go on without it");
    dashboard.type_keys("\u{1b}");
    dashboard.wait_for("total loss");
    dashboard.type_keys("3");
    dashboard.wait_for("vgg-ms1m/iter_258000");
    dashboard.type_keys("q");
    let (_, code) = dashboard.wait_for_end();
    assert_eq!(code, 0);
    dashboard.assert_restored();
    assert_eq!(
        run.status().unwrap().state,
        RunState::Paused,
        "the run goes on"
    );
}

#[test]
fn readonly_sends_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (run, _lock) = live_run(root.path(), "night");
    let mut dashboard = Dashboard::open(root.path(), &["--readonly"]);
    dashboard.wait_for("read-only");
    dashboard.wait_for("● running");
    dashboard.type_keys("pPcs");
    dashboard.wait_for("no command can be given from here");
    dashboard.type_keys("q");
    dashboard.wait_for_end();
    assert!(run.take_commands().unwrap().commands.is_empty());
}

#[test]
fn a_signal_ends_it_at_once_and_restores_the_terminal() {
    let root = tempfile::tempdir().unwrap();
    let (_run, _lock) = live_run(root.path(), "night");
    for (signal, expected) in [(Signal::HUP, 129), (Signal::TERM, 143), (Signal::INT, 130)] {
        let mut dashboard = Dashboard::open(root.path(), &[]);
        dashboard.wait_for("● running");
        kill_process(dashboard.pid(), signal).unwrap();
        let (time, code) = dashboard.wait_for_end();
        assert!(time < Duration::from_secs(1), "{signal:?}: {time:?}");
        assert_eq!(code, expected);
        dashboard.assert_restored();
    }
}

#[test]
fn a_closed_terminal_ends_it_at_once_without_burning_the_processor() {
    let root = tempfile::tempdir().unwrap();
    let (_run, _lock) = live_run(root.path(), "night");
    for session in [Session::OfTheTerminal, Session::Another] {
        let mut dashboard = Dashboard::open_in(root.path(), &[], session);
        dashboard.wait_for("● running");
        let pid = dashboard.pid();
        let before = processor_ticks(pid);
        dashboard.hang_up();
        let begun = Instant::now();
        let mut after = before;
        while dashboard.lives() {
            after = processor_ticks(pid).max(after);
            let time = begun.elapsed();
            assert!(time < Duration::from_secs(1), "{session:?}: it lives on");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(after - before < 20, "{session:?}: {} ticks", after - before);
    }
}

/// Processor time that a process has used, in clock ticks (100 a second).
pub fn processor_ticks(pid: Pid) -> u64 {
    let stat =
        fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let Some((_, fields)) = stat.rsplit_once(')') else {
        return 0;
    };
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| -> u64 {
        fields
            .get(at)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    };
    ticks(11) + ticks(12)
}

#[test]
fn it_draws_nothing_while_nothing_changes() {
    let root = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(root.path(), "old").unwrap();
    let mut status = Status::starting("old", JobKind::Train, 100, "flex");
    status.state = RunState::Parked;
    status.started -= 90_000.0;
    run.write_status(&status).unwrap();
    let mut dashboard = Dashboard::open(root.path(), &[]);
    dashboard.wait_for("○ parked");
    // What followed the list, such as the selected run's curves, has been drawn after a moment.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        dashboard.read(Duration::from_millis(100));
    }
    dashboard.take_bytes();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        dashboard.read(Duration::from_millis(100));
    }
    assert_eq!(String::from_utf8_lossy(&dashboard.take_bytes()), "");
}

/// An evaluation as its worker would leave it: 100 pairs of each kind, whose distances overlap.
fn evaluated_run(root: &Path) -> (NamedScores, f64) {
    let run = RunDirectory::create(root, "eval-pairs").unwrap();
    let mut status = Status::starting("eval-pairs", JobKind::Eval, 400, "flex");
    status.state = RunState::Finished;
    run.write_status(&status).unwrap();
    let row = |at: u32| NamedScore {
        a: format!("#{}", 2 * at),
        b: format!("#{}", 2 * at + 1),
        pair: ScoredPair {
            distance: f64::from(at * 37 % 100) / 100.0
                + if at.is_multiple_of(2) { 0.2 } else { 0.6 },
            same: at.is_multiple_of(2),
            fold: None,
        },
    };
    let scores = NamedScores {
        rows: (0..200).map(row).collect(),
    };
    let set = "pairs.bin".to_owned();
    let source = EvaluationSource {
        set: set.clone(),
        whole_set: set.clone(),
        embeddings: "none".to_owned(),
        missing: Vec::new(),
    };
    let provenance = Provenance {
        model: "night".to_owned(),
        distance: "cosine".to_owned(),
        ..Provenance::default()
    };
    let figures = verify(Rule::Reference, &scores.pairs()).unwrap();
    let evaluation = figures.into_evaluation(set.clone(), 0, 0, provenance);
    run.save_result(&evaluation).unwrap();
    fs::write(run.scores_path(&set), scores.to_csv()).unwrap();
    run.save_evaluation_source(&source).unwrap();
    (scores, evaluation.threshold)
}

/// What the screen should say of a threshold, by counting.
fn rates(scores: &NamedScores, threshold: f64) -> String {
    let wrong = |same: bool| {
        let of_kind = scores.rows.iter().filter(|row| row.pair.same == same);
        of_kind
            .filter(|row| (row.pair.distance < threshold) != same)
            .count()
    };
    let (rejected, accepted) = (wrong(true), wrong(false));
    let right = 200 - rejected - accepted;
    format!(
        "accuracy {:.2} %  FAR {accepted}.00 %  FRR {rejected}.00 %",
        right as f64 / 2.0
    )
}

#[test]
fn the_threshold_of_an_evaluation_is_a_control() {
    let root = tempfile::tempdir().unwrap();
    let (scores, mean) = evaluated_run(root.path());
    let mut dashboard = Dashboard::open(root.path(), &[]);
    dashboard.wait_for("eval-pairs");
    dashboard.type_keys("3G\x1b[C\x1b[C\x1b[C");
    dashboard.wait_for("the mean");
    dashboard.wait_for(&rates(&scores, mean));
    dashboard.type_keys("}");
    dashboard.wait_for(", mean + ");
    let moved = dashboard.screen().contents();
    let shown = moved.split("at ").find_map(|rest| {
        let (threshold, _) = rest.split_once(", mean + ")?;
        threshold.parse::<f64>().ok()
    });
    let shown = shown.expect("the threshold is told");
    assert!(shown > mean, "{shown} after {mean}");
    dashboard.wait_for(&rates(&scores, shown));
    dashboard.type_keys(&"}".repeat(60));
    dashboard.wait_for("accuracy 50.00 %  FAR 100.00 %  FRR 0.00 %");
    dashboard.type_keys("=");
    dashboard.wait_for(&rates(&scores, mean));
    dashboard.type_keys("q");
    dashboard.wait_for_end();
}

#[test]
fn the_end_of_a_run_is_told_in_the_way_that_was_asked_for() {
    for (arguments, bytes) in [
        (&["--notify", "bell"][..], &b"\x07"[..]),
        (
            &["--notify", "osc9"],
            b"\x1b]9;facetui: night: finished\x07",
        ),
        (&["--readonly"], b""),
    ] {
        let root = tempfile::tempdir().unwrap();
        let (run, lock) = live_run(root.path(), "night");
        let mut dashboard = Dashboard::open(root.path(), arguments);
        dashboard.wait_for("● running");
        let bell = |bytes: &[u8]| bytes.contains(&0x07);
        assert!(!bell(&dashboard.take_bytes()), "nothing has ended yet");
        let mut status = run.status().unwrap();
        status.state = RunState::Finished;
        run.write_status(&status).unwrap();
        drop(lock);
        dashboard.wait_for("✓ finished");
        dashboard.type_keys("q");
        dashboard.wait_for_end();
        let written = dashboard.take_bytes();
        assert_eq!(bell(&written), !bytes.is_empty(), "{arguments:?}");
        let told = bytes.is_empty() || written.windows(bytes.len()).any(|part| part == bytes);
        assert!(told, "{arguments:?}");
    }
}

#[test]
fn ascii_can_be_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let (_run, _lock) = live_run(root.path(), "night");
    let mut dashboard = Dashboard::open(root.path(), &["--ascii"]);
    dashboard.wait_for("> running");
    assert!(dashboard.screen().contents().is_ascii());
}

#[test]
fn what_is_selected_is_copied_into_the_terminals_clipboard() {
    let root = tempfile::tempdir().unwrap();
    let (run, _lock) = live_run(root.path(), "night");
    let mut dashboard = Dashboard::open(root.path(), &[]);
    dashboard.wait_for("● running");
    dashboard.take_bytes();
    dashboard.type_keys("Y");
    dashboard.wait_for("copied: ");
    let written = dashboard.take_bytes();
    let text = String::from_utf8_lossy(&written).into_owned();
    let (_, rest) = text.split_once("\x1b]52;c;").expect("OSC 52 was written");
    let (encoded, _) = rest.split_once('\x07').expect("it ends");
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .unwrap();
    assert_eq!(
        String::from_utf8(decoded).unwrap(),
        run.path().display().to_string()
    );
}

#[test]
fn settings_are_obeyed_and_wrong_ones_named_with_their_lines() {
    let root = tempfile::tempdir().unwrap();
    let (_run, _lock) = live_run(root.path(), "night");
    let settings = root.path().join("settings.toml");
    let arguments = ["--settings", settings.to_str().unwrap()];
    fs::write(&settings, "ascii = true\n[keys]\nshow-live = \"L\"\n").unwrap();
    let mut dashboard = Dashboard::open(root.path(), &arguments);
    dashboard.wait_for("> running");
    dashboard.type_keys("L");
    dashboard.wait_for("total loss");
    for (text, told) in [
        ("\nthem = \"dark\"\n", "settings.toml:2: them: unknown key"),
        (
            "[keys]\npark = \"q\"\n",
            "settings.toml:2: keys.park: q is the key of quit",
        ),
    ] {
        fs::write(&settings, text).unwrap();
        let mut dashboard = Dashboard::open(root.path(), &arguments);
        let (_, code) = dashboard.wait_for_end();
        assert_eq!(code, 2);
        let shown = dashboard.screen().contents().replace('\n', "");
        assert!(shown.contains(told), "{shown}");
    }
}

#[test]
fn a_track_of_faces_needs_a_run_that_keeps_its_scores() {
    let root = tempfile::tempdir().unwrap();
    evaluated_run(root.path());
    let mut dashboard = Dashboard::open(root.path(), &["--images", "off"]);
    dashboard.wait_for("eval-pairs");
    dashboard.type_keys("4");
    // Its job document is missing: why nothing is shown is said, and the other views go on.
    dashboard.wait_for("no failing pairs can be shown");
    dashboard.type_keys("5");
    dashboard.wait_for("ytf-errors.txt, not written yet");
    dashboard.wait_for("35 listed");
    dashboard.type_keys(":show-runs\r");
    dashboard.wait_for("eval-pairs");
}
