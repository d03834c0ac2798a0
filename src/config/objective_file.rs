//! Reads `[loss]` and `[triplet]`: each head takes its own keys and no other's.

use std::ops::Bound;

use super::{
    Head, LossOptions, Mining, Stage, TripletOptions,
    reader::{Mistakes, Need, POSITIVE, Read, Reader},
};

/// A head by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Arcface,
    Cosface,
    Combined,
    Softmax,
    NormalisedSoftmax,
    Adaface,
    Magface,
    MarginLoss,
}

/// Every head's name and its own keys.
const HEADS: [(&str, Kind, &[&str]); 8] = [
    (
        "arcface",
        Kind::Arcface,
        &["scale", "margin", "straight_through"],
    ),
    ("cosface", Kind::Cosface, &["scale", "margin"]),
    (
        "combined",
        Kind::Combined,
        &["scale", "m1", "m2", "m3", "straight_through"],
    ),
    ("softmax", Kind::Softmax, &[]),
    ("normalised-softmax", Kind::NormalisedSoftmax, &["scale"]),
    (
        "adaface",
        Kind::Adaface,
        &["scale", "margin", "concentration", "norm_decay"],
    ),
    (
        "magface",
        Kind::Magface,
        &[
            "scale",
            "lower_norm",
            "upper_norm",
            "lower_margin",
            "upper_margin",
            "norm_weight",
        ],
    ),
    ("margin-loss", Kind::MarginLoss, &[]),
];

/// The largest margin, in radians or as a cosine.
const MOST_MARGIN: f64 = 1.5;

pub(super) fn read_loss(reader: &Reader<'_>, mistakes: &Mistakes) -> LossOptions {
    reader.table("loss", |loss| {
        let names = HEADS.map(|(name, kind, _)| (name, kind));
        let kind = loss.choice("head", &names, Kind::Arcface);
        let head = read_head(loss, kind.value, mistakes);
        if kind.sound {
            refuse_keys_of_others(loss, kind.value);
        }
        // The published weight belongs to the published head.
        let usual_weight = if kind.value == Kind::Arcface {
            0.3
        } else {
            0.0
        };
        let centre_weight = loss.number("centre_weight", 0.0.., usual_weight);
        if kind.sound && centre_weight.sound && centre_weight.value > 0.0 && !head.has_margin() {
            let problem = format!(
                "found {}; allowed: 0, because the centre term goes with a head that has a margin, and head = \"{}\" has none",
                centre_weight.value,
                name_of(kind.value)
            );
            mistakes.add(&centre_weight.place, centre_weight.key, problem);
        }
        let sub_centres = loss.whole("sub_centres", 1..=64, Need::Default(1));
        if kind.value == Kind::Softmax && kind.sound && sub_centres.sound && sub_centres.value > 1 {
            let problem = format!(
                "found {}; allowed: 1, because the nearest centre is found by cosines, and head = \"softmax\" has none",
                sub_centres.value
            );
            mistakes.add(&sub_centres.place, sub_centres.key, problem);
        }
        let shares = (Bound::Excluded(0.0), Bound::Included(1.0));
        LossOptions {
            head,
            head_weight: loss.number("head_weight", 0.0.., 1.0).value,
            sub_centres: sub_centres.value as usize,
            sample_fraction: loss.number("sample_fraction", shares, 1.0).value,
            centre_weight: centre_weight.value,
            weight_decay: loss.number("weight_decay", 0.0..=1.0, 1e-4).value,
        }
    })
}

fn name_of(kind: Kind) -> &'static str {
    HEADS
        .iter()
        .find(|(_, known, _)| *known == kind)
        .map_or("", |(name, ..)| name)
}

fn read_head(loss: &Reader<'_>, kind: Kind, mistakes: &Mistakes) -> Head {
    let scale = |default| loss.number("scale", POSITIVE, default).value;
    let margin = |key: &'static str, default| loss.number(key, 0.0..=MOST_MARGIN, default).value;
    let straight_through = || loss.flag("straight_through", false).value;
    match kind {
        Kind::Arcface => Head::Arcface {
            scale: scale(64.0),
            margin: margin("margin", 0.5),
            straight_through: straight_through(),
        },
        Kind::Cosface => Head::Cosface {
            scale: scale(30.0),
            margin: margin("margin", 0.4),
        },
        Kind::Combined => Head::Combined {
            scale: scale(64.0),
            m1: loss.number("m1", 1.0..=4.0, 1.0).value,
            m2: margin("m2", 0.3),
            m3: margin("m3", 0.2),
            straight_through: straight_through(),
        },
        Kind::Softmax => Head::Softmax,
        Kind::NormalisedSoftmax => Head::NormalisedSoftmax { scale: scale(64.0) },
        Kind::Adaface => Head::Adaface {
            scale: scale(64.0),
            margin: margin("margin", 0.4),
            concentration: loss.number("concentration", 0.0..=10.0, 0.333).value,
            norm_decay: loss.number("norm_decay", 0.0..1.0, 0.99).value,
        },
        Kind::Magface => {
            let lower_norm = loss.number("lower_norm", POSITIVE, 10.0);
            let upper_norm = loss.number("upper_norm", POSITIVE, 110.0);
            let lower_margin = loss.number("lower_margin", 0.0..=MOST_MARGIN, 0.45);
            let upper_margin = loss.number("upper_margin", 0.0..=MOST_MARGIN, 0.8);
            for (lower, upper) in [(&lower_norm, &upper_norm), (&lower_margin, &upper_margin)] {
                if lower.sound && upper.sound && lower.value >= upper.value {
                    let place = if upper.given { upper } else { lower };
                    let problem = format!(
                        "found {}; allowed: above {} = {}",
                        upper.value, lower.key, lower.value
                    );
                    mistakes.add(&place.place, upper.key.clone(), problem);
                }
            }
            Head::Magface {
                scale: scale(64.0),
                lower_norm: lower_norm.value,
                upper_norm: upper_norm.value,
                lower_margin: lower_margin.value,
                upper_margin: upper_margin.value,
                norm_weight: loss.number("norm_weight", 0.0.., 35.0).value,
            }
        }
        Kind::MarginLoss => Head::MarginLoss,
    }
}

