//! How fast scores become figures and frames become scores, beside NumPy on the same numbers.
//!
//! `./x bench verification` draws 6,000 distances, and 3,226 videos of 100 frames of 512 numbers with 5,000 pairs of
//! them, as many as YouTube Faces has; it takes 1.5 GB of memory and 0.7 GB of disk. Both sides are measured in turn,
//! several times over. NumPy's plain grid search makes InsightFace's figures alone; ours is all three rules with AUC,
//! EER and true accept rates.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at what fails"
)]

#[path = "support/median.rs"]
mod median;
#[path = "support/python.rs"]
mod python;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use facetui::eval::corrected::{ErrorList, NamedPair};
use facetui::eval::suspects::{Video, suspects};
use facetui::eval::template::{Distance, Pooling, Track, distance};
use facetui::eval::{Folds, Rule, ScoredPair, Verification, verify};
use rayon::prelude::*;

use median::median;
use python::Python;

const IMAGE_PAIRS: usize = 6000;
const VIDEOS: usize = 3226;
const FRAMES: usize = 100;
const LENGTH: usize = 512;
const VIDEO_PAIRS: usize = 5000;
const ROUNDS: usize = 9;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = scored_pairs();
    let embeddings = embeddings();
    let compared = compared_pairs();
    write(folder.path(), &pairs, &embeddings, &compared);
    println!(
        "load {}",
        std::fs::read_to_string("/proc/loadavg")
            .unwrap_or_default()
            .trim()
    );
    let numbers = [VIDEOS, FRAMES, LENGTH].map(|number| OsString::from(number.to_string()));
    let words = std::iter::once(folder.path().into()).chain(numbers);
    let mut python = Python::start("verification.py", words);
    let mut seconds: [Vec<f64>; 5] = Default::default();
    for round in 0..=ROUNDS {
        let (of_rules, accuracy) = timed(|| three_rules(&pairs));
        let rules_of_python = python.as_mut().map(|python| python.measure("rules"));
        let (of_pooling, mean) = timed(|| pooled_and_scored(&embeddings, &compared));
        let pool_of_python = python.as_mut().map(|python| python.measure("pool"));
        let (of_intervals, _) = timed(|| verify(Rule::Exact, &pairs).unwrap().accuracy.mean);
        for (ours, theirs) in [(accuracy, &rules_of_python), (mean, &pool_of_python)] {
            if let Some(theirs) = theirs.as_ref().map(|answer| answer[1]) {
                assert!(
                    (ours - theirs).abs() < 1e-5,
                    "the same work: {ours} {theirs}"
                );
            }
        }
        // The first round only warms up.
        if round == 0 {
            continue;
        }
        let measured = [
            Some(of_rules),
            rules_of_python.map(|answer| answer[0]),
            Some(of_pooling),
            pool_of_python.map(|answer| answer[0]),
            Some(of_intervals),
        ];
        for (seconds, measured) in seconds.iter_mut().zip(measured) {
            seconds.extend(measured);
        }
    }
    let names = [
        "our three rules on 6,000 pairs",
        "NumPy's grid search on them",
        "our 5,000 video pairs, pooled and scored",
        "NumPy on the same arrays",
        "for scale: one rule with 1,000 bootstrap draws",
    ];
    println!("milliseconds, median of {ROUNDS} (lowest to highest):");
    for (name, seconds) in names.iter().zip(&seconds) {
        match seconds.as_slice() {
            [] => println!("  {name:50} not measured"),
            _ => println!(
                "  {name:50} {:9.3}  ({:.3} to {:.3})",
                1e3 * median(seconds.iter().copied()),
                1e3 * seconds.iter().copied().fold(f64::INFINITY, f64::min),
                1e3 * seconds.iter().copied().fold(0.0, f64::max)
            ),
        }
    }
    for (what, ours, theirs, wanted) in [
        ("three rules", &seconds[0], &seconds[1], 50.0),
        ("pooling and scoring", &seconds[2], &seconds[3], 2.0),
    ] {
        if !theirs.is_empty() {
            let ratios = theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours);
            println!(
                "{what}: {:.1} times as fast as NumPy, by the median of each round's ratio (wanted: at least {wanted})",
                median(ratios)
            );
        }
    }
    let (of_suspects, _) = timed(|| ranked_suspects(&embeddings, &compared));
    println!("for scale: suspects among {VIDEOS} videos in {of_suspects:.2} s, once");
}

fn timed(work: impl FnOnce() -> f64) -> (f64, f64) {
    let begun = Instant::now();
    let check = work();
    (begun.elapsed().as_secs_f64(), check)
}

