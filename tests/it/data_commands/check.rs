//! `facetui data check`: what is wrong with a set, found and named.

use std::fs;

use facetui::config::WrongSize;
use facetui::data::recordio::{RecordFile, RecordIndex};
use facetui::data::synthetic::face;
use facetui::data::{Image, TrainingImages, write_bin};

use super::Place;
use crate::shared::shared;

#[test]
fn a_clean_set_is_checked_with_its_counts() {
    let place = Place::new();
    place.people("faces", &["ann", "bob", "cy"], 3);
    place.write("faces/ann/3.jpg", face(9, 0, 77).to_jpeg(90).unwrap());
    let told = place.data(&["check", "faces"]).ended(0);
    for part in [
        "faces: folders, images",
        "readable images  10",
        "3, with 3 to 4 images each, median 3",
        "112x112 (10)",
        "no problem",
    ] {
        assert!(told.stdout.contains(part), "{part}: {}", told.stdout);
    }
    assert_eq!(told.stderr, "", "no progress where there is no terminal");

    let report = place.data(&["check", "faces", "--json"]).ended(0).json();
    assert_eq!(report["problems"], 0);
    assert_eq!(report["kind"], "folders");
    assert_eq!(report["per_identity"]["people"][0]["name"], "ann");
    assert_eq!(report["per_identity"]["people"][0]["images"], 4);
    assert_eq!(report["per_identity"]["histogram"][1]["from"], 4);
    assert_eq!(report["sizes"][0]["images"], 10);
}

#[test]
fn everything_that_is_wrong_with_a_set_is_found_and_named() {
    let place = Place::new();
    place.people("faces", &["ann", "bob", "cy"], 4);
    let stolen = fs::read(place.path("faces/ann/1.jpg")).unwrap();
    // The same bytes, within a person and under another name; saved again under a third name.
    place.write("faces/ann/copy.jpg", &stolen);
    place.write("faces/bob/copy.jpg", &stolen);
    let other = Image::open(&place.path("faces/bob/2.jpg")).unwrap();
    let smaller = other.fitted(WrongSize::Resize, 96, 96).into_owned();
    place.write("faces/cy/again.jpg", smaller.to_jpeg(60).unwrap());
    place.write("faces/cy/cut.jpg", &stolen[..900]);
    place.write("faces/cy/empty.jpg", "");
    place.write("faces/cy/page.jpg", "<html>");

    let report = place.data(&["check", "faces", "--json"]).ended(1).json();
    let broken: Vec<&str> = report["broken"]
        .as_array()
        .unwrap()
        .iter()
        .map(|broken| broken["image"].as_str().unwrap())
        .collect();
    assert_eq!(
        broken,
        [
            "faces/cy/cut.jpg",
            "faces/cy/empty.jpg",
            "faces/cy/page.jpg"
        ]
    );
    assert_eq!(report["duplicates"].as_array().unwrap().len(), 1);
    assert_eq!(
        report["duplicates"][0]["people"],
        serde_json::json!(["ann", "bob"])
    );
    assert_eq!(
        report["duplicates"][0]["images"],
        serde_json::json!([
            "faces/ann/1.jpg",
            "faces/ann/copy.jpg",
            "faces/bob/copy.jpg"
        ])
    );
    assert_eq!(report["similar"].as_array().unwrap().len(), 1);
    assert_eq!(
        report["similar"][0]["images"],
        serde_json::json!(["faces/bob/2.jpg", "faces/cy/again.jpg"])
    );
    assert_eq!(report["problems"], 5);
    assert_eq!(report["sizes"][1]["width"], 96);

    let told = place.data(&["check", "faces"]).ended(1);
    assert!(
        told.stderr.contains("5 problems were found"),
        "{}",
        told.stderr
    );
    assert!(
        told.stdout.contains("bob = cy: bob/2.jpg = cy/again.jpg"),
        "{}",
        told.stdout
    );
    assert!(
        told.stdout
            .contains("cy/cut.jpg: the JPEG data are cut short"),
        "{}",
        told.stdout
    );
}

