//! Recipes and `config.ini` as people write them, rightly and wrongly.

use std::path::Path;

use facetui::config::{AugmentOptions, DataConfig, Decay, Recipe, Stage, TrainingSet, WrongSize};

/// A recipe that is right, to break one thing of.
const RECIPE: &str = "\
steps = 100
batch_size = 32
[[datasets]]
name = \"vgg\"
";

/// The messages for a recipe's text, one a line; empty where it is right.
fn recipe_messages(text: &str, sets: &[&str]) -> String {
    let sets: Vec<String> = sets.iter().map(ToString::to_string).collect();
    match Recipe::parse_with(text, Path::new("r.toml"), &sets) {
        Ok(_) => String::new(),
        Err(errors) => errors.to_string(),
    }
}

/// Checks that the recipe `RECIPE` with `more` after it gives exactly the expected messages.
fn check_recipe(more: &str, expected: &str) {
    assert_eq!(
        recipe_messages(&format!("{RECIPE}{more}"), &[]),
        expected,
        "for {more:?}"
    );
}

/// Checks that one `--set` over `RECIPE` gives exactly the expected messages.
fn check_set(argument: &str, expected: &str) {
    assert_eq!(
        recipe_messages(RECIPE, &[argument]),
        expected,
        "for --set {argument:?}"
    );
}

fn check_ini(text: &str, expected: &str) {
    let found = match DataConfig::parse(text, Path::new("c.ini")) {
        Ok(_) => String::new(),
        Err(errors) => errors.to_string(),
    };
    assert_eq!(found, expected, "for {text:?}");
}

#[test]
fn recipes_in_assets_are_right_and_round_trip() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/recipes");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let recipe = Recipe::load(&path).unwrap_or_else(|errors| panic!("{errors}"));
        let again = Recipe::parse(&recipe.to_toml(), Path::new("again.toml"));
        assert_eq!(again.as_ref(), Ok(&recipe), "{}", path.display());
        names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
    }
    for name in [
        "arcface",
        "cpu-small",
        "demo",
        "demo-triplet",
        "margin-centre",
        "triplet",
    ] {
        assert!(names.iter().any(|found| found == name), "{name} is missing");
    }
}

#[test]
fn missing_keys_take_the_published_values() {
    let recipe = Recipe::parse(RECIPE, Path::new("r.toml")).unwrap();
    let published = Recipe::load(Path::new("assets/recipes/margin-centre.toml")).unwrap();
    assert_eq!(recipe.network, published.network);
    assert_eq!(recipe.loss, published.loss);
    assert_eq!(recipe.input, published.input);
    assert_eq!(recipe.stage, Stage::MarginCentre);
    assert_eq!(recipe.schedule.decay, Decay::Constant);
    assert!((recipe.datasets[0].weight + 1.0).abs() < 1e-12);
}

