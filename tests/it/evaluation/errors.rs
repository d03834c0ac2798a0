//! Mislabelled videos: suspects, error lists and the figures without them.

use std::collections::BTreeSet;
use std::fs;

use facetui::data::VideoSet;
use facetui::eval::corrected::{Corrected, ErrorList};
use facetui::eval::scores::{NamedScore, NamedScores};
use facetui::eval::{Rule, ScoredPair};
use serde_json::Value;

use super::{Place, refigure};
use crate::shared::shared;

#[test]
fn mislabelled_videos_come_to_the_top_and_those_that_are_right_are_cleared() {
    let place = Place::new();
    place.measure_videos("one", 0.6, 3);
    let list = place.videos().join("error.txt");
    let truth: BTreeSet<String> = fs::read_to_string(&list)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let found = place.done(&["eval", "suspects", "one", "--json"]).json();
    let against = &found["against_list"];
    let [precision, recall] =
        ["precision_at_listed", "recall"].map(|figure| against[figure].as_f64().unwrap());
    eprintln!(
        "drawn videos: precision among the first {} {precision:.3}, recall {recall:.3}",
        truth.len()
    );
    assert!(precision >= 0.8 && recall >= 0.8, "{against}");

    // One listed video is struck out and one that is right put in its place.
    let videos = found["videos"].as_array().unwrap();
    let name = |video: &Value| video["video"].as_str().unwrap().to_owned();
    let wrong = name(&videos[0]);
    let right = name(
        videos
            .iter()
            .rfind(|video| video["listed"] == false)
            .unwrap(),
    );
    assert!(truth.contains(&wrong) && !truth.contains(&right));
    let mine = place.path().join("mine.txt");
    let names = truth.iter().filter(|name| **name != wrong).chain([&right]);
    fs::write(
        &mine,
        names.fold(String::new(), |all, name| all + name + "\n"),
    )
    .unwrap();
    let found = place
        .done(&["eval", "suspects", "one", "--errors", "mine.txt", "--json"])
        .json();
    let of = |wanted: &str| {
        let videos = found["videos"].as_array().unwrap();
        videos
            .iter()
            .find(|video| video["video"] == wanted)
            .unwrap()
            .clone()
    };
    assert_eq!(
        (of(&wrong)["listed"].clone(), of(&right)["listed"].clone()),
        (false.into(), true.into())
    );
    assert!(of(&wrong)["evidence"].as_f64().unwrap() > 0.0);
    assert_eq!(of(&right)["finding"], "looks-right");
    let text = place
        .done(&["eval", "suspects", "one", "--errors", "mine.txt"])
        .stdout;
    let (suspects, cleared) = text.split_once("listed, and look right:").unwrap();
    assert!(
        suspects.contains(&wrong) && cleared.contains(&right),
        "{text}"
    );

    fs::remove_dir_all(place.path().join("runs/.embeddings")).unwrap();
    let outcome = place.run(&["eval", "suspects", "one"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains(".embeddings"), "{}", outcome.stderr);
}

#[expect(clippy::too_many_lines, reason = "one story of one list")]
#[test]
fn an_error_list_is_kept_with_reasons_and_changes_the_figures_at_once() {
    let place = Place::new();
    place.measure_videos("one", 0.6, 3);
    let truth = fs::read_to_string(place.videos().join("error.txt")).unwrap();
    let truth: Vec<&str> = truth.lines().collect();
    let add = |name: &str| {
        place.done(&[
            "errors",
            "add",
            name,
            "--reason",
            "a stranger",
            "--by",
            "me",
            "--list",
            "mine.txt",
            "--empty",
            "--run",
            "one",
            "--json",
        ])
    };
    let first = add(truth[0]).json();
    assert_eq!(first["changed"]["done"], "added");
    assert_eq!(first["videos"][0]["reason"], "a stranger");
    let accuracy = |document: &Value, when: &str| {
        document["figures"][when]["accuracy"]["mean"]
            .as_f64()
            .unwrap()
    };
    let dropped = |document: &Value| document["figures"]["after"]["pairs"]["dropped"].as_u64();
    assert!(dropped(&first) > Some(0));
    let mut last = first.clone();
    for name in &truth[1..] {
        last = add(name).json();
    }
    assert!(
        accuracy(&last, "after") > accuracy(&first, "before"),
        "{last}"
    );
    assert_eq!(
        fs::read_to_string(place.path().join("mine.txt"))
            .unwrap()
            .lines()
            .collect::<Vec<_>>(),
        truth
    );
    // As the evaluation with the same list says.
    let stored = [
        "eval",
        "failures",
        "one",
        "--set",
        "drawn-corrected",
        "--json",
    ];
    assert_eq!(
        place.done(&stored).json()["pairs"],
        last["figures"]["after"]["pairs"]
    );

    assert_eq!(add(truth[0]).json()["changed"]["done"], "noted");
    let listed = place
        .done(&["errors", "list", "--list", "mine.txt", "--json"])
        .json();
    assert_eq!(listed["videos"].as_array().unwrap().len(), truth.len());
    assert_eq!(listed["videos"][0]["by"], "me");
    let splits = place.videos().join("splits.txt");
    let splits = splits.to_str().unwrap();
    let unknown = place.done(&[
        "errors", "add", "Nobody/7", "--reason", "x", "--list", "mine.txt", "--splits", splits,
    ]);
    assert!(
        unknown.stderr.contains("Nobody/7 is in no pair"),
        "{}",
        unknown.stderr
    );
    place.done(&["errors", "remove", "Nobody/7", "--list", "mine.txt"]);
    place.refuses(
        &["errors", "remove", "Nobody/7", "--list", "mine.txt"],
        &["isn't listed"],
    );
    place.refuses(
        &[
            "errors", "add", "../x", "--reason", "x", "--list", "mine.txt",
        ],
        &["can't be a video's name"],
    );
    let plain = place
        .done(&["errors", "export", "--list", "mine.txt"])
        .stdout;
    assert_eq!(plain.lines().collect::<Vec<_>>(), truth);
    place.done(&[
        "errors", "export", "--list", "mine.txt", "--out", "mine.csv",
    ]);
    let csv = fs::read_to_string(place.path().join("mine.csv")).unwrap();
    assert!(csv.contains(",a stranger,me,20"), "{csv}");
    place.refuses(
        &["errors", "export", "--out", "mine.doc"],
        &["txt, csv, toml, json"],
    );

    assert_eq!(place.done(&["errors", "list"]).stdout.lines().count(), 35);
    let new = place.done(&["errors", "add", "A/1", "--reason", "x", "--list", "new.txt"]);
    assert!(
        new.stderr.contains("35 videos of the published list"),
        "{}",
        new.stderr
    );
    assert_eq!(
        fs::read_to_string(place.path().join("new.txt"))
            .unwrap()
            .lines()
            .count(),
        36
    );
}

/// The real list with made-up distances.
#[test]
fn official_folds_of_the_real_list_keep_their_sizes_when_videos_are_taken_out() {
    let Some(path) = shared("data/lists/ytf_splits.txt") else {
        return;
    };
    let set = VideoSet::without_frames(&path, None).unwrap();
    let rows = set
        .pairs
        .iter()
        .zip(0_u64..)
        .map(|(pair, number)| NamedScore {
            a: set.videos[pair.a].name.clone(),
            b: set.videos[pair.b].name.clone(),
            pair: ScoredPair {
                distance: (number * 7919 % 5003) as f64 / 5003.0
                    + if pair.same { 0.0 } else { 0.5 },
                same: pair.same,
                fold: Some(pair.fold),
            },
        });
    let scores = NamedScores {
        rows: rows.collect(),
    };
    let errors = ErrorList::published();
    let (figures, dropped) = refigure(&scores, &errors, Corrected::Official, Rule::Exact);
    assert_eq!(figures.folds.len(), 10);
    let range = |size: fn(&facetui::eval::FoldFigures) -> usize| {
        let sizes = figures.folds.iter().map(size);
        (sizes.clone().min().unwrap(), sizes.max().unwrap())
    };
    assert_eq!(range(|fold| fold.positive), (240, 249));
    assert_eq!(range(|fold| fold.negative), (236, 250));
    assert_eq!(figures.pairs.positive, 2438);
    assert_eq!(figures.pairs.tested + dropped, 5000);
    let (reference, _) = refigure(&scores, &errors, Corrected::Reference, Rule::Reference);
    assert_eq!(
        (reference.pairs.positive, reference.pairs.tested),
        (2438, 4860)
    );
    let untested = reference.untested.unwrap();
    assert_eq!((untested.positive, untested.negative), (8, 70));
}
