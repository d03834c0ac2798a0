//! The detector and the transform against facenet-pytorch and scikit-image (`tests/golden/faces/make.py`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use facetui::{
    data::Image,
    run::{
        AlignOptions, AlignReport, Command, FaceChoice, FaceFormat, Job, JobKind, RunDirectory,
        RunState, Status, Work,
    },
};
use facetui_worker::align::{Detection, Detector, DetectorOptions, Similarity, aligned};
use serde::Deserialize;

use crate::{
    shared::shared,
    support::{Worker, detector_weights, engines, wait_for},
};

fn golden(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/faces")).join(name)
}

#[derive(Deserialize)]
struct Golden {
    scenes: BTreeMap<String, BTreeMap<u32, Vec<Face>>>,
    transforms: Vec<Transform>,
}

#[derive(Deserialize)]
struct Face {
    #[serde(rename = "box")]
    bounds: [f32; 4],
    score: f32,
    landmarks: [[f32; 2]; 5],
}

#[derive(Deserialize)]
struct Transform {
    scene: String,
    landmarks: [[f32; 2]; 5],
    matrix: [[f64; 3]; 2],
    face: String,
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&std::fs::read_to_string(golden(name)).unwrap()).unwrap()
}

fn detector(weights: &Path, device: &burn::tensor::Device, min_face: u32) -> Detector {
    let options = DetectorOptions {
        min_face,
        threshold: 0.7,
    };
    Detector::load(weights, device, options).unwrap()
}

/// The largest difference of any edge or landmark, in pixels; the faces must be as many, in the same order.
fn difference(name: &str, found: &[Detection], expected: &[Face]) -> f32 {
    assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
    let mut largest = 0.0_f32;
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found.score - expected.score).abs() < 1e-3,
            "{name}: score {} instead of {}",
            found.score,
            expected.score
        );
        let bounds = found.bounds;
        let edges = [bounds.left, bounds.top, bounds.right, bounds.bottom];
        let edges = edges.iter().zip(&expected.bounds);
        let points = found.landmarks.as_flattened().iter();
        for (found, expected) in edges.chain(points.zip(expected.landmarks.as_flattened())) {
            largest = largest.max((found - expected).abs());
        }
    }
    largest
}

#[test]
fn faces_are_found_where_facenet_pytorch_finds_them() {
    let Some(weights) = detector_weights() else {
        return;
    };
    let golden_values: Golden = read("expected.json");
    assert_eq!(golden_values.scenes.len(), 4);
    for (engine, device) in engines() {
        for (name, sizes) in &golden_values.scenes {
            let image = Image::open(&golden(name)).unwrap();
            for (min_face, expected) in sizes {
                let found = detector(&weights, &device, *min_face).detect(&image);
                let difference = difference(name, &found, expected);
                println!("{engine} {name} {min_face}: {difference} px");
                assert!(difference < 0.05, "{engine} {name}: {difference} px off");
            }
        }
    }
}

/// Less sure faces of photographs depend on who decoded them.
const SURE: f32 = 0.95;

/// The same on photographs, which are not in the project.
#[test]
fn faces_of_photographs_are_found_where_facenet_pytorch_finds_them() {
    let (Some(weights), Some(folder)) = (detector_weights(), shared("data/video")) else {
        return;
    };
    let mut pictures: BTreeMap<String, Vec<Face>> = read("pictures.json");
    for faces in pictures.values_mut() {
        faces.retain(|face| face.score > SURE);
    }
    for (engine, device) in engines() {
        let detector = detector(&weights, &device, 20);
        for (name, expected) in &pictures {
            let image = Image::open(&folder.join(name)).unwrap();
            let mut found = detector.detect(&image);
            // JPEG decoders differ by a level of grey here and there, which moves the score of what is hardly a face.
            found.retain(|face| face.score > SURE);
            let difference = difference(name, &found, expected);
            println!("{engine} {name}: {difference} px");
            assert!(difference < 0.5, "{engine} {name}: {difference} px off");
        }
    }
}

