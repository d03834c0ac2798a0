//! The list of people that two training sets share: what a search finds, a person decides, and a recipe uses.
//!
//! A CSV file with the columns of [`COLUMNS`]. `action` is `merge` (both classes are one person, and become one class),
//! `drop` (the second class is left out of training), or empty (nothing is done).

use std::fmt;
use std::path::{Path, PathBuf};

use super::DataError;
use super::error::quoted;

/// The header of the file.
pub const COLUMNS: [&str; 8] = [
    "set_a",
    "class_a",
    "name_a",
    "set_b",
    "class_b",
    "name_b",
    "similarity",
    "action",
];

/// The largest list that is read, in bytes.
const LARGEST_LIST: u64 = 1 << 30;

/// Pairs of classes, as a file lists them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OverlapList {
    /// The file, for messages.
    pub path: PathBuf,
    /// Its rows.
    pub overlaps: Vec<Overlap>,
}

/// Two classes that may be one person.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlap {
    /// The line of the file, from 1; 0 for what was not read from one.
    pub line: u64,
    /// The one class.
    pub a: OverlapClass,
    /// The other class; `drop` leaves out this one.
    pub b: OverlapClass,
    /// How alike they are: the cosine of their centres, or what else the search measured.
    pub similarity: Option<f64>,
    /// What is to be done.
    pub action: Option<OverlapAction>,
}

/// A class of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlapClass {
    /// The set, as the recipe's `[[datasets]]` and `config.ini` call it.
    pub set: String,
    /// The class in this set, from 0.
    pub class: u32,
    /// The person's name, where the set tells it, else empty; only for people to read.
    pub name: String,
}

/// What is to be done with two classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverlapAction {
    /// They become one class.
    Merge,
    /// The second is left out.
    Drop,
}

impl fmt::Display for OverlapAction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Merge => "merge",
            Self::Drop => "drop",
        })
    }
}

impl OverlapList {
    /// Reads a list.
    ///
    /// # Errors
    /// The file can't be read, or the first row that is not of the form, with its line.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let read = |error| DataError::read(path, error);
        if std::fs::metadata(path).map_err(read)?.len() > LARGEST_LIST {
            let problem = "larger than 1 GiB, which no list of overlaps is";
            return Err(DataError::unsuitable(path, problem));
        }
        Self::parse(&std::fs::read(path).map_err(read)?, path)
    }

    fn parse(text: &[u8], path: &Path) -> Result<Self, DataError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .has_headers(false)
            .from_reader(text);
        let mut overlaps = Vec::new();
        let mut record = csv::StringRecord::new();
        let mut first = true;
        loop {
            let line = reader.position().line();
            let more = reader.read_record(&mut record).map_err(|error| {
                let line = error.position().map_or(line, csv::Position::line);
                malformed(path, line, csv_problem(&error))
            })?;
            let line = record.position().map_or(line, csv::Position::line);
            if std::mem::take(&mut first) {
                if record.iter().ne(COLUMNS) {
                    let problem = format!("expected the columns {}", COLUMNS.join(","));
                    return Err(malformed(path, line.max(1), problem));
                }
            } else if more {
                let overlap = overlap(&record, line);
                overlaps.push(overlap.map_err(|problem| malformed(path, line, problem))?);
            }
            if !more {
                break;
            }
        }
        Ok(Self {
            path: path.to_owned(),
            overlaps,
        })
    }

    /// Writes the list to its path, whole or not at all.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self) -> Result<(), DataError> {
        let write = |error| DataError::write(&self.path, error);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let record = |writer: &mut csv::Writer<Vec<u8>>, fields: &[String]| {
            writer.write_record(fields).map_err(std::io::Error::other)
        };
        record(&mut writer, &COLUMNS.map(str::to_owned)).map_err(write)?;
        for Overlap {
            a,
            b,
            similarity,
            action,
            ..
        } in &self.overlaps
        {
            let fields = [
                a.set.clone(),
                a.class.to_string(),
                a.name.clone(),
                b.set.clone(),
                b.class.to_string(),
                b.name.clone(),
                similarity
                    .map(|value| format!("{value:.4}"))
                    .unwrap_or_default(),
                action.map(|action| action.to_string()).unwrap_or_default(),
            ];
            record(&mut writer, &fields).map_err(write)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|error| write(error.into_error()))?;
        crate::atomic::atomic_write(&self.path, &bytes).map_err(write)
    }

    /// An error at a row of this list.
    pub(super) fn error(&self, overlap: &Overlap, problem: impl Into<String>) -> DataError {
        malformed(&self.path, overlap.line, problem)
    }
}

fn malformed(path: &Path, line: u64, problem: impl Into<String>) -> DataError {
    DataError::malformed(path, format!("line {line}"), problem)
}

