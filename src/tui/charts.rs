//! Which charts a run has: the known ones in their order, then one for every other tag.

pub mod spreads;

use std::collections::BTreeSet;

use crate::run::{JobKind, quantile_of};
use crate::untrusted::visible;

use super::along::{Along, EPOCH};
use super::model::Model;
use super::snapshot::Curves;
use super::widget::chart::{GUTTER, Unit};
use spreads::{COSINE_OWN, Ground, Shading};

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
    /// What is shaded behind the curves.
    pub ground: Option<Ground>,
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
    let histograms = spreads::histograms(&tags);
    let is_quantile =
        |tag: &str| quantile_of(tag).is_some_and(|(whole, _)| histograms.contains(whole));
    // What lies along the axis is no curve.
    let mut taken = BTreeSet::from([EPOCH]);
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
                ground: None,
            });
        }
        let last = charts.last_mut();
        match known.title {
            "total loss" => charts.extend(stack("loss, stacked", LOSS, &tags)),
            "accuracy" => charts.extend(validation(&tags, trains)),
            "images/s" => {
                if let Some(time) = stack(STEP_TIME_TITLE, STEP_TIME, &tags) {
                    taken.extend(STEP_TIME.iter().flat_map(|(_, tags)| *tags));
                    charts.push(time);
                }
            }
            "cosine" if tags.contains("train/cosine_own") => {
                let is_there = histograms.contains(COSINE_OWN);
                if let Some(cosine) = last.filter(|_| is_there) {
                    cosine.ground = Some(Ground {
                        histogram: COSINE_OWN.to_owned(),
                        shading: Shading::MostValues,
                    });
                }
                charts.push(spreads::chart(COSINE_OWN, is_there));
            }
            _ => {}
        }
    }
    let others = tags
        .iter()
        .filter(|tag| !taken.contains(*tag) && set_of(tag).is_none() && !is_quantile(tag));
    charts.extend(others.map(|tag| ChartOf {
        title: visible(tag),
        curves: vec![(String::new(), vec![(*tag).to_owned()])],
        unit: Unit::Plain,
        log: true,
        ground: None,
    }));
    let others = histograms.iter().filter(|whole| **whole != COSINE_OWN);
    charts.extend(others.map(|whole| spreads::chart(whole, true)));
    charts
}

/// Parts of a whole: labels, and of each the tags that may hold it, the first one there counting.
type Parts = &'static [(&'static str, &'static [&'static str])];

/// The parts of the loss as they count.
const LOSS: Parts = &[
    ("margin", &["loss/margin_weighted", "loss/margin"]),
    ("triplet", &["loss/triplet_weighted", "loss/triplet"]),
    ("centre", &["loss/centre_weighted"]),
    (
        "decay",
        &["loss/weight_decay_weighted", "loss/weight_decay"],
    ),
];

/// The title of the chart of [`STEP_TIME`].
pub const STEP_TIME_TITLE: &str = "seconds a step, stacked";
/// Where the time of a step goes.
pub const STEP_TIME: Parts = &[
    ("data", &["time/data"]),
    ("forward", &["time/forward"]),
    ("backward", &["time/backward"]),
    ("optimiser", &["time/optimiser"]),
];

/// Parts one on top of the other: the last reaches the whole.
fn stack(title: &str, parts: Parts, tags: &BTreeSet<&str>) -> Option<ChartOf> {
    let mut below: Vec<String> = Vec::new();
    let mut curves = Vec::new();
    for (label, names) in parts {
        if let Some(tag) = names.iter().find(|tag| tags.contains(*tag)) {
            below.push((*tag).to_owned());
            curves.push(((*label).to_owned(), below.clone()));
        }
    }
    (curves.len() > 1).then(|| ChartOf {
        title: title.to_owned(),
        curves,
        unit: Unit::Plain,
        log: false,
        ground: None,
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
        ground: None,
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
    known("gradient norm", &[("", "train/gradient_norm")], false),
    Known {
        log: false,
        ..known(
            "cosine",
            &[
                ("own class", "train/cosine_own"),
                ("nearest other", "train/cosine_between"),
                ("between people", "embedding/cosine_between"),
            ],
            false,
        )
    },
    Known {
        log: false,
        ..known("images/s", &[("", "speed/images_per_second")], true)
    },
    Known {
        unit: Unit::Percent,
        ..known("data wait", &[("", "speed/data_wait")], false)
    },
    known("seconds a validation", &[("", "time/evaluation")], false),
    Known {
        unit: Unit::Percent,
        log: false,
        ..known(
            "utilisation",
            &[
                ("GPU", "device/gpu_utilisation"),
                ("CPU", "device/cpu_utilisation"),
            ],
            false,
        )
    },
    Known {
        unit: Unit::Gibibytes,
        log: false,
        ..known(
            "memory, GiB",
            &[
                ("GPU", "device/gpu_memory_bytes"),
                ("worker", "device/memory_bytes"),
            ],
            false,
        )
    },
    Known {
        log: false,
        ..known("GPU power, W", &[("", "device/gpu_power_watts")], false)
    },
    Known {
        log: false,
        ..known(
            "GPU temperature, °C",
            &[("", "device/gpu_temperature")],
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
