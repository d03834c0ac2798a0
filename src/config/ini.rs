//! The dialect of `config.ini`: sections, `key = value`, `;` comments, `.` for none, with the line of everything.

use std::{collections::BTreeMap, path::Path};

use super::error::{ConfigError, ConfigErrors, Place};

/// A section: its line and its keys, in lower case.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub line: usize,
    pub values: BTreeMap<String, Entry>,
}

/// A value and its line; `None` is how `.` and nothing are read.
#[derive(Debug)]
pub(super) struct Entry {
    pub line: usize,
    pub text: Option<String>,
}

/// Splits a file into its sections; `path` is what messages name.
///
/// A `;` starts a comment at a line's start or after a blank, so that a path can hold one. A `#` at a line's start
/// does too.
pub(super) fn parse(text: &str, path: &Path) -> Result<BTreeMap<String, Section>, ConfigErrors> {
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    let mut current: Option<String> = None;
    let mut errors = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let place = Place::Line(path.to_owned(), number);
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            let name = header
                .strip_suffix(']')
                .map(str::trim)
                .filter(|name| !name.is_empty());
            let Some(name) = name else {
                let problem =
                    format!("found {line}; allowed: a section's name in brackets, as in [lfw]");
                errors.push(ConfigError::whole(&place, problem));
                current = None;
                continue;
            };
            if let Some(first) = sections.get(name) {
                let problem = format!(
                    "is there already, on line {}; give each section once",
                    first.line
                );
                errors.push(ConfigError::new(&place, format!("[{name}]"), problem));
            }
            sections.entry(name.to_owned()).or_default().line = number;
            current = Some(name.to_owned());
            continue;
        }
        let Some((key, value)) = line.split_once('=').or_else(|| line.split_once(':')) else {
            let problem = format!("found {line}; allowed: [section], key = value, or ; comment");
            errors.push(ConfigError::whole(&place, problem));
            continue;
        };
        let key = key.trim().to_lowercase();
        let Some(section) = current.as_ref().and_then(|name| sections.get_mut(name)) else {
            errors.push(ConfigError::new(
                &place,
                key,
                "stands before the first [section]; move it below one",
            ));
            continue;
        };
        let value = value.trim();
        let entry = Entry {
            line: number,
            text: (!matches!(value, "" | ".")).then(|| value.to_owned()),
        };
        if let Some(first) = section.values.insert(key.clone(), entry) {
            let problem = format!(
                "is there already, on line {}; give each key once",
                first.line
            );
            errors.push(ConfigError::new(&place, key, problem));
        }
    }
    ConfigErrors::check(errors)?;
    Ok(sections)
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    let mut blank = true;
    for (index, character) in line.char_indices() {
        if character == ';' && blank {
            return &line[..index];
        }
        blank = character.is_whitespace();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lose_comments_and_a_dot_is_none() {
        let text =
            "\u{feff}; data\r\n[lfw]\r\nPairs = a;b.txt ; mine\r\nprefix: .\r\n# old\n[empty]";
        let sections = parse(text, Path::new("config.ini")).unwrap();
        let lfw = &sections["lfw"];
        assert_eq!(lfw.values["pairs"].text.as_deref(), Some("a;b.txt"));
        assert_eq!(lfw.values["pairs"].line, 3);
        assert_eq!(lfw.values["prefix"].text, None);
        assert_eq!(sections["empty"].line, 6);
    }
}
