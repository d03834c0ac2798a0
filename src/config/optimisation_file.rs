//! Reads `[schedule]` and `[optimiser]`.

use super::{
    Decay, DecayPlace, OptimiserOptions, OptimiserRule, ScheduleOptions,
    error::Place,
    reader::{MOST, Mistakes, Need, POSITIVE, Read, Reader, number, number_words},
    tree::Value,
};

/// `[optimiser]`, of which other tables need to know how many parts a batch has.
pub(super) fn read_optimiser(
    reader: &Reader<'_>,
    batch_size: &Read<u64>,
    mistakes: &Mistakes,
) -> (OptimiserOptions, Read<u64>) {
    reader.table("optimiser", |optimiser| {
        #[derive(Clone, Copy, PartialEq)]
        enum Kind {
            Sgd,
            AdamW,
        }
        let kinds = [("sgd", Kind::Sgd), ("adamw", Kind::AdamW)];
        let kind = optimiser.choice("kind", &kinds, Kind::Sgd);
        let rule = if kind.value == Kind::AdamW {
            OptimiserRule::AdamW {
                beta1: optimiser.number("beta1", 0.0..1.0, 0.9).value,
                beta2: optimiser.number("beta2", 0.0..1.0, 0.999).value,
                epsilon: optimiser.number("epsilon", POSITIVE, 1e-8).value,
            }
        } else {
            for key in ["beta1", "beta2", "epsilon"] {
                optimiser.refuse(
                    key,
                    "kind = \"sgd\" has no such constant; it belongs to kind = \"adamw\"",
                );
            }
            OptimiserRule::Sgd
        };
        let places = [
            ("loss", DecayPlace::Loss),
            ("optimiser", DecayPlace::Optimiser),
        ];
        let usual = match kind.value {
            Kind::Sgd => DecayPlace::Loss,
            Kind::AdamW => DecayPlace::Optimiser,
        };
        let decay = optimiser.choice("decay", &places, usual);
        if decay.sound && kind.value == Kind::AdamW && decay.value == DecayPlace::Loss {
            let problem = "found \"loss\"; allowed: \"optimiser\", because AdamW is Adam with decay apart from the gradient";
            mistakes.add(&decay.place, decay.key, problem);
        }
        let accumulation = optimiser.whole("accumulation", 1..=65_536, Need::Default(1));
        if accumulation.sound && batch_size.sound {
            let (parts, batch) = (accumulation.value, batch_size.value);
            // BatchNorm needs two images to have a variance.
            if !batch.is_multiple_of(parts) || batch / parts < 2 {
                let problem = format!(
                    "found {parts}; allowed: a number that divides batch_size = {batch} into equal parts of two images or more"
                );
                mistakes.add(&accumulation.place, accumulation.key.clone(), problem);
            }
        }
        let options = OptimiserOptions {
            rule,
            decay: decay.value,
            clip_norm: optimiser.number("clip_norm", 0.0.., 0.0).value,
            accumulation: accumulation.value as usize,
        };
        (options, accumulation)
    })
}

pub(super) fn read_schedule(
    reader: &Reader<'_>,
    steps: &Read<u64>,
    rule: OptimiserRule,
    mistakes: &Mistakes,
) -> ScheduleOptions {
    reader.table("schedule", |schedule| {
        let warmup = schedule.whole("warmup_steps", 0..=MOST, Need::Default(0));
        if warmup.sound && steps.sound && warmup.value > steps.value {
            let problem = format!(
                "found {}; allowed: no more than steps = {}",
                warmup.value, steps.value
            );
            mistakes.add(&warmup.place, &warmup.key, problem);
        }
        let boundaries = schedule.list(
            "boundaries",
            "a step from 1 up",
            vec![],
            |value| match value {
                Value::Integer(step) => u64::try_from(*step)
                    .ok()
                    .filter(|step| (1..=MOST).contains(step)),
                _ => None,
            },
        );
        let rates = schedule.list("rates", &number_words(&POSITIVE), vec![], |value| {
            number(value, &POSITIVE)
        });
        let stepped = !boundaries.value.is_empty() || !rates.value.is_empty();
        let decays = [
            ("constant", Decay::Constant),
            ("step", Decay::Step),
            ("cosine", Decay::Cosine),
            ("polynomial", Decay::Polynomial),
        ];
        let default = if stepped {
            Decay::Step
        } else {
            Decay::Constant
        };
        let decay = schedule.choice("decay", &decays, default);
        if decay.sound && decay.value == Decay::Step && boundaries.sound && rates.sound {
            check_boundaries(&boundaries, &rates, &decay.place, &warmup, mistakes);
        }
        ScheduleOptions {
            momentum: read_momentum(schedule, rule, mistakes),
            learning_rate: schedule.number("learning_rate", POSITIVE, 1e-3).value,
            warmup_steps: warmup.value,
            decay: decay.value,
            boundaries: boundaries.value,
            rates: rates.value,
            power: schedule.number("power", POSITIVE, 2.0).value,
        }
    })
}

fn read_momentum(schedule: &Reader<'_>, rule: OptimiserRule, mistakes: &Mistakes) -> f64 {
    match rule {
        OptimiserRule::Sgd => schedule.number("momentum", 0.0..1.0, 0.9).value,
        OptimiserRule::AdamW { .. } => {
            let momentum = schedule.number("momentum", 0.0..1.0, 0.0);
            if momentum.sound && momentum.value > 0.0 {
                let problem = format!(
                    "found {}; allowed: 0 with optimiser.kind = \"adamw\", which has optimiser.beta1 in its place",
                    momentum.value
                );
                mistakes.add(&momentum.place, momentum.key, problem);
            }
            momentum.value
        }
    }
}

fn check_boundaries(
    boundaries: &Read<Vec<u64>>,
    rates: &Read<Vec<f64>>,
    decay: &Place,
    warmup: &Read<u64>,
    mistakes: &Mistakes,
) {
    let counts = (boundaries.value.len(), rates.value.len());
    if counts == (0, 0) {
        let problem = "is missing; decay = \"step\" needs boundaries and as many rates";
        mistakes.add(decay, &boundaries.key, problem);
    } else if counts.0 != counts.1 {
        let place = if rates.given {
            &rates.place
        } else {
            &boundaries.place
        };
        let problem = format!(
            "found {}; allowed: as many as boundaries, {}",
            counts.1, counts.0
        );
        mistakes.add(place, &rates.key, problem);
    }
    if let Some([before, after]) = boundaries
        .value
        .array_windows()
        .find(|[before, after]| before >= after)
    {
        let problem = format!("found {before} before {after}; allowed: rising steps");
        mistakes.add(&boundaries.place, &boundaries.key, problem);
    }
    if let Some(first) = boundaries
        .value
        .first()
        .filter(|first| warmup.sound && **first < warmup.value)
    {
        let problem = format!(
            "found {first}; allowed: from warmup_steps = {} on",
            warmup.value
        );
        mistakes.add(&boundaries.place, &boundaries.key, problem);
    }
}
