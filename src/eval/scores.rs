//! Scores as CSV files: `kind,distance[,fold]` of anyone, and `kind,distance,fold,a,b` of this program's evaluations.

use std::fs;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::corrected::NamedPair;
use super::{EvalError, ScoredPair};

/// The scores of a set's pairs with the names of both sides, in the order of the set's list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamedScores {
    /// One entry a pair.
    pub rows: Vec<NamedScore>,
}

/// The distance of two named images or videos.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedScore {
    /// Name of the first: a file, a place in the set (`#0`), or a video (`Alma_Powell/2`).
    pub a: String,
    /// Name of the second.
    pub b: String,
    /// Their distance, whether they are one person by the list, and the list's own fold.
    pub pair: ScoredPair,
}

const HEADERS: [&[&str]; 3] = [
    &["kind", "distance"],
    &["kind", "distance", "fold"],
    &["kind", "distance", "fold", "a", "b"],
];

impl NamedScores {
    /// Reads a file with the header `kind,distance,fold,a,b`; a fold may be empty if all are.
    ///
    /// # Errors
    /// With the file and, where a line is wrong, its number.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        Self::parse(&bytes_of(path)?, path)
    }

    /// As [`Self::read`], from bytes; `path` is for messages.
    ///
    /// # Errors
    /// With the number of the first wrong line.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, EvalError> {
        let (columns, rows) = rows_of(bytes, path)?;
        if columns < 5 {
            return Err(EvalError::Malformed {
                path: path.to_owned(),
                line: 1,
                reason: "the pairs have no names; the header must be `kind,distance,fold,a,b`"
                    .to_owned(),
            });
        }
        Ok(Self { rows })
    }

    /// The file that [`Self::read`] reads; distances keep every digit.
    pub fn to_csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Writing to memory can't fail, and all records have five fields.
        let _ = writer.write_record(HEADERS[2]);
        for NamedScore { a, b, pair } in &self.rows {
            let kind = if pair.same { "positive" } else { "negative" };
            let fold = pair.fold.map(|fold| fold.to_string()).unwrap_or_default();
            let _ = writer.write_record([kind, &pair.distance.to_string(), &fold, a, b]);
        }
        writer.into_inner().unwrap_or_default()
    }

    /// The scores without the names.
    pub fn pairs(&self) -> Vec<ScoredPair> {
        self.rows.iter().map(|row| row.pair).collect()
    }

    /// The names, as far as an error list looks at them.
    pub fn named(&self) -> Vec<NamedPair<'_>> {
        self.rows
            .iter()
            .map(|row| NamedPair {
                a: &row.a,
                b: &row.b,
                same: row.pair.same,
            })
            .collect()
    }
}

/// Reads a file of scores, in its order; names are passed over.
///
/// # Errors
/// With the file and, where a line is wrong, its number.
pub fn read(path: &Path) -> Result<Vec<ScoredPair>, EvalError> {
    parse(&bytes_of(path)?, path)
}

/// Reads scores from bytes; `path` is for messages.
///
/// # Errors
/// With the number of the first wrong line.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Vec<ScoredPair>, EvalError> {
    let (_, rows) = rows_of(bytes, path)?;
    Ok(rows.into_iter().map(|row| row.pair).collect())
}