#[test]
fn transforms_and_faces_are_those_of_scikit_image() {
    let golden_values: Golden = read("expected.json");
    assert!(!golden_values.transforms.is_empty());
    for case in &golden_values.transforms {
        let image = Image::open(&golden(&case.scene)).unwrap();
        let [[a, minus_b, c], [b, also_a, d]] = case.matrix;
        assert!((a - also_a).abs() < 1e-9 && (b + minus_b).abs() < 1e-9);
        let expected = Similarity { a, b, c, d }.face(&image);
        let found = aligned(&image, &case.landmarks, 0.0).unwrap();
        let face = Image::open(&golden(&case.face)).unwrap();
        for other in [&expected, &face] {
            let largest = found
                .rgb
                .iter()
                .zip(&other.rgb)
                .map(|(a, b)| a.abs_diff(*b));
            let largest = largest.max().unwrap();
            assert!(largest <= 1, "{}: {largest} levels off", case.face);
        }
    }
}

#[test]
fn weights_that_are_not_the_detectors_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let load = || {
        let device = burn::tensor::Device::flex();
        let options = DetectorOptions {
            min_face: 20,
            threshold: 0.7,
        };
        Detector::load(folder.path(), &device, options)
            .err()
            .unwrap()
    };
    let message = load().to_string();
    assert!(
        message.contains("pnet.pt") && message.contains("./x setup detector"),
        "{message}"
    );
    let other = golden("../pytorch/plain.pt");
    std::fs::copy(other, folder.path().join("pnet.pt")).unwrap();
    let message = load().to_string();
    assert!(
        message.contains("pnet.pt: the tensor conv1.weight"),
        "{message}"
    );
}

/// An alignment in `folder`, whose worker is not started; its faces go to `folder/NAME`.
fn alignment(
    folder: &Path,
    name: &str,
    source: &Path,
    change: impl FnOnce(&mut AlignOptions),
) -> RunDirectory {
    let run = RunDirectory::create(&folder.join("runs"), name).unwrap();
    let mut options = AlignOptions {
        out: folder.join(name),
        images: None,
        detector: detector_weights(),
        landmarks: None,
        faces: FaceChoice::All,
        min_face: 20,
        threshold: 0.7,
        margin: 0.0,
        format: FaceFormat::Png,
        tracks: false,
        min_track: 3,
    };
    change(&mut options);
    let work = Work::Align {
        source: source.to_owned(),
        options,
    };
    let device = "flex".parse().unwrap();
    run.save_job(&Job { device, work }).unwrap();
    run.write_status(&Status::starting(name, JobKind::Align, 0, "flex"))
        .unwrap();
    run
}

fn finished(run: &RunDirectory) -> AlignReport {
    let code = Worker::start(run).wait();
    assert_eq!(code, Some(0), "{:?}", run.log_tail(5));
    assert_eq!(run.status().unwrap().state, RunState::Finished);
    run.align_report().unwrap()
}

/// Every file below a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap();
                let bytes = std::fs::read(&path).unwrap();
                found.insert(name.to_str().unwrap().to_owned(), bytes);
            }
        }
    }
    found
}

/// A folder of two shots of 12 frames, `film/N.png`: two faces that move to the right, then one that moves down.
fn film(folder: &Path) {
    let film = folder.join("film");
    std::fs::create_dir_all(&film).unwrap();
    let moved = |name: &str, right: usize, down: usize| {
        let scene = Image::open(&golden(name)).unwrap();
        let (width, height) = (scene.width as usize, scene.height as usize);
        let rgb = (0..width * height).flat_map(|pixel| {
            let (x, y) = (pixel % width, pixel / width);
            let from = (y.saturating_sub(down) * width + x.saturating_sub(right)) * 3;
            [scene.rgb[from], scene.rgb[from + 1], scene.rgb[from + 2]]
        });
        Image {
            width: scene.width,
            height: scene.height,
            rgb: rgb.collect(),
        }
    };
    for frame in 0..24 {
        let image = if frame < 12 {
            moved("small.png", frame, 0)
        } else {
            moved("two.png", 0, frame - 12)
        };
        std::fs::write(film.join(format!("{frame}.png")), image.to_png().unwrap()).unwrap();
    }
}

