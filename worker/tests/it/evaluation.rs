//! Evaluations as jobs: embeddings are made once and kept, whatever the figures ask for; wrong input leaves nothing.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use facetui::{
    data::{Image, write_bin},
    eval::{
        Evaluation, Rule,
        corrected::Corrected,
        scores::NamedScores,
        template::{Distance, Mirror, Pooling},
    },
    run::{
        BareWeights, FigureOptions, Job, JobKind, JournalEvent, Preprocessing, RunDirectory,
        RunState, Status, VerificationSet, Work,
    },
};

use crate::support::{
    Worker, engines, has_onnx_runtime, newest_checkpoint, tiny_data, tiny_recipe, training_run,
};

/// A folder with a trained network and sets; evaluations go to its folder of runs.
struct Place {
    folder: tempfile::TempDir,
    model: PathBuf,
}

/// How an evaluation ended.
struct Outcome {
    run: RunDirectory,
    code: Option<i32>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        tiny_data(folder.path());
        let recipe = tiny_recipe("margin-centre", 2, "");
        let run = training_run(folder.path(), "trained", "flex", &recipe);
        assert_eq!(Worker::start(&run).wait(), Some(0), "{:?}", run.log_tail(5));
        Self {
            model: newest_checkpoint(&run),
            folder,
        }
    }

    /// Without a network of ours.
    fn of_model(model: &Path) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            model: model.to_owned(),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn lfw(&self) -> VerificationSet {
        VerificationSet::Lfw {
            data: self.path().join("lfw.bin"),
            images: None,
        }
    }

    /// Makes the run; the worker is not started.
    fn order(&self, name: &str, change: impl FnOnce(&mut Order)) -> RunDirectory {
        let mut order = Order {
            model: self.model.clone(),
            set: self.lfw(),
            figures: FigureOptions::of_rule(Rule::Exact),
            preprocessing: Preprocessing::default(),
            weights: BareWeights::default(),
            device: "flex",
        };
        change(&mut order);
        let run = RunDirectory::create(&self.path().join("runs"), name).unwrap();
        let work = Work::Eval {
            model: order.model,
            set: order.set,
            figures: order.figures,
            preprocessing: order.preprocessing,
            weights: order.weights,
        };
        let device = order.device.parse().unwrap();
        run.save_job(&Job { device, work }).unwrap();
        run.write_status(&Status::starting(name, JobKind::Eval, 0, "auto"))
            .unwrap();
        run
    }

    fn evaluate(&self, name: &str, change: impl FnOnce(&mut Order)) -> Outcome {
        let run = self.order(name, change);
        let code = Worker::start(&run).wait();
        Outcome { run, code }
    }

    /// The files of kept embeddings.
    fn kept(&self) -> Vec<PathBuf> {
        let folder = self.path().join("runs/.embeddings");
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }
}

struct Order {
    model: PathBuf,
    set: VerificationSet,
    figures: FigureOptions,
    preprocessing: Preprocessing,
    weights: BareWeights,
    device: &'static str,
}

impl Outcome {
    fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{:?}", self.run.log_tail(9));
        assert_eq!(self.run.status().unwrap().state, RunState::Finished);
        self
    }

    fn notes(&self) -> Vec<String> {
        let entries = self.run.journal_tail().poll().unwrap();
        entries
            .into_iter()
            .filter_map(|entry| match entry.what {
                JournalEvent::Note { message } => Some(message),
                _ => None,
            })
            .collect()
    }

    /// Whether it embedded, by its journal.
    fn embedded(&self) -> bool {
        let notes = self.notes();
        let says = |word: &str| notes.iter().any(|note| note.contains(word));
        assert_ne!(
            says("nothing is embedded"),
            says("are kept as /") && !says("nothing")
        );
        !says("nothing is embedded")
    }

    /// The only one.
    fn evaluation(&self) -> Evaluation {
        let mut results = self.run.results().unwrap();
        assert!(results.broken.is_empty());
        assert_eq!(results.rows.len(), 1);
        results.rows.remove(0).evaluation
    }

    fn scores(&self, set: &str) -> NamedScores {
        NamedScores::read(&self.run.scores_path(set)).unwrap()
    }

    /// That it was refused as wrong input, said so, and left nothing behind.
    fn refused(self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{:?}", self.run.log_tail(9));
        let status = self.run.status().unwrap();
        assert_eq!(status.state, RunState::Failed);
        let error = status.last_error.unwrap();
        for word in words {
            assert!(error.contains(word), "{error}");
        }
        let results = fs::read_dir(self.run.path().join("results")).unwrap();
        assert_eq!(results.count(), 0);
    }
}

