//! The Python program beside which a benchmark measures: it works when it is told to, and otherwise waits.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A process that answers a line with a line.
pub struct Python {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// The first line that it said: what it is.
    pub name: String,
}

impl Python {
    /// Starts a script of `benches/` and waits until it is ready; `None`, with a word, outside of `./x bench`, which
    /// makes ready what the script needs.
    pub fn start<T: AsRef<OsStr>>(
        script: &str,
        arguments: impl IntoIterator<Item = T>,
    ) -> Option<Self> {
        let Some(python) = env::var_os("FACETUI_BENCH_PYTHON") else {
            println!("{script} is not measured: that takes `./x bench`");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("benches")
            .join(script);
        let mut child = Command::new(python)
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut python = Self {
            ask: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
            name: String::new(),
        };
        python.name = python.line();
        Some(python)
    }

    /// The numbers that it answers to a word, seconds first.
    pub fn measure(&mut self, word: &str) -> Vec<f64> {
        writeln!(self.ask, "{word}").unwrap();
        let answer = self.line();
        let numbers = answer.split_whitespace();
        numbers.map(|number| number.parse().unwrap()).collect()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