#[test]
fn copies_saved_again_are_found_among_real_faces_and_nothing_else_is() {
    let Some(folder) = shared("data/faces_glint18") else {
        return;
    };
    let set = TrainingImages::open_records(&folder).unwrap();
    let place = Place::new();
    let mut bytes = Vec::new();
    let mut planted = 0;
    for class in 0..set.classes() {
        for &index in set.images_of_class(class) {
            let start = set.read_bytes(index as usize, &mut bytes).unwrap();
            place.write(&format!("faces/{class:02}/{index}.jpg"), &bytes[start..]);
        }
        // One in each person's folder shows the one before, saved again at another size or quality.
        let previous = (class + set.classes() - 1) % set.classes();
        let image = set.read(set.images_of_class(previous)[7] as usize).unwrap();
        let changed = match class % 3 {
            0 => image.to_jpeg(35),
            1 => image.fitted(WrongSize::Resize, 96, 96).to_jpeg(85),
            _ => image.to_png(),
        };
        place.write(
            &format!("faces/{class:02}/planted.img.jpg"),
            changed.unwrap(),
        );
        planted += 1;
    }
    let report = place.data(&["check", "faces", "--json"]).ended(1).json();
    assert_eq!(report["readable"], 3446 + planted);
    let similar = report["similar"].as_array().unwrap();
    let images: Vec<String> = similar
        .iter()
        .map(|pair| pair["images"].to_string())
        .collect();
    // One of the pictures that were saved again has a near twin in its own folder, which the copy looks like too.
    assert!(
        (planted..=planted + 2).contains(&images.len()),
        "{images:?}"
    );
    assert!(
        images.iter().all(|images| images.contains("planted")),
        "{images:?}"
    );
    assert_eq!(report["problems"], images.len());
}

