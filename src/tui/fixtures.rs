//! Models for tests, as they would be after a while of watching. The clock stands still.

mod faces;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::eval::operating::OperatingPoints;
use crate::eval::{Accuracy, Evaluation, FoldFigures, PairCounts, Provenance, Rule, ScoredPair};
use crate::run::{
    BareWeights, Command, Entry, Event, FigureOptions, Job, JobKind, JournalEvent, Preprocessing,
    QUANTILES, RunDirectory, RunState, Scalars, Status, VerificationSet, What, Work, quantile_tag,
};

use super::comparison;
use super::machine::{Gpu, MachineLoad};
use super::marks::Marks;
use super::message::Message;
use super::model::{Access, Model};
use super::picture::Graphics;
use super::snapshot::{Contents, Curves, RunDetails, RunSnapshot};
use super::theme::{Background, Charset, Depth, Theme};
use super::threshold::Scored;
use super::update::update;

pub use faces::*;

/// Now, for all fixtures.
pub const NOW: f64 = 1_800_000_000.0;

/// A dashboard that has looked and found no runs.
pub fn empty() -> Model {
    let theme = Theme {
        depth: Depth::True,
        charset: Charset::Unicode,
        background: Background::Dark,
    };
    let mut model = Model::new(theme, Access::Full, "runs".to_owned(), None);
    model.graphics = Some(Graphics::HALF_BLOCKS);
    model.now = NOW;
    update(&mut model, Message::Runs(Vec::new()));
    model
}

/// A dashboard with a run in every state; the running one is selected and has curves.
pub fn busy() -> Model {
    let mut model = empty();
    update(&mut model, Message::Runs(runs()));
    update(&mut model, Message::Curves(curves("margin-centre")));
    model
}

/// A run in every state, newest first.
pub fn runs() -> Vec<Arc<RunSnapshot>> {
    let runs = [
        run("margin-centre", RunState::Running, 620, 300.0),
        run("next-one", RunState::Starting, 0, 4.0),
        run("big-batch", RunState::Paused, 1_200, 1_900.0),
        run("depth-100", RunState::Parked, 4_000, 8_000.0),
        run("eval-lfw", RunState::Finished, 1_000, 12_000.0),
        run(
            "triplet-from-margin-centre-with-a-long-name",
            RunState::Finished,
            1_000,
            90_000.0,
        ),
        run("no-warm-up", RunState::Failed, 81, 100_000.0),
        run("beta-0.5", RunState::Stopped, 300, 200_000.0),
        run("night", RunState::Lost, 770, 300_000.0),
    ];
    let mut snapshots: Vec<Arc<RunSnapshot>> = runs.into_iter().map(Arc::new).collect();
    snapshots.push(Arc::new(RunSnapshot {
        path: path("half-written"),
        name: "half-written".to_owned(),
        contents: Contents::Broken("runs/half-written/status.json: not a readable status document: EOF while parsing an object at line 1 column 1".to_owned()),
        started: NOW - 400_000.0,
    }));
    snapshots.push(Arc::new(RunSnapshot {
        path: path("tensorflow-log"),
        name: "tensorflow-log".to_owned(),
        contents: Contents::EventLog,
        started: NOW - 500_000.0,
    }));
    snapshots
}

/// The folder of a run.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from("runs").join(name)
}

