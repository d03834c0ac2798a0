//! How an evaluation is printed.

use super::{Failure, output::print};
use crate::{
    eval::{Evaluation, FoldFigures, Interval, listing::interval_text},
    untrusted::visible,
};

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
    let intervals = evaluation.intervals.as_ref();
    let interval = |of: Option<&Interval>| {
        of.map_or(String::new(), |interval| {
            format!(" (95 %: {})", interval_text(interval))
        })
    };
    if let Some(intervals) = intervals {
        let words = format!(
            "{} (bootstrap, {} draws)",
            interval_text(&intervals.accuracy),
            intervals.resamples
        );
        field("95 %", &words)?;
    }
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
    if let Some(untested) = &evaluation.untested {
        let words = format!(
            "{} positive, {} negative: {:.5} of them right at the mean threshold, in no fold's accuracy",
            untested.positive, untested.negative, untested.accuracy
        );
        field("untested", &words)?;
    }
    let auc = interval(intervals.map(|intervals| &intervals.auc));
    field("AUC", &format!("{:.5}{auc}", evaluation.auc))?;
    let eer = interval(intervals.map(|intervals| &intervals.eer));
    field("EER", &format!("{:.5}{eer}", evaluation.eer))?;
    // The largest rate first, as they are spoken of; the map sorts them by their text.
    for (far, tar) in evaluation.tar_at_far.iter().rev() {
        let own = intervals.and_then(|intervals| intervals.tar_at_far.get(far)?.as_ref());
        let tar = tar.map_or("too few negative pairs to tell".to_owned(), |tar| {
            format!("{tar:.5}{}", interval(own))
        });
        field(&format!("TAR@{far}"), &tar)?;
    }
    if let Some(val) = &evaluation.val {
        let words = format!(
            "{:.5} ± {:.5} at FAR {:.5} (aimed at {})",
            val.mean, val.std, val.far, val.target_far
        );
        field("VAL", &words)?;
    }
    print_folds(&evaluation.folds)?;
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

/// The table of folds; their sizes where they were counted.
fn print_folds(folds: &[FoldFigures]) -> Result<(), Failure> {
    print("  fold         accuracy  threshold  positive  negative")?;
    for (number, fold) in (1..).zip(folds) {
        let size = |pairs: usize| match fold.positive + fold.negative {
            0 => "?".to_owned(),
            _ => pairs.to_string(),
        };
        print(&format!(
            "  {number:<12} {:.5}   {:<9.5}  {:<8}  {}",
            fold.accuracy,
            fold.threshold,
            size(fold.positive),
            size(fold.negative)
        ))?;
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
