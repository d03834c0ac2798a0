//! The commands as people and scripts give them: the real program, without a terminal.

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
    run::{Job, JobKind, RunDirectory, RunState, Status, VerificationSet, Work},
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

#[test]
fn wrong_command_lines_are_refused() {
    let place = Place::bare().with_input();
    place.refuses(&["trian"], &["trian"]);
    place.refuses(&["train"], &["RECIPE"]);
    place.refuses(&["train", "r.toml", "--device", "gpu"], &["gpu", "cuda:N"]);
    place.refuses(
        &["train", "r.toml", "--headless", "--detach"],
        &["--detach"],
    );
    place.refuses(
        &["eval", "scores", "x.csv", "--rule", "best"],
        &["best", "reference", "exact"],
    );
    place.refuses(&["demo", "--steps", "0"], &["--steps"]);
}

#[test]
fn wrong_recipes_and_configs_are_refused_with_their_places() {
    let place = Place::with_worker(QUICK_WORKER).with_input();
    place.refuses(
        &["train", "none.toml"],
        &["none.toml: can't be read: No such file"],
    );
    place.refuses(
        &["train", "r.toml", "--config", "none.ini"],
        &["none.ini: can't be read"],
    );
    place.refuses(
        &["train", "r.toml", "--set", "network.depth=34"],
        &["--set network.depth=34", "32, 50, 100, 152"],
    );
    place.write(
        "bad.toml",
        "stpes = 10\n[[datasets]]\nname = \"vgg\"\n[loss]\nmargin = nan\n",
    );
    place.write("bad.ini", "[vgg]\nmxrc = vgg\n");
    place.refuses(
        &["train", "bad.toml", "--config", "bad.ini"],
        &[
            "bad.toml:1: stpes: unknown key; did you mean steps?",
            "bad.toml:5: loss.margin",
            "bad.ini:2: [vgg] mxrc",
        ],
    );
    place.write(
        "far.ini",
        "[vgg]\nmxrec = nowhere\n[lfw]\nnpdata = lfw.bin\n",
    );
    place.refuses(
        &["train", "r.toml", "--config", "far.ini"],
        &["far.ini:2: [vgg] mxrec: nowhere isn't there"],
    );
}

#[test]
fn wrong_names_devices_and_checkpoints_are_refused() {
    let place = Place::with_worker(QUICK_WORKER).with_input();
    for name in ["a/b", ".hidden", "", "a\x1b[2Jb", "a\nb"] {
        place.refuses(&["train", "r.toml", &format!("--name={name}")], &["name"]);
    }
    place.refuses(
        &["train", "r.toml", "--device", "cuda"],
        &["device cuda:0 isn't there", "driver", "flex"],
    );
    place.refuses(
        &["train", "r.toml", "--device", "cpu"],
        &["without LibTorch", "./x build"],
    );
    place.refuses(
        &["train", "r.toml", "--from", "nothing"],
        &["nothing", "is neither a run, nor a checkpoint folder"],
    );
    place.leave_run("empty", RunState::Stopped);
    place.refuses(
        &["train", "r.toml", "--from", "empty"],
        &["no checkpoint yet"],
    );
    place.refuses(&["train", "r.toml", "--name", "empty"], &["exists already"]);
    place.write("cp/manifest.json", "{}");
    place.refuses(&["train", "r.toml", "--from", "cp"], &["manifest"]);
}

