//! Models for tests, as they would be after a while of watching. The clock stands still.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::data::{BrokenPicture, CheckReport};
use crate::eval::corrected::{Corrected, Note};
use crate::eval::failures::{FailingPair, FailureKind};
use crate::eval::operating::OperatingPoints;
use crate::eval::suspects::{Finding, Suspect, Suspects};
use crate::eval::{Accuracy, Evaluation, FoldFigures, PairCounts, Provenance, Rule, ScoredPair};
use crate::plot::Picture;
use crate::report::{Frame, Strip};
use crate::run::{Command, Entry, Event, JobKind, JournalEvent, RunState, Scalars, Status, What};

use super::comparison;
use super::machine::{Gpu, MachineLoad};
use super::marks::Marks;
use super::message::Message;
use super::model::{Access, Model};
use super::picture::Graphics;
use super::sets::{OverlapLine, SetLine, Sets};
use super::snapshot::{Contents, Curves, RunDetails, RunSnapshot};
use super::theme::{Background, Charset, Depth, Theme};
use super::threshold::Scored;
use super::triage::{Errors, FacesOf, FailedPair, Failing, JudgedPair, Refigured, Suspected};
use super::update::update;

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
    let mut best = None;
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
        ];
        if step % 100 == 0 {
            values.push(("eval/heldout_glint6.bin/accuracy", 0.55 + 0.2 * at / 600.0));
        }
        let values = values
            .into_iter()
            .map(|(tag, value)| (tag.to_owned(), value));
        scalars.add(Event {
            wall_time: NOW - 300.0 + at / 3.0,
            step,
            what: What::Scalars(values.collect()),
        });
    }
    Curves {
        path: path(name),
        scalars: Arc::new(scalars),
        edition: 1,
    }
}

/// The busy dashboard with the failing pairs of its evaluation in front, all of it read.
pub fn failing_pairs() -> Model {
    let mut model = busy();
    let key = KeyEvent::new(KeyCode::Char('4'), KeyModifiers::NONE);
    update(&mut model, Message::Key(key));
    triage(&mut model);
    model
}

/// The busy dashboard with the error list in front, all of it read.
pub fn error_list() -> Model {
    let mut model = busy();
    let key = KeyEvent::new(KeyCode::Char('5'), KeyModifiers::NONE);
    update(&mut model, Message::Key(key));
    triage(&mut model);
    model
}

/// Answers all that the views of faces ask for.
fn triage(model: &mut Model) {
    let of = model.triage.figure.clone().expect("an evaluation is there");
    let refigured = Some(refigured(model, 3));
    update(
        model,
        Message::Errors {
            result: Ok(Arc::new(errors(&[
                "Alma_Powell/2",
                "Boris_Kurt/1",
                "Cleo_Marin/3",
            ]))),
            refigured,
        },
    );
    let result = Ok(Arc::new(failing()));
    update(
        model,
        Message::Failing {
            of: of.clone(),
            result,
        },
    );
    let result = Ok(Arc::new(suspected()));
    update(model, Message::Suspects { of, result });
    answer_faces(model);
}

/// Pictures for whatever the view in front shows.
pub fn answer_faces(model: &mut Model) {
    let Some(of) = super::update::faces_shown(model) else {
        return;
    };
    let names: Vec<String> = match &of {
        FacesOf::Video(_, name) => vec![name.clone()],
        FacesOf::Person(_, class) => vec![format!("{} of 240: Alma_Powell", class + 1)],
        FacesOf::Pair(..) => {
            let pair = &model.triage.selected_pair().expect("a pair is shown").pair;
            vec![pair.a.clone(), pair.b.clone()]
        }
    };
    let strips = names.iter().map(|name| strip(name)).collect();
    let result = Ok(Arc::new(strips));
    update(model, Message::Faces { of, result });
}

/// A track of 20 frames that brighten, the 13th and 14th unlike the others.
fn strip(name: &str) -> Strip {
    let picture = |at: usize| {
        let shade = |x: usize, y: usize| {
            let inside = (x as i64 - 56).pow(2) + (y as i64 - 56).pow(2) < 45_i64.pow(2);
            if inside { 100 + at as u8 * 6 } else { 40 }
        };
        let rgb = (0..112 * 112).flat_map(|place| [shade(place % 112, place / 112); 3]);
        Picture {
            width: 112,
            height: 112,
            rgb: rgb.collect(),
        }
    };
    let frames = (0..20).map(|at| Frame {
        picture: picture(at),
        number: at * 9 + 5,
        agrees: Some(!(12..14).contains(&at)),
    });
    Strip {
        name: name.to_owned(),
        frames: frames.collect(),
        total: 180,
    }
}

/// An error list with a reason for its first video.
pub fn errors(names: &[&str]) -> Errors {
    let note = |at: usize| match at {
        0 => Note {
            reason: Some("shows another woman".to_owned()),
            by: Some("ada".to_owned()),
            when: Some("2027-01-12".to_owned()),
        },
        _ => Note::default(),
    };
    let entries = names.iter().enumerate();
    Errors {
        path: "runs/ytf-errors.txt".to_owned(),
        is_new: false,
        entries: entries
            .map(|(at, name)| ((*name).to_owned(), note(at)))
            .collect(),
    }
}

