//! The commands as people and scripts give them: the real program, without a terminal.

mod demo;
mod refused;
mod runs;

use std::{
    fmt::Write,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use facetui::{
    config::DeviceChoice,
    data::{
        Image,
        recordio::{RecordWriter, index_text},
        write_bin,
    },
    run::{Job, JobKind, RunDirectory, RunState, Status, Work},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::Outcome;

/// A folder to work in, with a worker or without.
struct Place {
    folder: TempDir,
    worker: PathBuf,
}

impl Place {
    /// Without a worker.
    fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let worker = folder.path().join("no-worker");
        Self { folder, worker }
    }

    /// A worker that has devices, and does this when it is to run a job.
    fn with_running(script: &str) -> Self {
        let devices = r#"{"version":"0","libtorch":{"built":false,"cuda":false,"cuda_devices":0},"devices":["flex"]}"#;
        Self::with_worker(&format!("[ $1 = run ] || exec echo '{devices}'\n{script}"))
    }

    /// With a worker that is the given shell script: `$1` is `devices` or `run`, `$2` the directory.
    fn with_worker(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let worker = folder.path().join("worker");
        fs::write(&worker, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, worker }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_facetui"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env("FACETUI_WORKER", &self.worker)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        let output = self.command(arguments).output().unwrap();
        let outcome = Outcome::of(output);
        assert!(
            !outcome.stderr.contains("panicked"),
            "{arguments:?}: {}",
            outcome.stderr
        );
        assert!(
            !outcome.stderr.contains('\x1b'),
            "{arguments:?}: {}",
            outcome.stderr
        );
        outcome
    }

    /// Checks that a command refuses its input, names everything expected and leaves no run behind.
    fn refuses(&self, arguments: &[&str], expected: &[&str]) {
        let before = self.names("runs");
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        for words in expected {
            assert!(
                outcome.stderr.contains(words),
                "{words:?} isn't in: {}",
                outcome.stderr
            );
        }
        assert_eq!(
            self.names("runs"),
            before,
            "{arguments:?} left something behind"
        );
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path().join(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// A run in a state, as a worker that has gone leaves it.
    fn leave_run(&self, name: &str, state: RunState) -> RunDirectory {
        let run = RunDirectory::create(&self.path().join("runs"), name).unwrap();
        run.save_job(&Job {
            device: DeviceChoice::Flex,
            work: Work::Train {
                from: None,
                auto_batch: false,
            },
        })
        .unwrap();
        let mut status = Status::starting(name, JobKind::Train, 100, "flex");
        status.state = state;
        status.pid = Some(1);
        status.step = 40;
        run.write_status(&status).unwrap();
        run
    }

    /// A recipe and a `config.ini` that are right.
    fn with_input(self) -> Self {
        self.write(
            "r.toml",
            "steps = 10\nvalidation = [\"lfw\"]\n[[datasets]]\nname = \"vgg\"\n",
        );
        self.write(
            "config.ini",
            "[vgg]\nmxrec = vgg\n[lfw]\nnpdata = lfw.bin\n",
        );
        let picture = |shade| {
            let rgb = vec![shade; 112 * 112 * 3];
            let (width, height) = (112, 112);
            Image { width, height, rgb }.to_png().unwrap()
        };
        let mut records = RecordWriter::new(Vec::new());
        for key in 0..4_u8 {
            let label = f32::from(key / 2);
            records
                .write_image(u64::from(key), label, &picture(key))
                .unwrap();
        }
        let (records, index) = records.finish().unwrap();
        self.write("vgg/train.rec", records);
        self.write("vgg/train.idx", index_text(&index));
        let pairs = [1, 1, 1, 200].map(picture);
        self.write("lfw.bin", write_bin(&pairs, &[true, false]));
        self
    }
}

/// Answers like a worker without LibTorch, and finishes every run at once.
const QUICK_WORKER: &str = r#"
case $1 in
devices) echo '{"version":"0","libtorch":{"built":false,"cuda":false,"cuda_devices":0},"devices":["flex"]}' ;;
run) cd "$2" && sed -e 's/"starting"/"finished"/' -e 's/"step": 0/"step": 10/' status.json >s && mv s status.json ;;
esac"#;

#[test]
fn without_a_terminal_the_dashboard_says_so() {
    Place::bare().refuses(&[], &["terminal"]);
}

/// The golden lists as a CSV file.
fn csv_of(list: &Value) -> String {
    let mut csv = "kind,distance\n".to_owned();
    for (kind, key) in [
        ("positive", "positive_distances"),
        ("negative", "negative_distances"),
    ] {
        for distance in list[key].as_array().unwrap() {
            writeln!(csv, "{kind},{distance}").unwrap();
        }
    }
    csv
}

#[test]
fn golden_figures_of_given_scores() {
    let text = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/verification.json"),
    )
    .unwrap();
    let lists: Value = serde_json::from_str(&text).unwrap();
    let place = Place::bare();
    for list in lists.as_array().unwrap() {
        place.write("scores.csv", csv_of(list));
        let outcome = place.run(&["eval", "scores", "scores.csv", "--json"]);
        assert_eq!(outcome.code, 0, "{}: {}", list["name"], outcome.stderr);
        let found = outcome.json();
        assert_eq!(found["rule"], "reference");
        assert_eq!(found["set"], "scores.csv");
        let near = |found: &Value, expected: &Value| {
            let (found, expected) = (found.as_f64().unwrap(), expected.as_f64().unwrap());
            assert!(
                (found - expected).abs() < 1e-9,
                "{}: {found} isn't {expected}",
                list["name"]
            );
        };
        let expected = &list["reference_rule"];
        near(&found["accuracy"]["mean"], &expected["mean"]);
        near(&found["accuracy"]["std"], &expected["std"]);
        near(&found["threshold"], &expected["mean_threshold"]);
        assert_eq!(found["folds"].as_array().unwrap().len(), 10);
        near(
            &found["auc"],
            &list["ranking_of_similarity_1_minus_distance"]["auc"],
        );
        let text = place.run(&["eval", "scores", "scores.csv"]).stdout;
        assert!(text.contains("reference rule"), "{text}");
    }
}

