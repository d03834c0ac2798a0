//! A stream of random numbers that are the same on every machine: no function of the system's mathematics
//! library is involved.

use crate::data::random::{Purpose, mix, random};

/// Random numbers for one purpose and place.
#[derive(Debug, Clone)]
pub(super) struct Stream(u64);

impl Stream {
    pub fn new(seed: u64, purpose: Purpose, first: u64, second: u64) -> Self {
        Self(random(seed, purpose, first, second))
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Evenly from 0 up to 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 24) as f32
    }

    /// Evenly between two numbers.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// About normal with deviation 1, never beyond ±3.5: the sum of four even numbers.
    pub fn normal(&mut self) -> f32 {
        (self.unit() + self.unit() + self.unit() + self.unit() - 2.0) * 1.732
    }

    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// A whole number below `count`, which is above 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.bits() % count.max(1) as u64) as usize
    }
}
