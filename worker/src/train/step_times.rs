//! Where the time of a step goes.

use std::time::Instant;

use burn::tensor::Device;

use crate::model::libtorch;

/// On CUDA one step in so many is timed: waiting for the device at each would hold it up.
const TIMED_ON_CUDA: u64 = 10;

/// Seconds that the parts of a step took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StepTimes {
    /// From bytes to the values of the objective.
    pub forward: f64,
    /// From those to the gradients.
    pub backward: f64,
    /// From those to the new weights, weight decay included.
    pub optimiser: f64,
}

impl StepTimes {
    /// With their tags.
    pub fn scalars(self) -> [(&'static str, f64); 3] {
        [
            ("time/forward", self.forward),
            ("time/backward", self.backward),
            ("time/optimiser", self.optimiser),
        ]
    }
}

/// Measures laps of work on a device.
pub(super) struct Stopwatch<'a> {
    device: &'a Device,
    /// When the last lap ended; none at a step that is not timed.
    last: Option<Instant>,
}

impl<'a> Stopwatch<'a> {
    pub(super) fn start(device: &'a Device, step: u64) -> Self {
        let timed = !libtorch::is_cuda(device) || step.is_multiple_of(TIMED_ON_CUDA);
        Self {
            device,
            last: timed.then(Instant::now),
        }
    }

    /// Seconds since the last lap, what the device still had to do included; 0 at a step that is not timed.
    pub(super) fn lap(&mut self) -> f64 {
        let Some(last) = self.last else {
            return 0.0;
        };
        // A device that can't be waited for is taken as done.
        let _ = self.device.sync();
        let now = Instant::now();
        self.last = Some(now);
        now.duration_since(last).as_secs_f64()
    }

    pub(super) fn is_running(&self) -> bool {
        self.last.is_some()
    }
}
