//! The demo, and the data that it draws.

use std::{fmt::Write, fs, path::Path};

use facetui::run::{RunDirectory, Work};

use super::{Place, QUICK_WORKER};

#[test]
fn drawn_data_tell_what_they_are() {
    let place = Place::bare();
    let synth = [
        "data",
        "synth",
        "--out",
        "faces",
        "--identities",
        "3",
        "--images-per-identity",
        "2",
        "--lfw-pairs",
        "20",
        "--ytf-pairs",
        "20",
        "--frames-per-video",
        "1",
        "--mislabelled-videos",
        "1",
    ];
    let outcome = place.run(&synth);
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (0, "faces/config.ini\n"),
        "{}",
        outcome.stderr
    );
    assert!(place.run(&synth).stdout.contains("already"));
    let training = place
        .run(&["data", "inspect", "faces/train", "--json"])
        .json();
    assert_eq!(
        (training["images"].as_u64(), training["identities"].as_u64()),
        (Some(6), Some(3))
    );
    let pairs = place
        .run(&["data", "inspect", "faces/synthetic-lfw.bin", "--json"])
        .json();
    assert_eq!(
        (
            pairs["pairs"]["positive"].as_u64(),
            pairs["pairs"]["negative"].as_u64()
        ),
        (Some(10), Some(10))
    );
    assert!(
        place
            .run(&["data", "inspect", "faces/synthetic-lfw.bin"])
            .stdout
            .contains("10 positive")
    );
    place.refuses(&["data", "inspect", "nowhere"], &["nowhere"]);
    place.refuses(
        &["data", "synth", "--out", "few", "--lfw-pairs", "7"],
        &["lfw_pairs"],
    );
}

/// Trains and evaluates at once: a checkpoint of the demo's network, figures made of nothing.
const DEMO_WORKER: &str = r#"
case $1 in
devices) echo '{"version":"0","libtorch":{"built":false,"cuda":false,"cuda_devices":0},"devices":["flex"]}' ;;
run)
  cd "$2"
  if grep -q '^kind = "train"' job.toml; then
    mkdir -p checkpoints/step-00000010
    cp "$(dirname "$0")/manifest.json" checkpoints/step-00000010/
  else
    cp "$(dirname "$0")/figures.json" results/figures.json
  fi
  sed -e 's/"starting"/"finished"/' status.json >s && mv s status.json ;;
esac"#;

#[test]
fn the_demo_runs_its_stages_in_turn_and_opens_finished_ones_at_once() {
    let place = Place::with_worker(DEMO_WORKER);
    let recipe = facetui::config::Recipe::load(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recipes/demo.toml"),
    );
    let recipe = recipe.unwrap();
    let manifest =
        serde_json::json!({"step": 10, "network": recipe.network, "input": recipe.input});
    place.write("manifest.json", manifest.to_string());
    let mut scores = "kind,distance\n".to_owned();
    for pair in 0..20 {
        writeln!(scores, "positive,0.{pair:02}\nnegative,1.{pair:02}").unwrap();
    }
    place.write("scores.csv", &scores);
    place.write(
        "figures.json",
        &place
            .run(&["eval", "scores", "scores.csv", "--json"])
            .stdout,
    );

    let demo = ["demo", "--headless", "--steps", "8", "--out", "d"];
    let outcome = place.run(&demo);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(
        place.names("d/runs"),
        ["eval-lfw", "eval-ytf", "margin-centre", "triplet"]
    );
    for words in [
        "vgg-triplet/iter_426000",
        "not run",
        "scores.csv",
        "margin-centre: finished",
        "facetui --runs d/runs",
    ] {
        assert!(
            outcome.stdout.contains(words),
            "{words} isn't in {}",
            outcome.stdout
        );
    }
    let triplet = RunDirectory::open(&place.path().join("d/runs/triplet")).unwrap();
    let Work::Train {
        from: Some(from), ..
    } = triplet.job().unwrap().work
    else {
        panic!("the triplet stage starts from the first");
    };
    assert!(
        from.ends_with("margin-centre/checkpoints/step-00000010"),
        "{}",
        from.display()
    );
    assert_eq!(
        facetui::config::Recipe::load(&triplet.recipe_path())
            .unwrap()
            .steps,
        2
    );

    fs::remove_dir_all(place.path().join("d/runs/eval-ytf")).unwrap();
    let again = place.run(&demo);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(
        !again.stdout.contains("margin-centre: finished"),
        "{}",
        again.stdout
    );
    assert!(
        again.stdout.contains("eval-ytf: finished"),
        "{}",
        again.stdout
    );
}

#[test]
fn the_demo_without_a_terminal_says_what_to_do_instead() {
    Place::with_worker(QUICK_WORKER).refuses(&["demo"], &["--headless"]);
}
