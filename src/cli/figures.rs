//! How an evaluation is printed.

use super::{Failure, output::print};
use crate::{eval::Evaluation, untrusted::visible};

/// An evaluation in one line.
pub(super) fn print_line(evaluation: &Evaluation) -> Result<(), Failure> {
    print(&format!(
        "  {:<24} {}",
        visible(&evaluation.set),
        accuracy(evaluation)
    ))
}

/// An evaluation with everything that is said of it.
pub(super) fn print_whole(evaluation: &Evaluation) -> Result<(), Failure> {
    let field = |label: &str, value: &str| print(&format!("  {label:<12} {value}"));
    print(&visible(&evaluation.set))?;
    field("accuracy", &accuracy(evaluation))?;
    field(
        "threshold",
        &format!(
            "{:.6} (mean of {} folds)",
            evaluation.threshold,
            evaluation.folds.len()
        ),
    )?;
    let pairs = &evaluation.pairs;
    field(
        "pairs",
        &format!(
            "{} positive, {} negative; {} tested, {} missing, {} dropped",
            pairs.positive, pairs.negative, pairs.tested, pairs.missing, pairs.dropped
        ),
    )?;
    field("AUC", &format!("{:.5}", evaluation.auc))?;
    field("EER", &format!("{:.5}", evaluation.eer))?;
    // The largest rate first, as they are spoken of; the map sorts them by their text.
    for (far, tar) in evaluation.tar_at_far.iter().rev() {
        let tar = tar.map_or("too few negative pairs to tell".to_owned(), |tar| {
            format!("{tar:.5}")
        });
        field(&format!("TAR@{far}"), &tar)?;
    }
    let made_by = &evaluation.provenance;
    let step = made_by.step.map(|step| step.to_string());
    let frames = made_by
        .frames_per_video
        .map(|most| format!("{most} a video at most"));
    for (label, value) in [
        (
            "model",
            Some(&made_by.model).filter(|model| !model.is_empty()),
        ),
        ("step", step.as_ref()),
        ("data", Some(&made_by.data)),
        ("distance", Some(&made_by.distance)),
        ("channels", made_by.channels.as_ref()),
        ("crop", made_by.crop.as_ref()),
        ("scaling", made_by.scaling.as_ref()),
        ("mirror", made_by.mirror.as_ref()),
        ("pooling", made_by.pooling.as_ref()),
        ("frames", frames.as_ref()),
        ("corrected", made_by.corrected.as_ref()),
        ("device", made_by.device.as_ref()),
    ] {
        if let Some(value) = value {
            field(label, &visible(value))?;
        }
    }
    Ok(())
}

fn accuracy(evaluation: &Evaluation) -> String {
    let accuracy = &evaluation.accuracy;
    format!(
        "{:.5} ± {:.5} (standard error {:.5}), {} rule",
        accuracy.mean, accuracy.std, accuracy.sem, evaluation.rule
    )
}
