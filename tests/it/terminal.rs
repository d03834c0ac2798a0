//! A program in a pseudo-terminal of its own, and what its screen shows.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::Pid;

/// Long enough for a busy machine; nothing waits for it where all is well.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A dashboard in a terminal of its own.
pub struct Dashboard {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    bytes: Vec<u8>,
    patience: Duration,
    rest: Arc<AtomicU64>,
    answers: &'static str,
}

/// What a terminal is like.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub columns: u16,
    pub rows: u16,
    /// What it answers when it is asked what it is, before it says that it is well.
    pub answers: &'static str,
}

/// At most so many bytes are taken at a time.
pub const TAKEN: usize = 1024;

/// The rest of a terminal that takes nothing.
const FOR_EVER: u64 = u64::MAX;

/// Whether the system tells the dashboard by a signal that its terminal is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    OfTheTerminal,
    /// As under `nohup` or `setsid`: no signal comes.
    Another,
}

impl Dashboard {
    /// `facetui` on a folder of runs.
    pub fn open(root: &Path, arguments: &[&str]) -> Self {
        Self::open_in(root, arguments, Session::OfTheTerminal)
    }

    pub fn open_in(root: &Path, arguments: &[&str], session: Session) -> Self {
        let mut command = facetui(arguments);
        command.arg("--runs");
        command.arg(root);
        Self::start(command, session, PATIENCE)
    }

    /// Any command of `facetui`; nothing on its screen is waited for longer than `patience`.
    pub fn start(command: CommandBuilder, session: Session, patience: Duration) -> Self {
        let manner = Manner {
            columns: 80,
            rows: 24,
            answers: "",
        };
        Self::start_in(command, session, patience, manner)
    }

    pub fn start_in(
        mut command: CommandBuilder,
        session: Session,
        patience: Duration,
        manner: Manner,
    ) -> Self {
        let size = PtySize {
            rows: manner.rows,
            cols: manner.columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        command.set_controlling_tty(session == Session::OfTheTerminal);
        // What the tests run in is no business of the terminal that they make.
        for (name, value) in [
            ("TERM", Some("xterm-256color")),
            ("LC_ALL", Some("C.UTF-8")),
            ("NO_COLOR", None),
            ("TMUX", None),
            ("STY", None),
        ] {
            let is_inherited = command.get_env(name) == std::env::var_os(name).as_deref();
            match value.filter(|_| is_inherited) {
                Some(value) => command.env(name, value),
                None if is_inherited => command.env_remove(name),
                None => {}
            }
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let keyboard = pair.master.take_writer().unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        let rest = Arc::new(AtomicU64::new(0));
        let resting = Arc::clone(&rest);
        thread::spawn(move || {
            let mut bytes = [0; TAKEN];
            loop {
                match resting.load(Ordering::Relaxed) {
                    FOR_EVER => {
                        thread::sleep(Duration::from_millis(5));
                        continue;
                    }
                    milliseconds => thread::sleep(Duration::from_millis(milliseconds)),
                }
                let Ok(count @ 1..) = reader.read(&mut bytes) else {
                    return;
                };
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
            patience,
            rest,
            answers: manner.answers,
        }
    }

    /// Lets the terminal rest after every [`TAKEN`] bytes.
    pub fn take_slowly(&self, rest: Duration) {
        self.rest.store(rest.as_millis() as u64, Ordering::Relaxed);
    }

    /// Lets the terminal take nothing more, as after Ctrl-S.
    pub fn take_nothing(&self) {
        self.rest.store(FOR_EVER, Ordering::Relaxed);
    }

    pub fn type_keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Reads until the screen shows `text`.
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(text, |screen| screen.contents().contains(text));
    }

    pub fn wait_until(&mut self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let begun = Instant::now();
        while !holds(self.screen.screen()) {
            assert!(
                begun.elapsed() < self.patience,
                "no {what} on:\n{}",
                self.screen.screen().contents()
            );
            self.read(Duration::from_millis(50));
        }
    }

    /// Reads what comes within a time; `false` once the terminal's other end is closed.
    pub fn read(&mut self, time: Duration) -> bool {
        match self.output.recv_timeout(time) {
            Ok(bytes) => {
                // As every terminal does, it answers to the question whether it is well.
                if bytes.windows(4).any(|part| part == b"\x1b[5n") {
                    let answers = format!("{}\x1b[0n", self.answers);
                    self.type_keys(&answers);
                }
                self.screen.process(&bytes);
                self.bytes.extend(bytes);
                true
            }
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    /// How long the process still takes to end, and its exit code.
    pub fn wait_for_end(&mut self) -> (Duration, u32) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.take_slowly(Duration::ZERO);
                while self.read(Duration::from_millis(100)) {}
                return (begun.elapsed(), status.exit_code());
            }
            assert!(begun.elapsed() < self.patience, "it does not end");
            self.read(Duration::from_millis(10));
        }
    }

    pub fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// What the terminal shows.
    pub fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    /// What was written since the last call.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Closes the terminal under the program, as a lost connection does.
    pub fn hang_up(&mut self) {
        // The reading thread holds the terminal open: it ends at the next byte once nobody listens.
        self.output = channel().1;
        self.type_keys("?");
        thread::sleep(Duration::from_millis(200));
        self.keyboard = Box::new(std::io::sink());
        drop(self.master.take());
    }

    pub fn pid(&self) -> Pid {
        let pid = self.child.process_id().unwrap();
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
    }

    /// That the terminal is as it was before: the main screen, the cursor, no mouse, no pastes as events.
    pub fn assert_restored(&self) {
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

/// `facetui` with arguments, to be started in a terminal.
pub fn facetui(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_facetui"));
    command.args(arguments);
    // How the person who runs the tests likes the dashboard is no business of theirs.
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("home");
    for variable in ["XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
        command.env(variable, home.join(variable));
    }
    command
}
