//! Carries out what the dashboard asks of runs; each error comes back as text that is safe to show.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;

use crate::config::{ConfigErrors, DataConfig, DeviceChoice, Recipe};
use crate::eval::Rule;
use crate::launch::{
    self, CheckpointChoice, EvaluationOrder, LaunchError, Resumed, RunName, Started, TrainingOrder,
};
use crate::run::{
    BareWeights, Command, FigureOptions, Preprocessing, RunDirectory, VerificationSet,
};
use crate::untrusted::{visible, visible_path};

use super::effect::{LaunchOrder, Manage};
use super::message::KeyOf;
use super::words;

/// Puts a command into a run's inbox.
pub fn send(path: &Path, command: &Command) -> Result<(), String> {
    let run = RunDirectory::open(path).map_err(told)?;
    run.send(command).map_err(told)
}

/// Goes on with a run that has no worker; what came of it.
pub fn resume(path: &Path) -> Result<&'static str, String> {
    let run = RunDirectory::open(path).map_err(told)?;
    Ok(match launch::resume(&run, None).map_err(told)? {
        Resumed::Started(worker) => {
            reap(worker);
            "a worker was started"
        }
        Resumed::Unpaused => "told to go on",
        Resumed::Running => "it is running anyway",
        Resumed::Finished => "nothing is left to do",
    })
}

/// What a look at a form came to.
pub struct Checked {
    /// The keys of the recipe, where it could be read without what was typed for them.
    pub keys: Option<Vec<KeyOf>>,
    /// A line about what would be launched, or all that is wrong.
    pub result: Result<String, Vec<String>>,
}

/// Reads what a form names and looks whether the data are there. Devices are asked only when it is launched: that
/// takes longer than a key press.
pub fn check(order: &LaunchOrder) -> Checked {
    let keys = match order {
        LaunchOrder::Training { recipe, .. } => Recipe::load(Path::new(recipe))
            .ok()
            .map(|recipe| keys_of(&recipe)),
        LaunchOrder::Evaluation { .. } => None,
    };
    let result = match order {
        LaunchOrder::Training { .. } => read(order).map(|(recipe, _, device)| {
            let sets: Vec<String> = recipe
                .datasets
                .iter()
                .map(|set| visible(&set.name))
                .collect();
            format!(
                "{} steps of {} images from {}, depth {}, on {device}",
                words::count(recipe.steps),
                recipe.batch_size,
                sets.join(" + "),
                recipe.network.depth
            )
        }),
        LaunchOrder::Evaluation { model, .. } => {
            read_evaluation(order).map(|(set, rule, device)| {
                let data = match set {
                    VerificationSet::Lfw { data, .. } => data,
                    VerificationSet::Ytf { splits, .. } => splits,
                };
                format!(
                    "{} on {}, rule {rule}, on {device}",
                    visible(model),
                    visible_path(&data)
                )
            })
        }
    };
    Checked { keys, result }
}

/// Every key of a recipe, in the order of its document, with what it says and what holds by default.
fn keys_of(recipe: &Recipe) -> Vec<KeyOf> {
    // What every recipe must say has no default: these values only make a whole document.
    let least = "steps = 1\n[[datasets]]\nname = \"x\"\n";
    let defaults = Recipe::parse(least, Path::new("defaults"));
    let defaults: BTreeMap<String, String> = defaults
        .map(|recipe| flat(&recipe).into_iter().collect())
        .unwrap_or_default();
    let required = |key: &str| key == "steps" || key.starts_with("datasets");
    flat(recipe)
        .into_iter()
        .map(|(key, given)| KeyOf {
            default: defaults.get(&key).filter(|_| !required(&key)).cloned(),
            key,
            given,
        })
        .collect()
}

/// The keys in full and their values as TOML writes them; tables in lists by their number.
fn flat(recipe: &Recipe) -> Vec<(String, String)> {
    fn walk(name: &str, value: &toml::Value, all: &mut Vec<(String, String)>) {
        let below = |key: &str| {
            if name.is_empty() {
                key.to_owned()
            } else {
                format!("{name}.{key}")
            }
        };
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    walk(&below(key), value, all);
                }
            }
            toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
                for (index, value) in items.iter().enumerate() {
                    walk(&below(&index.to_string()), value, all);
                }
            }
            toml::Value::String(text) => all.push((name.to_owned(), text.clone())),
            other => all.push((name.to_owned(), other.to_string())),
        }
    }
    let mut all = Vec::new();
    if let Ok(document) = toml::from_str::<toml::Value>(&recipe.to_toml()) {
        walk("", &document, &mut all);
    }
    // A recipe's own keys come before those of its tables, as in its document.
    all.sort_by_key(|(key, _)| key.contains('.'));
    all
}

