//! The list of mislabelled videos: a plain file of names, and beside it a TOML file of reasons.
//!
//! The plain list alone says which videos are left out, so that the published code and any other program read the same.
//! `LIST.toml` beside it tells why, by whom and when; what it says of videos that aren't listed counts for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::EvalError;
use crate::atomic::atomic_write;
use crate::untrusted::visible;

/// The names of mislabelled videos (`Alma_Powell/2`), with what is known of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorList {
    /// The plain list as it stands in its file, comments and all.
    lines: Vec<String>,
    names: BTreeSet<String>,
    notes: BTreeMap<String, Note>,
}

/// Why a video is on the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Since when: `2026-03-01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    #[serde(default)]
    video: BTreeMap<String, Note>,
}

const PUBLISHED: &str = include_str!("../../assets/ytf-error.txt");

impl ErrorList {
    /// The published list of YouTube Faces, which ships with the program.
    pub fn published() -> Self {
        Self::parse(PUBLISHED)
    }

    /// Reads a list of one name a line; blank lines and what follows a `#` are passed over.
    pub fn parse(text: &str) -> Self {
        let lines: Vec<String> = text
            .trim_start_matches('\u{feff}')
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        Self {
            names: lines.iter().filter_map(|line| name_in(line)).collect(),
            lines,
            notes: BTreeMap::new(),
        }
    }

    /// Reads a list and the reasons beside it, if there are any.
    ///
    /// # Errors
    /// With the file, and the line of the first name that can't be one.
    pub fn load(path: &Path) -> Result<Self, EvalError> {
        let bytes = fs::read(path).map_err(|error| read_error(path, &error))?;
        let wrong = |line: usize, reason: String| EvalError::Malformed {
            path: path.to_owned(),
            line,
            reason,
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = line_after(before);
            wrong(line, "this is no text (UTF-8)".to_owned())
        })?;
        let mut list = Self::parse(&text);
        for (number, line) in (1..).zip(&list.lines) {
            if let Some(name) = name_in(line) {
                check_name(&name).map_err(|reason| wrong(number, reason))?;
            }
        }
        list.notes = load_notes(path)?.unwrap_or_default();
        list.notes.retain(|name, _| list.names.contains(name));
        Ok(list)
    }

    /// Writes the list to `path` and its reasons beside it.
    ///
    /// What happens in between harms nothing: new reasons are there before their names, and old ones go only when
    /// their names are gone.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn save(&self, path: &Path) -> Result<(), EvalError> {
        let before = match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).names,
            Err(error) if error.kind() == ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => return Err(read_error(path, &error)),
        };
        let old = load_notes(path)?;
        let mut both = self.notes.clone();
        for (name, note) in old.iter().flatten() {
            if before.contains(name) && !self.names.contains(name) {
                both.insert(name.clone(), note.clone());
            }
        }
        let has_notes = old.is_some() || !both.is_empty();
        if has_notes {
            save_notes(path, &both)?;
        }
        write(path, lines(&self.lines).as_bytes())?;
        if has_notes && both != self.notes {
            save_notes(path, &self.notes)?;
        }
        Ok(())
    }

    /// Lists a video, or changes what is noted of it; `true` if it wasn't listed.
    ///
    /// # Errors
    /// When it can't be a name.
    pub fn add(&mut self, name: &str, note: Note) -> Result<bool, EvalError> {
        let name = name.trim().trim_matches('/').to_owned();
        check_name(&name).map_err(|reason| EvalError::VideoName { reason })?;
        if note == Note::default() {
            self.notes.remove(&name);
        } else {
            self.notes.insert(name.clone(), note);
        }
        let is_new = self.names.insert(name.clone());
        if is_new {
            self.lines.push(name);
        }
        Ok(is_new)
    }

    /// Takes a video off the list; `false` if it wasn't there.
    pub fn remove(&mut self, name: &str) -> bool {
        let name = name.trim().trim_matches('/');
        self.lines
            .retain(|line| name_in(line).is_none_or(|listed| listed != name));
        self.notes.remove(name);
        self.names.remove(name)
    }

    /// The names in order of the alphabet, with what is noted of them.
    pub fn entries(&self) -> impl Iterator<Item = (&str, Option<&Note>)> {
        self.names
            .iter()
            .map(|name| (name.as_str(), self.notes.get(name)))
    }

    /// Whether a video is listed: by whole components of its path, never by a part of a name.
    pub fn contains(&self, video: &str) -> bool {
        let parts: Vec<&str> = video.split('/').filter(|part| !part.is_empty()).collect();
        (0..parts.len())
            .any(|start| (start + 1..=parts.len()).any(|end| self.has(&parts[start..end])))
    }

    /// The names that are none of `videos`: misspelt, or of another set.
    pub fn unknown<'a>(&self, videos: impl Iterator<Item = &'a str>) -> Vec<&str> {
        let mut left: BTreeSet<&str> = self.names.iter().map(String::as_str).collect();
        for video in videos {
            left.retain(|name| !covers(name, video));
        }
        left.into_iter().collect()
    }

    /// How many videos are listed.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The plain list, one name a line, without comments.
    pub fn to_plain(&self) -> String {
        lines(&self.names)
    }

    /// The list as a table: `name,reason,by,when`.
    pub fn to_csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Writing to memory can't fail, and all records have four fields.
        let _ = writer.write_record(["name", "reason", "by", "when"]);
        for (name, note) in self.entries() {
            let field = |pick: fn(&Note) -> &Option<String>| {
                note.and_then(|note| pick(note).as_deref()).unwrap_or("")
            };
            let _ = writer.write_record([
                name,
                field(|note| &note.reason),
                field(|note| &note.by),
                field(|note| &note.when),
            ]);
        }
        writer.into_inner().unwrap_or_default()
    }

    /// The list as a document: `videos`, each with `name` and what is noted of it.
    pub fn to_json(&self) -> serde_json::Value {
        let videos: Vec<_> = self
            .entries()
            .map(|(name, note)| {
                let note = note.cloned().unwrap_or_default();
                serde_json::json!({
                    "name": name, "reason": note.reason, "by": note.by, "when": note.when
                })
            })
            .collect();
        serde_json::json!({ "videos": videos })
    }

    /// Writes the list to a file of another form: `txt`, `csv`, `toml` or `json`.
    ///
    /// # Errors
    /// The ending is none of these, or the disk refuses.
    pub fn export(&self, path: &Path, ending: &str) -> Result<(), EvalError> {
        let bytes = match ending {
            "txt" => self.to_plain().into_bytes(),
            "csv" => self.to_csv(),
            "json" => (format!("{:#}", self.to_json()) + "\n").into_bytes(),
            "toml" => {
                let all = self.entries();
                let notes =
                    all.map(|(name, note)| (name.to_owned(), note.cloned().unwrap_or_default()));
                notes_text(path, notes.collect())?.into_bytes()
            }
            _ => {
                return Err(EvalError::Unknown {
                    what: "form of list",
                    found: visible(ending),
                    allowed: "txt, csv, toml, json".to_owned(),
                });
            }
        };
        write(path, &bytes)
    }

    fn has(&self, parts: &[&str]) -> bool {
        match parts {
            [one] => self.names.contains(*one),
            several => self.names.contains(&several.join("/")),
        }
    }
}

