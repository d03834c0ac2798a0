//! `facetui data pack`: record files out of whatever holds images.

use std::fs;
use std::path::Path;

use facetui::data::recordio::{RecordFile, RecordIndex};
use facetui::data::synthetic::face;
use facetui::data::{Image, RecordSet, TrainingImages};

use super::{Place, tiny};
use crate::shared::shared;

/// Every image of two sets, by name of person and in order, with its bytes.
fn content(set: &TrainingImages) -> Vec<(Option<String>, Vec<u8>)> {
    let mut bytes = Vec::new();
    (0..set.classes())
        .flat_map(|class| set.images_of_class(class))
        .map(|index| {
            let start = set.read_bytes(*index as usize, &mut bytes).unwrap();
            let class = set.class_of(*index as usize);
            (
                set.name_of_class(class).map(str::to_owned),
                bytes[start..].to_vec(),
            )
        })
        .collect()
}

#[test]
fn folders_and_lists_are_packed_with_their_files_unchanged() {
    let place = Place::new();
    place.people("faces", &["ann", "bob", "cy"], 2);
    place.write("faces/bob/more.png", tiny(3));
    let packed = place
        .data(&["pack", "faces", "--out", "packed", "--json"])
        .ended(0)
        .json();
    assert_eq!(
        (&packed["images"], &packed["identities"]),
        (&7.into(), &3.into())
    );
    assert_eq!(packed["left_out"], serde_json::json!([]));
    let set = TrainingImages::open_records(&place.path("packed")).unwrap();
    let source = TrainingImages::open_folders(&place.path("faces")).unwrap();
    assert_eq!(content(&set), content(&source));
    assert_eq!(
        fs::read_to_string(place.path("packed/property")).unwrap(),
        "3,112,112\n"
    );
    assert_eq!(
        fs::read_to_string(place.path("packed/names.txt")).unwrap(),
        "ann\nbob\ncy\n"
    );
    assert_eq!(
        RecordSet::open(&place.path("packed"))
            .unwrap()
            .class_count(),
        3
    );

    place.data(&["list", "faces", "--out", "list.txt"]).ended(0);
    place
        .data(&["pack", "list.txt", "--root", "faces", "--out", "again"])
        .ended(0);
    for file in ["train.rec", "train.idx", "property", "names.txt"] {
        assert_eq!(
            fs::read(place.path("packed").join(file)).unwrap(),
            fs::read(place.path("again").join(file)).unwrap(),
            "{file}"
        );
    }
}

#[test]
fn records_packed_again_have_the_payloads_that_mxnet_wrote() {
    for (name, images) in [
        ("data/faces_glint18", 3446),
        ("data/formats/faces_glint24", 942),
    ] {
        let Some(folder) = shared(name) else { return };
        let place = Place::new();
        place
            .data(&["pack", folder.to_str().unwrap(), "--out", "packed"])
            .ended(0);
        let open = |folder: &Path| {
            let records = RecordFile::open(&folder.join("train.rec")).unwrap();
            let length = records.length_bytes();
            (
                records,
                RecordIndex::read(&folder.join("train.idx"), length).unwrap(),
            )
        };
        let (theirs, their_index) = open(&folder);
        let (ours, our_index) = open(&place.path("packed"));
        assert_eq!(our_index.len(), their_index.len());
        let (mut their_payload, mut our_payload) = (Vec::new(), Vec::new());
        for (&(key, at), &(our_key, our_at)) in
            their_index.entries().iter().zip(our_index.entries())
        {
            theirs.read(at, &mut their_payload).unwrap();
            ours.read(our_at, &mut our_payload).unwrap();
            // The second identifier, which nobody reads, is 1 in MXNet's record 0 and 0 in its others.
            our_payload[16..24].fill(0);
            their_payload[16..24].fill(0);
            assert_eq!(
                (our_key, &our_payload),
                (key, &their_payload),
                "record {key}"
            );
        }
        assert!(our_index.len() > images);
        for file in ["property", "names.txt"] {
            assert_eq!(
                fs::read_to_string(folder.join(file)).unwrap().trim(),
                fs::read_to_string(place.path("packed").join(file))
                    .unwrap()
                    .trim()
            );
        }
    }
}

