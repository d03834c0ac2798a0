//! A second evaluation on a set of YTF's size: 3,226 videos of 100 frames, 512 numbers each, 5,000 pairs.
//!
//!     ./x bench kept [ROUNDS]
//!
//! The frames are empty files and the embeddings drawn: nothing is embedded. What is measured is a worker from its start
//! to its end, as `facetui eval ytf` starts it: listing and looking at the frames, finding the kept embeddings by the
//! content of model and set, reading, checking and pooling them, scores, figures, documents. Beside it, what NumPy needs
//! for nothing but pooling and scoring arrays that lie in memory already.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used)]

#[path = "../../benches/support/median.rs"]
mod median;

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use facetui::{
    config::{ChannelOrder, Crop, Scaling},
    eval::{
        Rule,
        corrected::Corrected,
        template::{Mirror, Pooling},
    },
    run::{
        BareWeights, EmbeddingOrigin, Embeddings, FigureOptions, Job, JobKind, Preprocessing,
        RunDirectory, Status, VerificationSet, Work, kept_path,
    },
};
use facetui_worker::embed::{kept::Wanted, model::ModelFile, verification::ValidationSet};

use median::median;

const VIDEOS: usize = 3226;
const FRAMES: usize = 100;
const LENGTH: usize = 512;
const MODEL_BYTES: usize = 174_000_000;

fn main() {
    let rounds = std::env::args()
        .find_map(|text| text.parse().ok())
        .unwrap_or(5);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runs = folder.path().join("runs");
    println!("making {VIDEOS} videos of {FRAMES} frames and their embeddings");
    let set = make_set(folder.path());
    // As long as an IR-50; it is hashed, and not loaded.
    let model = folder.path().join("model.onnx");
    make_model(&model);
    keep_embeddings(&runs, &model, &set);

    let options = |rule, pooling| FigureOptions {
        rule,
        pooling,
        distance: None,
    };
    let mut number = 0;
    for (what, figures, corrected) in [
        (
            "exact rule",
            options(Rule::Exact, Pooling::UnitMean),
            Corrected::None,
        ),
        (
            "reference rule",
            options(Rule::Reference, Pooling::UnitMean),
            Corrected::None,
        ),
        (
            "insightface rule",
            options(Rule::Insightface, Pooling::UnitMean),
            Corrected::None,
        ),
        (
            "trimmed pooling",
            options(Rule::Exact, Pooling::Trimmed),
            Corrected::None,
        ),
        (
            "corrected",
            options(Rule::Reference, Pooling::UnitMean),
            Corrected::Official,
        ),
    ] {
        let mut seconds = Vec::new();
        for _ in 0..rounds {
            number += 1;
            let mut set = set.clone();
            if let VerificationSet::Ytf {
                errors,
                corrected: mode,
                ..
            } = &mut set
                && corrected != Corrected::None
            {
                *errors = Some(folder.path().join("errors.txt"));
                *mode = corrected;
            }
            seconds.push(evaluate(
                &runs,
                &format!("run-{number}"),
                &model,
                set,
                figures,
            ));
        }
        println!(
            "{what}: median {:.3} s of {rounds}",
            median(seconds.iter().map(Duration::as_secs_f64))
        );
    }
    numpy();
}

fn make_set(folder: &Path) -> VerificationSet {
    let frames = folder.join("frames");
    let name = |video: usize| format!("Person_{:04}/{}", video / 2, video % 2);
    for video in 0..VIDEOS {
        let path = frames.join(name(video));
        fs::create_dir_all(&path).expect("a folder");
        for frame in 0..FRAMES {
            fs::File::create(path.join(format!("aligned_detect_{}.{frame}.jpg", video % 2)))
                .expect("a file");
        }
    }
    // The first pairs of each kind go through all people, so that every video is in one.
    let people = VIDEOS / 2;
    let mut lines = String::new();
    for pair in 0..5000 {
        let (split, place) = (pair / 500, pair % 500);
        let same = place < 250;
        let number = split * 250 + place % 250;
        let person = number % people;
        let other = if same {
            person
        } else {
            (person + 1 + 7 * (number / people)) % people
        };
        let _ = writeln!(
            lines,
            "{}, {}, {}, {}, {}",
            split + 1,
            place + 1,
            name(2 * person),
            name(2 * other + 1),
            u8::from(same)
        );
    }
    fs::write(folder.join("splits.txt"), lines).expect("a file");
    fs::write(folder.join("errors.txt"), "Person_0003/1\nPerson_0100/0\n").expect("a file");
    VerificationSet::Ytf {
        splits: folder.join("splits.txt"),
        frames,
        errors: None,
        corrected: Corrected::None,
        allow_missing: false,
    }
}

