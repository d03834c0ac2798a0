//! `facetui data inspect|check|list|pack`, as people and scripts give them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use facetui::config::WrongSize;
use facetui::data::recordio::{RecordFile, RecordIndex};
use facetui::data::synthetic::face;
use facetui::data::{Image, RecordSet, TrainingImages, write_bin};
use tempfile::TempDir;

use crate::shared::shared;
use crate::support::Outcome;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A folder for each of some people, with drawn faces.
    fn people(&self, folder: &str, people: &[&str], each: u64) {
        for (number, person) in (0..).zip(people) {
            for image in 0..each {
                let file = face(9, number, image).to_jpeg(90).unwrap();
                self.write(&format!("{folder}/{person}/{image}.jpg"), file);
            }
        }
    }

    fn data(&self, arguments: &[&str]) -> Outcome {
        let output = Command::new(env!("CARGO_BIN_EXE_facetui"))
            .arg("data")
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Outcome::of(output)
    }
}

fn tiny(shade: u8) -> Vec<u8> {
    let image = Image {
        width: 4,
        height: 4,
        rgb: (0..48u8).map(|place| place.wrapping_mul(shade)).collect(),
    };
    image.to_png().unwrap()
}

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

#[test]
fn a_list_takes_evenly_from_videos_and_frames() {
    let place = Place::new();
    for (person, video, frames) in [("ann", 0, 10), ("ann", 1, 2), ("ann", 2, 10), ("bob", 5, 3)] {
        for frame in 0..frames {
            place.write(&format!("db/{person}/{video}/a.{frame}.jpg"), tiny(frame));
        }
    }
    let told = place
        .data(&["list", "db", "--out", "train.txt", "--max-per-class", "8"])
        .ended(0);
    assert!(
        told.stdout
            .contains("11 images of 2 people in 4 videos; 14 left out"),
        "{}",
        told.stdout
    );
    let text = fs::read_to_string(place.path("train.txt")).unwrap();
    assert_eq!(
        text,
        "ann/0/a.1.jpg,0\nann/0/a.5.jpg,0\nann/0/a.8.jpg,0\nann/1/a.0.jpg,0\nann/1/a.1.jpg,0\n\
         ann/2/a.1.jpg,0\nann/2/a.5.jpg,0\nann/2/a.8.jpg,0\nbob/5/a.0.jpg,1\nbob/5/a.1.jpg,1\nbob/5/a.2.jpg,1\n"
    );
    let set = TrainingImages::open_list(&place.path("train.txt"), &place.path("db")).unwrap();
    assert_eq!((set.len(), set.name_of_class(1)), (11, Some("bob")));

    let again = place.data(&["list", "db", "--out", "train.txt"]).ended(2);
    assert!(again.stderr.contains("--force"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(place.path("train.txt")).unwrap(), text);
    let all = place
        .data(&["list", "db", "--out", "train.txt", "--force", "--json"])
        .ended(0)
        .json();
    assert_eq!(
        all,
        serde_json::json!({"images": 25, "identities": 2, "videos": 4, "left_out": 0})
    );
}

#[test]
fn a_name_that_no_line_can_hold_is_refused() {
    let place = Place::new();
    place.write("db/ann/a\nb.jpg", tiny(1));
    let told = place.data(&["list", "db", "--out", "x.txt"]).ended(2);
    assert!(
        told.stderr.contains("rename it") && told.stderr.contains("a\\x0ab.jpg"),
        "{}",
        told.stderr
    );
    assert!(!place.path("x.txt").exists());
}

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

#[test]
fn wrong_input_is_named_and_ends_with_2() {
    let place = Place::new();
    place.write("prose.txt", "Dear diary,\nall is well.\n");
    place.write("pairs.txt", "A\t1\t2\nA\t1\tB\t1\n");
    place.write("splits.txt", "1, 1, A/1, A/2, 1\n");
    place.write("broken.txt", "a/1.png,0\nb/2.png,zero\n");
    fs::create_dir(place.path("empty")).unwrap();
    for (arguments, part) in [
        (&["check", "missing"][..], "cannot read missing"),
        (&["check", "empty"], "empty: is nothing that is known"),
        (&["check", "prose.txt"], "is nothing that is known"),
        (&["check", "pairs.txt"], "--root"),
        (&["check", "splits.txt"], "--root"),
        (
            &["check", "pairs.txt", "--root", "empty"],
            "3 of the 3 images",
        ),
        (&["check", "broken.txt"], "broken.txt, line 2"),
        (
            &["list", "missing", "--out", "x.txt"],
            "cannot read missing",
        ),
        (&["list", "empty", "--out", "x.txt"], "no folders of images"),
        (&["list", "empty", "--out", "empty"], "is there already"),
        (&["list", "empty"], "--out"),
        (
            &["list", "empty", "--out", "x", "--max-per-class", "0"],
            "0",
        ),
        (&["pack", "missing", "--out", "x"], "cannot read missing"),
        (
            &["pack", "empty", "--out", "x"],
            "empty: is nothing that is known",
        ),
        (&["pack", "pairs.txt", "--out", "x"], "no training set"),
        (&["pack", "empty", "--out", "prose.txt"], "prose.txt"),
        (&["inspect", "missing"], "cannot read missing"),
    ] {
        let told = place.data(arguments).ended(2);
        assert!(told.stderr.contains(part), "{arguments:?}: {}", told.stderr);
        assert_eq!(told.stdout, "", "{arguments:?}");
    }
    assert!(!place.path("x").exists() && !place.path("x.txt").exists());
}

#[test]
fn help_ends_with_examples() {
    let place = Place::new();
    for command in ["inspect", "check", "list", "pack", "synth"] {
        let told = place.data(&[command, "--help"]).ended(0);
        assert!(
            told.stdout.contains(&format!("facetui data {command} ")),
            "{}",
            told.stdout
        );
    }
}
