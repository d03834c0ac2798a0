use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::run::{EventWriter, JobKind, JournalEvent, RunState};

struct Bench {
    root: tempfile::TempDir,
    poller: Poller,
    messages: UnboundedReceiver<Message>,
}

fn bench() -> Bench {
    let root = tempfile::tempdir().unwrap();
    let (sender, messages) = unbounded_channel();
    let poller = Poller {
        root: root.path().to_owned(),
        extra: Vec::new(),
        messages: sender,
        registry: Registry::default(),
        files: HashMap::new(),
        told: Vec::new(),
        opened: Opened::default(),
        trouble: None,
        watched: None,
        begun: false,
        indexes: IndexHome::default(),
    };
    Bench {
        root,
        poller,
        messages,
    }
}

impl Bench {
    fn run(&self, name: &str, state: RunState) -> RunDirectory {
        let run = RunDirectory::create(self.root.path(), name).unwrap();
        let mut status = Status::starting(name, JobKind::Train, 100, "flex");
        status.state = state;
        run.write_status(&status).unwrap();
        run
    }

    fn look(&mut self) -> Vec<Message> {
        self.poller.look_at_curves();
        self.poller.look_at_all_runs();
        std::iter::from_fn(|| self.messages.try_recv().ok()).collect()
    }
}

fn runs(messages: &[Message]) -> &[Arc<RunSnapshot>] {
    match messages {
        [Message::Runs(runs)] => runs,
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_speaks_once_and_then_only_of_changes() {
    let mut bench = bench();
    assert!(runs(&bench.look()).is_empty());
    assert!(bench.look().is_empty());
    let run = bench.run("a", RunState::Parked);
    assert_eq!(runs(&bench.look()).len(), 1);
    assert!(bench.look().is_empty());
    let mut journal = run.journal().unwrap();
    let set = "LFW\u{1b}[2J".to_owned();
    let (step, accuracy, std) = (10, 0.75, 0.02);
    journal
        .append(JournalEvent::Validation {
            set,
            step,
            accuracy,
            std,
        })
        .unwrap();
    let messages = bench.look();
    let details = runs(&messages)[0].details().unwrap();
    assert_eq!(details.best.as_ref().unwrap().set, "LFW\\x1b[2J");
    assert!(bench.look().is_empty());
}

#[test]
fn a_status_with_nan_is_no_change_each_time() {
    let mut bench = bench();
    let run = bench.run("a", RunState::Parked);
    let mut status = run.status().unwrap();
    status.eta_seconds = Some(f64::NAN);
    status.scalars.insert("loss/total".to_owned(), 1.0);
    run.write_status(&status).unwrap();
    bench.look();
    assert!(bench.look().is_empty());
}

#[test]
fn the_watched_run_has_curves_and_its_workers_output() {
    let mut bench = bench();
    let run = bench.run("a", RunState::Parked);
    fs::write(run.log_path(), "one\ntwo\x07\n").unwrap();
    let mut events = EventWriter::append(run.path()).unwrap();
    events.scalars(1, [("loss/total", 2.0)]).unwrap();
    events.flush().unwrap();
    assert!(runs(&bench.look())[0].details().unwrap().log.is_empty());
    bench.poller.watch(Some(run.path().to_owned()));
    let messages = bench.look();
    let [Message::Curves(curves), Message::Runs(runs)] = &messages[..] else {
        panic!("{messages:?}");
    };
    assert_eq!(curves.scalars.points("loss/total").len(), 1);
    assert_eq!(runs[0].details().unwrap().log, ["one", "two\\x07"]);
    assert!(bench.look().is_empty());
    events.scalars(2, [("loss/total", 1.0)]).unwrap();
    events.flush().unwrap();
    assert!(matches!(&bench.look()[..], [Message::Curves(curves)] if curves.edition == 2));
}

#[test]
fn broken_runs_and_other_programs_logs_are_listed() {
    let mut bench = bench();
    let run = bench.run("broken", RunState::Parked);
    fs::write(run.status_path(), "{").unwrap();
    let other = bench.root.path().join("other");
    fs::create_dir(&other).unwrap();
    EventWriter::append(&other).unwrap();
    let messages = bench.look();
    let kinds: Vec<_> = runs(&messages)
        .iter()
        .map(|run| (run.name.as_str(), &run.contents))
        .collect();
    assert!(
        kinds
            .iter()
            .any(|(name, what)| *name == "broken" && matches!(what, Contents::Broken(_)))
    );
    assert!(
        kinds
            .iter()
            .any(|(name, what)| *name == "other" && **what == Contents::EventLog)
    );
}