#[test]
fn a_wrong_recipe_says_line_key_found_and_allowed() {
    check_recipe("", "");
    check_recipe(
        "[network]\ndepth = 34\n",
        "r.toml:6: network.depth: found 34; allowed: 32, 50, 100, 152",
    );
    check_recipe(
        "[network]\n\ndrop = 1.0\n",
        "r.toml:7: network.drop: found 1.0; allowed: a number from 0 to below 1",
    );
    check_recipe(
        "[network]\ndrop = -0.1\n",
        "r.toml:6: network.drop: found -0.1; allowed: a number from 0 to below 1",
    );
    check_recipe(
        "[loss]\nscale = nan\n",
        "r.toml:6: loss.scale: found NaN; allowed: a number above 0",
    );
    check_recipe(
        "[loss]\nscale = inf\n",
        "r.toml:6: loss.scale: found inf; allowed: a number above 0",
    );
    check_recipe(
        "[loss]\nscale = \"64\"\n",
        "r.toml:6: loss.scale: found \"64\"; allowed: a number above 0",
    );
    check_recipe(
        "weight = 0\n",
        "r.toml:5: datasets[0].weight: found 0; allowed: -1 (by size) or a number above 0",
    );
    check_recipe(
        "[netwrk]\ndepth = 50\n",
        "r.toml:5: netwrk: unknown key; did you mean network? (allowed here: stage, steps, batch_size, validation, \
         optimiser, triplet, best, seed, precision, memory_format, validate_every, checkpoint_every, keep_checkpoints, keep_every, \
         max_broken_images, ema_decay, on_nan, park_between, on_finish, merge, datasets, input, augment, network, loss, \
         schedule, histograms)",
    );
    check_recipe(
        "[loss]\nmargn = 0.5\n",
        "r.toml:6: loss.margn: unknown key; did you mean margin? (allowed here: head, scale, margin, \
         straight_through, centre_weight, sub_centres, head_weight, sample_fraction, weight_decay)",
    );
    check_recipe(
        "[input]\nmirror = \"yes\"\n",
        "r.toml:6: input.mirror: found \"yes\"; allowed: true or false",
    );
    check_recipe(
        "[input]\nchannels = \"grb\"\n",
        "r.toml:6: input.channels: found \"grb\"; allowed: \"rgb\", \"bgr\"",
    );
    check_recipe(
        "[[datasets]]\nname = \"vgg\"\n",
        "r.toml:6: datasets[1].name: \"vgg\" is there already; give each training set once",
    );
    check_recipe(
        "[[datasets]]\nname = \"ms1m\"\nweight = 2\n",
        "r.toml:7: datasets[1].weight: -1 (by size) and shares don't mix; give every set -1, or every set a share",
    );
    check_recipe(
        "[schedule]\nwarmup_steps = 101\n",
        "r.toml:6: schedule.warmup_steps: found 101; allowed: no more than steps = 100",
    );
    check_recipe(
        "[schedule]\nboundaries = [10, 20]\nrates = [0.1]\n",
        "r.toml:7: schedule.rates: found 1; allowed: as many as boundaries, 2",
    );
    check_recipe(
        "[schedule]\nboundaries = [20, 20]\nrates = [0.1, 0.01]\n",
        "r.toml:6: schedule.boundaries: found 20 before 20; allowed: rising steps",
    );
    check_recipe(
        "[schedule]\nboundaries = [\n10,\n-20]\nrates = [0.1, -1]\n",
        "r.toml:8: schedule.boundaries[1]: found -20; allowed: a step from 1 up\n\
         r.toml:9: schedule.rates[1]: found -1; allowed: a number above 0",
    );
    check_recipe(
        "[schedule]\ndecay = \"step\"\n",
        "r.toml:6: schedule.boundaries: is missing; decay = \"step\" needs boundaries and as many rates",
    );
    check_recipe(
        "[schedule]\nmomentum = 1\n",
        "r.toml:6: schedule.momentum: found 1; allowed: a number from 0 to below 1",
    );
    check_recipe(
        "[network\ndepth = 50\n",
        "r.toml:5: isn't TOML: unclosed table, expected `]`",
    );
}

#[test]
fn wrong_ways_to_take_images_are_told() {
    check_recipe(
        "[input]\nwrong_size = \"stretch\"\n",
        "r.toml:6: input.wrong_size: found \"stretch\"; allowed: \"crop\", \"resize\"",
    );
    check_recipe(
        "[augment]\ncrop_jitter = 17\nbrightnes = 0.1\nblur_sigma = 0\n",
        "r.toml:6: augment.crop_jitter: found 17; allowed: a whole number from 0 to 16\n\
         r.toml:7: augment.brightnes: unknown key; did you mean brightness? (allowed here: crop_jitter, brightness, \
         blur_probability, blur_sigma)\n\
         r.toml:8: augment.blur_sigma: found 0; allowed: a number from 0.1 to 4",
    );
    check_recipe(
        "balanced = 1\n",
        "r.toml:5: datasets[0].balanced: found 1; allowed: true or false",
    );
    check_set(
        "merge=[]",
        "--set merge=[]: merge: found a list of 0; allowed: the path of a list of overlaps, as \"overlap.csv\"",
    );
}

