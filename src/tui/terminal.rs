//! Takes the terminal and gives it back, whatever happens: a quit, a panic, a signal, a closed window.

mod painter;

use std::backtrace::Backtrace;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::panic::{self, PanicHookInfo};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, queue};
use ratatui::{Frame, Terminal};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::atomic::atomic_write;
use crate::run::host;

use super::notify::Notify;
use painter::Painter;

/// Whether the terminal is ours now.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The exit code of a program that its terminal left.
pub const HUNG_UP: i32 = 129;

/// The terminal while it is ours; given back when dropped.
pub struct Screen {
    terminal: Terminal<Painter<File>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal: raw, the alternate screen, pastes as events and, where it is wanted, the mouse.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub fn take(mouse: bool) -> io::Result<Self> {
        enter(mouse)?;
        // Not through the standard library's own output: whoever waits for a slow terminal would hold its lock, and
        // nobody could give the terminal back meanwhile.
        let output = File::from(rustix::io::dup(io::stdout())?);
        let terminal = Terminal::new(Painter::new(output)).inspect_err(|_| restore())?;
        Ok(Self { terminal, mouse })
    }

    /// Takes the mouse, or leaves it to the terminal from now on.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn set_mouse(&mut self, wanted: bool) -> io::Result<()> {
        self.mouse = wanted;
        let mut bytes = Vec::new();
        if wanted {
            queue!(bytes, EnableMouseCapture)?;
        } else {
            queue!(bytes, DisableMouseCapture)?;
        }
        self.terminal.backend_mut().say(&bytes)
    }

    /// Draws a frame; a terminal that can shows it all at once. What the terminal shows already is not sent.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.terminal.draw(view)?;
        Ok(())
    }

    /// Tells `text` outside of the picture, in the way that was asked for.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn notify(&mut self, how: Notify, text: &str) -> io::Result<()> {
        self.terminal.backend_mut().say(&how.bytes(text))
    }

    /// Puts a text into the terminal's clipboard, also over SSH and through tmux (OSC 52).
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
        self.terminal.backend_mut().say(sequence.as_bytes())
    }

    /// Forgets what is on the terminal: the next frame draws everything.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn clear(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Gives the terminal back for a while, lets `away` happen, and takes it again.
    ///
    /// # Errors
    /// When the terminal is gone by then.
    pub async fn lend(&mut self, away: impl Future<Output = ()>) -> io::Result<()> {
        restore();
        away.await;
        self.take_again()
    }

    /// Takes the terminal again after something else had it.
    ///
    /// # Errors
    /// When the terminal is gone by then.
    pub fn take_again(&mut self) -> io::Result<()> {
        enter(self.mouse)?;
        self.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut bytes = Vec::new();
    queue!(
        bytes,
        EnterAlternateScreen,
        EnableBracketedPaste,
        cursor::Hide
    )?;
    if mouse {
        queue!(bytes, EnableMouseCapture)?;
    }
    let output = File::from(rustix::io::dup(io::stdout())?);
    (&output).write_all(&bytes).inspect_err(|_| restore())
}

/// Gives the terminal back, once; on a terminal that is gone nothing more can be done.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut bytes = Vec::new();
    // Nothing that is written into memory fails.
    let _ = queue!(
        bytes,
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        cursor::Show
    );
    if takes_bytes() {
        let _ = rustix::io::write(io::stdout(), &bytes);
    }
    let _ = disable_raw_mode();
}

/// Whether the terminal takes bytes now, or in a moment: one that was stopped is not waited for.
fn takes_bytes() -> bool {
    let output = io::stdout();
    let mut watched = [PollFd::from_borrowed_fd(output.as_fd(), PollFlags::OUT)];
    let moment = Timespec {
        tv_sec: 0,
        tv_nsec: 200_000_000,
    };
    matches!(poll(&mut watched, Some(&moment)), Ok(1..))
}

/// Gives the terminal back and ends the process at once.
pub fn leave(code: i32) -> ! {
    restore();
    process::exit(code)
}

/// Ends the process as soon as its terminal or a signal says so.
///
/// # Errors
/// When the system has no signals left to listen to.
pub fn leave_with_the_terminal() -> io::Result<()> {
    leave_on_hang_up();
    leave_on_signals()
}

