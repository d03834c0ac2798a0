//! The losses and their gradients against float64 values that an independent NumPy program computed from the
//! formulas, gradients by central differences (`tests/golden/losses.json`).

use burn::tensor::{Device, Int, Tensor, TensorData};
use facetui::config::{Head, Mining};
use facetui_worker::model::loss::{ClassTerms, hardnet, triplet};
use serde::Deserialize;

use crate::{heads::terms, support::engines};

pub type Matrix = Vec<Vec<f32>>;

#[derive(Deserialize)]
struct Golden {
    margin_and_centre: Vec<MarginCentreCase>,
    triplet: Vec<TripletCase>,
}

#[derive(Deserialize)]
struct MarginCentreCase {
    name: String,
    scale: f64,
    margin: f64,
    embeddings: Matrix,
    class_weights: Matrix,
    labels: Vec<i32>,
    margin_loss: f64,
    centre_loss: f64,
    margin_grad_embeddings: Matrix,
    margin_grad_class_weights: Matrix,
    centre_grad_embeddings: Matrix,
    centre_grad_class_weights: Matrix,
}

#[derive(Deserialize)]
struct TripletCase {
    labels: Vec<i32>,
    embeddings: Matrix,
    margin: f64,
    batch_hard: f64,
    batch_all: f64,
    batch_hard_grad: Matrix,
    batch_all_grad: Matrix,
    hardnet_margin_1: f64,
    hardnet_grad: Matrix,
}

fn golden() -> Golden {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/losses.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn leaf(rows: &Matrix, device: &Device) -> Tensor<2> {
    let shape = [rows.len(), rows[0].len()];
    Tensor::from_data(TensorData::new(rows.concat(), shape), device).require_grad()
}

fn labels(values: &[i32], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

fn check_value(what: &str, found: &Tensor<1>, expected: f64) {
    let found = f64::from(found.clone().into_scalar::<f32>());
    let allowed = 1e-5 * expected.abs() + 1e-6;
    assert!(
        (found - expected).abs() <= allowed,
        "{what}: {found}, expected {expected}"
    );
}

/// Backpropagates a scalar and compares the gradient of one leaf.
fn check_gradient(what: &str, loss: &Tensor<1>, leaf: &Tensor<2>, expected: &Matrix) {
    let gradients = loss.backward();
    check_values(what, leaf.grad(&gradients).unwrap(), expected);
}

fn check_values(what: &str, found: Tensor<2>, expected: &Matrix) {
    let found: Vec<f32> = found.into_data().iter().collect();
    let expected = expected.concat();
    let largest = expected
        .iter()
        .fold(0.0_f32, |max, value| max.max(value.abs()));
    let allowed = 1e-3 * largest + 1e-6;
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(
            (found - expected).abs() <= allowed,
            "{what}[{index}]: {found}, expected {expected}, allowed ±{allowed}"
        );
    }
}

#[test]
fn golden_margin_and_centre_losses_and_gradients() {
    for case in golden().margin_and_centre {
        for (engine, device) in engines() {
            let what = |part: &str| format!("{} on {engine}: {part}", case.name);
            let head = Head::Arcface {
                scale: case.scale,
                margin: case.margin,
                straight_through: false,
            };
            // A graph can be walked once, so either term has a forward pass of its own.
            let compute = || {
                let matrices = [&case.embeddings, &case.class_weights];
                terms(head, 1, matrices, &case.labels, None, &device)
            };
            let check = |(terms, embeddings): (ClassTerms, Tensor<2>),
                         term: Tensor<1>,
                         weight: f64,
                         [by_embeddings, by_class_weights]: [&Matrix; 2],
                         part: &str| {
                let mut gradients = term.backward();
                let by_rows = terms.class_gradient.by_rows(&mut gradients, weight);
                let what = what(part);
                check_values(
                    &format!("{what} by class weights"),
                    by_rows,
                    by_class_weights,
                );
                let found = embeddings.grad(&gradients).unwrap();
                check_values(&format!("{what} by embeddings"), found, by_embeddings);
            };
            let found = compute();
            let margin = found.0.margin.clone();
            check_value(&what("margin"), &margin, case.margin_loss);
            let expected = [
                &case.margin_grad_embeddings,
                &case.margin_grad_class_weights,
            ];
            check(found, margin, 1.0, expected, "margin");
            let found = compute();
            let centre = found.0.centre.clone().unwrap();
            check_value(&what("centre"), &centre, case.centre_loss);
            let expected = [
                &case.centre_grad_embeddings,
                &case.centre_grad_class_weights,
            ];
            check(found, centre, 0.0, expected, "centre");
        }
    }
}

#[test]
fn golden_triplet_losses_and_gradients() {
    for (number, case) in golden().triplet.iter().enumerate() {
        for (engine, device) in engines() {
            let device = device.autodiff();
            for (mining, value, gradient) in [
                (Mining::BatchHard, case.batch_hard, &case.batch_hard_grad),
                (Mining::BatchAll, case.batch_all, &case.batch_all_grad),
            ] {
                let what = format!("triplet {number} on {engine}, {mining:?}");
                let embeddings = leaf(&case.embeddings, &device);
                let loss = triplet(
                    embeddings.clone(),
                    labels(&case.labels, &device),
                    case.margin,
                    mining,
                );
                check_value(&what, &loss, value);
                check_gradient(&what, &loss, &embeddings, gradient);
            }
        }
    }
}

#[test]
fn golden_hardnet_losses_and_gradients() {
    for (number, case) in golden().triplet.iter().enumerate() {
        for (engine, device) in engines() {
            let what = format!("hardnet {number} on {engine}");
            let embeddings = leaf(&case.embeddings, &device.autodiff());
            // Anchors, then positives.
            let pairs = case.embeddings.len() / 2;
            let half = |start| embeddings.clone().narrow(0, start, pairs);
            let loss = hardnet(half(0), half(pairs), 1.0);
            check_value(&what, &loss, case.hardnet_margin_1);
            check_gradient(&what, &loss, &embeddings, &case.hardnet_grad);
        }
    }
}