/// What the figures are with so many videos listed.
pub fn refigured(model: &Model, listed: usize) -> Refigured {
    Refigured {
        of: model.triage.figure.clone().expect("an evaluation is there"),
        mode: Corrected::Official,
        listed,
        dropped: listed * 4,
        accuracy: Accuracy {
            mean: 0.78 + listed as f64 / 1000.0,
            std: 0.0143,
            sem: 0.0045,
        },
    }
}

/// Failing pairs of both kinds.
pub fn failing() -> Failing {
    let people = [
        "Alma_Powell",
        "Boris_Kurt",
        "Cleo_Marin",
        "Dana_Ito",
        "Emil_Sand",
        "Faye_Oda",
    ];
    let pairs = (0..12_usize).map(|at| {
        let kind = if at % 3 == 1 {
            FailureKind::FalseAccept
        } else {
            FailureKind::FalseReject
        };
        let other = if kind == FailureKind::FalseAccept {
            at + 1
        } else {
            at
        };
        let missed_by = 0.31 - at as f64 * 0.021;
        let side = if kind == FailureKind::FalseAccept {
            -1.0
        } else {
            1.0
        };
        let distance = 0.689 + side * missed_by;
        FailedPair {
            pair: FailingPair {
                kind,
                pair: at * 37 % 200,
                a: format!("{}/{}", people[at % 6], at % 3),
                b: format!("{}/{}", people[other % 6], at % 3 + 2),
                distance,
                threshold: 0.689,
                missed_by,
                fold: (at != 5).then_some(at * 7 % 10),
            },
            elsewhere: vec![(distance - 0.2, 0.71, at % 2 == 0)],
        }
    });
    Failing {
        label: "margin-centre @1000, reference rule".to_owned(),
        set: "YTF".to_owned(),
        videos: true,
        accuracy: Accuracy {
            mean: 0.94,
            std: 0.02,
            sem: 0.006,
        },
        judged: 200,
        pairs: pairs.collect(),
        peers: vec!["eval-2 @2000".to_owned()],
    }
}

/// Two videos that look mislabelled, one of them listed, and a pair.
pub fn suspected() -> Suspected {
    let suspect = |video: &str, finding, evidence, listed| Suspect {
        video: video.to_owned(),
        finding,
        evidence,
        listed,
        frames: 180,
        mates: 2,
        similarity_to_mates: Some(0.12),
        other: Some("Dana_Ito".to_owned()),
        similarity_to_other: Some(0.61),
        pairs: 4,
        odd_pairs: 3,
        split: None,
        evidence_of_mates: evidence / 2.0,
        evidence_of_other: evidence / 2.0,
        evidence_of_frames: None,
    };
    let pair = |b: &str, distance, right| JudgedPair {
        a: "Alma_Powell/2".to_owned(),
        b: b.to_owned(),
        same: true,
        distance,
        right,
    };
    Suspected {
        found: Ok(Suspects {
            videos: vec![
                suspect("Alma_Powell/2", Finding::LooksLikeAnother, 7.34, true),
                suspect("Emil_Sand/1", Finding::UnlikeItsOwn, 2.1, false),
                suspect("Boris_Kurt/1", Finding::LooksRight, -4.0, true),
            ],
            even_similarity: 0.3,
            against_list: None,
        }),
        pairs: vec![
            pair("Alma_Powell/3", 0.9123, false),
            pair("Alma_Powell/1", 0.5123, true),
        ],
    }
}

/// A machine with a GPU at work.
pub fn machine() -> MachineLoad {
    MachineLoad {
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
    let mut other = curves("big-batch");
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
    other.scalars = Arc::new(scalars);
    update(&mut model, Message::Curves(other));
    model
}

/// The busy dashboard with the sets of faces in front, one of them checked.
pub fn sets() -> Model {
    let mut model = busy();
    let key = KeyEvent::new(KeyCode::Char('6'), KeyModifiers::NONE);
    update(&mut model, Message::Key(key));
    let set = |name: &str, images, people, pairs| SetLine {
        name: name.to_owned(),
        place: format!("data/{name}"),
        images: Some(images),
        people,
        pairs,
        videos: None,
        sizes: Vec::new(),
        problem: None,
    };
    let mut vgg = set("vgg", 12_345, Some(240), None);
    vgg.sizes = (0..240_u32)
        .map(|person| 1 + person * person / 300)
        .collect();
    let mut broken = set("ms1m", 0, None, None);
    broken.problem = Some("data/ms1m/train.idx: line 7: expected a number".to_owned());
    let sets = Sets {
        config: "runs/margin-centre/config.ini".to_owned(),
        sets: vec![vgg, broken, set("lfw", 12_000, None, Some((3_000, 3_000)))],
    };
    let overlap = OverlapLine {
        run: "overlap-vgg-ms1m".to_owned(),
        sets: [("vgg".to_owned(), 240), ("ms1m".to_owned(), 85_742)],
        counts: [37, 12, 11],
    };
    let config = model.data.config.clone().expect("a file was asked for");
    let read = Message::Sets {
        config,
        result: Ok(Arc::new(sets)),
        overlaps: vec![overlap],
    };
    update(&mut model, read);
    answer_faces(&mut model);
    let report = CheckReport {
        readable: 12_343,
        broken: vec![BrokenPicture {
            image: "vgg/17.jpg".to_owned(),
            problem: "ends too early".to_owned(),
        }],
        problems: 1,
        ..CheckReport::default()
    };
    let name = "vgg".to_owned();
    update(
        &mut model,
        Message::SetChecked {
            name,
            result: Ok(Arc::new(report)),
        },
    );
    model
}