/// Where the reasons of a list lie: `errors.txt.toml` beside `errors.txt`.
pub fn notes_path(list: &Path) -> PathBuf {
    let mut name = list.as_os_str().to_owned();
    name.push(".toml");
    PathBuf::from(name)
}

/// The day of a moment, in seconds since 1970, as `2026-03-01` in universal time.
pub fn day_of(unix_seconds: f64) -> String {
    // Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day comes last.
    let days = (unix_seconds / 86_400.0).floor() as i64 + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The name that a line of a list holds.
fn name_in(line: &str) -> Option<String> {
    let name = line
        .split('#')
        .next()
        .unwrap_or("")
        .trim()
        .trim_matches('/');
    (!name.is_empty()).then(|| name.to_owned())
}

fn covers(name: &str, video: &str) -> bool {
    format!("/{}/", video.trim_matches('/')).contains(&format!("/{name}/"))
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    if name.split('/').all(is_plain) && !name.contains('#') && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(format!(
        "\"{}\" can't be a video's name; it must be like Alma_Powell/2",
        visible(name)
    ))
}

fn load_notes(list: &Path) -> Result<Option<BTreeMap<String, Note>>, EvalError> {
    let path = notes_path(list);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read_error(&path, &error)),
    };
    match toml::from_str::<Notes>(&text) {
        Ok(notes) => Ok(Some(notes.video)),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.as_bytes().get(..at).unwrap_or_default();
            Err(EvalError::Malformed {
                path,
                line: line_after(before),
                reason: visible(error.message()),
            })
        }
    }
}

fn save_notes(list: &Path, notes: &BTreeMap<String, Note>) -> Result<(), EvalError> {
    let path = notes_path(list);
    let body = notes_text(&path, notes.clone())?;
    let name = list.file_name().unwrap_or_default().to_string_lossy();
    let head = format!(
        "# Why videos are in {}, which alone decides.\n\n",
        visible(&name)
    );
    write(&path, (head + &body).as_bytes())
}

