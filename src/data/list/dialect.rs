//! The forms of an image list's lines.

use std::path::Path;

use super::lines::Lines;
use crate::data::DataError;
use crate::untrusted::visible;

/// The form of an image list's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListDialect {
    /// `path,label`
    PathCommaLabel,
    /// `path label`
    PathSpaceLabel,
    /// `label,path`
    LabelCommaPath,
    /// `label path`
    LabelSpacePath,
    /// `number label path` between tabs, as MXNet's `im2rec` writes its `.lst`; of several labels the first counts.
    NumberLabelPath,
    /// `number path label` between tabs, as InsightFace writes its `.lst`.
    NumberPathLabel,
    /// No list: a folder per identity.
    Folders,
}

/// The forms in the order in which they are preferred: a label last wins where both columns are numbers.
const CANDIDATES: [ListDialect; 6] = [
    ListDialect::PathCommaLabel,
    ListDialect::LabelCommaPath,
    ListDialect::NumberPathLabel,
    ListDialect::NumberLabelPath,
    ListDialect::PathSpaceLabel,
    ListDialect::LabelSpacePath,
];

impl ListDialect {
    /// The form of the lines from the first on, as far as they have one: where that ends, reading tells the line.
    pub(super) fn detect(list: &Path) -> Result<Self, DataError> {
        let mut lines = Lines::open(list)?;
        let mut fitting: Vec<Self> = Vec::new();
        while let Some((number, line)) = lines.next()? {
            let before: &[Self] = if fitting.is_empty() {
                &CANDIDATES
            } else {
                &fitting
            };
            let still: Vec<Self> = before
                .iter()
                .copied()
                .filter(|dialect| dialect.split(line).is_some())
                .collect();
            match (still.len(), fitting.is_empty()) {
                (0, true) => {
                    let problem = format!(
                        "expected `path,label`, `path label` or `label,path` with a whole number as label, found {}",
                        visible(line)
                    );
                    return Err(DataError::malformed(
                        list,
                        format!("line {number}"),
                        problem,
                    ));
                }
                (0, false) => break,
                (1, _) => return Ok(still[0]),
                _ => fitting = still,
            }
        }
        let first = fitting.first().copied();
        first.ok_or_else(|| DataError::unsuitable(list, "holds no images"))
    }

    /// Path and label of a line; `None` where it has another form.
    pub(super) fn split(self, line: &str) -> Option<(&str, u32)> {
        let (path, label) = match self {
            Self::PathCommaLabel => line.rsplit_once(',')?,
            Self::PathSpaceLabel => line.rsplit_once(char::is_whitespace)?,
            Self::LabelCommaPath => line.split_once(',').map(|(label, path)| (path, label))?,
            Self::LabelSpacePath => line
                .split_once(char::is_whitespace)
                .map(|(label, path)| (path, label))?,
            Self::NumberLabelPath => {
                let (number, rest) = line.split_once('\t')?;
                let (labels, path) = rest.rsplit_once('\t')?;
                number.trim().parse::<u64>().ok()?;
                let mut labels = labels.split('\t');
                let first = labels.next()?;
                labels
                    .all(|label| label.trim().parse::<f64>().is_ok())
                    .then_some((path, first))?
            }
            Self::NumberPathLabel => {
                let (number, rest) = line.split_once('\t')?;
                let (path, label) = rest.split_once('\t')?;
                number.trim().parse::<u64>().ok()?;
                (path, label)
            }
            Self::Folders => return None,
        };
        let path = path.trim();
        (!path.is_empty()).then_some((path, whole_number(label.trim())?))
    }

    /// How a line looks.
    pub(super) fn form(self) -> &'static str {
        match self {
            Self::PathCommaLabel => "`path,label`",
            Self::PathSpaceLabel => "`path label`",
            Self::LabelCommaPath => "`label,path`",
            Self::LabelSpacePath => "`label path`",
            Self::NumberLabelPath => "`number label path` between tabs",
            Self::NumberPathLabel => "`number path label` between tabs",
            Self::Folders => "a folder",
        }
    }
}

/// A label: `7`, or `7.000000` as MXNet writes it.
fn whole_number(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| {
        let (whole, fraction) = text.split_once('.')?;
        fraction
            .bytes()
            .all(|digit| digit == b'0')
            .then(|| whole.parse().ok())?
    })
}