#[test]
fn a_worker_that_is_missing_is_named_before_anything_is_made() {
    let place = Place::bare().with_input();
    let outcome = place.run(&["train", "r.toml"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("no-worker"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("./x build"), "{}", outcome.stderr);
    assert!(place.names("runs").is_empty());
}

#[test]
fn train_makes_a_directory_starts_the_worker_and_sums_up() {
    let place = Place::with_worker(QUICK_WORKER).with_input();
    let outcome = place.run(&["train", "r.toml", "--set", "network.depth=32", "--headless"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome.stdout.starts_with("r: finished at step 10 of 10"),
        "{}",
        outcome.stdout
    );
    let again = place.run(&["train", "r.toml", "--detach"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (0, "r-2 started: runs/r-2\n"),
        "{}",
        again.stderr
    );
    assert_eq!(place.names("runs"), ["r", "r-2"]);

    let run = place.path().join("runs/r");
    assert_eq!(
        fs::metadata(&run).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let recipe = facetui::config::Recipe::load(&run.join("recipe.toml")).unwrap();
    assert_eq!((recipe.network.depth, recipe.steps), (32, 10));
    let config = facetui::config::DataConfig::load(&run.join("config.ini")).unwrap();
    assert!(
        config.check_paths(&recipe).is_ok(),
        "paths must not depend on the working folder"
    );
    assert!(run.join("environment.json").is_file());

    let shown = place.run(&["show", "r", "--json"]).json();
    assert_eq!(shown["state"], "finished");
    assert_eq!(place.run(&["show", "runs/r/", "--json"]).json()["step"], 10);
    let listed = place.run(&["runs", "--json"]).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(place.run(&["runs"]).stdout.contains("finished"));
}

#[test]
fn a_worker_that_dies_is_a_failure_with_its_last_words() {
    let place = Place::with_running("echo libtorch exploded >&2; exit 134").with_input();
    let outcome = place.run(&["train", "r.toml", "--headless"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("libtorch exploded"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("worker.log"), "{}", outcome.stderr);
}

#[test]
fn a_worker_that_can_not_start_leaves_no_run_behind() {
    let place = Place::with_worker("echo libtorch is gone >&2; exit 127").with_input();
    let outcome = place.run(&["train", "r.toml", "--headless"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("libtorch is gone"),
        "{}",
        outcome.stderr
    );
    assert!(!place.path().join("runs").exists());
}

#[test]
fn resume_goes_on_where_there_is_something_to_go_on_with() {
    let place = Place::with_worker(QUICK_WORKER);
    place.leave_run("done", RunState::Finished);
    let outcome = place.run(&["resume", "done"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
    assert!(outcome.stdout.contains("is finished"), "{}", outcome.stdout);

    for state in [
        RunState::Parked,
        RunState::Stopped,
        RunState::Failed,
        RunState::Running,
    ] {
        let name = format!("run-{state}");
        // `running` without anybody who holds the lock: the worker died.
        let run = place.leave_run(&name, state);
        let outcome = place.run(&["resume", &name, "--headless"]);
        assert_eq!(outcome.code, 0, "{state}: {}", outcome.stderr);
        assert_eq!(run.status().unwrap().state, RunState::Finished, "{state}");
    }

    let run = place.leave_run("alive", RunState::Running);
    let _lock = run.try_lock().unwrap();
    assert_eq!(place.run(&["resume", "alive"]).stdout, "alive is running\n");
    place.refuses(&["resume", "nobody"], &["nobody", "facetui runs"]);
    place.leave_run("parked", RunState::Parked);
    place.refuses(
        &["resume", "parked", "--device", "cuda:3"],
        &["device cuda:3 isn't there"],
    );
}

#[test]
fn a_lost_run_is_shown_as_lost() {
    let place = Place::bare();
    place.leave_run("gone", RunState::Running);
    assert_eq!(
        place.run(&["show", "gone", "--json"]).json()["state"],
        "lost"
    );
    assert_eq!(place.run(&["runs", "--json"]).json()[0]["state"], "lost");
}

#[test]
fn commands_go_to_runs_that_can_obey_them() {
    let place = Place::bare();
    place.leave_run("done", RunState::Finished);
    for verb in ["pause", "unpause", "park", "checkpoint", "stop"] {
        let outcome = place.run(&[verb, "done"]);
        assert_eq!(outcome.code, 1, "{verb}");
        assert!(
            outcome.stderr.contains("done is finished"),
            "{verb}: {}",
            outcome.stderr
        );
        place.refuses(&[verb, "nobody"], &["nobody"]);
    }
    place.refuses(&["set", "done", "schedule.learning_rate"], &["key=value"]);
    place.refuses(
        &["set", "done", "schedule.learning_rate=fast"],
        &["fast", "a number"],
    );
    place.refuses(&["set", "done", "schedule.learning_rate=-1"], &["-1"]);
    place.refuses(&["set", "done", "schedule.learning_rate=nan"], &["NaN"]);
    place.refuses(&["set", "done", "seed=2"], &["schedule.learning_rate"]);
}

#[test]
fn a_command_waits_for_its_acknowledgement() {
    let place = Place::bare();
    let run = place.leave_run("alive", RunState::Running);
    let _lock = run.try_lock().unwrap();
    let mut child = place
        .command(&["pause", "alive"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut journal = run.journal().unwrap();
    let command = loop {
        if let Some(command) = run.take_commands().unwrap().commands.pop() {
            break command;
        }
    };
    journal
        .append(facetui::run::JournalEvent::Command { command, step: 41 })
        .unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut said).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(said, "alive paused, after step 41\n");
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
fn wrong_scores_are_refused_with_their_line() {
    let place = Place::bare();
    for (text, words) in [
        ("", "header"),
        ("distance,kind\n", "header"),
        ("kind,distance\n", "no pairs"),
        ("kind,distance\npositive,0.1\nsame,0.2\n", "scores.csv:3"),
        ("kind,distance\npositive,NaN\n", "scores.csv:2"),
        ("kind,distance\npositive,inf\n", "scores.csv:2"),
        ("kind,distance\npositive\n", "scores.csv:2"),
        ("kind,distance\npositive,0.1\nnegative,0.5\n", "at least"),
        ("kind,distance\n\x1b[2Jpositive,0.1\n", "scores.csv:2"),
    ] {
        place.write("scores.csv", text);
        place.refuses(&["eval", "scores", "scores.csv"], &[words]);
    }
    place.refuses(&["eval", "scores", "none.csv"], &["none.csv"]);
}

#[test]
fn wrong_evaluations_are_refused() {
    let place = Place::with_worker(QUICK_WORKER).with_input();
    place.refuses(
        &["eval", "lfw", "--model", "nobody", "--data", "lfw.bin"],
        &["nobody", "neither a run"],
    );
    place.write("cp/manifest.json", "{}");
    place.refuses(
        &["eval", "lfw", "--model", "cp", "--data", "none.bin"],
        &["--data none.bin", "isn't there"],
    );
    place.refuses(
        &["eval", "lfw", "--model", "cp", "--data", "vgg"],
        &["isn't a file"],
    );
    place.refuses(
        &[
            "eval",
            "ytf",
            "--model",
            "cp",
            "--splits",
            "lfw.bin",
            "--frames",
            "vgg",
            "--corrected",
            "official",
        ],
        &["--errors"],
    );
    let outcome = place.run(&[
        "eval", "lfw", "--model", "cp", "--data", "lfw.bin", "--json",
    ]);
    assert_eq!(outcome.code, 1, "a worker without figures is a failure");
    let job = RunDirectory::open(&place.path().join("runs/eval-lfw"))
        .unwrap()
        .job()
        .unwrap();
    let Work::Eval {
        set: VerificationSet::Lfw { data, .. },
        ..
    } = job.work
    else {
        panic!("{job:?}");
    };
    assert!(data.is_absolute());
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
fn names_from_files_cannot_steer_the_terminal() {
    let place = Place::bare();
    let run = place.leave_run("good", RunState::Failed);
    let mut status = run.status().unwrap();
    status.name = "ev\x1b[2Jil".to_owned();
    status.last_error = Some("\u{202e}oops\x07".to_owned());
    run.write_status(&status).unwrap();
    for arguments in [["show", "good"].as_slice(), &["runs"]] {
        let outcome = place.run(arguments);
        assert!(
            !outcome.stdout.contains(['\x1b', '\x07', '\u{202e}']),
            "{}",
            outcome.stdout
        );
    }
}

#[test]
fn plot_says_what_scalars_there_are() {
    let place = Place::bare();
    place.leave_run("quiet", RunState::Stopped);
    place.refuses(&["plot", "quiet", "--out", "a.png"], &["none yet"]);
}

#[test]
fn drawn_data_tell_what_they_are() {
    let place = Place::bare();
    let synth = [
        "data",
        "synth",
        "--out",
        "faces",
        "--identities",
        "3",
        "--images-per-identity",
        "2",
        "--lfw-pairs",
        "20",
        "--ytf-pairs",
        "20",
        "--frames-per-video",
        "1",
        "--mislabelled-videos",
        "1",
    ];
    let outcome = place.run(&synth);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (0, "faces/config.ini\n"),
        "{}",
        outcome.stderr
    );
    assert!(place.run(&synth).stdout.contains("already"));
    let training = place
        .run(&["data", "inspect", "faces/train", "--json"])
        .json();
    assert_eq!(
        (training["images"].as_u64(), training["identities"].as_u64()),
        (Some(6), Some(3))
    );
    let pairs = place
        .run(&["data", "inspect", "faces/synthetic-lfw.bin", "--json"])
        .json();
    assert_eq!(
        (
            pairs["pairs"]["positive"].as_u64(),
            pairs["pairs"]["negative"].as_u64()
        ),
        (Some(10), Some(10))
    );
    assert!(
        place
            .run(&["data", "inspect", "faces/synthetic-lfw.bin"])
            .stdout
            .contains("10 positive")
    );
    place.refuses(&["data", "inspect", "nowhere"], &["nowhere"]);
    place.refuses(
        &["data", "synth", "--out", "few", "--lfw-pairs", "7"],
        &["lfw_pairs"],
    );
}

/// Trains and evaluates at once: a checkpoint of the demo's network, figures made of nothing.
const DEMO_WORKER: &str = r#"
case $1 in
devices) echo '{"version":"0","libtorch":{"built":false,"cuda":false,"cuda_devices":0},"devices":["flex"]}' ;;
run)
  cd "$2"
  if grep -q '^kind = "train"' job.toml; then
    mkdir -p checkpoints/step-00000010
    cp "$(dirname "$0")/manifest.json" checkpoints/step-00000010/
  else
    cp "$(dirname "$0")/figures.json" results/figures.json
  fi
  sed -e 's/"starting"/"finished"/' status.json >s && mv s status.json ;;
esac"#;

#[test]
fn the_demo_runs_its_stages_in_turn_and_opens_finished_ones_at_once() {
    let place = Place::with_worker(DEMO_WORKER);
    let recipe = facetui::config::Recipe::load(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recipes/demo.toml"),
    );
    let recipe = recipe.unwrap();
    let manifest =
        serde_json::json!({"step": 10, "network": recipe.network, "input": recipe.input});
    place.write("manifest.json", manifest.to_string());
    let mut scores = "kind,distance\n".to_owned();
    for pair in 0..20 {
        writeln!(scores, "positive,0.{pair:02}\nnegative,1.{pair:02}").unwrap();
    }
    place.write("scores.csv", &scores);
    place.write(
        "figures.json",
        &place
            .run(&["eval", "scores", "scores.csv", "--json"])
            .stdout,
    );

    let demo = ["demo", "--headless", "--steps", "8", "--out", "d"];
    let outcome = place.run(&demo);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(
        place.names("d/runs"),
        ["eval-lfw", "eval-ytf", "margin-centre", "triplet"]
    );
    for words in [
        "vgg-triplet/iter_426000",
        "not run",
        "scores.csv",
        "margin-centre: finished",
        "facetui --runs d/runs",
    ] {
        assert!(
            outcome.stdout.contains(words),
            "{words} isn't in {}",
            outcome.stdout
        );
    }
    let triplet = RunDirectory::open(&place.path().join("d/runs/triplet")).unwrap();
    let Work::Train {
        from: Some(from), ..
    } = triplet.job().unwrap().work
    else {
        panic!("the triplet stage starts from the first");
    };
    assert!(
        from.ends_with("margin-centre/checkpoints/step-00000010"),
        "{}",
        from.display()
    );
    assert_eq!(
        facetui::config::Recipe::load(&triplet.recipe_path())
            .unwrap()
            .steps,
        2
    );

    fs::remove_dir_all(place.path().join("d/runs/eval-ytf")).unwrap();
    let again = place.run(&demo);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(
        !again.stdout.contains("margin-centre: finished"),
        "{}",
        again.stdout
    );
    assert!(
        again.stdout.contains("eval-ytf: finished"),
        "{}",
        again.stdout
    );
}

#[test]
fn ctrl_c_leaves_the_run_alone_and_says_how_to_park_it() {
    let place = Place::with_running("echo started; exec sleep 2").with_input();
    let child = place
        .command(&["train", "r.toml", "--headless"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = place.path().join("runs/r/worker.log");
    let begun = std::time::Instant::now();
    while !fs::read_to_string(&log).is_ok_and(|text| text.contains("started")) {
        assert!(begun.elapsed().as_secs() < 60, "the worker never starts");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // Until it listens for the signal, after it has begun to follow.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("facetui park r --runs runs"), "{said}");
}

#[test]
fn the_demo_without_a_terminal_says_what_to_do_instead() {
    Place::with_worker(QUICK_WORKER).refuses(&["demo"], &["--headless"]);
}
