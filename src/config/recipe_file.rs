//! Reads and writes a recipe file: defaults, ranges, and which values can't go together.
//!
//! A missing key takes the published experiment's value, so that a recipe says only what is its own. Only `steps` and
//! `[[datasets]]` have to be there.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    AugmentOptions, ChannelOrder, Crop, DatasetChoice, HistogramOptions, InputOptions,
    MemoryFormat, OnNan, ParkWindow, Precision, Recipe, Stage, WrongSize,
    data::is_plain_name,
    error::{ConfigErrors, Place, read_text},
    network_file::read_network,
    objective_file::{read_loss, read_triplet},
    optimisation_file::{read_optimiser, read_schedule},
    reader::{MOST, Mistakes, Need, Read, Reader},
    tree::{Table, Value},
};

impl Recipe {
    /// Reads a recipe file.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with its line.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Self::load_with(path, &[])
    }

    /// Reads a recipe file and lays `key=value` arguments over it.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with its line or its argument.
    pub fn load_with(path: &Path, sets: &[String]) -> Result<Self, ConfigErrors> {
        Self::parse_with(&read_text(path)?, path, sets)
    }

    /// Reads a recipe from its text; `path` is what messages name.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with its line.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigErrors> {
        Self::parse_with(text, path, &[])
    }

    /// Reads a recipe from its text and lays `key=value` arguments over it.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with its line or its argument.
    pub fn parse_with(text: &str, path: &Path, sets: &[String]) -> Result<Self, ConfigErrors> {
        let mut table = Table::parse(text, path)?;
        let bad_sets = sets
            .iter()
            .filter_map(|argument| table.set(argument).err())
            .collect();
        ConfigErrors::check(bad_sets)?;
        let mistakes = Mistakes::default();
        let recipe = read_recipe(&table, &mistakes);
        mistakes.check()?;
        Ok(recipe)
    }

    /// The recipe as a TOML document that [`Recipe::parse`] reads back to the same recipe, every key given.
    ///
    /// # Panics
    ///
    /// Where a number was put in by hand that TOML can't write, above `i64::MAX`; reading refuses those. And where the
    /// merge list lies in a folder whose name isn't UTF-8; [`Recipe::as_run`] has no folder in it.
    pub fn to_toml(&self) -> String {
        toml::to_string(self)
            .expect("a recipe has only TOML's own types and no number above i64::MAX")
    }
}

fn read_recipe(table: &Table, mistakes: &Mistakes) -> Recipe {
    let reader = Reader::new(table, "", mistakes);
    let stages = [
        ("margin-centre", Stage::MarginCentre),
        ("triplet", Stage::Triplet),
        ("joint", Stage::Joint),
    ];
    let stage = reader.choice("stage", &stages, Stage::MarginCentre);
    let steps = reader.whole("steps", 1..=MOST, Need::Required(1));
    // BatchNorm needs two images to have a variance.
    let batch_size = reader.whole("batch_size", 2..=65_536, Need::Default(64));
    let validation = reader.list(
        "validation",
        "the name of a section of config.ini with a verification set, as \"lfw\" or \"ytf\"",
        vec![],
        |value| match value {
            Value::String(text) if is_plain_name(text) => Some(text.clone()),
            _ => None,
        },
    );
    check_no_repeats(&validation, mistakes);
    let (optimiser, accumulation) = read_optimiser(&reader, &batch_size, mistakes);
    let triplet = read_triplet(&reader, &stage, &batch_size, &accumulation, mistakes);
    let best = read_best(&reader, &validation, mistakes);
    let on_nan = [
        ("stop", OnNan::Stop),
        ("skip", OnNan::Skip),
        ("rewind", OnNan::Rewind),
    ];
    let precisions = [Precision::F32, Precision::Bf16, Precision::F16];
    let formats = [
        MemoryFormat::Auto,
        MemoryFormat::Contiguous,
        MemoryFormat::ChannelsLast,
    ];
    let recipe = Recipe {
        stage: stage.value,
        steps: steps.value,
        seed: reader.whole("seed", 0..=MOST, Need::Default(1)).value,
        batch_size: batch_size.value as usize,
        precision: reader
            .choice(
                "precision",
                &precisions.map(|precision| (precision.name(), precision)),
                Precision::F32,
            )
            .value,
        memory_format: reader
            .choice(
                "memory_format",
                &formats.map(|format| (format.name(), format)),
                MemoryFormat::Auto,
            )
            .value,
        validate_every: reader
            .whole("validate_every", 0..=MOST, Need::Default(2_000))
            .value,
        checkpoint_every: reader
            .whole("checkpoint_every", 0..=MOST, Need::Default(20_000))
            .value,
        keep_checkpoints: reader
            .whole("keep_checkpoints", 1..=1_000_000, Need::Default(5))
            .value as usize,
        keep_every: reader.whole("keep_every", 0..=MOST, Need::Default(0)).value,
        max_broken_images: reader
            .whole("max_broken_images", 0..=MOST, Need::Default(100))
            .value,
        ema_decay: reader.number("ema_decay", 0.0..1.0, 0.0).value,
        on_nan: reader.choice("on_nan", &on_nan, OnNan::Stop).value,
        park_between: reader
            .optional(
                "park_between",
                "two different times of day, such as \"09:00-18:00\"",
                |text| text.parse::<ParkWindow>().ok(),
            )
            .value,
        on_finish: reader
            .optional("on_finish", "a shell command", |text| {
                (!text.trim().is_empty()).then(|| text.to_owned())
            })
            .value,
        validation: validation.value,
        merge: read_merge(&reader),
        best,
        datasets: read_datasets(&reader, mistakes),
        input: read_input(&reader),
        augment: read_augment(&reader),
        network: read_network(&reader, mistakes),
        loss: read_loss(&reader, mistakes),
        triplet,
        schedule: read_schedule(&reader, &steps, optimiser.rule, mistakes),
        optimiser,
        histograms: reader.table("histograms", |histograms| HistogramOptions {
            every: histograms
                .whole("every", 0..=MOST, Need::Default(100))
                .value,
            layers: histograms.flag("layers", false).value,
        }),
    };
    reader.finish();
    recipe
}

