//! A TOML document as a tree of values that remember where they stand, with `--set` arguments laid over it.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, ConfigErrors, Place, line_after};

/// A table: its keys, each with the place of its value.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub place: Place,
    pub entries: BTreeMap<String, Node>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
}

/// A TOML value.
#[derive(Debug, Clone)]
pub(super) enum Value {
    String(String),
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Array(Vec<Node>),
    Table(Table),
    /// What no recipe has a use for: dates, and numbers beyond all bounds; its text.
    Other(String),
}

impl Value {
    /// The value as a message quotes it.
    pub fn shown(&self) -> String {
        match self {
            Self::String(text) => format!("\"{text}\""),
            Self::Integer(number) => number.to_string(),
            Self::Float(number) => format!("{number:?}"),
            Self::Boolean(value) => value.to_string(),
            Self::Array(items) => format!("a list of {}", items.len()),
            Self::Table(_) => "a table".to_owned(),
            Self::Other(text) => text.clone(),
        }
    }
}

impl Table {
    /// Parses a document; `path` is what messages name.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigErrors> {
        let source = Source::File(text, path);
        let (document, problems) = DeTable::parse_recoverable(text);
        let problems = problems
            .iter()
            .map(|problem| {
                let place = source.place(&problem.span().unwrap_or(0..0));
                ConfigError::whole(&place, format!("isn't TOML: {}", problem.message()))
            })
            .collect();
        ConfigErrors::check(problems)?;
        Ok(Self {
            place: Place::File(path.to_owned()),
            entries: entries(document.get_ref(), &source),
        })
    }

    /// Lays one `key=value` argument over the table; a later one wins.
    pub fn set(&mut self, argument: &str) -> Result<(), ConfigError> {
        let place = Place::Argument(argument.to_owned());
        let (key, text) = argument.split_once('=').ok_or_else(|| {
            ConfigError::whole(&place, "has no =; write key=value, as in network.depth=32")
        })?;
        let keys: Vec<&str> = key.split('.').map(str::trim).collect();
        if keys.iter().any(|key| key.is_empty()) {
            return Err(ConfigError::whole(
                &place,
                "has an empty key; write key=value, as in network.depth=32",
            ));
        }
        let value = argument_value(text.trim(), argument).ok_or_else(|| {
            let problem = format!(
                "found {text}; allowed: a number, true or false, a word, \"text\" or [a, list]"
            );
            ConfigError::new(&place, key, problem)
        })?;
        self.put(
            &keys,
            Node {
                place: place.clone(),
                value,
            },
        )
        .map_err(|problem| ConfigError::new(&place, key, problem))
    }

    fn put(&mut self, keys: &[&str], node: Node) -> Result<(), String> {
        let (first, rest) = keys.split_first().ok_or("is empty")?;
        if rest.is_empty() {
            self.entries.insert((*first).to_owned(), node);
            return Ok(());
        }
        let below = self
            .entries
            .entry((*first).to_owned())
            .or_insert_with(|| Node {
                place: node.place.clone(),
                value: Value::Table(Self {
                    place: node.place.clone(),
                    entries: BTreeMap::new(),
                }),
            });
        below.value.put(first, rest, node)
    }
}

impl Value {
    fn put(&mut self, name: &str, keys: &[&str], node: Node) -> Result<(), String> {
        match (self, keys) {
            (Self::Table(table), keys) => table.put(keys, node),
            (Self::Array(items), [index, rest @ ..]) => {
                let count = items.len();
                let item = index
                    .parse()
                    .ok()
                    .and_then(|index: usize| items.get_mut(index))
                    .ok_or_else(|| format!("{name} is a list of {count}; after it comes a number from 0, not {index}"))?;
                if rest.is_empty() {
                    *item = node;
                    Ok(())
                } else {
                    item.value.put(index, rest, node)
                }
            }
            (value, _) => Err(format!(
                "{name} is {}, it has no keys below it",
                value.shown()
            )),
        }
    }
}

/// The value of a `--set` argument: TOML, or a bare word, which shells make hard to quote.
fn argument_value(text: &str, argument: &str) -> Option<Value> {
    if let Ok(parsed) = DeValue::parse(text) {
        return Some(value(parsed.get_ref(), &Source::Argument(argument)));
    }
    let plain = |character: char| character.is_alphanumeric() || "_-.:/+".contains(character);
    (!text.is_empty() && text.chars().all(plain)).then(|| Value::String(text.to_owned()))
}

/// Where a text came from, to make places of byte ranges.
enum Source<'a> {
    File(&'a str, &'a Path),
    Argument(&'a str),
}

impl Source<'_> {
    fn place(&self, span: &Range<usize>) -> Place {
        match self {
            Self::File(text, path) => {
                let before = &text.as_bytes()[..span.start.min(text.len())];
                Place::Line(PathBuf::from(path), line_after(before))
            }
            Self::Argument(argument) => Place::Argument((*argument).to_owned()),
        }
    }
}

fn entries(table: &DeTable<'_>, source: &Source<'_>) -> BTreeMap<String, Node> {
    table
        .iter()
        .map(|(key, node)| {
            // The key's line: a list's value can span many.
            let place = source.place(&key.span());
            let mut value = value(node.get_ref(), source);
            if let Value::Table(table) = &mut value {
                table.place = place.clone();
            }
            (key.get_ref().to_string(), Node { place, value })
        })
        .collect()
}

fn value(value: &DeValue<'_>, source: &Source<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other(number.to_string()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::Other(number.to_string()),
        },
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(date) => Value::Other(date.to_string()),
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| {
                    let place = source.place(&item.span());
                    let mut value = self::value(item.get_ref(), source);
                    if let Value::Table(table) = &mut value {
                        table.place = place.clone();
                    }
                    Node { place, value }
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(Table {
            place: source.place(&(0..0)),
            entries: entries(table, source),
        }),
    }
}