fn run(name: &str, state: RunState, step: u64, age: f64) -> RunSnapshot {
    let started = NOW - age;
    let status = Status {
        name: name.to_owned(),
        kind: if name == "eval-lfw" { JobKind::Eval } else { JobKind::Train },
        state,
        phase: (state == RunState::Starting).then(|| "loading LibTorch".to_owned()),
        step,
        steps: if step > 1_000 { 20_000 } else { 1_000 },
        epoch: step / 200,
        images_per_second: (state == RunState::Running).then_some(41.23),
        eta_seconds: (state == RunState::Running).then_some(192.0),
        pid: Some(4242),
        pid_start: Some(1),
        host: "workstation".to_owned(),
        device: if step > 1_000 { "cuda:0" } else { "flex" }.to_owned(),
        started,
        heartbeat: NOW,
        asked_at_uptime: None,
        last_checkpoint: (step >= 100).then(|| format!("step-{:08}", step / 100 * 100)),
        last_error: match state {
            RunState::Failed => Some("loss/total is NaN at step 81: the learning rate 0.5 is too large; try --set schedule.warmup_steps=500".to_owned()),
            RunState::Lost => Some("the worker died; its last words: memory allocation of 8589934592 bytes failed".to_owned()),
            _ => None,
        },
        scalars: BTreeMap::from([("loss/total".to_owned(), 12.314)]),
    };
    let log = match state {
        RunState::Failed | RunState::Lost => (1..=12)
            .map(|line| format!("line {line} of what the worker printed"))
            .collect(),
        _ => Vec::new(),
    };
    let mut best = Vec::new();
    let journal = journal(step, started);
    for entry in &journal {
        RunDetails::better(&mut best, entry);
    }
    let results = match state {
        RunState::Running | RunState::Finished => {
            vec![evaluation("heldout_glint6.bin", name, step)]
        }
        _ => Vec::new(),
    };
    let mut marks = Marks::default();
    for entry in &journal {
        marks.add(entry);
    }
    let details = RunDetails {
        status,
        journal,
        marks: Arc::new(marks),
        best,
        results,
        note: (name == "beta-0.5").then(|| "the centre term alone".to_owned()),
        log,
    };
    RunSnapshot {
        path: path(name),
        name: name.to_owned(),
        contents: Contents::Run(Box::new(details)),
        started,
    }
}

fn journal(step: u64, started: f64) -> Vec<Entry> {
    let mut journal = Vec::new();
    let mut add = |time: f64, what| {
        let number = journal.len() as u64 + 1;
        journal.push(Entry { number, time, what });
    };
    add(
        started,
        JournalEvent::State {
            state: RunState::Starting,
            phase: Some("loading LibTorch".to_owned()),
        },
    );
    for at in (100..=step.min(600)).step_by(100) {
        let time = started + at as f64 / 3.0;
        let name = format!("step-{at:08}");
        add(time, JournalEvent::Checkpoint { name, step: at });
        let accuracy = 0.55 + 0.2 * (at as f64 / 600.0);
        let set = "heldout_glint6.bin".to_owned();
        add(
            time + 4.0,
            JournalEvent::Validation {
                set,
                step: at,
                accuracy,
                std: 0.021,
            },
        );
    }
    if step == 620 {
        journal.extend(incidents(started));
        journal.sort_by(|a, b| a.time.total_cmp(&b.time));
        (1..)
            .zip(&mut journal)
            .for_each(|(number, entry)| entry.number = number);
    }
    journal
}

/// One of each thing that charts mark, besides checkpoints and validations.
fn incidents(started: f64) -> Vec<Entry> {
    let command = |command, step| (step, JournalEvent::Command { command, step });
    let set = Command::Set {
        key: "schedule.learning_rate".to_owned(),
        value: 5e-4,
    };
    let error = JournalEvent::Error {
        message: "can't write checkpoints/step-00000150: no space left on device".to_owned(),
    };
    let lint = JournalEvent::Lint {
        lint: "data-wait".to_owned(),
        step: 450,
        message: "the device waits for data 31 % of the time; give the loader more threads"
            .to_owned(),
    };
    let events = [
        (40, JournalEvent::Resumed { step: 40 }),
        (150, error),
        command(set, 400),
        (450, lint),
        command(Command::Pause, 520),
        command(Command::Unpause, 520),
    ];
    let entry = |(step, what): (u64, JournalEvent)| Entry {
        number: 0,
        time: started + step as f64 / 3.0 + 0.1,
        what,
    };
    events.map(entry).into()
}

/// The next entry of a run's journal: a command obeyed.
pub fn obeyed(
    runs: &[Arc<RunSnapshot>],
    name: &str,
    command: &Command,
    step: u64,
) -> Vec<Arc<RunSnapshot>> {
    let mut runs = runs.to_vec();
    for run in &mut runs {
        if run.name == name
            && let Contents::Run(details) = &mut Arc::make_mut(run).contents
        {
            let number = details.last_entry() + 1;
            let what = JournalEvent::Command {
                command: command.clone(),
                step,
            };
            details.journal.push(Entry {
                number,
                time: NOW,
                what,
            });
        }
    }
    runs
}

