//! `facetui data inspect|check|list|pack`, as people and scripts give them.

mod check;
mod pack;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use facetui::data::synthetic::face;
use facetui::data::{Image, TrainingImages};
use tempfile::TempDir;

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