#[test]
fn what_mxnet_may_not_know_becomes_png() {
    let place = Place::new();
    let image = face(9, 1, 1);
    let picture = image::RgbImage::from_raw(112, 112, image.rgb.clone()).unwrap();
    for name in ["a.bmp", "b.webp"] {
        fs::create_dir_all(place.path("faces/ann")).unwrap();
        picture.save(place.path("faces/ann").join(name)).unwrap();
    }
    let packed = place
        .data(&["pack", "faces", "--out", "packed", "--json"])
        .ended(0)
        .json();
    assert_eq!(packed["converted"], 2);
    for (_, bytes) in content(&TrainingImages::open_records(&place.path("packed")).unwrap()) {
        assert_eq!(bytes[1..4], *b"PNG");
        assert_eq!(Image::decode(&bytes, "x").unwrap(), image);
    }
}

#[test]
fn a_broken_image_stops_the_packing_or_is_left_out_by_name() {
    let place = Place::new();
    place.people("faces", &["ann", "bob"], 2);
    place.write("faces/bob/1.jpg", "no image");
    let told = place.data(&["pack", "faces", "--out", "packed"]).ended(2);
    assert!(told.stderr.contains("faces/bob/1.jpg"), "{}", told.stderr);
    let names = || -> Vec<String> {
        let entries = fs::read_dir(place.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["faces"], "nothing is left behind");
    let told = place
        .data(&["pack", "faces", "--out", "packed", "--skip-broken"])
        .ended(0);
    assert!(
        told.stderr.contains("left out: faces/bob/1.jpg"),
        "{}",
        told.stderr
    );
    assert_eq!(
        TrainingImages::open_records(&place.path("packed"))
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn a_folder_with_anything_else_is_never_replaced() {
    let place = Place::new();
    place.people("faces", &["ann", "bob"], 2);
    place.data(&["pack", "faces", "--out", "packed"]).ended(0);
    let told = place.data(&["pack", "faces", "--out", "packed"]).ended(2);
    assert!(told.stderr.contains("--force"), "{}", told.stderr);
    place.people("faces", &["ann", "bob"], 3);
    place
        .data(&["pack", "faces", "--out", "packed", "--force"])
        .ended(0);
    assert_eq!(
        TrainingImages::open_records(&place.path("packed"))
            .unwrap()
            .len(),
        6
    );

    let told = place
        .data(&["pack", "packed", "--out", "packed", "--force"])
        .ended(2);
    assert!(told.stderr.contains("source itself"), "{}", told.stderr);
    let told = place
        .data(&["pack", "packed", "--out", "faces", "--force"])
        .ended(2);
    assert!(
        told.stderr.contains("no part of a packed set"),
        "{}",
        told.stderr
    );
    assert!(place.path("faces/ann/0.jpg").exists());
}

#[test]
fn an_index_that_was_rebuilt_is_kept_or_the_reason_is_said() {
    let place = Place::new();
    place.people("faces", &["ann", "bob"], 2);
    place.data(&["pack", "faces", "--out", "packed"]).ended(0);
    let index = fs::read(place.path("packed/train.idx")).unwrap();
    fs::remove_file(place.path("packed/train.idx")).unwrap();
    let inspected = |path: &str| place.data(&["inspect", path, "--json"]).ended(0).json();
    let found = inspected("packed");
    assert!(
        found["notes"][0]
            .as_str()
            .unwrap()
            .contains("kept beside it"),
        "{found}"
    );
    assert_eq!(fs::read(place.path("packed/train.idx")).unwrap(), index);
    assert_eq!(inspected("packed").get("notes"), None);

    // A name so long that none can be written beside it; folder permissions would not stop root.
    let long = format!("{}.rec", "x".repeat(245));
    fs::copy(place.path("packed/train.rec"), place.path(&long)).unwrap();
    let found = inspected(&long);
    assert!(
        found["notes"][0]
            .as_str()
            .unwrap()
            .contains("this time only"),
        "{found}"
    );
    assert_eq!(found["images"], 4);
    assert!(!place.path(&long.replace(".rec", ".idx")).exists());
}
