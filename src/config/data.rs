//! `config.ini`: where the data of the published experiment's sections lie.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    path::{Path, PathBuf},
};

use super::{
    Recipe,
    error::{ConfigError, ConfigErrors, Place, meant, read_text},
    ini::{self, Section},
};

/// Where verification and training sets lie. All paths are relative to the file no longer: they carry its folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataConfig {
    /// The file that was read.
    pub path: PathBuf,
    /// Pairs of images by their section, `lfw` or any other with `npdata` or `pairs`.
    pub pairs: BTreeMap<String, PairsConfig>,
    /// Pairs of videos, unless switched off.
    pub ytf: Option<YtfConfig>,
    /// Training sets by their section.
    pub training: BTreeMap<String, TrainingSet>,
    /// Sections with `enable = off`.
    pub disabled: BTreeSet<String>,
    /// The line of every section (`"lfw"`) and key (`"lfw.npdata"`).
    lines: BTreeMap<String, usize>,
}

/// A verification set of image pairs: `npdata` alone, or `pairs` with `prefix`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairsConfig {
    /// A `.bin` or `.np` file that holds images and pairs.
    pub npdata: Option<PathBuf>,
    /// A pair list.
    pub pairs: Option<PathBuf>,
    /// The folder of the pair list's images.
    pub prefix: Option<PathBuf>,
}

/// A verification set of video pairs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct YtfConfig {
    /// A short list `flag,a,b` of image pairs, for quick checks while training.
    pub pairs: Option<PathBuf>,
    /// The folder of people, each with a folder a video.
    pub prefix: PathBuf,
    /// The split list.
    pub splits: Option<PathBuf>,
    /// The list of mislabelled videos.
    pub ytf_error: Option<PathBuf>,
}

/// A training set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrainingSet {
    /// A folder with `train.rec`, or a `.rec` file.
    MxRec(PathBuf),
    /// A text list of images with their labels.
    List {
        /// The list.
        train_list: PathBuf,
        /// The folder its image names are relative to: the list's own unless the file says otherwise.
        prefix: PathBuf,
    },
    /// A folder per identity, with or without a folder per video in it.
    Folders(PathBuf),
}

impl TrainingSet {
    /// The file or folder that the section names.
    pub fn path(&self) -> &Path {
        match self {
            Self::MxRec(path) | Self::Folders(path) => path,
            Self::List { train_list, .. } => train_list,
        }
    }
}

const PAIRS_KEYS: [&str; 4] = ["enable", "npdata", "pairs", "prefix"];
const YTF_KEYS: [&str; 5] = ["enable", "pairs", "prefix", "splits", "ytf_error"];
const TRAINING_KEYS: [&str; 5] = ["enable", "mxrec", "train_list", "folder", "prefix"];
/// What a training section needs, as messages say it.
const TRAINING_SOURCES: &str = "mxrec, train_list or folder";