#[test]
fn how_images_are_taken_is_read_and_written() {
    let text = format!(
        "merge = \"lists/o.csv\"\n{RECIPE}balanced = true\n[input]\nwrong_size = \"crop\"\n\
         [augment]\ncrop_jitter = 3\nbrightness = 0.2\nblur_probability = 0.5\n"
    );
    let path = Path::new("recipes/r.toml");
    let recipe = Recipe::parse(&text, path).unwrap();
    assert_eq!(
        recipe.merge.as_deref(),
        Some(Path::new("recipes/lists/o.csv"))
    );
    assert!(recipe.datasets[0].balanced);
    assert_eq!(recipe.input.wrong_size, WrongSize::Crop);
    let expected = AugmentOptions {
        crop_jitter: 3,
        brightness: 0.2,
        blur_probability: 0.5,
        blur_sigma: 1.5,
    };
    assert_eq!(recipe.augment, expected);
    let run = recipe.as_run();
    let again = Recipe::parse(&run.to_toml(), Path::new("recipe.toml")).unwrap();
    assert_eq!(again, run);
    assert_eq!(again.merge.as_deref(), Some(Path::new("overlap.csv")));
}

#[test]
fn all_mistakes_of_a_recipe_are_told_at_once() {
    let text = "steps = 0\nbatch_size = 0\nseed = -1\nvalidation = [\"lfw\", \"../lfw\"]\nstage = \"softmax\"\n";
    assert_eq!(
        recipe_messages(text, &[]),
        "r.toml: datasets: is missing; give at least one [[datasets]] with name and weight\n\
         r.toml:1: steps: found 0; allowed: a whole number from 1\n\
         r.toml:2: batch_size: found 0; allowed: a whole number from 2 to 65536\n\
         r.toml:3: seed: found -1; allowed: a whole number from 0\n\
         r.toml:4: validation[1]: found \"../lfw\"; allowed: the name of a section of config.ini with a verification \
         set, as \"lfw\" or \"ytf\"\n\
         r.toml:5: stage: found \"softmax\"; allowed: \"margin-centre\", \"triplet\", \"joint\""
    );
    assert_eq!(
        recipe_messages("", &[]),
        "r.toml: steps: is missing; give a whole number from 1\n\
         r.toml: datasets: is missing; give at least one [[datasets]] with name and weight"
    );
}

#[test]
fn a_triplet_batch_must_hold_whole_people() {
    let triplet =
        |rest: &str| recipe_messages(&format!("stage = \"triplet\"\n{RECIPE}{rest}"), &[]);
    assert_eq!(triplet(""), "");
    assert_eq!(
        triplet("[triplet]\nimages_per_class = 1\n"),
        "r.toml:7: triplet.images_per_class: found 1; allowed: a whole number from 2 to 65536"
    );
    assert_eq!(
        triplet("[triplet]\nimages_per_class = 5\n"),
        "r.toml:3: batch_size: found 32; allowed: a multiple of triplet.images_per_class = 5"
    );
    assert_eq!(
        triplet("[triplet]\nimages_per_class = 32\n"),
        "r.toml:3: batch_size: found 32, which is one person of triplet.images_per_class = 32; \
         allowed: two people or more, from 64"
    );
}

