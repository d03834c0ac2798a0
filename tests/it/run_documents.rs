//! The documents of a run directory: torn at every byte, seen by people who may only look, removed while watched, and
//! written by other programs.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use facetui::config::DeviceChoice;
use facetui::run::{
    Command as Order, CurveLog, Entry, EventWriter, IndexHome, Job, JobKind, JournalEvent,
    RunDirectory, RunEntry, RunState, Scalars, Status, Work, quantile_of, registry,
};

use crate::terminal::{Dashboard, PATIENCE, Session, facetui};

/// A parked run with every document, as a worker would leave it.
fn parked_run(root: &Path, name: &str) -> RunDirectory {
    let run = RunDirectory::create(root, name).unwrap();
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recipes/cpu-small.toml");
    run.write_file("recipe.toml", &fs::read(recipe).unwrap())
        .unwrap();
    run.write_file("config.ini", b"[lfw]\nnpdata = /data/lfw.bin\n")
        .unwrap();
    run.write_file("environment.json", b"{\"host\": \"here\"}\n")
        .unwrap();
    let work = Work::Train {
        from: None,
        auto_batch: false,
    };
    let device = DeviceChoice::Flex;
    run.save_job(&Job { device, work }).unwrap();
    let mut status = Status::starting(name, JobKind::Train, 30, "flex");
    status.state = RunState::Parked;
    status.scalars.insert("loss/total".to_owned(), 2.5);
    run.write_status(&status).unwrap();
    for steps in [1..11_u32, 8..21] {
        let mut events = EventWriter::append(run.path()).unwrap();
        events.session_start(steps.start.into()).unwrap();
        for step in steps {
            let values = [("loss/total", f64::from(step)), ("train/accuracy", 0.5)];
            events.scalars(step.into(), values).unwrap();
        }
    }
    let mut journal = run.journal().unwrap();
    for step in [10, 20] {
        let name = format!("step-{step:08}");
        journal
            .append(JournalEvent::Checkpoint { name, step })
            .unwrap();
    }
    fs::write(run.log_path(), "one\ntwo\n").unwrap();
    run
}

fn curves(folder: &Path) -> Scalars {
    CurveLog::read_all(folder, &IndexHome::default()).unwrap()
}

fn entry_of(root: &Path, name: &str) -> RunEntry {
    let runs = registry::list(root).unwrap();
    let run = runs.into_iter().find(|run| run.name == name);
    run.expect("the run is listed").entry
}

/// Cuts a document off at every byte, looks, and puts it right again.
fn torn_at_every_byte(path: &Path, look: impl Fn(usize)) {
    let whole = fs::read(path).unwrap();
    for cut in 0..whole.len() {
        fs::write(path, &whole[..cut]).unwrap();
        look(cut);
    }
    fs::write(path, &whole).unwrap();
}

#[test]
fn a_run_with_a_torn_document_stays_listed_and_loses_one_record_at_most() {
    let root = tempfile::tempdir().unwrap();
    let run = parked_run(root.path(), "torn");
    parked_run(root.path(), "whole");
    let listed_as_it_is = || {
        assert!(matches!(entry_of(root.path(), "torn"), RunEntry::Run(status) if status.step == 0));
    };

    torn_at_every_byte(&run.status_path(), |cut| {
        match (entry_of(root.path(), "torn"), run.status()) {
            (RunEntry::Broken(why), Err(_)) => {
                assert!(why.contains("status.json"), "cut {cut}: {why}");
            }
            // Only the last newline is missing.
            (RunEntry::Run(_), Ok(_)) => {}
            other => panic!("cut {cut}: {other:?}"),
        }
        assert!(matches!(entry_of(root.path(), "whole"), RunEntry::Run(_)));
    });
    torn_at_every_byte(&run.job_path(), |cut| {
        listed_as_it_is();
        if let Err(error) = run.job() {
            assert!(error.to_string().contains("job.toml"), "cut {cut}: {error}");
        }
    });
    for name in ["recipe.toml", "config.ini", "environment.json"] {
        torn_at_every_byte(&run.path().join(name), |_| listed_as_it_is());
    }
    torn_at_every_byte(&run.journal_path(), |cut| {
        listed_as_it_is();
        let entries: Vec<Entry> = run.journal_tail().poll().unwrap();
        let whole = fs::read(run.journal_path()).unwrap();
        let lines = whole.split(|byte| *byte == b'\n').count();
        assert_eq!(entries.len(), lines - 1, "cut {cut}");
    });
    listed_as_it_is();
}