fn notes_text(path: &Path, video: BTreeMap<String, Note>) -> Result<String, EvalError> {
    toml::to_string(&Notes { video }).map_err(|error| EvalError::Write {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), EvalError> {
    atomic_write(path, bytes).map_err(|error| EvalError::Write {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn read_error(path: &Path, error: &std::io::Error) -> EvalError {
    EvalError::Read {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

/// The number of the line that follows some bytes, from 1.
fn line_after(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}

/// Texts as lines.
fn lines<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    texts.into_iter().fold(String::new(), |mut all, text| {
        all.push_str(text.as_ref());
        all.push('\n');
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn because(reason: &str) -> Note {
        Note {
            reason: Some(reason.to_owned()),
            ..Note::default()
        }
    }

    #[test]
    fn names_match_by_whole_components() {
        let errors = ErrorList::parse("Alma_Powell/2\r\n# why\n\nAli_Abbas/2 # the same man\n");
        assert_eq!(errors.len(), 2);
        for listed in [
            "Alma_Powell/2",
            "frames/Alma_Powell/2",
            "Alma_Powell/2/7.jpg",
            "Ali_Abbas/2",
        ] {
            assert!(errors.contains(listed), "{listed}");
        }
        for other in ["Alma_Powell/22", "XAlma_Powell/2", "Alma_Powell", "2", ""] {
            assert!(!errors.contains(other), "{other}");
        }
        assert!(!ErrorList::default().contains("a/1"));
        let videos = ["Alma_Powell/22", "x/Ali_Abbas/2"];
        assert_eq!(errors.unknown(videos.into_iter()), ["Alma_Powell/2"]);
    }

    #[test]
    fn a_list_keeps_its_comments_and_its_reasons() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("errors.txt");
        fs::write(&path, "# found by hand\nA/1\nB/2 # twice\n").unwrap();
        let mut list = ErrorList::load(&path).unwrap();
        assert!(list.add("C/3", because("shows \"D\"\nand E")).unwrap());
        assert!(!list.add("A/1", because("a stranger")).unwrap());
        list.save(&path).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "# found by hand\nA/1\nB/2 # twice\nC/3\n"
        );
        let again = ErrorList::load(&path).unwrap();
        assert_eq!(again, list);
        assert_eq!(again.to_plain(), "A/1\nB/2\nC/3\n");
        let csv = String::from_utf8(again.to_csv()).unwrap();
        assert!(csv.contains("A/1,a stranger,,\n"), "{csv}");

        assert!(list.remove("B/2") && !list.remove("B/2"));
        assert!(list.remove("C/3"));
        list.save(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "# found by hand\nA/1\n");
        let notes = fs::read_to_string(notes_path(&path)).unwrap();
        assert!(
            notes.contains("a stranger") && !notes.contains("shows"),
            "{notes}"
        );
        assert_eq!(ErrorList::load(&path).unwrap(), list);
    }

    #[test]
    fn a_crash_between_the_two_files_is_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("errors.txt");
        let mut list = ErrorList::default();
        list.add("A/1", because("one")).unwrap();
        list.add("B/1", because("two")).unwrap();
        list.save(&path).unwrap();
        let both = fs::read(notes_path(&path)).unwrap();
        // Adding: the reasons are written, the list is not.
        fs::write(&path, "A/1\n").unwrap();
        let found = ErrorList::load(&path).unwrap();
        let entries: Vec<_> = found.entries().collect();
        assert_eq!(entries, [("A/1", Some(&because("one")))]);
        // Removing: the list is written, the reasons still hold the old ones; the next save cleans up.
        found.save(&path).unwrap();
        assert_ne!(fs::read(notes_path(&path)).unwrap(), both);
        assert_eq!(ErrorList::load(&path).unwrap(), found);
    }

    #[test]
    fn wrong_lists_are_named_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("errors.txt");
        for (text, line) in [
            (&b"A/1\n../B\n"[..], 2),
            (b"A/1\n\nB//2\n", 3),
            (b"A/1\n\xff\n", 2),
        ] {
            fs::write(&path, text).unwrap();
            let error = ErrorList::load(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("errors.txt:{line}: ")), "{error}");
        }
        fs::write(&path, "A/1\n").unwrap();
        fs::write(notes_path(&path), "[video]\n\"A/1\" = 3\n").unwrap();
        let error = ErrorList::load(&path).unwrap_err().to_string();
        assert!(error.contains("errors.txt.toml:2: "), "{error}");
        assert!(ErrorList::load(&folder.path().join("none")).is_err());
        assert!(ErrorList::default().add("a/../b", Note::default()).is_err());
        assert!(
            ErrorList::default()
                .add("a\u{1b}[2J", Note::default())
                .is_err()
        );
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(day_of(0.0), "1970-01-01");
        assert_eq!(day_of(951_782_400.0), "2000-02-29");
        assert_eq!(day_of(1_767_225_599.0), "2025-12-31");
    }

    #[test]
    fn the_published_list_is_there() {
        assert_eq!(ErrorList::published().len(), 35);
    }
}
