//! Event logs: what writing costs, and how fast ten million scalars are read, beside TensorBoard's own data server.
//!
//! `./x bench events` fetches that server into `target/bench-venv` and runs this. Both sides read the same files, which
//! this program makes under `target/bench-events`, in turn and several times; what is told are medians. The server
//! keeps a thousand points a tag and, as it is started by TensorBoard, checks no checksum; this reader keeps all points
//! and checks all.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, missing_docs)]

#[path = "support/median.rs"]
mod median;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use facetui::run::{Curve, CurveLog, EventWriter, IndexHome, RunError};

use median::median;

const SCALARS: u64 = 10_000_000;
const REPEATS: usize = 5;
const TAGS: [&str; 10] = [
    "loss/total",
    "loss/margin",
    "loss/centre",
    "loss/centre_weighted",
    "loss/weight_decay",
    "train/accuracy",
    "train/learning_rate",
    "train/gradient_norm",
    "speed/images_per_second",
    "speed/data_wait",
];

/// How scalars lie in a log.
#[derive(Clone, Copy)]
enum Form {
    /// As facetui writes them: all of a step in one event.
    Together,
    /// As PyTorch's `add_scalar` does: an event each.
    Apart,
}

fn main() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-events");
    let server = tensorboard_server();
    if server.is_none() {
        println!(
            "no Python with tensorboard-data-server: only facetui's side is measured (`./x bench events` does both)"
        );
    }
    write_cost(&here, Form::Together);
    write_cost(&here, Form::Apart);
    for (name, form) in [("together", Form::Together), ("apart", Form::Apart)] {
        let folder = make_log(&here, name, form);
        read(&folder, name, server.as_deref());
    }
}

/// The server's program, in the Python that `./x bench` made ready.
fn tensorboard_server() -> Option<PathBuf> {
    let python = env::var_os("FACETUI_BENCH_PYTHON")?;
    let code = "import tensorboard_data_server as s; print(s.server_binary())";
    let output = Command::new(python).args(["-c", code]).output().unwrap();
    assert!(
        output.status.success(),
        "tensorboard-data-server isn't there"
    );
    Some(PathBuf::from(
        String::from_utf8(output.stdout).unwrap().trim(),
    ))
}

/// Writes as a worker does, a flush an event, and tells which part of a core 20,000 scalars a second would take.
fn write_cost(here: &Path, form: Form) {
    let folder = here.join("written");
    let scalars = 1_000_000;
    let shares = (0..REPEATS).map(|_| {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let before = processor_seconds();
        write_log(&folder, scalars, form, EventWriter::flush);
        (processor_seconds() - before) / (scalars as f64 / 20_000.0)
    });
    let share = 100.0 * median(shares);
    let events = match form {
        Form::Together => "ten an event, as a worker does",
        Form::Apart => "one an event",
    };
    println!(
        "writing 20,000 scalars a second, {events}, each handed to the system at once: {share:.2} % of a core"
    );
    let _ = fs::remove_dir_all(&folder);
}

fn write_log(
    folder: &Path,
    scalars: u64,
    form: Form,
    after_event: impl Fn(&mut EventWriter) -> Result<(), RunError>,
) {
    let mut writer = EventWriter::append(folder).unwrap();
    for step in 0..scalars / TAGS.len() as u64 {
        match form {
            Form::Together => {
                writer.scalars(step, values(step)).unwrap();
                after_event(&mut writer).unwrap();
            }
            Form::Apart => {
                for value in values(step) {
                    writer.scalars(step, [value]).unwrap();
                    after_event(&mut writer).unwrap();
                }
            }
        }
    }
    writer.flush().unwrap();
}

fn read(folder: &Path, name: &str, server: Option<&Path>) {
    let index = folder.with_extension("index");
    let nowhere = IndexHome::default();
    let home = IndexHome {
        in_runs: false,
        cache: Some(index.clone()),
    };
    let _ = fs::remove_dir_all(&index);
    let begun = Instant::now();
    let all = CurveLog::read_all(folder, &home).unwrap();
    let points: usize = all.curves().map(Curve::len).sum();
    assert_eq!(points as u64, SCALARS);
    println!(
        "{name}: {points} scalars in {} MB, index of {} MB (read and indexed in {:.2} s)",
        size(folder) / 1_000_000,
        size(&index) / 1_000_000,
        begun.elapsed().as_secs_f64()
    );
    drop(all);
    let (mut ours, mut theirs, mut second) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        let begun = Instant::now();
        let mut log = CurveLog::open(folder, &nowhere).unwrap();
        while log.read().unwrap().more {}
        ours.push(begun.elapsed().as_secs_f64());
        drop(log);
        theirs.extend(server.map(|server| load_with(server, folder).as_secs_f64()));
        let begun = Instant::now();
        let mut log = CurveLog::open(folder, &home).unwrap();
        while log.read().unwrap().more {}
        second.push(begun.elapsed().as_secs_f64());
    }
    let (ours, second) = (median(ours), median(second));
    println!(
        "  first reading: {ours:.3} s, {:.1} million scalars a second",
        SCALARS as f64 / ours / 1e6
    );
    if !theirs.is_empty() {
        let theirs = median(theirs);
        println!(
            "  TensorBoard's data server: {theirs:.3} s, {:.1} times as long",
            theirs / ours
        );
    }
    println!("  second reading, by the index: {:.1} ms", 1000.0 * second);
}

/// From the server's start until it says that it has loaded everything.
fn load_with(server: &Path, folder: &Path) -> Duration {
    let begun = Instant::now();
    let mut child = Command::new(server)
        .args(["--port", "0", "--reload", "once", "-v", "--logdir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let done = lines.any(|line| line.unwrap().contains("Finished load cycle"));
    let elapsed = begun.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(done, "the server ended without having loaded everything");
    elapsed
}

fn make_log(here: &Path, name: &str, form: Form) -> PathBuf {
    let folder = here.join(name);
    let unfinished = here.join(format!("{name}.unfinished"));
    if folder.exists() {
        return folder;
    }
    let _ = fs::remove_dir_all(&unfinished);
    fs::create_dir_all(&unfinished).unwrap();
    write_log(&unfinished, SCALARS, form, |_| Ok(()));
    fs::rename(&unfinished, &folder).unwrap();
    folder
}

/// Values that look like a training's.
fn values(step: u64) -> impl Iterator<Item = (&'static str, f64)> {
    TAGS.into_iter().zip(0_u64..).map(move |(tag, place)| {
        let noise = (step * 7919 + place * 104_729) % 10_007;
        (tag, 40.0 / (1.0 + step as f64 / 1e4) + noise as f64 / 1e4)
    })
}

fn size(path: &Path) -> u64 {
    let entries = fs::read_dir(path).unwrap();
    entries
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}

/// Processor time of this process, the system's part included.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |at: usize| -> f64 { fields[at].parse().unwrap() };
    (ticks(11) + ticks(12)) / 100.0
}