#[test]
fn a_torn_event_file_costs_one_event_at_most() {
    let root = tempfile::tempdir().unwrap();
    let run = parked_run(root.path(), "torn");
    let all = curves(run.path()).points("loss/total");
    assert!(all.iter().map(|point| point.step).eq(1..21));
    let mut files: Vec<PathBuf> = fs::read_dir(run.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| facetui::run::is_event_file(path))
        .collect();
    files.sort();
    let second = files.pop().unwrap();
    let first = files.pop().unwrap();
    // The first session's end is undone by the second: only its first seven steps show.
    torn_at_every_byte(&first, |cut| {
        let steps = curves(run.path()).points("loss/total").len();
        assert!((13..=20).contains(&steps), "cut {cut}: {steps} steps");
    });
    let whole = fs::read(&second).unwrap();
    let mut before = 0;
    for cut in 0..=whole.len() {
        fs::write(&second, &whole[..cut]).unwrap();
        let steps = curves(run.path()).points("loss/total").len();
        // The session start undoes three steps; each event brings one.
        let lost = before > steps;
        assert!(
            steps <= before + 1 || before == 0,
            "cut {cut}: {before} → {steps}"
        );
        assert!(
            !lost || (before, steps) == (10, 7),
            "cut {cut}: {before} → {steps}"
        );
        before = steps;
    }
    assert_eq!(before, 20);
}

#[test]
fn a_torn_command_is_set_aside_and_the_next_one_obeyed() {
    let root = tempfile::tempdir().unwrap();
    let run = parked_run(root.path(), "one");
    let order = Order::Set {
        key: "schedule.learning_rate".to_owned(),
        value: 0.125,
    };
    let text = serde_json::to_string(&order).unwrap();
    for cut in 0..text.len() {
        fs::write(run.path().join("inbox/1.json"), &text[..cut]).unwrap();
        run.send(&Order::Pause).unwrap();
        let inbox = run.take_commands().unwrap();
        assert_eq!(inbox.commands, [Order::Pause], "cut {cut}");
        assert_eq!(inbox.rejected.len(), 1, "cut {cut}");
    }
}

#[test]
fn the_commands_name_what_is_torn() {
    let root = tempfile::tempdir().unwrap();
    let run = parked_run(root.path(), "torn");
    parked_run(root.path(), "whole");
    let whole = fs::read(run.status_path()).unwrap();
    for cut in [0, 1, whole.len() / 2, whole.len() - 3] {
        fs::write(run.status_path(), &whole[..cut]).unwrap();
        let listed = command(root.path(), &["runs", "--json"]).output().unwrap();
        assert_eq!(listed.status.code(), Some(0));
        let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        let find = |name: &str| {
            let runs = listed.as_array().unwrap();
            runs.iter().find(|run| run["name"] == name).unwrap().clone()
        };
        assert_eq!(find("torn")["kind"], "broken");
        assert_eq!(find("whole")["state"], "parked");
        let shown = command(root.path(), &["show", "torn"]).output().unwrap();
        assert_eq!(shown.status.code(), Some(2), "{}", words(&shown));
        assert!(words(&shown).contains("status.json"), "{}", words(&shown));
    }
}

/// `facetui` on a folder of runs.
fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_facetui"));
    command
        .args(arguments)
        .arg("--runs")
        .arg(root)
        .stdin(Stdio::null());
    command
}

