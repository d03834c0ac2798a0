//! All about one evaluation.
//!
//! ```text
//! margin-centre @600 on heldout_glint6.bin ──────────────────────────── rule reference
//! accuracy    78.333 ± 2.100 %, standard error 0.700, 95 %: 77.020 to 79.610
//! threshold   1.2130 squared-l2 · AUC 0.8512 · EER 22.1 %
//! TAR at FAR  0.1: 61.0 %   0.01: 22.3 %   0.001: too few
//! pairs       3,000 same, 3,000 different, 0 missing, 0 dropped, 6,000 tested
//! folds       78.3  79.0  77.5 …
//! made with   rgb · 112x96 · mirror none · flex
//! data        data/heldout_glint6.bin
//! ```

use ratatui::layout::Rect;

use crate::eval::Evaluation;
use crate::tui::theme::Role;
use crate::tui::widget::gauge::bar;
use crate::tui::widget::text::{Pen, wrap};
use crate::tui::words;

/// The rows it needs.
pub const HEIGHT: u16 = 8;

/// Draws it.
pub fn draw(evaluation: &Evaluation, pen: &mut Pen, area: Rect) {
    if area.height == 0 {
        return;
    }
    let made_by = &evaluation.provenance;
    let step = made_by.step.map(|step| format!(" @{step}"));
    let model = if made_by.model.is_empty() {
        "given scores"
    } else {
        &made_by.model
    };
    let title = format!("{model}{} on {}", step.unwrap_or_default(), evaluation.set);
    let rule = format!("rule {}", evaluation.rule);
    let wide = pen.width(&rule);
    let left = Rect {
        width: area.width.saturating_sub(wide + 1),
        ..area
    };
    pen.title(left, &title, Role::Strong);
    pen.put_right(area.x, area.y, area.width, &rule, Role::Accent);
    let room = usize::from(area.width.saturating_sub(12));
    let mut y = area.y + 1;
    for (label, text) in facts(evaluation) {
        let mut label = label;
        for line in wrap_keeping_gaps(&text, room) {
            if y >= area.bottom() {
                return;
            }
            pen.put(area.x, y, 11, label, Role::Quiet);
            pen.put(area.x + 12, y, room as u16, &line, Role::Text);
            label = "";
            y += 1;
        }
    }
    let folds = Rect {
        y: y + 1,
        height: area.bottom().saturating_sub(y + 1),
        ..area
    };
    draw_folds(evaluation, pen, folds);
}

/// Texts whose gaps line up stay whole where they fit.
fn wrap_keeping_gaps(text: &str, room: usize) -> Vec<String> {
    if text.chars().count() <= room {
        vec![text.to_owned()]
    } else {
        wrap(text, room)
    }
}

fn facts(evaluation: &Evaluation) -> Vec<(&'static str, String)> {
    let accuracy = evaluation.accuracy;
    let pairs = evaluation.pairs;
    let made_by = &evaluation.provenance;
    let tar: Vec<String> = evaluation
        .tar_at_far
        .iter()
        .rev()
        .map(|(far, tar)| {
            let tar = tar.map_or_else(|| "too few".to_owned(), words::percent);
            format!("{far}: {tar}")
        })
        .collect();
    let interval = evaluation.intervals.as_ref().map(|intervals| {
        let [low, high] = [intervals.accuracy.low, intervals.accuracy.high].map(|end| end * 100.0);
        format!(", 95 %: {low:.3} to {high:.3}")
    });
    let untested = evaluation.untested.map(|untested| {
        let count = untested.positive + untested.negative;
        format!(
            "; {} untested: {} right",
            words::count(count as u64),
            words::percent(untested.accuracy)
        )
    });
    let folds: Vec<String> = evaluation
        .folds
        .iter()
        .map(|fold| format!("{:.1}", fold.accuracy * 100.0))
        .collect();
    let made_with: Vec<String> = [
        made_by.channels.clone(),
        made_by.crop.clone(),
        made_by
            .mirror
            .as_ref()
            .map(|mirror| format!("mirror {mirror}")),
        made_by
            .pooling
            .as_ref()
            .map(|pooling| format!("pooling {pooling}")),
        made_by
            .corrected
            .as_ref()
            .map(|corrected| format!("corrected {corrected}")),
        made_by.device.clone(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut facts = vec![
        (
            "accuracy",
            format!(
                "{:.3} ± {:.3} %, standard error {:.3}{}",
                accuracy.mean * 100.0,
                accuracy.std * 100.0,
                accuracy.sem * 100.0,
                interval.unwrap_or_default()
            ),
        ),
        (
            "threshold",
            format!(
                "{} {} · AUC {:.4} · EER {}",
                words::figure(evaluation.threshold),
                made_by.distance,
                evaluation.auc,
                words::percent(evaluation.eer)
            ),
        ),
        ("TAR at FAR", tar.join("   ")),
        (
            "pairs",
            format!(
                "{} same, {} different, {} missing, {} dropped, {} tested{}",
                words::count(pairs.positive as u64),
                words::count(pairs.negative as u64),
                words::count(pairs.missing as u64),
                words::count(pairs.dropped as u64),
                words::count(pairs.tested as u64),
                untested.unwrap_or_default()
            ),
        ),
        ("folds", folds.join("  ")),
        ("made with", made_with.join(" · ")),
        ("data", made_by.data.clone()),
    ];
    facts.retain(|(_, text)| !text.is_empty());
    facts
}

/// Where there is room: each fold as a bar, with its threshold.
fn draw_folds(evaluation: &Evaluation, pen: &mut Pen, area: Rect) {
    let folds = &evaluation.folds;
    if usize::from(area.height) < folds.len() + 1 || folds.is_empty() {
        return;
    }
    pen.put(area.x, area.y, 50, "fold  accuracy", Role::Quiet);
    let width = area.width.saturating_sub(34).min(60);
    pen.put(area.x + 18 + width, area.y, 12, "threshold", Role::Quiet);
    for (nth, fold) in folds.iter().enumerate() {
        let y = area.y + 1 + nth as u16;
        pen.put_right(area.x, y, 4, &(nth + 1).to_string(), Role::Quiet);
        let accuracy = format!("{:.2} %", fold.accuracy * 100.0);
        pen.put_right(area.x + 6, y, 8, &accuracy, Role::Text);
        // Half right is what guessing gives: the bar begins there.
        let (full, empty) = bar((fold.accuracy - 0.5) * 2.0, width.into(), pen.theme);
        pen.put_all(
            area.x + 16,
            y,
            width,
            &[(&full, Role::Curve(0)), (&empty, Role::Quiet)],
        );
        pen.put(
            area.x + 18 + width,
            y,
            12,
            &words::figure(fold.threshold),
            Role::Text,
        );
    }
}
