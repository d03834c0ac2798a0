//! Takes the terminal and gives it back, whatever happens: a quit, a panic, a signal, a closed window.

use std::backtrace::Backtrace;
use std::fs;
use std::io::{self, BufWriter, Stdout, Write};
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
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::atomic::atomic_write;
use crate::run::host;

use super::notify::Notify;

/// Whether the terminal is ours now.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The exit code of a program that its terminal left.
pub const HUNG_UP: i32 = 129;

/// The terminal while it is ours; given back when dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal: raw, the alternate screen, mouse and pastes as events.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub fn take() -> io::Result<Self> {
        enter()?;
        // Large enough for a full frame, so that one frame is one write.
        let output = BufWriter::with_capacity(64 * 1024, io::stdout());
        let terminal = Terminal::new(CrosstermBackend::new(output)).inspect_err(|_| restore())?;
        Ok(Self { terminal })
    }

    /// Draws a frame; a terminal that can shows it all at once.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(view)?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Tells `text` outside of the picture, in the way that was asked for.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn notify(&mut self, how: Notify, text: &str) -> io::Result<()> {
        let bytes = how.bytes(text);
        let writer = self.terminal.backend_mut();
        writer.write_all(&bytes)?;
        Write::flush(writer)
    }

    /// Puts a text into the terminal's clipboard, also over SSH and through tmux (OSC 52).
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        let writer = self.terminal.backend_mut();
        write!(writer, "\x1b]52;c;{}\x07", STANDARD.encode(text))?;
        Write::flush(writer)
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
        enter()?;
        self.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableMouseCapture,
        EnableBracketedPaste,
        cursor::Hide
    )
    .inspect_err(|_| restore())
}

/// Gives the terminal back, once; on a terminal that is gone nothing more can be done.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(
        io::stdout(),
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        DisableMouseCapture,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
}

/// Gives the terminal back and ends the process at once.
pub fn leave(code: i32) -> ! {
    restore();
    process::exit(code)
}

/// Ends the process as soon as its terminal hangs up.
///
/// A terminal that is gone is always readable, and crossterm would read it for ever at full speed: a thread that waits
/// for nothing but the hang-up ends that, even where the signal for it is ignored (`nohup`).
pub fn leave_on_hang_up() {
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