fn words(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Who runs commands without root's rights: an ordinary user as themselves, root as nobody.
#[derive(Clone, Copy)]
struct OrdinaryUser {
    id: Option<u32>,
}

impl OrdinaryUser {
    /// `None`, with a message, where there is no way to be one.
    fn find() -> Option<Self> {
        const NOBODY: u32 = 65_534;
        if !rustix::process::geteuid().is_root() {
            return Some(Self { id: None });
        }
        let user = Self { id: Some(NOBODY) };
        let works = user
            .command(Path::new("/"), &["--version"])
            .output()
            .is_ok_and(|output| output.status.success());
        if works {
            return Some(user);
        }
        eprintln!("skipped: root may write anywhere, and setpriv can't start facetui as nobody");
        None
    }

    fn command(self, root: &Path, arguments: &[&str]) -> Command {
        let own = command(root, arguments);
        let Some(id) = self.id else {
            return own;
        };
        let mut other = Command::new("setpriv");
        other
            .args([format!("--reuid={id}"), format!("--regid={id}")])
            .args(["--clear-groups", "--"])
            .arg(own.get_program())
            .args(own.get_args())
            .env("HOME", "/nonexistent")
            .current_dir("/")
            .stdin(Stdio::null());
        other
    }

    fn run(self, root: &Path, arguments: &[&str]) -> Output {
        self.command(root, arguments).output().unwrap()
    }

    /// Gives this user everything below a folder.
    fn own(self, path: &Path) {
        if let Some(id) = self.id {
            chown(path, Some(id), Some(id)).unwrap();
            if path.is_dir() {
                for entry in fs::read_dir(path).unwrap() {
                    self.own(&entry.unwrap().path());
                }
            }
        }
    }
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn where_nothing_can_be_written_runs_can_be_looked_at_and_the_rest_is_refused_with_the_place() {
    let Some(user) = OrdinaryUser::find() else {
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let run = parked_run(root.path(), "one");
    let mut status = run.status().unwrap();
    status.state = RunState::Running;
    status.host = "elsewhere.invalid".to_owned();
    run.write_status(&status).unwrap();
    user.own(root.path());
    for folder in [
        run.path().join("inbox"),
        run.path().to_owned(),
        root.path().to_owned(),
    ] {
        allow(&folder, 0o500);
    }
    for looking in [&["runs"][..], &["show", "one"], &["doctor"]] {
        let output = user.run(root.path(), looking);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{looking:?}: {}",
            words(&output)
        );
    }
    let output = user.run(root.path(), &["pause", "one"]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(words(&output).contains("inbox"), "{}", words(&output));
    let output = user.run(root.path(), &["plot", "one", "--out", "/nonexistent/a.svg"]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(
        words(&output).contains("/nonexistent/a.svg"),
        "{}",
        words(&output)
    );
    for folder in [
        root.path().to_owned(),
        run.path().to_owned(),
        run.path().join("inbox"),
    ] {
        allow(&folder, 0o700);
    }
}

#[test]
fn somebody_elses_run_can_be_watched_and_not_steered() {
    let Some(user) = OrdinaryUser::find().filter(|user| user.id.is_some()) else {
        eprintln!("skipped: only root can make another user's run");
        return;
    };
    let root = tempfile::tempdir().unwrap();
    let run = parked_run(root.path(), "one");
    let mut status = run.status().unwrap();
    status.state = RunState::Running;
    run.write_status(&status).unwrap();
    let lock = run.try_lock().unwrap();
    allow(root.path(), 0o755);
    let output = user.run(root.path(), &["runs", "--json"]);
    let private: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        private,
        serde_json::json!([]),
        "a private run isn't even seen"
    );
    allow(run.path(), 0o755);
    // Its lock can't be opened: the heartbeat tells.
    let output = user.run(root.path(), &["show", "one", "--json"]);
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(shown["state"], "running");
    let output = user.run(root.path(), &["pause", "one"]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    assert!(run.take_commands().unwrap().commands.is_empty());
    drop(lock);
}

#[test]
fn a_run_that_is_deleted_while_it_is_watched_leaves_the_screen_and_may_come_back() {
    let root = tempfile::tempdir().unwrap();
    let run = parked_run(root.path(), "fleeting");
    let mut dashboard = Dashboard::open(root.path(), &[]);
    dashboard.wait_for("○ parked");
    dashboard.type_keys("\r");
    dashboard.wait_for("total loss");
    fs::remove_dir_all(run.path()).unwrap();
    dashboard.wait_until("empty list", |screen| {
        !screen.contents().contains("total loss")
    });
    parked_run(root.path(), "fleeting");
    dashboard.type_keys("1");
    dashboard.wait_for("○ parked");
    dashboard.type_keys("q");
    assert_eq!(dashboard.wait_for_end().1, 0);
}

#[test]
fn folders_of_other_programs_are_charted_at_any_depth() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/torch-events");
    let values = fs::read(folder.join("values.json")).unwrap();
    let values: serde_json::Value = serde_json::from_slice(&values).unwrap();
    let found = registry::below(&folder);
    let names: Vec<&str> = found.iter().map(|(_, name)| name.as_str()).collect();
    let expected: Vec<&str> = values
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, expected);
    for (path, name) in &found {
        let log = curves(path);
        let told: serde_json::Map<_, _> = log
            .curves()
            .filter(|curve| quantile_of(curve.tag()).is_none())
            .map(|curve| {
                let points = curve
                    .points()
                    .map(|point| (point.step, python(point.value)));
                (
                    curve.tag().to_owned(),
                    serde_json::json!(points.collect::<Vec<_>>()),
                )
            })
            .collect();
        assert_eq!(serde_json::Value::Object(told), values[name], "{name}");
    }
    let arguments = ["open".as_ref(), folder.as_os_str()];
    let mut dashboard = Dashboard::start(facetui(arguments), Session::OfTheTerminal, PATIENCE);
    for name in ["eval/lfw", "train/hparams"] {
        dashboard.wait_for(name);
    }
    dashboard.type_keys("q");
    dashboard.wait_for_end();
}

/// A float as Python writes it.
fn python(value: f64) -> String {
    match value {
        _ if value.is_nan() => "nan".to_owned(),
        _ if value.is_infinite() => "inf".to_owned(),
        _ => format!("{value:?}"),
    }
}

#[test]
fn records_of_any_claimed_size_take_little_time_and_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.out.tfevents.1");
    let write = |step, path: &Path| {
        let one = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::append(one.path()).unwrap();
        writer.scalars(step, [("loss", 1.0)]).unwrap();
        drop(writer);
        let made = fs::read_dir(one.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let mut file = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        file.write_all(&fs::read(made).unwrap()).unwrap();
    };
    let masked = |bytes: &[u8]| {
        crc32c(bytes)
            .rotate_right(15)
            .wrapping_add(0xa282_ead8)
            .to_le_bytes()
    };
    // A whole record of 70 MB, as somebody's film might be.
    let film = vec![7; 70_000_000];
    let length = (film.len() as u64).to_le_bytes();
    let record = [&length[..], &masked(&length), &film, &masked(&film)].concat();
    write(1, &path);
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(&record)
        .unwrap();
    write(2, &path);
    let begun = Instant::now();
    let steps: Vec<u64> = curves(folder.path())
        .points("loss")
        .iter()
        .map(|p| p.step)
        .collect();
    // Each file's own session start at step 0 undoes what is before it.
    assert_eq!(steps, [2]);
    assert!(begun.elapsed() < Duration::from_secs(20));
    // The beginning of a record of 1 PB that nobody will ever end.
    let length = (1_u64 << 50).to_le_bytes();
    let head = [&length[..], &masked(&length), &[0; 100]].concat();
    fs::write(&path, head).unwrap();
    write(3, &path);
    let steps: Vec<u64> = curves(folder.path())
        .points("loss")
        .iter()
        .map(|p| p.step)
        .collect();
    assert_eq!(steps, [3]);
}

/// CRC32C by its definition, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            let carry = if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
            (sum >> 1) ^ carry
        })
    })
}
