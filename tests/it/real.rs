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
