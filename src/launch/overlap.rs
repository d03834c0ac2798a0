//! Starting a search for the people that two sets share.

use std::path::{Path, PathBuf};

use super::{CheckpointChoice, LaunchError, RunName, Started, devices, find, start::start};
use crate::{
    config::{DataConfig, DeviceChoice, PersonsSource, TrainingSet},
    data::{DataError, Persons},
    run::{BareWeights, Job, NamedPersons, OverlapOptions, Preprocessing, Work},
};

/// A search to be started.
#[derive(Debug, Clone)]
pub struct OverlapOrder<'a> {
    /// The two sets, each a section of `config.ini` or a path.
    pub sets: [&'a Path; 2],
    /// Where sections are looked up.
    pub config: Option<&'a DataConfig>,
    /// What embeds.
    pub model: &'a Path,
    /// Which checkpoint of a run.
    pub checkpoint: CheckpointChoice,
    /// What to change in the model's own description.
    pub preprocessing: Preprocessing,
    /// How people are compared.
    pub options: OverlapOptions,
    /// The folder of runs.
    pub runs_root: &'a Path,
    /// The run's name.
    pub name: RunName,
    /// The device.
    pub device: DeviceChoice,
}

/// Checks the order, makes the run directory and starts its worker.
///
/// # Errors
/// What is wrong with the order; nothing is left behind then.
pub fn overlap(order: &OverlapOrder<'_>) -> Result<Started, LaunchError> {
    let model = find::model(order.runs_root, order.model, order.checkpoint)?;
    let [a, b] = order.sets.map(|set| named(set, order.config));
    let (a, b) = (a?, b?);
    for set in [&a, &b] {
        let persons = Persons::open(&set.source)?;
        if persons.people.is_empty() {
            return Err(LaunchError::Path {
                option: "a set",
                path: PathBuf::from(&set.name),
                reason: "has no people".to_owned(),
            });
        }
    }
    let worker = devices::check(order.device)?;
    let job = Job {
        device: order.device,
        work: Work::Overlap {
            a,
            b,
            model,
            preprocessing: order.preprocessing.clone(),
            weights: BareWeights::default(),
            options: order.options,
        },
    };
    start(order.runs_root, &order.name, &job, 0, &[], &worker)
}

/// The set of a section, or at a path.
fn named(set: &Path, config: Option<&DataConfig>) -> Result<NamedPersons, LaunchError> {
    let text = set.to_string_lossy().into_owned();
    if let Some(source) = config.and_then(|config| of_section(&text, config)) {
        return Ok(NamedPersons { name: text, source });
    }
    if !set.exists() {
        let sections = config.map_or_else(String::new, |config| {
            let names: Vec<&str> = config.training.keys().map(String::as_str).collect();
            format!(
                " nor one of the training sets of config.ini ({})",
                names.join(", ")
            )
        });
        return Err(LaunchError::Path {
            option: "a set",
            path: set.to_owned(),
            reason: format!("is no path{sections}; give a section of config.ini or a set's path"),
        });
    }
    let path = std::path::absolute(set).map_err(|source| DataError::Read {
        path: set.to_owned(),
        source,
    })?;
    let name = path.file_stem().unwrap_or_default();
    Ok(NamedPersons {
        name: name.to_string_lossy().into_owned(),
        source: at_path(path),
    })
}

fn of_section(name: &str, config: &DataConfig) -> Option<PersonsSource> {
    if let Some(pairs) = config.pairs.get(name) {
        return Some(PersonsSource::Pairs {
            data: pairs.pairs.as_ref().or(pairs.npdata.as_ref())?.clone(),
            images: pairs.prefix.clone(),
        });
    }
    match name {
        "ytf" => {
            let ytf = config.ytf.as_ref()?;
            Some(PersonsSource::Videos {
                splits: ytf.splits.clone()?,
                frames: ytf.prefix.clone(),
            })
        }
        _ => Some(match config.training.get(name)? {
            TrainingSet::Folders(path) => PersonsSource::Folders { path: path.clone() },
            TrainingSet::MxRec(path) => PersonsSource::Records { path: path.clone() },
            TrainingSet::List { train_list, prefix } => PersonsSource::List {
                list: train_list.clone(),
                root: prefix.clone(),
            },
        }),
    }
}

fn at_path(path: PathBuf) -> PersonsSource {
    let ends_in = |ending: &str| path.extension().is_some_and(|end| end == ending);
    if ends_in("rec") || path.join("train.rec").is_file() {
        PersonsSource::Records { path }
    } else if path.is_dir() {
        PersonsSource::Folders { path }
    } else if ends_in("bin") || ends_in("np") {
        PersonsSource::Pairs {
            data: path,
            images: None,
        }
    } else {
        let root = path.parent().unwrap_or(Path::new("")).to_owned();
        PersonsSource::List { list: path, root }
    }
}