#[test]
fn arguments_lie_over_the_file_and_are_named_in_messages() {
    let sets: Vec<String> = [
        "network.depth=32",
        "stage=triplet",
        "schedule.decay=cosine",
        "datasets.0.weight=2.5",
        "validation=[\"ytf\"]",
        "steps=1",
        "steps=50",
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    let recipe = Recipe::parse_with(RECIPE, Path::new("r.toml"), &sets).unwrap();
    assert_eq!(recipe.network.depth, 32);
    assert_eq!(recipe.stage, Stage::Triplet);
    assert_eq!(recipe.schedule.decay, Decay::Cosine);
    assert!((recipe.datasets[0].weight - 2.5).abs() < 1e-12);
    assert_eq!(recipe.validation, ["ytf"]);
    assert_eq!(recipe.steps, 50);

    check_set(
        "steps",
        "--set steps: has no =; write key=value, as in network.depth=32",
    );
    check_set(
        "a..b=1",
        "--set a..b=1: has an empty key; write key=value, as in network.depth=32",
    );
    check_set(
        "steps=-5",
        "--set steps=-5: steps: found -5; allowed: a whole number from 1",
    );
    check_set(
        "steps=[1",
        "--set steps=[1: steps: found [1; allowed: a number, true or false, a word, \"text\" or [a, list]",
    );
    check_set(
        "steps.x=1",
        "--set steps.x=1: steps.x: steps is 100, it has no keys below it",
    );
    check_set(
        "datasets.3.weight=1",
        "--set datasets.3.weight=1: datasets.3.weight: datasets is a list of 1; after it comes a number from 0, not 3",
    );
    check_set(
        "loss.margn=1",
        "--set loss.margn=1: loss.margn: unknown key; did you mean margin? (allowed here: head, scale, margin, \
         straight_through, centre_weight, sub_centres, head_weight, sample_fraction, weight_decay)",
    );
    check_set(
        "stage=\x1b[2J",
        "--set stage=\\x1b[2J: stage: found \\x1b[2J; allowed: a number, true or false, a word, \"text\" or [a, list]",
    );
}

#[test]
fn a_config_is_read_with_paths_relative_to_it() {
    let text = "\
; where the data are
[lfw]
enable = on
npdata = lfw.bin   ; one file
pairs = .
[ytf]
enable = off
[cfp_fp]
npdata = cfp_fp.bin
[vgg]
mxrec = /data/vgg
[WebFace]
train_list = lists/train.txt
prefix = images
[mine]
folder = faces
";
    let config = DataConfig::parse(text, Path::new("/home/me/config.ini")).unwrap();
    let lfw = &config.pairs["lfw"];
    assert_eq!(lfw.npdata.as_deref(), Some(Path::new("/home/me/lfw.bin")));
    assert_eq!((&lfw.pairs, &lfw.prefix), (&None, &None));
    let frontal_and_profile = config.pairs["cfp_fp"].npdata.as_deref();
    assert_eq!(frontal_and_profile, Some(Path::new("/home/me/cfp_fp.bin")));
    assert_eq!(config.verification().collect::<Vec<_>>(), ["cfp_fp", "lfw"]);
    assert_eq!(config.ytf, None);
    assert!(config.disabled.contains("ytf"));
    assert_eq!(
        config.training["vgg"],
        TrainingSet::MxRec("/data/vgg".into())
    );
    let list = TrainingSet::List {
        train_list: "/home/me/lists/train.txt".into(),
        prefix: "/home/me/images".into(),
    };
    assert_eq!(config.training["WebFace"], list);
    assert_eq!(
        config.training["mine"],
        TrainingSet::Folders("/home/me/faces".into())
    );

    let snapshot = DataConfig::parse(&config.to_ini(), Path::new("/elsewhere/config.ini")).unwrap();
    assert_eq!(snapshot.pairs, config.pairs);
    assert_eq!(snapshot.training, config.training);
}

#[test]
fn the_example_config_is_right() {
    DataConfig::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("config.ini.example")).unwrap();
}