/// A path in the file is relative to the file's folder; one given as an argument, to the folder one is in.
fn read_merge(reader: &Reader<'_>) -> Option<PathBuf> {
    let merge = reader.optional(
        "merge",
        "the path of a list of overlaps, as \"overlap.csv\"",
        |text| (!text.is_empty()).then(|| text.to_owned()),
    );
    let path = merge.value?;
    let folder = match &merge.place {
        Place::File(file) | Place::Line(file, _) => file.parent(),
        Place::Argument(_) => None,
    };
    Some(folder.unwrap_or(Path::new("")).join(path))
}

fn read_datasets(reader: &Reader<'_>, mistakes: &Mistakes) -> Vec<DatasetChoice> {
    let choices: RefCell<Vec<(DatasetChoice, Place)>> = RefCell::default();
    let place = reader.tables("datasets", |dataset| {
        let name = dataset.text(
            "name",
            "the name of a section of config.ini with a training set",
        );
        let weight = dataset.weight("weight");
        let known = choices
            .borrow()
            .iter()
            .any(|(choice, _)| choice.name == name.value);
        if name.sound && known {
            let problem = format!(
                "\"{}\" is there already; give each training set once",
                name.value
            );
            mistakes.add(&name.place, name.key, problem);
        }
        let choice = DatasetChoice {
            name: name.value,
            weight: weight.value,
            balanced: dataset.flag("balanced", false).value,
        };
        choices.borrow_mut().push((choice, weight.place));
    });
    let choices = choices.into_inner();
    if choices.is_empty() {
        let place = place.as_ref().unwrap_or(reader.place());
        mistakes.add(
            place,
            "datasets",
            "is missing; give at least one [[datasets]] with name and weight",
        );
    }
    let by_size = |choice: &DatasetChoice| choice.weight < 0.0;
    let first = choices.first().is_some_and(|(choice, _)| by_size(choice));
    for (index, (choice, place)) in choices.iter().enumerate() {
        if by_size(choice) != first {
            let problem =
                "-1 (by size) and shares don't mix; give every set -1, or every set a share";
            mistakes.add(place, format!("datasets[{index}].weight"), problem);
        }
    }
    choices.into_iter().map(|(choice, _)| choice).collect()
}

/// The accuracies above which a new best is saved, by section.
fn read_best(
    reader: &Reader<'_>,
    validation: &Read<Vec<String>>,
    mistakes: &Mistakes,
) -> BTreeMap<String, f64> {
    let mut accuracies = BTreeMap::new();
    for (section, above, place) in reader.numbers("best", 0.0..1.0) {
        if validation.sound && !validation.value.contains(&section) {
            let problem = format!(
                "\"{section}\" is never measured; name it in validation, or leave this out"
            );
            mistakes.add(&place, format!("best.{section}"), problem);
        }
        accuracies.insert(section, above);
    }
    accuracies
}

fn read_input(reader: &Reader<'_>) -> InputOptions {
    reader.table("input", |input| InputOptions {
        crop: input
            .choice(
                "crop",
                &[("112x96", Crop::Reference), ("112x112", Crop::Full)],
                Crop::Reference,
            )
            .value,
        channels: input
            .choice(
                "channels",
                &[("rgb", ChannelOrder::Rgb), ("bgr", ChannelOrder::Bgr)],
                ChannelOrder::Bgr,
            )
            .value,
        mirror: input.flag("mirror", true).value,
        wrong_size: input
            .choice(
                "wrong_size",
                &[("crop", WrongSize::Crop), ("resize", WrongSize::Resize)],
                WrongSize::default(),
            )
            .value,
    })
}

fn read_augment(reader: &Reader<'_>) -> AugmentOptions {
    reader.table("augment", |augment| AugmentOptions {
        crop_jitter: augment.whole("crop_jitter", 0..=16, Need::Default(0)).value as u32,
        brightness: augment.number("brightness", 0.0..1.0, 0.0).value,
        blur_probability: augment.number("blur_probability", 0.0..=1.0, 0.0).value,
        blur_sigma: augment.number("blur_sigma", 0.1..=4.0, 1.5).value,
    })
}

fn check_no_repeats(list: &Read<Vec<String>>, mistakes: &Mistakes) {
    for (index, item) in list.value.iter().enumerate() {
        if list.value[..index].contains(item) {
            let problem = format!("\"{item}\" is there twice; give each once");
            mistakes.add(&list.place, format!("{}[{index}]", list.key), problem);
        }
    }
}
