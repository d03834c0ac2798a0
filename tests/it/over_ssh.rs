//! The dashboard at the other end of a line: what it sends, what it does when the line is slow or stands still.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use facetui::run::EventWriter;
use rustix::process::{Pid, Signal, kill_process};

use crate::terminal::{Dashboard, Manner, PATIENCE, Session, TAKEN, facetui};
use crate::tui::live_run;

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

fn count(bytes: &[u8], part: &[u8]) -> usize {
    let places = bytes.windows(part.len());
    places.filter(|place| *place == part).count()
}

/// Reads what comes within a time, and gives it.
fn listen(dashboard: &mut Dashboard, time: Duration) -> Vec<u8> {
    dashboard.take_bytes();
    let begun = Instant::now();
    while let Some(left) = time.checked_sub(begun.elapsed()) {
        dashboard.read(left.min(Duration::from_millis(100)));
    }
    dashboard.take_bytes()
}

/// The live view at 120×40.
fn open_large(root: &Path) -> Dashboard {
    let mut command = facetui([] as [&str; 0]);
    command.arg("--runs");
    command.arg(root);
    let manner = Manner {
        columns: 120,
        rows: 40,
        answers: "",
    };
    let mut dashboard = Dashboard::start_in(command, Session::OfTheTerminal, PATIENCE, manner);
    dashboard.wait_for("● running");
    dashboard.type_keys("2");
    dashboard.wait_for("total loss");
    listen(&mut dashboard, Duration::from_secs(1));
    dashboard
}

#[test]
fn a_live_run_without_news_costs_no_bytes() {
    let root = tempfile::tempdir().unwrap();
    // Its lock beats every five seconds.
    let (_run, _lock) = live_run(root.path(), "night");
    let mut dashboard = Dashboard::open(root.path(), &[]);
    dashboard.wait_for("● running");
    for (keys, shown) in [("", "night"), ("2", "total loss"), ("z", "lowest")] {
        dashboard.type_keys(keys);
        dashboard.wait_for(shown);
        listen(&mut dashboard, Duration::from_secs(2));
        let sent = listen(&mut dashboard, Duration::from_millis(5_500));
        assert_eq!(String::from_utf8_lossy(&sent), "", "after {keys:?}");
    }
}

#[test]
fn an_update_is_one_synchronized_frame_of_few_bytes() {
    let root = tempfile::tempdir().unwrap();
    let (run, _lock) = live_run(root.path(), "night");
    let mut dashboard = open_large(root.path());
    let mut events = EventWriter::append(run.path()).unwrap();
    for step in 51..54 {
        let values = [("loss/total", 3.0), ("train/learning_rate", 0.001)];
        events.scalars(step, values).unwrap();
        events.flush().unwrap();
        let mut status = run.status().unwrap();
        status.step = step;
        run.write_status(&status).unwrap();
        let sent = listen(&mut dashboard, Duration::from_millis(1_500));
        let frames = count(&sent, BEGIN);
        assert!((1..=2).contains(&frames), "curves and status: {frames}");
        assert_eq!(count(&sent, END), frames);
        assert!(sent.starts_with(BEGIN) && sent.ends_with(END));
        assert!(sent.len() <= 2_048, "{} bytes", sent.len());
    }
}

/// The whole screen of a large terminal, asked for many times: how many frames came of it, and how long the last one
/// took to come.
fn frames_of_many_presses(root: &Path, rest: Duration) -> (usize, Duration) {
    let mut dashboard = open_large(root);
    dashboard.take_slowly(rest);
    for _ in 0..60 {
        dashboard.type_keys("\x0c");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(50) {
            dashboard.read(Duration::from_millis(5));
        }
    }
    // The last of all keys is obeyed as soon as what the system holds for the terminal (64 KiB) is taken: the dashboard
    // queues nothing up.
    dashboard.type_keys("?");
    let begun = Instant::now();
    dashboard.wait_for("runs go on without it");
    let lag = begun.elapsed();
    dashboard.take_slowly(Duration::ZERO);
    let frames = count(&dashboard.take_bytes(), BEGIN);
    (frames, lag)
}

