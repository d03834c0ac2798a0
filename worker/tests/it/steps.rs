//! Single steps of a trainer: what each key of a recipe changes of them.

use std::path::Path;

use burn::tensor::Device;
use facetui::{
    config::{Architecture, MemoryFormat, Precision, Recipe},
    data::Batch,
};
use facetui_worker::{
    model::{
        classes::SampledClasses,
        libtorch,
        parameters::{HostTensor, NamedTensors},
    },
    train::{
        loss_scale::LossScale,
        trainer::{StepScalars, Trainer},
    },
};

const CLASSES: usize = 6;
const IMAGES: usize = 4;

/// A small network without dropout, with `more` tables.
fn recipe(more: &str) -> Recipe {
    let text = format!(
        "steps = 10\nseed = 3\nbatch_size = {IMAGES}\n[[datasets]]\nname = \"none\"\n[network]\ndepth = 32\nembedding = 32\n\
         drop = 0.0\nprelu_start = 0.25\n[schedule]\nlearning_rate = 0.01\n{more}"
    );
    Recipe::parse(&text, Path::new("test.toml")).unwrap()
}

/// Pictures of which the second half is the first again.
fn batch() -> Batch {
    let half = IMAGES / 2 * 112 * 96 * 3;
    let pixels = (0..half).map(|place| ((place * 7919 / 96) % 251) as u8);
    let images: Vec<u8> = pixels.collect::<Vec<u8>>().repeat(2);
    Batch {
        step: 0,
        epoch: 0,
        images,
        height: 112,
        width: 96,
        labels: vec![1, 4, 1, 4],
        indices: vec![0; IMAGES],
        broken: Vec::new(),
        sets: Vec::new(),
    }
}