#[test]
fn doctor_works_without_a_worker_and_says_how_to_get_one() {
    let place = Place::bare();
    let outcome = place.run(&["doctor"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome.stdout.contains("missing: the worker"),
        "{}",
        outcome.stdout
    );
    let report = place.run(&["doctor", "--json"]).json();
    assert!(
        report["missing"][0]["remedy"]
            .as_str()
            .unwrap()
            .contains("./x build")
    );
}

#[test]
fn doctor_works_with_a_worker_that_cannot_start() {
    let place =
        Place::with_worker("echo 'libtorch_cpu.so: cannot open shared object file' >&2; exit 127");
    let report = place.run(&["doctor", "--json"]).json();
    assert_eq!(report["worker"]["devices"], Value::Null);
    assert!(
        report["worker"]["error"]
            .as_str()
            .unwrap()
            .contains("libtorch_cpu.so")
    );
    let place = Place::with_worker(QUICK_WORKER);
    let outcome = place.run(&["doctor"]);
    assert!(
        outcome.stdout.contains("devices        flex"),
        "{}",
        outcome.stdout
    );
}

/// The names of the libraries it links stand in the program as they are.
#[test]
fn the_program_names_no_tensor_library() {
    let program = fs::read(env!("CARGO_BIN_EXE_facetui")).unwrap();
    let names = |library: &str| {
        program
            .windows(library.len())
            .any(|window| window == library.as_bytes())
    };
    assert!(names("libc.so.6"), "names of libraries can be found");
    for library in ["libtorch.so", "libtorch_cpu.so", "libc10.so"] {
        assert!(!names(library), "{library}");
    }
}

#[test]
fn completions_and_the_manual_are_printed() {
    let place = Place::bare();
    for shell in ["bash", "zsh", "fish"] {
        let outcome = place.run(&["completions", shell]);
        assert_eq!(outcome.code, 0);
        assert!(outcome.stdout.contains("facetui"), "{shell}");
    }
    assert!(place.run(&["man"]).stdout.contains(".TH facetui"));
    let help = place.run(&["train", "--help"]);
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("Examples:"), "{}", help.stdout);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let place = Place::bare();
    let mut child = place
        .command(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}

#[test]
fn plot_says_what_scalars_there_are() {
    let place = Place::bare();
    place.leave_run("quiet", RunState::Stopped);
    place.refuses(&["plot", "quiet", "--out", "a.png"], &["none yet"]);
}
