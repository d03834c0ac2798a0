//! A form that launches something, as far as it is typed: its fields, the recipe's keys, what the last look at it said.

use super::effect::LaunchOrder;
use super::line::TextLine;
use super::message::KeyOf;

/// A form that launches something, as typed so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// What it launches.
    pub kind: FormKind,
    /// The fields' contents, in the order of [`FormKind::labels`].
    pub fields: Vec<TextLine>,
    /// The recipe's keys, once it was read.
    pub keys: Vec<KeyField>,
    /// The field that characters go into; those of keys come after the others.
    pub at: usize,
    /// Counts the edits, so that an answer to an older one is told.
    pub edit: u64,
    /// What the last look at it said.
    pub outcome: Outcome,
}

/// What a form launches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormKind {
    /// A training.
    Training,
    /// An evaluation.
    Evaluation,
}

/// A key of the recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyField {
    /// The key in full: `network.depth`.
    pub key: String,
    /// What is typed.
    pub line: TextLine,
    /// What the recipe says.
    pub given: String,
    /// What holds where a recipe doesn't say; `None` where every recipe must.
    pub default: Option<String>,
}

/// What is known about a form's contents.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing yet.
    Unknown,
    /// It would do: a line about the recipe.
    Good(String),
    /// What is wrong.
    Wrong(Vec<String>),
    /// Being launched.
    Launching,
}

impl FormKind {
    /// What each field is.
    pub fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Training => &["recipe", "config", "name", "device", "from"],
            Self::Evaluation => &["model", "config", "set", "rule", "device"],
        }
    }

    /// What each field wants, shown while it is empty.
    pub fn hints(self) -> &'static [&'static str] {
        match self {
            Self::Training => &[
                "a recipe file, such as assets/recipes/cpu-small.toml",
                "where data are: config.ini",
                "the new run's name; empty takes the recipe's",
                "auto, flex, cpu or cuda:0",
                "a run or checkpoint to start from; empty starts afresh",
            ],
            Self::Evaluation => &[
                "a run, a checkpoint, or a file of weights",
                "where data are: config.ini",
                "lfw or ytf, as config.ini has them",
                "reference, insightface or exact",
                "auto, flex, cpu or cuda:0",
            ],
        }
    }

    /// What stands above it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Training => "Launch a run",
            Self::Evaluation => "Evaluate a model",
        }
    }
}

impl Form {
    /// A form with what is known already; empty strings are left to be typed.
    pub fn new(kind: FormKind, fields: &[&str]) -> Self {
        Self {
            kind,
            fields: fields.iter().map(|text| TextLine::new(text)).collect(),
            keys: Vec::new(),
            at: 0,
            edit: 0,
            outcome: Outcome::Unknown,
        }
    }

    /// A form for a training, with what most people want.
    pub fn training() -> Self {
        Self::new(FormKind::Training, &["", "config.ini", "", "auto", ""])
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len() + self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The line that characters go into.
    pub fn line(&mut self) -> Option<&mut TextLine> {
        let beyond = self.at.checked_sub(self.fields.len());
        match beyond {
            None => self.fields.get_mut(self.at),
            Some(at) => self.keys.get_mut(at).map(|key| &mut key.line),
        }
    }

    /// What it asks for.
    pub fn order(&self) -> LaunchOrder {
        let field = |at: usize| {
            let field = self.fields.get(at);
            field.map_or_else(String::new, |field| field.text().trim().to_owned())
        };
        match self.kind {
            FormKind::Training => LaunchOrder::Training {
                recipe: field(0),
                sets: self
                    .keys
                    .iter()
                    .filter(|key| key.line.text() != key.given)
                    .map(|key| format!("{}={}", key.key, key.line.text()))
                    .collect(),
                config: field(1),
                name: field(2),
                device: field(3),
                from: field(4),
            },
            FormKind::Evaluation => LaunchOrder::Evaluation {
                model: field(0),
                config: field(1),
                set: field(2),
                rule: field(3),
                device: field(4),
            },
        }
    }

    /// Takes in the recipe's keys; what was typed for those that say the same as before stays.
    pub fn take_keys(&mut self, keys: Vec<KeyOf>) {
        let before = std::mem::take(&mut self.keys);
        self.keys = keys
            .into_iter()
            .map(
                |KeyOf {
                     key,
                     given,
                     default,
                 }| {
                    let known = before
                        .iter()
                        .find(|known| known.key == key && known.given == given);
                    KeyField {
                        line: known
                            .map_or_else(|| TextLine::new(&given), |known| known.line.clone()),
                        key,
                        given,
                        default,
                    }
                },
            )
            .collect();
        self.at = self.at.min(self.len().saturating_sub(1));
    }
}