fn csv_problem(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { len, .. } => {
            format!("found {len} columns; expected {}", COLUMNS.len())
        }
        csv::ErrorKind::Utf8 { .. } => "isn't UTF-8 text; save the file as UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

fn overlap(record: &csv::StringRecord, line: u64) -> Result<Overlap, String> {
    let field = |at: usize| record.get(at).unwrap_or_default();
    let class_of = |at: usize| {
        let class = field(at + 1).parse().map_err(|_| {
            format!(
                "{} is {}; expected a class, a whole number from 0",
                COLUMNS[at + 1],
                quoted(field(at + 1))
            )
        })?;
        Ok::<_, String>(OverlapClass {
            set: field(at).to_owned(),
            class,
            name: field(at + 2).to_owned(),
        })
    };
    let similarity = match field(6) {
        "" => None,
        text => Some(
            text.parse::<f64>()
                .ok()
                .filter(|value| value.is_finite())
                .ok_or_else(|| {
                    format!(
                        "similarity is {}; expected a number, or nothing",
                        quoted(text)
                    )
                })?,
        ),
    };
    let action = match field(7) {
        "" => None,
        "merge" => Some(OverlapAction::Merge),
        "drop" => Some(OverlapAction::Drop),
        text => {
            return Err(format!(
                "action is {}; expected merge, drop, or nothing",
                quoted(text)
            ));
        }
    };
    Ok(Overlap {
        line,
        a: class_of(0)?,
        b: class_of(3)?,
        similarity,
        action,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "set_a,class_a,name_a,set_b,class_b,name_b,similarity,action\n";

    fn parsed(rows: &str) -> Result<OverlapList, DataError> {
        OverlapList::parse(format!("{HEADER}{rows}").as_bytes(), Path::new("o.csv"))
    }

    fn class(set: &str, class: u32, name: &str) -> OverlapClass {
        OverlapClass {
            set: set.to_owned(),
            class,
            name: name.to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut list = OverlapList {
            path: folder.path().join("overlap.csv"),
            overlaps: vec![
                Overlap {
                    line: 2,
                    a: class("vgg", 7, "Ada, \"the\" first"),
                    b: class("ms1m", 0, ""),
                    similarity: Some(0.75),
                    action: Some(OverlapAction::Merge),
                },
                Overlap {
                    line: 3,
                    a: class("lfw", 0, "Zoë\nB"),
                    b: class("vgg", 4_294_967_295, "n"),
                    similarity: None,
                    action: Some(OverlapAction::Drop),
                },
            ],
        };
        list.overlaps.push(Overlap {
            // The name before this row takes two lines.
            line: 5,
            action: None,
            ..list.overlaps[0].clone()
        });
        list.write().unwrap();
        assert_eq!(OverlapList::read(&list.path).unwrap(), list);
    }

    #[test]
    fn what_a_spreadsheet_makes_of_it_is_read() {
        let text =
            format!("\u{feff}{}", HEADER.trim_end()) + "\r\nvgg, 1 ,A,ms1m,2,B,0.5, merge\r\n\r\n";
        let list = OverlapList::parse(text.as_bytes(), Path::new("o.csv")).unwrap();
        assert_eq!(list.overlaps.len(), 1);
        assert_eq!(list.overlaps[0].action, Some(OverlapAction::Merge));
        assert!(parsed("").unwrap().overlaps.is_empty());
    }

    #[test]
    fn a_wrong_row_is_named_with_its_line() {
        for (rows, line, word) in [
            (
                "vgg,0,A,ms1m,0,B,0.5,merge\nvgg,x,A,ms1m,0,B,,drop\n",
                3,
                "class_a is \"x\"",
            ),
            ("vgg,0,A,ms1m,-1,B,0.5,merge\n", 2, "class_b is \"-1\""),
            ("vgg,0,A,ms1m,0,B,high,merge\n", 2, "similarity is \"high\""),
            ("vgg,0,A,ms1m,0,B,0.5,keep\n", 2, "action is \"keep\""),
            ("vgg,0,A,ms1m,0,B,0.5\n", 2, "found 7 columns"),
        ] {
            let message = parsed(rows).unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("o.csv, line {line}: ")),
                "{message}"
            );
            assert!(message.contains(word), "{message}");
        }
        for text in ["", "set_a;class_a\n", "vgg,0,A,ms1m,0,B,0.5,merge\n"] {
            let message = OverlapList::parse(text.as_bytes(), Path::new("o.csv"))
                .unwrap_err()
                .to_string();
            assert!(
                message.contains("line 1") && message.contains("set_a,class_a"),
                "{message}"
            );
        }
        let message = OverlapList::parse(b"\xff\n", Path::new("o.csv"))
            .unwrap_err()
            .to_string();
        assert!(message.contains("UTF-8"), "{message}");
    }
}
