//! Heads and optimisers against what PyTorch computes from the papers' formulas and code (`golden/heads/make.py`).

use burn::tensor::{Device, Int, Tensor, TensorData};
use facetui::config::{Head, OptimiserRule};
use facetui_worker::model::{
    loss::{ClassInput, ClassTerms},
    optimiser::{Moments, StepSize},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{golden::Matrix, support::engines};

#[derive(Deserialize)]
struct Case {
    name: String,
    head: Head,
    sub_centres: usize,
    embeddings: Matrix,
    class_weights: Matrix,
    labels: Vec<i32>,
    terms: Terms,
    lengths_before: Option<[f32; 2]>,
    lengths_after: Option<[f64; 2]>,
}

#[derive(Deserialize)]
struct Terms {
    margin: Term,
    magnitude: Option<Term>,
}

#[derive(Deserialize)]
struct Term {
    value: f64,
    by_embeddings: Matrix,
    by_class_weights: Matrix,
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/golden/heads/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn matrix(rows: &Matrix, device: &Device) -> Tensor<2> {
    let shape = [rows.len(), rows[0].len()];
    Tensor::from_data(TensorData::new(rows.concat(), shape), device)
}

/// The terms of a batch, and the embeddings that they are of.
pub fn terms(
    head: Head,
    sub_centres: usize,
    [embeddings, class_weights]: [&Matrix; 2],
    labels: &[i32],
    lengths: Option<[f32; 2]>,
    device: &Device,
) -> (ClassTerms, Tensor<2>) {
    let embeddings = matrix(embeddings, &device.clone().autodiff()).require_grad();
    let labels: Tensor<1, Int> =
        Tensor::from_data(TensorData::new(labels.to_vec(), [labels.len()]), device);
    let input = ClassInput {
        embeddings: embeddings.clone(),
        class_weights: matrix(class_weights, device),
        labels,
        sub_centres,
        running_lengths: lengths.map(|lengths| Tensor::from_floats(lengths, device)),
    };
    (ClassTerms::new(head, input), embeddings)
}

/// Compares within a share of the largest value.
fn check(what: &str, found: Tensor<2>, expected: &Matrix) {
    let found: Vec<f32> = found.into_data().iter().collect();
    let expected = expected.concat();
    let largest = expected.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    let allowed = 2e-4 * largest + 1e-7;
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(
            (found - expected).abs() <= allowed,
            "{what}[{index}]: {found}, expected {expected} ± {allowed}"
        );
    }
}

#[test]
fn every_head_has_the_values_and_gradients_of_its_paper() {
    let cases: Vec<Case> = read("heads.json");
    assert!(cases.len() > 15);
    for case in &cases {
        for (engine, device) in engines() {
            let computed = || {
                terms(
                    case.head,
                    case.sub_centres,
                    [&case.embeddings, &case.class_weights],
                    &case.labels,
                    case.lengths_before,
                    &device,
                )
            };
            let both = [
                (Some(&case.terms.margin), "margin", 1.0),
                (case.terms.magnitude.as_ref(), "magnitude", 0.0),
            ];
            for (term, name, margin_weight) in both {
                let Some(term) = term else { continue };
                let what = format!("{} on {engine}, {name}", case.name);
                let (computed, embeddings) = computed();
                let value = match name {
                    "margin" => computed.margin,
                    _ => computed.magnitude.unwrap(),
                };
                let found = f64::from(value.clone().into_scalar::<f32>());
                assert!(
                    (found - term.value).abs() <= 1e-5 * term.value.abs() + 1e-6,
                    "{what}: {found}, expected {}",
                    term.value
                );
                let mut gradients = value.backward();
                let by_rows = computed
                    .class_gradient
                    .by_rows(&mut gradients, margin_weight);
                check(
                    &format!("{what} by class weights"),
                    by_rows,
                    &term.by_class_weights,
                );
                let by_embeddings = embeddings.grad(&gradients).unwrap();
                check(
                    &format!("{what} by embeddings"),
                    by_embeddings,
                    &term.by_embeddings,
                );
            }
            let after: Option<Vec<f32>> = computed()
                .0
                .running_lengths
                .map(|lengths| lengths.into_data().iter().collect());
            assert_eq!(
                after.is_some(),
                case.lengths_after.is_some(),
                "{}",
                case.name
            );
            for (found, expected) in after
                .iter()
                .flatten()
                .zip(case.lengths_after.iter().flatten())
            {
                let found = f64::from(*found);
                assert!(
                    (found - expected).abs() < 1e-5 * expected,
                    "{}: {found}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn no_head_loses_its_gradient_where_an_embedding_meets_its_class_or_its_opposite() {
    let heads: Vec<Head> = read::<Vec<Case>>("heads.json")
        .iter()
        .map(|case| case.head)
        .collect();
    let embeddings = vec![vec![1.0, 2.0], vec![-3.0, 1.0], vec![0.0, 0.0]];
    let class_weights = vec![vec![1.0, 2.0], vec![3.0, -1.0], vec![1e-3, 1.0]];
    for head in heads {
        for (engine, device) in engines() {
            let (terms, embeddings) = terms(
                head,
                1,
                [&embeddings, &class_weights],
                &[0, 1, 2],
                None,
                &device,
            );
            let sum = [terms.centre, terms.magnitude]
                .into_iter()
                .flatten()
                .fold(terms.margin, |sum, term| sum + term);
            let mut gradients = sum.backward();
            let by_rows = terms.class_gradient.by_rows(&mut gradients, 1.0);
            for gradient in [by_rows, embeddings.grad(&gradients).unwrap()] {
                let values: Vec<f32> = gradient.into_data().iter().collect();
                assert!(
                    values.iter().all(|value| value.is_finite()),
                    "{head:?} on {engine}: {values:?}"
                );
            }
        }
    }
}

#[test]
fn accuracies_are_counted_with_and_without_the_margin() {
    let head = Head::Cosface {
        scale: 64.0,
        margin: 0.4,
    };
    let embeddings = vec![
        vec![1.0, 0.1],
        vec![1.0, 0.7],
        vec![0.1, 1.0],
        vec![1.0, 0.0],
    ];
    let class_weights = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
    for (engine, device) in engines() {
        let terms = terms(
            head,
            1,
            [&embeddings, &class_weights],
            &[0, 0, 1, 1],
            None,
            &device,
        )
        .0;
        let value = |tensor: Tensor<1>| tensor.into_scalar::<f32>();
        // The second is right by 0.25 of a cosine; the last is wrong.
        assert!((value(terms.accuracy) - 0.75).abs() < 1e-6, "{engine}");
        assert!(
            (value(terms.accuracy_margin) - 0.5).abs() < 1e-6,
            "{engine}"
        );
    }
}

#[derive(Deserialize)]
struct Steps {
    name: String,
    start: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    weights: Vec<Vec<f32>>,
}

#[test]
fn optimisers_make_the_steps_of_pytorchs() {
    let device = Device::flex();
    let vector = |values: &[f32]| -> Tensor<1> { Tensor::from_floats(values, &device) };
    for case in read::<Vec<Steps>>("optimisers.json") {
        let size = |step| match case.name.as_str() {
            "sgd" => StepSize {
                rule: OptimiserRule::Sgd,
                learning_rate: 0.1,
                momentum: 0.9,
                weight_decay: 0.0,
                step,
            },
            _ => StepSize {
                rule: OptimiserRule::AdamW {
                    beta1: 0.9,
                    beta2: 0.999,
                    epsilon: 1e-8,
                },
                learning_rate: 0.01,
                momentum: 0.0,
                weight_decay: 0.05,
                step,
            },
        };
        let mut weights = vector(&case.start);
        let mut moments = Moments::default();
        for (step, (gradient, expected)) in case.gradients.iter().zip(&case.weights).enumerate() {
            let size = size(step as u64);
            (weights, moments) = size.apply("a.weight", weights, vector(gradient), moments);
            let found: Vec<f32> = weights.clone().into_data().iter().collect();
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{} step {step}: {found}, expected {expected}",
                    case.name
                );
            }
        }
    }
}