/// The InsightFace rule's accuracy, after all three rules.
fn three_rules(pairs: &[ScoredPair]) -> f64 {
    let verification = Verification::new(pairs).unwrap();
    let accuracies = Rule::ALL.map(|rule| {
        let figures = verification.figures(Folds::OfRule, rule).unwrap();
        std::hint::black_box(figures).accuracy.mean
    });
    accuracies[1]
}

/// The mean distance of the pairs.
fn pooled_and_scored(embeddings: &[f32], pairs: &[[u32; 2]]) -> f64 {
    let templates: Vec<Vec<f32>> = embeddings
        .par_chunks_exact(FRAMES * LENGTH)
        .map(|video| {
            Track::of_flat(video, LENGTH)
                .template(Pooling::UnitMean)
                .unwrap()
        })
        .collect();
    let distances: Vec<f64> = pairs
        .par_iter()
        .map(|pair| {
            let [a, b] = pair.map(|video| &templates[video as usize]);
            distance(Distance::Cosine, a, b).unwrap()
        })
        .collect();
    distances.iter().sum::<f64>() / distances.len() as f64
}

fn ranked_suspects(embeddings: &[f32], pairs: &[[u32; 2]]) -> f64 {
    let names: Vec<String> = (0..VIDEOS)
        .map(|video| format!("{}/{}", video / 2, video % 2))
        .collect();
    let videos: Vec<Video> = names
        .iter()
        .zip(embeddings.chunks_exact(FRAMES * LENGTH))
        .map(|(name, frames)| Video {
            name,
            track: Track::of_flat(frames, LENGTH),
        })
        .collect();
    let pairs: Vec<NamedPair> = pairs
        .iter()
        .map(|[a, b]| NamedPair {
            a: &names[*a as usize],
            b: &names[*b as usize],
            same: a / 2 == b / 2,
        })
        .collect();
    suspects(&videos, &pairs, &ErrorList::default())
        .unwrap()
        .even_similarity
}

/// Squared distances of unit embeddings, as InsightFace's grid is meant for, one kind after the other a fold.
fn scored_pairs() -> Vec<ScoredPair> {
    let mut from = Numbers(1);
    (0..IMAGE_PAIRS)
        .map(|pair| {
            let same = pair / 300 % 2 == 0;
            ScoredPair {
                distance: if same { 0.9 } else { 1.7 } + 0.3 * f64::from(from.normal()),
                same,
                fold: None,
            }
        })
        .collect()
}

fn embeddings() -> Vec<f32> {
    let mut embeddings = vec![0.0; VIDEOS * FRAMES * LENGTH];
    embeddings
        .par_chunks_exact_mut(FRAMES * LENGTH)
        .enumerate()
        .for_each(|(video, values)| {
            // Videos two by two are of one person.
            let mut person = Numbers(1 + video as u64 / 2);
            let of_person: Vec<f32> = (0..LENGTH).map(|_| person.normal()).collect();
            let mut from = Numbers(1_000_000 + video as u64);
            for frame in values.chunks_exact_mut(LENGTH) {
                for (value, person) in frame.iter_mut().zip(&of_person) {
                    *value = person + from.normal();
                }
            }
        });
    embeddings
}

/// Every other pair is of one person.
fn compared_pairs() -> Vec<[u32; 2]> {
    let mut from = Numbers(7);
    (0..VIDEO_PAIRS)
        .map(|pair| {
            let one = (from.next() % VIDEOS as u64) as u32;
            let other = if pair % 2 == 0 {
                one ^ 1
            } else {
                (from.next() % VIDEOS as u64) as u32
            };
            [one, other.min(VIDEOS as u32 - 1)]
        })
        .collect()
}

fn write(folder: &Path, pairs: &[ScoredPair], embeddings: &[f32], compared: &[[u32; 2]]) {
    let file = |name: &str, bytes: &mut dyn Iterator<Item = u8>| {
        std::fs::write(folder.join(name), bytes.collect::<Vec<_>>()).unwrap();
    };
    file(
        "distances",
        &mut pairs.iter().flat_map(|pair| pair.distance.to_le_bytes()),
    );
    file("same", &mut pairs.iter().map(|pair| u8::from(pair.same)));
    file(
        "pairs",
        &mut compared
            .iter()
            .flatten()
            .flat_map(|video| video.to_le_bytes()),
    );
    let file = std::fs::File::create(folder.join("embeddings")).unwrap();
    let mut out = std::io::BufWriter::with_capacity(1 << 20, file);
    for value in embeddings {
        out.write_all(&value.to_le_bytes()).unwrap();
    }
    out.flush().unwrap();
}

/// SplitMix64; sums of four uniform numbers for nearly normal ones.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: f32 = (0..4)
            .map(|part| (bits >> (16 * part) & 0xffff) as f32 / 65_536.0)
            .sum();
        (sum - 2.0) * 3_f32.sqrt()
    }
}
