//! Lists of pairs as text: LFW's `pairs.txt` and lists with a flag.

use std::path::{Path, PathBuf};

use super::verification::PairsDialect;
use super::{DataError, image::is_image_name};

/// Two named images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPair {
    /// The first image, relative to the image folder; LFW's lack the extension.
    pub a: String,
    /// The second image.
    pub b: String,
    /// Whether they show the same person.
    pub same: bool,
    /// The fold, from 0, where the list has folds.
    pub fold: Option<u32>,
}

/// A list of pairs and the form it had.
#[derive(Debug)]
pub struct PairList {
    /// The pairs, in the file's order.
    pub pairs: Vec<NamedPair>,
    /// The form.
    pub dialect: PairsDialect,
}

/// Reads a list of image pairs.
///
/// LFW's own has a header of folds and pairs a fold, then `name i j` or `name i name j`; copies without the
/// header exist, and their folds are told by the alternation of same and different. Lists with a flag are
/// `flag,first,second` or `first second flag`.
///
/// # Errors
/// With the first line that is of no known form.
pub fn read_image_pairs(path: &Path, text: &[u8]) -> Result<PairList, DataError> {
    let text = String::from_utf8_lossy(text);
    let mut pairs = Vec::new();
    let mut header = None;
    let mut dialect = None;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let malformed = |problem: &str| {
            let problem = format!("{problem}, found {}", crate::untrusted::visible(line));
            DataError::malformed(path, format!("line {}", number + 1), problem)
        };
        if pairs.is_empty()
            && header.is_none()
            && let Some(found) = lfw_header(line)
        {
            header = Some(found);
            continue;
        }
        let (form, pair) = lfw_pair(line)
            .map(|pair| (PairsDialect::LfwPairs, pair))
            .or_else(|| flagged_pair(line).map(|pair| (PairsDialect::FlagList, pair)))
            .ok_or_else(|| malformed("expected `name i j`, `name i name j`, `flag,first,second` or `first second flag`"))?;
        if *dialect.get_or_insert(form) != form {
            return Err(malformed("a line of another form than those before"));
        }
        pairs.push(pair);
    }
    let dialect = dialect.ok_or_else(|| DataError::unsuitable(path, "holds no pairs"))?;
    match header {
        Some((folds, each)) if pairs.len() as u64 == 2 * folds * each => {
            for (number, pair) in pairs.iter_mut().enumerate() {
                pair.fold = Some((number as u64 / (2 * each)) as u32);
            }
        }
        Some((folds, each)) => {
            let problem = format!(
                "promises {folds} folds of twice {each} pairs, and {} pairs follow",
                pairs.len()
            );
            return Err(DataError::malformed(path, "line 1", problem));
        }
        None if dialect == PairsDialect::LfwPairs => alternating_folds(&mut pairs),
        None => {}
    }
    Ok(PairList { pairs, dialect })
}

fn lfw_header(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_whitespace();
    let (folds, each) = (words.next()?, words.next().unwrap_or("300"));
    match (folds.parse().ok()?, each.parse().ok()?, words.next()) {
        (folds @ 1..=1000, each @ 1..=1_000_000, None) => Some((folds, each)),
        _ => None,
    }
}

fn lfw_pair(line: &str) -> Option<NamedPair> {
    let tabs: Vec<&str> = line.split('\t').map(str::trim).collect();
    let words = if matches!(tabs.len(), 3 | 4) {
        tabs
    } else {
        line.split_whitespace().collect()
    };
    let image = |name: &str, number: &str| {
        Some(format!("{name}/{name}_{:04}", number.parse::<u32>().ok()?))
    };
    let (a, b, same) = match words.as_slice() {
        [name, i, j] => (image(name, i)?, image(name, j)?, true),
        [first, i, second, j] => (image(first, i)?, image(second, j)?, false),
        _ => return None,
    };
    Some(NamedPair {
        a,
        b,
        same,
        fold: None,
    })
}

fn flagged_pair(line: &str) -> Option<NamedPair> {
    let separator = [',', '\t', ' ']
        .into_iter()
        .find(|separator| line.matches(*separator).count() >= 2)?;
    let words: Vec<&str> = line
        .split(separator)
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect();
    let ([flag @ ("0" | "1" | "-1"), a, b] | [a, b, flag @ ("0" | "1" | "-1")]) = words.as_slice()
    else {
        return None;
    };
    Some(NamedPair {
        a: (*a).to_owned(),
        b: (*b).to_owned(),
        same: *flag == "1",
        fold: None,
    })
}

/// Folds of a list without header: equal runs of same and different, one after the other.
fn alternating_folds(pairs: &mut [NamedPair]) {
    let each = pairs.iter().take_while(|pair| pair.same).count();
    let regular = each > 0
        && pairs.len().is_multiple_of(2 * each)
        && pairs
            .iter()
            .enumerate()
            .all(|(number, pair)| pair.same == (number / each).is_multiple_of(2));
    if regular {
        for (number, pair) in pairs.iter_mut().enumerate() {
            pair.fold = Some((number / (2 * each)) as u32);
        }
    }
}

/// The file of an image that a list names: as named, or with an extension.
pub fn image_file(root: &Path, name: &str) -> Option<PathBuf> {
    let plain = root.join(name);
    if is_image_name(name) && plain.is_file() {
        return Some(plain);
    }
    ["jpg", "png", "jpeg", "bmp", "webp"]
        .iter()
        .map(|extension| root.join(format!("{name}.{extension}")))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PairList, DataError> {
        read_image_pairs(Path::new("pairs.txt"), text.as_bytes())
    }

    #[test]
    fn the_official_form_has_folds_from_its_header() {
        let list = read("2\t1\nAnn_A\t1\t4\nAnn_A\t2\tBob\t10\nCy\t1\t2\nCy\t1\tBob\t3\n").unwrap();
        assert_eq!(list.pairs[0].a, "Ann_A/Ann_A_0001");
        assert_eq!(list.pairs[1].b, "Bob/Bob_0010");
        let folds: Vec<_> = list
            .pairs
            .iter()
            .map(|pair| (pair.same, pair.fold))
            .collect();
        assert_eq!(
            folds,
            [
                (true, Some(0)),
                (false, Some(0)),
                (true, Some(1)),
                (false, Some(1))
            ]
        );
    }

    #[test]
    fn copies_without_header_or_with_crlf_have_the_same_folds() {
        let list = read("A\t1\t4\r\nA\t2\tB\t1\r\nC\t1\t2\r\nC\t1\tB\t3").unwrap();
        assert_eq!(
            list.pairs.iter().map(|pair| pair.fold).collect::<Vec<_>>(),
            [Some(0), Some(0), Some(1), Some(1)]
        );
    }

    #[test]
    fn lists_with_a_flag_are_read_in_both_orders() {
        for text in [
            "1,a b/1.png,a b/2.png\n0,x/1.png,y/1.png",
            "a b/1.png\ta b/2.png\t1\nx/1.png\ty/1.png\t0\n",
        ] {
            let list = read(text).unwrap();
            assert_eq!(
                (list.dialect, list.pairs[0].a.as_str(), list.pairs[1].same),
                (PairsDialect::FlagList, "a b/1.png", false)
            );
        }
    }

    #[test]
    fn errors_name_the_line() {
        assert!(
            read("A\t1\t2\nA\tx\ty\n")
                .unwrap_err()
                .to_string()
                .contains("line 2")
        );
        assert!(
            read("3\t1\nA\t1\t2\n")
                .unwrap_err()
                .to_string()
                .contains("3 folds")
        );
        assert!(read("\n").is_err());
    }
}