#[test]
fn embeddings_are_made_once_for_all_figures() {
    let place = Place::new();
    let first = place.evaluate("first", |_| ()).done();
    assert!(first.embedded());
    assert_eq!(place.kept().len(), 1);
    let evaluation = first.evaluation();
    assert_eq!(
        (evaluation.pairs.positive, evaluation.pairs.negative),
        (10, 10)
    );
    let provenance = &evaluation.provenance;
    assert_eq!(provenance.model, "trained");
    assert_eq!(provenance.step, Some(2));
    assert_eq!(provenance.device.as_deref(), Some("flex"));
    assert_eq!(provenance.channels.as_deref(), Some("bgr"));
    assert_eq!(provenance.crop.as_deref(), Some("112x96"));
    assert_eq!(provenance.scaling.as_deref(), Some("(x-127.5)/128"));
    assert_eq!(provenance.distance, "cosine");

    // The scores alone give the same figures, and the names lead to the embeddings.
    let scores = first.scores("lfw.bin");
    assert_eq!(scores.rows.len(), 20);
    let again = facetui::eval::verify(Rule::Exact, &scores.pairs()).unwrap();
    let again = again.into_evaluation("lfw.bin".to_owned(), 0, 0, provenance.clone());
    // The rows come in another order than the pairs, and sums with them.
    assert!((again.accuracy.mean - evaluation.accuracy.mean).abs() < 1e-12);
    assert!((again.accuracy.std - evaluation.accuracy.std).abs() < 1e-12);
    let source = first.run.evaluation_source("lfw.bin").unwrap().unwrap();
    let embeddings = first.run.embeddings(&source).unwrap();
    for row in &scores.rows {
        let of = |name: &str| {
            let item = embeddings.item(name).unwrap();
            embeddings.frames(item).unwrap()
        };
        let distance =
            facetui::eval::template::distance(Distance::Cosine, &of(&row.a), &of(&row.b)).unwrap();
        assert!((distance - row.pair.distance).abs() < 1e-6);
    }

    let second = place
        .evaluate("second", |order| {
            order.figures.rule = Rule::Insightface;
            order.figures.distance = Some(Distance::SquaredL2);
            order.preprocessing.mirror = Some(Mirror::None);
        })
        .done();
    assert!(!second.embedded());
    assert_eq!(second.run.status().unwrap().device, "flex");
    let other = second.evaluation().provenance;
    assert_eq!(other.distance, "squared-l2");
    let squared = second.scores("lfw.bin");
    for (cosine, squared) in scores.rows.iter().zip(&squared.rows) {
        // On the unit sphere the one is twice the other.
        assert!((2.0 * cosine.pair.distance - squared.pair.distance).abs() < 1e-6);
    }

    // Unless all is the same, the images are embedded: mirror images, other planes, another model.
    let rgb = Some(facetui::config::ChannelOrder::Rgb);
    for (name, embeds) in [("mirrored", true), ("rgb", true), ("rgb-again", false)] {
        let outcome = place.evaluate(name, |order| match name {
            "mirrored" => order.preprocessing.mirror = Some(Mirror::Sum),
            _ => order.preprocessing.channels = rgb,
        });
        assert_eq!(outcome.done().embedded(), embeds, "{name}");
    }
    assert_eq!(place.kept().len(), 3);

    // A copy of the checkpoint elsewhere is the same content, under another name.
    let copy = place.path().join("copied");
    fs::create_dir(&copy).unwrap();
    for file in fs::read_dir(&place.model).unwrap().flatten() {
        fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    let outcome = place.evaluate("copy", |order| order.model = copy).done();
    assert!(!outcome.embedded());
    assert_eq!(outcome.evaluation().provenance.model, "copied");
}

/// What is done to a file's bytes.
type Damage = fn(&mut Vec<u8>);

#[test]
fn kept_embeddings_that_are_damaged_or_gone_are_made_anew() {
    let place = Place::new();
    let first = place.evaluate("first", |_| ()).done().evaluation();
    let path = place.kept().remove(0);
    let whole = fs::read(&path).unwrap();
    let damages: [(&str, Damage); 4] = [
        ("cut", |bytes| bytes.truncate(bytes.len() - 5)),
        ("header", |bytes| bytes[40] ^= 1),
        ("numbers", |bytes| {
            let place = bytes.len() - 100;
            bytes[place] ^= 0x40;
        }),
        ("empty", Vec::clear),
    ];
    for (name, damage) in damages {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        fs::write(&path, bytes).unwrap();
        let outcome = place.evaluate(name, |_| ()).done();
        assert!(outcome.embedded(), "{name}");
        assert!(outcome.notes()[0].contains("embedded anew"), "{name}");
        assert_eq!(outcome.evaluation().accuracy, first.accuracy, "{name}");
        assert!(fs::read(&path).unwrap() == whole, "{name} is mended");
    }
    fs::remove_dir_all(place.path().join("runs/.embeddings")).unwrap();
    assert!(place.evaluate("cleared", |_| ()).done().embedded());
    // Where they can't be kept the figures are the same.
    fs::remove_dir_all(place.path().join("runs/.embeddings")).unwrap();
    fs::write(place.path().join("runs/.embeddings"), "in the way").unwrap();
    let outcome = place.evaluate("unkept", |_| ()).done();
    assert!(outcome.notes()[0].contains("can't be kept"));
    assert_eq!(outcome.evaluation().accuracy, first.accuracy);
}

#[test]
fn a_device_asked_for_by_name_embeds() {
    if engines().len() < 2 {
        return;
    }
    let place = Place::new();
    assert!(place.evaluate("flex", |_| ()).done().embedded());
    let auto = place.evaluate("auto", |order| order.device = "auto").done();
    assert!(!auto.embedded(), "any device's embeddings do");
    let cpu = place.evaluate("cpu", |order| order.device = "cpu").done();
    assert!(cpu.embedded());
    assert_eq!(cpu.evaluation().provenance.device.as_deref(), Some("cpu"));
    let flex = place.evaluate("flex-again", |_| ()).done();
    assert!(flex.embedded());
}

#[test]
fn two_evaluations_at_once_do_not_hurt_each_other() {
    let place = Place::new();
    let names = ["a", "b", "c"];
    let runs = names.map(|name| place.order(name, |_| ()));
    let workers = runs.each_ref().map(Worker::start);
    let codes = workers.map(Worker::wait);
    assert_eq!(codes, [Some(0); 3]);
    let figures = runs.map(|run| run.results().unwrap().rows.remove(0).evaluation.accuracy);
    assert_eq!(figures[0], figures[1]);
    assert_eq!(figures[0], figures[2]);
    assert_eq!(place.kept().len(), 1, "and nothing half-written beside it");
    assert!(!place.evaluate("later", |_| ()).done().embedded());
}

/// Thirty videos of a few frames, ten splits of pairs, one person's second video missing.
fn videos(folder: &Path) -> VerificationSet {
    let frames = folder.join("frames");
    let mut lines = String::new();
    for person in 0..10_u32 {
        for video in 0..3_u32 {
            let path = frames.join(format!("P{person}/{video}"));
            fs::create_dir_all(&path).unwrap();
            for frame in 0..5_u32 {
                let shade = (40 * video + 11 * frame) as u8;
                let rgb = (0..112 * 112_u32)
                    .flat_map(|pixel| {
                        let (row, column) = (pixel / 112, pixel % 112);
                        [
                            (person * 25) as u8,
                            (row * (person + 1) + column) as u8,
                            shade,
                        ]
                    })
                    .collect();
                let image = Image {
                    width: 112,
                    height: 112,
                    rgb,
                };
                let name = format!("aligned_detect_{video}.{frame}.png");
                fs::write(path.join(name), image.to_png().unwrap()).unwrap();
            }
        }
        let split = person + 1;
        let other = (person + 1) % 10;
        writeln!(lines, "{split}, 1, P{person}/0, P{person}/1, 1").unwrap();
        writeln!(lines, "{split}, 2, P{person}/0, P{person}/2, 1").unwrap();
        writeln!(lines, "{split}, 3, P{person}/0, P{other}/1, 0").unwrap();
        writeln!(lines, "{split}, 4, P{person}/2, P{other}/2, 0").unwrap();
    }
    fs::write(folder.join("splits.txt"), lines).unwrap();
    fs::write(folder.join("errors.txt"), "P3/1\n").unwrap();
    VerificationSet::Ytf {
        splits: folder.join("splits.txt"),
        frames,
        errors: None,
        corrected: Corrected::None,
        allow_missing: false,
    }
}

#[test]
fn videos_are_embedded_once_and_pooled_anew() {
    let place = Place::new();
    let set = videos(place.path());
    let first = place
        .evaluate("first", |order| order.set = set.clone())
        .done();
    assert!(first.embedded());
    assert_eq!(first.run.status().unwrap().steps, 150, "each frame once");
    let evaluation = first.evaluation();
    assert_eq!(evaluation.provenance.pooling.as_deref(), Some("unit-mean"));
    assert_eq!(evaluation.provenance.frames_per_video, None);
    let folder = place.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(evaluation.set, folder);

    let mut distances = vec![first.scores(&evaluation.set)];
    for pooling in [
        Pooling::Mean,
        Pooling::NormWeighted,
        Pooling::Trimmed,
        Pooling::Media,
    ] {
        let outcome = place.evaluate(&pooling.to_string(), |order| {
            order.set = set.clone();
            order.figures.pooling = pooling;
        });
        let outcome = outcome.done();
        assert!(!outcome.embedded(), "{pooling}");
        let found = outcome.evaluation();
        assert_eq!(found.provenance.pooling, Some(pooling.to_string()));
        distances.push(outcome.scores(&found.set));
    }
    // A video in one folder is one medium, whose frames count alike.
    let near = |a: &NamedScores, b: &NamedScores| {
        let pairs = a.rows.iter().zip(&b.rows);
        pairs
            .map(|(a, b)| (a.pair.distance - b.pair.distance).abs())
            .fold(0.0, f64::max)
    };
    assert!(near(&distances[0], &distances[4]) < 1e-6);
    assert!(near(&distances[0], &distances[1]) > 1e-7);

    // Corrected in both ways, from the same embeddings.
    let errors = Some(place.path().join("errors.txt"));
    for (mode, dropped) in [(Corrected::Reference, 1), (Corrected::Official, 2)] {
        let outcome = place.evaluate(&mode.to_string(), |order| {
            order.set = set.clone();
            if let VerificationSet::Ytf {
                errors: list,
                corrected,
                ..
            } = &mut order.set
            {
                list.clone_from(&errors);
                *corrected = mode;
            }
        });
        let outcome = outcome.done();
        assert!(!outcome.embedded());
        let rows = outcome.run.results().unwrap().rows;
        assert_eq!(rows.len(), 2);
        let set = format!("{folder}-corrected");
        let corrected = rows.iter().find(|row| row.evaluation.set == set).unwrap();
        let corrected = &corrected.evaluation;
        assert_eq!(corrected.pairs.dropped, dropped, "{mode}");
        assert_eq!(corrected.provenance.corrected, Some(mode.to_string()));
        let source = outcome.run.evaluation_source(&set).unwrap().unwrap();
        let whole = outcome.scores(&source.whole_set);
        assert_eq!(whole.rows.len(), 40, "the scores are of the whole set");
    }

    // Fewer frames are other embeddings.
    let few = place.evaluate("few", |order| {
        order.set = set.clone();
        order.preprocessing.frames_per_video = Some(2);
    });
    let few = few.done();
    assert!(few.embedded());
    assert_eq!(few.run.status().unwrap().steps, 60);
    assert_eq!(few.evaluation().provenance.frames_per_video, Some(2));
}

#[test]
fn missing_videos_are_named_and_refused_unless_they_may_be() {
    let place = Place::new();
    let mut set = videos(place.path());
    fs::remove_dir_all(place.path().join("frames/P4/1")).unwrap();
    place
        .evaluate("refused", |order| order.set = set.clone())
        .refused(&["1 of the 30 videos", "P4/1", "--allow-missing"]);
    assert!(place.kept().is_empty());
    if let VerificationSet::Ytf { allow_missing, .. } = &mut set {
        *allow_missing = true;
    }
    let outcome = place.evaluate("allowed", |order| order.set = set).done();
    let evaluation = outcome.evaluation();
    assert_eq!(evaluation.pairs.missing, 2);
    let source = outcome.run.evaluation_source(&evaluation.set).unwrap();
    assert_eq!(source.unwrap().missing, ["P4/1"]);
    assert_eq!(outcome.scores(&evaluation.set).rows.len(), 38);
}

#[test]
fn bare_weights_are_evaluated_as_they_say_or_as_one_says() {
    let place = Place::new();
    let expected = place.evaluate("checkpoint", |_| ()).done().evaluation();
    let own = place.model.join("weights.safetensors");
    let described = place.path().join("described.safetensors");
    fs::copy(&own, &described).unwrap();
    let of = |outcome: Outcome| {
        let found = outcome.done().evaluation();
        assert_eq!(found.accuracy, expected.accuracy);
        assert_eq!(found.provenance.step, None);
        found.provenance.model
    };
    let outcome = place.evaluate("described", |order| order.model = described.clone());
    assert_eq!(of(outcome), "described.safetensors");

    let bare = place.path().join("bare.safetensors");
    let bytes = fs::read(&own).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    header
        .as_object_mut()
        .unwrap()
        .remove("__metadata__")
        .unwrap();
    let header = serde_json::to_vec(&header).unwrap();
    let length = (header.len() as u64).to_le_bytes();
    let rest = &bytes[8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize..];
    fs::write(&bare, [&length[..], &header, rest].concat()).unwrap();
    place
        .evaluate("unsaid", |order| order.model = bare.clone())
        .refused(&["bare.safetensors", "--flatten hwc"]);
    let said = BareWeights {
        flatten: Some(facetui::config::Flatten::Hwc),
        batch_norm_epsilon: None,
    };
    of(place.evaluate("said", |order| {
        order.model = bare.clone();
        order.weights = said;
    }));
    place
        .evaluate("twice", |order| {
            order.model = described.clone();
            order.weights = said;
        })
        .refused(&["say themselves", "--flatten"]);
    place
        .evaluate("of-a-checkpoint", |order| order.weights = said)
        .refused(&["--flatten and --epsilon are for bare weights"]);

    let half = place.path().join("half.safetensors");
    fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    place
        .evaluate("half", |order| order.model = half)
        .refused(&["half.safetensors", "safetensors"]);
    place
        .evaluate("crop", |order| {
            order.preprocessing.crop = Some(facetui::config::Crop::Full);
        })
        .refused(&["output.dense.weight has shape", "the network expects"]);
    let text = place.path().join("notes.txt");
    fs::write(&text, "no model, whatever it is called").unwrap();
    place
        .evaluate("text", |order| order.model = text)
        .refused(&["notes.txt is no model that is known"]);
}

#[test]
fn onnx_models_that_are_no_embedders_are_refused() {
    if !has_onnx_runtime() {
        return;
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx");
    let place = Place::of_model(&golden.join("any.onnx"));
    let image = |shade: u8| {
        let image = Image {
            width: 112,
            height: 112,
            rgb: vec![shade; 3 * 112 * 112],
        };
        image.to_png().unwrap()
    };
    let images: Vec<_> = (0..80_u8).map(|place| image(3 * place)).collect();
    let same: Vec<_> = (0..40).map(|pair| pair % 2 == 0).collect();
    fs::write(place.path().join("lfw.bin"), write_bin(&images, &same)).unwrap();
    let fine = place.evaluate("fine", |_| ()).done();
    assert!(fine.embedded());
    assert_eq!(
        fine.evaluation().provenance.device.as_deref(),
        Some("ONNX Runtime (CPU)")
    );
    let kept = place.kept().len();

    let half = place.path().join("half.onnx");
    let bytes = fs::read(golden.join("any.onnx")).unwrap();
    fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    let other = place.path().join("other.onnx");
    fs::write(&other, "these are no bytes of a graph").unwrap();
    let refusals: [(&Path, &[&str]); 6] = [
        (
            &golden.join("bad_size.onnx"),
            &[
                "input face: found face",
                "[any, 3, 168, 168]",
                "expected",
                "112, 96",
            ],
        ),
        (
            &golden.join("bad_inputs.onnx"),
            &["inputs: found face", "other"],
        ),
        (
            &golden.join("bad_output.onnx"),
            &["outputs: found map", "expected one output"],
        ),
        (
            &golden.join("bad_nan.onnx"),
            &["embedding of image #", "NaN", "--scaling"],
        ),
        (&half, &["half.onnx isn't a model that ONNX Runtime reads"]),
        (&other, &["other.onnx isn't a model"]),
    ];
    for (place_number, (model, words)) in refusals.into_iter().enumerate() {
        let name = format!("refused-{place_number}");
        place
            .evaluate(&name, |order| order.model = model.to_owned())
            .refused(words);
    }
    place
        .evaluate("crop", |order| {
            order.preprocessing.crop = Some(facetui::config::Crop::Reference);
        })
        .refused(&["input face", "a crop of 112x96, as asked for"]);
    assert_eq!(place.kept().len(), kept, "nothing of these is kept");
}