/// The first pair, from 1, whose fold comes before that of an earlier pair of its kind; `None` where folds are in order.
///
/// Rules that make folds by position then test other pairs together than the list's own folds do.
pub fn out_of_order(pairs: &[ScoredPair]) -> Option<usize> {
    let mut highest = [None; 2];
    let place = pairs.iter().position(|pair| {
        let highest = &mut highest[usize::from(pair.same)];
        let falls = pair.fold < *highest;
        *highest = pair.fold.max(*highest);
        falls
    });
    place.map(|place| place + 1)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, EvalError> {
    fs::read(path).map_err(|error| EvalError::Read {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// How many columns there are, and the rows; names are empty where there are none.
fn rows_of(bytes: &[u8], path: &Path) -> Result<(usize, Vec<NamedScore>), EvalError> {
    let wrong = |line, reason| EvalError::Malformed {
        path: path.to_owned(),
        line,
        reason,
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(bytes);
    let mut record = ByteRecord::new();
    let mut columns = None;
    let mut rows: Vec<NamedScore> = Vec::new();
    loop {
        let more = reader
            .read_byte_record(&mut record)
            .map_err(|error| wrong(reader.position().line() as usize, error.to_string()))?;
        if !more {
            break;
        }
        // The reader steps over blank lines after it notes where a record begins.
        let begin = record.position().map_or(0, csv::Position::byte) as usize;
        let line = line_at(bytes, begin);
        let fields = texts_of(&record).map_err(|reason| wrong(line, reason))?;
        let Some(columns) = columns else {
            let known = HEADERS.iter().find(|header| **header == fields.as_slice());
            let count = known.map(|header| header.len()).ok_or_else(|| {
                let found = shown(&fields.join(","));
                let reason = format!(
                    "the header is \"{found}\"; it must be `kind,distance`, `kind,distance,fold` or `kind,distance,fold,a,b`"
                );
                wrong(line, reason)
            })?;
            columns = Some(count);
            continue;
        };
        let row = row_of(&fields, columns).map_err(|reason| wrong(line, reason))?;
        let has_fold = |row: &NamedScore| row.pair.fold.is_some();
        if rows
            .first()
            .is_some_and(|first| has_fold(first) != has_fold(&row))
        {
            let reason = "some pairs have a fold and some have none; give all a fold or none";
            return Err(wrong(line, reason.to_owned()));
        }
        rows.push(row);
    }
    let Some(columns) = columns else {
        let reason = "the header is missing; it must be `kind,distance`, `kind,distance,fold` or `kind,distance,fold,a,b`";
        return Err(wrong(1, reason.to_owned()));
    };
    if rows.is_empty() {
        return Err(wrong(1, "there are no pairs below the header".to_owned()));
    }
    Ok((columns, rows))
}

/// The number, from 1, of the first line at or after a byte that isn't blank.
fn line_at(bytes: &[u8], byte: usize) -> usize {
    let (before, after) = bytes.split_at(byte.min(bytes.len()));
    let blank = after
        .iter()
        .take_while(|byte| matches!(byte, b'\n' | b'\r'));
    let ends = |bytes: &mut dyn Iterator<Item = &u8>| bytes.filter(|byte| **byte == b'\n').count();
    1 + ends(&mut before.iter()) + ends(&mut blank.into_iter())
}

fn row_of(fields: &[&str], columns: usize) -> Result<NamedScore, String> {
    if fields.len() != columns {
        return Err(format!(
            "there are {} fields where the header has {columns}",
            fields.len()
        ));
    }
    let field = |index: usize| fields.get(index).copied().unwrap_or_default();
    let same = match field(0) {
        "positive" | "1" => true,
        "negative" | "0" => false,
        kind => {
            return Err(format!(
                "the kind is \"{}\"; allowed are positive, negative, 1, 0",
                shown(kind)
            ));
        }
    };
    let number: Option<f64> = field(1).parse().ok();
    let distance = number.filter(|value| value.is_finite()).ok_or_else(|| {
        format!(
            "the distance is \"{}\"; it must be a finite number",
            shown(field(1))
        )
    })?;
    let fold = match field(2) {
        "" => None,
        fold => Some(fold.parse().map_err(|_| {
            format!(
                "the fold is \"{}\"; it must be a whole number from 0",
                shown(fold)
            )
        })?),
    };
    Ok(NamedScore {
        a: field(3).to_owned(),
        b: field(4).to_owned(),
        pair: ScoredPair {
            distance,
            same,
            fold,
        },
    })
}

fn texts_of(record: &ByteRecord) -> Result<Vec<&str>, String> {
    let text = |field| std::str::from_utf8(field).map_err(|_| "this is no text (UTF-8)".to_owned());
    record.iter().map(text).collect()
}

/// A field as a message may show it: short, and unable to move a cursor.
fn shown(field: &str) -> String {
    field
        .chars()
        .take(60)
        .collect::<String>()
        .escape_debug()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<ScoredPair>, EvalError> {
        parse(text.as_bytes(), Path::new("scores.csv"))
    }

    #[test]
    fn all_spellings_are_read() {
        let pairs = parsed("\u{feff}kind,distance,fold\r\npositive,0.25,1\r\n\r\n0, 1e-1 ,2\r\n");
        let expected =
            [(0.25, true, 1), (0.1, false, 2)].map(|(distance, same, fold)| ScoredPair {
                distance,
                same,
                fold: Some(fold),
            });
        assert_eq!(pairs.unwrap(), expected);
        assert_eq!(parsed("kind,distance\n1,0").unwrap().len(), 1);
    }

    #[test]
    fn named_scores_are_read_as_they_were_written() {
        let row = |a: &str, b: &str, distance, same, fold| NamedScore {
            a: a.to_owned(),
            b: b.to_owned(),
            pair: ScoredPair {
                distance,
                same,
                fold,
            },
        };
        for folds in [[Some(0), Some(4_000_000_000)], [None, None]] {
            let scores = NamedScores {
                rows: vec![
                    row("A_B/1", "a, \"b\"\nc", 0.1 + 0.2, true, folds[0]),
                    row("#0", "王/2", 1e-300, false, folds[1]),
                ],
            };
            let bytes = scores.to_csv();
            assert!(bytes.starts_with(b"kind,distance,fold,a,b\npositive,0.30000000000000004,"));
            assert_eq!(NamedScores::parse(&bytes, Path::new("x")).unwrap(), scores);
            assert_eq!(parse(&bytes, Path::new("x")).unwrap(), scores.pairs());
        }
        let error = NamedScores::parse(b"kind,distance\n1,1\n", Path::new("x")).unwrap_err();
        assert!(error.to_string().contains("no names"), "{error}");
    }

    #[test]
    fn folds_out_of_order_are_told_within_a_kind() {
        let order = |text: &str| out_of_order(&parsed(text).unwrap());
        assert_eq!(
            order("kind,distance,fold\n1,1,0\n1,1,1\n0,1,0\n0,1,1\n"),
            None
        );
        assert_eq!(
            order("kind,distance,fold\n1,1,0\n1,1,1\n0,1,1\n1,1,0\n"),
            Some(4)
        );
        assert_eq!(order("kind,distance\n1,1\n0,1\n"), None);
    }

    #[test]
    fn wrong_lines_are_named() {
        for (text, place) in [
            ("", "scores.csv:1: the header"),
            ("a,b\n", "scores.csv:1: the header"),
            ("kind,distance\n", "scores.csv:1: there are no pairs"),
            ("kind,distance\n1,0.5\n2,0.5\n", "scores.csv:3: the kind"),
            (
                "kind,distance\n1,0.5\n\n1,nan\n",
                "scores.csv:4: the distance",
            ),
            ("kind,distance\n1,inf\n", "scores.csv:2: the distance"),
            ("kind,distance\n1\n", "scores.csv:2: there are 1 fields"),
            ("kind,distance\n1,1,1\n", "scores.csv:2: there are 3 fields"),
            ("kind,distance,fold\n1,1,x\n", "scores.csv:2: the fold"),
            (
                "\r\n\r\nkind,distance,fold\r\n1,1,0\r\n0,1,\r\n",
                "scores.csv:5: some pairs",
            ),
            (
                "kind,distance,fold,a,b\n1,1,,\"x\ny\",z\n1,?,,x,z\n",
                "scores.csv:4: the distance",
            ),
            (
                "kind,distance,fold,a\n1,1,0,x\n",
                "scores.csv:1: the header",
            ),
        ] {
            let error = parsed(text).unwrap_err().to_string();
            assert!(error.starts_with(place), "{error}");
        }
        let error = parse(b"kind,distance\n\xff,1\n", Path::new("x")).unwrap_err();
        assert!(error.to_string().starts_with("x:2:"));
        let error = parsed("kind,distance\n\u{1b}[2J,1\n")
            .unwrap_err()
            .to_string();
        assert!(!error.contains('\u{1b}'));
        assert!(read(Path::new("/nonexistent/scores.csv")).is_err());
    }
}
