//! The dashboard's promises: frame time with ten million points, bytes sent over the line, start-up, memory.
//!
//! `./x bench dashboard` draws frames in this process, then starts the real program in a pseudo-terminal on run
//! directories that it makes under `target/bench-dashboard`. Every figure stands beside its promise; the exit code says
//! whether all hold. `frames`, `line` and `start` after `--` measure only these.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, missing_docs)]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use facetui::config::Settings;
use facetui::run::{
    Event, EventWriter, JobKind, RunDirectory, RunLock, RunState, Scalars, Status, What,
};
use facetui::tui::message::Message;
use facetui::tui::model::{Access, Model, View};
use facetui::tui::snapshot::{Contents, Curves, RunSnapshot};
use facetui::tui::theme::Theme;
use facetui::tui::update::update;
use facetui::tui::view::{self, ViewCache};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

const POINTS: u64 = 10_000_000;
const TAGS: [&str; 10] = [
    "loss/total",
    "loss/margin",
    "loss/centre_weighted",
    "loss/weight_decay",
    "train/accuracy",
    "train/learning_rate",
    "train/gradient_norm",
    "speed/images_per_second",
    "speed/data_wait",
    "train/cosine",
];

fn main() -> ExitCode {
    let mut all = true;
    let mut promise = |what: &str, found: f64, most: f64, unit: &str| {
        let holds = found <= most;
        all &= holds;
        let word = if holds { "holds" } else { "BROKEN" };
        println!("{what}: {found:.2} {unit} (promised {most} {unit}) {word}");
    };
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let parts = ["frames", "line", "start"];
    let some = asked.iter().any(|part| parts.contains(&part.as_str()));
    let wanted = |part: &str| !some || asked.iter().any(|asked| asked == part);
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-dashboard");
    if wanted("frames") {
        frames(&mut promise);
    }
    if wanted("line") {
        over_the_line(&here.join("line"), &mut promise);
    }
    if wanted("start") {
        start_up(&here.join("many"), &mut promise);
    }
    if all {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The live view on ten million points, with all charts.
struct Live {
    model: Model,
    cache: ViewCache,
    terminal: Terminal<TestBackend>,
    scalars: Scalars,
    step: u64,
    edition: u64,
}

impl Live {
    fn open(steps: u64) -> Self {
        let mut scalars = Scalars::default();
        (1..=steps).for_each(|step| scalars.add(event(step)));
        let theme = Theme::of_environment(|_| Some("C.UTF-8".to_owned()), &Settings::default());
        let mut model = Model::new(theme, Access::Full, "runs".to_owned(), None);
        let run = |name: &str, started| {
            Arc::new(RunSnapshot {
                path: PathBuf::from("runs").join(name),
                name: name.to_owned(),
                contents: Contents::EventLog,
                started,
            })
        };
        update(&mut model, Message::Resized(200, 50));
        update(
            &mut model,
            Message::Runs(vec![run("long", 1.0), run("other", 0.0)]),
        );
        model.view = View::Live;
        let mut live = Self {
            model,
            cache: ViewCache::default(),
            terminal: Terminal::new(TestBackend::new(200, 50)).unwrap(),
            scalars,
            step: steps,
            edition: 0,
        };
        live.news("long");
        live.settle();
        live
    }

    /// A step was made; the poller's thread makes the message.
    fn news(&mut self, run: &str) {
        self.step += 1;
        self.edition += 1;
        self.scalars.add(event(self.step));
        let path = PathBuf::from("runs").join(run);
        let curves = Curves::new(path, Arc::new(self.scalars.clone()), self.edition);
        update(&mut self.model, Message::Curves(curves));
    }

    fn press(&mut self, key: char) {
        let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
        update(&mut self.model, Message::Key(key));
    }

    /// One frame, in milliseconds.
    fn frame(&mut self) -> f64 {
        let begun = Instant::now();
        self.terminal
            .draw(|frame| view::draw(&self.model, &mut self.cache, frame))
            .unwrap();
        begun.elapsed().as_secs_f64() * 1e3
    }

    /// Frames until nothing is left to be worked out.
    fn settle(&mut self) -> Vec<f64> {
        let mut times = vec![self.frame()];
        while self.cache.is_behind() {
            times.push(self.frame());
        }
        times
    }

    /// A frame after news and a press of one of some keys in turn.
    fn frames_after(&mut self, keys: &str, count: usize) -> f64 {
        let mut times = Vec::new();
        for key in keys.chars().cycle().take(count) {
            // Nothing that was drawn before is good any more.
            self.news("long");
            self.press(key);
            times.push(self.settle()[0]);
        }
        median(&mut times)
    }

    fn frames_after_news(&mut self) -> f64 {
        let mut times = Vec::new();
        for _ in 0..31 {
            self.news("long");
            times.push(self.settle()[0]);
        }
        median(&mut times)
    }
}

/// Frames of the live view on ten million points.
fn frames(promise: &mut impl FnMut(&str, f64, f64, &str)) {
    let mut live = Live::open(POINTS / TAGS.len() as u64);
    let mut frame = |what: &str, time: f64| {
        promise(
            &format!("a frame {what}, of 10 million points"),
            time,
            5.0,
            "ms",
        );
    };
    let mut unchanged: Vec<f64> = (0..31).map(|_| live.frame()).collect();
    frame("without news", median(&mut unchanged));
    frame("after news", live.frames_after_news());
    frame("after log y", live.frames_after("y", 30));
    frame("after log x", live.frames_after("X", 30));
    frame("after another axis", live.frames_after("x", 30));
    frame("after outliers", live.frames_after("o", 31));
    frame("after news with outliers ignored", live.frames_after_news());
    live.press('o');
    frame("after zooming", live.frames_after("++++++--", 32));
    live.press('+');
    live.press('+');
    frame("after panning", live.frames_after("((((())))", 27));
    live.press('0');
    let mut times = Vec::new();
    for _ in 0..4 {
        live.press('e');
        times.extend(live.settle());
    }
    let longest = times.iter().copied().fold(0.0, f64::max);
    frame(
        "after another smoothing, until it is there",
        median(&mut times),
    );
    println!(
        "  it takes {} frames at most, the longest {longest:.2} ms",
        times.len() / 3
    );
    for smoothing in ["0.6", "0.9", "0.99"] {
        live.press('e');
        live.settle();
        frame(
            &format!("after news, smoothed by {smoothing}"),
            live.frames_after_news(),
        );
    }
    frame("after log y, smoothed", live.frames_after("y", 30));
    frame("after log x, smoothed", live.frames_after("X", 30));
    frame("after zooming, smoothed", live.frames_after("++++++--", 32));
    live.press('0');
    let other = PathBuf::from("runs/other");
    live.model.compared.insert(other);
    live.news("other");
    live.settle();
    frame(
        "after news beside another such run, smoothed",
        live.frames_after_news(),
    );
}

fn event(step: u64) -> Event {
    let ripple = (step * 7919 % 101) as f64 / 101.0;
    let values = TAGS.iter().enumerate();
    let values = values.map(|(nth, tag)| {
        (
            (*tag).to_owned(),
            ripple + 1e5 / (step + 1 + nth as u64) as f64,
        )
    });
    Event {
        wall_time: 1.7e9 + step as f64 / 4.0,
        step,
        what: What::Scalars(values.collect()),
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A training that its worker seems to be at, as far as `step`.
fn live_run(root: &Path, name: &str, step: u64) -> (RunDirectory, RunLock, EventWriter) {
    let run = RunDirectory::create(root, name).unwrap();
    run.write_status(&status(name, step)).unwrap();
    let mut events = EventWriter::append(run.path()).unwrap();
    for step in 1..=step {
        log(&mut events, step);
    }
    events.flush().unwrap();
    let lock = run.try_lock().unwrap();
    (run, lock, events)
}

fn status(name: &str, step: u64) -> Status {
    let mut status = Status::starting(name, JobKind::Train, 2_000_000, "flex");
    status.state = RunState::Running;
    status.phase = None;
    status.step = step;
    status.images_per_second = Some(41.2);
    status.eta_seconds = Some(7_300.0);
    status
}

fn log(events: &mut EventWriter, step: u64) {
    let What::Scalars(values) = event(step).what else {
        return;
    };
    let values = values.iter().map(|(tag, value)| (tag.as_str(), *value));
    events.scalars(step, values).unwrap();
}

/// The program in a terminal, and what it writes.
struct Session {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Session {
    fn open(root: &Path, (columns, rows): (u16, u16)) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_facetui"));
        command.arg("--runs");
        command.arg(root);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        for variable in ["NO_COLOR", "TMUX", "STY"] {
            command.env_remove(variable);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let keyboard = pair.master.take_writer().unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut bytes = vec![0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            keyboard,
            output,
            _master: pair.master,
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// What comes within a time.
    fn read_for(&mut self, time: Duration) -> Vec<u8> {
        let begun = Instant::now();
        let mut all = Vec::new();
        while let Some(left) = time.checked_sub(begun.elapsed()) {
            if let Ok(bytes) = self.output.recv_timeout(left) {
                self.answer(&bytes);
                all.extend(bytes);
            }
        }
        all
    }

    /// How long until `text` was written.
    fn wait_for(&mut self, text: &str) -> Duration {
        let begun = Instant::now();
        let mut all = Vec::new();
        while begun.elapsed() < Duration::from_mins(2) {
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(10)) {
                self.answer(&bytes);
                all.extend(bytes);
            }
            if String::from_utf8_lossy(&all).contains(text) {
                return begun.elapsed();
            }
        }
        panic!("no {text}");
    }

    /// As every terminal does, it says that it is well when it is asked.
    fn answer(&mut self, bytes: &[u8]) {
        if bytes.windows(4).any(|part| part == b"\x1b[5n") {
            self.press("\x1b[0n");
        }
    }

    fn memory_mib(&self) -> f64 {
        let pid = self.child.process_id().unwrap();
        let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib / 1024.0
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes that an update of a live run takes at 120×40, and bytes when nothing happens.
fn over_the_line(root: &Path, promise: &mut impl FnMut(&str, f64, f64, &str)) {
    let _ = fs::remove_dir_all(root);
    let (run, _lock, mut events) = live_run(root, "night", 500);
    let mut session = Session::open(root, (120, 40));
    session.wait_for("night");
    session.press("2");
    session.read_for(Duration::from_secs(3));
    // The list's ages change once a second at first: the live view has none.
    let idle = session.read_for(Duration::from_secs(5)).len();
    promise("5 seconds in which nothing happens", idle as f64, 0.0, "B");
    let updates = 10;
    let mut sizes = Vec::new();
    for update in 1..=updates {
        let step = 500 + update;
        log(&mut events, step);
        events.flush().unwrap();
        run.write_status(&status("night", step)).unwrap();
        sizes.push(session.read_for(Duration::from_millis(1_500)).len() as f64);
    }
    promise("a live update at 120×40", median(&mut sizes), 2_048.0, "B");
}

/// The first screen with 500 runs, one of them of ten million points with its index; and the memory then.
fn start_up(root: &Path, promise: &mut impl FnMut(&str, f64, f64, &str)) {
    if !root.join(".complete").exists() {
        let _ = fs::remove_dir_all(root);
        let steps = POINTS / TAGS.len() as u64;
        let (run, lock, _) = live_run(root, "long", steps);
        let mut done = status("long", steps);
        done.state = RunState::Finished;
        run.write_status(&done).unwrap();
        drop(lock);
        for nth in 0..499 {
            let (run, lock, _) = live_run(root, &format!("run-{nth}"), 20);
            let mut done = status(&format!("run-{nth}"), 20);
            done.state = RunState::Finished;
            done.started -= 1e6 + f64::from(nth);
            run.write_status(&done).unwrap();
            drop(lock);
        }
        // The first dashboard reads the log and leaves the index for the next ones.
        let mut first = Session::open(root, (200, 50));
        first.wait_for("long");
        let index = root.join("long/index");
        let begun = Instant::now();
        while !index.join("curves").exists() && begun.elapsed() < Duration::from_mins(3) {
            first.read_for(Duration::from_millis(200));
        }
        fs::write(root.join(".complete"), "").unwrap();
    }
    let mut times = Vec::new();
    let mut memory = 0.0;
    for _ in 0..5 {
        let begun = Instant::now();
        let mut session = Session::open(root, (200, 50));
        session.wait_for("run-0");
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        session.press("2");
        session.wait_for("loss");
        session.read_for(Duration::from_secs(2));
        memory = session.memory_mib();
    }
    promise(
        "the first screen with 500 runs",
        median(&mut times),
        150.0,
        "ms",
    );
    promise("memory with ten million points open", memory, 300.0, "MiB");
}
