//! What is made of evaluations: failing pairs, suspects, error lists, comparisons and the report, by the real program
//! on run directories as a worker leaves them. The embeddings are drawn: every person is a direction, with noise.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use facetui::data::VideoSet;
use facetui::data::synthetic::{SyntheticOptions, generate};
use facetui::eval::corrected::{Corrected, ErrorList, refigure};
use facetui::eval::scores::{NamedScore, NamedScores};
use facetui::eval::template::{Distance, Pooling, Track, distance};
use facetui::eval::{Folds, Provenance, Rule, ScoredPair, verify_in};
use facetui::run::{
    EmbeddedItem, EmbeddingOrigin, Embeddings, EvaluationSource, JobKind, RunDirectory, RunState,
    Status,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::shared::shared;
use crate::support::Outcome;

const LENGTH: usize = 128;
const KEY: &str = "0123";

/// A folder of runs, and where the drawn sets are that they were measured on.
struct Place {
    folder: TempDir,
    data: PathBuf,
}

impl Place {
    /// With drawn sets of 60 pairs of images and 180 of videos, six videos mislabelled; nobody may change them.
    fn new() -> Self {
        // Drawing takes seconds: it is done once, and again only for other options.
        static DRAWN: Mutex<()> = Mutex::new(());
        let _turn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join("drawn-for-evaluation");
        let options = SyntheticOptions {
            identities: 2,
            images_per_identity: 1,
            lfw_pairs: 60,
            ytf_pairs: 180,
            frames_per_video: 7,
            mislabelled_videos: 6,
            ..SyntheticOptions::default()
        };
        if generate(&options, &data).is_err() {
            // Drawn for this test as it once was.
            fs::remove_dir_all(&data).unwrap();
            generate(&options, &data).unwrap();
        }
        Self {
            folder: tempfile::tempdir().unwrap(),
            data,
        }
    }

    /// With a copy of the drawn videos that may be changed.
    fn with_own_videos() -> Self {
        let mut place = Self::new();
        let own = place.path().join("data");
        copy(&place.videos(), &own.join("synthetic-ytf"));
        place.data = own;
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn videos(&self) -> PathBuf {
        self.data.join("synthetic-ytf")
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        let output = Command::new(env!("CARGO_BIN_EXE_facetui"))
            .args(arguments)
            .current_dir(self.path())
            .output()
            .unwrap();
        Outcome {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn done(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.stderr);
        outcome
    }

    fn refuses(&self, arguments: &[&str], words: &[&str]) {
        let outcome = self.run(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
        for word in words {
            assert!(outcome.stderr.contains(word), "{word}: {}", outcome.stderr);
        }
    }

    /// An evaluation of the drawn videos by a model whose embeddings have so much noise.
    fn measure_videos(&self, run: &str, noise: f32, seed: u64) -> RunDirectory {
        let folder = self.videos();
        let splits = folder.join("splits.txt");
        let errors = folder.join("error.txt");
        let set = VideoSet::open(&splits, &folder, Some(&errors)).unwrap();
        let mut from = Noise(seed);
        let mut people = BTreeMap::new();
        let mut person = |name: String| {
            people
                .entry(name)
                .or_insert_with_key(|name| {
                    // The same people for every model.
                    let letters = name
                        .bytes()
                        .fold(7, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte));
                    Noise(letters).vector(1.0)
                })
                .clone()
        };
        let mut items = Vec::new();
        let mut values = Vec::new();
        let mut templates = Vec::new();
        for video in &set.videos {
            let name = video.name.split('/').next().unwrap();
            let who = if set.mislabelled.contains(&video.name) {
                person(format!("whoever is in {name}"))
            } else {
                person(name.to_owned())
            };
            let shift = from.vector(noise);
            let start = values.len();
            for _ in &video.frames {
                let own = from.vector(0.4);
                let parts = who.iter().zip(&shift).zip(&own);
                values.extend(parts.map(|((a, b), c)| 10.0 * (a + b + c)));
            }
            templates.push(
                Track::of_flat(&values[start..], LENGTH)
                    .template(Pooling::UnitMean)
                    .unwrap(),
            );
            items.push(EmbeddedItem {
                name: video.name.clone(),
                count: video.frames.len(),
            });
        }
        let rows = set.pairs.iter().map(|pair| {
            let between = distance(Distance::Cosine, &templates[pair.a], &templates[pair.b]);
            NamedScore {
                a: set.videos[pair.a].name.clone(),
                b: set.videos[pair.b].name.clone(),
                pair: ScoredPair {
                    distance: between.unwrap(),
                    same: pair.same,
                    fold: Some(pair.fold),
                },
            }
        });
        let scores = NamedScores {
            rows: rows.collect(),
        };
        let toml = format!(
            "protocol = \"ytf\"\nsplits = \"{}\"\nframes = \"{}\"\nerrors = \"{}\"\ncorrected = \"official\"\nallow_missing = false\n",
            splits.display(),
            folder.display(),
            errors.display()
        );
        let made = self.make(run, &toml);
        let origin = EmbeddingOrigin {
            model: run.to_owned(),
            step: Some(seed),
            model_content: run.to_owned(),
            set: splits.display().to_string(),
            set_content: "drawn".to_owned(),
            channels: facetui::config::ChannelOrder::Bgr,
            crop: facetui::config::Crop::Full,
            scaling: "(x-127.5)/128".to_owned(),
            mirror: facetui::eval::template::Mirror::None,
            frames_per_video: None,
            device: "none".to_owned(),
        };
        let key = format!("{KEY}{run}");
        let embeddings = Embeddings::new(origin, LENGTH, items, values).unwrap();
        embeddings.write(&made.embeddings_path(&key)).unwrap();
        let list = ErrorList::load(&errors).unwrap();
        for mode in [Corrected::None, Corrected::Official] {
            let (figures, dropped) = refigure(&scores, &list, mode, Rule::Exact).unwrap();
            let name = match mode {
                Corrected::None => "drawn",
                _ => "drawn-corrected",
            };
            let provenance = provenance(run, seed, &splits, Some(mode));
            let evaluation = figures.into_evaluation(name.to_owned(), 0, dropped, provenance);
            save(&made, &evaluation, &key);
        }
        fs::write(made.scores_path("drawn"), scores.to_csv()).unwrap();
        made
    }

    /// An evaluation of the drawn image pairs with distances as given.
    fn measure_images(&self, run: &str, distance: impl Fn(usize, bool) -> f64) -> RunDirectory {
        let data = self.data.join("synthetic-lfw.bin");
        let set = facetui::data::VerificationImages::open(&data, None).unwrap();
        let rows = set
            .pairs
            .iter()
            .enumerate()
            .map(|(number, pair)| NamedScore {
                a: format!("#{}", 2 * number),
                b: format!("#{}", 2 * number + 1),
                pair: ScoredPair {
                    distance: distance(number, pair.same),
                    same: pair.same,
                    fold: None,
                },
            });
        let scores = NamedScores {
            rows: rows.collect(),
        };
        let made = self.make(
            run,
            &format!("protocol = \"lfw\"\ndata = \"{}\"\n", data.display()),
        );
        let figures = verify_in(Folds::OfRule, Rule::Exact, &scores.pairs()).unwrap();
        let provenance = provenance(run, 1, &data, None);
        save(
            &made,
            &figures.into_evaluation("faces".to_owned(), 0, 0, provenance),
            "none",
        );
        fs::write(made.scores_path("faces"), scores.to_csv()).unwrap();
        made
    }

    fn make(&self, run: &str, set: &str) -> RunDirectory {
        let made = RunDirectory::create(&self.path().join("runs"), run).unwrap();
        let job = format!(
            "device = \"cpu\"\n[work]\nkind = \"eval\"\nmodel = \"m\"\nrule = \"exact\"\n[work.preprocessing]\n[work.set]\n{set}"
        );
        fs::write(made.job_path(), job).unwrap();
        let mut status = Status::starting(run, JobKind::Eval, 1, "cpu");
        status.state = RunState::Finished;
        made.write_status(&status).unwrap();
        made
    }
}

fn provenance(run: &str, step: u64, data: &Path, corrected: Option<Corrected>) -> Provenance {
    Provenance {
        model: run.to_owned(),
        step: Some(step),
        data: data.display().to_string(),
        channels: Some("bgr".to_owned()),
        crop: Some("112x112".to_owned()),
        mirror: Some("none".to_owned()),
        pooling: corrected.map(|_| "unit-mean".to_owned()),
        distance: "cosine".to_owned(),
        corrected: corrected.map(|mode| mode.to_string()),
        ..Provenance::default()
    }
}

fn save(run: &RunDirectory, evaluation: &facetui::eval::Evaluation, key: &str) {
    run.save_result(evaluation).unwrap();
    let whole_set = evaluation.set.trim_end_matches("-corrected").to_owned();
    run.save_evaluation_source(&EvaluationSource {
        set: evaluation.set.clone(),
        whole_set,
        embeddings: key.to_owned(),
        missing: Vec::new(),
    })
    .unwrap();
}

/// SplitMix64, summed to numbers that are nearly normal.
struct Noise(u64);

impl Noise {
    fn vector(&mut self, deviation: f32) -> Vec<f32> {
        let scale = deviation / (LENGTH as f32).sqrt();
        let mut uniform = || {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1 << 24) as f32
        };
        let mut normal = || (0..12).map(|_| uniform()).sum::<f32>() - 6.0;
        (0..LENGTH).map(|_| scale * normal()).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names_in(from) {
        let path = from.join(&name);
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

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

#[test]
fn what_is_not_there_or_broken_is_named() {
    let place = Place::new();
    let run = place.measure_videos("one", 0.6, 3);
    place.refuses(&["eval", "failures", "nobody"], &["nobody"]);
    place.refuses(
        &["eval", "failures", "one", "--errors", "x.txt"],
        &["--corrected"],
    );
    place.refuses(
        &["eval", "failures", "one", "--corrected", "half"],
        &["none, reference, official"],
    );
    let scores = run.scores_path("drawn");
    let text = fs::read_to_string(&scores).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let broken = "positive,NaN,0,A/1,A/2";
    lines[7] = broken;
    fs::write(&scores, lines.join("\n")).unwrap();
    for command in ["failures", "suspects"] {
        place.refuses(
            &["eval", command, "one"],
            &["drawn.scores.csv:8: the distance is \"NaN\""],
        );
    }
    lines[7] = "positive,0.5,0,Nobody/1,Nobody/2";
    fs::write(&scores, lines.join("\n")).unwrap();
    place.refuses(&["eval", "suspects", "one"], &["Nobody/1", "no embeddings"]);
    fs::remove_file(&scores).unwrap();
    place.refuses(&["eval", "failures", "one"], &["drawn.scores.csv"]);
    fs::remove_file(run.path().join("results/drawn.source.json")).unwrap();
    place.refuses(&["eval", "failures", "one"], &["keeps no scores of drawn"]);
}

/// The real list with made-up distances: its folds, and how long another error list takes.
#[test]
fn official_folds_of_the_real_list_keep_their_sizes_and_are_refigured_within_a_second() {
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
    let begun = Instant::now();
    let (figures, dropped) = refigure(&scores, &errors, Corrected::Official, Rule::Exact).unwrap();
    let took = begun.elapsed();
    eprintln!("5,000 pairs refigured in {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(figures.folds.len(), 10);
    let range = |size: fn(&facetui::eval::FoldFigures) -> usize| {
        let sizes = figures.folds.iter().map(size);
        (sizes.clone().min().unwrap(), sizes.max().unwrap())
    };
    assert_eq!(range(|fold| fold.positive), (240, 249));
    assert_eq!(range(|fold| fold.negative), (236, 250));
    assert_eq!(figures.pairs.positive, 2438);
    assert_eq!(figures.pairs.tested + dropped, 5000);
    let (reference, _) = refigure(&scores, &errors, Corrected::Reference, Rule::Reference).unwrap();
    assert_eq!(
        (reference.pairs.positive, reference.pairs.tested),
        (2438, 4860)
    );
    let untested = reference.untested.unwrap();
    assert_eq!((untested.positive, untested.negative), (8, 70));
}