/// Launches what a form says in `root`; its folder, or all that is wrong.
pub fn launch(order: &LaunchOrder, root: &Path) -> Result<PathBuf, Vec<String>> {
    let Started { run, worker } = match order {
        LaunchOrder::Training {
            recipe: file,
            name,
            from,
            ..
        } => {
            let (recipe, config, device) = read(order)?;
            let training = TrainingOrder {
                recipe: &recipe,
                config: &config,
                runs_root: root,
                name: match name.as_str() {
                    "" => RunName::like(Path::new(file)),
                    name => RunName::Given(name.to_owned()),
                },
                device,
                from: (!from.is_empty()).then(|| PathBuf::from(from)),
                auto_batch: false,
            };
            launch::train(&training).map_err(all_told)?
        }
        LaunchOrder::Evaluation { model, set, .. } => {
            let (verification, rule, device) = read_evaluation(order)?;
            let evaluation = EvaluationOrder {
                model: Path::new(model),
                checkpoint: CheckpointChoice::Newest,
                set: verification,
                figures: FigureOptions::of_rule(rule),
                preprocessing: Preprocessing::default(),
                weights: BareWeights::default(),
                runs_root: root,
                name: RunName::Like(format!("eval-{set}")),
                device,
            };
            launch::evaluate(&evaluation).map_err(all_told)?
        }
    };
    reap(worker);
    Ok(run.path().to_owned())
}

/// Does something with a run as a whole; what was done.
pub fn manage(path: &Path, what: &Manage) -> Result<String, String> {
    let run = RunDirectory::open(path).map_err(told)?;
    let name = visible(&run.name());
    match what {
        Manage::Rename(new) => {
            let moved = run.rename(new).map_err(told)?;
            Ok(format!("{name} is {} now", visible(&moved.name())))
        }
        Manage::Note(text) => {
            run.write_note(text).map_err(told)?;
            Ok(format!("{name}: noted"))
        }
        Manage::Archive => {
            let moved = run.archive().map_err(told)?;
            Ok(format!("{name} lies in {} now", visible_path(moved.path())))
        }
    }
}

fn read(order: &LaunchOrder) -> Result<(Recipe, DataConfig, DeviceChoice), Vec<String>> {
    let LaunchOrder::Training {
        recipe,
        sets,
        config,
        device,
        ..
    } = order
    else {
        return Err(vec!["this form launches no training".to_owned()]);
    };
    let files = launch::load(Path::new(recipe), sets, Path::new(config));
    let device: Result<DeviceChoice, _> = device.parse();
    match (files, device) {
        (Ok((recipe, config)), Ok(device)) => Ok((recipe, config, device)),
        (files, device) => {
            let mut wrong = files.err().as_ref().map(each).unwrap_or_default();
            wrong.extend(device.err().map(told));
            Err(wrong)
        }
    }
}

fn read_evaluation(
    order: &LaunchOrder,
) -> Result<(VerificationSet, Rule, DeviceChoice), Vec<String>> {
    let LaunchOrder::Evaluation {
        config,
        set,
        rule,
        device,
        ..
    } = order
    else {
        return Err(vec!["this form launches no evaluation".to_owned()]);
    };
    let mut wrong = Vec::new();
    let file = DataConfig::load(Path::new(config));
    let file = file.map_err(|errors| wrong.extend(each(&errors))).ok();
    let verification = file.and_then(|config| {
        let found = VerificationSet::of_section(set, &config);
        if found.is_none() {
            let there: Vec<&str> = config.verification().collect();
            wrong.push(format!(
                "set \"{}\": no section of config.ini that is on; give one of: {}",
                visible(set),
                there.join(", ")
            ));
        }
        found
    });
    let rules = [Rule::Reference, Rule::Insightface, Rule::Exact];
    let chosen = rules.into_iter().find(|one| one.to_string() == *rule);
    if chosen.is_none() {
        wrong.push(format!(
            "rule \"{}\": give reference, insightface or exact",
            visible(rule)
        ));
    }
    let device: Result<DeviceChoice, _> = device.parse();
    match (verification, chosen, device) {
        (Some(set), Some(rule), Ok(device)) if wrong.is_empty() => Ok((set, rule, device)),
        (_, _, device) => {
            wrong.extend(device.err().map(told));
            Err(wrong)
        }
    }
}

