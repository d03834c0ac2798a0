//! `facetui data align` with the real worker, on scenes of drawn faces.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Outcome, Workshop, real_worker};

/// A scene that other programs looked at (`worker/tests/golden/faces/make.py`).
fn scene(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("worker/tests/golden/faces")
        .join(name)
}

/// Whether the detector's weights are there; says so where they are not. `./x test` sets `FACETUI_MTCNN`.
fn detector() -> bool {
    let set = std::env::var_os("FACETUI_MTCNN").map(PathBuf::from);
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/mtcnn");
    let there = set.as_ref().unwrap_or(&here).join("onet.pt").is_file();
    assert!(there || set.is_none(), "FACETUI_MTCNN holds no detector");
    if !there {
        eprintln!("skipped: no detector; `./x setup detector` fetches its weights");
    }
    there
}

/// A folder with the scenes as `photos/PERSON/NAME`.
fn workshop() -> Option<Workshop> {
    let workshop = Workshop::new(real_worker()?);
    for (person, name) in [("ada", "two.png"), ("ada", "none.png"), ("bo", "small.png")] {
        let folder = workshop.path().join("photos").join(person);
        fs::create_dir_all(&folder).unwrap();
        fs::copy(scene(name), folder.join(name)).unwrap();
    }
    Some(workshop)
}

/// Runs `facetui` in the workshop with some variables set.
fn with_variables(workshop: &Workshop, variables: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_facetui"));
    command
        .args(arguments)
        .current_dir(workshop.path())
        .env("FACETUI_WORKER", workshop.worker())
        .envs(variables.iter().copied());
    let output = command.output().unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_folder_of_people_becomes_a_folder_of_aligned_faces() {
    let Some(workshop) = workshop().filter(|_| detector()) else {
        return;
    };
    fs::write(workshop.path().join("photos/bo/torn.jpg"), "x").unwrap();
    let arguments = [
        "data", "align", "photos", "--out", "faces", "--device", "flex",
    ];
    let outcome = workshop.run(&arguments).done();
    for part in [
        "align: finished on flex",
        "2 faces of 4 pictures",
        "1 without a face: runs/align/results/no_face.txt",
        "1 can't be read: runs/align/results/broken.txt",
    ] {
        assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
    }
    let read =
        |file: &str| fs::read_to_string(workshop.path().join("runs/align/results").join(file));
    assert_eq!(read("no_face.txt").unwrap(), "ada/none.png\n");
    assert!(
        read("broken.txt")
            .unwrap()
            .contains("photos/bo/torn.jpg: not a JPEG")
    );
    // What was written is a set that everything else here reads.
    let inspected = workshop
        .run(&["data", "inspect", "faces", "--json"])
        .done()
        .json();
    assert_eq!(
        (&inspected["images"], &inspected["identities"]),
        (&2.into(), &2.into())
    );

    let resumed = workshop.run(&["resume", "align", "--headless"]).done();
    assert!(resumed.stdout.contains("finished"), "{}", resumed.stdout);
    let runs = workshop.run(&["runs", "--json"]).done().json();
    assert!(runs.to_string().contains("\"align\""), "{runs}");

    let all = [
        "data",
        "align",
        "photos",
        "--out",
        "all",
        "--faces",
        "all",
        "--min-face",
        "40",
        "--format",
        "png",
        "--margin",
        "0.1",
        "--name",
        "every",
        "--device",
        "flex",
        "--json",
    ];
    let report = workshop.run(&all).done().json();
    assert_eq!(
        (
            &report["state"],
            &report["faces"],
            &report["no_face"],
            &report["broken"]
        ),
        (&"finished".into(), &4.into(), &1.into(), &1.into())
    );
    assert!(workshop.path().join("all/ada/two_1.png").is_file());
    assert!(workshop.path().join("runs/every/status.json").is_file());
}

/// Variables, arguments, and what is said of them.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

#[test]
fn what_cannot_be_aligned_is_told_in_one_line_and_leaves_no_run() {
    let Some(workshop) = workshop() else {
        return;
    };
    fs::write(workshop.path().join("clip.mp4"), "x").unwrap();
    fs::create_dir(workshop.path().join("full")).unwrap();
    fs::write(workshop.path().join("full/x"), "x").unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("worker/tests/golden/faces");
    let weights = folder.to_str().unwrap();
    let cases: [Case; 7] = [
        (
            &[],
            &["nothing", "--out", "o"],
            "SOURCE nothing: isn't there",
        ),
        (&[], &["photos", "--out", "photos/faces"], "lies in SOURCE"),
        (
            &[],
            &["photos", "--out", "o", "--landmarks", "l.csv"],
            "l.csv: isn't there",
        ),
        (
            &[],
            &["photos", "--out", "o", "--threshold", "2"],
            "from 0 to 1",
        ),
        (
            &[("PATH", "")],
            &["clip.mp4", "--out", "o"],
            "apt-get install ffmpeg",
        ),
        // A folder without the three files is no detector.
        (
            &[("FACETUI_MTCNN", weights)],
            &["photos", "--out", "o"],
            "./x setup detector",
        ),
        (
            &[("FACETUI_MTCNN", "missing")],
            &["photos", "--out", "o"],
            "./x setup detector",
        ),
    ];
    for (variables, arguments, part) in cases {
        let arguments = [&["data", "align"], arguments].concat();
        let outcome = with_variables(&workshop, variables, &arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
        assert!(
            outcome.stderr.contains(part),
            "{arguments:?}: {}",
            outcome.stderr
        );
        assert!(!workshop.path().join("runs").exists(), "{arguments:?}");
    }
    if detector() {
        let full = workshop.run(&["data", "align", "photos", "--out", "full"]);
        assert!(
            full.code == 2 && full.stderr.contains("isn't empty"),
            "{}",
            full.stderr
        );
    }
}

#[test]
fn a_source_of_which_nothing_can_be_read_is_wrong_input() {
    let Some(workshop) = workshop().filter(|_| detector()) else {
        return;
    };
    fs::create_dir(workshop.path().join("torn")).unwrap();
    fs::write(workshop.path().join("torn/a.jpg"), "x").unwrap();
    let outcome = workshop.run(&["data", "align", "torn", "--out", "o", "--device", "flex"]);
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .contains("none of the 1 pictures and videos can be read")
    );
    fs::remove_file(workshop.path().join("torn/a.jpg")).unwrap();
    let outcome = workshop.run(&["data", "align", "torn", "--out", "o", "--device", "flex"]);
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("holds neither pictures"),
        "{}",
        outcome.stderr
    );
}

