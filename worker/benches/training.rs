//! Training steps, beside PyTorch's eager mode with the same network, batch, loss and optimiser.
//!
//!     ./x bench training [ROUNDS] [STEPS] [f32|bf16|f16] [contiguous|channels-last]
//!
//! The two take turns in one run, each waiting while the other computes; both use libtorch and as many threads as it
//! takes by itself (`OMP_NUM_THREADS`). Batches lie in memory: no loader has a part in it.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

use facetui::{config::Recipe, data::Batch};
use facetui_worker::{model::device, train::trainer::Trainer};

const BATCH: usize = 32;
const CLASSES: usize = 1000;

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    let of = |place: usize, default| numbers.get(place).copied().unwrap_or(default);
    let (rounds, steps) = (of(0, 5), of(1, 2));
    let images = (steps * BATCH) as f64;

    let word = |known: &[&str]| std::env::args().find(|word| known.contains(&word.as_str()));
    let precision = word(&["f32", "bf16", "f16"]).unwrap_or_else(|| "f32".to_owned());
    // PyTorch's order of memory: its usual one unless told; ours is always channels-last.
    let order = word(&["contiguous", "channels-last"]).unwrap_or_else(|| "contiguous".to_owned());

    let mut peer = Peer::start(steps, [&precision, &order]);
    println!(
        "PyTorch {} threads, IR-50, 112x96, batch {BATCH}, {CLASSES} classes, {precision}; PyTorch {order}",
        peer.line()
    );
    let mut training = Training::start(&precision);
    training.steps(1);

    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let begun = Instant::now();
        training.steps(steps);
        let own = images / begun.elapsed().as_secs_f64();
        let other = images / peer.round();
        println!("round {round}: facetui {own:.2}, PyTorch eager {other:.2} images/s");
        ours.push(own);
        theirs.push(other);
    }
    let ratios = ours.iter().zip(&theirs).map(|(own, other)| own / other);
    println!(
        "median: facetui {:.2}, PyTorch eager {:.2} images/s; ratio of the rounds {:.2}",
        median(ours.iter().copied()),
        median(theirs.iter().copied()),
        median(ratios)
    );
    let (own, other) = (
        peak_memory("self"),
        peak_memory(&peer.child.id().to_string()),
    );
    println!(
        "peak memory: facetui {own:.2}, PyTorch eager {other:.2} GB; ratio {:.2}",
        own / other
    );
}

/// Our side.
struct Training {
    recipe: Recipe,
    trainer: Trainer,
    batch: Batch,
    step: u64,
}

impl Training {
    fn start(precision: &str) -> Self {
        let recipe = format!(
            "steps = 1000\nbatch_size = {BATCH}\nprecision = \"{precision}\"\nmemory_format = \"channels-last\"\n[[datasets]]\nname = \"none\"\n[network]\ndepth = 50\n"
        );
        let recipe = Recipe::parse(&recipe, Path::new("bench.toml")).expect("a sound recipe");
        let device = device::open("cpu".parse().expect("a device's name")).expect("LibTorch");
        Self {
            trainer: Trainer::new(&recipe, CLASSES, &device.device),
            batch: Batch {
                step: 0,
                epoch: 0,
                images: (0..BATCH * 112 * 96 * 3)
                    .map(|place| (place * 7919 % 256) as u8)
                    .collect(),
                height: 112,
                width: 96,
                labels: (0..BATCH as u32).collect(),
                indices: vec![0; BATCH],
                broken: Vec::new(),
                sets: Vec::new(),
            },
            recipe,
            step: 0,
        }
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.trainer
                .step(&self.recipe, self.step, &self.batch)
                .expect("finite numbers");
            self.step += 1;
        }
    }
}

/// PyTorch's side.
struct Peer {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(steps: usize, words: [&str; 2]) -> Self {
        let mut child =
            Command::new(std::env::var("FACETUI_BENCH_PYTHON").expect("./x bench sets it"))
                .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/training.py"))
                .args([steps, BATCH, CLASSES].map(|number| number.to_string()))
                .args(words)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .expect("Python");
        Self {
            ask: child.stdin.take().expect("a pipe"),
            answers: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        line.trim().to_owned()
    }

    /// Seconds that one round took.
    fn round(&mut self) -> f64 {
        self.ask.write_all(b"go\n").expect("a pipe");
        self.line().parse().expect("seconds")
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The most memory that a process ever had, in GB.
fn peak_memory(process: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("/proc");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("a peak");
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().expect("kB");
    kilobytes * 1024.0 / 1e9
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
