//! Figures against an independent program's, and the published lists.

use std::fs;
use std::path::Path;

use facetui::eval::compare::mcnemar;
use facetui::eval::corrected::{Corrected, ErrorList, NamedPair, correct};
use facetui::eval::ranking::Ranking;
use facetui::eval::{Rule, ScoredPair, verify};
use serde::Deserialize;

use crate::shared::shared;

#[derive(Deserialize)]
struct GoldenCase {
    name: String,
    positive_distances: Vec<f64>,
    negative_distances: Vec<f64>,
    reference_rule: GoldenRule,
    ranking_of_similarity_1_minus_distance: GoldenRanking,
}

#[derive(Deserialize)]
struct GoldenRule {
    mean: f64,
    std: f64,
    mean_threshold: f64,
    folds: Vec<f64>,
    thresholds: Vec<f64>,
}

#[derive(Deserialize)]
struct GoldenRanking {
    auc: f64,
    eer: f64,
    tar_at_far: std::collections::BTreeMap<String, f64>,
}

impl GoldenCase {
    fn pairs(&self) -> Vec<ScoredPair> {
        let pair = |same| {
            move |&distance: &f64| ScoredPair {
                distance,
                same,
                fold: None,
            }
        };
        let positive = self.positive_distances.iter().map(pair(true));
        positive
            .chain(self.negative_distances.iter().map(pair(false)))
            .collect()
    }
}

fn golden_cases() -> Vec<GoldenCase> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/verification.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn close(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() <= 1e-12,
        "{what}: {found} is not {expected}"
    );
}

#[test]
fn the_reference_rule_gives_the_golden_figures() {
    for case in golden_cases() {
        let figures = verify(Rule::Reference, &case.pairs()).unwrap();
        let golden = &case.reference_rule;
        close(figures.accuracy.mean, golden.mean, &case.name);
        close(figures.accuracy.std, golden.std, &case.name);
        close(figures.threshold, golden.mean_threshold, &case.name);
        assert_eq!(figures.folds.len(), golden.folds.len());
        for (fold, (accuracy, threshold)) in figures
            .folds
            .iter()
            .zip(golden.folds.iter().zip(&golden.thresholds))
        {
            close(fold.accuracy, *accuracy, &case.name);
            close(fold.threshold, *threshold, &case.name);
        }
    }
}

#[test]
fn rankings_give_the_golden_figures() {
    for case in golden_cases() {
        let ranking = Ranking::new(&case.pairs());
        let golden = &case.ranking_of_similarity_1_minus_distance;
        close(ranking.auc(), golden.auc, &case.name);
        close(ranking.equal_error_rate(), golden.eer, &case.name);
        let told = ranking.tar_at_usual_fars();
        for (far, tar) in &golden.tar_at_far {
            let rate: f64 = far.parse().unwrap();
            close(ranking.true_accept_rate(rate), *tar, &case.name);
            let enough = case.negative_distances.len() as f64 * rate >= 1.0;
            assert_eq!(told[far].is_some(), enough, "{} at {far}", case.name);
        }
    }
}

#[derive(Deserialize)]
struct GoldenRules {
    name: String,
    insightface: GoldenGrid,
    exact: GoldenExact,
}

#[derive(Deserialize)]
struct GoldenMetrics {
    cases: Vec<GoldenMetricsCase>,
    mcnemar: Vec<GoldenMcNemar>,
}

#[derive(Deserialize)]
struct GoldenMetricsCase {
    name: String,
    val: GoldenVal,
    bootstrap: GoldenIntervals,
}

#[derive(Deserialize)]
struct GoldenVal {
    mean: f64,
    std: f64,
    far: f64,
}

#[derive(Deserialize)]
struct GoldenIntervals {
    accuracy: [f64; 2],
    auc: [f64; 2],
}

#[derive(Deserialize)]
struct GoldenMcNemar {
    fixed: usize,
    broken: usize,
    p: f64,
}