/// Ends the process as soon as a signal says so, also while the screen waits for a terminal that takes no bytes.
fn leave_on_signals() -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listens = runtime.enter();
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    drop(listens);
    thread::spawn(move || {
        let code = runtime.block_on(async {
            tokio::select! {
                _ = hang_up.recv() => HUNG_UP,
                _ = terminate.recv() => 143,
                _ = interrupt.recv() => 130,
            }
        });
        leave(code)
    });
    Ok(())
}

/// Ends the process as soon as its terminal hangs up.
///
/// A terminal that is gone is always readable, and crossterm would read it for ever at full speed: a thread that waits
/// for nothing but the hang-up ends that, even where the signal for it is ignored (`nohup`).
fn leave_on_hang_up() {
    thread::spawn(|| {
        let input = io::stdin();
        loop {
            let mut watched = [PollFd::from_borrowed_fd(input.as_fd(), PollFlags::empty())];
            match poll(&mut watched, None) {
                Err(Errno::INTR) => {}
                // Not every system can wait for this; the signal and the reader's end still tell.
                Err(_) => return,
                Ok(_) => leave(HUNG_UP),
            }
        }
    });
}

/// On a panic in any thread: gives the terminal back, writes a report, names it, and ends.
pub fn report_panics() {
    panic::set_hook(Box::new(|panic| {
        restore();
        let report = report_of(panic);
        let mut errors = io::stderr();
        // Where stderr is gone too there is nobody left to tell.
        let _ = match write_report(&report) {
            Ok(path) => writeln!(
                errors,
                "facetui: the dashboard had a fault and ended; runs go on without it.\nA report is in {}",
                path.display()
            ),
            Err(_) => writeln!(
                errors,
                "facetui: the dashboard had a fault and ended; runs go on without it.\n{report}"
            ),
        };
        process::exit(101)
    }));
}

fn report_of(panic: &PanicHookInfo) -> String {
    format!(
        "facetui {}\ntime {}\nthread {}\n{panic}\n\n{}\n",
        env!("CARGO_PKG_VERSION"),
        host::now() as u64,
        thread::current().name().unwrap_or("without a name"),
        Backtrace::force_capture()
    )
}

fn write_report(report: &str) -> io::Result<PathBuf> {
    let folder = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/state")))
        .unwrap_or_else(std::env::temp_dir)
        .join("facetui");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!(
        "fault-{}-{}.txt",
        host::now() as u64,
        process::id()
    ));
    atomic_write(&path, report.as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

    /// What makes the process that runs the test below the one in which the fault happens.
    const CHILD: &str = "FACETUI_TEST_FAULT";

    #[test]
    fn a_fault_gives_the_terminal_back_and_names_the_report_of_it() {
        if std::env::var_os(CHILD).is_some() {
            report_panics();
            let _screen = Screen::take(true).unwrap();
            panic!("the sky fell");
        }
        let state = tempfile::tempdir().unwrap();
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args([
            "a_fault_gives_the_terminal_back_and_names_the_report_of_it",
            "--nocapture",
        ]);
        command.env(CHILD, "yes");
        command.env("XDG_STATE_HOME", state.path());
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let mut written = Vec::new();
        // Linux ends a terminal that nobody writes to any more with an error.
        let _ = reader.read_to_end(&mut written);
        assert_eq!(child.wait().unwrap().exit_code(), 101);
        let text = String::from_utf8_lossy(&written);
        let (taken, given_back) = text.split_once("\x1b[?1049l").unwrap();
        for taken_once in ["\x1b[?1049h", "\x1b[?2004h", "\x1b[?25l", "\x1b[?1000h"] {
            assert!(taken.contains(taken_once), "{text:?}");
        }
        assert!(taken.contains("\x1b[?2004l") && taken.contains("\x1b[?1000l"));
        assert!(given_back.contains("\x1b[?25h"), "the cursor is shown");
        let reports: Vec<PathBuf> = fs::read_dir(state.path().join("facetui"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        let [report] = reports.as_slice() else {
            panic!("{reports:?}");
        };
        assert!(given_back.contains(&report.display().to_string()), "{text}");
        let report = fs::read_to_string(report).unwrap();
        assert!(report.contains("the sky fell") && report.contains("terminal.rs"));
    }
}
