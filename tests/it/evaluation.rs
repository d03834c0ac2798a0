//! What is made of evaluations: failing pairs, suspects, error lists, comparisons and the report, by the real program
//! on run directories as a worker leaves them. The embeddings are drawn: every person is a direction, with noise.

mod errors;
mod failures;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use facetui::data::VideoSet;
use facetui::data::synthetic::{SyntheticOptions, generate};
use facetui::eval::corrected::{Corrected, ErrorList, corrected_scores};
use facetui::eval::scores::{NamedScore, NamedScores};
use facetui::eval::template::{Distance, Pooling, Track, distance};
use facetui::eval::{Figures, Folds, Provenance, Rule, ScoredPair, verify_in};
use facetui::run::{
    EmbeddedItem, EmbeddingOrigin, Embeddings, EvaluationSource, JobKind, RunDirectory, RunState,
    Status,
};
use tempfile::TempDir;

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
        Outcome::of(output)
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> Outcome {
        self.run(arguments).done()
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
            let (figures, dropped) = refigure(&scores, &list, mode, Rule::Exact);
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

/// Figures of the pairs that an error list leaves, and how many it takes out.
fn refigure(
    scores: &NamedScores,
    errors: &ErrorList,
    mode: Corrected,
    rule: Rule,
) -> (Figures, usize) {
    let (kept, dropped) = corrected_scores(scores, errors, mode);
    let pairs = kept.pairs();
    let figures = verify_in(mode.folds(), rule, &pairs).unwrap();
    (figures, dropped)
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
