use std::fs;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::run::{EventWriter, JobKind, JournalEvent, RunState, Status};

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
        beside: Vec::new(),
        machine: None,
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
    assert_eq!(details.best[0].set, "LFW\\x1b[2J");
    let marks: Vec<_> = details.marks.iter().map(|mark| mark.step).collect();
    assert_eq!(marks, [Some(10)]);
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
    bench.poller.watch(Some(run.path().to_owned()), Vec::new());
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

#[test]
fn a_long_list_is_shown_before_its_journals_are_read() {
    let mut bench = bench();
    for number in 0..=FEW_RUNS {
        let run = bench.run(&format!("run-{number}"), RunState::Parked);
        let message = "said".to_owned();
        run.journal()
            .unwrap()
            .append(JournalEvent::Note { message })
            .unwrap();
    }
    let messages = bench.look();
    let [Message::Runs(at_once), Message::Runs(whole)] = &messages[..] else {
        panic!("{messages:?}");
    };
    let entries = |runs: &[Arc<RunSnapshot>]| -> usize {
        runs.iter()
            .map(|run| run.details().unwrap().journal.len())
            .sum()
    };
    assert_eq!((at_once.len(), entries(at_once)), (FEW_RUNS + 1, 0));
    assert_eq!((whole.len(), entries(whole)), (FEW_RUNS + 1, FEW_RUNS + 1));
    assert!(bench.look().is_empty());
}

#[test]
fn a_run_in_the_place_of_another_has_its_own_journal_and_curves() {
    let mut bench = bench();
    let make = |bench: &Bench, steps: std::ops::Range<u64>, notes: usize| {
        let run = bench.run("a", RunState::Parked);
        let mut events = EventWriter::append(run.path()).unwrap();
        for step in steps {
            events.scalars(step, [("loss/total", 1.0)]).unwrap();
        }
        let mut journal = run.journal().unwrap();
        for _ in 0..notes {
            let message = "said".to_owned();
            journal.append(JournalEvent::Note { message }).unwrap();
        }
        run
    };
    let run = make(&bench, 0..50, 5);
    bench.poller.watch(Some(run.path().to_owned()), Vec::new());
    bench.look();
    // Between two looks.
    fs::remove_dir_all(run.path()).unwrap();
    make(&bench, 100..103, 2);
    let messages = bench.look();
    let [Message::Curves(curves), Message::Runs(runs)] = &messages[..] else {
        panic!("{messages:?}");
    };
    let steps = curves.scalars.points("loss/total");
    assert!(steps.iter().map(|point| point.step).eq(100..103));
    assert_eq!(runs[0].details().unwrap().journal.len(), 2);
}