impl DataConfig {
    /// Reads a `config.ini`; whether its paths exist is [`DataConfig::check_paths`]'s question.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with its line.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Self::parse(&read_text(path)?, path)
    }

    /// Reads a `config.ini` from its text; `path` is what messages name and paths are relative to.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with its line.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigErrors> {
        let sections = ini::parse(text, path)?;
        let mut config = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        let mut errors = Vec::new();
        for (name, section) in &sections {
            config.lines.insert(name.clone(), section.line);
            for (key, entry) in &section.values {
                config.lines.insert(format!("{name}.{key}"), entry.line);
            }
            let mut reader = SectionReader {
                name,
                section,
                path,
                errors: &mut errors,
            };
            let enabled = reader.enabled();
            let kind = SectionKind::of(name, section);
            let known: &[&str] = match kind {
                SectionKind::Pairs => &PAIRS_KEYS,
                SectionKind::Videos => &YTF_KEYS,
                SectionKind::Training => &TRAINING_KEYS,
            };
            reader.refuse_others(known);
            if !enabled {
                config.disabled.insert(name.clone());
                continue;
            }
            match kind {
                SectionKind::Pairs => {
                    let set = reader.pairs();
                    config.pairs.extend(set.map(|set| (name.clone(), set)));
                }
                SectionKind::Videos => config.ytf = reader.ytf(),
                SectionKind::Training => {
                    let set = reader.training();
                    config.training.extend(set.map(|set| (name.clone(), set)));
                }
            }
        }
        ConfigErrors::check(errors)?;
        Ok(config)
    }

    /// The sections of verification sets.
    pub fn verification(&self) -> impl Iterator<Item = &str> {
        let videos = self.ytf.as_ref().map(|_| "ytf");
        self.pairs.keys().map(String::as_str).chain(videos)
    }

    /// Looks whether everything that a recipe asks for is configured and there.
    ///
    /// # Errors
    ///
    /// Every section that is missing or off, and every path that isn't there, with its line.
    pub fn check_paths(&self, recipe: &Recipe) -> Result<(), ConfigErrors> {
        let mut errors = Vec::new();
        for dataset in &recipe.datasets {
            match self.training.get(&dataset.name) {
                Some(set) => self.check_training(&dataset.name, set, &mut errors),
                None => errors.push(self.absent(&dataset.name, TRAINING_SOURCES, "datasets")),
            }
        }
        for name in &recipe.validation {
            match (self.pairs.get(name), &self.ytf) {
                (Some(pairs), _) => {
                    for (key, path) in [("npdata", &pairs.npdata), ("pairs", &pairs.pairs)] {
                        self.check_path(name, key, path.as_deref(), PathKind::File, &mut errors);
                    }
                    self.check_path(
                        name,
                        "prefix",
                        pairs.prefix.as_deref(),
                        PathKind::Folder,
                        &mut errors,
                    );
                }
                (None, Some(ytf)) if name == "ytf" => {
                    for (key, path) in [
                        ("pairs", &ytf.pairs),
                        ("splits", &ytf.splits),
                        ("ytf_error", &ytf.ytf_error),
                    ] {
                        self.check_path(name, key, path.as_deref(), PathKind::File, &mut errors);
                    }
                    self.check_path(
                        name,
                        "prefix",
                        Some(&ytf.prefix),
                        PathKind::Folder,
                        &mut errors,
                    );
                }
                _ => errors.push(self.absent(name, "npdata, or pairs and prefix", "validation")),
            }
        }
        ConfigErrors::check(errors)
    }

    /// The same configuration with absolute paths, as the text of a `config.ini`.
    pub fn to_ini(&self) -> String {
        let folder = std::env::current_dir().unwrap_or_default();
        let mut text = String::new();
        let mut section = |name: &str, values: &[(&str, Option<&Path>)]| {
            // Writing to a `String` can't fail.
            let _ = writeln!(text, "[{name}]");
            for (key, path) in values {
                if let Some(path) = path {
                    let _ = writeln!(text, "{key} = {}", folder.join(path).display());
                }
            }
            text.push('\n');
        };
        for (name, pairs) in &self.pairs {
            let values = [
                ("npdata", pairs.npdata.as_deref()),
                ("pairs", pairs.pairs.as_deref()),
                ("prefix", pairs.prefix.as_deref()),
            ];
            section(name, &values);
        }
        if let Some(ytf) = &self.ytf {
            let values = [
                ("pairs", ytf.pairs.as_deref()),
                ("prefix", Some(ytf.prefix.as_path())),
                ("splits", ytf.splits.as_deref()),
                ("ytf_error", ytf.ytf_error.as_deref()),
            ];
            section("ytf", &values);
        }
        for (name, set) in &self.training {
            match set {
                TrainingSet::MxRec(path) => section(name, &[("mxrec", Some(path))]),
                TrainingSet::List { train_list, prefix } => {
                    section(
                        name,
                        &[("train_list", Some(train_list)), ("prefix", Some(prefix))],
                    );
                }
                TrainingSet::Folders(path) => section(name, &[("folder", Some(path))]),
            }
        }
        text
    }

    fn check_training(&self, name: &str, set: &TrainingSet, errors: &mut Vec<ConfigError>) {
        match set {
            TrainingSet::MxRec(path) if path.is_file() => {}
            TrainingSet::MxRec(path) => {
                self.check_path(name, "mxrec", Some(path), PathKind::Folder, errors);
                let records = path.join("train.rec");
                if path.is_dir() && !records.is_file() {
                    let problem = format!(
                        "{} isn't there; give the folder that holds train.rec",
                        records.display()
                    );
                    errors.push(self.error(name, Some("mxrec"), problem));
                }
            }
            TrainingSet::List { train_list, prefix } => {
                self.check_path(name, "train_list", Some(train_list), PathKind::File, errors);
                self.check_path(name, "prefix", Some(prefix), PathKind::Folder, errors);
            }
            TrainingSet::Folders(path) => {
                self.check_path(name, "folder", Some(path), PathKind::Folder, errors);
            }
        }
    }

    fn check_path(
        &self,
        section: &str,
        key: &str,
        path: Option<&Path>,
        kind: PathKind,
        errors: &mut Vec<ConfigError>,
    ) {
        let Some(path) = path else {
            return;
        };
        let (right, kind) = match kind {
            PathKind::File => (path.is_file(), "a file"),
            PathKind::Folder => (path.is_dir(), "a folder"),
        };
        if right {
            return;
        }
        let found = if path.exists() {
            "isn't"
        } else {
            "isn't there; it should be"
        };
        let problem = format!("{} {found} {kind}", path.display());
        errors.push(self.error(section, Some(key), problem));
    }

    fn absent(&self, name: &str, content: &str, recipe_key: &str) -> ConfigError {
        if self.disabled.contains(name) {
            let problem =
                format!("is off, but the recipe's {recipe_key} asks for it; switch it on");
            return self.error(name, Some("enable"), problem);
        }
        let there: Vec<&str> = self
            .lines
            .keys()
            .filter(|key| !key.contains('.'))
            .map(String::as_str)
            .collect();
        let there = if there.is_empty() {
            "none".to_owned()
        } else {
            there.join(", ")
        };
        let problem = format!(
            "the recipe's {recipe_key} asks for it; add [{name}] with {content} (sections that are there: {there})"
        );
        self.error(name, None, problem)
    }

    fn error(&self, section: &str, key: Option<&str>, problem: String) -> ConfigError {
        let line = key.and_then(|key| self.lines.get(&format!("{section}.{key}")));
        let place = match line.or_else(|| self.lines.get(section)) {
            Some(line) => Place::Line(self.path.clone(), *line),
            None => Place::File(self.path.clone()),
        };
        let name = key.map_or_else(
            || format!("[{section}]"),
            |key| format!("[{section}] {key}"),
        );
        ConfigError::new(&place, name, problem)
    }
}