#[test]
fn a_wrong_config_says_line_key_found_and_allowed() {
    check_ini("[vgg]\nmxrec = a\n", "");
    check_ini(
        "mxrec = a\n",
        "c.ini:1: mxrec: stands before the first [section]; move it below one",
    );
    check_ini(
        "[vgg\nmxrec = a\n",
        "c.ini:1: found [vgg; allowed: a section's name in brackets, as in [lfw]\nc.ini:2: mxrec: stands before the first [section]; move it below one",
    );
    check_ini(
        "[vgg]\nmxrec\n",
        "c.ini:2: found mxrec; allowed: [section], key = value, or ; comment",
    );
    check_ini(
        "[lfw]\nenable = maybe\nnpdata = a\n",
        "c.ini:2: [lfw] enable: found maybe; allowed: on, off, true, false, yes, no, 1, 0",
    );
    check_ini(
        "[lfw]\nnpdta = a\n",
        "c.ini:1: [lfw]: has neither npdata nor pairs; give one, or enable = off\n\
         c.ini:2: [lfw] npdta: unknown key; did you mean npdata? (allowed here: enable, npdata, pairs, prefix)",
    );
    check_ini(
        "[lfw]\npairs = a\n",
        "c.ini:1: [lfw] prefix: is missing; pairs needs the folder of its images",
    );
    check_ini(
        "[ytf]\nsplits = a\n",
        "c.ini:1: [ytf] prefix: is missing; give the folder of the videos' images",
    );
    check_ini(
        "[ytf]\nprefix = a\n",
        "c.ini:1: [ytf]: has neither splits nor pairs; give one, or enable = off",
    );
    check_ini(
        "[vgg]\nmxrec = a\ntrain_list = b\n",
        "c.ini:3: [vgg] train_list: stands beside mxrec; a training set is one or the other",
    );
    check_ini(
        "[vgg]\nfolder = a\ntrain_list = b\n",
        "c.ini:2: [vgg] folder: stands beside train_list; a training set is one or the other",
    );
    check_ini(
        "[ltf]\nenable = 1\n",
        "c.ini:1: [ltf]: a training set needs mxrec, train_list or folder, or enable = off; did you mean [ytf]?",
    );
    check_ini(
        "[vgg]\nmxrec = a\nmxrec = b\n",
        "c.ini:3: mxrec: is there already, on line 2; give each key once",
    );
    check_ini(
        "[vgg]\nmxrec = a\n[vgg]\nmxrec = a\n",
        "c.ini:3: [vgg]: is there already, on line 1; give each section once\n\
         c.ini:4: mxrec: is there already, on line 2; give each key once",
    );
    check_ini(
        "[vgg]\nmxrec = a\n\x1b[2J = x\n",
        "c.ini:3: [vgg] \\x1b[2j: unknown key (allowed here: enable, mxrec, train_list, folder, prefix)",
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.toml");
    let message = Recipe::load(&missing).unwrap_err().to_string();
    assert!(message.starts_with(missing.to_str().unwrap()), "{message}");
    assert!(message.contains("No such file"), "{message}");

    let latin = folder.path().join("config.ini");
    std::fs::write(&latin, b"[vgg]\nmxrec = a\xe9\n").unwrap();
    let message = DataConfig::load(&latin).unwrap_err().to_string();
    assert!(
        message.ends_with("config.ini:2: isn't UTF-8 text; save the file as UTF-8"),
        "{message}"
    );
}

#[test]
fn paths_that_a_recipe_needs_are_checked_with_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.ini");
    let root = folder.path().display();
    let messages = |ini: &str, recipe: &str| {
        std::fs::write(&file, ini).unwrap();
        let recipe = Recipe::parse(recipe, Path::new("r.toml")).unwrap();
        match DataConfig::load(&file).unwrap().check_paths(&recipe) {
            Ok(()) => String::new(),
            Err(errors) => errors.to_string(),
        }
    };
    let with_lfw = format!("validation = [\"lfw\"]\n{RECIPE}");
    assert_eq!(
        messages("[lfw]\nnpdata = a.bin\n[vgg]\nmxrec = b\n", &with_lfw),
        format!(
            "{root}/config.ini:2: [lfw] npdata: {root}/a.bin isn't there; it should be a file\n\
             {root}/config.ini:4: [vgg] mxrec: {root}/b isn't there; it should be a folder"
        )
    );
    std::fs::create_dir(folder.path().join("b")).unwrap();
    std::fs::write(folder.path().join("a.bin"), "").unwrap();
    assert_eq!(
        messages("[lfw]\nnpdata = a.bin\n[vgg]\nmxrec = b\n", &with_lfw),
        format!(
            "{root}/config.ini:4: [vgg] mxrec: {root}/b/train.rec isn't there; give the folder that holds train.rec"
        )
    );
    std::fs::write(folder.path().join("b/train.rec"), "").unwrap();
    assert_eq!(
        messages("[lfw]\nnpdata = a.bin\n[vgg]\nmxrec = b\n", &with_lfw),
        ""
    );
    assert_eq!(
        messages("[lfw]\nenable = off\n[ms1m]\nmxrec = b\n", &with_lfw),
        format!(
            "{root}/config.ini: [vgg]: the recipe's datasets asks for it; add [vgg] with mxrec, train_list or folder \
             (sections that are there: lfw, ms1m)\n\
             {root}/config.ini:2: [lfw] enable: is off, but the recipe's validation asks for it; switch it on"
        )
    );
}
