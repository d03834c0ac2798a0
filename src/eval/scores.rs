//! Given scores: a CSV file of `kind,distance[,fold]`.

use std::fs;
use std::path::Path;

use super::{EvalError, ScoredPair};

/// Reads a file of scores, in its order.
///
/// # Errors
/// With the file and, where a line is wrong, its number.
pub fn read(path: &Path) -> Result<Vec<ScoredPair>, EvalError> {
    let bytes = fs::read(path).map_err(|error| EvalError::Read {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    parse(&bytes, path)
}

/// Reads scores from bytes; `path` is for messages.
///
/// # Errors
/// With the number of the first wrong line.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Vec<ScoredPair>, EvalError> {
    let wrong = |line, reason| EvalError::Scores {
        path: path.to_owned(),
        line,
        reason,
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    let header = lines.next().map_or(b"".as_slice(), |(_, header)| header);
    let header = text_of(header).map_err(|reason| wrong(1, reason))?;
    let has_fold = match fields_of(header).as_slice() {
        ["kind", "distance"] => false,
        ["kind", "distance", "fold"] => true,
        _ => {
            return Err(wrong(
                1,
                format!(
                    "the header is \"{}\"; it must be `kind,distance` or `kind,distance,fold`",
                    shown(header)
                ),
            ));
        }
    };
    let mut pairs = Vec::new();
    for (number, line) in lines {
        let line = text_of(line).map_err(|reason| wrong(number, reason))?;
        if !line.is_empty() {
            pairs.push(pair_of(line, has_fold).map_err(|reason| wrong(number, reason))?);
        }
    }
    if pairs.is_empty() {
        return Err(wrong(1, "there are no pairs below the header".to_owned()));
    }
    Ok(pairs)
}

fn pair_of(line: &str, has_fold: bool) -> Result<ScoredPair, String> {
    let fields = fields_of(line);
    let (kind, distance, fold) = match (fields.as_slice(), has_fold) {
        (&[kind, distance], false) => (kind, distance, None),
        (&[kind, distance, fold], true) => (kind, distance, Some(fold)),
        _ => {
            let expected = if has_fold { 3 } else { 2 };
            return Err(format!(
                "there are {} fields where the header has {expected}",
                fields.len()
            ));
        }
    };
    let same = match kind {
        "positive" | "1" => true,
        "negative" | "0" => false,
        _ => {
            return Err(format!(
                "the kind is \"{}\"; allowed are positive, negative, 1, 0",
                shown(kind)
            ));
        }
    };
    let number: Option<f64> = distance.parse().ok();
    let distance = number.filter(|value| value.is_finite()).ok_or_else(|| {
        format!(
            "the distance is \"{}\"; it must be a finite number",
            shown(distance)
        )
    })?;
    let fold = fold
        .map(|fold| {
            fold.parse().map_err(|_| {
                format!(
                    "the fold is \"{}\"; it must be a whole number from 0",
                    shown(fold)
                )
            })
        })
        .transpose()?;
    Ok(ScoredPair {
        distance,
        same,
        fold,
    })
}

fn text_of(line: &[u8]) -> Result<&str, String> {
    let line = std::str::from_utf8(line).map_err(|_| "this is no text (UTF-8)".to_owned())?;
    Ok(line.trim())
}

fn fields_of(line: &str) -> Vec<&str> {
    line.split(',').map(str::trim).collect()
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