#[test]
fn tracks_follow_faces_and_end_where_the_shot_does() {
    if detector_weights().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("source"));
    let source = folder.path().join("source");
    let run = alignment(folder.path(), "tracks", &source, |options| {
        options.tracks = true;
    });
    let report = finished(&run);
    assert_eq!((report.images, report.videos), (24, 1));
    let found = files(&folder.path().join("tracks"));
    let csv = String::from_utf8(found["film/tracks.csv"].clone()).unwrap();
    let rows: Vec<Vec<&str>> = csv
        .lines()
        .skip(1)
        .map(|row| row.split(',').collect())
        .collect();
    let shot = |first: &str, last: &str| {
        let of = rows.iter().filter(|row| row[1] == first && row[2] == last);
        of.count()
    };
    // Both faces of the first shot and the large one of the second, over the whole of it.
    assert_eq!((shot("0", "11"), shot("12", "23")), (2, 1), "{csv}");
    for row in &rows {
        let (first, last): (u32, u32) = (row[1].parse().unwrap(), row[2].parse().unwrap());
        assert!(last < 12 || first >= 12, "over the cut: {row:?}");
        let folder = format!("film/{}/", row[0]);
        let faces = found.keys().filter(|file| file.starts_with(&folder));
        assert_eq!(faces.count().to_string(), row[3], "{row:?}");
    }
    let faces: u64 = rows.iter().map(|row| row[3].parse::<u64>().unwrap()).sum();
    assert_eq!((report.faces, report.tracks), (faces, rows.len() as u64));
    assert_eq!(found.len() as u64, faces + 1);
}

/// Killed in the midst, parked in the midst, resumed twice: the same files with the same bytes as in one go.
#[test]
fn an_alignment_that_is_interrupted_and_resumed_gives_the_same_faces() {
    if detector_weights().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    film(&pictures);
    for name in ["two.png", "edge.png", "none.png"] {
        std::fs::copy(golden(name), pictures.join(name)).unwrap();
    }
    std::fs::write(pictures.join("film/broken.png"), "x").unwrap();
    for tracks in [false, true] {
        let name = |what: &str| format!("{what}-{tracks}");
        let start = |name: &str| {
            alignment(folder.path(), name, &pictures, |options| {
                options.tracks = tracks;
            })
        };
        let whole = start(&name("whole"));
        let expected = finished(&whole);
        assert_eq!((expected.images, expected.broken), (28, 1));
        assert!(expected.no_face >= 1 && expected.faces > 30);

        let broken = start(&name("broken"));
        let worker = Worker::start(&broken);
        wait_for(&broken, "first pictures", |status| status.step >= 4);
        worker.kill();
        let worker = Worker::start(&broken);
        wait_for(&broken, "second start", |status| {
            status.state == RunState::Running && status.step >= 8
        });
        broken.send(&Command::Park).unwrap();
        assert_eq!(worker.wait(), Some(0));
        let parked = broken.status().unwrap();
        assert!(
            parked.state == RunState::Parked && parked.step < 28,
            "{parked:?}"
        );
        let already = files(&folder.path().join(name("broken")));
        let report = finished(&broken);

        let seconds = expected.seconds;
        let compared = AlignReport {
            out: folder.path().join(name("broken")),
            seconds,
            ..expected
        };
        assert_eq!(AlignReport { seconds, ..report }, compared);
        let (whole, broken) = (
            files(&folder.path().join(name("whole"))),
            files(&folder.path().join(name("broken"))),
        );
        assert!(already.len() < broken.len());
        assert!(whole.keys().eq(broken.keys()) && whole == broken);
    }
}