/// An evaluation of ten folds.
pub fn evaluation(set: &str, model: &str, step: u64) -> Evaluation {
    let folds: Vec<FoldFigures> = (0..10)
        .map(|fold| FoldFigures {
            accuracy: 0.76 + f64::from(fold * 7 % 10) * 0.005,
            threshold: 1.2 + f64::from(fold) * 0.003,
            positive: 300,
            negative: 300,
        })
        .collect();
    Evaluation {
        set: set.to_owned(),
        rule: Rule::Reference,
        pairs: PairCounts {
            positive: 3000,
            negative: 3000,
            missing: 0,
            dropped: 0,
            tested: 6000,
        },
        accuracy: Accuracy {
            mean: 0.7825,
            std: 0.01436,
            sem: 0.00479,
        },
        threshold: 1.2135,
        folds,
        auc: 0.8512,
        eer: 0.2204,
        tar_at_far: BTreeMap::from([
            ("0.1".to_owned(), Some(0.6103)),
            ("0.01".to_owned(), Some(0.2231)),
            ("0.001".to_owned(), None),
            ("0.0001".to_owned(), None),
        ]),
        val: None,
        untested: None,
        intervals: None,
        provenance: Provenance {
            model: model.to_owned(),
            step: Some(step),
            data: format!("data/{set}"),
            channels: Some("rgb".to_owned()),
            crop: Some("112x96".to_owned()),
            mirror: Some("none".to_owned()),
            pooling: None,
            distance: "squared-l2".to_owned(),
            corrected: None,
            device: Some("flex".to_owned()),
            ..Provenance::default()
        },
    }
}

/// Scores of 300 pairs of one person and 300 of two, which overlap as those of a young model do.
pub fn scored() -> Scored {
    let pairs: Vec<ScoredPair> = (0..600_u32)
        .map(|at| {
            // The sum of three even spreads is nearly a bell.
            let spread = [7, 11, 13].map(|prime| f64::from(at * prime * 97 % 601) / 601.0);
            let centre = if at % 2 == 0 { 0.55 } else { 1.15 };
            ScoredPair {
                distance: centre + spread.iter().sum::<f64>() / 3.0,
                same: at % 2 == 0,
                fold: None,
            }
        })
        .collect();
    let points = OperatingPoints::new(&pairs).expect("all distances are finite");
    Scored {
        points,
        mean: 1.2135,
    }
}

/// The busy dashboard with a figure of its own selected, whose scores came as `result` says.
pub fn figure(result: Result<Scored, String>) -> Model {
    let mut model = busy();
    let (rows, columns) = comparison::of(&model).size();
    (model.evaluation.row, model.evaluation.column) = (rows - 1, columns - 1);
    let key = KeyEvent::new(KeyCode::Char('3'), KeyModifiers::NONE);
    update(&mut model, Message::Key(key));
    let of = model.evaluation.figure.clone().expect("a figure is there");
    let result = result.map(Arc::new);
    update(&mut model, Message::Scores { of, result });
    model
}

