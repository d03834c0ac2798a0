//! Takes typed values out of a [`Table`], noting every mistake instead of stopping at the first.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ops::{Bound, RangeBounds, RangeInclusive},
};

use super::{
    error::{ConfigError, ConfigErrors, Place, meant},
    tree::{Node, Table, Value},
};

/// Above nothing, without an upper end.
pub(super) const POSITIVE: (Bound<f64>, Bound<f64>) = (Bound::Excluded(0.0), Bound::Unbounded);
/// The largest whole number that TOML can write.
pub(super) const MOST: u64 = i64::MAX as u64;

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes(RefCell<Vec<ConfigError>>);

impl Mistakes {
    pub fn add(&self, place: &Place, key: impl Into<String>, problem: impl Into<String>) {
        self.0
            .borrow_mut()
            .push(ConfigError::new(place, key, problem));
    }

    pub fn check(self) -> Result<(), ConfigErrors> {
        ConfigErrors::check(self.0.into_inner())
    }
}

/// A value that was read.
#[derive(Debug, Clone)]
pub(super) struct Read<T> {
    /// The value, or the default where it was missing or wrong.
    pub value: T,
    /// The key in full.
    pub key: String,
    /// Where it stands; the table's place where the default was taken.
    pub place: Place,
    /// Whether the value can be judged further: it wasn't wrong already.
    pub sound: bool,
    /// Whether the file gives it.
    pub given: bool,
}

/// Reads one table.
pub(super) struct Reader<'a> {
    table: &'a Table,
    path: String,
    known: RefCell<Vec<&'static str>>,
    refused: RefCell<Vec<&'static str>>,
    mistakes: &'a Mistakes,
}

impl<'a> Reader<'a> {
    /// `path` is what stands before the table's keys in messages: `""` or `network`.
    pub fn new(table: &'a Table, path: impl Into<String>, mistakes: &'a Mistakes) -> Self {
        Self {
            table,
            path: path.into(),
            known: RefCell::default(),
            refused: RefCell::default(),
            mistakes,
        }
    }

