//! The learning rate of a step.

use facetui::config::{Decay, ScheduleOptions};

/// The rate of step `step` (from 0) of `steps`.
pub fn learning_rate(schedule: &ScheduleOptions, step: u64, steps: u64) -> f64 {
    if step < schedule.warmup_steps {
        let done = (step + 1) as f64 / schedule.warmup_steps as f64;
        return schedule.learning_rate * done;
    }
    match schedule.decay {
        Decay::Constant => schedule.learning_rate,
        Decay::Step => {
            let passed = schedule
                .boundaries
                .iter()
                .filter(|boundary| **boundary <= step)
                .count();
            match passed
                .checked_sub(1)
                .and_then(|last| schedule.rates.get(last))
            {
                Some(rate) => *rate,
                None => schedule.learning_rate,
            }
        }
        Decay::Cosine => {
            let turn = std::f64::consts::PI * done(schedule, step, steps);
            schedule.learning_rate * 0.5 * (1.0 + turn.cos())
        }
        Decay::Polynomial => {
            let left = 1.0 - done(schedule, step, steps);
            schedule.learning_rate * left.powf(schedule.power)
        }
    }
}

/// The share of the steps after warm-up that are done, 0..1.
fn done(schedule: &ScheduleOptions, step: u64, steps: u64) -> f64 {
    let span = steps.saturating_sub(schedule.warmup_steps).max(1) as f64;
    let done = step.saturating_sub(schedule.warmup_steps) as f64;
    (done / span).min(1.0)
}

/// Makes `rate` the rate from `step` on: of the part of the schedule that `step` lies in.
pub fn set_learning_rate(schedule: &mut ScheduleOptions, step: u64, rate: f64) {
    let passed = schedule
        .boundaries
        .iter()
        .filter(|boundary| **boundary <= step)
        .count();
    match schedule.decay {
        Decay::Step if passed > 0 && passed <= schedule.rates.len() => {
            schedule.rates[passed - 1] = rate;
        }
        _ => schedule.learning_rate = rate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(decay: Decay, warmup_steps: u64) -> ScheduleOptions {
        ScheduleOptions {
            momentum: 0.9,
            learning_rate: 1e-3,
            warmup_steps,
            decay,
            boundaries: vec![10, 20],
            rates: vec![5e-4, 1e-4],
            power: 2.0,
        }
    }

    #[test]
    fn step_decay_jumps_at_its_boundaries() {
        let schedule = schedule(Decay::Step, 0);
        let rates: Vec<f64> = [0, 9, 10, 19, 20, 99]
            .map(|step| learning_rate(&schedule, step, 100))
            .to_vec();
        assert_eq!(rates, [1e-3, 1e-3, 5e-4, 5e-4, 1e-4, 1e-4]);
    }

    #[test]
    fn warm_up_rises_to_the_rate_and_cosine_falls_to_zero() {
        let schedule = schedule(Decay::Cosine, 4);
        let rate = |step| learning_rate(&schedule, step, 104);
        assert!((rate(0) - 2.5e-4).abs() < 1e-12);
        assert!((rate(3) - 1e-3).abs() < 1e-12);
        assert!((rate(4) - 1e-3).abs() < 1e-12);
        assert!((rate(54) - 5e-4).abs() < 1e-12);
        assert!(rate(103) < 1e-6);
    }

    #[test]
    fn polynomial_decay_is_arcface_torchs() {
        // PolynomialLRWarmup with power 2, 100 steps, 4 of them warm-up, base rate 1e-3: what it gives after these steps.
        let schedule = schedule(Decay::Polynomial, 4);
        let rate = |step| learning_rate(&schedule, step, 100);
        for (step, left) in [(4, 96.0), (5, 95.0), (52, 48.0), (99, 1.0)] {
            let expected = 1e-3 * f64::powi(left / 96.0, 2);
            assert!(
                (rate(step) - expected).abs() < 1e-15,
                "{step}: {}",
                rate(step)
            );
        }
    }

    #[test]
    fn a_set_rate_holds_from_its_step_on() {
        for decay in [Decay::Constant, Decay::Step] {
            for step in [0, 15, 30] {
                let mut schedule = schedule(decay, 0);
                set_learning_rate(&mut schedule, step, 0.5);
                let rate = learning_rate(&schedule, step, 100);
                assert!((rate - 0.5).abs() < 1e-12, "{decay:?} at {step}: {rate}");
            }
        }
    }
}