/// What should lie at a path.
#[derive(Clone, Copy)]
enum PathKind {
    File,
    Folder,
}

/// What a section says the place of.
#[derive(Clone, Copy)]
enum SectionKind {
    /// Pairs of images.
    Pairs,
    /// Pairs of videos.
    Videos,
    /// Images to train on.
    Training,
}

impl SectionKind {
    fn of(name: &str, section: &Section) -> Self {
        match name {
            "ytf" => Self::Videos,
            "lfw" => Self::Pairs,
            _ => {
                let gives = |key| {
                    section
                        .values
                        .get(key)
                        .is_some_and(|entry| entry.text.is_some())
                };
                if gives("npdata") || gives("pairs") {
                    Self::Pairs
                } else {
                    Self::Training
                }
            }
        }
    }
}

/// Whether a name can be part of a file's name.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || "-_".contains(sign))
}

/// Reads one section.
struct SectionReader<'a> {
    name: &'a str,
    section: &'a Section,
    path: &'a Path,
    errors: &'a mut Vec<ConfigError>,
}

impl SectionReader<'_> {
    fn error(&mut self, line: usize, key: &str, problem: impl Into<String>) {
        let place = Place::Line(self.path.to_owned(), line);
        let name = if key.is_empty() {
            format!("[{}]", self.name)
        } else {
            format!("[{}] {key}", self.name)
        };
        self.errors.push(ConfigError::new(&place, name, problem));
    }

    fn enabled(&mut self) -> bool {
        let Some(entry) = self.section.values.get("enable") else {
            return true;
        };
        match entry.text.as_deref().unwrap_or(".").to_lowercase().as_str() {
            "on" | "true" | "yes" | "1" => true,
            "off" | "false" | "no" | "0" => false,
            found => {
                let problem =
                    format!("found {found}; allowed: on, off, true, false, yes, no, 1, 0");
                self.error(entry.line, "enable", problem);
                true
            }
        }
    }

    fn refuse_others(&mut self, known: &[&str]) {
        let others: Vec<(&String, usize)> = self
            .section
            .values
            .iter()
            .filter(|(key, _)| !known.contains(&key.as_str()))
            .map(|(key, entry)| (key, entry.line))
            .collect();
        for (key, line) in others {
            let hint = meant(key, known)
                .map(|word| format!("; did you mean {word}?"))
                .unwrap_or_default();
            self.error(
                line,
                key,
                format!("unknown key{hint} (allowed here: {})", known.join(", ")),
            );
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        let text = self.section.values.get(key)?.text.as_deref()?;
        let folder = self.path.parent().unwrap_or(Path::new(""));
        Some(folder.join(text))
    }

    fn pairs(&mut self) -> Option<PairsConfig> {
        if !is_plain_name(self.name) {
            self.error(
                self.section.line,
                "",
                "names a verification set; give it a name of letters, digits, - and _, which checkpoints can have in theirs",
            );
            return None;
        }
        let pairs = PairsConfig {
            npdata: self.path("npdata"),
            pairs: self.path("pairs"),
            prefix: self.path("prefix"),
        };
        if pairs.npdata.is_none() && pairs.pairs.is_none() {
            self.error(
                self.section.line,
                "",
                "has neither npdata nor pairs; give one, or enable = off",
            );
            return None;
        }
        if pairs.npdata.is_none() && pairs.prefix.is_none() {
            self.error(
                self.section.line,
                "prefix",
                "is missing; pairs needs the folder of its images",
            );
            return None;
        }
        Some(pairs)
    }

    fn ytf(&mut self) -> Option<YtfConfig> {
        let (pairs, splits) = (self.path("pairs"), self.path("splits"));
        if pairs.is_none() && splits.is_none() {
            self.error(
                self.section.line,
                "",
                "has neither splits nor pairs; give one, or enable = off",
            );
        }
        let Some(prefix) = self.path("prefix") else {
            self.error(
                self.section.line,
                "prefix",
                "is missing; give the folder of the videos' images",
            );
            return None;
        };
        Some(YtfConfig {
            pairs,
            prefix,
            splits,
            ytf_error: self.path("ytf_error"),
        })
    }

    fn training(&mut self) -> Option<TrainingSet> {
        let sources = [
            ("mxrec", self.path("mxrec")),
            ("train_list", self.path("train_list")),
            ("folder", self.path("folder")),
        ];
        let given: Vec<&str> = sources
            .iter()
            .filter(|(_, path)| path.is_some())
            .map(|(key, _)| *key)
            .collect();
        if let [first, second, ..] = given[..] {
            let entry = self.section.values.get(second);
            let line = entry.map_or(self.section.line, |entry| entry.line);
            let problem = format!("stands beside {first}; a training set is one or the other");
            self.error(line, second, problem);
            return None;
        }
        let [(_, records), (_, list), (_, folder)] = sources;
        if let Some(path) = records {
            return Some(TrainingSet::MxRec(path));
        }
        if let Some(train_list) = list {
            return Some(TrainingSet::List {
                prefix: self
                    .path("prefix")
                    .or_else(|| Some(train_list.parent()?.to_owned()))
                    .unwrap_or_default(),
                train_list,
            });
        }
        if let Some(path) = folder {
            return Some(TrainingSet::Folders(path));
        }
        let hint =
            meant(self.name, &["lfw", "ytf"]).map(|word| format!("; did you mean [{word}]?"));
        let problem = format!(
            "a training set needs {TRAINING_SOURCES}, or enable = off{}",
            hint.unwrap_or_default()
        );
        self.error(self.section.line, "", problem);
        None
    }
}