#[test]
fn pairs_that_cannot_be_what_they_say_are_named() {
    let place = Place::new();
    let [a, b, c] = [1, 2, 3].map(|person| face(9, person, 0).to_jpeg(90).unwrap());
    let a_again = face(9, 1, 0).to_jpeg(60).unwrap();
    let images = [&a, &b, &a, &a_again, &b, &c, &b, &c, &a, &a, &b, &a];
    let images: Vec<Vec<u8>> = images.into_iter().cloned().collect();
    place.write(
        "x.bin",
        write_bin(&images, &[false, false, false, true, true, false]),
    );
    let report = place.data(&["check", "x.bin", "--json"]).ended(1).json();
    let numbers: Vec<_> = report["contradictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| pair["pair"].as_u64().unwrap())
        .collect();
    // Twice the same picture; two people before and one now.
    assert_eq!(numbers, [2, 4]);
    let remarks = report["remarks"].to_string();
    assert!(
        remarks.contains("1 pairs of the same person are twice"),
        "{remarks}"
    );
    assert!(
        remarks.contains("1 pairs are there more than once"),
        "{remarks}"
    );
}

#[test]
fn every_kind_of_source_is_checked() {
    for (name, root, code, readable) in [
        ("data/faces_glint18", None, 0, 3446),
        ("data/formats/faces_glint24/train.idx", None, 0, 942),
        ("data/orl", None, 0, 400),
        ("data/orl/train.txt", None, 0, 400),
        ("data/orl/s01/1.png", None, 0, 1),
        ("data/heldout_glint6.bin", None, 0, 0),
        ("data/formats/glint24_numpy_dialect.bin", None, 0, 0),
        ("data/formats/lfw_style_py2.np", None, 0, 0),
        ("data/lists/ytf-error.txt", None, 0, 0),
        // Some of its videos show another person: the same frames lie under two names.
        (
            "data/ytf_glint/splits.txt",
            Some("data/ytf_glint/112x112"),
            1,
            // Of its 1,666 frames those of the 135 videos that are in pairs.
            1607,
        ),
    ] {
        let Some(path) = shared(name) else { return };
        let place = Place::new();
        let mut arguments = vec!["check", "--json", path.to_str().unwrap()];
        let root = root.and_then(shared);
        if let Some(root) = &root {
            arguments.extend(["--root", root.to_str().unwrap()]);
        }
        let report = place.data(&arguments);
        assert_eq!(
            report.code, code,
            "{name}: {}{}",
            report.stdout, report.stderr
        );
        let report = report.json();
        assert_eq!(report["broken"], serde_json::json!([]), "{name}");
        if readable > 0 {
            assert_eq!(report["readable"], readable, "{name}");
        } else if report["kind"] != "error-list" {
            assert_eq!(report["readable"], report["images"], "{name}");
        }
    }
}

#[test]
fn videos_and_configurations_are_checked_as_a_whole() {
    let place = Place::new();
    for (number, video) in (0..).zip(["A/1", "A/2", "B/1"]) {
        let file = face(9, number, number).to_jpeg(90).unwrap();
        place.write(&format!("frames/{video}/f.1.jpg"), file);
    }
    place.write(
        "frames/A.labeled_faces.txt",
        "A\\1\\f.1.jpg,0,56,56,80,80,0,1\nA\\1\\f.2.jpg,0,5,5,8,8\n",
    );
    place.write("frames/B.labeled_faces.txt", "nonsense\n");
    place.write(
        "splits.txt",
        "1, 1, A/1, A/2, 1\n1, 2, A/1, B/1, 1\n1, 3, A/2, B/9, 0\n",
    );
    place.people("train", &["x", "y"], 2);
    place.write("train/y/0.jpg", "");
    place.write(
        "config.ini",
        "[ytf]\nsplits = splits.txt\nprefix = frames\n[mine]\nfolder = train\n",
    );
    let report = place
        .data(&["check", "config.ini", "--json"])
        .ended(1)
        .json();
    let sets = report["sets"].as_array().unwrap();
    assert_eq!(
        (&sets[0]["section"], &sets[1]["section"]),
        (&"mine".into(), &"ytf".into())
    );
    assert_eq!(
        sets[0]["report"]["broken"][0]["image"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next(),
        Some("0.jpg")
    );
    let ytf = &sets[1]["report"];
    assert_eq!(ytf["missing_videos"], serde_json::json!(["B/9"]));
    assert_eq!(ytf["contradictions"][0]["pair"], 2);
    assert!(
        ytf["broken"][0]["problem"]
            .as_str()
            .unwrap()
            .contains("line 1")
    );
    assert!(ytf["remarks"].to_string().contains("1 of its 2 frames"));
    assert_eq!(report["problems"], 4);
    let told = place.data(&["check", "config.ini"]).ended(1);
    assert!(told.stdout.contains("[ytf]: split-list"), "{}", told.stdout);

    let frames = place.data(&["inspect", "frames", "--json"]).ended(0).json();
    assert_eq!(frames["dialect"], "videos-of-whole-frames");
    let splits = place
        .data(&["inspect", "splits.txt", "--root", "frames"])
        .ended(0);
    assert!(
        splits.stdout.contains("1 of the 4 videos"),
        "{}",
        splits.stdout
    );
}

#[test]
fn labels_that_disagree_with_the_identity_records_are_named() {
    let place = Place::new();
    place.people("faces", &["ann", "bob"], 2);
    place.data(&["pack", "faces", "--out", "packed"]).ended(0);
    // The label of record 3, bob's first, becomes 0.
    let records = RecordFile::open(&place.path("packed/train.rec")).unwrap();
    let index = RecordIndex::read(&place.path("packed/train.idx"), records.length_bytes()).unwrap();
    let mut bytes = fs::read(place.path("packed/train.rec")).unwrap();
    let label = index.offset(3).unwrap() as usize + 8 + 4;
    assert_eq!(bytes[label..label + 4], 1f32.to_le_bytes());
    bytes[label..label + 4].fill(0);
    place.write("packed/train.rec", bytes);
    let report = place.data(&["check", "packed", "--json"]).ended(1).json();
    assert_eq!(report["problems"], 1);
    assert!(
        report["mislabelled"][0]
            .as_str()
            .unwrap()
            .contains("record 3")
    );
}