#[test]
fn a_slow_terminal_gets_fewer_frames_and_keys_are_still_obeyed() {
    let root = tempfile::tempdir().unwrap();
    let (_run, _lock) = live_run(root.path(), "night");
    let (many, _) = frames_of_many_presses(root.path(), Duration::ZERO);
    let rest = Duration::from_millis(100);
    let (few, lag) = frames_of_many_presses(root.path(), rest);
    assert!(many >= 30, "{many} frames on a fast line");
    assert!(
        few * 2 < many,
        "{few} frames at {TAKEN} bytes each {rest:?}, {many} else"
    );
    assert!(lag < PATIENCE / 2, "{lag:?}");
}

#[test]
fn a_signal_ends_it_although_the_terminal_takes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (_run, _lock) = live_run(root.path(), "night");
    for (signal, expected) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut dashboard = Dashboard::open(root.path(), &[]);
        dashboard.wait_for("● running");
        dashboard.take_nothing();
        // Each asks for the whole screen anew, until the line is full and the dashboard waits for it.
        for _ in 0..200 {
            dashboard.type_keys("\x0c");
            thread::sleep(Duration::from_millis(20));
        }
        assert!(waits_for_the_line(dashboard.pid()), "it still writes");
        kill_process(dashboard.pid(), signal).unwrap();
        let (time, code) = dashboard.wait_for_end();
        assert!(time < Duration::from_secs(1), "{signal:?}: {time:?}");
        assert_eq!(code, expected);
    }
}

/// Whether a process sleeps in the writing to a terminal, as far as the system tells.
fn waits_for_the_line(pid: Pid) -> bool {
    let place = format!("/proc/{}/wchan", pid.as_raw_nonzero());
    match fs::read_to_string(place) {
        Ok(place) if place.len() > 1 => !place.contains("epoll"),
        // Not every system tells.
        _ => true,
    }
}

#[test]
fn a_terminal_that_answers_nothing_is_drawn_anew() {
    let root = tempfile::tempdir().unwrap();
    let (_run, _lock) = live_run(root.path(), "night");
    let mut dashboard = Dashboard::open(root.path(), &[]);
    dashboard.wait_for("● running");
    listen(&mut dashboard, Duration::from_millis(500));
    dashboard.type_keys("\x0c");
    let sent = listen(&mut dashboard, Duration::from_secs(1));
    assert_eq!(count(&sent, b"\x1b[6n"), 0, "nothing is asked");
    assert_eq!(count(&sent, BEGIN), 1);
    assert!(count(&sent, "● running".as_bytes()) >= 1 || sent.len() > 500);
    // Stopped by another program than its own key, and woken: the shell wrote in between.
    kill_process(dashboard.pid(), Signal::STOP).unwrap();
    thread::sleep(Duration::from_millis(100));
    kill_process(dashboard.pid(), Signal::CONT).unwrap();
    let sent = listen(&mut dashboard, Duration::from_secs(1));
    assert_eq!(
        count(&sent, b"\x1b[?1049h"),
        1,
        "the alternate screen again"
    );
    dashboard.wait_for("● running");
}

#[test]
fn the_mouse_is_taken_only_while_it_is_wanted() {
    let root = tempfile::tempdir().unwrap();
    let (_run, _lock) = live_run(root.path(), "night");
    let settings = root.path().join("settings.toml");
    let arguments = ["--settings", settings.to_str().unwrap()];
    for (text, at_first) in [("", true), ("mouse = false\n", false)] {
        fs::write(&settings, text).unwrap();
        let mut dashboard = Dashboard::open(root.path(), &arguments);
        dashboard.wait_for("● running");
        let is_taken = |dashboard: &Dashboard| {
            dashboard.screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None
        };
        assert_eq!(is_taken(&dashboard), at_first);
        for (told, taken) in [
            ("the terminal selects text", false),
            ("the mouse points at charts", true),
        ] {
            if is_taken(&dashboard) != taken {
                dashboard.type_keys("M");
                dashboard.wait_for(told);
                assert_eq!(is_taken(&dashboard), taken);
            }
        }
        dashboard.type_keys("q");
        dashboard.wait_for_end();
        dashboard.assert_restored();
    }
}
