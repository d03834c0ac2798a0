//! Lints of a training: signs that it goes wrong, found in the scalars of its steps.
//!
//! Each is told when it begins, and again only after it had gone. They look at a window of the last steps, which
//! starts empty after a resume.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::trainer::COSINE_BETWEEN;

/// How many steps a sign has to hold before it is told.
const WINDOW: usize = 100;
/// −ln 1e-30: where a clipped softmax loss stays when labels are wrong.
const CLIPPED_LOSS: f64 = 69.077_552_789_821_37;
/// The share of a step that may pass with waiting for data.
const MOST_DATA_WAIT: f64 = 0.2;
/// How many times its usual length a gradient may be.
const MOST_GRADIENT: f64 = 10.0;
/// The mean cosine between people from which embeddings count as collapsed.
const COLLAPSED_COSINE: f64 = 0.95;

/// A sign that training goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// Its short name.
    pub name: &'static str,
    /// What was seen, and what to do.
    pub message: String,
}

/// Looks at the scalars of every step.
pub struct Watch {
    /// Number of classes, in the stage that has them.
    classes: Option<usize>,
    recent: BTreeMap<&'static str, VecDeque<f64>>,
    /// The epoch at hand, its steps, and whether any image in it was told right.
    epoch: Option<(u64, u64, bool)>,
    told: BTreeSet<&'static str>,
}

impl Watch {
    /// Watches a training; `classes` is `None` where the stage has no class weights.
    pub fn new(classes: Option<usize>) -> Self {
        Self {
            classes,
            recent: BTreeMap::new(),
            epoch: None,
            told: BTreeSet::new(),
        }
    }

