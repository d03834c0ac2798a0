//! Failing pairs as a table and as pictures, like the published code writes them.

use std::path::Path;

use super::faces::Faces;
use super::folder::{NewFolder, plain};
use super::{Measured, ReportError};
use crate::eval::failures::{self, FailingPair, FailureKind};
use crate::plot::{Caption, Picture, side_by_side};

/// What became of writing failing pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFailures {
    /// How many pairs have a picture.
    pub pictures: usize,
    /// Why others have none: a file that can't be read, by name.
    pub problems: Vec<String>,
}

const TABLE: &str = "failures.csv";

/// All pairs that the evaluation told wrong, those that missed by most first.
///
/// # Errors
/// When the pairs can't be put into folds.
pub fn failures(measured: &Measured) -> Result<Vec<FailingPair>, ReportError> {
    let rule = measured.evaluation.rule;
    Ok(failures::failures(&measured.scores, measured.folds, rule)?)
}

/// Writes `failures.csv` with all failing pairs, and a picture each of the `limit` worst of either kind.
///
/// The pictures lie in `false-rejects/` and `false-accepts/`, their distance and both names in their own names:
/// `0.8123_Alma_Powell-2_Alma_Powell-3_pair17.png`. Two images lie side by side, two videos as strips of frames.
/// The folder appears when it is complete; an older one of the same kind is replaced.
///
/// # Errors
/// The set can't be read any more, the folder holds something else, or the disk refuses. A picture that can't be read
/// is no error, but a problem that is told.
pub fn write_failures(
    measured: &Measured,
    failing: &[FailingPair],
    limit: usize,
    out: &Path,
) -> Result<WrittenFailures, ReportError> {
    let is_ours = |name: &str| [TABLE, "false-rejects", "false-accepts"].contains(&name);
    let folder = NewFolder::begin(out, "failing pairs", is_ours)?;
    folder.write(TABLE, &failures::to_csv(failing))?;
    let faces = Faces::open(measured)?;
    let mut written = WrittenFailures {
        pictures: 0,
        problems: Vec::new(),
    };
    for (kind, place) in [
        (FailureKind::FalseReject, "false-rejects"),
        (FailureKind::FalseAccept, "false-accepts"),
    ] {
        for pair in failing.iter().filter(|pair| pair.kind == kind).take(limit) {
            match picture_of(measured, &faces, pair) {
                Ok(picture) => {
                    folder.write(&format!("{place}/{}", file_name(pair)), &picture.png()?)?;
                    written.pictures += 1;
                }
                Err(problem) => written.problems.push(problem.to_string()),
            }
        }
    }
    folder.finish()?;
    Ok(written)
}

fn picture_of(
    measured: &Measured,
    faces: &Faces,
    pair: &FailingPair,
) -> Result<Picture, ReportError> {
    Ok(side_by_side(&faces.of_pair(measured, pair.pair)?)?)
}

/// The worst pairs of a kind with captions, and what couldn't be read.
pub(super) fn captioned(
    measured: &Measured,
    failing: &[&FailingPair],
) -> Result<(Vec<Caption>, Vec<String>), ReportError> {
    let faces = Faces::open(measured)?;
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for pair in failing {
        match picture_of(measured, &faces, pair) {
            Ok(picture) => entries.push(Caption {
                picture,
                lines: lines_of(pair),
            }),
            Err(problem) => problems.push(problem.to_string()),
        }
    }
    Ok((entries, problems))
}

fn lines_of(pair: &FailingPair) -> Vec<String> {
    let fold = pair
        .fold
        .map_or("untested".to_owned(), |fold| format!("fold {}", fold + 1));
    vec![
        format!("{:.4}, threshold {:.4}", pair.distance, pair.threshold),
        pair.a.clone(),
        pair.b.clone(),
        format!("pair {}, {fold}", pair.pair + 1),
    ]
}

/// The number of the pair keeps names apart that become the same.
fn file_name(pair: &FailingPair) -> String {
    format!(
        "{:.4}_{}_{}_pair{}.png",
        pair.distance,
        plain(&pair.a),
        plain(&pair.b),
        pair.pair + 1
    )
}
