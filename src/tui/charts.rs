//! Which charts a run has: the known ones in their order, then one for every other tag.

use std::collections::BTreeSet;

use crate::run::JobKind;
use crate::untrusted::visible;

use super::along::Along;
use super::model::Model;
use super::snapshot::Curves;
use super::widget::chart::{GUTTER, Unit};

/// One chart: which curves, in what unit.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartOf {
    /// What it shows.
    pub title: String,
    /// Label of each curve, and the tags whose values are added to it: one, or several that are stacked.
    pub curves: Vec<(String, Vec<String>)>,
    /// The unit.
    pub unit: Unit,
    /// Whether heights can be logarithmic.
    pub log: bool,
}

/// The charts of the selected run, in order.
pub fn of(model: &Model) -> Vec<ChartOf> {
    let Some(run) = model.selected_run() else {
        return Vec::new();
    };
    match model.curves_of(&run.path) {
        Some(curves) => of_curves(curves, run.kind() == Some(JobKind::Train)),
        None => Vec::new(),
    }
}

/// The charts of one run; one that trains has the most important ones before there is a value.
pub fn of_curves(curves: &Curves, trains: bool) -> Vec<ChartOf> {
    let tags: BTreeSet<&str> = curves.scalars.tags().collect();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    let mut charts = Vec::new();
    for known in KNOWN {
        let here: Vec<(String, Vec<String>)> = known
            .curves
            .iter()
            .filter(|(_, tag)| tags.contains(tag))
            .map(|(label, tag)| ((*label).to_owned(), vec![(*tag).to_owned()]))
            .collect();
        taken.extend(known.curves.iter().map(|(_, tag)| *tag));
        taken.extend(known.instead);
        if !here.is_empty() || (trains && known.always) {
            charts.push(ChartOf {
                title: known.title.to_owned(),
                curves: here,
                unit: known.unit,
                log: known.log,
            });
        }
        match known.title {
            "total loss" => charts.extend(stack(&tags)),
            "accuracy" => charts.extend(validation(&tags, trains)),
            _ => {}
        }
    }
    let others = tags
        .iter()
        .filter(|tag| !taken.contains(*tag) && set_of(tag).is_none());
    charts.extend(others.map(|tag| ChartOf {
        title: visible(tag),
        curves: vec![(String::new(), vec![(*tag).to_owned()])],
        unit: Unit::Plain,
        log: true,
    }));
    charts
}

/// The parts of the loss as they count, one on top of the other: the last reaches the total.
fn stack(tags: &BTreeSet<&str>) -> Option<ChartOf> {
    const PARTS: [(&str, &[&str]); 4] = [
        ("margin", &["loss/margin_weighted", "loss/margin"]),
        ("triplet", &["loss/triplet_weighted", "loss/triplet"]),
        ("centre", &["loss/centre_weighted"]),
        (
            "decay",
            &["loss/weight_decay_weighted", "loss/weight_decay"],
        ),
    ];
    let mut below: Vec<String> = Vec::new();
    let mut curves = Vec::new();
    for (label, names) in PARTS {
        if let Some(tag) = names.iter().find(|tag| tags.contains(*tag)) {
            below.push((*tag).to_owned());
            curves.push((label.to_owned(), below.clone()));
        }
    }
    (curves.len() > 1).then(|| ChartOf {
        title: "loss, stacked".to_owned(),
        curves,
        unit: Unit::Plain,
        log: false,
    })
}

fn validation(tags: &BTreeSet<&str>, trains: bool) -> Option<ChartOf> {
    let curves: Vec<(String, Vec<String>)> = tags
        .iter()
        .filter_map(|tag| Some((visible(set_of(tag)?), vec![(*tag).to_owned()])))
        .collect();
    (trains || !curves.is_empty()).then(|| ChartOf {
        title: "validation".to_owned(),
        curves,
        unit: Unit::Percent,
        log: false,
    })
}

/// The set whose accuracy a tag holds.
fn set_of(tag: &str) -> Option<&str> {
    tag.strip_prefix("eval/")?.strip_suffix("/accuracy")
}

struct Known {
    title: &'static str,
    curves: &'static [(&'static str, &'static str)],
    /// Tags that say the same in other words and get no chart.
    instead: &'static [&'static str],
    unit: Unit,
    log: bool,
    /// Shown before there is a value.
    always: bool,
}

const KNOWN: &[Known] = &[
    known("total loss", &[("", "loss/total")], true),
    Known {
        instead: &["loss/margin_weighted"],
        ..known("margin", &[("", "loss/margin")], false)
    },
    Known {
        instead: &["loss/triplet_weighted"],
        ..known("triplet", &[("", "loss/triplet")], false)
    },
    Known {
        instead: &["loss/centre"],
        ..known("centre, weighted", &[("", "loss/centre_weighted")], false)
    },
    Known {
        instead: &["loss/weight_decay_weighted"],
        ..known("weight decay", &[("", "loss/weight_decay")], false)
    },
    Known {
        unit: Unit::Percent,
        log: false,
        ..known(
            "accuracy",
            &[("", "train/accuracy"), ("margin", "train/accuracy_margin")],
            false,
        )
    },
    known("learning rate", &[("", "train/learning_rate")], true),
    Known {
        log: false,
        ..known("images/s", &[("", "speed/images_per_second")], true)
    },
    known("gradient norm", &[("", "train/gradient_norm")], false),
    known("data wait", &[("", "speed/data_wait")], false),
    Known {
        log: false,
        ..known(
            "cosine",
            &[
                ("own class", "train/cosine_own"),
                ("between people", "embedding/cosine_between"),
            ],
            false,
        )
    },
];

const fn known(
    title: &'static str,
    curves: &'static [(&'static str, &'static str)],
    always: bool,
) -> Known {
    Known {
        title,
        curves,
        instead: &[],
        unit: Unit::Plain,
        log: true,
        always,
    }
}

/// Columns of charts on a terminal of a size.
pub fn columns(size: (u16, u16)) -> usize {
    match size.0 {
        0..64 => 1,
        64..150 => 2,
        _ => 3,
    }
}

/// Cells of a chart's plot from left to right, as far as the terminal's size tells.
pub fn plot_columns(model: &Model) -> u16 {
    let columns = if model.live.kept.zoomed {
        1
    } else {
        columns(model.size) as u16
    };
    (model.size.0 / columns.max(1))
        .saturating_sub(GUTTER + 1)
        .max(1)
}

/// How the selected run's points are placed from left to right, where its curves are here.
pub fn along(model: &Model) -> Option<Along> {
    let run = model.selected_run()?;
    let curves = model.curves_of(&run.path)?;
    let kept = &model.live.kept;
    Some(Along::of(curves, kept.along, kept.log_x))
}

/// What all charts span from left to right, whatever is zoomed into: the selected run and those beside it.
pub fn span(model: &Model) -> Option<(f64, f64)> {
    let run = model.selected_run()?;
    let all = model
        .curves_of(&run.path)
        .into_iter()
        .chain(model.beside.values());
    let kept = &model.live.kept;
    let spans = all.map(|curves| {
        let along = Along::of(curves, kept.along, kept.log_x);
        along.span(&curves.scalars)
    });
    spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
}