    /// Takes one step's scalars and gives the lints that begin with it.
    pub fn observe(&mut self, epoch: u64, scalars: &[(&'static str, f64)]) -> Vec<Lint> {
        let value = |tag: &str| {
            scalars
                .iter()
                .find(|(known, _)| *known == tag)
                .map(|(_, value)| *value)
        };
        let gradient = value("train/gradient_norm");
        let usual_gradient = self.median("train/gradient_norm");
        for tag in [
            "loss/margin",
            "speed/data_wait",
            "train/gradient_norm",
            COSINE_BETWEEN,
        ] {
            if let Some(value) = value(tag) {
                let recent = self.recent.entry(tag).or_default();
                recent.push_back(value);
                if recent.len() > WINDOW {
                    recent.pop_front();
                }
            }
        }
        let wrong_epoch = self.count_epoch(epoch, value("train/accuracy"));
        let found = [
            self.loss_at_chance(),
            self.loss_clipped(),
            wrong_epoch,
            self.data_wait(),
            gradient_spike(gradient, usual_gradient),
            self.collapse(),
        ];
        let mut begun = Vec::new();
        for (name, message) in found {
            match message {
                Some(message) if self.told.insert(name) => begun.push(Lint { name, message }),
                Some(_) => {}
                None => {
                    self.told.remove(name);
                }
            }
        }
        begun
    }

    fn loss_at_chance(&self) -> Found {
        let chance = self.classes.map(|classes| (classes as f64).ln());
        let stuck = chance.filter(|chance| self.stays_at("loss/margin", *chance, 0.005 * chance));
        let message = stuck.map(|chance| {
            format!(
                "the margin loss has stayed at ln(classes) = {chance:.3} for {WINDOW} steps: the network guesses; \
                 raise schedule.learning_rate, or look at the labels and the input"
            )
        });
        ("loss-at-chance", message)
    }

    fn loss_clipped(&self) -> Found {
        let stuck = self.stays_at("loss/margin", CLIPPED_LOSS, 0.05);
        let message = stuck.then(|| {
            format!(
                "the margin loss has stayed at 69.08 = -ln 1e-30 for {WINDOW} steps: the labels are wrong; \
                 check the training list with facetui data check"
            )
        });
        ("loss-clipped", message)
    }

    /// Counts the accuracy of the epoch at hand; a complete one without a single hit is told.
    fn count_epoch(&mut self, epoch: u64, accuracy: Option<f64>) -> Found {
        let mut message = None;
        if let Some(accuracy) = accuracy {
            let hit = accuracy > 0.0;
            match &mut self.epoch {
                Some((at, steps, any)) if *at == epoch => {
                    *steps += 1;
                    *any |= hit;
                }
                before => {
                    if let Some((at, steps, false)) = before {
                        message = Some(format!(
                            "not one image was told right in epoch {at} ({steps} steps); \
                             check labels, schedule.learning_rate and loss.margin"
                        ));
                    }
                    *before = Some((epoch, 1, hit));
                }
            }
        }
        ("no-accuracy", message)
    }

    fn data_wait(&self) -> Found {
        let waiting = self
            .full("speed/data_wait")
            .map(|recent| recent.iter().sum::<f64>() / WINDOW as f64)
            .filter(|share| *share > MOST_DATA_WAIT);
        let message = waiting.map(|share| {
            format!(
                "{:.0} % of the time of the last {WINDOW} steps went into waiting for data; \
                 pack the set as records (facetui data pack), or put it on a faster disk",
                share * 100.0
            )
        });
        ("waiting-for-data", message)
    }

    fn collapse(&self) -> Found {
        let collapsed = self
            .full(COSINE_BETWEEN)
            .map(|recent| recent.iter().sum::<f64>() / WINDOW as f64)
            .filter(|cosine| *cosine > COLLAPSED_COSINE);
        let message = collapsed.map(|cosine| {
            format!(
                "embeddings of different people have a mean cosine of {cosine:.3}: they collapse into one; \
                 lower loss.centre_weight or schedule.learning_rate"
            )
        });
        ("collapse", message)
    }

    /// Whether a tag's whole window lies around a value.
    fn stays_at(&self, tag: &str, value: f64, tolerance: f64) -> bool {
        self.full(tag).is_some_and(|recent| {
            let mean = recent.iter().sum::<f64>() / WINDOW as f64;
            (mean - value).abs() <= tolerance
        })
    }

    /// A tag's window once it is full.
    fn full(&self, tag: &str) -> Option<&VecDeque<f64>> {
        self.recent.get(tag).filter(|recent| recent.len() == WINDOW)
    }

    fn median(&self, tag: &str) -> Option<f64> {
        let mut values: Vec<f64> = self.full(tag)?.iter().copied().collect();
        values.sort_unstable_by(f64::total_cmp);
        Some(values[values.len() / 2])
    }
}

/// A lint's name, with its message where it holds.
type Found = (&'static str, Option<String>);

fn gradient_spike(gradient: Option<f64>, usual: Option<f64>) -> Found {
    let message = gradient
        .zip(usual)
        .filter(|(gradient, usual)| *gradient > MOST_GRADIENT * usual)
        .map(|(gradient, usual)| {
            format!(
                "the gradient's length is {gradient:.3}, usually {usual:.3}; \
                 if that goes on, lower schedule.learning_rate"
            )
        });
    ("gradient-spike", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the lints that begin, with the step at which they do.
    fn watch(
        classes: Option<usize>,
        steps: u64,
        scalars: impl Fn(u64) -> Vec<(&'static str, f64)>,
    ) -> Vec<(u64, &'static str)> {
        let mut watch = Watch::new(classes);
        (0..steps)
            .flat_map(|step| {
                let lints = watch.observe(step / 50, &scalars(step));
                lints.into_iter().map(move |lint| (step, lint.name))
            })
            .collect()
    }

    #[test]
    fn a_loss_that_stays_at_chance_is_told_once_and_one_that_falls_is_not() {
        let chance = 1000_f64.ln();
        let stuck = watch(Some(1000), 300, |step| {
            vec![("loss/margin", chance + 0.01 * (step % 2) as f64)]
        });
        assert_eq!(stuck, [(99, "loss-at-chance")]);
        let falling = watch(Some(1000), 300, |step| {
            vec![("loss/margin", 40.0 - 0.13 * step as f64)]
        });
        assert_eq!(falling, []);
        assert_eq!(watch(None, 300, |_| vec![("loss/margin", chance)]), []);
    }

    #[test]
    fn a_clipped_loss_tells_of_wrong_labels() {
        let lints = watch(Some(10), 150, |_| vec![("loss/margin", 69.0776)]);
        assert_eq!(lints, [(99, "loss-clipped")]);
    }

    #[test]
    fn an_epoch_without_a_hit_is_told_when_it_is_over() {
        let lints = watch(Some(10), 120, |step| {
            vec![("train/accuracy", if step < 60 { 0.0 } else { 0.5 })]
        });
        assert_eq!(lints, [(50, "no-accuracy")]);
        let lints = watch(Some(10), 120, |step| {
            vec![("train/accuracy", f64::from(u8::from(step == 49)))]
        });
        assert_eq!(lints, [(100, "no-accuracy")], "the second epoch only");
    }

    #[test]
    fn waiting_is_told_again_only_after_it_had_gone() {
        let lints = watch(None, 700, |step| {
            let slow = !(150..400).contains(&step);
            vec![("speed/data_wait", if slow { 0.5 } else { 0.01 })]
        });
        let [(99, "waiting-for-data"), (again, "waiting-for-data")] = lints[..] else {
            panic!("{lints:?}");
        };
        assert!((430..500).contains(&again), "{again}");
    }

    #[test]
    fn one_long_gradient_among_usual_ones_is_told() {
        let lints = watch(None, 300, |step| {
            vec![("train/gradient_norm", if step == 200 { 80.0 } else { 2.0 })]
        });
        assert_eq!(lints, [(200, "gradient-spike")]);
        let lints = watch(None, 300, |step| {
            vec![("train/gradient_norm", if step < 50 { 80.0 } else { 2.0 })]
        });
        assert_eq!(lints, [], "the first steps have no usual length yet");
    }

    #[test]
    fn embeddings_that_are_all_alike_are_told() {
        let lints = watch(Some(10), 150, |_| vec![(COSINE_BETWEEN, 0.99)]);
        assert_eq!(lints, [(99, "collapse")]);
        let lints = watch(Some(10), 150, |_| vec![(COSINE_BETWEEN, 0.2)]);
        assert_eq!(lints, []);
    }
}