/// Curves of 620 steps that fall and rise as training's do, with ripples that are the same each time.
pub fn curves(name: &str) -> Curves {
    let mut scalars = Scalars::default();
    for step in 1..=620_u64 {
        let at = step as f64;
        let ripple = ((step * 7919 % 101) as f64 / 101.0 - 0.5) * 3.0;
        let falling = (-at / 180.0).exp();
        let margin = 9.0 + 32.0 * falling + ripple;
        let centre = 10.0 + 8.0 * falling + ripple / 4.0;
        let decay = 1.9 - at / 2000.0;
        let mut values = vec![
            ("loss/total", margin + centre + decay),
            ("loss/margin", margin),
            ("loss/centre", centre / 0.3),
            ("loss/centre_weighted", centre),
            ("loss/weight_decay", decay),
            ("train/accuracy", 0.9 - 0.8 * falling + ripple / 40.0),
            ("train/accuracy_margin", 0.7 - 0.7 * falling + ripple / 50.0),
            ("train/learning_rate", if step < 400 { 1e-3 } else { 5e-4 }),
            (
                "train/gradient_norm",
                if (300..330).contains(&step) {
                    f64::NAN
                } else {
                    4.0 + ripple
                },
            ),
            ("speed/images_per_second", 41.0 + ripple),
            ("speed/data_wait", 0.01),
            ("train/epoch", at / 200.0),
            ("train/cosine_own", 0.75 - 0.7 * falling),
            ("embedding/cosine_between", 0.05 + 0.3 * falling),
            ("time/data", 0.02),
            ("time/forward", 0.5 + ripple / 20.0),
            ("time/backward", 0.9 + ripple / 20.0),
            ("time/optimiser", 0.05),
        ];
        if step % 100 == 0 {
            values.push(("eval/heldout_glint6.bin/accuracy", 0.55 + 0.2 * at / 600.0));
            values.push(("time/evaluation", 21.0));
        }
        if step % 5 == 0 {
            let memory = 2_200_000_000.0 + 100_000.0 * at;
            values.extend([
                ("device/cpu_utilisation", 1.8),
                ("device/memory_bytes", memory),
            ]);
        }
        let mut values: Vec<(String, f64)> = values
            .into_iter()
            .map(|(tag, value)| (tag.to_owned(), value))
            .collect();
        if step % 20 == 0 {
            values.extend(quantiles(
                "distribution/cosine_own",
                0.75 - 0.7 * falling,
                0.06 + 0.12 * falling,
            ));
        }
        scalars.add(Event {
            wall_time: NOW - 300.0 + at / 3.0,
            step,
            what: What::Scalars(values),
        });
    }
    Curves::new(path(name), Arc::new(scalars), 1)
}

/// The quantiles of a histogram whose values lie around `centre` as the logistic distribution's do.
fn quantiles(histogram: &str, centre: f64, width: f64) -> impl Iterator<Item = (String, f64)> {
    QUANTILES.into_iter().map(move |percent| {
        let share = (f64::from(percent) / 100.0).clamp(0.002, 0.998);
        let value = centre + width * (share / (1.0 - share)).ln();
        (quantile_tag(histogram, percent), value.clamp(-1.0, 1.0))
    })
}

/// A machine with a GPU at work.
pub fn machine() -> MachineLoad {
    MachineLoad {
        host: "workstation".to_owned(),
        cpu: 0.62,
        cores: 16,
        memory_used: 3_300_000_000,
        memory: 8 << 30,
        disk_free: Some(12 << 30),
        gpus: vec![Gpu {
            utilisation: 0.93,
            memory_used: 21 << 30,
            memory: 80 << 30,
            watts: Some(412.0),
            celsius: Some(61),
        }],
    }
}

/// The busy dashboard, live, with another run's curves beside the selected one's.
pub fn compared() -> Model {
    let mut model = busy();
    for key in ['j', 'j', ' ', 'k', 'k', '2'] {
        let key = KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE);
        update(&mut model, Message::Key(key));
    }
    update(&mut model, Message::Curves(curves("margin-centre")));
    let other = curves("big-batch");
    // The other one lost more and is shorter.
    let mut scalars = Scalars::default();
    for tag in ["loss/total", "train/accuracy"] {
        for point in other.scalars.points(tag).into_iter().take(400) {
            scalars.add(Event {
                wall_time: point.wall_time,
                step: point.step,
                what: What::Scalars(vec![(tag.to_owned(), point.value * 1.3)]),
            });
        }
    }
    let other = Curves::new(other.path, Arc::new(scalars), other.edition);
    update(&mut model, Message::Curves(other));
    model
}

/// Says of a run that it evaluates a model on a set, by the exact rule.
pub fn save_evaluation(run: &RunDirectory, set: VerificationSet) {
    run.save_job(&Job {
        device: "flex".parse().unwrap(),
        work: Work::Eval {
            model: PathBuf::from("/model"),
            set,
            figures: FigureOptions::of_rule(Rule::Exact),
            preprocessing: Preprocessing::default(),
            weights: BareWeights::default(),
        },
    })
    .unwrap();
}
