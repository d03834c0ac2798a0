//! What is refused: by which words, and that nothing is left of it.

use facetui::run::{RunDirectory, RunState, VerificationSet, Work};

use super::{Place, QUICK_WORKER};

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
