//! The losses and their gradients against float64 values that an independent NumPy program computed from the
//! formulas, gradients by central differences (`tests/golden/losses.json`).

use burn::tensor::{Device, Int, Tensor, TensorData};
use facetui::config::Mining;
use facetui_worker::model::loss::{margin_centre, triplet};
use serde::Deserialize;

use crate::support::engines;

type Matrix = Vec<Vec<f32>>;

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
    let found: Vec<f32> = leaf.grad(&gradients).unwrap().into_data().iter().collect();
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
            let device = device.autodiff();
            let what = |part: &str| format!("{} on {engine}: {part}", case.name);
            let compute = || {
                let embeddings = leaf(&case.embeddings, &device);
                let class_weights = leaf(&case.class_weights, &device);
                let losses = margin_centre(
                    embeddings.clone(),
                    class_weights.clone(),
                    labels(&case.labels, &device),
                    case.scale,
                    case.margin,
                );
                (embeddings, class_weights, losses)
            };
            let (_, _, losses) = compute();
            check_value(&what("margin"), &losses.margin, case.margin_loss);
            check_value(&what("centre"), &losses.centre, case.centre_loss);

            // A graph can be walked once, so every gradient has a forward pass of its own.
            let (leaf, _, losses) = compute();
            let expected = &case.margin_grad_embeddings;
            check_gradient(
                &what("margin by embeddings"),
                &losses.margin,
                &leaf,
                expected,
            );
            let (_, leaf, losses) = compute();
            let expected = &case.margin_grad_class_weights;
            check_gradient(
                &what("margin by class weights"),
                &losses.margin,
                &leaf,
                expected,
            );
            let (leaf, _, losses) = compute();
            let expected = &case.centre_grad_embeddings;
            check_gradient(
                &what("centre by embeddings"),
                &losses.centre,
                &leaf,
                expected,
            );
            let (_, leaf, losses) = compute();
            let expected = &case.centre_grad_class_weights;
            check_gradient(
                &what("centre by class weights"),
                &losses.centre,
                &leaf,
                expected,
            );
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
fn gradients_stay_finite_where_an_embedding_meets_its_class_or_its_opposite() {
    for (engine, device) in engines() {
        let device = device.autodiff();
        let embeddings = leaf(&vec![vec![1.0, 2.0], vec![-3.0, 1.0]], &device);
        let class_weights = leaf(&vec![vec![1.0, 2.0], vec![3.0, -1.0]], &device);
        let losses = margin_centre(
            embeddings.clone(),
            class_weights.clone(),
            labels(&[0, 1], &device),
            64.0,
            0.5,
        );
        let gradients = (losses.margin + losses.centre).backward();
        for leaf in [embeddings, class_weights] {
            let values: Vec<f32> = leaf.grad(&gradients).unwrap().into_data().iter().collect();
            assert!(
                values.iter().all(|value| value.is_finite()),
                "{engine}: {values:?}"
            );
        }
    }
}
