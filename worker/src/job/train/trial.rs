//! Steps of a network of their own on made-up images, to see what they take.

use facetui::{
    config::Recipe,
    data::{Batch, size_of},
};

use crate::{model::device::NamedDevice, train::trainer::Trainer};

/// A training that nobody keeps.
pub(super) struct Trial {
    recipe: Recipe,
    trainer: Trainer,
    batch: Batch,
    step: u64,
}

impl Trial {
    /// With batches of `count` images of up to `classes` people, two images of each.
    pub(super) fn new(recipe: Recipe, classes: u32, device: &NamedDevice, count: usize) -> Self {
        let (height, width) = size_of(recipe.input.crop);
        let batch = Batch {
            step: 0,
            epoch: 0,
            images: (0..count * height * width * 3)
                .map(|place| (place % 251) as u8)
                .collect(),
            height,
            width,
            labels: (0..count as u32).map(|image| image / 2 % classes).collect(),
            indices: vec![0; count],
            broken: Vec::new(),
            sets: Vec::new(),
        };
        Self {
            trainer: Trainer::new(&recipe, classes as usize, &device.device),
            recipe,
            batch,
            step: 0,
        }
    }

    /// One step, the device's work included.
    pub(super) fn step(&mut self) {
        // What the numbers are doesn't matter here, not even whether they are numbers.
        let _ = self.trainer.step(&self.recipe, self.step, &self.batch);
        let _ = self.trainer.device.sync();
        self.step += 1;
    }
}
