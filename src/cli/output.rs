//! Where commands print: results to stdout, messages to stderr.

use std::{
    io::{IsTerminal, Write, stderr, stdout},
    sync::Mutex,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::Failure;
use crate::untrusted::visible;

/// Prints one line of a result.
pub(super) fn print(line: &str) -> Result<(), Failure> {
    print_raw(format!("{line}\n").as_bytes())
}

/// Prints a result as it is.
pub(super) fn print_raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()?;
    Ok(())
}

/// Prints the one JSON document of a `--json`.
pub(super) fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document)
        .map_err(|error| Failure::Failed(format!("cannot write the result as JSON: {error}")))?;
    print(&text)
}

/// Prints rows as columns, each as wide as its widest field.
pub(super) fn print_columns(rows: &[Vec<String>]) -> Result<(), Failure> {
    let width = |text: &str| unicode_width::UnicodeWidthStr::width(text);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|field| width(field))
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in rows {
        let mut line = String::new();
        for (field, column_width) in row.iter().zip(&widths) {
            line.push_str(field);
            line.push_str(&" ".repeat(column_width + 2 - width(field)));
        }
        print(line.trim_end())?;
    }
    Ok(())
}

/// Says one line to whoever watches, control characters made visible.
pub(super) fn say(line: &str) {
    // Without a stderr there is nobody to tell.
    let _ = writeln!(stderr().lock(), "facetui: {}", visible(line));
}

/// A line on stderr that counts pictures while they are worked on; nothing where stderr is no terminal.
pub(super) struct Progress {
    what: &'static str,
    is_terminal: bool,
    started: Instant,
    shown: Mutex<Option<Instant>>,
}

impl Progress {
    const SHOW_EVERY: Duration = Duration::from_millis(100);

    /// `what` is done with the pictures, as in `drawing faces`.
    pub fn new(what: &'static str) -> Self {
        Self {
            what,
            is_terminal: stderr().is_terminal(),
            started: Instant::now(),
            shown: Mutex::new(None),
        }
    }

    /// Shows how far it is; callable from any thread, and cheap.
    pub fn show(&self, done: u64, all: u64) {
        if !self.is_terminal {
            return;
        }
        // A thread that is just writing says as much.
        let Ok(mut shown) = self.shown.try_lock() else {
            return;
        };
        if shown.is_none_or(|last| last.elapsed() >= Self::SHOW_EVERY) {
            let per_second = done as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
            let left = duration(all.saturating_sub(done) as f64 / per_second.max(1e-9));
            let _ = write!(
                stderr().lock(),
                "\r{} {done}/{all}, {per_second:.0}/s, {left} left\x1b[K",
                self.what
            );
            *shown = Some(Instant::now());
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if self.is_terminal {
            let _ = write!(stderr().lock(), "\r\x1b[K");
        }
    }
}

/// A span of time as people say it.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".to_owned();
    }
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h {minutes:02}m"),
    }
}
