//! Which charts a run has: the known ones in their order, then one for every other tag.

use std::collections::BTreeSet;

use crate::run::JobKind;
use crate::untrusted::visible;

use super::model::Model;
use super::snapshot::Curves;
use super::widget::chart::Unit;

/// One chart: which curves, in what unit.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartOf {
    /// What it shows.
    pub title: String,
    /// Label and tag of each curve.
    pub curves: Vec<(String, String)>,
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
        let here: Vec<(String, String)> = known
            .curves
            .iter()
            .filter(|(_, tag)| tags.contains(tag))
            .map(|(label, tag)| ((*label).to_owned(), (*tag).to_owned()))
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
        if known.title == "accuracy" {
            charts.extend(validation(&tags, trains));
        }
    }
    let others = tags
        .iter()
        .filter(|tag| !taken.contains(*tag) && set_of(tag).is_none());
    charts.extend(others.map(|tag| ChartOf {
        title: visible(tag),
        curves: vec![(String::new(), (*tag).to_owned())],
        unit: Unit::Plain,
        log: true,
    }));
    charts
}

fn validation(tags: &BTreeSet<&str>, trains: bool) -> Option<ChartOf> {
    let curves: Vec<(String, String)> = tags
        .iter()
        .filter_map(|tag| Some((visible(set_of(tag)?), (*tag).to_owned())))
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