fn each(errors: &ConfigErrors) -> Vec<String> {
    errors
        .list()
        .iter()
        .map(|error| visible(&error.to_string()))
        .collect()
}

fn all_told(error: LaunchError) -> Vec<String> {
    match error {
        LaunchError::Config(errors) => each(&errors),
        error => vec![told(error)],
    }
}

fn told(error: impl std::error::Error) -> String {
    visible(&error.to_string())
}

/// Waits for a worker's end, so that the system need not remember it; the worker itself goes its own way.
fn reap(mut worker: Child) {
    thread::spawn(move || worker.wait());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = folder.path().join("recipe.toml");
        std::fs::write(&recipe, "steps = -1\nbatch_sice = 4\n").unwrap();
        let order = LaunchOrder::Training {
            recipe: recipe.display().to_string(),
            sets: vec!["network.depth=31".to_owned()],
            config: folder.path().join("config.ini").display().to_string(),
            name: String::new(),
            device: "gpu".to_owned(),
            from: String::new(),
        };
        let checked = check(&order);
        assert_eq!(
            checked.keys, None,
            "a recipe that can't be read has no keys"
        );
        let wrong = checked.result.unwrap_err().join("\n");
        for part in ["recipe.toml:1", "steps", "batch_size", "config.ini", "gpu"] {
            assert!(wrong.contains(part), "{part} is not in:\n{wrong}");
        }
        assert_eq!(launch(&order, folder.path()).unwrap_err().join("\n"), wrong);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_no_run_takes_no_command() {
        let folder = tempfile::tempdir().unwrap();
        let error = send(folder.path(), &Command::Pause).unwrap_err();
        assert!(error.contains("not a run directory"), "{error}");
    }

    #[test]
    fn a_recipes_keys_come_with_what_holds_by_default() {
        let folder = tempfile::tempdir().unwrap();
        let recipe = folder.path().join("recipe.toml");
        let text =
            "steps = 50\nbatch_size = 4\n[[datasets]]\nname = \"vgg\"\n[network]\ndepth = 32\n";
        std::fs::write(&recipe, text).unwrap();
        let order = |sets: &[&str]| LaunchOrder::Training {
            recipe: recipe.display().to_string(),
            sets: sets.iter().map(|set| (*set).to_owned()).collect(),
            config: "none.ini".to_owned(),
            name: String::new(),
            device: "auto".to_owned(),
            from: String::new(),
        };
        let keys = check(&order(&[])).keys.unwrap();
        let of = |key: &str| keys.iter().find(|known| known.key == key).unwrap();
        assert_eq!(
            (of("steps").given.as_str(), &of("steps").default),
            ("50", &None)
        );
        assert_eq!(of("network.depth").given, "32");
        assert_eq!(of("network.depth").default.as_deref(), Some("50"));
        assert_eq!(of("datasets.0.name").given, "vgg");
        assert_eq!(keys[0].key.matches('.').count(), 0);
        // What is typed is judged with its place; the keys stay.
        let typed = check(&order(&["network.depth=-3"]));
        assert_eq!(typed.keys.unwrap(), keys);
        let wrong = typed.result.unwrap_err().join("\n");
        assert!(wrong.contains("--set network.depth=-3"), "{wrong}");
        // Every value as it is shown can be typed again.
        for KeyOf { key, given, .. } in &keys {
            let wrong = check(&order(&[&format!("{key}={given}")]))
                .result
                .unwrap_err()
                .join("\n");
            assert!(!wrong.contains("--set"), "{wrong}");
        }
    }

    #[test]
    fn an_evaluations_form_is_judged_as_a_whole() {
        let order = LaunchOrder::Evaluation {
            model: "runs/x".to_owned(),
            config: "/nowhere/config.ini".to_owned(),
            set: "lfw".to_owned(),
            rule: "best".to_owned(),
            device: "gpu".to_owned(),
        };
        let wrong = check(&order).result.unwrap_err().join("\n");
        for part in ["config.ini", "rule \"best\"", "gpu"] {
            assert!(wrong.contains(part), "{part} is not in:\n{wrong}");
        }
    }
}