#[test]
fn what_the_set_says_of_its_faces_is_used() {
    let Some(weights) = detector_weights() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("frame_images_DB");
    std::fs::create_dir_all(source.join("A_B/0")).unwrap();
    for (frame, scene) in ["two.png", "none.png", "two.png"].iter().enumerate() {
        std::fs::copy(golden(scene), source.join(format!("A_B/0/0.{frame}.png"))).unwrap();
    }
    // The small face, although the other is larger and surer; then a box with no face in it.
    let boxes = "A_B\\0\\0.0.png,0,153,77,50,50,0,1\nA_B\\0\\0.1.png,0,50,40,20,30,0,1\n";
    std::fs::write(source.join("A_B.labeled_faces.txt"), boxes).unwrap();
    let run = alignment(folder.path(), "boxes", &source, |options| {
        options.detector = Some(weights);
        options.faces = FaceChoice::Largest;
        options.min_face = 40;
    });
    let report = finished(&run);
    assert_eq!((report.faces, report.from_box, report.no_face), (3, 1, 0));
    let lines = std::fs::read_to_string(run.path().join("results/aligned.jsonl")).unwrap();
    let left = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (
            line["found"][0]["origin"].as_str().unwrap().to_owned(),
            line["found"][0]["bounds"]["left"].as_f64().unwrap(),
        )
    };
    let found: Vec<_> = lines.lines().map(left).collect();
    assert!(found[0].0 == "detector" && found[0].1 > 110.0, "{found:?}");
    assert_eq!(found[1].0, "box");
    assert!(found[2].0 == "detector" && found[2].1 < 40.0, "{found:?}");
    assert!(folder.path().join("boxes/A_B/0/0.1.png").is_file());

    // Landmarks alone need no detector: the same face as the golden one.
    let golden_values: Golden = read("expected.json");
    let case = &golden_values.transforms[0];
    let numbers: Vec<String> = case
        .landmarks
        .as_flattened()
        .iter()
        .map(f32::to_string)
        .collect();
    let table = folder.path().join("landmarks.csv");
    std::fs::write(&table, format!("{},{}\n", case.scene, numbers.join(","))).unwrap();
    let scenes = folder.path().join("scenes");
    std::fs::create_dir_all(&scenes).unwrap();
    for scene in [&case.scene, "none.png"] {
        std::fs::copy(golden(scene), scenes.join(scene)).unwrap();
    }
    let run = alignment(folder.path(), "landmarks", &scenes, |options| {
        options.detector = None;
        options.landmarks = Some(table);
        options.faces = FaceChoice::Largest;
    });
    let report = finished(&run);
    assert_eq!(
        (report.faces, report.from_landmarks, report.no_face),
        (1, 1, 1)
    );
    let stem = case.scene.trim_end_matches(".png");
    let face = Image::open(&folder.path().join(format!("landmarks/{stem}.png"))).unwrap();
    let expected = Image::open(&golden(&case.face)).unwrap();
    assert!(
        face.rgb
            .iter()
            .zip(&expected.rgb)
            .all(|(a, b)| a.abs_diff(*b) <= 1)
    );
}

/// A real clip: the cuts before frames 20, 82 and 211, and the people that another implementation followed.
#[test]
fn tracks_of_a_real_clip_are_those_that_others_found() {
    let (Some(weights), Some(clips)) = (detector_weights(), shared("data/video")) else {
        return;
    };
    if std::process::Command::new("ffmpeg")
        .arg("-version")
        .output()
        .is_err()
    {
        eprintln!("skipped: the program ffmpeg is not there");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clip = clips.join("short_hamilton_clip.mp4");
    let run = alignment(folder.path(), "clip", &clip, |options| {
        options.detector = Some(weights);
        options.min_face = 40;
        options.min_track = 5;
    });
    if engines().iter().any(|(name, _)| *name == "cpu") {
        let job = run.job().unwrap();
        let device = "cpu".parse().unwrap();
        run.save_job(&Job { device, ..job }).unwrap();
    }
    let report = finished(&run);
    assert_eq!(report.images, 275);
    let csv = folder.path().join("clip/short_hamilton_clip/tracks.csv");
    let csv = std::fs::read_to_string(csv).unwrap();
    let tracks: Vec<(u32, u32)> = csv
        .lines()
        .skip(1)
        .map(|row| {
            let mut fields = row.split(',').skip(1).map(|field| field.parse().unwrap());
            (fields.next().unwrap(), fields.next().unwrap())
        })
        .collect();
    for cut in [20, 82, 211] {
        let over = tracks
            .iter()
            .find(|(first, last)| *first < cut && *last >= cut);
        assert_eq!(over, None, "over the cut before frame {cut}");
    }
    for other in std::fs::read_dir(clips.join("tracks_short_hamilton_clip")).unwrap() {
        let other = other.unwrap().path();
        let frames: Vec<u32> = std::fs::read_dir(&other)
            .unwrap()
            .map(|frame| frame.unwrap().path())
            .map(|frame| {
                frame
                    .file_stem()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .parse()
                    .unwrap()
            })
            .collect();
        let shot = (*frames.iter().min().unwrap(), *frames.iter().max().unwrap());
        assert!(
            tracks.contains(&shot),
            "{} {shot:?}: {csv}",
            other.display()
        );
    }
    assert_eq!(
        tracks.iter().filter(|track| **track == (211, 274)).count(),
        4
    );
}
