//! Evaluations beside each other, and the report.

use std::fs;

use serde_json::Value;

use super::{Place, names_in};

#[test]
fn two_models_are_compared_pair_by_pair_and_three_side_by_side() {
    let place = Place::new();
    place.measure_videos("noisy", 1.2, 1);
    place.measure_videos("better", 0.5, 2);
    place.measure_videos("third", 0.9, 3);
    let found = place
        .done(&["eval", "compare", "noisy", "better", "--json"])
        .json();
    let difference = &found["difference"];
    let count = |name: &str| difference[name].as_u64().unwrap();
    assert_eq!(
        count("fixed") + count("broken") + count("both_wrong") + count("both_right"),
        180
    );
    assert!(count("fixed") > count("broken"), "{difference}");
    assert!(difference["p"].as_f64().unwrap() <= 1.0);
    let wrong = |run: usize| found["runs"][run]["wrong"].as_u64().unwrap();
    assert_eq!(wrong(0), count("fixed") + count("both_wrong"));
    assert_eq!(wrong(1), count("broken") + count("both_wrong"));
    let three = place
        .done(&["eval", "compare", "noisy", "better", "third", "--json"])
        .json();
    assert!(three["difference"].is_null());
    assert_eq!(three["pairs"][0]["of"].as_array().unwrap().len(), 3);
    let text = place.done(&["eval", "compare", "noisy", "better"]).stdout;
    assert!(text.contains("fixed") && text.contains('×'), "{text}");

    place.measure_images("faces", |pair, same| {
        0.001 * pair as f64 + if same { 0.1 } else { 0.9 }
    });
    place.refuses(&["eval", "compare", "noisy", "faces"], &["drawn and faces"]);
    place.refuses(&["eval", "compare", "noisy"], &["RUN"]);
    place.refuses(
        &["eval", "compare", "noisy", "better", "--set", "LFW"],
        &["not measured on LFW", "it was on drawn-corrected, drawn"],
    );
}

#[test]
fn a_report_is_a_folder_with_one_page_that_needs_no_network() {
    let place = Place::new();
    place.measure_videos("noisy <b>", 1.2, 1);
    place.measure_videos("better", 0.5, 2);
    let faces = place.measure_images("faces", |pair, same| {
        let near = same != (pair % 9 == 0);
        0.001 * pair as f64 + if near { 0.3 } else { 0.7 }
    });
    let trained = "step-00000010_LFW_exact.json";
    let mut other: Value = serde_json::from_slice(
        &fs::read(faces.path().join("results/step-00000001_faces_exact.json")).unwrap(),
    )
    .unwrap();
    other["set"] = "while-training".into();
    fs::write(
        faces.path().join("results").join(trained),
        other.to_string(),
    )
    .unwrap();
    let outcome = place.done(&[
        "eval",
        "report",
        "noisy <b>",
        "better",
        "faces",
        "--out",
        "report",
        "--format",
        "md",
    ]);
    assert!(
        outcome.stderr.contains("no charts of"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stdout.contains("noisy \\<b\\> @1"),
        "{}",
        outcome.stdout
    );
    let folder = place.path().join("report");
    let names = names_in(&folder);
    for start in [
        "roc-1-drawn",
        "det-1-drawn",
        "roc-3-faces",
        "distances-1-",
        "distances-5-",
    ] {
        for end in [".png", ".svg"] {
            let found = names
                .iter()
                .any(|name| name.starts_with(start) && name.ends_with(end));
            assert!(found, "{start}*{end}: {names:?}");
        }
    }
    assert!(
        names.iter().any(|name| name.ends_with("-false-reject.png")),
        "{names:?}"
    );
    for name in names.iter().filter(|name| name.contains(".png")) {
        assert!(
            image::open(folder.join(name)).unwrap().width() > 100,
            "{name}"
        );
    }
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("noisy &lt;b&gt; @1") && !page.contains("noisy <b>"));
    assert!(page.matches("<svg").count() >= 6 && page.contains("data:image/jpeg;base64,"));
    assert!(
        page.matches("type=\"range\"").count() == 5,
        "one an evaluation with scores"
    );
    for outside in ["src=\"http", "href=", "@import", "url(", "fetch("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let json: Value =
        serde_json::from_slice(&fs::read(folder.join("table.json")).unwrap()).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 6);
    assert!(json[0]["intervals"]["accuracy"]["low"].is_f64());
    assert_eq!(
        fs::read_to_string(folder.join("table.csv"))
            .unwrap()
            .lines()
            .count(),
        7
    );

    place.done(&["eval", "report", "better", "--out", "report"]);
    assert!(!names_in(&folder).iter().any(|name| name.contains("faces")));
    fs::write(folder.join("mine.txt"), "x").unwrap();
    place.refuses(
        &["eval", "report", "better", "--out", "report"],
        &["isn't empty"],
    );
}