    /// Where the table stands.
    pub fn place(&self) -> &'a Place {
        &self.table.place
    }

    /// A whole number in a range.
    pub fn whole(
        &self,
        key: &'static str,
        allowed: RangeInclusive<u64>,
        need: Need<u64>,
    ) -> Read<u64> {
        let words = if *allowed.end() == MOST {
            format!("a whole number from {}", allowed.start())
        } else {
            format!(
                "a whole number from {} to {}",
                allowed.start(),
                allowed.end()
            )
        };
        self.read(key, &words, need, |value| match value {
            Value::Integer(number) => u64::try_from(*number)
                .ok()
                .filter(|number| allowed.contains(number)),
            _ => None,
        })
    }

    /// A number in a range; whole numbers count, NaN and infinity do not.
    pub fn number(
        &self,
        key: &'static str,
        allowed: impl RangeBounds<f64>,
        default: f64,
    ) -> Read<f64> {
        self.read(
            key,
            &number_words(&allowed),
            Need::Default(default),
            |value| number(value, &allowed),
        )
    }

    /// A training set's weight: a share above 0, or −1.
    pub fn weight(&self, key: &'static str) -> Read<f64> {
        let words = "-1 (by size) or a number above 0";
        self.read(key, words, Need::Default(-1.0), |value| {
            number(value, &..)
                .filter(|weight| *weight > 0.0 || (*weight + 1.0).abs() < f64::EPSILON)
        })
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)], default: T) -> Read<T> {
        let words: Vec<String> = choices
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect();
        self.read(
            key,
            &words.join(", "),
            Need::Default(default),
            |value| match value {
                Value::String(text) => choices
                    .iter()
                    .find(|(word, _)| word == text)
                    .map(|(_, choice)| *choice),
                _ => None,
            },
        )
    }

    /// `true` or `false`.
    pub fn flag(&self, key: &'static str, default: bool) -> Read<bool> {
        self.read(
            key,
            "true or false",
            Need::Default(default),
            |value| match value {
                Value::Boolean(value) => Some(*value),
                _ => None,
            },
        )
    }

    /// A text that isn't empty.
    pub fn text(&self, key: &'static str, words: &str) -> Read<String> {
        self.read(
            key,
            words,
            Need::Required(String::new()),
            |value| match value {
                Value::String(text) if !text.is_empty() => Some(text.clone()),
                _ => None,
            },
        )
    }

    /// A text that `accept` takes, or nothing where the key is missing.
    pub fn optional<T>(
        &self,
        key: &'static str,
        words: &str,
        accept: impl FnOnce(&str) -> Option<T>,
    ) -> Read<Option<T>> {
        self.read(key, words, Need::Default(None), |value| match value {
            Value::String(text) => accept(text).map(Some),
            _ => None,
        })
    }

    /// A list, every item of which `item` accepts; `words` say what is allowed.
    pub fn list<T>(
        &self,
        key: &'static str,
        words: &str,
        default: Vec<T>,
        item: impl Fn(&Value) -> Option<T>,
    ) -> Read<Vec<T>> {
        let Some(node) = self.take(key) else {
            return self.absent(key, default, true);
        };
        let name = self.full(key);
        let mut read = Read {
            value: Vec::new(),
            place: node.place.clone(),
            sound: true,
            given: true,
            key: name.clone(),
        };
        if let Value::Array(items) = &node.value {
            for (index, node) in items.iter().enumerate() {
                if let Some(value) = item(&node.value) {
                    read.value.push(value);
                } else {
                    let problem = format!("found {}; allowed: {words}", node.value.shown());
                    self.mistakes
                        .add(&node.place, format!("{name}[{index}]"), problem);
                    read.sound = false;
                }
            }
        } else {
            let problem = format!(
                "found {}; allowed: a list, each of it {words}",
                node.value.shown()
            );
            self.mistakes.add(&node.place, name, problem);
            read.sound = false;
        }
        read
    }

    /// The table under a key, or an empty one.
    pub fn table<T>(&self, key: &'static str, read: impl FnOnce(&Reader<'_>) -> T) -> T {
        let empty = Table {
            place: self.table.place.clone(),
            entries: BTreeMap::new(),
        };
        let table = self.take_table(key).unwrap_or(&empty);
        let reader = Reader::new(table, self.full(key), self.mistakes);
        let value = read(&reader);
        reader.finish();
        value
    }

    /// The tables under a key, `[[key]]`; `None` where the key is missing.
    pub fn tables(&self, key: &'static str, mut read: impl FnMut(&Reader<'_>)) -> Option<Place> {
        let node = self.take(key)?;
        let name = self.full(key);
        let problem = |found: &Value| {
            format!(
                "found {}; allowed: one table or more, [[{key}]]",
                found.shown()
            )
        };
        let Value::Array(items) = &node.value else {
            self.mistakes.add(&node.place, name, problem(&node.value));
            return Some(node.place.clone());
        };
        for (index, item) in items.iter().enumerate() {
            let name = format!("{name}[{index}]");
            if let Value::Table(table) = &item.value {
                let reader = Reader::new(table, name, self.mistakes);
                read(&reader);
                reader.finish();
            } else {
                self.mistakes.add(&item.place, name, problem(&item.value));
            }
        }
        Some(node.place.clone())
    }

    /// The table under a key, whatever its keys, each a text or a list of texts, with their places.
    pub fn lists(&self, key: &'static str, words: &str) -> Vec<(String, Vec<String>, Place)> {
        let wrong = |place: &Place, name: String, found: &Value| {
            let problem = format!("found {}; allowed: {words}", found.shown());
            self.mistakes.add(place, name, problem);
        };
        let mut read = Vec::new();
        for (name, node) in self.entries(key) {
            let full = join(&self.full(key), name);
            let mut texts = Vec::new();
            match &node.value {
                Value::String(text) => texts.push(text.clone()),
                Value::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        match &item.value {
                            Value::String(text) => texts.push(text.clone()),
                            other => wrong(&item.place, format!("{full}[{index}]"), other),
                        }
                    }
                }
                other => wrong(&node.place, full, other),
            }
            read.push((name.clone(), texts, node.place.clone()));
        }
        read
    }

    /// The numbers of the table under a key, whatever its keys, with their places.
    pub fn numbers(
        &self,
        key: &'static str,
        allowed: impl RangeBounds<f64>,
    ) -> Vec<(String, f64, Place)> {
        let mut read = Vec::new();
        for (name, node) in self.entries(key) {
            if let Some(value) = number(&node.value, &allowed) {
                read.push((name.clone(), value, node.place.clone()));
            } else {
                let found = node.value.shown();
                let problem = format!("found {found}; allowed: {}", number_words(&allowed));
                let name = join(&self.full(key), name);
                self.mistakes.add(&node.place, name, problem);
            }
        }
        read
    }

    /// Notes a key that is known and can't stand here, with the reason.
    pub fn refuse(&self, key: &'static str, reason: &str) {
        if let Some(node) = self.table.entries.get(key) {
            self.refused.borrow_mut().push(key);
            self.mistakes.add(&node.place, self.full(key), reason);
        }
    }

    /// Notes the keys that nobody asked for.
    pub fn finish(self) {
        let known = self.known.into_inner();
        let refused = self.refused.into_inner();
        for (key, node) in &self.table.entries {
            if known.contains(&key.as_str()) || refused.contains(&key.as_str()) {
                continue;
            }
            let hint = meant(key, &known)
                .map(|word| format!("; did you mean {word}?"))
                .unwrap_or_default();
            let name = join(&self.path, key);
            let problem = format!("unknown key{hint} (allowed here: {})", known.join(", "));
            self.mistakes.add(&node.place, name, problem);
        }
    }

    fn take(&self, key: &'static str) -> Option<&'a Node> {
        self.known.borrow_mut().push(key);
        self.table.entries.get(key)
    }

    fn take_table(&self, key: &'static str) -> Option<&'a Table> {
        let node = self.take(key)?;
        if let Value::Table(table) = &node.value {
            return Some(table);
        }
        let problem = format!("found {}; allowed: a table, [{key}]", node.value.shown());
        self.mistakes.add(&node.place, self.full(key), problem);
        None
    }

    /// What is in the table under a key, whatever its keys.
    fn entries(&self, key: &'static str) -> impl Iterator<Item = (&'a String, &'a Node)> {
        self.take_table(key)
            .into_iter()
            .flat_map(|table| &table.entries)
    }

    fn full(&self, key: &str) -> String {
        join(&self.path, key)
    }

    fn absent<T>(&self, key: &str, value: T, sound: bool) -> Read<T> {
        Read {
            value,
            key: self.full(key),
            place: self.table.place.clone(),
            sound,
            given: false,
        }
    }

    /// Reads a scalar. A missing key takes the fallback silently unless it is required.
    fn read<T>(
        &self,
        key: &'static str,
        words: &str,
        need: Need<T>,
        accept: impl FnOnce(&Value) -> Option<T>,
    ) -> Read<T> {
        let Some(node) = self.take(key) else {
            return match need {
                Need::Default(value) => self.absent(key, value, true),
                Need::Required(value) => {
                    let problem = format!("is missing; give {words}");
                    self.mistakes
                        .add(&self.table.place, self.full(key), problem);
                    self.absent(key, value, false)
                }
            };
        };
        let accepted = accept(&node.value);
        let sound = accepted.is_some();
        if !sound {
            let problem = format!("found {}; allowed: {words}", node.value.shown());
            self.mistakes.add(&node.place, self.full(key), problem);
        }
        let (Need::Default(fallback) | Need::Required(fallback)) = need;
        Read {
            value: accepted.unwrap_or(fallback),
            key: self.full(key),
            place: node.place.clone(),
            sound,
            given: true,
        }
    }
}

/// What a missing key means.
pub(super) enum Need<T> {
    /// This value.
    Default(T),
    /// A mistake; the value only stands in until all mistakes are told.
    Required(T),
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// A number in a range; whole numbers count, NaN and infinity do not.
pub(super) fn number(value: &Value, allowed: &impl RangeBounds<f64>) -> Option<f64> {
    let number = match value {
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        _ => return None,
    };
    (number.is_finite() && allowed.contains(&number)).then_some(number)
}

/// A range in words.
pub(super) fn number_words(allowed: &impl RangeBounds<f64>) -> String {
    let low = match allowed.start_bound() {
        Bound::Included(low) => format!("a number from {low}"),
        Bound::Excluded(low) => format!("a number above {low}"),
        Bound::Unbounded => "a number".to_owned(),
    };
    match allowed.end_bound() {
        Bound::Included(high) => format!("{low} to {high}"),
        Bound::Excluded(high) => format!("{low} to below {high}"),
        Bound::Unbounded => low,
    }
}