/// A file whose name looks like an option, and one that isn't what its name says.
#[test]
fn videos_are_decoded_by_ffmpeg_whatever_they_are_called() {
    let Some(workshop) = workshop().filter(|_| detector()) else {
        return;
    };
    let folder = workshop.path();
    let still = scene("small.png");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-loop", "1", "-i"])
        .arg(&still)
        .args(["-frames:v", "8", "-c:v", "mpeg4", "-q:v", "2"])
        .arg(format!("file:{}", folder.join("-y.mp4").display()))
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: the program ffmpeg is not there, or writes no MPEG-4");
        return;
    }
    let arguments = [
        "data", "align", "--out", "tracks", "--device", "flex", "--json", "--", "-y.mp4",
    ];
    let report = workshop.run(&arguments).done().json();
    assert_eq!(
        (&report["images"], &report["faces"], &report["tracks"]),
        (&8.into(), &16.into(), &2.into())
    );
    let csv = fs::read_to_string(folder.join("tracks/-y/tracks.csv")).unwrap();
    assert!(csv.contains("track-000,0,7,8,"), "{csv}");
    assert!(folder.join("tracks/-y/track-001/000007.jpg").is_file());

    // A list of other files, which ffmpeg would follow if it were let.
    let list = format!("#EXTM3U\n#EXTINF:1,\n{}\n", folder.join("-y.mp4").display());
    fs::write(folder.join("list.mp4"), list).unwrap();
    let outcome = workshop.run(&[
        "data", "align", "list.mp4", "--out", "o", "--device", "flex",
    ]);
    assert_eq!(outcome.code, 2, "{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stderr.contains("ffmpeg says"), "{}", outcome.stderr);
}