fn make_model(path: &Path) {
    let mut file = fs::File::create(path).expect("a file");
    let block: Vec<u8> = (0..1 << 20)
        .map(|place: u32| (place.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut left = MODEL_BYTES;
    while left > 0 {
        let part = left.min(block.len());
        file.write_all(&block[..part]).expect("room on the disk");
        left -= part;
    }
}

/// Embeddings as an evaluation would have left them: each person's around a centre of its own.
fn keep_embeddings(runs: &Path, model: &Path, set: &VerificationSet) {
    let figures = FigureOptions::of_rule(Rule::Exact);
    let opened = ValidationSet::of("ytf", set, figures, None, None).expect("the set");
    let content = opened.content().expect("the files");
    let model = ModelFile::open(model, &BareWeights::default()).expect("the model");
    // A rule that adds mirror images keeps other embeddings; both are wanted here.
    for mirror in [Mirror::None, Mirror::Sum] {
        let wanted = Wanted::new(&model, content.clone(), mirror, &Preprocessing::default());
        let mut state = 1_u64;
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        };
        let mut values = Vec::with_capacity(VIDEOS * FRAMES * LENGTH);
        for item in opened.items() {
            let person: Vec<f32> = {
                let digits: usize = item.name[7..11].parse().expect("a number");
                let mut own = digits as u64 + 7;
                (0..LENGTH)
                    .map(|_| {
                        own = own.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        (own >> 40) as f32 / 8_388_608.0 - 1.0
                    })
                    .collect()
            };
            for _ in 0..item.count {
                values.extend(person.iter().map(|centre| centre + 3.0 * random()));
            }
        }
        let origin = EmbeddingOrigin {
            model: "model.onnx".to_owned(),
            step: None,
            model_content: String::new(),
            set: "frames".to_owned(),
            set_content: String::new(),
            channels: ChannelOrder::Bgr,
            crop: Crop::Full,
            scaling: Scaling::default().to_string(),
            mirror,
            frames_per_video: None,
            device: "none".to_owned(),
        };
        let mut embeddings =
            Embeddings::new(origin, LENGTH, opened.items(), values).expect("as many as belong");
        wanted.sign(&mut embeddings);
        embeddings
            .write(&kept_path(runs, &wanted.key))
            .expect("room on the disk");
    }
}

fn evaluate(
    runs: &Path,
    name: &str,
    model: &Path,
    set: VerificationSet,
    figures: FigureOptions,
) -> Duration {
    let run = RunDirectory::create(runs, name).expect("a run directory");
    let work = Work::Eval {
        model: model.to_owned(),
        set,
        figures,
        preprocessing: Preprocessing::default(),
        weights: BareWeights::default(),
    };
    let device = "auto".parse().expect("a device's name");
    run.save_job(&Job { device, work }).expect("the job");
    run.write_status(&Status::starting(name, JobKind::Eval, 0, "auto"))
        .expect("the status");
    let begun = Instant::now();
    let ended = Command::new(env!("CARGO_BIN_EXE_facetui-worker"))
        .arg("run")
        .arg(run.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .expect("the worker");
    let took = begun.elapsed();
    assert!(ended.success(), "{:?}", run.log_tail(5));
    let journal = fs::read_to_string(run.journal_path()).expect("the journal");
    assert!(journal.contains("nothing is embedded"), "{journal}");
    took
}

fn numpy() {
    let Ok(python) = std::env::var("FACETUI_BENCH_PYTHON") else {
        return;
    };
    let script = format!(
        "import numpy as np, time\nr = np.random.default_rng(1)\ne = r.standard_normal(({VIDEOS}, {FRAMES}, {LENGTH}), np.float32)\n\
         a, b = r.integers(0, {VIDEOS}, (2, 5000))\n\
         def once():\n    t = time.perf_counter()\n    u = e / np.linalg.norm(e, axis=2, keepdims=True)\n    m = u.mean(1)\n    \
         m /= np.linalg.norm(m, axis=1, keepdims=True)\n    d = 1 - (m[a] * m[b]).sum(1)\n    return time.perf_counter() - t\n\
         print(f'NumPy {{np.__version__}}, pooling and scoring alone: median {{sorted(once() for _ in range(5))[2]:.3f}} s of 5')"
    );
    let ended = Command::new(python).args(["-c", &script]).status();
    assert!(ended.is_ok_and(|status| status.success()), "NumPy fails");
}
