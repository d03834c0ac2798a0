//! Training, going on from it and evaluating on real faces, where they are.

use std::fs;
use std::path::Path;

use facetui::eval::Rule;
use facetui::run::{EventTail, RunDirectory, RunState, Scalars};
use serde_json::Value;

use crate::shared::shared;
use crate::support::{Workshop, real_worker};

const STEPS: usize = 12;

#[test]
fn real_faces_are_trained_on_continued_from_and_evaluated() {
    let (Some(faces), Some(pairs)) = (
        shared("data/faces_glint18"),
        shared("data/heldout_glint6.bin"),
    ) else {
        return;
    };
    let Some(worker) = real_worker() else { return };
    let workshop = Workshop::new(worker);
    let config = workshop.path().join("config.ini");
    let text = format!(
        "[vgg]\nmxrec = {}\n[lfw]\nnpdata = {}\n",
        faces.canonicalize().unwrap().display(),
        pairs.canonicalize().unwrap().display()
    );
    fs::write(&config, text).unwrap();
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recipes/cpu-small.toml");
    let train = |name: &str, arguments: &[&str]| {
        let common = [
            "train",
            recipe.to_str().unwrap(),
            "--name",
            name,
            "--device",
            "auto",
            "--headless",
        ];
        workshop.run(&[&common, arguments].concat()).done();
        RunDirectory::open(&workshop.path().join("runs").join(name)).unwrap()
    };

    let first = train(
        "first",
        &[
            "--set",
            "steps=12",
            "--set",
            "validate_every=12",
            "--set",
            "checkpoint_every=6",
            "--set",
            "schedule.warmup_steps=2",
        ],
    );
    check_first(&first);

    let second = train(
        "second",
        &[
            "--from",
            "first",
            "--set",
            "steps=4",
            "--set",
            "validation=[]",
            "--set",
            "schedule.warmup_steps=0",
        ],
    );
    let continued = losses(&second);
    assert_eq!(continued.len(), 4);
    assert!(
        continued.iter().all(|loss| loss.is_finite()),
        "{continued:?}"
    );
    assert!(
        fs::read_to_string(second.journal_path())
            .unwrap()
            .contains("started from the weights of")
    );

    let evaluated = workshop.run(&[
        "eval",
        "lfw",
        "--model",
        "first",
        "--data",
        pairs.canonicalize().unwrap().to_str().unwrap(),
        "--rule",
        "insightface",
        "--mirror",
        "none",
        "--json",
    ]);
    check_document(&evaluated.done().json());
}

/// Steps, losses, checkpoints and the row of the validation.
fn check_first(run: &RunDirectory) {
    let status = run.status().unwrap();
    assert_eq!(status.state, RunState::Finished);
    assert_eq!(status.step, STEPS as u64);
    let losses = losses(run);
    assert_eq!(losses.len(), STEPS);
    assert!(losses.iter().all(|loss| loss.is_finite()), "{losses:?}");
    // Twelve steps are too few to learn from; they must not blow up either.
    assert!(losses[STEPS - 1] < 1.5 * losses[0], "{losses:?}");
    let checkpoints: Vec<_> = run.checkpoints().unwrap();
    let steps: Vec<u64> = checkpoints
        .iter()
        .map(|checkpoint| checkpoint.step)
        .collect();
    assert_eq!(steps, [6, 12]);
    let last = &checkpoints[1].name;
    assert!(last.contains("_lfw_"), "{last}");
    let rows = run.results().unwrap().rows;
    assert_eq!(rows.len(), 1);
    let evaluation = &rows[0].evaluation;
    assert_eq!(evaluation.rule, Rule::Reference);
    assert_eq!(
        (evaluation.pairs.positive, evaluation.pairs.negative),
        (300, 300)
    );
    assert!((0.0..=1.0).contains(&evaluation.accuracy.mean));
}

/// Every field that scripts are promised.
fn check_document(figures: &Value) {
    assert_eq!(figures["rule"], "insightface");
    assert_eq!(figures["set"], "heldout_glint6.bin");
    assert_eq!(figures["pairs"]["positive"], 300);
    assert_eq!(figures["pairs"]["negative"], 300);
    assert_eq!(figures["pairs"]["tested"], 600);
    for count in ["missing", "dropped"] {
        assert_eq!(figures["pairs"][count], 0);
    }
    for figure in ["mean", "std", "sem"] {
        assert!(figures["accuracy"][figure].is_number(), "{figures}");
    }
    for figure in ["threshold", "auc", "eer"] {
        assert!(figures[figure].is_number(), "{figures}");
    }
    let folds = figures["folds"].as_array().unwrap();
    assert_eq!(folds.len(), 10);
    for fold in folds {
        assert!(fold["accuracy"].is_number() && fold["threshold"].is_number());
    }
    for far in ["0.1", "0.01", "0.001"] {
        assert!(figures["tar_at_far"].get(far).is_some(), "{figures}");
    }
    assert_eq!(figures["provenance"]["step"], 12);
    assert_eq!(figures["provenance"]["mirror"], "none");
}

