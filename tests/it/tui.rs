//! The dashboard in a real pseudo-terminal, on run directories written by hand.

use std::fs;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use facetui::run::{
    Command, EventWriter, JobKind, JournalEvent, RunDirectory, RunLock, RunState, Status,
};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Long enough for a busy machine; nothing waits for it where all is well.
const PATIENCE: Duration = Duration::from_secs(20);

/// A dashboard in a terminal of its own.
struct Dashboard {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

/// Whether the system tells the dashboard by a signal that its terminal is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Session {
    OfTheTerminal,
    /// As under `nohup` or `setsid`: no signal comes.
    Another,
}

impl Dashboard {
    fn open(root: &Path, arguments: &[&str]) -> Self {
        Self::open_in(root, arguments, Session::OfTheTerminal)
    }

    fn open_in(root: &Path, arguments: &[&str], session: Session) -> Self {
        let size = PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_facetui"));
        command.arg("--runs");
        command.arg(root);
        command.args(arguments);
        command.set_controlling_tty(session == Session::OfTheTerminal);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env_remove("NO_COLOR");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let keyboard = pair.master.take_writer().unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let [rows, columns] = [size.rows, size.cols].map(|cells| NonZeroU16::new(cells).unwrap());
        Self {
            child,
            master: Some(pair.master),
            keyboard,
            output,
            screen: vt100::Parser::new(rows, columns, 0),
            bytes: Vec::new(),
        }
    }

    fn type_keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Reads until the screen shows `text`.
    fn wait_for(&mut self, text: &str) {
        self.wait_until(text, |screen| screen.contents().contains(text));
    }

    fn wait_until(&mut self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let begun = Instant::now();
        while !holds(self.screen.screen()) {
            assert!(
                begun.elapsed() < PATIENCE,
                "no {what} on:\n{}",
                self.screen.screen().contents()
            );
            self.read(Duration::from_millis(50));
        }
    }

    /// Reads what comes within a time; `false` once the terminal's other end is closed.
    fn read(&mut self, time: Duration) -> bool {
        match self.output.recv_timeout(time) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.bytes.extend(bytes);
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    /// How long the process still takes to end, and its exit code.
    fn wait_for_end(&mut self) -> (Duration, u32) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.read(Duration::from_millis(100)) {}
                return (begun.elapsed(), status.exit_code());
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            self.read(Duration::from_millis(10));
        }
    }

    fn pid(&self) -> Pid {
        let pid = self.child.process_id().unwrap();
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
    }

    /// That the terminal is as it was before: the main screen, the cursor, no mouse, no pastes as events.
    fn assert_restored(&self) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen was left");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(!screen.bracketed_paste(), "pastes are no events");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        // A test that failed half-way must not leave its dashboard behind.
        let _ = self.child.kill();
    }
}

/// A training as its worker would leave it at step 50, with the lock that says that the worker lives.
fn live_run(root: &Path, name: &str) -> (RunDirectory, RunLock) {
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
    assert!(dashboard.screen.screen().alternate_screen());

    // The newest run is selected first; the broken folder was changed last.
    let selected = |name: &'static str| {
        move |screen: &vt100::Screen| {
            let contents = screen.contents();
            contents
                .lines()
                .any(|line| line.starts_with('▌') && line.contains(name))
        }
    };
    if !selected("night")(dashboard.screen.screen()) {
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
        // The reading thread holds the terminal open: it ends at the next byte once nobody listens.
        dashboard.output = channel().1;
        dashboard.type_keys("?");
        thread::sleep(Duration::from_millis(200));
        dashboard.keyboard = Box::new(std::io::sink());
        let before = processor_ticks(pid);
        drop(dashboard.master.take());
        let begun = Instant::now();
        let mut after = before;
        while dashboard.child.try_wait().unwrap().is_none() {
            after = processor_ticks(pid).max(after);
            let time = begun.elapsed();
            assert!(time < Duration::from_secs(1), "{session:?}: it lives on");
            thread::sleep(Duration::from_millis(5));
        }
        assert!(after - before < 20, "{session:?}: {} ticks", after - before);
    }
}

/// Processor time that a process has used, in clock ticks (100 a second).
fn processor_ticks(pid: Pid) -> u64 {
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
    dashboard.bytes.clear();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        dashboard.read(Duration::from_millis(100));
    }
    assert_eq!(String::from_utf8_lossy(&dashboard.bytes), "");
}