/// Weights and optimiser after some steps, and the last step's scalars.
fn after(
    recipe: &Recipe,
    steps: u64,
    change: impl Fn(&mut Trainer),
) -> (NamedTensors, NamedTensors, Vec<(&'static str, f64)>) {
    let mut trainer = Trainer::new(recipe, CLASSES, &Device::flex());
    change(&mut trainer);
    let mut scalars = Vec::new();
    for step in 0..steps {
        scalars = trainer.step(recipe, step, &batch()).unwrap().scalars;
    }
    let state = trainer.snapshot();
    (state.weights, state.optimiser, scalars)
}

fn value(scalars: &[(&'static str, f64)], tag: &str) -> f64 {
    let found = scalars.iter().find(|(known, _)| *known == tag);
    found.unwrap_or_else(|| panic!("no {tag} in {scalars:?}")).1
}

/// The largest difference between two tensors, as a share of the largest value of the first; what is all but 0, as the
/// gradient of a bias before BatchNorm, counts as it is.
fn difference(left: &[f32], right: &[f32]) -> f32 {
    assert_eq!(left.len(), right.len());
    let size = left.iter().fold(1e-3_f32, |most, v| most.max(v.abs()));
    let difference = left
        .iter()
        .zip(right)
        .map(|(left, right)| (left - right).abs());
    difference.fold(0.0_f32, f32::max) / size
}

#[test]
fn a_sample_of_all_classes_trains_as_the_whole_does() {
    for optimiser in ["", "[optimiser]\nkind = \"adamw\"\n"] {
        let recipe = recipe(&format!("[loss]\nsub_centres = 2\n{optimiser}"));
        let whole = after(&recipe, 3, |_| {});
        let sampled = after(&recipe, 3, |trainer| {
            let rule = recipe.optimiser.rule;
            let classes = SampledClasses::new(CLASSES, 2, 1.0, rule, &recipe.network, recipe.seed);
            trainer.network.class_weights = None;
            trainer.sampled = Some(classes);
        });
        assert_eq!(whole.0, sampled.0, "{optimiser}: weights");
        assert_eq!(whole.1, sampled.1, "{optimiser}: moments");
        assert_eq!(whole.2, sampled.2, "{optimiser}: scalars");
    }
}

#[test]
fn classes_outside_the_sample_are_not_touched() {
    // A third of six: the two of the batch, whatever else is drawn.
    let recipe = recipe("[loss]\nsample_fraction = 0.34\n");
    let start = Trainer::new(&recipe, CLASSES, &Device::flex()).snapshot();
    let (weights, optimiser, _) = after(&recipe, 2, |_| {});
    let rows = |tensors: &NamedTensors| -> Vec<Vec<f32>> {
        let values = &tensors["class_weights"].values;
        values.chunks(32).map(<[f32]>::to_vec).collect()
    };
    let (before, now, moments) = (rows(&start.weights), rows(&weights), rows(&optimiser));
    for class in 0..CLASSES {
        let moved = before[class] != now[class];
        let remembered = moments[class].iter().any(|value| *value != 0.0);
        let is_in = [1, 4].contains(&class);
        assert_eq!((moved, remembered), (is_in, is_in), "class {class}");
    }
}

#[test]
fn a_batch_in_parts_makes_the_step_of_the_whole() {
    // Both parts hold the same pictures, so that BatchNorm sees the same in each as in the whole.
    let whole = after(&recipe(""), 1, |_| {});
    let parts = after(&recipe("[optimiser]\naccumulation = 2\n"), 1, |_| {});
    // A bias before BatchNorm has no gradient but what rounding leaves.
    let compared = |name: &str| !name.contains("running_") && !name.ends_with("dense.bias");
    for (name, tensor) in whole.0.iter().filter(|(name, _)| compared(name)) {
        let difference = difference(&tensor.values, &parts.0[name].values);
        // What starts at 0 is all gradient, with its rounding; a sum in the mean's place would differ by its whole.
        assert!(difference < 1e-2, "{name}: {difference}");
    }
    for tag in [
        "loss/margin",
        "loss/centre",
        "loss/total",
        "train/gradient_norm",
    ] {
        let (whole, parts) = (value(&whole.2, tag), value(&parts.2, tag));
        assert!(
            (whole - parts).abs() < 1e-3 * whole.abs(),
            "{tag}: {whole}, {parts}"
        );
    }
}

#[test]
fn a_long_gradient_is_shortened() {
    let free = after(&recipe(""), 1, |_| {});
    let norm = value(&free.2, "train/gradient_norm");
    let clipped = after(
        &recipe(&format!("[optimiser]\nclip_norm = {:?}\n", norm / 8.0)),
        1,
        |_| {},
    );
    assert!((value(&clipped.2, "train/gradient_norm") - norm).abs() < 1e-9 * norm);
    // The first velocity is the gradient.
    for (name, velocity) in &free.1 {
        let eighth: Vec<f32> = velocity.values.iter().map(|value| value / 8.0).collect();
        let difference = difference(&eighth, &clipped.1[name].values);
        assert!(difference < 1e-4, "{name}: {difference}");
    }
}

#[test]
fn decay_acts_as_a_term_of_the_loss_or_apart_from_it() {
    let loss = after(&recipe("[loss]\nweight_decay = 0.01\n"), 1, |_| {});
    let apart = after(
        &recipe("[loss]\nweight_decay = 0.01\n[optimiser]\ndecay = \"optimiser\"\n"),
        1,
        |_| {},
    );
    // One step from the same weights: rate · α · w comes off either way.
    for (name, tensor) in loss.0.iter().filter(|(name, _)| !name.contains("running_")) {
        let difference = difference(&tensor.values, &apart.0[name].values);
        assert!(difference < 1e-4, "{name}: {difference}");
    }
    let decay = value(&loss.2, "loss/weight_decay");
    assert!(decay > 0.0);
    assert!(apart.2.iter().all(|(tag, _)| !tag.contains("weight_decay")));
    let totals = [value(&loss.2, "loss/total"), value(&apart.2, "loss/total")];
    assert!(
        (totals[0] - totals[1] - decay).abs() < 1e-4 * totals[0],
        "{totals:?} {decay}"
    );
}

#[test]
fn a_small_step_lowers_every_total_which_is_the_sum_of_its_terms() {
    for head in [
        "head = \"arcface\"\nstraight_through = true\n",
        "head = \"cosface\"\ncentre_weight = 0.2\n",
        "head = \"combined\"\n",
        "head = \"softmax\"\n",
        "head = \"normalised-softmax\"\n",
        "head = \"adaface\"\n",
        "head = \"magface\"\n",
        "head = \"margin-loss\"\n",
        "head_weight = 0.5\nsub_centres = 3\nsample_fraction = 0.5\n",
    ] {
        let mut recipe = recipe(&format!("[loss]\n{head}"));
        recipe.schedule.learning_rate = 1e-4;
        let first = after(&recipe, 1, |_| {}).2;
        let last = after(&recipe, 2, |_| {}).2;
        // Another step's sample has other classes to be told from.
        if recipe.loss.sample_fraction >= 1.0 {
            let [first, now] = [&first, &last].map(|scalars| value(scalars, "loss/total"));
            assert!(now < first, "{head}: {first}, then {now}");
        }
        let weighted = last.iter().filter(|(tag, _)| tag.ends_with("_weighted"));
        let sum: f64 = weighted.map(|(_, value)| value).sum();
        let total = value(&last, "loss/total");
        assert!(
            (sum - total).abs() < 1e-9 * total.abs(),
            "{head}: {sum}, {total}"
        );
    }
}

#[test]
fn distributions_are_told_at_their_steps_alone() {
    let recipe = recipe("[histograms]\nevery = 2\nlayers = true\n");
    let mut trainer = Trainer::new(&recipe, CLASSES, &Device::flex());
    let first = trainer.step(&recipe, 0, &batch()).unwrap();
    assert!(first.distributions.is_empty());
    let second = trainer.step(&recipe, 1, &batch()).unwrap();
    let length = |tag: &str| {
        let found = second.distributions.iter().find(|(known, _)| known == tag);
        found.unwrap_or_else(|| panic!("no {tag}")).1.len()
    };
    assert_eq!(length("distribution/cosine_own"), IMAGES);
    assert_eq!(length("distribution/length"), IMAGES);
    assert_eq!(length("weights/class_weights"), CLASSES * 32);
    assert_eq!(length("gradients/class_weights"), CLASSES * 32);
    let kernel = "backbone.stem.convolution.weight";
    assert_eq!(length(&format!("gradients/{kernel}")), 16 * 3 * 9);
}

/// The change of every weight in one step on LibTorch's CPU, one after the other, and the step's scalars.
fn change(
    network: &str,
    precision: Precision,
    memory_format: MemoryFormat,
) -> Option<(Vec<f32>, StepScalars)> {
    let device = libtorch::cpu()?;
    let mut recipe = recipe("");
    recipe.precision = precision;
    recipe.memory_format = memory_format;
    if network == "mobile" {
        recipe.network.architecture = Architecture::MobileFaceNet;
    }
    recipe.network.squeeze_excitation = network == "excited";
    let mut trainer = Trainer::new(&recipe, CLASSES, &device);
    if precision == Precision::F16 {
        // The usual start is for long runs: it falls until no gradient overflows.
        trainer.loss_scale = Some(scale_of(256.0));
    }
    let before = parameters(&trainer);
    // Two kinds of picture alone would leave the last BatchNorm nothing but signs, and their gradient nothing but rounding.
    let batch = Batch {
        images: (0..2 * IMAGES * 112 * 96 * 3)
            .map(|place| ((place * 7919 / 96) % 251) as u8)
            .collect(),
        labels: (0..2 * IMAGES as u32)
            .map(|image| image % CLASSES as u32)
            .collect(),
        indices: vec![0; 2 * IMAGES],
        ..batch()
    };
    let record = trainer.step(&recipe, 0, &batch).unwrap();
    let times = record.times.unwrap();
    assert!(times.forward > 0.0 && times.backward > 0.0 && times.optimiser > 0.0);
    let after = parameters(&trainer);
    let changes = before.iter().flat_map(|(name, before)| {
        let after = after[name].values.iter();
        after
            .zip(&before.values)
            .map(|(after, before)| after - before)
    });
    Some((changes.collect(), record.scalars))
}

fn scale_of(factor: f32) -> LossScale {
    LossScale::from_tensor(&HostTensor {
        shape: vec![2],
        values: vec![factor, 0.0],
    })
}

/// What the optimiser changes.
fn parameters(trainer: &Trainer) -> NamedTensors {
    let mut weights = trainer.snapshot().weights;
    weights.retain(|name, _| !name.contains("running_") && name != "loss_scale");
    weights
}

fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |left: &[f32], right: &[f32]| -> f64 {
        let products = left.iter().zip(right);
        products.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}

#[test]
fn half_precision_and_any_order_of_memory_make_nearly_the_step_of_single_precision() {
    use MemoryFormat::{ChannelsLast, Contiguous};
    for network in ["residual", "excited", "mobile"] {
        let Some((single, scalars)) = change(network, Precision::F32, Contiguous) else {
            return;
        };
        assert!(scalars.iter().all(|(tag, _)| *tag != "train/loss_scale"));
        for (precision, order, least) in [
            (Precision::F32, ChannelsLast, 0.999),
            (Precision::Bf16, ChannelsLast, 0.9),
            (Precision::Bf16, Contiguous, 0.9),
            (Precision::F16, ChannelsLast, 0.98),
        ] {
            let what = format!("{network}, {precision:?}, {order:?}");
            let (half, of_half) = change(network, precision, order).unwrap();
            let near = cosine(&single, &half);
            assert!(near > least, "{what}: {near}");
            for tag in ["loss/total", "train/cosine_own", "train/cosine_between"] {
                let (one, other) = (value(&scalars, tag), value(&of_half, tag));
                let most = 0.02 * one.abs().max(1.0);
                assert!((one - other).abs() < most, "{what}, {tag}: {one} {other}");
            }
            let scale = of_half.iter().find(|(tag, _)| *tag == "train/loss_scale");
            let expected = (precision == Precision::F16).then_some(256.0);
            assert_eq!(scale.map(|(_, value)| *value), expected, "{what}");
        }
    }
}

#[test]
fn a_gradient_that_overflows_leaves_the_weights_and_lowers_the_factor() {
    let Some(device) = libtorch::cpu() else {
        return;
    };
    let mut recipe = recipe("");
    recipe.precision = Precision::F16;
    let mut trainer = Trainer::new(&recipe, CLASSES, &device);
    trainer.loss_scale = Some(scale_of(16_777_216.0));
    let before = parameters(&trainer);
    let record = trainer.step(&recipe, 0, &batch()).unwrap();
    assert!(parameters(&trainer) == before);
    let factor = value(&record.scalars, "train/loss_scale");
    assert_eq!(factor.to_bits(), 8_388_608_f64.to_bits());
    assert!(record.scalars.iter().all(|(_, value)| value.is_finite()));
    for step in 1..20 {
        trainer.step(&recipe, step, &batch()).unwrap();
    }
    assert!(parameters(&trainer) != before);
}
