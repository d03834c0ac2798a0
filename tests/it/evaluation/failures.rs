//! The pairs that an evaluation told wrong, with their faces.

use std::collections::BTreeSet;
use std::fs;

use super::{Place, names_in};

#[test]
fn failing_video_pairs_become_a_table_and_strips_of_frames() {
    let place = Place::with_own_videos();
    place.measure_videos("one", 0.9, 1);
    let command = [
        "eval", "failures", "one", "--out", "bad", "--limit", "3", "--json",
    ];
    let found = place.done(&command).json();
    assert_eq!(found["set"], "drawn");
    let failures = found["failures"].as_array().unwrap();
    let missed: Vec<f64> = failures
        .iter()
        .map(|f| f["missed_by"].as_f64().unwrap())
        .collect();
    assert!(
        missed.len() > 3 && missed.is_sorted_by(|a, b| a >= b),
        "{missed:?}"
    );
    let out = place.path().join("bad");
    let csv = fs::read_to_string(out.join("failures.csv")).unwrap();
    assert_eq!(csv.lines().count(), failures.len() + 1);
    let rejects = names_in(&out.join("false-rejects"));
    assert_eq!(rejects.len(), 3);
    assert_eq!(found["pictures"].as_u64().unwrap() as usize, {
        let accepts = out.join("false-accepts");
        rejects.len()
            + if accepts.is_dir() {
                names_in(&accepts).len()
            } else {
                0
            }
    });
    let worst = failures
        .iter()
        .find(|f| f["kind"] == "false-reject")
        .unwrap();
    let name = format!(
        "{:.4}_{}_{}_pair{}.png",
        worst["distance"].as_f64().unwrap(),
        worst["a"].as_str().unwrap().replace('/', "-"),
        worst["b"].as_str().unwrap().replace('/', "-"),
        worst["pair"].as_u64().unwrap() + 1
    );
    assert!(rejects.contains(&name), "{name}: {rejects:?}");
    let picture = image::open(out.join("false-rejects").join(&name)).unwrap();
    assert_eq!((picture.width(), picture.height()), (6 * 116 - 4, 228));

    // Once more with another limit: what was there goes.
    place.done(&["eval", "failures", "one", "--out", "bad", "--limit", "1"]);
    assert_eq!(names_in(&out.join("false-rejects")).len(), 1);
    fs::write(out.join("mine.txt"), "x").unwrap();
    place.refuses(
        &["eval", "failures", "one", "--out", "bad"],
        &["isn't empty"],
    );

    // Without the mislabelled videos fewer pairs fail, and the official folds judge.
    let corrected = [
        "eval",
        "failures",
        "one",
        "--corrected",
        "official",
        "--json",
    ];
    let corrected = place.done(&corrected).json();
    assert_eq!(corrected["set"], "drawn-corrected");
    let stored = [
        "eval",
        "failures",
        "one",
        "--set",
        "drawn-corrected",
        "--json",
    ];
    assert_eq!(
        place.done(&stored).json()["failures"],
        corrected["failures"]
    );
    assert!(corrected["failures"].as_array().unwrap().len() < failures.len());

    // A frame that can't be read hides no other pair.
    let broken = place.videos().join(worst["a"].as_str().unwrap());
    for frame in names_in(&broken) {
        fs::write(broken.join(frame), "no picture").unwrap();
    }
    let outcome = place.done(&["eval", "failures", "one", "--out", "other", "--limit", "3"]);
    assert!(
        outcome.stderr.contains("aligned_detect"),
        "{}",
        outcome.stderr
    );
    assert!(names_in(&place.path().join("other/false-rejects")).len() < 3);
}

#[test]
fn failing_image_pairs_lie_side_by_side() {
    let place = Place::new();
    let wrong = [2, 40];
    place.measure_images("faces", |pair, same| {
        let near = same != wrong.contains(&pair);
        if near { 0.2 } else { 0.8 + 0.001 * pair as f64 }
    });
    let found = place
        .done(&["eval", "failures", "faces", "--out", "bad", "--json"])
        .json();
    let pairs: BTreeSet<u64> = found["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| failure["pair"].as_u64().unwrap())
        .collect();
    assert_eq!(pairs, BTreeSet::from(wrong.map(|pair| pair as u64)));
    let folder = place.path().join("bad");
    let mut pictures = Vec::new();
    for kind in ["false-rejects", "false-accepts"] {
        for name in names_in(&folder.join(kind)) {
            pictures.push((
                name.clone(),
                image::open(folder.join(kind).join(name)).unwrap(),
            ));
        }
    }
    assert_eq!(pictures.len(), 2);
    for (name, picture) in pictures {
        assert_eq!((picture.width(), picture.height()), (228, 112), "{name}");
        assert!(
            name.contains("__4__5_pair3") || name.contains("__80__81_pair41"),
            "{name}"
        );
    }
}