/// Refuses keys that are right in themselves and belong to other heads.
fn refuse_keys_of_others(loss: &Reader<'_>, kind: Kind) {
    let own = HEADS
        .iter()
        .find(|(_, known, _)| *known == kind)
        .map_or(&[][..], |(.., keys)| *keys);
    let mut told = Vec::new();
    for key in HEADS.iter().flat_map(|(.., keys)| keys.iter().copied()) {
        if own.contains(&key) || told.contains(&key) {
            continue;
        }
        told.push(key);
        let takers: Vec<String> = HEADS
            .iter()
            .filter(|(.., keys)| keys.contains(&key))
            .map(|(name, ..)| format!("\"{name}\""))
            .collect();
        let reason = format!(
            "head = \"{}\" has no such constant; it belongs to head = {}",
            name_of(kind),
            takers.join(", ")
        );
        loss.refuse(key, &reason);
    }
}

pub(super) fn read_triplet(
    reader: &Reader<'_>,
    stage: &Read<Stage>,
    batch_size: &Read<u64>,
    accumulation: &Read<u64>,
    mistakes: &Mistakes,
) -> TripletOptions {
    reader.table("triplet", |triplet| {
        // One image of each person leaves no positive pair.
        let images_per_class = triplet.whole("images_per_class", 2..=65_536, Need::Default(4));
        if stage.value.draws_people() && batch_size.sound && images_per_class.sound {
            check_people(batch_size, accumulation, &images_per_class, mistakes);
        }
        let minings = [
            ("batch-hard", Mining::BatchHard),
            ("batch-all", Mining::BatchAll),
        ];
        let margins = (Bound::Excluded(0.0), Bound::Included(2.0));
        let weight = triplet.number("weight", 0.0.., 10.0);
        let hardnet_weight = triplet.number("hardnet_weight", 0.0.., 0.0);
        let wants_pairs = stage.value.draws_people() && hardnet_weight.value > 0.0;
        if wants_pairs && images_per_class.sound && images_per_class.value != 2 {
            let problem = format!(
                "found {}; allowed: 2 where hardnet_weight is above 0, one anchor and one positive of each person",
                images_per_class.value
            );
            mistakes.add(&images_per_class.place, &images_per_class.key, problem);
        }
        if stage.value.draws_people() && weight.value <= 0.0 && hardnet_weight.value <= 0.0 {
            let problem = format!(
                "found 0, and hardnet_weight is 0 too; allowed: one of them above 0 in stage = \"{}\"",
                stage.value.name()
            );
            mistakes.add(&weight.place, weight.key, problem);
        }
        TripletOptions {
            margin: triplet.number("margin", margins, 0.3).value,
            weight: weight.value,
            images_per_class: images_per_class.value as usize,
            mining: triplet.choice("mining", &minings, Mining::BatchHard).value,
            hardnet_weight: hardnet_weight.value,
            hardnet_margin: triplet.number("hardnet_margin", margins, 1.0).value,
        }
    })
}

/// A batch, or each part of it, holds whole people, and two of them or more.
fn check_people(
    batch_size: &Read<u64>,
    accumulation: &Read<u64>,
    images_per_class: &Read<u64>,
    mistakes: &Mistakes,
) {
    let place = if batch_size.given {
        batch_size
    } else {
        images_per_class
    };
    let (batch, images) = (batch_size.value, images_per_class.value);
    let parts = accumulation.value;
    let unit = images * parts;
    let words = if parts == 1 {
        format!("triplet.images_per_class = {images}")
    } else {
        format!("triplet.images_per_class · optimiser.accumulation = {unit}")
    };
    if !batch.is_multiple_of(unit) {
        let problem = format!("found {batch}; allowed: a multiple of {words}");
        mistakes.add(&place.place, "batch_size", problem);
    } else if batch / unit < 2 {
        let part = if parts == 1 { "" } else { " in each part" };
        let problem = format!(
            "found {batch}, which is one person of triplet.images_per_class = {images}{part}; \
             allowed: two people or more, from {}",
            2 * unit
        );
        mistakes.add(&place.place, "batch_size", problem);
    }
}
