//! How a recipe says what is made small, and what it is told where parts don't go together.

use std::path::Path;

use facetui::config::{
    Architecture, DecayPlace, Head, Initialisation, OptimiserRule, Recipe, Shortcut, Stage,
};

const RECIPE: &str = "\
steps = 100
batch_size = 32
[[datasets]]
name = \"vgg\"
";

/// `RECIPE` with top-level keys before it and tables after it.
fn recipe(keys: &str, tables: &str) -> Recipe {
    let text = format!("{keys}{RECIPE}{tables}");
    Recipe::parse(&text, Path::new("r.toml")).unwrap_or_else(|errors| panic!("{errors}"))
}

/// What is wrong with `RECIPE` with more at its end.
fn wrong(tables: &str) -> String {
    let text = format!("{RECIPE}{tables}");
    match Recipe::parse(&text, Path::new("r.toml")) {
        Ok(_) => String::new(),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn every_head_is_read_with_its_own_keys_and_written_back() {
    let cases = [
        (
            "scale = 30\nmargin = 0.4\nstraight_through = true\n",
            Head::Arcface {
                scale: 30.0,
                margin: 0.4,
                straight_through: true,
            },
        ),
        (
            "head = \"cosface\"\n",
            Head::Cosface {
                scale: 30.0,
                margin: 0.4,
            },
        ),
        (
            "head = \"combined\"\nm1 = 1.1\n",
            Head::Combined {
                scale: 64.0,
                m1: 1.1,
                m2: 0.3,
                m3: 0.2,
                straight_through: false,
            },
        ),
        ("head = \"softmax\"\n", Head::Softmax),
        (
            "head = \"normalised-softmax\"\nscale = 16\n",
            Head::NormalisedSoftmax { scale: 16.0 },
        ),
        (
            "head = \"adaface\"\n",
            Head::Adaface {
                scale: 64.0,
                margin: 0.4,
                concentration: 0.333,
                norm_decay: 0.99,
            },
        ),
        (
            "head = \"magface\"\nupper_norm = 51\n",
            Head::Magface {
                scale: 64.0,
                lower_norm: 10.0,
                upper_norm: 51.0,
                lower_margin: 0.45,
                upper_margin: 0.8,
                norm_weight: 35.0,
            },
        ),
        ("head = \"margin-loss\"\n", Head::MarginLoss),
    ];
    for (keys, expected) in cases {
        let recipe = recipe("", &format!("[loss]\n{keys}"));
        assert_eq!(recipe.loss.head, expected);
        let again = Recipe::parse(&recipe.to_toml(), Path::new("again.toml"));
        assert_eq!(again.as_ref(), Ok(&recipe), "{keys}");
        let expected = if matches!(expected, Head::Arcface { .. }) {
            0.3
        } else {
            0.0
        };
        assert!(
            (recipe.loss.centre_weight - expected).abs() < 1e-12,
            "{keys}"
        );
    }
}

#[test]
fn what_a_head_does_not_have_is_refused_with_the_reason() {
    for (tables, expected) in [
        (
            "[loss]\nhead = \"softmax\"\nmargin = 0.5\n",
            "r.toml:7: loss.margin: head = \"softmax\" has no such constant; it belongs to head = \"arcface\", \"cosface\", \
             \"adaface\"",
        ),
        (
            "[loss]\nm1 = 1\n",
            "r.toml:6: loss.m1: head = \"arcface\" has no such constant; it belongs to head = \"combined\"",
        ),
        (
            "[loss]\nhead = \"normalised-softmax\"\ncentre_weight = 0.3\n",
            "r.toml:7: loss.centre_weight: found 0.3; allowed: 0, because the centre term goes with a head that has a \
             margin, and head = \"normalised-softmax\" has none",
        ),
        (
            "[loss]\nhead = \"softmax\"\nsub_centres = 3\n",
            "r.toml:7: loss.sub_centres: found 3; allowed: 1, because the nearest centre is found by cosines, and head = \
             \"softmax\" has none",
        ),
        (
            "[loss]\nhead = \"magface\"\nupper_norm = 10\n",
            "r.toml:7: loss.upper_norm: found 10; allowed: above loss.lower_norm = 10",
        ),
        (
            "[loss]\nsample_fraction = 0\n",
            "r.toml:6: loss.sample_fraction: found 0; allowed: a number above 0 to 1",
        ),
        (
            "[loss]\nhead = \"arcfac\"\n",
            "r.toml:6: loss.head: found \"arcfac\"; allowed: \"arcface\", \"cosface\", \"combined\", \"softmax\", \
             \"normalised-softmax\", \"adaface\", \"magface\", \"margin-loss\"",
        ),
        (
            "[optimiser]\nbeta1 = 0.8\n",
            "r.toml:6: optimiser.beta1: kind = \"sgd\" has no such constant; it belongs to kind = \"adamw\"",
        ),
        (
            "[optimiser]\nkind = \"adamw\"\ndecay = \"loss\"\n[schedule]\nmomentum = 0.9\n",
            "r.toml:7: optimiser.decay: found \"loss\"; allowed: \"optimiser\", because AdamW is Adam with decay apart from \
             the gradient\n\
             r.toml:9: schedule.momentum: found 0.9; allowed: 0 with optimiser.kind = \"adamw\", which has \
             optimiser.beta1 in its place",
        ),
        (
            "[optimiser]\naccumulation = 5\n",
            "r.toml:6: optimiser.accumulation: found 5; allowed: a number that divides batch_size = 32 into equal parts of \
             two images or more",
        ),
        (
            "[best]\nlfw = 0.99\n",
            "r.toml:6: best.lfw: \"lfw\" is never measured; name it in validation, or leave this out",
        ),
        (
            "[network]\narchitecture = \"mobilefacenet\"\nsqueeze_excitation = true\n",
            "r.toml:7: network.squeeze_excitation: belongs to architecture = \"lresnet\"; MobileFaceNet has one shape and \
             drops nothing",
        ),
    ] {
        assert_eq!(wrong(tables), expected, "for {tables:?}");
    }
}

#[test]
fn terms_over_pairs_want_batches_that_have_them() {
    let joint = |tables: &str| wrong(tables).replace("r.toml", "r");
    let stage = |stage: &str, tables: &str| {
        let text = format!("stage = \"{stage}\"\n{RECIPE}{tables}");
        match Recipe::parse(&text, Path::new("r")) {
            Ok(_) => String::new(),
            Err(errors) => errors.to_string(),
        }
    };
    assert_eq!(
        joint("[triplet]\nhardnet_weight = 1\n"),
        "",
        "no pairs are drawn"
    );
    assert_eq!(
        stage("joint", "[triplet]\nhardnet_weight = 1\n"),
        "r:6: triplet.images_per_class: found 4; allowed: 2 where hardnet_weight is above 0, one anchor and one positive \
         of each person"
    );
    assert_eq!(
        stage("triplet", "[triplet]\nweight = 0\n"),
        "r:7: triplet.weight: found 0, and hardnet_weight is 0 too; allowed: one of them above 0 in stage = \"triplet\""
    );
    assert_eq!(
        stage("triplet", "[optimiser]\naccumulation = 16\n"),
        "r:3: batch_size: found 32; allowed: a multiple of triplet.images_per_class · optimiser.accumulation = 64"
    );
    assert_eq!(
        stage(
            "joint",
            "[triplet]\nhardnet_weight = 1\nimages_per_class = 2\n"
        ),
        ""
    );
}

#[test]
fn what_arcface_torch_does_is_a_recipe() {
    let recipe = Recipe::load(Path::new("assets/recipes/arcface.toml")).unwrap();
    assert_eq!(recipe.stage, Stage::MarginCentre);
    assert_eq!(
        recipe.loss.head,
        Head::Arcface {
            scale: 64.0,
            margin: 0.5,
            straight_through: true
        }
    );
    assert!(recipe.loss.centre_weight.abs() < 1e-12);
    assert_eq!(recipe.network.shortcut, Shortcut::Projection);
    assert_eq!(recipe.network.initialisation, Initialisation::ArcfaceTorch);
    assert!((recipe.network.batch_norm_epsilon - 1e-5).abs() < 1e-12);
    assert!((recipe.network.prelu_start - 0.25).abs() < 1e-12);
}

#[test]
fn what_was_trained_before_these_keys_is_read_as_it_was() {
    let text = format!(
        "{RECIPE}[network]\ndepth = 32\n[loss]\nscale = 32.0\nmargin = 0.3\ncentre_weight = 0.3\nweight_decay = 0.0005\n\
         [triplet]\nmargin = 0.3\nweight = 10.0\nimages_per_class = 4\nmining = \"batch-hard\"\n\
         [schedule]\nmomentum = 0.9\nlearning_rate = 0.02\nwarmup_steps = 5\ndecay = \"cosine\"\nboundaries = []\nrates = []\n"
    );
    let recipe = Recipe::parse(&text, Path::new("r.toml")).unwrap();
    assert_eq!(
        recipe.loss.head,
        Head::Arcface {
            scale: 32.0,
            margin: 0.3,
            straight_through: false
        }
    );
    assert_eq!(recipe.network.architecture, Architecture::LResNet);
    assert!(recipe.network.frozen_output_gamma && !recipe.network.squeeze_excitation);
    assert_eq!(recipe.optimiser.rule, OptimiserRule::Sgd);
    assert_eq!(recipe.optimiser.decay, DecayPlace::Loss);
    assert_eq!(recipe.loss.sub_centres, 1);
    assert!((recipe.loss.sample_fraction - 1.0).abs() < 1e-12);
}