fn golden_metrics() -> GoldenMetrics {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/metrics.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn insightfaces_val_and_mcnemars_test_give_the_golden_figures() {
    let golden = golden_metrics();
    for (case, golden) in golden_cases().iter().zip(&golden.cases) {
        assert_eq!(case.name, golden.name);
        let figures = verify(Rule::Insightface, &laid_out(case)).unwrap();
        let val = figures.val.unwrap();
        close(val.mean, golden.val.mean, &case.name);
        close(val.std, golden.val.std, &case.name);
        close(val.far, golden.val.far, &case.name);
    }
    for case in golden.mcnemar {
        let found = mcnemar(case.fixed, case.broken);
        close(found, case.p, &format!("{} : {}", case.fixed, case.broken));
    }
}

/// Draws differ, so that ends may differ by a part of the interval: over 1,000 draws an end's own deviation is about
/// 3 % of a normal interval.
#[test]
fn bootstrap_intervals_are_those_of_numpy() {
    for (case, golden) in golden_cases().iter().zip(golden_metrics().cases) {
        let figures = verify(Rule::Reference, &case.pairs()).unwrap();
        let found = figures.intervals.unwrap();
        for (found, [low, high]) in [
            (found.accuracy, golden.bootstrap.accuracy),
            (found.auc, golden.bootstrap.auc),
        ] {
            let slack = 0.1 * (high - low);
            let near = (found.low - low).abs() <= slack && (found.high - high).abs() <= slack;
            assert!(near, "{}: {found:?}, expected {low} {high}", case.name);
        }
    }
}

#[derive(Deserialize)]
struct GoldenGrid {
    mean: f64,
    std: f64,
    folds: Vec<f64>,
    thresholds: Vec<f64>,
}

#[derive(Deserialize)]
struct GoldenExact {
    fold_of_pair: Vec<usize>,
    best_training_accuracy: Vec<f64>,
}

/// The pairs of a case as `make_rules.py` lays them out.
fn laid_out(case: &GoldenCase) -> Vec<ScoredPair> {
    let kinds = [
        (true, &case.positive_distances),
        (false, &case.negative_distances),
    ];
    let longest = kinds.iter().map(|(_, list)| list.len()).max().unwrap();
    (0..longest)
        .flat_map(|index| kinds.map(|(same, list)| (same, list.get(index).copied())))
        .filter_map(|(same, distance)| {
            Some(ScoredPair {
                distance: 2.0 * distance?,
                same,
                fold: None,
            })
        })
        .collect()
}

#[test]
fn the_insightface_and_exact_rules_give_the_golden_figures() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rules.json");
    let golden: Vec<GoldenRules> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    for (case, golden) in golden_cases().iter().zip(golden) {
        assert_eq!(case.name, golden.name);
        let pairs = laid_out(case);

        let figures = verify(Rule::Insightface, &pairs).unwrap();
        close(figures.accuracy.mean, golden.insightface.mean, &case.name);
        close(figures.accuracy.std, golden.insightface.std, &case.name);
        for (index, fold) in figures.folds.iter().enumerate() {
            close(fold.accuracy, golden.insightface.folds[index], &case.name);
            close(
                fold.threshold,
                golden.insightface.thresholds[index],
                &case.name,
            );
        }

        let figures = verify(Rule::Exact, &pairs).unwrap();
        for (index, fold) in figures.folds.iter().enumerate() {
            let training: Vec<_> = pairs
                .iter()
                .zip(&golden.exact.fold_of_pair)
                .filter(|(_, fold)| **fold != index)
                .map(|(pair, _)| (pair.distance < fold.threshold) == pair.same)
                .collect();
            let right = training.iter().filter(|is_right| **is_right).count();
            let accuracy = right as f64 / training.len() as f64;
            close(
                accuracy,
                golden.exact.best_training_accuracy[index],
                &case.name,
            );
        }
    }
}

/// The pairs of the real list: names and whether it is one person.
fn real_ytf_pairs() -> Option<Vec<(String, String, bool)>> {
    let text = fs::read_to_string(shared("data/lists/ytf_splits.txt")?).unwrap();
    Some(
        text.lines()
            .map(|line| {
                let fields: Vec<_> = line.split(',').map(str::trim).collect();
                (fields[2].to_owned(), fields[3].to_owned(), fields[4] == "1")
            })
            .collect(),
    )
}

#[test]
fn the_published_error_list_leaves_2438_positives_and_4860_tested_pairs() {
    let errors = ErrorList::parse(include_str!("../../assets/ytf-error.txt"));
    assert_eq!(errors.len(), 35);
    let Some(real) = real_ytf_pairs() else { return };
    let pairs: Vec<_> = real
        .iter()
        .map(|(a, b, same)| NamedPair { a, b, same: *same })
        .collect();
    let selection = correct(&pairs, &errors, Corrected::Reference);
    assert_eq!((selection.dropped, selection.negatives_beyond), (62, 62));
    let scored: Vec<_> = selection
        .kept
        .iter()
        .map(|&i| ScoredPair {
            distance: if pairs[i].same { 0.2 } else { 0.8 } + 1e-5 * i as f64,
            same: pairs[i].same,
            fold: None,
        })
        .collect();
    let figures = verify(Rule::Reference, &scored).unwrap();
    assert_eq!(figures.pairs.positive, 2438);
    assert_eq!(figures.pairs.tested, 4860);

    let official = correct(&pairs, &errors, Corrected::Official);
    assert!(official.dropped > 62);
}