/// The total losses in a run's event log, in their order.
fn losses(run: &RunDirectory) -> Vec<f64> {
    let mut scalars = Scalars::default();
    scalars.extend(EventTail::open(run.path()).unwrap().poll().unwrap());
    let points = scalars.points("loss/total");
    points.iter().map(|point| point.value).collect()
}

/// The figures that ONNX Runtime and InsightFace's rule give in Python for this model and these sets, images decoded by
/// libjpeg: mean accuracy and standard deviation without mirror images and with their sum.
const BY_PYTHON: [(&str, [[f64; 2]; 2]); 2] = [
    (
        "data/heldout_glint6.bin",
        [[0.98000, 0.02211], [0.98167, 0.02034]],
    ),
    (
        "data/formats/glint24_py3.bin",
        [[0.97667, 0.01528], [0.97667, 0.01856]],
    ),
];

#[test]
fn a_public_model_has_the_figures_that_it_has_in_python_and_is_asked_once() {
    let Some(model) = shared("models/fr_feature.onnx") else {
        return;
    };
    let Some(worker) = real_worker() else { return };
    let workshop = Workshop::new(worker);
    let evaluate = |set: &Path, mirror: &str, rule: &str, name: &str| {
        let arguments = [
            "eval",
            "lfw",
            "--model",
            model.to_str().unwrap(),
            "--data",
            set.to_str().unwrap(),
            "--rule",
            rule,
            "--mirror",
            mirror,
            "--name",
            name,
            "--json",
        ];
        workshop.run(&arguments).done().json()
    };
    for (number, (name, expected)) in BY_PYTHON.into_iter().enumerate() {
        let Some(set) = shared(name) else { return };
        for (mirror, expected) in ["none", "sum"].into_iter().zip(expected) {
            let run = format!("{mirror}-{number}");
            let accuracy = evaluate(&set, mirror, "insightface", &run)["accuracy"].clone();
            let found = ["mean", "std"].map(|figure| accuracy[figure].as_f64().unwrap());
            for (found, expected) in found.into_iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 6e-6,
                    "{name}, {mirror}: {accuracy}"
                );
            }
        }
    }
    let (Some(set), notes) = (shared(BY_PYTHON[0].0), "nothing is embedded") else {
        return;
    };
    evaluate(&set, "none", "exact", "again");
    let run = RunDirectory::open(&workshop.path().join("runs/again")).unwrap();
    let journal = fs::read_to_string(run.path().join("journal.jsonl")).unwrap();
    assert!(journal.contains(notes), "{journal}");
}

#[test]
fn people_that_two_real_sets_share_are_found_by_their_faces_alone() {
    let (Some(model), Some(one), Some(other)) = (
        shared("models/fr_feature.onnx"),
        shared("data/faces_glint18"),
        shared("data/formats/faces_glint24"),
    ) else {
        return;
    };
    let Some(worker) = real_worker() else { return };
    let workshop = Workshop::new(worker);
    let found = workshop.run(&[
        "data",
        "overlap",
        one.to_str().unwrap(),
        other.to_str().unwrap(),
        "--model",
        model.to_str().unwrap(),
        "--images-per-person",
        "8",
        "--action",
        "merge",
        "--out",
        "overlap.csv",
        "--json",
    ]);
    // Both sets name their people: 18 of the second set's 24 are the first set's.
    let report = found.done().json();
    for count in ["alike", "same_name", "both"] {
        assert_eq!(report[count], 18, "{report}");
    }
    let list = facetui::data::OverlapList::read(&workshop.path().join("overlap.csv")).unwrap();
    assert_eq!(list.overlaps.len(), 18);
    for overlap in &list.overlaps {
        assert_eq!(overlap.a.name, overlap.b.name);
        assert_eq!(overlap.action, Some(facetui::data::OverlapAction::Merge));
    }

    let unknown = workshop.run(&[
        "data",
        "overlap",
        "nobody",
        "none",
        "--model",
        model.to_str().unwrap(),
    ]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("nobody"), "{}", unknown.stderr);
}
